/* What an expression is about to do: to whom, from whom, how long. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "engine/packet_impl.h"
#include "pkt/packet.h"
#include "pkt/view.h"

/* More than any headers in a row that somebody would want. */
#define REPEATED 256u

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

	f->dst.port = v->dst.port;
	if (!v->l4_off)
		return;
	f->echo = sp_view_echo_request(v);
	if (v->proto == SP_PROTO_TCP || v->proto == SP_PROTO_UDP || v->proto == SP_PROTO_SCTP)
		f->src_varies |= sp_packet_varies(t, l4, 2);
}

static int look_at_ip(const struct sp_packet *p, const struct sp_template *t,
		      struct sp_arena *arena, struct sp_packet_facts *f,
		      struct sp_packet_seen *seen, struct sp_err *err)
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
	f->src_varies = sp_packet_varies(t, src, bytes);
	look_at_l4(t, &v, f);
	if (f->src_given)
		rc = sp_packet_ranges(t, src, bytes, &seen->src, err);
	return rc ? rc : sp_packet_ranges(t, dst, bytes, &seen->to, err);
}

/* Bare octets behind an IP type are IP to whoever gets them. */
static int look_at_octets(const struct sp_template *t, struct sp_arena *arena,
			  struct sp_packet_facts *f, struct sp_err *err)
{
	struct sp_view v;
	int rc = view_of(t, arena, &v, err);

	f->mac_given = true;
	if (rc || !v.dst.addr.family)
		return rc;
	f->ip = f->dst_given = f->src_given = true;
	f->family = v.dst.addr.family;
	f->dst = v.dst;
	return 0;
}

/* What an expression gives is repeated where the packet grows. */
static int repeat_payload(struct sp_template *t, struct sp_arena *arena, struct sp_err *err)
{
	uint32_t from = t->payload_off, n = t->len - from, more = REPEATED;
	uint8_t *octets;

	if (!t->payload_given || t->fixed || !n)
		return 0;
	octets = sp_arena_alloc(arena, t->len + more);
	if (!octets)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	memcpy(octets, t->octets, t->len);
	for (uint32_t i = 0; i < more; i++)
		octets[t->len + i] = t->octets[from + i % n];
	t->octets = octets;
	t->len += more;
	return 0;
}

static int look_inside(const struct sp_packet *p, const struct sp_template *t,
		       struct sp_arena *arena, struct sp_packet_seen *seen, struct sp_err *err)
{
	struct sp_template whole = *t;
	int rc = repeat_payload(&whole, arena, err);

	return rc ? rc : sp_packet_inside(p, &whole, ip_node(p), seen, err);
}

static int look(struct sp_packet *p, const struct sp_template *t, struct sp_arena *arena,
		struct sp_packet_facts *f, struct sp_err *err)
{
	struct sp_packet_seen seen = { .src.arena = arena, .to.arena = arena };
	uint32_t prefix = t->link ? 0 : SP_ETH_LEN;
	int rc;

	*f = (struct sp_packet_facts){ .len = prefix + t->len, .fixed = t->fixed };
	f->head = t->fixed || t->payload_given ? f->len : prefix + t->payload_off;
	if (f->len > UINT16_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the packet has %u bytes, and a frame holds at most %u",
			       p->place, f->len, UINT16_MAX);
	f->mac_given = t->link && sp_node_given(&p->node[0], "dst");
	rc = ip_node(p) ? look_at_ip(p, t, arena, f, &seen, err)
			: look_at_octets(t, arena, f, err);
	if (!rc)
		rc = look_inside(p, t, arena, &seen, err);
	f->syn = seen.syn;
	f->src = seen.src.range;
	f->n_src = seen.src.n;
	f->to = seen.to.range;
	f->n_to = seen.to.n;
	return rc;
}

/* May the number at off, of so many octets, be one behind which an IP header, or a tag or label and
 * then one, is read? */
static bool may_lead_to_ip(const struct sp_template *t, uint32_t off, uint8_t bytes)
{
	static const uint16_t types[] = { SP_ETHER_IP4, SP_ETHER_IP6, 0x8100,
					  0x88a8,	0x8847,	      0x8848 };
	static const uint16_t protos[] = { 4, 41 };
	const uint16_t *list = bytes == 2 ? types : protos;
	size_t n = bytes == 2 ? sizeof types / sizeof *types : sizeof protos / sizeof *protos;
	bool may = false;

	for (size_t i = 0; i < n; i++)
		may |= sp_packet_may_be(t, off, bytes, bytes == 2 ? 0xffff : 0xff, list[i]);
	return may;
}

/* Where the number is that says what the payload is, right before it; 0 octets: nobody says. */
static uint8_t number_before(const struct sp_packet *p, const struct sp_template *t,
			     uint32_t *off)
{
	const char *last = p->node[p->n - 1].hdr->name;

	if (p->n > 1 && p->node[p->n - 1].hdr->bare)
		last = p->node[p->n - 2].hdr->name;
	if (strcmp(last, "ip") == 0 && t->payload_off >= 20) {
		*off = t->payload_off - 20 + 9; /* without options */
		return 1;
	}
	if (strcmp(last, "ipv6") == 0 && t->payload_off >= 40) {
		*off = t->payload_off - 40 + 6;
		return 1;
	}
	*off = t->payload_off - 2;
	return t->link && !ip_node(p) && t->payload_off >= SP_ETH_LEN ? 2 : 0;
}

/* The octets that decide where a frame goes are all of the expression: what a payload puts there
 * when it is sent, nobody has looked at. */
static int check_whole(const struct sp_packet *p, const struct sp_template *t,
		       struct sp_err *err)
{
	bool bare = !t->payload_given && !t->fixed;
	uint32_t off;
	uint8_t bytes = number_before(p, t, &off);

	if (t->link && strcmp(p->node[0].hdr->name, "eth") != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a frame begins with eth: write eth()/%s(...)", p->place,
			       p->node[0].hdr->name);
	if (!t->link && !t->ether_type)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a frame cannot begin with %s: Ethernet has no type for it; "
			       "write ip(...)/%s, or eth(...) with a type",
			       p->place, p->node[0].hdr->name, p->node[0].hdr->name);
	if (!bare || !bytes || !may_lead_to_ip(t, off, bytes))
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
