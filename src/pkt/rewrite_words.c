/* Words to what apply() runs. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "pkt/rewrite_impl.h"

#define WORD_MAX   4096u
#define PORTS	   65536u
#define HEX_MAX	   2048u
#define TEXT_SHORT 120

struct parse {
	struct sp_rewrite *r;
	const char *name;
	struct sp_err *err;
};

static int bad(const struct parse *p, const char *value, const char *want)
{
	char shown[TEXT_SHORT];

	sp_str_printable(shown, sizeof shown, value);
	return sp_fail(p->err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is not %s", p->name, shown,
		       want);
}

static int full(const struct parse *p, unsigned most)
{
	return sp_fail(p->err, -EINVAL, SP_EXIT_USAGE, "%s: more than %u of them", p->name,
		       most);
}

static int no_memory(const struct parse *p)
{
	return sp_fail(p->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Decimal, or hexadecimal with 0x. */
static int number(const struct parse *p, const char *text, uint64_t max, uint64_t *v)
{
	char *end, want[64];

	errno = 0;
	*v = strtoull(text, &end, 0);
	if (isdigit((unsigned char)*text) && !*end && !errno && *v <= max)
		return 0;
	snprintf(want, sizeof want, "a number from 0 to %llu", (unsigned long long)max);
	return bad(p, text, want);
}

static int small(const struct parse *p, const char *text, uint64_t max, int32_t *to)
{
	uint64_t v;
	int rc = number(p, text, max, &v);

	if (!rc)
		*to = (int32_t)v;
	return rc;
}

/* ---- hardware addresses ---- */

static bool parse_mac(const char *text, size_t n, uint8_t mac[6])
{
	static const char form[] = "xx:xx:xx:xx:xx:xx";
	char copy[sizeof form];

	if (n != sizeof form - 1)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	for (unsigned i = 0; i < n; i++)
		if (form[i] == ':' ? copy[i] != ':' : !isxdigit((unsigned char)copy[i]))
			return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)strtoul(copy + i * 3, NULL, 16);
	return true;
}

static int mac_pair(const struct parse *p, const char *text, bool both, uint8_t to[2][6])
{
	const char *comma = strchr(text, ',');
	size_t n = comma ? (size_t)(comma - text) : strlen(text);
	bool good = parse_mac(text, n, to[0]) && (comma || !both) &&
		    (!comma || parse_mac(comma + 1, strlen(comma + 1), to[1]));

	if (!good)
		return bad(p, text,
			   both ? "MAC,MAC"
				: "a MAC, or MAC,MAC (to the server, to the client)");
	if (!comma)
		memcpy(to[1], to[0], 6);
	return 0;
}

static int take_src_mac(struct parse *p, const char *v)
{
	p->r->mac_set[0] = true;
	return mac_pair(p, v, false, p->r->mac[0]);
}

static int take_dst_mac(struct parse *p, const char *v)
{
	p->r->mac_set[1] = true;
	return mac_pair(p, v, false, p->r->mac[1]);
}

static int take_mac_map(struct parse *p, const char *v)
{
	if (p->r->mac_maps == SP_RW_MACS)
		return full(p, SP_RW_MACS);
	return mac_pair(p, v, true, p->r->mac_map[p->r->mac_maps++]);
}

/* ---- addresses ---- */

/* The next prefix at *at, up to one of ends; [v6] or bare. Moves behind it. */
static bool next_prefix(const char **at, char end, struct sp_prefix *to)
{
	char word[80];
	bool bracket = **at == '[';
	const char *begin = *at + bracket, *stop;
	size_t n;

	if (bracket)
		stop = strchr(begin, ']');
	else if (end == ':' && strchr(begin, '/') &&
		 strchr(begin, '/') < begin + strcspn(begin, ","))
		stop = strchr(strchr(begin, '/'), ':');
	else
		stop = begin + strcspn(begin, end == ':' ? ":" : ",");
	n = stop ? (size_t)(stop - begin) : sizeof word;
	if (n >= sizeof word)
		return false;
	memcpy(word, begin, n);
	word[n] = '\0';
	*at = stop + bracket;
	return sp_prefix_parse(word, to) == 0;
}

static int add_maps(struct parse *p, const char *v, uint8_t sides)
{
	const char *at = v;

	for (;;) {
		struct sp_rw_map *m = &p->r->map[p->r->maps];

		if (p->r->maps == SP_RW_MAPS)
			return full(p, SP_RW_MAPS);
		if (!next_prefix(&at, ':', &m->from) || *at++ != ':' ||
		    !next_prefix(&at, ',', &m->to) || (*at && *at != ','))
			return bad(
				p, v,
				"PREFIX:PREFIX[,...], such as 10.0.0.0/8:192.168.0.0/16 or "
				"[fd00::/8]:[2001:db8::/32], without bits behind the length");
		if (m->from.addr.family != m->to.addr.family)
			return bad(p, v, "of one family: IPv4 stays IPv4");
		m->sides = sides;
		p->r->maps++;
		if (!*at++)
			return 0;
	}
}

static int take_ip_map(struct parse *p, const char *v)
{
	return add_maps(p, v, SP_RW_BOTH);
}

static int take_src_ip_map(struct parse *p, const char *v)
{
	return add_maps(p, v, SP_RW_SRC);
}

static int take_dst_ip_map(struct parse *p, const char *v)
{
	return add_maps(p, v, SP_RW_DST);
}

static int take_endpoints(struct parse *p, const char *v)
{
	struct sp_prefix e[2];
	const char *at = v;

	if (!next_prefix(&at, ':', &e[0]) || *at++ != ':' || !next_prefix(&at, ',', &e[1]) ||
	    *at || e[0].addr.family != e[1].addr.family ||
	    e[0].len != (e[0].addr.family == 4 ? 32 : 128) || e[1].len != e[0].len)
		return bad(p, v, "CLIENT:SERVER, two addresses; IPv6 in brackets");
	p->r->endpoint[0] = e[0].addr;
	p->r->endpoint[1] = e[1].addr;
	return 0;
}

static int take_seed(struct parse *p, const char *v)
{
	p->r->seeded = true;
	return number(p, v, UINT64_MAX, &p->r->seed);
}

/* ---- ports ---- */

static uint16_t *port_table(struct sp_rewrite *r, unsigned side)
{
	if (r->port[side])
		return r->port[side];
	r->port[side] = sp_arena_alloc(&r->arena, PORTS * sizeof(uint16_t));
	for (unsigned i = 0; r->port[side] && i < PORTS; i++)
		r->port[side][i] = (uint16_t)i;
	return r->port[side];
}

/* "80" or "80-90", up to a comma or colon. */
static bool next_ports(const char **at, uint32_t *first, uint32_t *last)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	*first = *last = (uint32_t)strtoul(*at, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*last = (uint32_t)strtoul(end + 1, &end, 10);
	*at = end;
	return *first <= *last && *last < PORTS;
}

/* The ports of at, which are those before the colon, become to .. to_last. A port that an earlier
 * map took keeps what that gave it. */
static bool fill_ports(const char *at, const char *colon, uint16_t *table, uint32_t to,
		       uint32_t to_last)
{
	uint32_t first, last;

	while (at < colon) {
		if (!next_ports(&at, &first, &last) || (*at != ',' && *at != ':') ||
		    (to != to_last && to_last - to != last - first))
			return false;
		for (uint32_t port = first; port <= last; port++)
			if (table[port] == port)
				table[port] = (uint16_t)(to == to_last ? to
								       : to + port - first);
		at++;
	}
	return true;
}

/* FROM[,FROM...]:TO[,FROM...:TO]: what follows a TO behind a comma begins the next map. */
static int add_ports(struct parse *p, const char *v, unsigned side)
{
	uint16_t *table = port_table(p->r, side);
	const char *at = v;

	if (!table)
		return no_memory(p);
	for (;;) {
		const char *colon = strchr(at, ':'), *to = colon ? colon + 1 : NULL;
		uint32_t first, last;

		if (!to || colon == at || !next_ports(&to, &first, &last) ||
		    (*to && *to != ',') || !fill_ports(at, colon, table, first, last))
			return bad(
				p, v,
				"PORTS:PORT[,...], such as 80:8080, 80,81:8080 or 1-9:101-109, "
				"ranges of one length");
		if (!*to)
			return 0;
		at = to + 1;
	}
}

static int take_src_port_map(struct parse *p, const char *v)
{
	return add_ports(p, v, 0);
}

static int take_dst_port_map(struct parse *p, const char *v)
{
	return add_ports(p, v, 1);
}

static int take_port_map(struct parse *p, const char *v)
{
	int rc = add_ports(p, v, 0);

	return rc ? rc : add_ports(p, v, 1);
}

/* ---- tags and header fields ---- */

static int take_vlan(struct parse *p, const char *v)
{
	if (!strcmp(v, "add"))
		p->r->vlan = SP_RW_VLAN_ADD;
	else if (!strcmp(v, "delete") || !strcmp(v, "del"))
		p->r->vlan = SP_RW_VLAN_DELETE;
	else
		return bad(p, v, "add or delete (vlan-id alone changes a tag that is there)");
	return 0;
}

static int take_vlan_id(struct parse *p, const char *v)
{
	return small(p, v, 4095, &p->r->vlan_id);
}

static int take_vlan_priority(struct parse *p, const char *v)
{
	return small(p, v, 7, &p->r->vlan_priority);
}

static int take_vlan_dei(struct parse *p, const char *v)
{
	return small(p, v, 1, &p->r->vlan_dei);
}

static int take_vlan_type(struct parse *p, const char *v)
{
	if (!strcmp(v, "802.1q") || !strcmp(v, "0x8100"))
		p->r->vlan_type = 0x8100;
	else if (!strcmp(v, "802.1ad") || !strcmp(v, "0x88a8"))
		p->r->vlan_type = 0x88a8;
	else
		return bad(p, v, "802.1q or 802.1ad");
	return 0;
}

static int take_ttl(struct parse *p, const char *v)
{
	p->r->ttl_how = *v == '+' ? SP_RW_TTL_ADD : *v == '-' ? SP_RW_TTL_SUB : SP_RW_TTL_SET;
	return small(p, v + (*v == '+' || *v == '-'), 255, &p->r->ttl);
}

static int take_tos(struct parse *p, const char *v)
{
	return small(p, v, 255, &p->r->tos);
}

static int take_tclass(struct parse *p, const char *v)
{
	return small(p, v, 255, &p->r->tclass);
}

static int take_dscp(struct parse *p, const char *v)
{
	return small(p, v, 63, &p->r->dscp);
}

static int take_flow_label(struct parse *p, const char *v)
{
	return small(p, v, 0xfffff, &p->r->flow_label);
}

static int take_inner(struct parse *p, const char *v)
{
	if (!strcmp(v, "also"))
		p->r->inner = SP_RW_INNER_ALSO;
	else if (!strcmp(v, "only"))
		p->r->inner = SP_RW_INNER_ONLY;
	else
		return bad(p, v, "also or only");
	return 0;
}

/* ---- payloads ---- */

static uint8_t *hex(const struct parse *p, const char *text, size_t digits)
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

static int add_payload(struct parse *p, const struct sp_rw_payload *w)
{
	if (!w->to || (!w->from && w->at == UINT32_MAX))
		return no_memory(p);
	p->r->payload[p->r->payloads++] = *w;
	return 0;
}

static int take_payload_at(struct parse *p, const char *v)
{
	const char *colon = separator(v), *octets = *colon ? colon + 1 : colon;
	struct sp_rw_payload w = { .len = (uint32_t)(strlen(octets) / 2) };
	char offset[16];
	uint64_t at;

	if (p->r->payloads == SP_RW_PAYLOADS)
		return full(p, SP_RW_PAYLOADS);
	snprintf(offset, sizeof offset, "%.*s", (int)(colon - v), v);
	if (!is_hex(octets, strlen(octets)) || colon == v)
		return bad(p, v, "OFFSET:HEX, such as 0:deadbeef");
	if (number(p, offset, 65535, &at))
		return -EINVAL;
	w.at = (uint32_t)at;
	w.to = hex(p, octets, strlen(octets));
	return add_payload(p, &w);
}

static int take_payload_replace(struct parse *p, const char *v)
{
	const char *colon = separator(v);
	size_t n = (size_t)(colon - v);
	struct sp_rw_payload w = { .at = UINT32_MAX, .len = (uint32_t)(n / 2) };

	if (p->r->payloads == SP_RW_PAYLOADS)
		return full(p, SP_RW_PAYLOADS);
	if (!*colon || strlen(colon + 1) != n || !is_hex(v, n) || !is_hex(colon + 1, n))
		return bad(p, v, "HEX:HEX, both of the same length");
	w.from = hex(p, v, n);
	w.to = hex(p, colon + 1, n);
	return add_payload(p, &w);
}

/* ---- the table ---- */

static const struct word {
	const char *name;
	int (*take)(struct parse *, const char *value);
	size_t flag; /* of a word without a value */
} words[] = {
	{ "src-mac", take_src_mac, 0 },
	{ "dst-mac", take_dst_mac, 0 },
	{ "mac-map", take_mac_map, 0 },
	{ "ip-map", take_ip_map, 0 },
	{ "src-ip-map", take_src_ip_map, 0 },
	{ "dst-ip-map", take_dst_ip_map, 0 },
	{ "endpoints", take_endpoints, 0 },
	{ "seed", take_seed, 0 },
	{ "port-map", take_port_map, 0 },
	{ "src-port-map", take_src_port_map, 0 },
	{ "dst-port-map", take_dst_port_map, 0 },
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

static int take(struct sp_rewrite *r, char *word, struct sp_err *err)
{
	char *value = strchr(word, '='), shown[TEXT_SHORT];
	struct parse p = { r, word, err };

	if (value)
		*value++ = '\0';
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		const struct word *w = &words[i];

		if (strcmp(word, w->name) != 0)
			continue;
		if (w->take)
			return value && *value ? w->take(&p, value) : bad(&p, "", "a value");
		*((bool *)r + w->flag) = true;
		return value ? bad(&p, value, "wanted: it has no value") : 0;
	}
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "there is no word '%s' for rewriting",
		       sp_str_printable(shown, sizeof shown, word));
}

static int take_all(struct sp_rewrite *r, const char *text, struct sp_err *err)
{
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
		rc = take(r, word, err);
	}
	r->addresses = r->maps || r->endpoint[0].family || r->seeded || r->unique_ip;
	return rc;
}

int sp_rewrite_new(struct sp_rewrite **out, const char *text, const struct sp_mem *mem,
		   struct sp_err *err)
{
	struct sp_rewrite *r = sp_alloc(mem, sizeof *r);
	int rc;

	*out = NULL;
	if (!r)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	sp_arena_init(&r->arena, mem);
	r->vlan_id = r->vlan_priority = r->vlan_dei = -1;
	r->ttl = r->tos = r->tclass = r->dscp = r->flow_label = -1;
	rc = take_all(r, text, err);
	if (rc)
		sp_rewrite_free(r);
	else
		*out = r;
	return rc;
}
