/* A plan's text from a peer: what is taken has a text that gives the same plan again. */
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "engine/plan_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_again(const struct sp_plan *p)
{
	struct sp_plan *again;
	struct sp_err err = { 0 };
	struct sp_str text;

	sp_str_init(&text, sp_mem_system());
	sp_plan_text(p, &sp_catalog, &text);
	if (sp_plan_read(&again, text.text, text.len, true, sp_mem_system(), &sp_catalog,
			 &err) ||
	    strcmp(p->sha256, again->sha256) != 0)
		abort();
	sp_plan_free(again);
	sp_str_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_plan *p;
	struct sp_err err = { 0 };

	if (!sp_plan_read(&p, (const char *)data, len, true, sp_mem_system(), &sp_catalog,
			  &err)) {
		read_again(p);
		sp_plan_free(p);
	} else if (p || !err.text[0] || !err.exit || strchr(err.text, '\n')) {
		abort();
	}
	return 0;
}
