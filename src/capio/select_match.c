/* Do the headers of a packet have what is asked for? */
#include <errno.h>
#include <string.h>

#include "capio/select_impl.h"
#include "capio/select_text.h"
#include "pkt/build.h"

/* ---- HOT: the outermost headers ---- */

/* False: the packet ends before. */
static bool read_bits(const struct sp_cap_packet *p, uint32_t from, struct sp_select_place at,
		      sp_u128 *out)
{
	uint64_t first = (uint64_t)from * 8 + at.off;
	sp_u128 v = 0;

	if (!at.bits || first + at.bits > (uint64_t)p->len * 8)
		return false;
	for (uint64_t bit = first; bit < first + at.bits;) {
		unsigned skip = (unsigned)(bit % 8), take = 8 - skip;
		unsigned octet = p->data[bit / 8] & (0xffu >> skip);

		if (take > first + at.bits - bit) {
			unsigned less = take - (unsigned)(first + at.bits - bit);

			octet >>= less;
			take -= less;
		}
		v = v << take | octet;
		bit += take;
	}
	*out = v;
	return true;
}

static bool in_spans(const struct sp_select_field *f, unsigned k, sp_u128 v)
{
	for (const struct sp_select_span *s = f->spans; s; s = s->next)
		if (s->of[k].has && v >= s->of[k].first && v <= s->of[k].last)
			return true;
	return false;
}

/* Has the outermost header of that kind one of the values? */
static bool has_outer(const struct sp_select_field *f, const struct sp_cap_packet *p,
		      const struct sp_view *v)
{
	unsigned k = f->kind == SP_SELECT_IP && v->src.addr.family == 6;
	struct sp_select_place at = f->of[k].at;
	sp_u128 got;

	if (!v->src.addr.family)
		return false;
	if (f->kind == SP_SELECT_IP && k && f->of[k].field &&
	    strcmp(f->of[k].field->name, "nh") == 0)
		got = v->proto; /* behind all extension headers */
	else if (f->kind == SP_SELECT_IP) {
		if (!read_bits(p, v->l3_off, at, &got))
			return false;
	} else if (v->proto != (f->kind == SP_SELECT_TCP ? SP_PROTO_TCP : SP_PROTO_UDP)) {
		return false;
	} else if (at.off < 32 && (v->src.port || v->dst.port)) {
		got = at.off ? v->dst.port : v->src.port; /* known of a fragmented one, too */
	} else if (!v->l4_off || v->frag_off || !read_bits(p, v->l4_off, at, &got)) {
		return false;
	}
	return in_spans(f, k, got);
}

bool sp_select_match(const struct sp_select *s, const struct sp_cap_packet *p,
		     const struct sp_cap_view *v)
{
	for (const struct sp_select_field *f = s->fields; f; f = f->next)
		if (has_outer(f, p, &v->v) == f->not )
			return false;
	return true;
}

/* ---- any header ---- */

static sp_u128 bits_at(const uint8_t *octets, uint32_t bit, unsigned width)
{
	sp_u128 v = 0;

	for (unsigned i = 0; i < width; i++, bit++)
		v = v << 1 | (octets[bit / 8] >> (7 - bit % 8) & 1);
	return v;
}

/* Several fields may have the name, each there or not. */
static bool is_named(const struct sp_select_field *f, unsigned k, const struct sp_field *field)
{
	return sp_name_is(f->name, strlen(f->name), field->name, field->aliases) ||
	       strcmp(field->name, f->of[k].field->name) == 0;
}

static bool node_has(const struct sp_select_field *f, unsigned k, const struct sp_packet *p,
		     unsigned layer, const struct sp_build *b)
{
	const struct sp_node *n = &p->node[layer];

	for (unsigned i = 0; i < n->n_fields; i++) {
		const struct sp_field *field = &n->fields[i];

		if (field->bits && is_named(f, k, field) && sp_node_has(n, i) &&
		    in_spans(f, k, bits_at(b->octets, b->pos[layer][i], field->bits)))
			return true;
	}
	return false;
}

static bool has_any(const struct sp_select_field *f, const struct sp_packet *p,
		    const struct sp_build *b)
{
	for (unsigned layer = 0; layer < p->n; layer++)
		for (unsigned k = 0; k < 2; k++)
			if (f->of[k].field && p->node[layer].hdr == f->of[k].hdr &&
			    node_has(f, k, p, layer, b))
				return true;
	return false;
}

/* Decoded when it is needed first. */
static int decode(struct sp_selector *w, const struct sp_cap_packet *p,
		  const struct sp_cap_view *c, struct sp_packet **out)
{
	bool ethernet = p->link == SP_LINK_ETHERNET;
	uint32_t from = ethernet ? 0 : c->v.l3_off, len = p->len - from;
	struct sp_err err = { 0 };
	int rc;

	*out = NULL;
	if (!len || (!ethernet && !c->v.src.addr.family))
		return 0;
	rc = sp_packet_decode(out, p->data + from, len < SP_PACKET_MAX ? len : SP_PACKET_MAX,
			      ethernet ? "eth" : NULL, w->hdr, w->mem, &err);
	if (rc)
		return rc;
	rc = sp_build_packet(w->build, *out, &err);
	if (!rc)
		return 0;
	/* What was decoded can be built; what cannot has no fields. */
	sp_packet_free(*out);
	*out = NULL;
	return rc == -ENOMEM ? rc : 0;
}

int sp_selector_takes(struct sp_selector *w, const struct sp_cap_packet *p,
		      const struct sp_cap_view *c)
{
	struct sp_packet *packet = NULL;
	bool decoded = false, wanted = true, has;
	int rc = 0;

	for (const struct sp_select_field *f = w->select.fields; f && wanted; f = f->next) {
		has = f->kind != SP_SELECT_ANY && has_outer(f, p, &c->v);
		if (!has && !decoded) {
			decoded = true;
			rc = decode(w, p, c, &packet);
			if (rc)
				break;
		}
		has = has || (packet && has_any(f, packet, w->build));
		wanted = has != f->not ;
	}
	if (packet)
		sp_packet_free(packet);
	return rc ? rc : wanted;
}
