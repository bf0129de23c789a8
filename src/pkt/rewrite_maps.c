/* The words about who is whom: hardware addresses, IP addresses, ports. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/rewrite_impl.h"

#define PORTS 65536u

/* ---- hardware addresses ---- */

static int mac_pair(const struct sp_rw_parse *p, const char *text, bool both, uint8_t to[2][6])
{
	const char *comma = strchr(text, ',');
	size_t n = comma ? (size_t)(comma - text) : strlen(text);
	bool good = !sp_mac_parse(text, n, to[0]) && (comma || !both) &&
		    (!comma || !sp_mac_parse(comma + 1, strlen(comma + 1), to[1]));

	if (!good)
		return sp_rw_bad(p, text,
				 both ? "MAC,MAC"
				      : "a MAC, or MAC,MAC (to the server, to the client)");
	if (!comma)
		memcpy(to[1], to[0], 6);
	return 0;
}

int sp_rw_take_src_mac(struct sp_rw_parse *p, const char *v)
{
	p->r->mac_set[0] = true;
	return mac_pair(p, v, false, p->r->mac[0]);
}

int sp_rw_take_dst_mac(struct sp_rw_parse *p, const char *v)
{
	p->r->mac_set[1] = true;
	return mac_pair(p, v, false, p->r->mac[1]);
}

int sp_rw_take_mac_map(struct sp_rw_parse *p, const char *v)
{
	if (p->r->mac_maps == SP_RW_MACS)
		return sp_rw_full(p, SP_RW_MACS);
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

static int add_maps(struct sp_rw_parse *p, const char *v, uint8_t sides)
{
	const char *at = v;

	for (;;) {
		struct sp_rw_map *m = &p->r->map[p->r->maps];

		if (p->r->maps == SP_RW_MAPS)
			return sp_rw_full(p, SP_RW_MAPS);
		if (!next_prefix(&at, ':', &m->from) || *at++ != ':' ||
		    !next_prefix(&at, ',', &m->to) || (*at && *at != ','))
			return sp_rw_bad(
				p, v,
				"PREFIX:PREFIX[,...], such as 10.0.0.0/8:192.168.0.0/16 or "
				"[fd00::/8]:[2001:db8::/32], without bits behind the length");
		if (m->from.addr.family != m->to.addr.family)
			return sp_rw_bad(p, v, "of one family: IPv4 stays IPv4");
		m->sides = sides;
		p->r->maps++;
		if (!*at++)
			return 0;
	}
}

int sp_rw_take_ip_map(struct sp_rw_parse *p, const char *v)
{
	return add_maps(p, v, SP_RW_BOTH);
}

int sp_rw_take_src_ip_map(struct sp_rw_parse *p, const char *v)
{
	return add_maps(p, v, SP_RW_SRC);
}

int sp_rw_take_dst_ip_map(struct sp_rw_parse *p, const char *v)
{
	return add_maps(p, v, SP_RW_DST);
}

int sp_rw_take_endpoints(struct sp_rw_parse *p, const char *v)
{
	struct sp_prefix e[2];
	const char *at = v;

	if (!next_prefix(&at, ':', &e[0]) || *at++ != ':' || !next_prefix(&at, ',', &e[1]) ||
	    *at || e[0].addr.family != e[1].addr.family ||
	    e[0].len != (e[0].addr.family == 4 ? 32 : 128) || e[1].len != e[0].len)
		return sp_rw_bad(p, v, "CLIENT:SERVER, two addresses; IPv6 in brackets");
	p->r->endpoint[0] = e[0].addr;
	p->r->endpoint[1] = e[1].addr;
	return 0;
}

int sp_rw_take_seed(struct sp_rw_parse *p, const char *v)
{
	p->r->seeded = true;
	return sp_rw_number(p, v, UINT64_MAX, &p->r->seed);
}

/* ---- ports ---- */

static bool make_table(struct sp_rw_parse *p, unsigned side)
{
	struct sp_rewrite *r = p->r;

	if (r->port[side])
		return true;
	r->port[side] = sp_arena_alloc(&r->arena, PORTS * sizeof(uint16_t));
	p->port_taken[side] = sp_arena_alloc(&r->arena, PORTS / 8);
	if (!r->port[side] || !p->port_taken[side])
		return false;
	for (unsigned i = 0; i < PORTS; i++)
		r->port[side][i] = (uint16_t)i;
	return true;
}

/* "80" or "80-90", up to a comma or colon. */
static bool next_ports(const char **at, uint32_t *first, uint32_t *last)
{
	unsigned long from, to;
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	from = to = strtoul(*at, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		to = strtoul(end + 1, &end, 10);
	*at = end;
	*first = (uint32_t)from;
	*last = (uint32_t)to;
	return from <= to && to < PORTS;
}

static void map_port(uint16_t *table, uint8_t *taken, uint32_t port, uint32_t to)
{
	uint8_t bit = (uint8_t)(1u << (port & 7));

	if (taken[port / 8] & bit)
		return;
	taken[port / 8] |= bit;
	table[port] = (uint16_t)to;
}

/* The ports of at, which are those before the colon, become to .. to_last. A port that an earlier
 * map took keeps what that gave it. */
static bool fill_ports(const struct sp_rw_parse *p, unsigned side, const char *at,
		       const char *colon, uint32_t to, uint32_t to_last)
{
	uint32_t first, last;

	while (at < colon) {
		if (!next_ports(&at, &first, &last) || (*at != ',' && *at != ':') ||
		    (to != to_last && to_last - to != last - first))
			return false;
		for (uint32_t port = first; port <= last; port++)
			map_port(p->r->port[side], p->port_taken[side], port,
				 to == to_last ? to : to + port - first);
		at++;
	}
	return true;
}

/* FROM[,FROM...]:TO[,FROM...:TO]: what follows a TO behind a comma begins the next map. */
static int add_ports(struct sp_rw_parse *p, const char *v, unsigned side)
{
	const char *at = v;

	if (!make_table(p, side))
		return sp_rw_no_memory(p);
	for (;;) {
		const char *colon = strchr(at, ':'), *to = colon ? colon + 1 : NULL;
		uint32_t first, last;

		if (!to || colon == at || !next_ports(&to, &first, &last) ||
		    (*to && *to != ',') || !fill_ports(p, side, at, colon, first, last))
			return sp_rw_bad(
				p, v,
				"PORTS:PORT[,...], such as 80:8080, 80,81:8080 or 1-9:101-109, "
				"ranges of one length");
		if (!*to)
			return 0;
		at = to + 1;
	}
}

int sp_rw_take_src_port_map(struct sp_rw_parse *p, const char *v)
{
	return add_ports(p, v, 0);
}

int sp_rw_take_dst_port_map(struct sp_rw_parse *p, const char *v)
{
	return add_ports(p, v, 1);
}

int sp_rw_take_port_map(struct sp_rw_parse *p, const char *v)
{
	int rc = add_ports(p, v, 0);

	return rc ? rc : add_ports(p, v, 1);
}
