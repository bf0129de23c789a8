#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/netdev.h"
#include "engine/segment.h"

#define HEAD "interface eth3\nceiling 2Mpps\nuntil 2026-12-31\n"

static int parse(struct sp_segment *s, const char *text, struct sp_err *err)
{
	*err = (struct sp_err){ 0 };
	return sp_segment_parse(s, text, strlen(text), "f", err);
}

static bool has(const struct sp_segment *s, const char *addr)
{
	struct sp_addr a;

	assert_int_equal(sp_addr_parse(addr, &a), 0);
	return sp_segment_has_addr(s, &a);
}

static void test_all_words(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0x5e, 0x10, 0, 1 }, other[6] = { 2 };
	struct sp_segment s;
	struct sp_err err;

	(void)state;
	assert_int_equal(parse(&s,
			       "# the sensor\r\n\n" HEAD "prefix = 8.8.4.0/23 # two\n"
			       "prefix 2001:4860::/33\n\tmac 02:00:5E:10:00:01",
			       &err),
			 0);
	assert_string_equal(s.interface, "eth3");
	assert_int_equal(s.pps, 2000000);
	assert_int_equal(s.until_s, 1798675200);
	assert_true(has(&s, "8.8.4.0"));
	assert_true(has(&s, "8.8.5.255"));
	assert_false(has(&s, "8.8.6.0"));
	assert_false(has(&s, "8.8.3.255"));
	assert_true(has(&s, "2001:4860:7fff::1"));
	assert_false(has(&s, "2001:4860:8000::1"));
	assert_false(has(&s, "808:400::"));
	assert_true(sp_segment_has_mac(&s, mac));
	assert_false(sp_segment_has_mac(&s, other));
	/* What is not named is not asked for. */
	assert_int_equal(parse(&s, HEAD "mac 02:00:5e:10:00:01", &err), 0);
	assert_true(has(&s, "8.8.8.8"));
	assert_int_equal(parse(&s, HEAD "prefix 8.8.4.0/24", &err), 0);
	assert_true(sp_segment_has_mac(&s, other));
	assert_int_equal(parse(&s,
			       "interface a\nceiling max\nuntil 2026-12-31T18:00:01Z\n"
			       "prefix 8.8.4.4/32",
			       &err),
			 0);
	assert_int_equal(s.until_s, 1798675200 + 18 * 3600 + 1);
	assert_true(s.pps == UINT64_MAX);
	assert_true(has(&s, "8.8.4.4"));
	assert_false(has(&s, "8.8.4.5"));
}

static void test_wrong_words_have_a_place(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "f: no interface" },
		{ "interface eth3", "f: neither a prefix nor a mac" },
		{ "interface eth3\nmac 02:00:5e:10:00:01", "f: there is no ceiling" },
		{ "interface eth3\nmac 02:00:5e:10:00:01\nceiling max",
		  "f: there is no until" },
		{ "interfase eth3", "f:1:1: unknown word; did you mean interface" },
		{ "\n  nonsense 7", "f:2:3: unknown word; there are" },
		{ "interface", "f:1:10: a value is missing" },
		{ "interface # eth0", "f:1:11: a value is missing" },
		{ "interface eth0 eth1", "f:1:16: something stands behind" },
		{ "interface a\ninterface b", "f:2:11: there is an interface" },
		{ "interface abcdefghijklmnop", "f:1:11: not the name" },
		{ "interface ../x", "f:1:11: not the name" },
		{ "prefix 8.8.4.0", "f:1:8: not a prefix" },
		{ "prefix 8.8.4.0/33", "f:1:8: not a prefix" },
		{ "prefix ::/129", "f:1:8: not a prefix" },
		{ "prefix 8.8.4/24", "f:1:8: not a prefix" },
		{ "prefix 8.8.4.0/-1", "f:1:8: not a prefix" },
		{ "prefix 0.0.0.0/0", "f:1:8: a prefix of less" },
		{ "prefix ::/7", "f:1:8: a prefix of less" },
		{ "mac 02:00:5e:10:00", "f:1:5: not a hardware" },
		{ "mac 02.00.5e.10.00.01", "f:1:5: not a hardware" },
		{ "mac 02:00:5e:10:00:0g", "f:1:5: not a hardware" },
		{ "ceiling 2Gbit/s", "f:1:9: not a number of packets" },
		{ "ceiling 0", "f:1:9: not a number of packets" },
		{ "ceiling nan", "f:1:9: not a number of packets" },
		{ "ceiling 1\nceiling 2", "f:2:9: there is a ceiling" },
		{ "until tomorrow", "f:1:7: not a day" },
		{ "until 2026-13-01", "f:1:7: not a day" },
		{ "until 2026-12-31T18:00", "f:1:7: not a day" },
		{ "until 2026-12-31\nuntil 2026-12-31", "f:2:7: there is an end" },
	};
	char many[4096] = HEAD;
	struct sp_segment s;
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse(&s, rows[i].text, &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		if (strncmp(err.text, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("'%s' does not begin: %s", rows[i].says, err.text);
	}
	for (unsigned i = 0; i <= SP_SEGMENT_LINES; i++)
		strcat(many, "prefix 8.8.4.0/24\n");
	assert_int_equal(parse(&s, many, &err), -EINVAL);
	assert_non_null(strstr(err.text, "more than 64"));
	assert_int_equal(sp_segment_parse(&s, "a\0", 2, "f", &err), -EINVAL);
}

/* ---- files ---- */

struct folder {
	char dir[64], file[80];
	struct sp_arena arena;
};

static void open_folder(struct folder *f, const char *text, mode_t mode)
{
	FILE *out;

	strcpy(f->dir, "/tmp/spate-segments-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	snprintf(f->file, sizeof f->file, "%s/one", f->dir);
	out = fopen(f->file, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(f->file, mode), 0);
	sp_arena_init(&f->arena, sp_mem_system());
}

static int find(struct folder *f, const char *interface, int64_t now_s, struct sp_segment **s,
		struct sp_err *err)
{
	*err = (struct sp_err){ 0 };
	return sp_segment_find(f->dir, interface, now_s, &f->arena, s, err);
}

static void close_folder(struct folder *f)
{
	sp_arena_fini(&f->arena);
	unlink(f->file);
	rmdir(f->dir);
}

#define LO "interface lo\nprefix 8.8.4.0/24\nceiling 10kpps\nuntil 2026-12-31\n"

static void test_files_of_root(void **state)
{
	bool root = geteuid() == 0;
	struct sp_segment *s;
	struct folder f;
	struct sp_err err;

	(void)state;
	open_folder(&f, LO, 0644);
	if (root) {
		assert_int_equal(find(&f, "lo", 1798675199, &s, &err), 1);
		assert_int_equal(s->pps, 10000);
		assert_non_null(strstr(s->place, "/one"));
		/* over, or another interface: lo is no veth */
		assert_int_equal(find(&f, "lo", 1798675200, &s, &err), 0);
		assert_null(s);
		assert_int_equal(find(&f, "spate-none", 0, &s, &err), 0);
	} else {
		assert_int_equal(find(&f, "lo", 0, &s, &err), -EACCES);
	}
	/* Others may write it: it does not count. */
	assert_int_equal(chmod(f.file, 0664), 0);
	assert_int_equal(find(&f, "lo", 0, &s, &err), -EACCES);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(err.text, "does not count"));
	assert_int_equal(chmod(f.file, 0644), 0);
	assert_int_equal(chmod(f.dir, 0777), 0);
	assert_int_equal(find(&f, "lo", 0, &s, &err), -EACCES);
	close_folder(&f);
	if (!root)
		return;
	open_folder(&f, "interface lo\nprefix nonsense\n", 0644);
	assert_int_equal(find(&f, "lo", 0, &s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "/one:2:8: not a prefix"));
	close_folder(&f);
}

static void test_no_folder(void **state)
{
	struct sp_arena arena;
	struct sp_segment *s;
	struct sp_err err = { 0 };

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_segment_find("/nonexistent", "lo", 0, &arena, &s, &err), 0);
	assert_null(s);
	assert_false(sp_netdev_inner_veth("lo"));
	assert_true(sp_netdev_default_route("spate-none"));
	sp_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_words),
		cmocka_unit_test(test_wrong_words_have_a_place),
		cmocka_unit_test(test_files_of_root),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
