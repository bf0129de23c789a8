/* The same seed and virtual time give the same bytes at the same times, on every compiler: what
 * the pcap transport writes (headers, payload, stamps, checksums, times) has hashes that stand here.
 * A hash that changes with intent is printed by the failing test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/testing.h"

#define CAPTURE(rate, size)                                                                    \
	"+stream", "name=s", "from=p", "host=192.0.2.7", "port=5001", "rate=" rate, "size=" size

static const struct {
	const char *what, *sha256;
	const char *words[40];
} captures[] = {
	{ "constant",
	  "69a6d4e54fd97c9ae78d0541a1f6fcc2c54a37cbefe066ce26fcfee34bed6254",
	  { CAPTURE("1kpps", "200"), "duration=2s" } },
	{ "exponential",
	  "1703b4230a12649619c11e54859e720f456665ed7fb627a83e9d531f581004d6",
	  { CAPTURE("1kpps", "200"), "departure=exponential", "duration=2s" } },
	{ "exponential, a rate with a fraction and in bit/s",
	  "a999b7958c23fc7b336a0e561ac72c5c3ddf2f9814287077844768d801eb41cc",
	  { CAPTURE("1.2345678Mbit/s", "1400"), "departure=exponential", "count=3000" } },
	{ "several streams, IPv6, short stamps, none, offsets",
	  "26077c274ff378cb941d294165918f6597e0573cf1e88b283a4422e7523051c3",
	  { CAPTURE("700pps", "80"),
	    "duration=1s",
	    "stamp=short",
	    "+stream",
	    "name=t",
	    "from=p",
	    "host=2001:db8::7",
	    "port=9",
	    "rate=333.333pps",
	    "size=100",
	    "count=500",
	    "start=100ms",
	    "departure=exponential",
	    "payload=spate",
	    "+stream",
	    "name=u",
	    "from=p",
	    "host=192.0.2.8",
	    "port=1",
	    "rate=3pps",
	    "size=60",
	    "duration=3s",
	    "stamp=off" } },
};

/* The digest of a file as hexadecimal text. */
static void hash_file(const char *path, char text[65])
{
	unsigned char chunk[4096], sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	FILE *f = fopen(path, "re");
	unsigned len = 0;
	size_t n;

	assert_non_null(md);
	assert_non_null(f);
	assert_int_equal(EVP_DigestInit_ex(md, EVP_sha256(), NULL), 1);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		EVP_DigestUpdate(md, chunk, n);
	EVP_DigestFinal_ex(md, sum, &len);
	for (unsigned i = 0; i < len; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", sum[i]);
	fclose(f);
	EVP_MD_CTX_free(md);
}

/* One capture of a plan, hashed. */
static void capture(const char *const *plan, const char *seed, char text[65])
{
	char path[] = "/tmp/spate-bytes-XXXXXX", file[40];
	const char *words[64] = { VIRTUAL, seed, "+port", "name=p", "transport=pcap", file };
	unsigned n = 0;
	struct sim s;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	snprintf(file, sizeof file, "file=%s", path);
	while (words[n])
		n++;
	while (*plan)
		words[n++] = *plan++;
	sim_run(&s, words, 0);
	sim_end(&s);
	hash_file(path, text);
	unlink(path);
}

static void test_same_bytes(void **state)
{
	char first[65], again[65], other[65];
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
		capture(captures[i].words, "seed=42", first);
		capture(captures[i].words, "seed=42", again);
		capture(captures[i].words, "seed=43", other);
		assert_string_equal(first, again);
		assert_string_not_equal(first, other);
		if (strcmp(first, captures[i].sha256) != 0) {
			print_error("%s: is %s\n", captures[i].what, first);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
