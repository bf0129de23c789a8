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

#include "keys/key.h"

/* `openssl genpkey -algorithm ed25519` and the public half, by another program. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
			  "-----END PRIVATE KEY-----\n";
static const char pem_public[] = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

static int folder(void **state)
{
	char *path = strdup("/tmp/spate-key-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char name[64];

	snprintf(name, sizeof name, "%s/key", (char *)*state);
	unlink(name);
	rmdir(*state);
	free(*state);
	return 0;
}

static int open_folder(void **state)
{
	return open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_key(int dir, const char *text, mode_t mode)
{
	int fd;

	unlinkat(dir, "key", 0);
	fd = openat(dir, "key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int load(struct sp_key **k, int dir, struct sp_err *err)
{
	*err = (struct sp_err){ 0 };
	return sp_key_load(k, dir, "key", "FOLDER/key", sp_mem_system(), err);
}

static void test_text(void **state)
{
	struct sp_pubkey k;
	char text[SP_PUBKEY_TEXT];

	(void)state;
	memset(&k, 0, sizeof k);
	assert_string_equal(sp_pubkey_format(text, &k),
			    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	assert_int_equal(sp_pubkey_parse(pem_public, &k), 0);
	assert_string_equal(sp_pubkey_format(text, &k), pem_public);
	assert_int_equal(sp_pubkey_parse("", &k), -EINVAL);
	assert_int_equal(sp_pubkey_parse("====", &k), -EINVAL);
	assert_int_equal(sp_pubkey_parse("============================================", &k),
			 -EINVAL);
}

static void test_made_saved_loaded(void **state)
{
	struct sp_err err = { 0 };
	struct sp_key *made, *again;
	int dir = open_folder(state);
	struct stat st;

	assert_int_equal(load(&again, dir, &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_non_null(strstr(err.text, "spate key make"));
	assert_int_equal(sp_key_make(&made, sp_mem_system(), &err), 0);
	assert_int_equal(sp_key_save(made, dir, "key", "FOLDER/key", &err), 0);
	assert_int_equal(fstatat(dir, "key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(sp_key_save(made, dir, "key", "FOLDER/key", &err), -EEXIST);
	assert_int_equal(load(&again, dir, &err), 0);
	assert_true(sp_pubkey_eq(sp_key_public(made), sp_key_public(again)));
	sp_key_free(made);
	sp_key_free(again);
	close(dir);
}

static void test_a_key_of_another_program(void **state)
{
	struct sp_err err;
	struct sp_key *k;
	char text[SP_PUBKEY_TEXT];
	int dir = open_folder(state);

	write_key(dir, pem, 0400);
	assert_int_equal(load(&k, dir, &err), 0);
	assert_string_equal(sp_pubkey_format(text, sp_key_public(k)), pem_public);
	sp_key_free(k);
	close(dir);
}

static void test_what_is_no_key(void **state)
{
	static const char *const texts[] = {
		"",
		"hello\n",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n",
		/* P-256 */
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0ct+DtYn8KrwdFPV\n"
		"Zik++dwYc6TqeA4K1zZe6cc11XGhRANCAAQ4212dCHcYIV8WJaWWoPEFIQ75Tb21\n"
		"Uv/k4Iv0ofE7IolWCdR2xzZ7y0J14Lc6NzuUhDbosRscDdr7EZBz057i\n"
		"-----END PRIVATE KEY-----\n",
	};
	struct sp_err err;
	struct sp_key *k;
	int dir = open_folder(state);

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		write_key(dir, texts[i], 0600);
		assert_int_equal(load(&k, dir, &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_DATA);
	}
	close(dir);
}

static void test_a_key_is_its_owners(void **state)
{
	static const mode_t open_modes[] = { 0640, 0604, 0660, 0777 };
	struct sp_err err;
	struct sp_key *k;
	int dir = open_folder(state);

	for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
		write_key(dir, pem, open_modes[i]);
		assert_int_equal(load(&k, dir, &err), -EACCES);
		assert_int_equal(err.exit, SP_EXIT_PERM);
		assert_non_null(strstr(err.text, "chmod 600 FOLDER/key"));
	}
	close(dir);
}

static void test_without_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_err err;
	struct sp_key *k;

	(void)state;
	sp_mem_test_init(&mem, 0);
	assert_int_equal(sp_key_make(&k, &mem.mem, &err), -ENOMEM);
	assert_int_equal(mem.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test_setup_teardown(test_made_saved_loaded, folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_key_of_another_program, folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_what_is_no_key, folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_key_is_its_owners, folder,
						remove_folder),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
