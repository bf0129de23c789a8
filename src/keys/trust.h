/* The keys of others that this user trusts, each under a name. As text, a line each:
 *
 *     # who may ask this host's receivers for more, and whose word counts here
 *     lab-7   mW3ZBO9bPpsnrGyJ2xJ4bHhHxqE6E3cUvs0aBrYhb9I=
 */
#ifndef SP_KEYS_TRUST_H
#define SP_KEYS_TRUST_H

#include <stddef.h>

#include "base/str.h"
#include "keys/key.h"

#define SP_TRUST_NAME  64u /* a name and its end: letters, digits, . _ - */
#define SP_TRUST_MAX   4096u
#define SP_TRUST_BYTES (512u * 1024u) /* of text */

struct sp_trusted {
	char name[SP_TRUST_NAME];
	struct sp_pubkey key;
};
struct sp_trust {
	const struct sp_mem *mem;
	struct sp_trusted *list;
	uint32_t n, cap;
};

void sp_trust_init(struct sp_trust *, const struct sp_mem *);
void sp_trust_fini(struct sp_trust *);
bool sp_trust_name_ok(const char *);
/* Pure. Errors: -EINVAL, exit 65, "PLACE:LINE:COLUMN: ..."; -ENOMEM. */
int sp_trust_parse(struct sp_trust *, const char *text, size_t len, const char *place,
		   struct sp_err *);
void sp_trust_print(const struct sp_trust *, struct sp_str *);
/* NULL: not in it. */
const struct sp_trusted *sp_trust_by_key(const struct sp_trust *, const struct sp_pubkey *);
const struct sp_trusted *sp_trust_by_name(const struct sp_trust *, const char *name);
/* -EEXIST: the name is another key's, or the key has another name; the same again is 0. -ENOSPC:
 * SP_TRUST_MAX. -EINVAL: no name. -ENOMEM. */
int sp_trust_add(struct sp_trust *, const char *name, const struct sp_pubkey *);
/* -ENOENT. */
int sp_trust_remove(struct sp_trust *, const char *name);
/* A name for a new key, near to what its owner calls itself: harmless and not taken. */
void sp_trust_new_name(const struct sp_trust *, const char *wish, char name[SP_TRUST_NAME]);

#endif
