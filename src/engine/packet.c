#include "engine/packet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pkt/packet.h"
#include "pkt/udpframe.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- what the expression leaves open ---- */

static struct sp_node *first_of(struct sp_packet *p, const char *const *names)
{
	for (unsigned i = 0; i < p->n; i++)
		for (const char *const *n = names; *n; n++)
			if (!p->node[i].list && strcmp(p->node[i].hdr->name, *n) == 0)
				return &p->node[i];
	return NULL;
}

static struct sp_node *ip_of(struct sp_packet *p)
{
	static const char *const names[] = { "ip", "ipv6", NULL };

	return first_of(p, names);
}

static struct sp_node *arp_of(struct sp_packet *p)
{
	static const char *const names[] = { "arp", NULL };

	return first_of(p, names);
}

static struct sp_node *eth_of(struct sp_packet *p)
{
	return p->n && strcmp(p->node[0].hdr->name, "eth") == 0 ? &p->node[0] : NULL;
}

static uint8_t family_of(const struct sp_node *ip)
{
	return strcmp(ip->hdr->name, "ip") == 0 ? 4 : 6;
}

static int fill_addr(struct sp_packet *p, struct sp_node *n, const char *field,
		     const struct sp_addr *a, uint8_t family, struct sp_err *err)
{
	struct sp_addr plain = *a;
	char text[64];

	if (sp_node_given(n, field) || !a->family)
		return 0;
	if (a->family != family)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %s has no %s, and %s is of another family; give it one",
			       p->place, n->hdr->name, field,
			       sp_addr_format(text, sizeof text, a));
	plain.scope = 0;
	return sp_packet_set(p, n, field, sp_addr_format(text, sizeof text, &plain), err);
}

static int fill_mac(struct sp_packet *p, struct sp_node *n, const char *field,
		    const uint8_t m[6], struct sp_err *err)
{
	char text[24];

	if (!n || sp_node_given(n, field))
		return 0;
	snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	return sp_packet_set(p, n, field, text, err);
}

static int fill_target(struct sp_packet *p, const struct sp_endpoint *to, struct sp_err *err)
{
	struct sp_node *ip = ip_of(p), *arp = arp_of(p);

	if (ip)
		return fill_addr(p, ip, "dst", &to->addr, family_of(ip), err);
	return arp ? fill_addr(p, arp, "pdst", &to->addr, 4, err) : 0;
}

static int fill_link(struct sp_packet *p, const struct sp_link *link, struct sp_err *err)
{
	struct sp_node *ip = ip_of(p), *arp = arp_of(p), *eth = eth_of(p);
	int rc = 0;

	if (ip && !sp_node_given(ip, "src") && link->src.family != family_of(ip))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the interface has no IPv%u address to send from; give "
			       "%s(src=...)",
			       p->place, family_of(ip), ip->hdr->name);
	if (ip)
		rc = fill_addr(p, ip, "src", &link->src, family_of(ip), err);
	if (!rc)
		rc = fill_mac(p, eth, "src", link->src_mac, err);
	if (!rc && ip)
		rc = fill_mac(p, eth, "dst", link->dst_mac, err);
	if (!rc && arp)
		rc = fill_mac(p, arp, "hwsrc", link->src_mac, err);
	if (!rc && arp && link->src.family == 4)
		rc = fill_addr(p, arp, "psrc", &link->src, 4, err);
	return rc;
}

/* ---- templates ---- */

static int plain_udp(struct sp_template *t, const struct sp_plan_port *port,
		     const struct sp_endpoint *to, const struct sp_link *link,
		     const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_endpoint from = { .addr = link->src,
				    .port = port->port ? (uint16_t)port->port : to->port };
	char text[72];
	int rc = sp_udp_template(t, &from, to, mem);

	if (rc == -EINVAL)
		return sp_fail(err, rc, SP_EXIT_USAGE,
			       "target %s needs a source address of its own family",
			       sp_endpoint_format(text, sizeof text, to));
	return rc ? no_memory(err) : 0;
}

int sp_packet_template(struct sp_template *t, const struct sp_plan_stream *s,
		       const struct sp_plan_port *port, const struct sp_endpoint *to,
		       const struct sp_link *link, const struct sp_catalog *catalog,
		       const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_packet *p;
	int rc;

	*t = (struct sp_template){ 0 };
	if (!*s->packet)
		return plain_udp(t, port, to, link, mem, err);
	rc = sp_packet_parse(&p, s->packet, "packet", catalog->hdr, mem, err);
	if (rc)
		return rc;
	rc = fill_target(p, to, err);
	if (!rc)
		rc = fill_link(p, link, err);
	if (!rc)
		rc = sp_packet_compile(p, t, err);
	sp_packet_free(p);
	return rc;
}

uint8_t sp_packet_family(const char *text, const struct sp_catalog *catalog,
			 const struct sp_mem *mem)
{
	struct sp_packet *p;
	uint8_t family = 0;

	if (sp_packet_parse(&p, text, "packet", catalog->hdr, mem, NULL))
		return 0;
	if (ip_of(p))
		family = family_of(ip_of(p));
	sp_packet_free(p);
	return family;
}

bool sp_packet_names_target(const char *text, const struct sp_catalog *catalog,
			    const struct sp_mem *mem)
{
	struct sp_packet *p;
	bool names;

	if (sp_packet_parse_files(&p, text, "packet", catalog->hdr, mem, NULL))
		return false;
	names = ip_of(p)    ? sp_node_given(ip_of(p), "dst")
		: arp_of(p) ? sp_node_given(arp_of(p), "pdst")
			    : true;
	sp_packet_free(p);
	return names;
}

bool sp_packet_draws(const char *text, const struct sp_catalog *catalog,
		     const struct sp_mem *mem)
{
	struct sp_packet *p;
	bool draws = false;

	if (sp_packet_parse(&p, text, "packet", catalog->hdr, mem, NULL))
		return false;
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned k = 0; k < p->node[i].n_fields; k++)
			draws |= p->node[i].value[k].kind == SP_V_RANDOM;
	sp_packet_free(p);
	return draws;
}

int sp_packet_spell(const char *text, const char *place, bool files,
		    const struct sp_catalog *catalog, struct sp_arena *arena, const char **out,
		    struct sp_err *err)
{
	struct sp_packet *p;
	struct sp_str s;
	int rc = (files ? sp_packet_parse_files
			: sp_packet_parse)(&p, text, place, catalog->hdr, arena->mem, err);

	if (rc)
		return rc;
	sp_str_init(&s, arena->mem);
	sp_packet_print(p, &s);
	*out = s.failed ? NULL : sp_arena_strdup(arena, s.text);
	sp_str_fini(&s);
	sp_packet_free(p);
	return *out ? 0 : no_memory(err);
}
