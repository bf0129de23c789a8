/* Any bytes as a lab's file, and as words that change a link: a lab whose numbers are all within
 * bounds and whose routes lead through it, or one sentence with a place. */
#include <stdlib.h>
#include <string.h>

#include "lab/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sp_lab_spec spec;
static struct sp_lab_route routes[SP_LAB_MAX_ROUTES];

static void need(bool good)
{
	if (!good)
		abort();
}

static void check_end(const struct sp_lab_end *e)
{
	need(e->node < spec.n_nodes && e->net < spec.n_links && e->n_addr <= SP_LAB_MAX_ADDRS);
	if (e->node >= spec.n_places)
		need(spec.node[e->node].kind == SP_LAB_BRIDGE && !e->n_addr);
	else
		need(e->eth < spec.node[e->node].n_eth);
	for (unsigned i = 0; i < e->n_addr; i++)
		need(sp_addr_is_own(&e->addr[i].addr) && e->addr[i].prefix >= 1 &&
		     e->addr[i].prefix <= (e->addr[i].addr.family == 4 ? 32 : 128));
}

/* A gateway is an address of another node, a router, on a network of this one. */
static void check_route(unsigned node, const struct sp_lab_route *r)
{
	bool found = false;

	need(r->eth < spec.node[node].n_eth);
	for (unsigned i = 0; i < 2 * spec.n_links && !found; i++) {
		const struct sp_lab_end *e = &spec.link[i / 2].end[i % 2];

		for (unsigned k = 0; k < e->n_addr; k++)
			found |= e->node != node && sp_addr_eq(&e->addr[k].addr, &r->gateway) &&
				 spec.node[e->node].kind == SP_LAB_ROUTER;
	}
	need(found);
}

static void check_spec(void)
{
	const char *key;

	need(spec.n_places >= 1 && spec.n_places <= SP_LAB_MAX_HOSTS &&
	     spec.n_nodes - spec.n_places <= SP_LAB_MAX_BRIDGES &&
	     spec.n_links <= SP_LAB_MAX_LINKS && sp_lab_is_name(spec.name, strlen(spec.name)));
	for (unsigned i = 0; i < spec.n_nodes; i++)
		need(sp_lab_spec_node(&spec, spec.node[i].name) == (int)i);
	for (unsigned i = 0; i < spec.n_links; i++) {
		need(sp_lab_spec_link(&spec, spec.link[i].name) == (int)i);
		for (unsigned k = 0; k < 2; k++) {
			check_end(&spec.link[i].end[k]);
			need(!sp_impair_check(&spec.link[i].way[k], &key, NULL));
		}
	}
	for (unsigned i = 0; i < spec.n_places; i++) {
		unsigned n = sp_lab_routes(&spec, i, routes);

		need(n <= SP_LAB_MAX_ROUTES);
		for (unsigned k = 0; k < n; k++)
			check_route(i, &routes[k]);
	}
}

static void change(const char *words)
{
	struct sp_lab_link l = { .name = "l" };
	struct sp_err err = { 0 };
	const char *key;

	if (sp_lab_link_change(&l, words, &err))
		need(err.text[0] && !strchr(err.text, '\n') && err.exit == SP_EXIT_USAGE);
	for (unsigned k = 0; k < 2; k++)
		need(!sp_impair_check(&l.way[k], &key, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_err err = { 0 };
	struct sp_yaml doc;
	char *words;

	if (len > 1 << 16)
		return 0;
	words = malloc(len + 1);
	need(words != NULL);
	memcpy(words, data, len);
	words[len] = '\0';
	change(words);
	free(words);
	if (sp_yaml_parse(&doc, "x.yaml", (const char *)data, len, sp_mem_system(), &err))
		return 0;
	if (!sp_lab_spec_from_yaml(&spec, &doc, doc.root, &err))
		check_spec();
	else
		need(!strncmp(err.text, "x.yaml:", 7) && !strchr(err.text, '\n') &&
		     err.exit == SP_EXIT_DATA);
	sp_yaml_free(&doc);
	return 0;
}
