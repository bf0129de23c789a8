/* Any bytes as a YAML document: a tree within the limits, every node of which has a place, or one
 * sentence. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct walk {
	const struct sp_yaml *doc;
	uint32_t left; /* nodes that may still come */
};

static uint32_t visit(struct walk *w, const struct sp_yaml_node *node, uint32_t height)
{
	uint32_t weight = 1, n = 0;
	char place[256];

	if (!w->left-- || !node->line || !node->column || node->height > height)
		abort();
	if (!strchr(sp_yaml_place(w->doc, node, place, sizeof place), ':'))
		abort();
	if (node->kind == SP_YAML_SCALAR) {
		if (strlen(node->text) > SP_YAML_BYTES || node->height)
			abort();
		return 1;
	}
	for (const struct sp_yaml_item *i = node->items; i; i = i->next, n++) {
		if (i->key) {
			weight += visit(w, i->key, 0);
			if (n < 16 && sp_yaml_get(node, i->key->text) != i->value)
				abort();
		}
		weight += visit(w, i->value, node->height - 1u);
	}
	if (weight != node->weight || n != node->n)
		abort();
	return weight;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct sp_opt rows[] = { { .name = "rate", .type = SP_OPT_RATE },
					      { .name = NULL } };
	static const char *const words[] = { "name", "links", NULL };
	struct sp_err err = { 0 };
	struct sp_yaml doc;
	struct sp_rate rate = { 0 };

	if (sp_yaml_parse(&doc, "x.yaml", (const char *)data, len, sp_mem_system(), &err)) {
		if (err.exit != SP_EXIT_DATA || strncmp(err.text, "x.yaml:", 7) != 0 ||
		    strchr(err.text, '\n'))
			abort();
		return 0;
	}
	struct walk w = { &doc, SP_YAML_NODES };
	visit(&w, doc.root, SP_YAML_DEPTH);
	if (doc.root->kind == SP_YAML_MAP) {
		int rc = sp_yaml_known(&doc, doc.root, words, rows, &err);
		rc |= sp_yaml_set_all(&doc, doc.root, rows, &rate, &doc.arena, &err);
		if (rc && (strncmp(err.text, "x.yaml:", 7) != 0 || strchr(err.text, '\n')))
			abort();
	}
	sp_yaml_free(&doc);
	return 0;
}
