/* What an expression is about to do: to whom, from whom, how long. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "engine/packet.h"
#include "pkt/packet.h"
#include "pkt/view.h"

#define TCP_FLAGS 13u
#define SYN	  0x02
#define ACK	  0x10
#define IP4_PROTO 9u
#define IP6_NEXT  6u

static bool overlaps(const struct sp_place *p, uint32_t off, uint32_t bytes)
{
	return p->off < off + bytes && off < p->off + (uint32_t)p->bytes;
}

static bool varies(const struct sp_template *t, uint32_t off, uint32_t bytes)
{
	for (uint32_t i = 0; i < t->n_places; i++)
		if (overlaps(&t->place[i], off, bytes))
			return true;
	return false;
}

/* ---- ranges of an address ---- */

/* The least and the greatest value of a place, as they stand under its mask. */
static void bounds(const struct sp_place *p, uint64_t *least, uint64_t *most)
{
	uint64_t all = p->mask >> p->shift, span;

	*least = 0;
	*most = all;
	if (p->count && !__builtin_mul_overflow(p->count - 1, p->step, &span) &&
	    !__builtin_add_overflow(p->first, span, &span) && span <= all) {
		*least = p->first;
		*most = span;
	}
	*least = *least << p->shift & p->mask;
	*most = *most << p->shift & p->mask;
}

static void put_under_mask(uint8_t *octets, const struct sp_place *p, uint64_t v)
{
	for (unsigned i = p->bytes; i-- > 0; v >>= 8) {
		uint8_t mask = (uint8_t)(p->mask >> 8 * (p->bytes - 1u - i));

		octets[p->off + i] = (uint8_t)((octets[p->off + i] & ~mask) | (v & mask));
	}
}

static uint64_t row_of(const struct sp_place *p, uint64_t k)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < p->bytes; i++)
		v = v << 8 | p->table[k * p->bytes + i];
	return v;
}

/* Rows of the tables of an address, which step together; 1: there is none. */
static uint64_t table_rows(const struct sp_template *t, uint32_t off, uint32_t bytes)
{
	for (uint32_t i = 0; i < t->n_places; i++)
		if (overlaps(&t->place[i], off, bytes) && t->place[i].how == SP_VARY_TABLE)
			return t->place[i].count;
	return 1;
}

static void set_range(const struct sp_template *t, uint32_t off, uint8_t bytes, uint64_t row,
		      uint8_t *scratch, struct sp_guard_range *r)
{
	for (unsigned end = 0; end < 2; end++) {
		struct sp_addr *a = end ? &r->last : &r->first;

		memcpy(scratch, t->octets, t->len);
		for (uint32_t i = 0; i < t->n_places; i++) {
			const struct sp_place *p = &t->place[i];
			uint64_t v[2];

			if (!overlaps(p, off, bytes))
				continue;
			bounds(p, &v[0], &v[1]);
			if (p->how == SP_VARY_TABLE)
				v[0] = v[1] = row_of(p, row);
			put_under_mask(scratch, p, v[end]);
		}
		*a = (struct sp_addr){ .family = bytes == 4 ? 4 : 6 };
		memcpy(a->ip, scratch + off, bytes);
	}
}

static int ranges_of(const struct sp_template *t, uint32_t off, uint8_t bytes,
		     struct sp_arena *arena, struct sp_guard_range **out, unsigned *n,
		     struct sp_err *err)
{
	uint64_t rows = table_rows(t, off, bytes);
	uint8_t *scratch = sp_arena_alloc(arena, t->len + 1);

	if (rows > SP_PACKET_RANGES)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
			       "packet: more than %u addresses in a list", SP_PACKET_RANGES);
	*out = sp_arena_alloc(arena, rows * sizeof **out);
	if (!*out || !scratch)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (uint64_t k = 0; k < rows; k++)
		set_range(t, off, bytes, k, scratch, &(*out)[k]);
	*n = (unsigned)rows;
	return 0;
}

/* ---- the whole ---- */

static const struct sp_node *ip_node(const struct sp_packet *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (strcmp(p->node[i].hdr->name, "ip") == 0 ||
		    strcmp(p->node[i].hdr->name, "ipv6") == 0)
			return &p->node[i];
	return NULL;
}

/* The first header that is not the link's. */
static const struct sp_node *not_a_link(const struct sp_packet *p)
{
	unsigned i = 0;

	while (i + 1 < p->n && p->node[i].hdr->link)
		i++;
	return &p->node[i];
}

/* As a frame: what the view says of it. */
static int view_of(const struct sp_template *t, struct sp_arena *arena, struct sp_view *v,
		   struct sp_err *err)
{
	uint32_t prefix = t->link ? 0 : SP_ETH_LEN;
	uint8_t *frame = sp_arena_alloc(arena, prefix + t->len + 1);

	if (!frame)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (prefix)
		sp_put_be16(frame + 12, t->ether_type);
	memcpy(frame + prefix, t->octets, t->len);
	*v = (struct sp_view){ 0 };
	sp_view(frame, prefix + t->len, false, SP_CSUM_UNKNOWN, v);
	return 0;
}

static void look_at_l4(const struct sp_template *t, const struct sp_view *v,
		       struct sp_packet_facts *f)
{
	uint32_t prefix = t->link ? 0 : SP_ETH_LEN, l4 = v->l4_off - prefix;
	uint32_t proto = t->l3_off + (f->family == 4 ? IP4_PROTO : IP6_NEXT);

	f->dst.port = v->dst.port;
	f->syn = varies(t, proto, 1);
	if (!v->l4_off)
		return;
	f->echo = sp_view_echo_request(v);
	if (v->proto == SP_PROTO_TCP)
		f->syn |= (v->tcp_flags & (SYN | ACK)) == SYN || varies(t, l4 + TCP_FLAGS, 1);
	if (v->proto == SP_PROTO_TCP || v->proto == SP_PROTO_UDP || v->proto == SP_PROTO_SCTP)
		f->src_varies |= varies(t, l4, 2);
}

static int look_at_ip(const struct sp_packet *p, const struct sp_template *t,
		      struct sp_arena *arena, struct sp_packet_facts *f, struct sp_err *err)
{
	const struct sp_node *ip = ip_node(p);
	const struct sp_node *below = not_a_link(p);
	uint8_t bytes = strcmp(ip->hdr->name, "ip") == 0 ? 4 : 16;
	uint32_t src = t->l3_off + (bytes == 4 ? 12 : 8),
		 dst = t->l3_off + (bytes == 4 ? 16 : 24);
	struct sp_view v;
	int rc = view_of(t, arena, &v, err);

	if (below != ip)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s stands below %s: nobody could tell where such a frame "
			       "goes",
			       p->place, below->hdr->name, ip->hdr->name);
	f->ip = true;
	f->family = bytes == 4 ? 4 : 6;
	f->src_given = sp_node_given(ip, "src");
	f->dst_given = sp_node_given(ip, "dst");
	if (rc)
		return rc;
	if (dst + bytes > t->len)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: its IP header is cut",
			       p->place);
	f->dst.addr.family = f->family;
	memcpy(f->dst.addr.ip, t->octets + dst, bytes);
	f->src_varies = varies(t, src, bytes);
	look_at_l4(t, &v, f);
	if (f->src_given)
		rc = ranges_of(t, src, bytes, arena, &f->src, &f->n_src, err);
	return rc ? rc : ranges_of(t, dst, bytes, arena, &f->to, &f->n_to, err);
}

/* Bare octets behind an IP type are IP to whoever gets them. */
static int look_at_octets(const struct sp_template *t, struct sp_arena *arena,
			  struct sp_packet_facts *f, struct sp_err *err)
{
	struct sp_guard_range *r = sp_arena_alloc(arena, 2 * sizeof *r);
	struct sp_view v;
	int rc = r ? view_of(t, arena, &v, err)
		   : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");

	f->mac_given = true;
	if (rc || !v.dst.addr.family)
		return rc;
	r[0].first = r[0].last = v.dst.addr;
	r[1].first = r[1].last = v.src.addr;
	f->ip = f->dst_given = f->src_given = true;
	f->family = v.dst.addr.family;
	f->dst = v.dst;
	f->syn = v.proto == SP_PROTO_TCP && (v.tcp_flags & (SYN | ACK)) == SYN;
	f->to = &r[0];
	f->src = &r[1];
	f->n_to = f->n_src = 1;
	return 0;
}

static int look(struct sp_packet *p, const struct sp_template *t, struct sp_arena *arena,
		struct sp_packet_facts *f, struct sp_err *err)
{
	uint32_t prefix = t->link ? 0 : SP_ETH_LEN;

	*f = (struct sp_packet_facts){ .len = prefix + t->len, .fixed = t->fixed };
	f->head = t->fixed || t->payload_given ? f->len : prefix + t->payload_off;
	if (f->len > UINT16_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the packet has %u bytes, and a frame holds at most %u",
			       p->place, f->len, UINT16_MAX);
	f->mac_given = t->link && sp_node_given(&p->node[0], "dst");
	if (ip_node(p))
		return look_at_ip(p, t, arena, f, err);
	return look_at_octets(t, arena, f, err);
}

/* Is this a type behind which Ethernet has an IP header, or a tag and then one? */
static bool leads_to_ip(uint64_t type)
{
	return type == SP_ETHER_IP4 || type == SP_ETHER_IP6 || type == 0x8100 || type == 0x88a8;
}

static bool may_lead_to_ip(const struct sp_template *t, uint32_t off)
{
	bool may = leads_to_ip(sp_get_be16(t->octets + off));

	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];

		if (!overlaps(p, off, 2))
			continue;
		if (p->how != SP_VARY_TABLE)
			return true;
		for (uint64_t k = 0; k < p->count; k++)
			may |= leads_to_ip(row_of(p, k));
	}
	return may;
}

/* The octets that decide where a frame goes are all of the expression: what a payload puts there
 * when it is sent, nobody has looked at. */
static int check_whole(const struct sp_packet *p, const struct sp_template *t,
		       struct sp_err *err)
{
	bool bare = !t->payload_given && !t->fixed;

	if (t->link && strcmp(p->node[0].hdr->name, "eth") != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a frame begins with eth: write eth()/%s(...)", p->place,
			       p->node[0].hdr->name);
	if (!t->link || ip_node(p) || !bare || t->payload_off < SP_ETH_LEN ||
	    !may_lead_to_ip(t, t->payload_off - 2))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: its payload would be read as an IP header, and nobody could tell "
		       "where such a frame goes; write ip(...), or its octets behind the type",
		       p->place);
}

/* A target stands for the one that is not known yet. */
static int fill(struct sp_packet *p, const struct sp_endpoint *to, struct sp_err *err)
{
	const struct sp_node *ip = ip_node(p);
	char text[64];

	if (!ip || sp_node_given(ip, "dst") || !to->addr.family)
		return 0;
	if (to->addr.family != (strcmp(ip->hdr->name, "ip") == 0 ? 4 : 6))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the target %s is not of the family of %s", p->place,
			       sp_addr_format(text, sizeof text, &to->addr), ip->hdr->name);
	return sp_packet_set(p, sp_packet_node(p, ip->hdr->name, 0), "dst",
			     sp_addr_format(text, sizeof text, &to->addr), err);
}

int sp_packet_look(const char *text, const char *place, const struct sp_endpoint *to,
		   const struct sp_catalog *catalog, struct sp_arena *arena,
		   struct sp_packet_facts *f, struct sp_err *err)
{
	struct sp_endpoint plain = *to;
	struct sp_template t = { 0 };
	struct sp_packet *p;
	bool given;
	int rc = sp_packet_parse(&p, text, place, catalog->hdr, arena->mem, err);

	if (rc)
		return rc;
	given = ip_node(p) && sp_node_given(ip_node(p), "dst");
	plain.addr.scope = 0;
	rc = fill(p, &plain, err);
	if (!rc)
		rc = sp_packet_compile(p, &t, err);
	if (!rc)
		rc = check_whole(p, &t, err);
	if (!rc)
		rc = look(p, &t, arena, f, err);
	if (!rc && ip_node(p))
		f->dst_given = given;
	sp_template_free(&t);
	sp_packet_free(p);
	return rc;
}
