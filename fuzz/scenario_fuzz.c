/* A scenario file: plans, or one sentence with its place; and the same plans the second time. */
#include <stdlib.h>
#include <string.h>

#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int parse(const uint8_t *data, size_t len, struct sp_scenario *s, struct sp_err *err)
{
	const struct sp_scenario_conf conf = { .mem = sp_mem_system(), .catalog = &sp_catalog };

	return sp_scenario_parse(s, "f", (const char *)data, len, &conf, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_scenario a, b;
	struct sp_err err = { 0 };

	if (parse(data, len, &a, &err)) {
		if (err.exit != SP_EXIT_DATA || strncmp(err.text, "f:", 2) != 0 ||
		    strchr(err.text, '\n'))
			abort();
		return 0;
	}
	if (parse(data, len, &b, &err) || strcmp(a.sha256, b.sha256) != 0)
		abort();
	sp_scenario_free(&b);
	sp_scenario_free(&a);
	return 0;
}
