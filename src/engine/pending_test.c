#include "engine/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct gone {
	uint32_t n, streams;
};

static void note(void *arg, const struct sp_pending_unit *u)
{
	struct gone *g = arg;

	g->n++;
	g->streams += u->stream;
}

static void gives_each_key_once(void **state)
{
	struct sp_pending p;
	bool seen[16] = { false };

	(void)state;
	assert_int_equal(sp_pending_init(&p, sp_mem_system(), 4, 13), 0);
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t key = sp_pending_take(&p);

		assert_int_equal(key, (13 + i) % 16);
		assert_false(seen[key]);
		seen[key] = true;
		p.unit[key].until_ns = 100 + i;
	}
	assert_int_equal(sp_pending_take(&p), SP_NO_KEY);
	assert_null(sp_pending_find(&p, 16));
	/* One is answered out of turn: its key is the next. */
	sp_pending_drop(&p, sp_pending_find(&p, 7));
	assert_null(sp_pending_find(&p, 7));
	assert_int_equal(sp_pending_take(&p), 7);
	assert_int_equal(sp_pending_take(&p), SP_NO_KEY);
	sp_pending_fini(&p);
}

static void gives_up_in_time(void **state)
{
	struct sp_pending p;
	struct gone g = { 0 };

	(void)state;
	assert_int_equal(sp_pending_init(&p, sp_mem_system(), 4, 0), 0);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t key = sp_pending_take(&p);

		p.unit[key].until_ns = 100 + i;
		p.unit[key].stream = 1u << i;
	}
	sp_pending_expire(&p, 99, 16, note, &g);
	assert_int_equal(g.n, 0);
	sp_pending_expire(&p, 104, 3, note, &g);
	assert_int_equal(g.n, 3);
	sp_pending_expire(&p, 104, 13, note, &g);
	assert_int_equal(g.n, 5);
	assert_int_equal(g.streams, 0x1f);
	assert_int_equal(p.n, 5);
	sp_pending_expire(&p, 1000, 16, note, &g);
	assert_int_equal(g.n, 10);
	assert_int_equal(p.n, 0);
	sp_pending_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_key_once),
		cmocka_unit_test(gives_up_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
