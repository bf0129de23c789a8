#include "engine/segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/address.h"
#include "base/lines.h"
#include "base/str.h"
#include "base/units.h"

/* ---- values: NULL, or what is wrong ---- */

static const char *take_interface(struct sp_segment *s, const char *v)
{
	if (s->interface[0])
		return "there is an interface already: a file is for one";
	if (strlen(v) >= IFNAMSIZ || strchr(v, '/'))
		return "not the name of an interface";
	sp_strlcpy(s->interface, v, sizeof s->interface);
	return NULL;
}

static const char *take_prefix(struct sp_segment *s, const char *v)
{
	struct sp_segment_prefix *p = &s->prefix[s->n_prefixes];
	char addr[64];
	const char *slash = strchr(v, '/');
	uint64_t bits;

	if (s->n_prefixes == SP_SEGMENT_LINES)
		return "more than 64 prefixes";
	if (!slash || (size_t)(slash - v) >= sizeof addr)
		return "not a prefix, such as 203.0.114.0/24";
	snprintf(addr, sizeof addr, "%.*s", (int)(slash - v), v);
	if (sp_addr_parse(addr, &p->addr) || sp_parse_u64(slash + 1, &bits) ||
	    bits > (p->addr.family == 4 ? 32 : 128))
		return "not a prefix, such as 203.0.114.0/24";
	if (bits < 8)
		return "a prefix of less than 8 bits is most of the world, not a test segment";
	p->bits = (uint8_t)bits;
	s->n_prefixes++;
	return NULL;
}

static const char *take_mac(struct sp_segment *s, const char *v)
{
	if (s->n_macs == SP_SEGMENT_LINES)
		return "more than 64 hardware addresses";
	if (sp_mac_parse(v, strlen(v), s->mac[s->n_macs]))
		return "not a hardware address, such as 02:00:5e:10:00:01";
	s->n_macs++;
	return NULL;
}

static const char *take_ceiling(struct sp_segment *s, const char *v)
{
	struct sp_rate r;

	if (s->pps)
		return "there is a ceiling already";
	if (sp_parse_rate(v, &r) || r.kind == SP_RATE_BPS ||
	    (r.kind == SP_RATE_PPS && r.micro < 1000000))
		return "not a number of packets a second, such as 2Mpps, or max";
	s->pps = r.kind == SP_RATE_MAX ? UINT64_MAX : r.micro / 1000000;
	return NULL;
}

static const char *take_until(struct sp_segment *s, const char *v)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };
	const char *end;

	if (s->until_s)
		return "there is an end already";
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = { 0 };

		end = strptime(v, forms[i], &tm);
		if (!end || *end || tm.tm_year < 70)
			continue;
		s->until_s = timegm(&tm);
		return s->until_s > 0 ? NULL : "the end is before 1970";
	}
	return "not a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00Z";
}

static const struct {
	const char *key;
	const char *(*take)(struct sp_segment *, const char *value);
} keys[] = {
	{ "interface", take_interface }, { "prefix", take_prefix }, { "mac", take_mac },
	{ "ceiling", take_ceiling },	 { "until", take_until },
};
#define N_KEYS (sizeof keys / sizeof *keys)

/* ---- lines ---- */

static int unknown_key(const struct sp_line *l, const char *at, const char *key,
		       struct sp_err *err)
{
	const char *names[N_KEYS], *near;
	char text[128];

	for (size_t i = 0; i < N_KEYS; i++)
		names[i] = keys[i].key;
	near = sp_str_nearest(key, names, N_KEYS);
	snprintf(text, sizeof text, "unknown word; %s%s", near ? "did you mean " : "",
		 near ? near : "there are interface, prefix, mac, ceiling and until");
	return sp_line_bad(l, at, text, err);
}

static int parse_line(struct sp_segment *s, struct sp_line *l, struct sp_err *err)
{
	char key[32], value[96], rest[2];
	const char *key_at = sp_line_word(l, key, sizeof key), *value_at, *rest_at, *wrong;

	if (!*key)
		return 0;
	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		value_at = sp_line_word(l, value, sizeof value);
		if (!*value)
			return sp_line_bad(l, value_at, "a value is missing", err);
		rest_at = sp_line_word(l, rest, sizeof rest);
		if (*rest)
			return sp_line_bad(l, rest_at, "something stands behind the value",
					   err);
		wrong = keys[i].take(s, value);
		return wrong ? sp_line_bad(l, value_at, wrong, err) : 0;
	}
	return unknown_key(l, key_at, key, err);
}

static const char *missing(const struct sp_segment *s)
{
	if (!s->interface[0])
		return "no interface is named";
	if (!s->n_prefixes && !s->n_macs)
		return "neither a prefix nor a mac is named";
	if (!s->pps)
		return "there is no ceiling";
	return s->until_s ? NULL : "there is no until: a segment has an end";
}

int sp_segment_parse(struct sp_segment *s, const char *text, size_t len, const char *place,
		     struct sp_err *err)
{
	struct sp_line l;
	const char *lacks;
	int rc;

	*s = (struct sp_segment){ 0 };
	sp_strlcpy(s->place, place, sizeof s->place);
	if (len > SP_SEGMENT_BYTES)
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: larger than 64 KiB", place);
	sp_line_init(&l, text, len, place, " \t\r=");
	while ((rc = sp_line_next(&l, err)) > 0 && !(rc = parse_line(s, &l, err)))
		;
	lacks = rc ? NULL : missing(s);
	return lacks ? sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: %s", place, lacks) : rc;
}

/* ---- questions ---- */

static bool is_in(const struct sp_segment_prefix *p, const struct sp_addr *a)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	return p->addr.family == a->family && memcmp(p->addr.ip, a->ip, whole) == 0 &&
	       (!rest || ((p->addr.ip[whole] ^ a->ip[whole]) & mask) == 0);
}

bool sp_segment_has_range(const struct sp_segment *s, const struct sp_addr *first,
			  const struct sp_addr *last)
{
	for (unsigned i = 0; i < s->n_prefixes; i++)
		if (is_in(&s->prefix[i], first) && is_in(&s->prefix[i], last))
			return true;
	return !s->n_prefixes;
}

bool sp_segment_has_addr(const struct sp_segment *s, const struct sp_addr *a)
{
	return sp_segment_has_range(s, a, a);
}

bool sp_segment_has_mac(const struct sp_segment *s, const uint8_t mac[6])
{
	for (unsigned i = 0; i < s->n_macs; i++)
		if (memcmp(s->mac[i], mac, 6) == 0)
			return true;
	return !s->n_macs;
}
