/* The folder of a user's keys, $XDG_CONFIG_HOME/spate (mode 0700): "key" is this user's own,
 * "trusted" lists others'. What is open stays open: nothing is looked up by path later. */
#ifndef SP_KEYS_RING_H
#define SP_KEYS_RING_H

#include "keys/tls.h"
#include "keys/trust.h"

struct sp_keyring_conf {
	const char *xdg_config_home, *home; /* values of the environment, or NULL */
	const char *key_file;		    /* another key than the folder's; NULL */
	const char *only; /* "NAME,NAME": of the trusted ones only these; NULL: all */
	bool make_folder; /* where it is missing */
};

struct sp_keyring {
	const struct sp_mem *mem;
	int dir;	 /* the folder, -1 where there is none */
	char path[1024]; /* its name */
	char key_path[1100];
	struct sp_key *key; /* NULL: none yet */
	struct sp_trust trust;
	struct sp_trust only; /* what counts when limited is set */
	bool limited;
	struct sp_tls_ctx *tls; /* with key */
};

/* A missing folder, key or list is no error: then there is none. Errors: a bad list (65), a key
 * that others may read (77), a name in only that is not trusted (2), no place for the folder (77,
 * 74). The ring can be freed in any case. */
int sp_keyring_open(struct sp_keyring *, const struct sp_keyring_conf *, const struct sp_mem *,
		    struct sp_err *);
void sp_keyring_close(struct sp_keyring *);
/* Makes the key where there is none. */
int sp_keyring_make_key(struct sp_keyring *, struct sp_err *);
/* Sentence and code when there is no key; 0: there is one. */
int sp_keyring_need_key(const struct sp_keyring *, struct sp_err *);
/* Whose key this is, or NULL: not trusted. */
const char *sp_keyring_trusts(const struct sp_keyring *, const struct sp_pubkey *);
/* Changes the list in memory and in the folder, where several processes may do so at once. add: a
 * name that is taken is no error when near is set (another is found and put into name). */
int sp_keyring_add(struct sp_keyring *, char name[SP_TRUST_NAME], bool near,
		   const struct sp_pubkey *, struct sp_err *);
int sp_keyring_remove(struct sp_keyring *, const char *name, struct sp_err *);

#endif
