#include "capture/extract_choice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sp_extract_choice *choice(const char *names)
{
	struct sp_extract_choice *c;
	struct sp_err err = { 0 };

	assert_int_equal(sp_extract_choice_new(&c, names, sp_mem_system(), &err), 0);
	return c;
}

static void test_names(void **state)
{
	struct sp_extract_choice *c = choice("bgp,ipfix,bgp");
	const struct sp_extract_part *p;
	unsigned n;

	(void)state;
	p = sp_extract_choice_parts(c, &n);
	assert_int_equal(n, 2);
	assert_string_equal(p[0].section, "bgp");
	assert_int_equal(p[0].over, SP_CODEC_TCP);
	assert_string_equal(p[1].section, "ipfix");
	assert_int_equal(p[1].over, SP_CODEC_UDP);
	assert_true(p[0].guess);
	sp_extract_choice_free(c);
	c = choice(NULL);
	sp_extract_choice_parts(c, &n);
	assert_true(n >= 3);
	sp_extract_choice_free(c);
	sp_extract_choice_free(NULL);
}

static void test_wrong_names(void **state)
{
	static const char *const wrong[] = {
		"", ",", "bg", "bgpx", "bgp,,ipfix", "bgp,\033[2J"
	};
	struct sp_extract_choice *c;
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct sp_err){ 0 };
		assert_int_equal(sp_extract_choice_new(&c, wrong[i], sp_mem_system(), &err),
				 -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_non_null(strstr(err.text, "ipfix"));
		assert_null(strchr(err.text, '\033'));
	}
}

/* 19 octets of BGP of that type. */
static bool keeps(const struct sp_extract_choice *c, uint8_t type)
{
	const struct sp_extract_part *p;
	uint8_t m[19] = { 0 };
	unsigned n;

	memset(m, 0xff, 16);
	m[17] = 19;
	m[18] = type;
	p = sp_extract_choice_parts(c, &n);
	return p->keeps(p->arg, m, sizeof m);
}

static void test_where(void **state)
{
	static const char *const wrong[] = { "",
					     "bgp",
					     "bgp.type",
					     "bgp.type=",
					     "bgp.type=x",
					     "type=1",
					     "bmp.type=1",
					     ".=",
					     "bgp.type=1,",
					     "bgp.type=-1",
					     "bgp.type=2..1",
					     "bgp.type=1..",
					     "ip.sorce=1.2.3.4" };
	static const char *const near[][2] = {
		{ "ip.ttl=4,bgp.typ=1", "--where:10: bgp.typ: messages of bgp have no such "
					"field (there is len, type); did you mean 'type'?" },
		{ "bpg.type=1", "--where:1: bpg: there is no such header; did you mean "
				"'bgp'?" },
		{ "upd.dport=1", "--where:1: upd: there is no such header to select by "
				 "('spate fields' lists them); did you mean 'udp'?" },
		{ "udp.dprot=1", "--where:1: udp.dprot: udp has no such field of fixed size "
				 "(see 'spate fields udp'); did you mean 'dport'?" },
		{ "tcp.flags=S|SX", "--where:1: tcp.flags: 'SX' is not " },
	};
	struct sp_extract_choice *c = choice("bgp");
	struct sp_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct sp_err){ 0 };
		assert_int_equal(sp_extract_choice_where(c, wrong[i], &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
	}
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		err = (struct sp_err){ 0 };
		assert_int_equal(sp_extract_choice_where(c, near[i][0], &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		if (strncmp(err.text, near[i][1], strlen(near[i][1])) != 0)
			fail_msg("%s: %s", near[i][0], err.text);
	}
	assert_true(keeps(c, 2) && keeps(c, 4));
	assert_int_equal(sp_extract_choice_where(c, "bgp_h.type=1,2", &err), 0);
	assert_true(keeps(c, 1) && keeps(c, 2) && !keeps(c, 4));
	assert_int_equal(sp_extract_choice_where(c, "bgp.type=2,4", &err), 0);
	assert_true(!keeps(c, 1) && keeps(c, 2) && !keeps(c, 4));
	assert_int_equal(sp_extract_choice_where(c, "bgp.type!=3..4|7", &err), 0);
	assert_true(keeps(c, 2) && !keeps(c, 4));
	sp_extract_choice_free(c);
}

static void test_filter(void **state)
{
	struct sp_extract_choice *c = choice("bgp");
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(sp_extract_choice_filter(c, "no filter at all", &err), -EINVAL);
	assert_int_equal(sp_extract_choice_filter(c, "src host 10.0.0.1", &err), 0);
	assert_int_equal(sp_extract_choice_filter(c, "udp", &err), -EINVAL);
	sp_extract_choice_free(c);
}

static void test_no_memory(void **state)
{
	struct sp_extract_choice *c;
	struct sp_mem_test t;
	struct sp_err err;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		sp_mem_test_init(&t, n);
		err = (struct sp_err){ 0 };
		rc = sp_extract_choice_new(&c, "bgp", &t.mem, &err);
		if (rc == 0) {
			rc = sp_extract_choice_where(c, "bgp.type=1", &err);
			sp_extract_choice_free(c);
		}
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_int_equal(t.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_wrong_names),
		cmocka_unit_test(test_where),	  cmocka_unit_test(test_filter),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
