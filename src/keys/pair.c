#include "keys/pair.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#define SYMBOLS 12u
#define ROUNDS	100000

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int sp_pair_code_make(char text[SP_PAIR_TEXT])
{
	uint8_t raw[SYMBOLS];
	size_t at = 0;

	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		return -EIO;
	for (unsigned i = 0; i < SYMBOLS; i++) {
		if (i && i % 4 == 0)
			text[at++] = '-';
		text[at++] = alphabet[raw[i] & 31];
	}
	text[at] = '\0';
	return 0;
}

/* The one spelling of a code. */
static int normal(const char *code, char out[SYMBOLS])
{
	unsigned n = 0;

	for (; *code; code++) {
		char c = *code >= 'a' && *code <= 'z' ? (char)(*code - 'a' + 'A') : *code;

		if (c == '-' || c == ' ')
			continue;
		c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
		if (n == SYMBOLS || !strchr(alphabet, c))
			return -EINVAL;
		out[n++] = c;
	}
	return n == SYMBOLS ? 0 : -EINVAL;
}

int sp_pair_secret(const char *code, uint8_t secret[SP_PAIR_SECRET])
{
	static const unsigned char salt[] = "spate pairing 1";
	char symbols[SYMBOLS];

	if (normal(code, symbols))
		return -EINVAL;
	if (PKCS5_PBKDF2_HMAC(symbols, SYMBOLS, salt, sizeof salt - 1, ROUNDS, EVP_sha256(),
			      SP_PAIR_SECRET, secret) != 1)
		return -ENOMEM;
	OPENSSL_cleanse(symbols, sizeof symbols);
	return 0;
}

int sp_pair_prove(enum sp_pair_side who, const uint8_t secret[SP_PAIR_SECRET],
		  const uint8_t binding[SP_PAIR_BINDING], const struct sp_pubkey *client,
		  const struct sp_pubkey *server, uint8_t proof[SP_PAIR_PROOF])
{
	static const char label[2][21] = { "spate pairing client", "spate pairing server" };
	uint8_t m[sizeof label[0] + SP_PAIR_BINDING + 2 * SP_PUBKEY_BYTES], *p = m;
	unsigned len = SP_PAIR_PROOF;

	memcpy(p, label[who], sizeof label[0]);
	p += sizeof label[0];
	memcpy(p, binding, SP_PAIR_BINDING);
	p += SP_PAIR_BINDING;
	memcpy(p, client->b, SP_PUBKEY_BYTES);
	p += SP_PUBKEY_BYTES;
	memcpy(p, server->b, SP_PUBKEY_BYTES);
	return HMAC(EVP_sha256(), secret, SP_PAIR_SECRET, m, sizeof m, proof, &len) ? 0
										    : -ENOMEM;
}

bool sp_pair_proof_eq(const uint8_t a[SP_PAIR_PROOF], const uint8_t b[SP_PAIR_PROOF])
{
	return CRYPTO_memcmp(a, b, SP_PAIR_PROOF) == 0;
}
