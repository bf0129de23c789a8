#include "proto/routes_gen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"

#define CHUNK	    65536u
#define AS_TRANS    23456u
#define AS_FIRST    4200000000u /* RFC 6996: for private use, and nobody's own */
#define AS_COUNT    94967295u
#define SLOT_OF_127 (126u << 16) /* slots are /24s from 1.0.0.0 on */

enum {
	ORIGIN = 1,
	AS_PATH = 2,
	NEXT_HOP = 3,
	LOCAL_PREF = 5,
	COMMUNITIES = 8,
	MP_REACH = 14,
	MP_UNREACH = 15
};
#define TRANSITIVE 0x40u
#define OPTIONAL   0x80u
#define EXTENDED   0x10u

/* The first number of splitmix64 from this state. */
static uint64_t mix(uint64_t x)
{
	return sp_mix64(x + SP_MIX64_STEP);
}

static int read_hop(const char *text, int family, struct sp_addr *out, struct sp_err *err)
{
	char shown[80];

	if (sp_addr_parse(text, out) == 0 && out->family == family)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "next hop '%s' is no IPv%d address",
		       sp_str_printable(shown, sizeof shown, text), family);
}

int sp_routes_init(struct sp_routes *r, const struct sp_routes_conf *c, uint64_t seed,
		   struct sp_err *err)
{
	/* Many small groups, few large ones: eight on average. */
	static const uint8_t weight[SP_ROUTES_GROUPS] = { 1, 1, 2, 2, 4, 6, 16, 32 };
	int rc;

	*r = (struct sp_routes){ .seed = mix(seed),
				 .path_min = (uint32_t)c->path_min,
				 .path_max = (uint32_t)c->path_max,
				 .communities = (uint32_t)c->communities,
				 .churn = c->churn };
	if (c->path_min > c->path_max)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE, "path_min %llu is more than path_max %llu",
			(unsigned long long)c->path_min, (unsigned long long)c->path_max);
	rc = read_hop(c->next_hop, 4, &r->next_hop[0], err);
	if (!rc)
		rc = read_hop(c->next_hop6, 6, &r->next_hop[1], err);
	if (rc)
		return rc;
	for (unsigned i = 0; i < SP_ROUTES_GROUPS; i++) {
		uint32_t size = (uint32_t)(weight[i] * c->per_update / SP_ROUTES_GROUPS);

		r->size[i] = size ? size : 1;
		r->from[i + 1] = r->from[i] + r->size[i];
	}
	r->n[0] = c->family == SP_ROUTES_6 ? 0 : c->prefixes;
	r->n[1] = c->family == SP_ROUTES_4 ? 0 : c->prefixes;
	for (unsigned f = 0; f < 2; f++) {
		uint64_t turn = r->from[SP_ROUTES_GROUPS], rest = r->n[f] % turn;

		r->updates[f] = r->n[f] / turn * SP_ROUTES_GROUPS;
		for (unsigned i = 0; rest > r->from[i]; i++)
			r->updates[f]++;
		r->table += r->n[f] ? r->updates[f] + 1 : 0;
	}
	return 0;
}

/* ---- what a group is ---- */

/* Prefixes of group g: the first, and how many. */
static uint32_t group_of(const struct sp_routes *r, unsigned f, uint64_t g, uint64_t *first)
{
	unsigned at = g % SP_ROUTES_GROUPS;
	uint32_t n = r->size[at];

	*first = g / SP_ROUTES_GROUPS * r->from[SP_ROUTES_GROUPS] + r->from[at];
	return *first + n > r->n[f] ? (uint32_t)(r->n[f] - *first) : n;
}

/* Prefix i: half of them /24 (/48), a quarter /23, and so on: 2^k divides i. All differ, all begin
 * where such a prefix may. */
static uint8_t prefix_of(unsigned f, uint64_t i, struct sp_addr *a)
{
	*a = (struct sp_addr){ .family = f ? 6 : 4 };
	if (f) {
		sp_put_be16(a->ip, 0x2a00);
		sp_put_be32(a->ip + 2, (uint32_t)i);
		return (uint8_t)(i % 65536 == 0 ? 32
				 : i % 256 == 0 ? 40
				 : i % 16 == 0	? 44
						: 48);
	}
	sp_put_be32(a->ip, (uint32_t)((i >= SLOT_OF_127 ? i + 65536 : i) << 8) + (1u << 24));
	return (uint8_t)(i % 256 == 0  ? 16
			 : i % 16 == 0 ? 20
			 : i % 4 == 0  ? 22
			 : i % 2 == 0  ? 23
				       : 24);
}

struct attributes {
	uint32_t path[33], community[16];
	uint32_t n_path, n_communities;
	uint8_t origin;
};

static void attributes_of(const struct sp_routes *r, unsigned f, uint64_t g,
			  const struct sp_routes_speaker *by, struct attributes *a)
{
	uint64_t h = mix(r->seed ^ (g << 1 | f));
	uint32_t span = r->path_max - r->path_min + 1, n;

	/* The mean of two: lengths in the middle are the most frequent. */
	n = r->path_min + (uint32_t)((h % span + (h >> 16) % span) / 2);
	a->n_path = 0;
	if (!by->internal)
		a->path[a->n_path++] = by->as;
	for (uint32_t i = 0; i < n; i++)
		a->path[a->n_path++] = AS_FIRST + (uint32_t)(mix(h + i) % AS_COUNT);
	a->n_communities = (uint32_t)((h >> 32 & 0xffff) % (r->communities + 1));
	for (uint32_t i = 0; i < a->n_communities; i++)
		a->community[i] = 64496u << 16 |
				  ((uint32_t)(mix(h ^ (i + 1)) & 0xfff) << 4 | i);
	a->origin = (h >> 56) % 8 ? 0 : 2;
}

/* ---- messages ---- */

void sp_bgp_begin(struct sp_wr *w, uint8_t type)
{
	uint8_t *marker = sp_wr_take(w, 16);

	if (marker)
		memset(marker, 0xff, 16);
	sp_wr_be16(w, 0);
	sp_wr_u8(w, type);
}

void sp_bgp_end(struct sp_wr *w, uint8_t *begin)
{
	if (!w->bad)
		sp_put_be16(begin + 16, (uint16_t)(w->p - begin));
}

void sp_bgp_put_open(struct sp_wr *w, uint32_t as, uint16_t hold_s, uint32_t id)
{
	uint8_t *begin = w->p;

	sp_bgp_begin(w, SP_BGP_OPEN);
	sp_wr_u8(w, 4);
	sp_wr_be16(w, as > UINT16_MAX ? AS_TRANS : (uint16_t)as);
	sp_wr_be16(w, hold_s);
	sp_wr_be32(w, id);
	sp_wr_u8(w, 2 + 6 + 6 + 2 + 6); /* one parameter: capabilities (RFC 5492) */
	sp_wr_u8(w, 2);
	sp_wr_u8(w, 6 + 6 + 2 + 6);
	for (uint16_t afi = 1; afi <= 2; afi++) { /* RFC 4760 */
		sp_wr_be16(w, 1 << 8 | 4);
		sp_wr_be16(w, afi);
		sp_wr_be16(w, 1);
	}
	sp_wr_be16(w, 2 << 8);	    /* route refresh, RFC 2918 */
	sp_wr_be16(w, 65 << 8 | 4); /* RFC 6793 */
	sp_wr_be32(w, as);
	sp_bgp_end(w, begin);
}

static void put_prefixes(const struct sp_routes *r, unsigned f, uint64_t g, struct sp_wr *w)
{
	uint64_t first;
	uint32_t n = group_of(r, f, g, &first);
	struct sp_addr a;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t len = prefix_of(f, first + i, &a);

		sp_wr_u8(w, len);
		sp_wr_bytes(w, a.ip, (len + 7u) / 8);
	}
}

/* An attribute with a length of two octets; returns where that stands. */
static uint8_t *begin_long(struct sp_wr *w, uint8_t flags, uint8_t type)
{
	sp_wr_u8(w, flags | EXTENDED);
	sp_wr_u8(w, type);
	return sp_wr_take(w, 2);
}

static void end_long(struct sp_wr *w, uint8_t *length)
{
	if (length && !w->bad)
		sp_put_be16(length, (uint16_t)(w->p - length - 2));
}

static void put_attributes(const struct sp_routes *r, unsigned f,
			   const struct sp_routes_speaker *by, const struct attributes *a,
			   struct sp_wr *w)
{
	sp_wr_be32(w, TRANSITIVE << 24 | ORIGIN << 16 | 1 << 8 | a->origin);
	sp_wr_u8(w, TRANSITIVE);
	sp_wr_u8(w, AS_PATH);
	sp_wr_u8(w, (uint8_t)(a->n_path ? 2 + 4 * a->n_path : 0));
	if (a->n_path) {
		sp_wr_u8(w, 2); /* AS_SEQUENCE */
		sp_wr_u8(w, (uint8_t)a->n_path);
	}
	for (uint32_t i = 0; i < a->n_path; i++)
		sp_wr_be32(w, a->path[i]);
	if (!f) {
		sp_wr_u8(w, TRANSITIVE);
		sp_wr_be16(w, NEXT_HOP << 8 | 4);
		sp_wr_bytes(w, r->next_hop[0].ip, 4);
	}
	if (by->internal) {
		sp_wr_u8(w, TRANSITIVE);
		sp_wr_be16(w, LOCAL_PREF << 8 | 4);
		sp_wr_be32(w, 100);
	}
	if (a->n_communities) {
		sp_wr_u8(w, OPTIONAL | TRANSITIVE);
		sp_wr_be16(w, (uint16_t)(COMMUNITIES << 8 | 4 * a->n_communities));
	}
	for (uint32_t i = 0; i < a->n_communities; i++)
		sp_wr_be32(w, a->community[i]);
}

static void put_announce(const struct sp_routes *r, unsigned f, uint64_t g,
			 const struct sp_routes_speaker *by, struct sp_wr *w)
{
	struct attributes a;
	uint8_t *all, *reach;

	attributes_of(r, f, g, by, &a);
	sp_wr_be16(w, 0);
	all = sp_wr_take(w, 2);
	put_attributes(r, f, by, &a, w);
	if (f) {
		reach = begin_long(w, OPTIONAL, MP_REACH);
		sp_wr_be16(w, 2);
		sp_wr_u8(w, 1);
		sp_wr_u8(w, 16);
		sp_wr_bytes(w, r->next_hop[1].ip, 16);
		sp_wr_u8(w, 0);
		put_prefixes(r, f, g, w);
		end_long(w, reach);
	}
	end_long(w, all);
	if (!f)
		put_prefixes(r, f, g, w);
}

/* group UINT64_MAX: nothing at all, the end of the RIB (RFC 4724 2). */
static void put_withdraw(const struct sp_routes *r, unsigned f, uint64_t g, struct sp_wr *w)
{
	uint8_t *all, *unreach;

	all = sp_wr_take(w, 2);
	if (!f && g != UINT64_MAX)
		put_prefixes(r, f, g, w);
	end_long(w, all);
	all = sp_wr_take(w, 2);
	if (f) {
		unreach = begin_long(w, OPTIONAL, MP_UNREACH);
		sp_wr_be16(w, 2);
		sp_wr_u8(w, 1);
		if (g != UINT64_MAX)
			put_prefixes(r, f, g, w);
		end_long(w, unreach);
	}
	end_long(w, all);
}

/* The group that pair k of the churn is about. */
static uint64_t churned(const struct sp_routes *r, uint64_t k, unsigned *f)
{
	uint64_t g = mix(r->seed + 0x51ull * (k + 1)) % (r->updates[0] + r->updates[1]);

	*f = g >= r->updates[0];
	return *f ? g - r->updates[0] : g;
}

void sp_routes_put(const struct sp_routes *r, uint64_t unit, const struct sp_routes_speaker *by,
		   struct sp_wr *w)
{
	uint8_t *begin = w->p;
	unsigned f = 0;
	uint64_t g;

	sp_bgp_begin(w, SP_BGP_UPDATE);
	if (unit >= r->table) {
		g = churned(r, (unit - r->table) / 2, &f);
		if ((unit - r->table) % 2)
			put_announce(r, f, g, by, w);
		else
			put_withdraw(r, f, g, w);
	} else {
		uint64_t four = r->n[0] ? r->updates[0] + 1 : 0;

		f = unit >= four;
		g = f ? unit - four : unit;
		if (g < r->updates[f])
			put_announce(r, f, g, by, w);
		else
			put_withdraw(r, f, UINT64_MAX, w);
	}
	sp_bgp_end(w, begin);
}

/* ---- truth ---- */

static void put_line(const struct sp_routes *r, unsigned f, uint64_t i, const char *path,
		     const char *communities, const char *peer, bool gone, struct sp_str *out)
{
	char text[64], prefix[72];
	struct sp_addr a;
	uint8_t len = prefix_of(f, i, &a);
	struct sp_json j;

	snprintf(prefix, sizeof prefix, "%s/%u", sp_addr_format(text, sizeof text, &a), len);
	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "kind", "route");
	sp_json_str(&j, "peer", peer);
	sp_json_u64(&j, "family", f ? 6 : 4);
	sp_json_str(&j, "prefix", prefix);
	sp_json_str(&j, "next_hop", sp_addr_format(text, sizeof text, &r->next_hop[f]));
	sp_json_str(&j, "as_path", path);
	sp_json_str(&j, "communities", communities);
	sp_json_str(&j, "state", gone ? "withdrawn" : "announced");
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

static void put_group(const struct sp_routes *r, unsigned f, uint64_t g,
		      const struct sp_routes_speaker *by, const char *peer, bool gone,
		      struct sp_str *out)
{
	char path[33 * 12] = "", communities[16 * 12] = "";
	struct attributes a;
	uint64_t first;
	uint32_t n = group_of(r, f, g, &first);
	size_t len = 0;

	attributes_of(r, f, g, by, &a);
	for (uint32_t i = 0; i < a.n_path; i++)
		len += (size_t)snprintf(path + len, sizeof path - len, "%s%u", i ? " " : "",
					a.path[i]);
	len = 0;
	for (uint32_t i = 0; i < a.n_communities; i++)
		len += (size_t)snprintf(communities + len, sizeof communities - len, "%s%u:%u",
					i ? " " : "", a.community[i] >> 16,
					a.community[i] & 0xffff);
	for (uint32_t i = 0; i < n; i++)
		put_line(r, f, first + i, path, communities, peer, gone, out);
}

int sp_routes_truth(const struct sp_routes *r, uint64_t units,
		    const struct sp_routes_speaker *by, const char *peer,
		    const struct sp_truth *t)
{
	uint64_t four = r->n[0] ? r->updates[0] + 1 : 0, gone = UINT64_MAX;
	unsigned gone_f = 2;
	struct sp_str text;
	int rc = 0;

	if (units > r->table && (units - r->table) % 2)
		gone = churned(r, (units - r->table) / 2, &gone_f);
	sp_str_init(&text, sp_mem_system());
	for (unsigned f = 0; f < 2 && !rc; f++)
		for (uint64_t g = 0; g < r->updates[f] && g + (f ? four : 0) < units && !rc;
		     g++) {
			put_group(r, f, g, by, peer, f == gone_f && g == gone, &text);
			if (text.len < CHUNK)
				continue;
			rc = text.failed ? -ENOMEM : t->take(t->arg, text.text, text.len);
			sp_str_clear(&text);
		}
	if (!rc)
		rc = text.failed ? -ENOMEM
		     : text.len	 ? t->take(t->arg, text.text, text.len)
				 : 0;
	sp_str_fini(&text);
	return rc;
}
