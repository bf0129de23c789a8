#include "capture/protocols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capio/link_type.h"

#define LINK 65536u

static void note_link(struct sp_protocols *p, uint32_t type)
{
	uint32_t i = 0;

	while (i < p->n && p->link[i].type != type)
		i++;
	if (i == SP_PROTOCOLS_LINK) {
		p->other++;
		return;
	}
	if (i == p->n)
		p->link[p->n++].type = type;
	p->link[i].packets++;
}

void sp_protocols_note(struct sp_protocols *p, const struct sp_cap_view *c, uint16_t link)
{
	const struct sp_view *v = &c->v;

	if (v->src.addr.family)
		p->ip[v->proto]++;
	else if (!c->dissected)
		note_link(p, LINK + link);
	else if (v->ether_type == SP_ETHER_IP4)
		p->ip4++;
	else if (v->ether_type == SP_ETHER_IP6)
		p->ip6++;
	else if (c->labels)
		p->labels++;
	else if (!v->ether_type)
		p->none++;
	else if (v->ether_type < 1536)
		p->llc++;
	else
		note_link(p, v->ether_type);
}

struct named {
	uint32_t number;
	const char *name;
};

static const struct named ip_names[] = {
	{ 0, "hopopt" },      { 1, "icmp" },	   { 2, "igmp" },      { 4, "ipip" },
	{ 6, "tcp" },	      { 17, "udp" },	   { 33, "dccp" },     { 41, "sit" },
	{ 43, "ipv6-route" }, { 44, "ipv6-frag" }, { 46, "rsvp" },     { 47, "gre" },
	{ 50, "esp" },	      { 51, "ah" },	   { 58, "icmpv6" },   { 59, "ipv6-nonxt" },
	{ 60, "ipv6-opts" },  { 89, "ospf" },	   { 103, "pim" },     { 112, "vrrp" },
	{ 115, "l2tp" },      { 132, "sctp" },	   { 136, "udplite" },
};

static const struct named ether_names[] = {
	{ 0x0806, "arp" },   { 0x8035, "rarp" },  { 0x8100, "vlan" },	{ 0x8863, "pppoe" },
	{ 0x8864, "pppoe" }, { 0x8808, "pause" }, { 0x8809, "slow" },	{ 0x888e, "eapol" },
	{ 0x88cc, "lldp" },  { 0x88f7, "ptp" },	  { 0x88e5, "macsec" },
};

static const char *find(const struct named *names, size_t n, uint32_t number)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

struct row {
	char name[32];
	uint64_t packets;
};

#define ROWS_MOST (256 + SP_PROTOCOLS_LINK + 8)

static void add(struct row *rows, uint32_t *n, const char *name, uint64_t packets)
{
	uint32_t i = 0;

	if (!packets)
		return;
	while (i < *n && strcmp(rows[i].name, name))
		i++;
	if (i == *n) {
		snprintf(rows[i].name, sizeof rows[i].name, "%s", name);
		rows[i].packets = 0;
		++*n;
	}
	rows[i].packets += packets;
}

static int most_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return strcmp(x->name, y->name);
}

void sp_protocols_each(const struct sp_protocols *p,
		       void (*name)(void *arg, const char *name, uint64_t packets), void *arg)
{
	struct row rows[ROWS_MOST];
	char made[32], link[24];
	const char *known;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 256; i++) {
		known = find(ip_names, sizeof ip_names / sizeof *ip_names, i);
		snprintf(made, sizeof made, "ip protocol %u", i);
		add(rows, &n, known ? known : made, p->ip[i]);
	}
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t type = p->link[i].type;

		known = type < LINK ? find(ether_names,
					   sizeof ether_names / sizeof *ether_names, type)
				    : sp_link_type_name((uint16_t)type, link);
		snprintf(made, sizeof made, "ethertype 0x%04x", type);
		add(rows, &n, known ? known : made, p->link[i].packets);
	}
	add(rows, &n, "ipv4", p->ip4);
	add(rows, &n, "ipv6", p->ip6);
	add(rows, &n, "mpls", p->labels);
	add(rows, &n, "llc", p->llc);
	add(rows, &n, "damaged", p->none);
	add(rows, &n, "other", p->other);
	qsort(rows, n, sizeof *rows, most_first);
	for (uint32_t i = 0; i < n; i++)
		name(arg, rows[i].name, rows[i].packets);
}
