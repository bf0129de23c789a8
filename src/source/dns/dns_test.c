#include "plugin/source.h"
#include "source/dns/queries.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"

extern const struct sp_source_ops sp_source_dns;
static const struct sp_source_ops *const ops = &sp_source_dns;

#define SLOT 512u

static struct sp_dns_conf defaults(struct sp_arena *arena)
{
	struct sp_dns_conf c = { 0 };
	struct sp_err err = { .code = 0 };

	sp_arena_init(arena, sp_mem_system());
	assert_int_equal(sp_opts_default(ops->opts, &c, arena, &err), 0);
	return c;
}

static int open_it(struct sp_source **s, const struct sp_dns_conf *c, struct sp_err *err)
{
	struct sp_source_args args = { .conf = c };
	struct sp_env env = { .mem = sp_mem_system() };

	*err = (struct sp_err){ 0 };
	return ops->open(s, &args, &env, err);
}

/* RFC 1035 4.1: the octets, written by hand. */
static void asks_for_the_default(void **state)
{
	static const uint8_t want[] = { 0x12, 0x34, 1,	 0,   0,   1,	0,   0,	  0,   0,
					0,    0,    7,	 'e', 'x', 'a', 'm', 'p', 'l', 'e',
					3,    'c',  'o', 'm', 0,   0,	1,   0,	  1 };
	struct sp_arena arena;
	struct sp_dns_conf c = defaults(&arena);
	struct sp_source *s = NULL;
	uint8_t data[SLOT] = { 0xff };
	struct sp_msg m = { .data = data, .len = SLOT };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	struct sp_answer answer;
	struct sp_err err;

	(void)state;
	assert_int_equal(open_it(&s, &c, &err), 0);
	ops->fill(s, &b, 0);
	ops->asks->put_key(s, &m, 0x1234);
	assert_int_equal(m.len, sizeof want);
	assert_memory_equal(data, want, sizeof want);
	assert_int_equal(m.stamp_off, SP_NO_STAMP);
	assert_false(ops->asks->get_key(s, data, m.len, &answer));
	data[2] |= 0x80;
	data[3] = 3;
	assert_true(ops->asks->get_key(s, data, m.len, &answer));
	assert_int_equal(answer.key, 0x1234);
	assert_int_equal(answer.status, 3);
	assert_true(answer.failed);
	assert_false(ops->asks->get_key(s, data, 11, &answer));
	ops->close(s);
	sp_arena_fini(&arena);
}

static void takes_names_by_turns(void **state)
{
	struct sp_arena arena;
	struct sp_dns_conf c = defaults(&arena);
	struct sp_source *s = NULL;
	uint8_t data[5][SLOT];
	struct sp_msg m[5];
	struct sp_batch b = { .n = 5, .cap = 5, .m = m };
	struct sp_err err;

	(void)state;
	c.domain = "a.b,ccc.d";
	c.dnssec = true;
	for (int i = 0; i < 5; i++)
		m[i] = (struct sp_msg){ .data = data[i], .len = SLOT, .flags = SP_M_HELD };
	assert_int_equal(open_it(&s, &c, &err), 0);
	ops->fill(s, &b, 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(m[i].len, 12 + (i % 2 ? 7 : 5) + 4 + 11);
		assert_int_equal(data[i][12], i % 2 ? 3 : 1);
		assert_int_equal(sp_get_be16(data[i] + 10), 1);
		assert_int_equal(sp_get_be16(data[i] + m[i].len - 4), 0x8000); /* DO */
	}
	ops->close(s);
	sp_arena_fini(&arena);
}

static void reads_a_file(void **state)
{
	static const char text[] = "# names\n\nwww.example.com AAAA\nmail.example.com\n"
				   "x.example TYPE65535\n";
	char path[] = "/tmp/spate-dns-test-XXXXXX";
	int fd = mkstemp(path);
	struct sp_arena arena;
	struct sp_dns_conf c = defaults(&arena);
	struct sp_dns_queries q = { .mem = sp_mem_system() };
	struct sp_err err = { .code = 0 };

	(void)state;
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	c.domains = path;
	assert_int_equal(sp_dns_queries_make(&q, &c, &err), 0);
	assert_int_equal(q.n, 3);
	assert_int_equal(sp_get_be16(q.bytes + q.query[0].at + q.query[0].len - 4), 28);
	assert_int_equal(sp_get_be16(q.bytes + q.query[1].at + q.query[1].len - 4), 1);
	assert_int_equal(sp_get_be16(q.bytes + q.query[2].at + q.query[2].len - 4), 65535);
	sp_dns_queries_free(&q);

	q = (struct sp_dns_queries){ .mem = sp_mem_system() };
	assert_int_equal(write(fd, "a..b\n", 5), 5);
	assert_int_equal(sp_dns_queries_make(&q, &c, &err), -EINVAL);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(err.text, ":6: "));
	sp_dns_queries_free(&q);
	assert_int_equal(ftruncate(fd, 0), 0);
	q = (struct sp_dns_queries){ .mem = sp_mem_system() };
	assert_int_equal(sp_dns_queries_make(&q, &c, &err), -EINVAL);
	sp_dns_queries_free(&q);
	close(fd);
	unlink(path);
	q = (struct sp_dns_queries){ .mem = sp_mem_system() };
	assert_int_equal(sp_dns_queries_make(&q, &c, &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	sp_dns_queries_free(&q);
	sp_arena_fini(&arena);
}

static void refuses_what_is_no_name_or_type(void **state)
{
	static const struct {
		const char *domain, *qtype, *says;
	} rows[] = {
		{ "a..b", "A", "'a..b' is no name: it has an empty label" },
		{ "", "A", "'' is no name" },
		{ "a,", "A", "'' is no name" },
		{ "ok.example", "AA", "'AA' is no type" },
		{ "ok.example", "TYPE65536", "is no type" },
		{ "0123456789012345678901234567890123456789012345678901234567890123.x", "A",
		  "at most 63 octets" },
	};
	struct sp_arena arena;
	struct sp_dns_conf c = defaults(&arena);
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		err = (struct sp_err){ 0 };
		c.domain = rows[i].domain;
		c.qtype = rows[i].qtype;
		assert_true(ops->check(&c, &err) < 0);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_non_null(strstr(err.text, rows[i].says));
	}
	sp_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_the_default),
		cmocka_unit_test(takes_names_by_turns),
		cmocka_unit_test(reads_a_file),
		cmocka_unit_test(refuses_what_is_no_name_or_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
