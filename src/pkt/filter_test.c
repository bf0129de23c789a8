#include "pkt/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 10.0.0.1:1000 -> 10.0.0.2:53, UDP */
static uint8_t frame[60] = { 2,	   0, 0,  0,  0, 2, 2, 0,    0,	 0,  0, 1, 8,  0,
			     0x45, 0, 0,  28, 0, 0, 0, 0,    64, 17, 0, 0, 10, 0,
			     0,	   1, 10, 0,  0, 2, 3, 0xe8, 0,	 53, 0, 8, 0,  0 };

static bool takes(const char *text)
{
	struct sp_filter *f;
	struct sp_err err;
	bool yes;

	assert_int_equal(sp_filter_new(&f, text, SP_EXIT_USAGE, sp_mem_system(), &err), 0);
	yes = sp_filter_takes(f, frame, sizeof frame);
	sp_filter_free(f);
	return yes;
}

static void test_takes(void **state)
{
	(void)state;
	assert_true(takes(""));
	assert_true(takes("udp port 53"));
	assert_true(takes("src host 10.0.0.1 and dst net 10.0.0.0/24"));
	assert_false(takes("udp port 54"));
	assert_false(takes("tcp"));
	assert_false(takes("vlan"));
	assert_true(takes("ether src 02:00:00:00:00:01"));
}

static void test_wrong(void **state)
{
	static const char *const wrong[] = { "udp prot 5", "(", "port 99999",
					     "host 1.2.3.4.5" };
	struct sp_filter *f;
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct sp_err){ 0 };
		assert_int_equal(
			sp_filter_new(&f, wrong[i], SP_EXIT_DATA, sp_mem_system(), &err),
			-EINVAL);
		assert_null(f);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		assert_non_null(strstr(err.text, wrong[i]));
		assert_int_equal(sp_filter_check(wrong[i], SP_EXIT_USAGE, &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
	}
	sp_filter_free(NULL);
}

static void test_program(void **state)
{
	struct sp_filter *f;
	struct sp_err err;
	uint16_t n;

	(void)state;
	assert_int_equal(sp_filter_new(&f, "udp", SP_EXIT_USAGE, sp_mem_system(), &err), 0);
	assert_non_null(sp_filter_program(f, &n));
	assert_true(n > 1);
	sp_filter_free(f);
}

static void test_no_memory(void **state)
{
	struct sp_mem_test t;
	struct sp_filter *f;
	struct sp_err err;

	(void)state;
	sp_mem_test_init(&t, 0);
	assert_int_equal(sp_filter_new(&f, "udp", SP_EXIT_USAGE, &t.mem, &err), -ENOMEM);
	assert_int_equal(t.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
