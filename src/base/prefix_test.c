#include "base/prefix.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static bool has(const char *prefix, const char *address)
{
	struct sp_prefix p;
	struct sp_addr a;

	assert_int_equal(sp_prefix_parse(prefix, &p), 0);
	assert_int_equal(sp_addr_parse(address, &a), 0);
	return sp_prefix_has(&p, &a);
}

static void test_members(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/24", "10.0.0.255"));
	assert_false(has("10.0.0.0/24", "10.0.1.0"));
	assert_true(has("10.0.0.128/25", "10.0.0.128"));
	assert_false(has("10.0.0.128/25", "10.0.0.127"));
	assert_true(has("10.0.0.5", "10.0.0.5"));
	assert_false(has("10.0.0.5", "10.0.0.4"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "::1"));
	assert_true(has("2001:db8::/61", "2001:db8:0:7::1"));
	assert_false(has("2001:db8::/61", "2001:db8:0:8::1"));
	assert_true(has("fe80::1", "fe80::1"));
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {
		"",	     "/24",    "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/24", "10.0.0.0/2x",
		"10.0.0/24", "::/129", "::1/64",    "host/24",	   "10.0.0.0/-1"
	};
	struct sp_prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (sp_prefix_parse(bad[i], &p) != -EINVAL)
			fail_msg("'%s' was taken for a prefix", bad[i]);
}

static void test_sets(void **state)
{
	struct sp_prefixes s = { 0 };
	struct sp_addr a;
	char text[32];

	(void)state;
	sp_addr_parse("10.3.0.1", &a);
	assert_false(sp_prefixes_have(&s, &a));
	for (unsigned i = 0; i < SP_PREFIXES; i++) {
		snprintf(text, sizeof text, "10.%u.0.0/16", i);
		assert_int_equal(sp_prefixes_add(&s, text), 0);
	}
	assert_int_equal(sp_prefixes_add(&s, "::/0"), -ENOSPC);
	assert_int_equal(sp_prefixes_add(&s, "x"), -EINVAL);
	assert_true(sp_prefixes_have(&s, &a));
	sp_addr_parse("10.99.0.1", &a);
	assert_false(sp_prefixes_have(&s, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
