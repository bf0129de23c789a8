#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/ring.h"

struct place {
	char root[64], config[80];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	*state = p;
	if (!p)
		return -1;
	strcpy(p->root, "/tmp/spate-ring-XXXXXX");
	if (!mkdtemp(p->root))
		return -1;
	snprintf(p->config, sizeof p->config, "%s/deep/config", p->root);
	return 0;
}

static int remove_place(void **state)
{
	static const char *const parts[] = { "/deep/config/spate/key",
					     "/deep/config/spate/trusted",
					     "/deep/config/spate/.trusted.part",
					     "/deep/config/spate",
					     "/deep/config",
					     "/deep",
					     "" };
	struct place *p = *state;
	char path[256];

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(path, sizeof path, "%s%s", p->root, parts[i]);
		remove(path);
	}
	free(p);
	return 0;
}

static int open_ring(const struct place *p, struct sp_keyring *r, const char *only, bool make,
		     struct sp_err *err)
{
	struct sp_keyring_conf conf = { .xdg_config_home = p->config,
					.only = only,
					.make_folder = make };

	*err = (struct sp_err){ 0 };
	return sp_keyring_open(r, &conf, sp_mem_system(), err);
}

static void add_some(struct sp_keyring *r, const char *name, uint8_t byte, int want)
{
	struct sp_pubkey k = { { byte } };
	char text[SP_TRUST_NAME];
	struct sp_err err;

	strcpy(text, name);
	assert_int_equal(sp_keyring_add(r, text, false, &k, &err), want);
}

static void test_nothing_is_there(void **state)
{
	struct sp_keyring_conf nowhere = { 0 };
	struct sp_keyring r;
	struct sp_err err;
	struct sp_pubkey k = { { 1 } };
	char name[SP_TRUST_NAME] = "x";

	assert_int_equal(open_ring(*state, &r, NULL, false, &err), 0);
	assert_null(r.key);
	assert_null(sp_keyring_trusts(&r, &k));
	assert_int_equal(sp_keyring_need_key(&r, &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_int_equal(sp_keyring_add(&r, name, true, &k, &err), -ENOENT);
	assert_int_equal(sp_keyring_remove(&r, name, &err), -ENOENT);
	sp_keyring_close(&r);
	assert_int_equal(sp_keyring_open(&r, &nowhere, sp_mem_system(), &err), 0);
	sp_keyring_close(&r);
	nowhere.make_folder = true;
	assert_int_equal(sp_keyring_open(&r, &nowhere, sp_mem_system(), &err), -ENOENT);
	sp_keyring_close(&r);
}

static void test_made_and_found_again(void **state)
{
	const struct place *p = *state;
	struct sp_keyring a, b;
	struct sp_err err;
	char path[160];
	struct stat st;

	assert_int_equal(open_ring(p, &a, NULL, true, &err), 0);
	assert_int_equal(sp_keyring_make_key(&a, &err), 0);
	assert_non_null(a.tls);
	add_some(&a, "one", 1, 0);
	snprintf(path, sizeof path, "%s/spate", p->config);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(path, sizeof path, "%s/spate/trusted", p->config);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(open_ring(p, &b, NULL, false, &err), 0);
	assert_true(sp_pubkey_eq(sp_key_public(a.key), sp_key_public(b.key)));
	assert_string_equal(sp_keyring_trusts(&b, &(struct sp_pubkey){ { 1 } }), "one");
	/* Two that have it open: what each adds stays. */
	add_some(&b, "two", 2, 0);
	add_some(&a, "three", 3, 0);
	add_some(&a, "two", 4, -EEXIST);
	add_some(&a, "deux", 2, -EEXIST);
	assert_string_equal(sp_keyring_trusts(&a, &(struct sp_pubkey){ { 2 } }), "two");
	assert_int_equal(sp_keyring_remove(&b, "one", &err), 0);
	assert_int_equal(sp_keyring_remove(&b, "one", &err), -ENOENT);
	assert_null(sp_keyring_trusts(&b, &(struct sp_pubkey){ { 1 } }));
	sp_keyring_close(&a);
	sp_keyring_close(&b);
}

static void test_a_name_nearby(void **state)
{
	struct sp_pubkey k = { { 7 } }, same = { { 1 } };
	struct sp_keyring r;
	struct sp_err err;
	char name[SP_TRUST_NAME] = "one";

	assert_int_equal(open_ring(*state, &r, NULL, true, &err), 0);
	add_some(&r, "one", 1, 0);
	assert_int_equal(sp_keyring_add(&r, name, true, &k, &err), 0);
	assert_string_equal(name, "one-2");
	assert_int_equal(sp_keyring_add(&r, name, true, &same, &err), 0);
	assert_string_equal(name, "one");
	sp_keyring_close(&r);
}

static void test_only_some(void **state)
{
	struct sp_keyring r;
	struct sp_err err;

	assert_int_equal(open_ring(*state, &r, NULL, true, &err), 0);
	add_some(&r, "one", 1, 0);
	add_some(&r, "two", 2, 0);
	add_some(&r, "three", 3, 0);
	sp_keyring_close(&r);
	assert_int_equal(open_ring(*state, &r, "three,one", false, &err), 0);
	assert_non_null(sp_keyring_trusts(&r, &(struct sp_pubkey){ { 1 } }));
	assert_null(sp_keyring_trusts(&r, &(struct sp_pubkey){ { 2 } }));
	assert_non_null(sp_keyring_trusts(&r, &(struct sp_pubkey){ { 3 } }));
	sp_keyring_close(&r);
	assert_int_equal(open_ring(*state, &r, "one,four", false, &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	assert_non_null(strstr(err.text, "'four'"));
	sp_keyring_close(&r);
	assert_int_equal(open_ring(*state, &r, "one,,two", false, &err), -ENOENT);
	sp_keyring_close(&r);
}

static void test_a_broken_list(void **state)
{
	const struct place *p = *state;
	struct sp_keyring r;
	struct sp_err err;
	char path[160];
	FILE *f;

	assert_int_equal(open_ring(p, &r, NULL, true, &err), 0);
	sp_keyring_close(&r);
	snprintf(path, sizeof path, "%s/spate/trusted", p->config);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("# fine\nname nonsense\n", f);
	fclose(f);
	assert_int_equal(open_ring(p, &r, NULL, false, &err), -EINVAL);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(err.text, "spate/trusted:2:6: not a public key"));
	sp_keyring_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_there, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(test_made_and_found_again, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(test_a_name_nearby, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_only_some, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_a_broken_list, make_place, remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
