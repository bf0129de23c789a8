/* UPDATE: withdrawn prefixes, path attributes, prefixes (RFC 4271 4.3). */
#include <string.h>

#include "proto/bgp_message.h"

#define FLAG_OPTIONAL	0x80u
#define FLAG_TRANSITIVE 0x40u
#define FLAG_LONG	0x10u

#define WELL_KNOWN	FLAG_TRANSITIVE
#define LOCAL		FLAG_OPTIONAL
#define TRANSITIVE	(FLAG_OPTIONAL | FLAG_TRANSITIVE)
#define ANY		0xffu /* withdrawn numbers: used by somebody once */

enum attr_type {
	ORIGIN = 1,
	AS_PATH = 2,
	NEXT_HOP = 3,
	AGGREGATOR = 7,
	MP_REACH = 14,
	MP_UNREACH = 15,
	AS4_PATH = 17,
};

/* Known attributes: their kind, and their length: least, most, a multiple of. */
static const struct attr {
	uint8_t type, kind;
	uint16_t least, most, multiple;
} attrs[] = {
	{ ORIGIN, WELL_KNOWN, 1, 1, 1 },
	{ AS_PATH, WELL_KNOWN, 0, 65535, 1 },
	{ NEXT_HOP, WELL_KNOWN, 4, 4, 1 },
	{ 4, LOCAL, 4, 4, 1 },	    /* MULTI_EXIT_DISC */
	{ 5, WELL_KNOWN, 4, 4, 1 }, /* LOCAL_PREF */
	{ 6, WELL_KNOWN, 0, 0, 1 }, /* ATOMIC_AGGREGATE */
	{ AGGREGATOR, TRANSITIVE, 6, 8, 2 },
	{ 8, TRANSITIVE, 4, 65535, 4 }, /* COMMUNITIES, RFC 1997 */
	{ 9, LOCAL, 4, 4, 1 },		/* ORIGINATOR_ID, RFC 4456 */
	{ 10, LOCAL, 4, 65535, 4 },	/* CLUSTER_LIST */
	{ 11, ANY, 0, 65535, 1 },
	{ 12, ANY, 0, 65535, 1 },
	{ 13, ANY, 0, 65535, 1 },
	{ MP_REACH, LOCAL, 5, 65535, 1 }, /* RFC 4760 */
	{ MP_UNREACH, LOCAL, 3, 65535, 1 },
	{ 16, TRANSITIVE, 8, 65535, 8 },       /* extended communities, RFC 4360 */
	{ AS4_PATH, TRANSITIVE, 0, 65535, 1 }, /* RFC 6793 */
	{ 18, TRANSITIVE, 8, 8, 1 },	       /* AS4_AGGREGATOR */
	{ 19, ANY, 0, 65535, 1 },
	{ 20, ANY, 0, 65535, 1 },
	{ 21, ANY, 0, 65535, 1 },
	{ 22, TRANSITIVE, 5, 65535, 1 },   /* PMSI tunnel, RFC 6514 */
	{ 23, TRANSITIVE, 0, 65535, 1 },   /* tunnel encapsulation, RFC 9012 */
	{ 24, LOCAL, 0, 65535, 1 },	   /* traffic engineering, RFC 5543 */
	{ 25, TRANSITIVE, 20, 65535, 20 }, /* IPv6 extended communities, RFC 5701 */
	{ 26, LOCAL, 3, 65535, 1 },	   /* AIGP, RFC 7311 */
	{ 27, TRANSITIVE, 0, 65535, 1 },   /* PE distinguisher labels */
	{ 28, ANY, 0, 65535, 1 },
	{ 29, LOCAL, 0, 65535, 1 }, /* BGP-LS, RFC 9552 */
	{ 30, ANY, 0, 65535, 1 },
	{ 31, ANY, 0, 65535, 1 },
	{ 32, TRANSITIVE, 12, 65535, 12 }, /* large communities, RFC 8092 */
	{ 33, LOCAL, 0, 65535, 1 },	   /* BGPsec path, RFC 8205 */
	{ 34, TRANSITIVE, 0, 65535, 1 },   /* community container */
	{ 35, TRANSITIVE, 4, 4, 1 },	   /* only to customer, RFC 9234 */
	{ 36, TRANSITIVE, 0, 65535, 1 },   /* domain path */
	{ 37, TRANSITIVE, 0, 65535, 1 },   /* SFP, RFC 9015 */
	{ 38, TRANSITIVE, 0, 65535, 1 },   /* BFD discriminator, RFC 9026 */
	{ 39, ANY, 0, 65535, 1 },
	{ 40, TRANSITIVE, 3, 65535, 1 },  /* prefix SID, RFC 8669 */
	{ 128, TRANSITIVE, 4, 65535, 1 }, /* ATTR_SET, RFC 6368 */
	{ 129, ANY, 0, 65535, 1 },
	{ 241, ANY, 0, 65535, 1 },
	{ 242, ANY, 0, 65535, 1 },
	{ 243, ANY, 0, 65535, 1 },
};

static const struct attr *find_attr(uint8_t type)
{
	for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
		if (attrs[i].type == type)
			return &attrs[i];
	return NULL;
}

/* Segments of AS numbers of so many octets, each. */
static bool path_ok(struct sp_rd r, size_t octets)
{
	while (sp_rd_left(&r)) {
		uint8_t kind = sp_rd_u8(&r);
		size_t n = sp_rd_u8(&r);

		if (kind < 1 || kind > 4 || !n || !sp_rd_take(&r, n * octets))
			return false;
	}
	return true;
}

static bool next_hop_ok(size_t len)
{
	return len == 0 || len == 4 || len == 12 || len == 16 || len == 24 || len == 32 ||
	       len == 48;
}

static const char *check_reach(struct sp_rd r, bool paths)
{
	uint16_t afi = sp_rd_be16(&r);
	uint8_t safi = sp_rd_u8(&r);
	size_t len = sp_rd_u8(&r);

	sp_rd_take(&r, len);
	sp_rd_u8(&r);
	if (r.bad)
		return "a next hop that is longer than its place";
	if (!next_hop_ok(len))
		return "a next hop of impossible length";
	return sp_bgp_nlri_ok(afi, safi, r, paths) ? NULL : "a prefix that cannot be";
}

static const char *check_unreach(struct sp_rd r, bool paths)
{
	uint16_t afi = sp_rd_be16(&r);
	uint8_t safi = sp_rd_u8(&r);

	return sp_bgp_nlri_ok(afi, safi, r, paths) ? NULL : "a withdrawn prefix that cannot be";
}

static const char *check_value(uint8_t type, const uint8_t *p, size_t len, bool paths)
{
	struct sp_rd r = sp_rd_of(p, len);

	switch (type) {
	case ORIGIN:
		return *p > 2 ? "an ORIGIN that is not known" : NULL;
	case AS_PATH:
		return path_ok(r, 4) || path_ok(r, 2) ? NULL : "an AS path that cannot be read";
	case AS4_PATH:
		return path_ok(r, 4) ? NULL : "an AS path that cannot be read";
	case MP_REACH:
		return check_reach(r, paths);
	case MP_UNREACH:
		return check_unreach(r, paths);
	default:
		return NULL;
	}
}

static const char *check_attr(uint8_t flags, uint8_t type, const uint8_t *p, size_t len,
			      bool paths)
{
	const struct attr *a = find_attr(type);

	if (!a)
		return "an attribute of unknown type";
	if (a->kind != ANY && (flags & (FLAG_OPTIONAL | FLAG_TRANSITIVE)) != a->kind)
		return "an attribute with flags of another kind";
	if (len < a->least || len > a->most || len % a->multiple)
		return "an attribute of wrong length";
	return check_value(type, p, len, paths);
}

struct seen {
	uint64_t type[4]; /* a bit each */
};

static bool has(const struct seen *s, uint8_t type)
{
	return s->type[type / 64] >> type % 64 & 1;
}

static const char *check_attrs(struct sp_rd r, struct seen *seen, bool paths)
{
	const char *reason = NULL, *why;

	while (sp_rd_left(&r)) {
		uint8_t flags = sp_rd_u8(&r), type = sp_rd_u8(&r);
		size_t len = flags & FLAG_LONG ? sp_rd_be16(&r) : sp_rd_u8(&r);
		const uint8_t *p = sp_rd_take(&r, len);

		if (!p)
			return "an attribute that is longer than its place";
		why = has(seen, type) ? "an attribute twice"
				      : check_attr(flags, type, p, len, paths);
		seen->type[type / 64] |= 1ull << type % 64;
		if (!reason)
			reason = why;
	}
	return reason;
}

static const char *check_mandatory(const struct seen *s, bool prefixes)
{
	if (!prefixes && !has(s, MP_REACH))
		return NULL;
	if (!has(s, ORIGIN) || !has(s, AS_PATH) || (prefixes && !has(s, NEXT_HOP)))
		return "prefixes without an attribute that they need";
	return NULL;
}

const char *sp_bgp_update_check(const uint8_t *p, size_t len, bool paths)
{
	struct sp_rd r = sp_rd_of(p, len);
	struct seen seen = { { 0 } };
	const uint8_t *withdrawn, *at;
	const char *reason;
	size_t n, m;

	n = sp_rd_be16(&r);
	withdrawn = sp_rd_take(&r, n);
	if (!withdrawn)
		return "withdrawn prefixes that are longer than their place";
	m = sp_rd_be16(&r);
	at = sp_rd_take(&r, m);
	if (!at)
		return "attributes that are longer than their place";
	if (!sp_bgp_nlri_ok(1, 1, sp_rd_of(withdrawn, n), paths))
		return "a withdrawn prefix that cannot be";
	reason = check_attrs(sp_rd_of(at, m), &seen, paths);
	if (reason)
		return reason;
	if (!sp_bgp_nlri_ok(1, 1, r, paths))
		return "a prefix that cannot be";
	return check_mandatory(&seen, sp_rd_left(&r) > 0);
}
