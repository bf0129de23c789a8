#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keys/trust.h"

#define A "mW3ZBO9bPpsnrGyJ2xJ4bHhHxqE6E3cUvs0aBrYhb9I="
#define B "fbM5jWg1dHkN8W0VZy0lq6p3Vn2kq5kXo2w3Yw1b2m8="

static int parse(struct sp_trust *t, const char *text, struct sp_err *err)
{
	sp_trust_init(t, sp_mem_system());
	*err = (struct sp_err){ 0 };
	return sp_trust_parse(t, text, strlen(text), "trusted", err);
}

static void test_lines(void **state)
{
	static const char text[] = "# a comment\n\n  lab-7\t" A "  # and why\r\nx.y_z " B;
	struct sp_trust t;
	struct sp_err err;
	struct sp_str out;

	(void)state;
	assert_int_equal(parse(&t, text, &err), 0);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.list[0].name, "lab-7");
	assert_string_equal(sp_trust_by_name(&t, "x.y_z")->name, "x.y_z");
	assert_null(sp_trust_by_name(&t, "lab"));
	assert_ptr_equal(sp_trust_by_key(&t, &t.list[1].key), &t.list[1]);
	sp_str_init(&out, sp_mem_system());
	sp_trust_print(&t, &out);
	assert_string_equal(out.text, "lab-7 " A "\nx.y_z " B "\n");
	sp_str_fini(&out);
	sp_trust_fini(&t);
}

static void test_wrong_lines_have_a_place(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "ok " A "\n\n  b@d " B, "trusted:3:3: not a name" },
		{ "-x " A, "trusted:1:1: not a name" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789-64 " A,
		  "trusted:1:1: not a name" },
		{ "name", "trusted:1:5: not a public key" },
		{ "name short", "trusted:1:6: not a public key" },
		{ "name " A "A", "trusted:1:6: not a public key" },
		/* bits that no key has: a second spelling */
		{ "name mW3ZBO9bPpsnrGyJ2xJ4bHhHxqE6E3cUvs0aBrYhb9J=",
		  "trusted:1:6: not a public key" },
		{ "name !W3ZBO9bPpsnrGyJ2xJ4bHhHxqE6E3cUvs0aBrYhb9I=",
		  "trusted:1:6: not a public key" },
		{ "name " A " more", "trusted:1:51: something stands behind the key" },
		{ "one " A "\none " B, "trusted:2:1: this name or key" },
		{ "one " A "\ntwo " A, "trusted:2:1: this name or key" },
	};
	struct sp_trust t;
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse(&t, rows[i].text, &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		if (strncmp(err.text, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("'%s' does not begin: %s", rows[i].says, err.text);
		sp_trust_fini(&t);
	}
	sp_trust_init(&t, sp_mem_system());
	assert_int_equal(sp_trust_parse(&t, "a\0b", 3, "trusted", &err), -EINVAL);
}

static void test_adding_and_removing(void **state)
{
	struct sp_pubkey a, b;
	struct sp_trust t;
	char name[SP_TRUST_NAME];

	(void)state;
	sp_trust_init(&t, sp_mem_system());
	assert_int_equal(sp_pubkey_parse(A, &a), 0);
	assert_int_equal(sp_pubkey_parse(B, &b), 0);
	assert_int_equal(sp_trust_add(&t, "a", &a), 0);
	assert_int_equal(sp_trust_add(&t, "a", &a), 0);
	assert_int_equal(t.n, 1);
	assert_int_equal(sp_trust_add(&t, "a", &b), -EEXIST);
	assert_int_equal(sp_trust_add(&t, "b", &a), -EEXIST);
	assert_int_equal(sp_trust_add(&t, "", &b), -EINVAL);
	sp_trust_new_name(&t, "a", name);
	assert_string_equal(name, "a-2");
	sp_trust_new_name(&t, "--\x1b[31m\n", name);
	assert_string_equal(name, "31m");
	sp_trust_new_name(&t, "/\x7f ", name);
	assert_string_equal(name, "peer");
	assert_int_equal(sp_trust_remove(&t, "b"), -ENOENT);
	assert_int_equal(sp_trust_remove(&t, "a"), 0);
	assert_int_equal(t.n, 0);
	for (unsigned i = 0; i < SP_TRUST_MAX; i++) {
		a.b[0] = (uint8_t)i;
		a.b[1] = (uint8_t)(i >> 8);
		snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(sp_trust_add(&t, name, &a), 0);
	}
	assert_int_equal(sp_trust_add(&t, "more", &b), -ENOSPC);
	sp_trust_fini(&t);
}

static void test_without_memory(void **state)
{
	static const char text[] = "a " A "\nb " B;
	struct sp_mem_test mem;
	struct sp_err err;
	struct sp_trust t;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc; i++) {
		sp_mem_test_init(&mem, i);
		sp_trust_init(&t, &mem.mem);
		rc = sp_trust_parse(&t, text, strlen(text), "trusted", &err);
		assert_true(!rc || rc == -ENOMEM);
		sp_trust_fini(&t);
		assert_int_equal(mem.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_wrong_lines_have_a_place),
		cmocka_unit_test(test_adding_and_removing),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
