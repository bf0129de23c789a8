#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "engine/modes/trace_file.h"

static int read_mem(struct sp_trace *t, const char *text, size_t len, bool relative,
		    const struct sp_mem *mem, struct sp_err *err)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, len, "r");
	int rc;

	assert_non_null(f);
	rc = sp_trace_read(t, f, "t", relative, mem, err);
	fclose(f);
	return rc;
}

static void good(struct sp_trace *t, const char *text, bool relative)
{
	struct sp_err err = { 0 };

	if (read_mem(t, text, strlen(text), relative, sp_mem_system(), &err))
		fail_msg("%s", err.text);
}

static void bad(const char *text, size_t len, const char *want)
{
	struct sp_err err = { 0 };
	struct sp_trace t;

	assert_int_equal(read_mem(&t, text, len, false, sp_mem_system(), &err), -EINVAL);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	if (!strstr(err.text, want))
		fail_msg("'%s' does not say '%s'", err.text, want);
	sp_trace_free(&t, sp_mem_system());
}

static void test_times(void **state)
{
	struct sp_trace t;

	(void)state;
	good(&t, "0\n0.5 # half\n\n# all of it\n 500ms\r\n2", false);
	assert_int_equal(t.n, 4);
	assert_null(t.size);
	assert_int_equal(t.at_ns[0], 0);
	assert_int_equal(t.at_ns[1], SP_NS_PER_S / 2);
	assert_int_equal(t.at_ns[2], SP_NS_PER_S / 2);
	assert_int_equal(t.at_ns[3], 2 * SP_NS_PER_S);
	assert_true(t.peak_pps == 3);
	sp_trace_free(&t, sp_mem_system());
	good(&t, "1s, 100\n1s, 60\n20ms, 1k\n", true);
	assert_int_equal(t.at_ns[2], 2020000000);
	assert_int_equal(t.least, 60);
	assert_int_equal(t.most, 1000);
	assert_int_equal(t.size[1], 60);
	sp_trace_free(&t, sp_mem_system());
}

#define BAD(text, want) bad(text, sizeof text - 1, want)

static void test_damage_has_a_line(void **state)
{
	char many[400];

	(void)state;
	BAD("1\n0.5\n", "t:2: the time is before");
	BAD("1\n\nx\n", "t:3: a line is TIME");
	BAD("1\n2,-5\n", "t:2: the size");
	BAD("1\n2,70000\n", "t:2: the size");
	BAD("1\n2,5\n", "t:2: it has a size");
	BAD("1,4\n2\n", "t:2: it has no size");
	BAD("1,4,5\n", "t:1: the size");
	BAD("1\n2\0\n", "t:2: a byte is 0");
	BAD("400y\n", "t:1: a line is TIME");
	BAD("10000000000\n", "t:1: the time is later");
	BAD("# nothing\n", "t: no departure");
	memset(many, ' ', sizeof many);
	bad(many, sizeof many, "t:1: the line is too long");
}

static void test_missing(void **state)
{
	struct sp_err err = { 0 };
	struct sp_trace t;

	(void)state;
	assert_int_equal(sp_trace_load(&t, "/nonexistent/trace", false, sp_mem_system(), &err),
			 -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_non_null(strstr(err.text, "/nonexistent/trace"));
	assert_int_not_equal(sp_trace_load(&t, "/", false, sp_mem_system(), &err), 0);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	sp_trace_free(&t, sp_mem_system());
}

static void test_without_memory(void **state)
{
	struct sp_mem_test m;
	struct sp_trace t;
	char *text = malloc(700 * 8), *p = text;
	int rc = -1;

	(void)state;
	for (unsigned i = 0; i < 700; i++)
		p += sprintf(p, "%u,9\n", i);
	for (uint64_t fail_at = 0; rc && fail_at < 50; fail_at++) {
		struct sp_err err = { 0 };

		sp_mem_test_init(&m, fail_at);
		rc = read_mem(&t, text, (size_t)(p - text), false, &m.mem, &err);
		assert_true(rc == 0 || rc == -ENOMEM);
		sp_trace_free(&t, &m.mem);
		assert_int_equal(m.live, 0);
	}
	assert_int_equal(rc, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_damage_has_a_line),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
