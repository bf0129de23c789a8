/* A line between controller and agent: what is taken can be written and read again, and then says
 * the same. */
#include <stdlib.h>
#include <string.h>

#include "ctl/agent_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void write_again(const struct sp_agent_msg *m, struct sp_str *out)
{
	sp_str_init(out, sp_mem_system());
	sp_agent_msg_put(out, m);
	if (out->failed || !out->len || strchr(out->text, '\n') != out->text + out->len - 1)
		abort();
}

static void read_twice(const struct sp_agent_msg *m, struct sp_arena *arena)
{
	struct sp_agent_msg again;
	struct sp_str one, two;

	write_again(m, &one);
	if (!sp_agent_msg_get(one.text, one.len, 0, arena, &again, NULL)) {
		write_again(&again, &two);
		if (strcmp(one.text, two.text) != 0)
			abort();
		sp_str_fini(&two);
	} else if (m->type != SP_AGENT_DONE && m->type != SP_AGENT_SAMPLE) {
		/* Sums of what came may be beyond what is taken; the rest never is. */
		abort();
	}
	sp_str_fini(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_agent_msg m;
	struct sp_arena arena;
	struct sp_err err = { 0 };

	sp_arena_init(&arena, sp_mem_system());
	if (!sp_agent_msg_get((const char *)data, len, 0, &arena, &m, &err))
		read_twice(&m, &arena);
	else if (!err.text[0] || !err.exit || strchr(err.text, '\n'))
		abort();
	sp_arena_fini(&arena);
	return 0;
}
