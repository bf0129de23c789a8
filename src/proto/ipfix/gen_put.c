/* Messages of NetFlow v5 (Cisco), v9 (RFC 3954) and IPFIX (RFC 7011). */
#include <errno.h>

#include "proto/ipfix/gen.h"

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_S      INT64_C(1000000000)
#define V5_HEADER     24u
#define V5_RECORD     48u
#define V5_MOST	      30u
#define V9_HEADER     20u
#define IPFIX_HEADER  16u
#define SET_HEADER    4u
#define DATA_ID	      256u /* of IPv4; one more of IPv6 */
#define OPTIONS_ID    512u
#define OPTIONS_BYTES 9u    /* of a record: the scope, interval, algorithm */
#define FRAME_ROOM    1452u /* of an Ethernet frame, IPv6 and UDP below */
#define MOST_BYTES    65507u

/* IPFIX information elements (IANA), which NetFlow v9's fields are. */
enum {
	IE_BYTES = 1,
	IE_PACKETS = 2,
	IE_PROTO = 4,
	IE_TOS = 5,
	IE_FLAGS = 6,
	IE_SRC_PORT = 7,
	IE_SRC4 = 8,
	IE_SRC4_MASK = 9,
	IE_IN = 10,
	IE_DST_PORT = 11,
	IE_DST4 = 12,
	IE_DST4_MASK = 13,
	IE_OUT = 14,
	IE_NEXT4 = 15,
	IE_SRC_AS = 16,
	IE_DST_AS = 17,
	IE_LAST_UP = 21,
	IE_FIRST_UP = 22,
	IE_SRC6 = 27,
	IE_DST6 = 28,
	IE_SRC6_MASK = 29,
	IE_DST6_MASK = 30,
	IE_SAMPLING = 34,
	IE_SAMPLING_HOW = 35,
	IE_NEXT6 = 62,
	IE_DOMAIN = 149,
	IE_START_MS = 152,
	IE_END_MS = 153,
};

struct field {
	uint16_t id, len;
};

/* In wire order; what an address family or version has not is left out. */
static const struct field fields[] = {
	{ IE_SRC4, 4 },	     { IE_DST4, 4 },	  { IE_NEXT4, 4 },     { IE_SRC6, 16 },
	{ IE_DST6, 16 },     { IE_NEXT6, 16 },	  { IE_IN, 4 },	       { IE_OUT, 4 },
	{ IE_PACKETS, 8 },   { IE_BYTES, 8 },	  { IE_FIRST_UP, 4 },  { IE_LAST_UP, 4 },
	{ IE_START_MS, 8 },  { IE_END_MS, 8 },	  { IE_SRC_PORT, 2 },  { IE_DST_PORT, 2 },
	{ IE_FLAGS, 1 },     { IE_PROTO, 1 },	  { IE_TOS, 1 },       { IE_SRC4_MASK, 1 },
	{ IE_DST4_MASK, 1 }, { IE_SRC6_MASK, 1 }, { IE_DST6_MASK, 1 }, { IE_SRC_AS, 4 },
	{ IE_DST_AS, 4 },
};
#define N_FIELDS (sizeof fields / sizeof *fields)
_Static_assert(N_FIELDS == SP_IPFIX_GEN_FIELDS, "room in struct sp_ipfix_gen");

static bool has(const struct sp_ipfix_gen *g, uint16_t id)
{
	bool six = g->model.src.addr.family == 6, v9 = g->version == 9;

	switch (id) {
	case IE_SRC4:
	case IE_DST4:
	case IE_NEXT4:
	case IE_SRC4_MASK:
	case IE_DST4_MASK:
		return !six;
	case IE_SRC6:
	case IE_DST6:
	case IE_NEXT6:
	case IE_SRC6_MASK:
	case IE_DST6_MASK:
		return six;
	case IE_FIRST_UP:
	case IE_LAST_UP:
		return v9;
	case IE_START_MS:
	case IE_END_MS:
		return !v9;
	default:
		return true;
	}
}

static void choose_fields(struct sp_ipfix_gen *g)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (has(g, fields[i].id)) {
			g->field[g->n_fields++] = (uint8_t)i;
			g->record_len += fields[i].len;
		}
}

static uint32_t padded(uint32_t len)
{
	return (len + 3) / 4 * 4;
}

/* All of a message that is no flow record. */
static uint32_t overhead(const struct sp_ipfix_gen *g)
{
	uint32_t tmpl = SET_HEADER + 4 + 4 * g->n_fields;
	uint32_t options = SET_HEADER + 20 + SET_HEADER + padded(OPTIONS_BYTES);

	return (g->version == 9 ? V9_HEADER : IPFIX_HEADER) + tmpl +
	       (g->sampling > 1 ? options : 0) + SET_HEADER + 3;
}

uint32_t sp_ipfix_gen_longest(const struct sp_ipfix_gen *g)
{
	if (g->version == 5)
		return V5_HEADER + g->flows * V5_RECORD;
	return overhead(g) + g->flows * g->record_len;
}

int sp_ipfix_gen_init(struct sp_ipfix_gen *g, const struct sp_ipfix_gen_conf *c,
		      uint16_t version, uint64_t seed, struct sp_err *err)
{
	uint32_t most;
	int rc;

	*g = (struct sp_ipfix_gen){ .version = version,
				    .domain = (uint32_t)c->domain,
				    .domains = (uint32_t)c->domains,
				    .sampling = (uint32_t)c->sampling,
				    .template_packets = c->template_packets };
	rc = sp_ipfix_gen_model(&g->model, c, seed, err);
	if (rc)
		return rc;
	if (version == 5 && g->model.src.addr.family == 6)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "NetFlow v5 knows no IPv6; give IPv4 prefixes, or use netflow9 "
			       "or ipfix");
	if (version == 5 && c->domain + c->domains > 256)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "NetFlow v5 has engine numbers of 8 bits; domains %llu from "
			       "%llu on are too many",
			       (unsigned long long)c->domains, (unsigned long long)c->domain);
	if (version == 5 && c->sampling > 16383)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "NetFlow v5 has sampling intervals up to 16383");
	choose_fields(g);
	most = version == 5 ? V5_MOST : (MOST_BYTES - overhead(g)) / g->record_len;
	g->flows = version == 5 ? V5_MOST : (FRAME_ROOM - overhead(g)) / g->record_len;
	if (c->flows > most)
		return sp_fail(err, -EMSGSIZE, SP_EXIT_USAGE,
			       "flows %llu is too many: a message holds at most %u",
			       (unsigned long long)c->flows, most);
	if (c->flows)
		g->flows = (uint32_t)c->flows;
	return 0;
}

bool sp_ipfix_gen_templates_due(const struct sp_ipfix_gen *g, uint64_t unit)
{
	uint64_t own = unit / g->domains; /* each domain has its templates */

	return g->version != 5 &&
	       (own == 0 || (g->template_packets && own % g->template_packets == 0));
}

/* Records of options data that left before, by the domain of unit. */
static uint64_t options_before(const struct sp_ipfix_gen *g, uint64_t own)
{
	if (g->sampling <= 1 || !own)
		return 0;
	return g->template_packets ? (own + g->template_packets - 1) / g->template_packets : 1;
}

/* ---- sets ---- */

static void put_template(const struct sp_ipfix_gen *g, uint16_t id, struct sp_wr *w)
{
	sp_wr_be16(w, g->version == 9 ? 0 : 2);
	sp_wr_be16(w, (uint16_t)(SET_HEADER + 4 + 4 * g->n_fields));
	sp_wr_be16(w, id);
	sp_wr_be16(w, (uint16_t)g->n_fields);
	for (uint32_t i = 0; i < g->n_fields; i++) {
		sp_wr_be16(w, fields[g->field[i]].id);
		sp_wr_be16(w, fields[g->field[i]].len);
	}
}

/* The sampling interval: who (v9: the system; IPFIX: the domain), how often, how. */
static void put_options_template(const struct sp_ipfix_gen *g, struct sp_wr *w)
{
	bool v9 = g->version == 9;

	sp_wr_be16(w, v9 ? 1 : 3);
	sp_wr_be16(w, SET_HEADER + 20);
	sp_wr_be16(w, OPTIONS_ID);
	sp_wr_be16(w, v9 ? 4 : 3); /* v9: bytes of the scope; IPFIX: fields, scope included */
	sp_wr_be16(w, v9 ? 8 : 1); /* v9: bytes of the options; IPFIX: fields of the scope */
	sp_wr_be16(w, v9 ? 1 : IE_DOMAIN);
	sp_wr_be16(w, 4);
	sp_wr_be16(w, IE_SAMPLING);
	sp_wr_be16(w, 4);
	sp_wr_be16(w, IE_SAMPLING_HOW);
	sp_wr_be16(w, 1);
	sp_wr_be16(w, 0); /* padding */
}

static void put_options(const struct sp_ipfix_gen *g, uint32_t domain, struct sp_wr *w)
{
	sp_wr_be16(w, OPTIONS_ID);
	sp_wr_be16(w, (uint16_t)(SET_HEADER + padded(OPTIONS_BYTES)));
	sp_wr_be32(w, g->version == 9 ? 0 : domain);
	sp_wr_be32(w, g->sampling);
	sp_wr_u8(w, 1); /* deterministic */
	sp_wr_u8(w, 0);
	sp_wr_be16(w, 0);
}

static void put_addr(const struct sp_addr *a, struct sp_wr *w)
{
	sp_wr_bytes(w, a->ip, a->family == 6 ? 16 : 4);
}

/* Milliseconds since the exporter's start, or since 1970, so long before now. */
static uint64_t ms_at(int64_t now_ns, uint32_t before_ms, int64_t since_ns)
{
	int64_t ms = (now_ns - since_ns) / NS_PER_MS - (int64_t)before_ms;

	return ms > 0 ? (uint64_t)ms : 0;
}

static void put_field(const struct sp_ipfix_gen *g, uint16_t id,
		      const struct sp_ipfix_gen_flow *f, int64_t now_ns, struct sp_wr *w)
{
	switch (id) {
	case IE_SRC4:
	case IE_SRC6:
		put_addr(&f->src, w);
		return;
	case IE_DST4:
	case IE_DST6:
		put_addr(&f->dst, w);
		return;
	case IE_NEXT4:
	case IE_NEXT6:
		put_addr(&f->next_hop, w);
		return;
	case IE_IN:
		sp_wr_be32(w, f->in);
		return;
	case IE_OUT:
		sp_wr_be32(w, f->out);
		return;
	case IE_PACKETS:
		sp_wr_be64(w, f->packets);
		return;
	case IE_BYTES:
		sp_wr_be64(w, f->bytes);
		return;
	case IE_FIRST_UP:
		sp_wr_be32(w, (uint32_t)ms_at(now_ns, f->begin_ms, g->boot_ns));
		return;
	case IE_LAST_UP:
		sp_wr_be32(w, (uint32_t)ms_at(now_ns, f->end_ms, g->boot_ns));
		return;
	case IE_START_MS:
		sp_wr_be64(w, ms_at(now_ns, f->begin_ms, 0));
		return;
	case IE_END_MS:
		sp_wr_be64(w, ms_at(now_ns, f->end_ms, 0));
		return;
	case IE_SRC_PORT:
		sp_wr_be16(w, f->src_port);
		return;
	case IE_DST_PORT:
		sp_wr_be16(w, f->dst_port);
		return;
	case IE_FLAGS:
		sp_wr_u8(w, f->flags);
		return;
	case IE_PROTO:
		sp_wr_u8(w, f->proto);
		return;
	case IE_TOS:
		sp_wr_u8(w, f->tos);
		return;
	case IE_SRC4_MASK:
	case IE_SRC6_MASK:
		sp_wr_u8(w, f->src_mask);
		return;
	case IE_DST4_MASK:
	case IE_DST6_MASK:
		sp_wr_u8(w, f->dst_mask);
		return;
	case IE_SRC_AS:
		sp_wr_be32(w, f->src_as);
		return;
	case IE_DST_AS:
		sp_wr_be32(w, f->dst_as);
		return;
	default:
		return;
	}
}

static void put_data(const struct sp_ipfix_gen *g, uint16_t id, uint64_t unit, int64_t now_ns,
		     struct sp_wr *w)
{
	struct sp_ipfix_gen_flow f;
	uint32_t len = g->flows * g->record_len;

	sp_wr_be16(w, id);
	sp_wr_be16(w, (uint16_t)(SET_HEADER + padded(len)));
	for (uint32_t k = 0; k < g->flows; k++) {
		sp_ipfix_gen_flow(&g->model, unit * g->flows + k, &f);
		for (uint32_t i = 0; i < g->n_fields; i++)
			put_field(g, fields[g->field[i]].id, &f, now_ns, w);
	}
	for (; len % 4; len++)
		sp_wr_u8(w, 0);
}

/* ---- messages ---- */

static void put_v5_record(const struct sp_ipfix_gen *g, const struct sp_ipfix_gen_flow *f,
			  int64_t now_ns, struct sp_wr *w)
{
	put_addr(&f->src, w);
	put_addr(&f->dst, w);
	put_addr(&f->next_hop, w);
	sp_wr_be16(w, (uint16_t)f->in);
	sp_wr_be16(w, (uint16_t)f->out);
	sp_wr_be32(w, (uint32_t)f->packets);
	sp_wr_be32(w, (uint32_t)f->bytes);
	sp_wr_be32(w, (uint32_t)ms_at(now_ns, f->begin_ms, g->boot_ns));
	sp_wr_be32(w, (uint32_t)ms_at(now_ns, f->end_ms, g->boot_ns));
	sp_wr_be16(w, f->src_port);
	sp_wr_be16(w, f->dst_port);
	sp_wr_u8(w, 0);
	sp_wr_u8(w, f->flags);
	sp_wr_u8(w, f->proto);
	sp_wr_u8(w, f->tos);
	sp_wr_be16(w, (uint16_t)f->src_as);
	sp_wr_be16(w, (uint16_t)f->dst_as);
	sp_wr_u8(w, f->src_mask);
	sp_wr_u8(w, f->dst_mask);
	sp_wr_be16(w, 0);
}

static void put_v5(const struct sp_ipfix_gen *g, uint64_t unit, int64_t now_ns, struct sp_wr *w)
{
	struct sp_ipfix_gen_flow f;

	sp_wr_be16(w, 5);
	sp_wr_be16(w, (uint16_t)g->flows);
	sp_wr_be32(w, (uint32_t)ms_at(now_ns, 0, g->boot_ns));
	sp_wr_be32(w, (uint32_t)(now_ns / NS_PER_S));
	sp_wr_be32(w, (uint32_t)(now_ns % NS_PER_S));
	sp_wr_be32(w, (uint32_t)(unit / g->domains * g->flows));
	sp_wr_u8(w, 0);
	sp_wr_u8(w, (uint8_t)(g->domain + unit % g->domains));
	sp_wr_be16(w, g->sampling > 1 ? (uint16_t)(0x4000u | g->sampling) : 0);
	for (uint32_t k = 0; k < g->flows; k++) {
		sp_ipfix_gen_flow(&g->model, unit * g->flows + k, &f);
		put_v5_record(g, &f, now_ns, w);
	}
}

void sp_ipfix_gen_put(const struct sp_ipfix_gen *g, uint64_t unit, int64_t now_ns,
		      bool templates, struct sp_wr *w)
{
	uint64_t own = unit / g->domains;
	uint32_t domain = g->domain + (uint32_t)(unit % g->domains);
	uint16_t id = (uint16_t)(DATA_ID + (g->model.src.addr.family == 6));
	bool options = g->sampling > 1 && sp_ipfix_gen_templates_due(g, unit);
	bool sampled = g->sampling > 1 && templates;
	uint8_t *head = w->p;

	if (g->version == 5) {
		put_v5(g, unit, now_ns, w);
		return;
	}
	sp_wr_be16(w, g->version);
	if (g->version == 9) {
		sp_wr_be16(w, (uint16_t)(g->flows + templates + sampled + options));
		sp_wr_be32(w, (uint32_t)ms_at(now_ns, 0, g->boot_ns));
		sp_wr_be32(w, (uint32_t)(now_ns / NS_PER_S));
		sp_wr_be32(w, (uint32_t)own);
	} else {
		sp_wr_be16(w, 0);
		sp_wr_be32(w, (uint32_t)(now_ns / NS_PER_S));
		sp_wr_be32(w, (uint32_t)(own * g->flows + options_before(g, own)));
	}
	sp_wr_be32(w, domain);
	if (templates)
		put_template(g, id, w);
	if (sampled)
		put_options_template(g, w);
	if (options)
		put_options(g, domain, w);
	put_data(g, id, unit, now_ns, w);
	if (g->version != 9 && !w->bad)
		sp_put_be16(head + 2, (uint16_t)(w->p - head));
}
