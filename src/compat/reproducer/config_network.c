/* Addresses, devices and sockets: network and optimize. */
#include <net/if.h>
#include <string.h>

#include "compat/reproducer/config_impl.h"

static int add_map(struct sp_repro *r, const struct sp_yaml_node *v, struct sp_err *err)
{
	static const char *const keys[] = { "src_ip", "repro_ip", NULL };
	struct sp_repro_map *m = &r->map[r->n_map];
	const struct sp_yaml_node *from, *to;
	char shown[80];
	int rc = sp_yaml_want(&r->doc, v, SP_YAML_MAP, "network.map", err);

	if (rc)
		return rc;
	sp_repro_unknown(r, v, "network.map", keys);
	from = sp_repro_value(v, "src_ip");
	to = sp_repro_value(v, "repro_ip");
	if (!from)
		return sp_yaml_fail(&r->doc, v, err, "network.map: src_ip is missing");
	rc = sp_yaml_want(&r->doc, from, SP_YAML_SCALAR, "network.map.src_ip", err);
	if (!rc && to)
		rc = sp_yaml_want(&r->doc, to, SP_YAML_SCALAR, "network.map.repro_ip", err);
	if (rc)
		return rc;
	if (sp_addr_parse(from->text, &m->from))
		return sp_yaml_fail(&r->doc, from, err,
				    "network.map.src_ip: '%s' is not an address",
				    sp_str_printable(shown, sizeof shown, from->text));
	if (to && *to->text && sp_addr_parse(to->text, &m->to))
		return sp_yaml_fail(&r->doc, to, err,
				    "network.map.repro_ip: '%s' is not an address",
				    sp_str_printable(shown, sizeof shown, to->text));
	for (unsigned i = 0; i < r->n_map; i++)
		if (sp_addr_eq(&r->map[i].from, &m->from))
			return sp_yaml_fail(&r->doc, from, err,
					    "network.map: %s is there twice",
					    sp_addr_format(shown, sizeof shown, &m->from));
	r->n_map++;
	return 0;
}

static int read_map(struct sp_repro *r, const struct sp_yaml_node *network, struct sp_err *err)
{
	const struct sp_yaml_node *v = sp_repro_value(network, "map");
	int rc = 0;

	if (!v)
		return 0;
	r->mapped = true;
	r->map = sp_arena_alloc(&r->doc.arena, (v->n + 1) * sizeof *r->map);
	if (!r->map)
		return sp_repro_no_memory(err);
	if (v->kind == SP_YAML_MAP) {
		sp_repro_say(r, v,
			     "network.map: one pair instead of a list of them (as the "
			     "pre-processor of traffic-reproducer writes it); read as a "
			     "list of it");
		return add_map(r, v, err);
	}
	rc = sp_yaml_want(&r->doc, v, SP_YAML_LIST, "network.map", err);
	for (const struct sp_yaml_item *i = rc ? NULL : v->items; i && !rc; i = i->next)
		rc = add_map(r, i->value, err);
	return rc;
}

/* As the kernel names them. */
static int check_interface(struct sp_repro *r, const struct sp_yaml_node *v, struct sp_err *err)
{
	char shown[80];

	if (strlen(v->text) < IFNAMSIZ && !strpbrk(v->text, "/% \t\n:"))
		return 0;
	return sp_yaml_fail(&r->doc, v, err,
			    "network.interface: '%s' is not the name of an interface or a VRF "
			    "(at most %d characters, no / : %% or blank)",
			    sp_str_printable(shown, sizeof shown, v->text), IFNAMSIZ - 1);
}

int sp_repro_network(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "map", "interface", NULL };
	const struct sp_yaml_node *network;
	int rc = sp_repro_map(r, r->doc.root, "network", "network", &network, err);

	if (rc || !network)
		return rc;
	sp_repro_unknown(r, network, "network", keys);
	rc = sp_repro_take(r, network, "interface", "network.interface", SP_OPT_TEXT,
			   &r->interface, err);
	if (r->interface && !*r->interface)
		r->interface = NULL;
	if (!rc && r->interface)
		rc = check_interface(r, sp_repro_value(network, "interface"), err);
	return rc ? rc : read_map(r, network, err);
}

/* 64K is understood, too. */
static int take_buffer(struct sp_repro *r, const struct sp_yaml_node *map, const char *key,
		       const char *what, uint64_t *out, struct sp_err *err)
{
	int rc = sp_repro_take(r, map, key, what, SP_OPT_SIZE, out, err);

	if (!rc && *out > SP_REPRO_BUFFER)
		rc = sp_yaml_fail(&r->doc, sp_repro_value(map, key), err,
				  "%s: a buffer has at most %u bytes", what, SP_REPRO_BUFFER);
	return rc;
}

int sp_repro_optimize(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "threading", "preload", "network", NULL };
	static const char *const network_keys[] = { "so_sndbuf", "so_rcvbuf", NULL };
	const struct sp_yaml_node *o, *network = NULL;
	int rc = sp_repro_map(r, r->doc.root, "optimize", "optimize", &o, err);

	if (rc || !o)
		return rc;
	sp_repro_unknown(r, o, "optimize", keys);
	rc = sp_repro_take(r, o, "threading", "optimize.threading", SP_OPT_BOOL, &r->threading,
			   err);
	if (!rc)
		rc = sp_repro_take(r, o, "preload", "optimize.preload", SP_OPT_BOOL,
				   &r->preload, err);
	if (!rc)
		rc = sp_repro_map(r, o, "network", "optimize.network", &network, err);
	if (rc || !network)
		return rc;
	sp_repro_unknown(r, network, "optimize.network", network_keys);
	rc = take_buffer(r, network, "so_sndbuf", "optimize.network.so_sndbuf", &r->sndbuf,
			 err);
	if (!rc)
		rc = take_buffer(r, network, "so_rcvbuf", "optimize.network.so_rcvbuf",
				 &r->rcvbuf, err);
	return rc;
}
