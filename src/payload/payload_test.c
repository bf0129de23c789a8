#include "plugin/payload.h"

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

extern const struct sp_payload_ops sp_payload_text, sp_payload_file, sp_payload_random,
	sp_payload_letters, sp_payload_messages, sp_payload_domains;

static int try_make(const struct sp_payload_ops *ops, struct sp_rows *r, const char *text,
		    uint32_t len, struct sp_err *err)
{
	struct sp_payload_args a = { .text = text, .len = len, .seed = 7 };
	int rc;

	*err = (struct sp_err){ 0 };
	*r = (struct sp_rows){ 0 };
	rc = ops->make(r, &a, sp_mem_system(), err);
	assert_true(!rc == !err->text[0]);
	return rc;
}

static struct sp_rows make(const struct sp_payload_ops *ops, const char *text, uint32_t len)
{
	struct sp_rows r;
	struct sp_err err;

	assert_int_equal(try_make(ops, &r, text, len, &err), 0);
	assert_int_equal(r.len, len);
	return r;
}

static void forget(struct sp_rows *r)
{
	sp_free(sp_mem_system(), r->bytes);
}

/* A file of that text, gone when it is unlinked. */
static char *file_of(const char *text)
{
	char *path = strdup("/tmp/spate_payload_XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void drop(char *path)
{
	unlink(path);
	free(path);
}

static void texts_and_files_are_repeated(void **state)
{
	char *path = file_of("one\ntwo");
	struct sp_rows t = make(&sp_payload_text, "abc", 8);
	struct sp_rows f = make(&sp_payload_file, path, 10);
	struct sp_rows none = make(&sp_payload_text, "abc", 0);
	struct sp_err err;
	struct sp_rows r;

	(void)state;
	assert_int_equal(t.n, 1);
	assert_memory_equal(t.bytes, "abcabcab", 8);
	assert_memory_equal(f.bytes, "one\ntwoone", 10);
	forget(&t);
	forget(&f);
	forget(&none);
	drop(path);
	assert_int_equal(try_make(&sp_payload_file, &r, "/nonexistent/x", 10, &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	forget(&r);
	path = file_of("");
	assert_int_equal(try_make(&sp_payload_file, &r, path, 10, &err), -EINVAL);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	forget(&r);
	drop(path);
}

static void the_seed_draws(void **state)
{
	struct sp_rows a = make(&sp_payload_random, "", 100),
		       b = make(&sp_payload_random, "", 100);
	struct sp_rows l = make(&sp_payload_letters, "", 100);
	uint32_t high = 0;

	(void)state;
	assert_int_equal(a.n, 16);
	assert_memory_equal(a.bytes, b.bytes, 1600);
	assert_memory_not_equal(a.bytes, a.bytes + 100, 100);
	for (unsigned i = 0; i < 1600; i++) {
		high += a.bytes[i] >= 128;
		assert_in_range(l.bytes[i], 'a', 'z');
	}
	assert_in_range(high, 700, 900);
	forget(&a);
	forget(&b);
	forget(&l);
}

static void a_message_a_row(void **state)
{
	char *path = file_of("hello\r\n\nworld!\n");
	struct sp_rows r = make(&sp_payload_messages, path, 7);
	uint32_t seen[2] = { 0 };

	(void)state;
	assert_int_equal(r.n, 2);
	assert_true(r.drawn);
	assert_memory_equal(r.bytes, "hellohe", 7);
	assert_memory_equal(r.bytes + 7, "world!w", 7);
	for (uint64_t i = 0; i < 1000; i++)
		seen[sp_rows_pick(&r, i)]++;
	assert_in_range(seen[0], 430, 570);
	forget(&r);
	drop(path);
}

static void a_query_a_domain(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		0, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1,
		7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0, 1,
		0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 60, 0, 12, 0, 56,
	};
	/* clang-format on */
	char *path = file_of("a.example.\nexample.org\n");
	struct sp_rows r = make(&sp_payload_domains, path, 100);

	(void)state;
	assert_int_equal(r.n, 2);
	assert_memory_equal(r.bytes + 100, want, sizeof want);
	assert_int_equal(sizeof want + 56, 100);
	assert_int_equal(sp_get_be16(r.bytes), 1);
	assert_memory_equal(r.bytes + 12, "\1a\7example", 11);
	forget(&r);
	drop(path);
}

static void bad_files_are_named_with_the_line(void **state)
{
	static const struct {
		const struct sp_payload_ops *ops;
		const char *text, *says;
		uint32_t len;
	} bad[] = {
		{ &sp_payload_domains, "a.b\na..b\n", ":2:1: not a domain name", 100 },
		{ &sp_payload_domains, ".a\n", ":1:1: not a domain name", 100 },
		{ &sp_payload_domains,
		  "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa.b\n",
		  ":1:1: not a domain name", 200 },
		{ &sp_payload_domains, "example.org", "does not fit into 60 bytes", 60 },
		{ &sp_payload_messages, "\n\n", "it has no line", 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *path = file_of(bad[i].text);
		struct sp_rows r;
		struct sp_err err;

		assert_int_equal(try_make(bad[i].ops, &r, path, bad[i].len, &err), -EINVAL);
		assert_non_null(strstr(err.text, bad[i].says));
		assert_non_null(strstr(err.text, path));
		forget(&r);
		drop(path);
	}
}

static void too_many_rows_are_refused(void **state)
{
	char *path = file_of("a\nb\nc\nd\ne\nf\ng\nh\n");
	struct sp_err err;
	struct sp_rows r;

	(void)state;
	assert_int_equal(try_make(&sp_payload_messages, &r, path, SP_PAYLOAD_ROOM / 7, &err),
			 -EFBIG);
	forget(&r);
	drop(path);
}

static void survives_lack_of_memory(void **state)
{
	static const struct sp_payload_ops *const all[] = {
		&sp_payload_text,    &sp_payload_random,   &sp_payload_file,
		&sp_payload_letters, &sp_payload_messages, &sp_payload_domains,
	};
	char *path = file_of("example.org\nexample.net\n");

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		int rc = -ENOMEM;

		for (uint64_t n = 0; rc; n++) {
			struct sp_payload_args a = { .text = path, .len = 80, .seed = 1 };
			struct sp_mem_test t;
			struct sp_rows r = { 0 };
			struct sp_err err = { 0 };

			sp_mem_test_init(&t, n);
			rc = all[i]->make(&r, &a, &t.mem, &err);
			assert_true(rc == 0 || rc == -ENOMEM);
			sp_free(&t.mem, r.bytes);
			assert_int_equal(t.live, 0);
		}
	}
	drop(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_files_are_repeated),
		cmocka_unit_test(the_seed_draws),
		cmocka_unit_test(a_message_a_row),
		cmocka_unit_test(a_query_a_domain),
		cmocka_unit_test(bad_files_are_named_with_the_line),
		cmocka_unit_test(too_many_rows_are_refused),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
