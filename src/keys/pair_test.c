#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "keys/pair.h"

static void hex(const uint8_t *b, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * n] = '\0';
}

/* Both computed by Python's hashlib and hmac. */
static void test_vectors(void **state)
{
	uint8_t secret[SP_PAIR_SECRET], proof[SP_PAIR_PROOF], binding[SP_PAIR_BINDING];
	struct sp_pubkey client, server;
	char text[65];

	(void)state;
	memset(client.b, 1, sizeof client.b);
	memset(server.b, 2, sizeof server.b);
	for (uint8_t i = 0; i < SP_PAIR_BINDING; i++)
		binding[i] = i;
	assert_int_equal(sp_pair_secret("4Q7K-9TNM-2XHD", secret), 0);
	hex(secret, sizeof secret, text);
	assert_string_equal(text, "3d9ecfc6c0eece174daae495871ba695"
				  "769b8d1284df8b340d7e2f2f17bcdf3b");
	assert_int_equal(
		sp_pair_prove(SP_PAIR_CLIENT, secret, binding, &client, &server, proof), 0);
	hex(proof, sizeof proof, text);
	assert_string_equal(text, "67e56f062b298778f20a4bf6947cf620"
				  "cec220125aaee95cd332461904efbfbb");
	assert_int_equal(
		sp_pair_prove(SP_PAIR_SERVER, secret, binding, &client, &server, proof), 0);
	hex(proof, sizeof proof, text);
	assert_string_equal(text, "7bd04b86bce124e5862c9615a09378b6"
				  "ebdc2c2fd7ecd2567c8623f30a58b0cf");
}

/* Each of code, binding, keys and side is in the proof. */
static void test_a_proof_is_for_one_session(void **state)
{
	uint8_t s1[SP_PAIR_SECRET], s2[SP_PAIR_SECRET], base[SP_PAIR_PROOF], p[SP_PAIR_PROOF];
	uint8_t b1[SP_PAIR_BINDING] = { 1 }, b2[SP_PAIR_BINDING] = { 2 };
	struct sp_pubkey k1 = { { 1 } }, k2 = { { 2 } }, k3 = { { 3 } };

	(void)state;
	assert_int_equal(sp_pair_secret("0000-0000-0000", s1), 0);
	assert_int_equal(sp_pair_secret("0000-0000-0001", s2), 0);
	assert_int_equal(sp_pair_prove(SP_PAIR_CLIENT, s1, b1, &k1, &k2, base), 0);
	sp_pair_prove(SP_PAIR_CLIENT, s1, b1, &k1, &k2, p);
	assert_true(sp_pair_proof_eq(base, p));
	sp_pair_prove(SP_PAIR_CLIENT, s2, b1, &k1, &k2, p);
	assert_false(sp_pair_proof_eq(base, p));
	sp_pair_prove(SP_PAIR_CLIENT, s1, b2, &k1, &k2, p);
	assert_false(sp_pair_proof_eq(base, p));
	sp_pair_prove(SP_PAIR_CLIENT, s1, b1, &k3, &k2, p);
	assert_false(sp_pair_proof_eq(base, p));
	sp_pair_prove(SP_PAIR_CLIENT, s1, b1, &k1, &k3, p);
	assert_false(sp_pair_proof_eq(base, p));
	sp_pair_prove(SP_PAIR_SERVER, s1, b1, &k1, &k2, p);
	assert_false(sp_pair_proof_eq(base, p));
}

static void test_spellings(void **state)
{
	static const char *const same[] = { "4q7k-9tnm-2xhd", "4Q7K9TNM2XHD", "4Q7K 9TNM 2XHD",
					    "--4Q7-K9TNM2XHD " };
	static const char *const wrong[] = { "",
					     "4Q7K",
					     "4Q7K-9TNM-2XHDD",
					     "4Q7K-9TNM-2XH",
					     "4Q7K-9TNM-2XHU",
					     "4Q7K-9TNM-2XH\xc3\xa4",
					     "4Q7K_9TNM_2XHD" };
	uint8_t want[SP_PAIR_SECRET], got[SP_PAIR_SECRET];

	(void)state;
	assert_int_equal(sp_pair_secret("4Q7K-9TNM-2XHD", want), 0);
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_int_equal(sp_pair_secret(same[i], got), 0);
		assert_memory_equal(want, got, sizeof want);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sp_pair_secret(wrong[i], got), -EINVAL);
	assert_int_equal(sp_pair_secret("O0IL-1111-0000", want), 0);
	assert_int_equal(sp_pair_secret("0011-1111-0000", got), 0);
	assert_memory_equal(want, got, sizeof want);
}

static void test_codes_differ(void **state)
{
	char codes[64][SP_PAIR_TEXT];
	uint8_t secret[SP_PAIR_SECRET];

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(sp_pair_code_make(codes[i]), 0);
		assert_int_equal(strlen(codes[i]), SP_PAIR_TEXT - 1);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(codes[i], codes[k]);
	}
	assert_int_equal(sp_pair_secret(codes[0], secret), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_a_proof_is_for_one_session),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_codes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
