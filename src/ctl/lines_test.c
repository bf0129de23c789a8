#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/lines.h"

struct rig {
	int in[2], out[2];
	struct sp_lines l;
	struct sp_mem_test mem;
};

static void open_rig(struct rig *r)
{
	sp_mem_test_init(&r->mem, UINT64_MAX);
	assert_int_equal(pipe(r->in), 0);
	assert_int_equal(pipe(r->out), 0);
	sp_lines_init(&r->l, r->in[0], r->out[1], &r->mem.mem);
}

static void close_rig(struct rig *r)
{
	sp_lines_fini(&r->l);
	assert_int_equal(r->mem.live, 0);
	for (int i = 0; i < 2; i++) {
		close(r->in[i]);
		close(r->out[i]);
	}
}

static void feed(struct rig *r, const char *text)
{
	assert_int_equal(write(r->in[1], text, strlen(text)), strlen(text));
}

static void expect(struct rig *r, const char *want, int code)
{
	size_t len;
	int rc;
	char *line = sp_lines_next(&r->l, 100, &len, &rc);

	assert_int_equal(rc, code);
	if (!want) {
		assert_null(line);
		return;
	}
	assert_non_null(line);
	assert_string_equal(line, want);
	assert_int_equal(len, strlen(want));
}

static void test_lines(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r);
	expect(&r, NULL, 0);
	feed(&r, "one\ntwo\n\nthr");
	expect(&r, "one", 0);
	expect(&r, "two", 0);
	expect(&r, "", 0);
	expect(&r, NULL, 0);
	feed(&r, "ee\nlast");
	expect(&r, "three", 0);
	expect(&r, NULL, 0);
	close(r.in[1]);
	expect(&r, NULL, -EPIPE);
	r.in[1] = dup(0);
	close_rig(&r);
}

/* However it is cut, the same lines come out; a line beyond the limit is refused. */
static void test_long_lines(void **state)
{
	static char text[200001];
	struct rig r;
	size_t len;
	char *line = NULL;
	int rc;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	for (size_t piece = 97; piece < 60000; piece *= 7) {
		open_rig(&r);
		for (size_t at = 0; at < sizeof text - 1; at += piece) {
			size_t n = sizeof text - 1 - at < piece ? sizeof text - 1 - at : piece;

			assert_int_equal(write(r.in[1], text + at, n), n);
			assert_null(sp_lines_next(&r.l, 300000, &len, &rc));
			assert_int_equal(rc, 0);
		}
		feed(&r, "\nnext\n");
		line = sp_lines_next(&r.l, 300000, &len, &rc);
		assert_non_null(line);
		assert_int_equal(len, sizeof text - 1);
		assert_string_equal(line, text);
		assert_string_equal(sp_lines_next(&r.l, 300000, &len, &rc), "next");
		close_rig(&r);
	}
	open_rig(&r);
	for (unsigned i = 0; i < 200; i++)
		feed(&r, "0123456789");
	expect(&r, NULL, -EMSGSIZE);
	close_rig(&r);
}

static void test_write(void **state)
{
	static char big[300000], got[300000];
	size_t have = 0;
	struct rig r;
	ssize_t n;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	open_rig(&r);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)('a' + i % 23);
	sp_str_put(&r.l.pending, big, sizeof big);
	assert_int_equal(sp_lines_flush(&r.l), 1);
	while (have < sizeof got) {
		n = read(r.out[0], got + have, sizeof got - have);
		assert_true(n > 0);
		have += (size_t)n;
		assert_true(sp_lines_flush(&r.l) >= 0);
	}
	assert_memory_equal(big, got, sizeof big);
	assert_int_equal(sp_lines_flush(&r.l), 0);
	close(r.out[0]);
	sp_str_puts(&r.l.pending, "x");
	assert_int_equal(sp_lines_flush(&r.l), -EPIPE);
	r.out[0] = dup(0);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
