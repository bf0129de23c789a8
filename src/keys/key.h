/* A key: an Ed25519 pair (RFC 8032), known to others by its public half. */
#ifndef SP_KEYS_KEY_H
#define SP_KEYS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define SP_PUBKEY_BYTES 32u
#define SP_PUBKEY_TEXT	45u /* base64 and its end */

struct sp_pubkey {
	uint8_t b[SP_PUBKEY_BYTES];
};

/* "fbM5...=": 44 characters of base64 (RFC 4648), as WireGuard's users know it. Returns text. */
const char *sp_pubkey_format(char text[SP_PUBKEY_TEXT], const struct sp_pubkey *);
/* 0 or -EINVAL; one key has one spelling. */
int sp_pubkey_parse(const char *text, struct sp_pubkey *);
bool sp_pubkey_eq(const struct sp_pubkey *, const struct sp_pubkey *);

struct sp_key; /* with the private half */

int sp_key_make(struct sp_key **, const struct sp_mem *, struct sp_err *);
/* From a PEM file (PKCS 8). dir is an open folder, or AT_FDCWD. Errors: -ENOENT, exit 66: there is
 * none; -EACCES, exit 77: others may read it, or it is somebody else's; -EINVAL, exit 65: no
 * Ed25519 key. place names it in sentences. */
int sp_key_load(struct sp_key **, int dir, const char *name, const char *place,
		const struct sp_mem *, struct sp_err *);
/* Into a new file of mode 0600. -EEXIST, exit 74: never written over. */
int sp_key_save(const struct sp_key *, int dir, const char *name, const char *place,
		struct sp_err *);
const struct sp_pubkey *sp_key_public(const struct sp_key *);
/* The OpenSSL object (EVP_PKEY *), still the key's. */
void *sp_key_handle(const struct sp_key *);
void sp_key_free(struct sp_key *);

#endif
