/* Any bytes as a reproduction's file: a configuration whose plan can be made, or one sentence with a
 * place. */
#include <stdlib.h>
#include <string.h>

#include "compat/reproducer/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct sp_err *err, const char *begin)
{
	if (!err->text[0] || strchr(err->text, '\n') ||
	    strncmp(err->text, begin, strlen(begin)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct sp_repro_words words = { .name = "replay" };

	for (int for_replay = 0; for_replay < 2; for_replay++) {
		struct sp_err err = { 0 };
		struct sp_repro r;
		struct sp_str text;

		if (sp_repro_parse(&r, "x.yml", (const char *)data, len, for_replay,
				   &sp_catalog, sp_mem_system(), &err)) {
			if (err.exit != SP_EXIT_DATA)
				abort();
			check(&err, "x.yml:");
			continue;
		}
		if (!r.n_pcaps || !r.n_sections)
			abort();
		sp_str_init(&text, sp_mem_system());
		if (for_replay && sp_repro_plan_text(&text, &r, &words, &err))
			check(&err, "");
		sp_str_fini(&text);
		sp_repro_free(&r);
	}
	return 0;
}
