#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "scenario/shares.h"

static struct sp_shares good(const char *word)
{
	struct sp_err err = { 0 };
	struct sp_shares s;

	if (sp_shares_parse(word, "--protocol", &s, &err))
		fail_msg("%s: %s", word, err.text);
	return s;
}

static void test_shares(void **state)
{
	struct sp_shares s = good("udp");

	(void)state;
	assert_int_equal(s.n, 0);
	assert_int_equal(s.of, 1);
	s = good("mixed");
	assert_int_equal(s.n, 2);
	assert_int_equal(s.of, 2);
	assert_string_equal(s.part[0].word, "udp");
	assert_string_equal(s.part[1].word, "tcp");
	s = good("udp:50,tcp:30");
	assert_int_equal(s.of, 8);
	assert_int_equal(s.part[0].n, 5);
	assert_int_equal(s.part[1].n, 3);
	s = good("udp:50,tcp:30,http:20");
	assert_int_equal(s.of, 10);
	assert_string_equal(s.part[2].word, "http");
	assert_int_equal(s.part[2].n, 2);
	s = good("tcp,udp");
	assert_string_equal(s.part[0].word, "tcp");
	assert_int_equal(s.of, 2);
	s = good("tcp:7");
	assert_int_equal(s.n, 1);
	assert_int_equal(s.of, 1);
	s = good("a:999,b:1");
	assert_int_equal(s.of, 1000);
}

static void test_wrong_shares(void **state)
{
	static const char *const words[] = {
		":",
		"udp:",
		"udp:0",
		":5",
		"udp:5,",
		",udp",
		"udp:1001",
		"udp:-1",
		"udp:x",
		"udp:1.5",
		"udp:5%",
		"udp:5:5",
		"udp,,tcp",
		"udp,udp",
		"a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1",
		"a:999,b:2",
		"udp:1 ,tcp",
		"averylongprotocolname:1",
		"udp:00000001",
	};
	struct sp_shares s;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct sp_err err = { 0 };

		if (sp_shares_parse(words[i], "--protocol", &s, &err) != -EINVAL)
			fail_msg("'%s' was taken", words[i]);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_non_null(strstr(err.text, "--protocol: "));
		assert_non_null(strstr(err.text, "udp:50,tcp:30"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_wrong_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
