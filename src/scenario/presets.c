#include "scenario/presets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* What a unit of udp and tcp has anywhere else, unless its size is given. */
#define UNIT_SIZE    1024u
#define EXPERIMENTAL 0x88b5 /* IEEE 802: for whatever a site wants */

struct row {
	const char *word;
	const char *link;    /* what stands before the network's header */
	const char *v4, *v6; /* the network's header and what follows it */
	const char *fields;  /* of the last header: its own */
	const char *behind;
	bool ports, frames_only; /* ports: sport and dport are fields of the last header */
	uint16_t sport, dport_first, dport_last;
	uint32_t size;
};

/* icmp: as ping's, 56 octets of data. eth: 64 octets. syn: the
 * target's ports in a row. */
static const struct row rows[] = {
	{ "icmp", "", "ip/icmp", "ipv6/icmp6", "id=4660,seq=0..65535", "/raw(len=56)", false,
	  true, 0, 0, 0, 0 },
	{ "icmp6", "", "ipv6/icmp6", "ipv6/icmp6", "id=4660,seq=0..65535", "/raw(len=56)",
	  false, true, 0, 0, 0, 0 },
	{ "arp", "eth(dst=ff:ff:ff:ff:ff:ff)/", "arp", "arp", "op=1", "", false, true, 0, 0, 0,
	  0 },
	{ "eth", "", "eth", "eth", "dst=ff:ff:ff:ff:ff:ff", "/raw(len=50)", false, true, 0, 0,
	  0, 0 },
	{ "syn", "", "ip/tcp", "ipv6/tcp", "flags=S", "", true, true, 40000, 80, 65535, 0 },
	{ "udp", "", "ip/udp", "ipv6/udp", "", "", true, false, 40000, 5001, 5001, UNIT_SIZE },
	{ "tcp", "", "ip/tcp", "ipv6/tcp", "flags=PA", "", true, false, 40000, 5001, 5001,
	  UNIT_SIZE },
};

static const struct row *find(const char *word)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].word, word) == 0)
			return &rows[i];
	return NULL;
}

bool sp_preset_is(const char *word)
{
	const struct row *r = find(word);

	return r && r->frames_only;
}

static int put_range(char *out, size_t cap, const char *field, unsigned first, unsigned last)
{
	if (first == last)
		return snprintf(out, cap, "%s=%u", field, first);
	return snprintf(out, cap, "%s=%u..%u", field, first, last);
}

/* The target's ports vary fastest: what is written last does. */
static void put_ports(char *out, size_t cap, const struct row *r,
		      const struct sp_preset_args *a)
{
	unsigned first = a->port_first ? a->port_first : r->dport_first;
	unsigned last = a->port_first ? a->port_last : r->dport_last;
	size_t len;

	len = (size_t)put_range(out, cap, "sport", a->source_first ? a->source_first : r->sport,
				a->source_first ? a->source_last : r->sport);
	out[len++] = ',';
	len += (size_t)put_range(out + len, cap - len, "dport", first, last);
	if (*r->fields)
		snprintf(out + len, cap - len, ",%s", r->fields);
}

int sp_preset_of(const char *word, const struct sp_preset_args *a, struct sp_arena *arena,
		 struct sp_preset *out)
{
	const struct row *r = find(word);
	char fields[120];

	*out = (struct sp_preset){ 0 };
	if (!r)
		return -ENOENT;
	if (r->ports)
		put_ports(fields, sizeof fields, r, a);
	else if (strcmp(word, "eth") == 0)
		snprintf(fields, sizeof fields, "%s,type=0x%04x", r->fields,
			 a->ether_type ? a->ether_type : EXPERIMENTAL);
	else
		snprintf(fields, sizeof fields, "%s", r->fields);
	out->packet = sp_arena_printf(arena, "%s%s(%s)%s", r->link, a->v6 ? r->v6 : r->v4,
				      fields, r->behind);
	out->size = r->size;
	out->takes_port = out->takes_source = r->ports;
	out->takes_type = strcmp(word, "eth") == 0;
	return out->packet ? 0 : -ENOMEM;
}

int sp_ports_parse(const char *text, const char *place, uint16_t *first, uint16_t *last,
		   struct sp_err *err)
{
	unsigned v[2] = { 0 }, n = 0;
	const char *p = text;
	char shown[80];

	for (; n < 2; n++) {
		const char *from = p;

		for (; *p >= '0' && *p <= '9'; p++)
			v[n] = v[n] > 65535 ? v[n] : v[n] * 10 + (unsigned)(*p - '0');
		if (p == from || !v[n] || v[n] > 65535)
			goto bad;
		if (*p != '-' || n)
			break;
		p++;
	}
	if (*p != '\0')
		goto bad;
	*first = (uint16_t)v[0];
	*last = (uint16_t)(n ? v[1] : v[0]);
	if (*last < *first)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the range %u-%u runs backwards", place, v[0], v[1]);
	return 0;
bad:
	sp_str_printable(shown, sizeof shown, text);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: '%s' is not a port number (1 to 65535)", place, shown);
}
