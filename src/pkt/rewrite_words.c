/* Words to what apply() runs. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "pkt/rewrite_impl.h"

#define WORD_MAX   4096u
#define HEX_MAX	   2048u
#define TEXT_SHORT 120

int sp_rw_bad(const struct sp_rw_parse *p, const char *value, const char *want)
{
	char shown[TEXT_SHORT];

	sp_str_printable(shown, sizeof shown, value);
	return sp_fail(p->err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is not %s", p->name, shown,
		       want);
}

int sp_rw_full(const struct sp_rw_parse *p, unsigned most)
{
	return sp_fail(p->err, -EINVAL, SP_EXIT_USAGE, "%s: more than %u of them", p->name,
		       most);
}

int sp_rw_no_memory(const struct sp_rw_parse *p)
{
	return sp_fail(p->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_rw_number(const struct sp_rw_parse *p, const char *text, uint64_t max, uint64_t *v)
{
	char *end, want[64];

	errno = 0;
	*v = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	if (isdigit((unsigned char)*text) && !*end && !errno && *v <= max)
		return 0;
	snprintf(want, sizeof want, "a number from 0 to %llu", (unsigned long long)max);
	return sp_rw_bad(p, text, want);
}

static int small(const struct sp_rw_parse *p, const char *text, uint64_t max, int32_t *to)
{
	uint64_t v;
	int rc = sp_rw_number(p, text, max, &v);

	if (!rc)
		*to = (int32_t)v;
	return rc;
}

/* ---- tags and header fields ---- */

static int take_vlan(struct sp_rw_parse *p, const char *v)
{
	if (!strcmp(v, "add"))
		p->r->vlan = SP_RW_VLAN_ADD;
	else if (!strcmp(v, "delete") || !strcmp(v, "del"))
		p->r->vlan = SP_RW_VLAN_DELETE;
	else
		return sp_rw_bad(p, v,
				 "add or delete (vlan-id alone changes a tag that is there)");
	return 0;
}

static int take_vlan_id(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 4095, &p->r->vlan_id);
}

static int take_vlan_priority(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 7, &p->r->vlan_priority);
}

static int take_vlan_dei(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 1, &p->r->vlan_dei);
}

static int take_vlan_type(struct sp_rw_parse *p, const char *v)
{
	if (!strcmp(v, "802.1q") || !strcmp(v, "0x8100"))
		p->r->vlan_type = 0x8100;
	else if (!strcmp(v, "802.1ad") || !strcmp(v, "0x88a8"))
		p->r->vlan_type = 0x88a8;
	else
		return sp_rw_bad(p, v, "802.1q or 802.1ad");
	return 0;
}

static int take_ttl(struct sp_rw_parse *p, const char *v)
{
	int rc;

	p->r->ttl_how = *v == '+' ? SP_RW_TTL_ADD : *v == '-' ? SP_RW_TTL_SUB : SP_RW_TTL_SET;
	rc = small(p, v + (*v == '+' || *v == '-'), 255, &p->r->ttl);
	if (!rc && p->r->ttl_how == SP_RW_TTL_SET && !p->r->ttl)
		return sp_rw_bad(p, v, "a number from 1 to 255");
	return rc;
}

static int take_tos(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 255, &p->r->tos);
}

static int take_tclass(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 255, &p->r->tclass);
}

static int take_dscp(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 63, &p->r->dscp);
}

static int take_flow_label(struct sp_rw_parse *p, const char *v)
{
	return small(p, v, 0xfffff, &p->r->flow_label);
}

static int take_inner(struct sp_rw_parse *p, const char *v)
{
	if (!strcmp(v, "also"))
		p->r->inner = SP_RW_INNER_ALSO;
	else if (!strcmp(v, "only"))
		p->r->inner = SP_RW_INNER_ONLY;
	else
		return sp_rw_bad(p, v, "also or only");
	return 0;
}

/* ---- payloads ---- */

static uint8_t *hex(const struct sp_rw_parse *p, const char *text, size_t digits)
{
	uint8_t *to = sp_arena_alloc(&p->r->arena, digits / 2);

	for (size_t i = 0; to && i < digits / 2; i++) {
		const char two[3] = { text[2 * i], text[2 * i + 1], '\0' };

		to[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return to;
}

static bool is_hex(const char *text, size_t digits)
{
	return digits && digits % 2 == 0 && digits <= HEX_MAX &&
	       strspn(text, "0123456789abcdefABCDEF") >= digits;
}

/* The separator of both parts: tcprewrite has none of these, scripts like either. */
static const char *separator(const char *v)
{
	const char *at = strpbrk(v, ":=");

	return at ? at : v + strlen(v);
}

static int add_payload(struct sp_rw_parse *p, const struct sp_rw_payload *w)
{
	if (!w->to || (!w->from && w->at == UINT32_MAX))
		return sp_rw_no_memory(p);
	p->r->payload[p->r->payloads++] = *w;
	return 0;
}

static int take_payload_at(struct sp_rw_parse *p, const char *v)
{
	const char *colon = separator(v), *octets = *colon ? colon + 1 : colon;
	struct sp_rw_payload w = { .len = (uint32_t)(strlen(octets) / 2) };
	char offset[16];
	uint64_t at;

	if (p->r->payloads == SP_RW_PAYLOADS)
		return sp_rw_full(p, SP_RW_PAYLOADS);
	snprintf(offset, sizeof offset, "%.*s", (int)(colon - v), v);
	if (!is_hex(octets, strlen(octets)) || colon == v)
		return sp_rw_bad(p, v, "OFFSET:HEX, such as 0:deadbeef");
	if (sp_rw_number(p, offset, 65535, &at))
		return -EINVAL;
	w.at = (uint32_t)at;
	w.to = hex(p, octets, strlen(octets));
	return add_payload(p, &w);
}

static int take_payload_replace(struct sp_rw_parse *p, const char *v)
{
	const char *colon = separator(v);
	size_t n = (size_t)(colon - v);
	struct sp_rw_payload w = { .at = UINT32_MAX, .len = (uint32_t)(n / 2) };

	if (p->r->payloads == SP_RW_PAYLOADS)
		return sp_rw_full(p, SP_RW_PAYLOADS);
	if (!*colon || strlen(colon + 1) != n || !is_hex(v, n) || !is_hex(colon + 1, n))
		return sp_rw_bad(p, v, "HEX:HEX, both of the same length");
	w.from = hex(p, v, n);
	w.to = hex(p, colon + 1, n);
	return add_payload(p, &w);
}

/* ---- the table ---- */

static const struct word {
	const char *name;
	int (*take)(struct sp_rw_parse *, const char *value);
	size_t flag; /* of a word without a value */
} words[] = {
	{ "src-mac", sp_rw_take_src_mac, 0 },
	{ "dst-mac", sp_rw_take_dst_mac, 0 },
	{ "mac-map", sp_rw_take_mac_map, 0 },
	{ "ip-map", sp_rw_take_ip_map, 0 },
	{ "src-ip-map", sp_rw_take_src_ip_map, 0 },
	{ "dst-ip-map", sp_rw_take_dst_ip_map, 0 },
	{ "endpoints", sp_rw_take_endpoints, 0 },
	{ "seed", sp_rw_take_seed, 0 },
	{ "port-map", sp_rw_take_port_map, 0 },
	{ "src-port-map", sp_rw_take_src_port_map, 0 },
	{ "dst-port-map", sp_rw_take_dst_port_map, 0 },
	{ "vlan", take_vlan, 0 },
	{ "vlan-id", take_vlan_id, 0 },
	{ "vlan-priority", take_vlan_priority, 0 },
	{ "vlan-dei", take_vlan_dei, 0 },
	{ "vlan-type", take_vlan_type, 0 },
	{ "ttl", take_ttl, 0 },
	{ "tos", take_tos, 0 },
	{ "tclass", take_tclass, 0 },
	{ "dscp", take_dscp, 0 },
	{ "flow-label", take_flow_label, 0 },
	{ "inner", take_inner, 0 },
	{ "payload-at", take_payload_at, 0 },
	{ "payload-replace", take_payload_replace, 0 },
	{ "skip-broadcast", NULL, offsetof(struct sp_rewrite, skip_broadcast) },
	{ "fix-csum", NULL, offsetof(struct sp_rewrite, fix_csum) },
	{ "unique-ip", NULL, offsetof(struct sp_rewrite, unique_ip) },
	{ "unique-port", NULL, offsetof(struct sp_rewrite, unique_port) },
};

static int take(struct sp_rw_parse *p, char *word)
{
	char *value = strchr(word, '='), shown[TEXT_SHORT];

	if (value)
		*value++ = '\0';
	p->name = word;
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		const struct word *w = &words[i];

		if (strcmp(word, w->name) != 0)
			continue;
		if (w->take)
			return value && *value ? w->take(p, value)
					       : sp_rw_bad(p, "", "a value");
		*((bool *)p->r + w->flag) = true;
		return value ? sp_rw_bad(p, value, "wanted: it has no value") : 0;
	}
	return sp_fail(p->err, -EINVAL, SP_EXIT_USAGE, "there is no word '%s' for rewriting",
		       sp_str_printable(shown, sizeof shown, word));
}

static int take_all(struct sp_rewrite *r, const char *text, struct sp_err *err)
{
	struct sp_rw_parse p = { .r = r, .err = err };
	char word[WORD_MAX];
	int rc = 0;

	while (!rc) {
		size_t n;

		text += strspn(text, " ");
		n = strcspn(text, " ");
		if (!n)
			break;
		if (n >= sizeof word)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "'%.20s...' is too long",
				       text);
		memcpy(word, text, n);
		word[n] = '\0';
		text += n;
		rc = take(&p, word);
	}
	return rc;
}

static void begin(struct sp_rewrite *r)
{
	r->vlan_id = r->vlan_priority = r->vlan_dei = -1;
	r->ttl = r->tos = r->tclass = r->dscp = r->flow_label = -1;
}

/* All but what differs between loops, or that alone. */
static void take_part(struct sp_rewrite *r, enum sp_rewrite_part part)
{
	const struct sp_rewrite all = *r;

	if (part == SP_REWRITE_ONCE)
		r->unique_ip = r->unique_port = false;
	if (part == SP_REWRITE_EACH) {
		*r = (struct sp_rewrite){ .arena = all.arena,
					  .inner = all.inner,
					  .skip_broadcast = all.skip_broadcast,
					  .unique_ip = all.unique_ip,
					  .unique_port = all.unique_port };
		begin(r);
	}
	r->addresses = r->maps || r->endpoint[0].family || r->seeded || r->unique_ip;
}

int sp_rewrite_new(struct sp_rewrite **out, const char *text, enum sp_rewrite_part part,
		   const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_rewrite *r = sp_alloc(mem, sizeof *r);
	int rc;

	*out = NULL;
	if (!r)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	sp_arena_init(&r->arena, mem);
	begin(r);
	rc = take_all(r, text, err);
	take_part(r, part);
	if (rc)
		sp_rewrite_free(r);
	else
		*out = r;
	return rc;
}
