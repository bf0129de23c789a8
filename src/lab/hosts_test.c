#include "lab/hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	struct sp_lab_hosts h;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(sp_lab_hosts_parse("h1,web-2,A_b.c", &h, &err), 0);
	assert_int_equal(h.n, 3);
	assert_string_equal(h.name[1], "web-2");
	assert_int_equal(sp_lab_hosts_find(&h, "A_b.c"), 2);
	assert_int_equal(sp_lab_hosts_find(&h, "h2"), -ENOENT);
}

static void test_bad_names(void **state)
{
	static const struct {
		const char *list, *says;
	} bad[] = {
		{ "", "empty" },
		{ "h1,,h2", "empty" },
		{ "h1,", "empty" },
		{ "h1,h2,h1", "'h1' is given twice" },
		{ "a b", "'a b' is not a host name" },
		{ "-x", "'-x' is not a host name" },
		{ "../x", "is not a host name" },
		{ "a\x1b[31m", "'a\\x1b[31m' is not a host name" },
		{ "abcdefghijklmnopqrstuvwxyz012345", "is not a host name" },
		{ "h\xc3\xb6st", "is not a host name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct sp_lab_hosts h;
		struct sp_err err = { 0 };

		assert_int_equal(sp_lab_hosts_parse(bad[i].list, &h, &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		if (!strstr(err.text, bad[i].says))
			fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
	}
}

static void many(char *list, size_t cap, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(list + at, cap - at, "%sh%u", i ? "," : "", i);
}

static void test_how_many(void **state)
{
	char list[512];
	struct sp_lab_hosts h;
	struct sp_err err = { 0 };

	(void)state;
	many(list, sizeof list, 64);
	assert_int_equal(sp_lab_hosts_parse(list, &h, &err), 0);
	assert_int_equal(h.n, 64);
	many(list, sizeof list, 65);
	assert_int_equal(sp_lab_hosts_parse(list, &h, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 64"));
}

static void test_map_round_trip(void **state)
{
	struct sp_lab_map m = { .pidns = UINT64_MAX }, back;
	char text[SP_LAB_MAP_TEXT];

	(void)state;
	m.hosts.n = SP_LAB_MAX_HOSTS;
	for (unsigned i = 0; i < m.hosts.n; i++) {
		memset(m.hosts.name[i], 'x', SP_LAB_NAME_LEN - 1);
		m.holder[i] = INT32_MAX - (pid_t)i;
	}
	sp_lab_map_format(text, sizeof text, &m);
	assert_int_equal(sp_lab_map_parse(text, &back), 0);
	assert_memory_equal(&m, &back, sizeof m);
}

static void test_bad_maps(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"12",
		"12:",
		"12:h1",
		"12:h1=",
		"12:h1=0",
		"12:h1=-1",
		"12:h1=2,",
		"12:h1=2;",
		"12:=2",
		"-1:h1=2",
		"12:h1=2 ",
		"12:h1=99999999999",
		"99999999999999999999:h1=2",
		"12:h1=2,h2=3x",
	};
	struct sp_lab_map m;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (sp_lab_map_parse(bad[i], &m) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_how_many), cmocka_unit_test(test_map_round_trip),
		cmocka_unit_test(test_bad_maps),
	};

	return cmocka_run_group_tests_name("lab/hosts", tests, NULL, NULL);
}
