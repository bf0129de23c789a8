/* What flows are like: addresses from two prefixes, ports, sizes with a heavy tail. */
#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "proto/ipfix/gen.h"

#define FIRST_PORT 1024u
#define PORTS	   (65536u - FIRST_PORT)
#define AS_BASE	   64496u /* RFC 5398, and those for private use behind them */
#define HOST_BITS  32u	  /* of a prefix, at most */
#define ROUNDS	   4u

/* The first number of splitmix64 from this state. */
static uint64_t mix(uint64_t x)
{
	return sp_mix64(x + SP_MIX64_STEP);
}

/* A permutation of 0 .. n - 1: a Feistel network over the next even number of bits, walked until
 * it is back inside (Black, Rogaway 2002). */
static uint64_t permute(uint64_t seed, uint64_t n, uint64_t x)
{
	unsigned half = 1;

	while (half < 32 && UINT64_C(1) << (2 * half) < n)
		half++;
	do {
		uint64_t mask = (UINT64_C(1) << half) - 1, l = x >> half, r = x & mask, t;

		for (unsigned i = 0; i < ROUNDS; i++) {
			t = l ^ (mix(seed + i * 0x51ull + (r << 8)) & mask);
			l = r;
			r = t;
		}
		x = l << half | r;
	} while (x >= n);
	return x;
}

/* Addresses without the network's own and the broadcast one. */
static uint64_t hosts_of(const struct sp_prefix *p)
{
	unsigned bits = (p->addr.family == 6 ? 128u : 32u) - p->len;

	if (bits == 0)
		return 1;
	bits = bits > HOST_BITS ? HOST_BITS : bits;
	return bits == 1 ? 2 : (UINT64_C(1) << bits) - 2;
}

static void host(const struct sp_prefix *p, uint64_t n, struct sp_addr *out)
{
	unsigned len = p->addr.family == 6 ? 16 : 4;
	uint32_t low;

	*out = p->addr;
	n += hosts_of(p) > 2 ? 1 : 0;
	low = sp_get_be32(out->ip + len - 4) | (uint32_t)n;
	sp_put_be32(out->ip + len - 4, low);
}

static int read_prefix(const char *text, const char *what, struct sp_prefix *p,
		       struct sp_err *err)
{
	char shown[80];

	if (!sp_prefix_parse(text, p))
		return 0;
	sp_str_printable(shown, sizeof shown, text);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s '%s' is no prefix; such as 10.0.0.0/16 or 2001:db8::/64", what,
		       shown);
}

int sp_ipfix_gen_model(struct sp_ipfix_gen_model *m, const struct sp_ipfix_gen_conf *c,
		       uint64_t seed, struct sp_err *err)
{
	int rc;

	*m = (struct sp_ipfix_gen_model){ .seed = mix(seed),
					  .cardinality = c->cardinality,
					  .interfaces = (uint32_t)c->interfaces,
					  .as_numbers = (uint32_t)c->as_numbers };
	rc = read_prefix(c->sources, "sources", &m->src, err);
	if (!rc)
		rc = read_prefix(c->destinations, "destinations", &m->dst, err);
	if (rc)
		return rc;
	if (m->src.addr.family != m->dst.addr.family)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "sources %s and destinations %s are of two families", c->sources,
			       c->destinations);
	m->n_src = hosts_of(&m->src);
	m->n_dst = hosts_of(&m->dst);
	if (m->cardinality > m->n_src * PORTS)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "cardinality %llu is more than %s has: %llu addresses with %u "
			       "ports each",
			       (unsigned long long)m->cardinality, c->sources,
			       (unsigned long long)m->n_src, PORTS);
	return 0;
}

/* What belongs to the 5-tuple. */
static void put_key(const struct sp_ipfix_gen_model *m, uint64_t k, struct sp_ipfix_gen_flow *f)
{
	static const struct {
		uint16_t port;
		uint8_t proto;
	} service[] = { { 443, 6 },   { 443, 6 },   { 443, 17 }, { 80, 6 },
			{ 53, 17 },   { 22, 6 },    { 25, 6 },	 { 123, 17 },
			{ 993, 6 },   { 8080, 6 },  { 3306, 6 }, { 5060, 17 },
			{ 3478, 17 }, { 1194, 17 }, { 179, 6 },	 { 853, 6 } };
	uint64_t at = permute(m->seed, m->n_src * PORTS, k), h = mix(m->seed ^ k);
	unsigned s = (unsigned)(h % (sizeof service / sizeof *service));

	host(&m->src, at / PORTS, &f->src);
	host(&m->dst, mix(h + 1) % m->n_dst, &f->dst);
	host(&m->dst, 0, &f->next_hop);
	f->src_port = (uint16_t)(FIRST_PORT + at % PORTS);
	f->dst_port = service[s].port;
	f->proto = service[s].proto;
	f->tos = (h >> 8 & 7) == 0 ? 0xb8 : 0;
	f->in = 1 + (uint32_t)((h >> 16 & 0xffff) % m->interfaces);
	f->out = 1 + (uint32_t)((h >> 32 & 0xffff) % m->interfaces);
	f->src_as = AS_BASE + (uint32_t)((h >> 40 & 0xffff) % m->as_numbers);
	f->dst_as = AS_BASE + (uint32_t)((h >> 48) % m->as_numbers);
	f->src_mask = m->src.len;
	f->dst_mask = m->dst.len;
}

void sp_ipfix_gen_flow(const struct sp_ipfix_gen_model *m, uint64_t r,
		       struct sp_ipfix_gen_flow *f)
{
	uint64_t h = mix(m->seed + 0x5bd1e995ull * r), tail = mix(h);

	put_key(m, r % m->cardinality, f);
	/* As many of each order of magnitude: 1 to 2^16 packets. */
	f->packets = 1 + (tail & ((UINT64_C(1) << (h % 17)) - 1));
	f->bytes = f->packets * (40 + (h >> 8) % 1461);
	f->flags = f->proto == 6 ? (f->packets < 3 ? 0x02 : 0x1b) : 0;
	f->end_ms = (uint32_t)(h >> 24 & 0x3ff);
	f->begin_ms = f->end_ms + (f->packets == 1 ? 0 : (uint32_t)(tail >> 40 & 0x3fff));
}
