/* Pairing: two that have never met exchange keys over TLS, and a code that a person carries from
 * one to the other shows that nobody stands between them. Each proves that it knows the code by an
 * HMAC over the channel binding of their session (RFC 9266) and both keys: whoever is in the
 * middle has two sessions with different bindings, and can use neither proof for the other.
 *
 * A proof would let a listener try codes at leisure, so a code has 60 bits and is stretched
 * (PBKDF2, 100,000 rounds); it is good for one try within ten minutes. Pure, but for making a
 * code. */
#ifndef SP_KEYS_PAIR_H
#define SP_KEYS_PAIR_H

#include "keys/key.h"

#define SP_PAIR_TEXT	15u /* "4Q7K-9TNM-2XHD" and its end */
#define SP_PAIR_SECRET	32u
#define SP_PAIR_BINDING 32u
#define SP_PAIR_PROOF	32u
#define SP_PAIR_NS	(UINT64_C(600) * 1000000000)

/* A new code, as text. -EIO: the system gives no random number. */
int sp_pair_code_make(char text[SP_PAIR_TEXT]);
/* What both sides make of a code. Case and dashes do not matter, O is 0, I and L are 1. -EINVAL:
 * that is no code. Takes about 30 ms. */
int sp_pair_secret(const char *code, uint8_t secret[SP_PAIR_SECRET]);

enum sp_pair_side { SP_PAIR_CLIENT, SP_PAIR_SERVER };
int sp_pair_prove(enum sp_pair_side who, const uint8_t secret[SP_PAIR_SECRET],
		  const uint8_t binding[SP_PAIR_BINDING], const struct sp_pubkey *client,
		  const struct sp_pubkey *server, uint8_t proof[SP_PAIR_PROOF]);
/* In constant time. */
bool sp_pair_proof_eq(const uint8_t a[SP_PAIR_PROOF], const uint8_t b[SP_PAIR_PROOF]);

#endif
