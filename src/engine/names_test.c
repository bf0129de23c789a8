#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "engine/names.h"

static void test_many(void **state)
{
	enum { N = 20000 };
	static char text[N][12];
	struct sp_names names;
	unsigned index = 0;

	(void)state;
	assert_int_equal(sp_names_init(&names, sp_mem_system(), N), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text[i], sizeof text[i], "s%u", i);
		assert_true(sp_names_add(&names, text[i], i, &index));
	}
	for (unsigned i = 0; i < N; i++) {
		assert_true(sp_names_find(&names, text[i], &index));
		assert_int_equal(index, i);
	}
	assert_false(sp_names_find(&names, "s20000", &index));
	assert_false(sp_names_add(&names, "s777", 5, &index));
	assert_int_equal(index, 777);
	sp_names_fini(&names);
}

static void test_no_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_names names;

	(void)state;
	sp_mem_test_init(&mem, 0);
	assert_true(sp_names_init(&names, &mem.mem, 10) < 0);
	assert_int_equal(mem.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
