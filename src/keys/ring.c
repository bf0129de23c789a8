#include "keys/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out_file.h"

#define KEY	"key"
#define TRUSTED "trusted"

/* ---- the folder ---- */

static int folder_path(struct sp_keyring *r, const struct sp_keyring_conf *c,
		       struct sp_err *err)
{
	bool xdg = c->xdg_config_home && c->xdg_config_home[0] == '/';
	int n;

	if (xdg)
		n = snprintf(r->path, sizeof r->path, "%s/spate", c->xdg_config_home);
	else if (c->home && *c->home)
		n = snprintf(r->path, sizeof r->path, "%s/.config/spate", c->home);
	else
		n = -1;
	if (n < 0 || (size_t)n >= sizeof r->path) {
		r->path[0] = '\0';
		return sp_fail(err, -ENOENT, SP_EXIT_PERM,
			       "there is no place for keys: set HOME or XDG_CONFIG_HOME");
	}
	return 0;
}

/* Its missing parents too; the mode is the last one's. */
static int make_folder(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0777) && errno != EEXIST) {
			*p = '/';
			return -errno;
		}
		*p = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int open_folder(struct sp_keyring *r, const struct sp_keyring_conf *c,
		       struct sp_err *err)
{
	int rc = folder_path(r, c, c->make_folder ? err : NULL);

	if (rc)
		return c->make_folder ? rc : 0;
	rc = c->make_folder ? make_folder(r->path) : 0;
	if (rc)
		return sp_fail(err, rc, SP_EXIT_IO, "%s could not be made: %s", r->path,
			       strerror(-rc));
	r->dir = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir >= 0 || (errno == ENOENT && !c->make_folder))
		return 0;
	return sp_fail(err, -errno, SP_EXIT_PERM, "%s: %s", r->path, strerror(errno));
}

/* ---- the list ---- */

static int read_all(int fd, char *text, size_t cap, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < cap; *len += (size_t)n) {
		n = read(fd, text + *len, cap - *len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		n = n < 0 ? 0 : n;
	}
	return 0;
}

/* What the folder holds now, into an empty list. */
static int load_trust(const struct sp_keyring *r, struct sp_trust *t, struct sp_err *err)
{
	int fd = openat(r->dir, TRUSTED, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	char place[1100], *text;
	size_t len;

	if (fd < 0 && errno == ENOENT)
		return 0;
	snprintf(place, sizeof place, "%s/" TRUSTED, r->path);
	if (fd < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM, "%s: %s", place, strerror(errno));
	text = sp_alloc(r->mem, SP_TRUST_BYTES + 1);
	rc = text ? read_all(fd, text, SP_TRUST_BYTES + 1, &len) : -ENOMEM;
	close(fd);
	if (rc)
		sp_fail(err, rc, SP_EXIT_FAILED, "%s: %s", place, strerror(-rc));
	else
		rc = sp_trust_parse(t, text, len, place, err);
	sp_free(r->mem, text);
	return rc;
}

/* Whole or not at all: written beside it, then renamed. */
static int save_trust(const struct sp_keyring *r, const struct sp_trust *t, struct sp_err *err)
{
	struct sp_out o = { .fd = -1, .dir = -1 };
	struct sp_str text;
	int rc = -ENOMEM;

	sp_str_init(&text, r->mem);
	sp_trust_print(t, &text);
	if (!text.failed)
		rc = sp_out_open_in(&o, r->dir, TRUSTED, 0600);
	if (!rc)
		rc = sp_out_write(&o, text.text, text.len);
	if (!rc && fsync(o.fd))
		rc = -errno;
	if (rc)
		sp_out_drop(&o);
	else
		rc = sp_out_finish(&o);
	sp_str_fini(&text);
	return rc ? sp_fail(err, rc, SP_EXIT_IO, "%s/" TRUSTED " could not be written: %s",
			    r->path, strerror(-rc))
		  : 0;
}

static int no_folder(const struct sp_keyring *r, struct sp_err *err)
{
	return sp_fail(err, -ENOENT, SP_EXIT_NOINPUT,
		       "there are no keys yet (%s): `spate key make` makes one", r->path);
}

int sp_keyring_add(struct sp_keyring *r, char name[SP_TRUST_NAME], bool near,
		   const struct sp_pubkey *key, struct sp_err *err)
{
	const struct sp_trusted *known;
	struct sp_trust now;
	int rc;

	if (r->dir < 0)
		return no_folder(r, err);
	sp_trust_init(&now, r->mem);
	while ((rc = flock(r->dir, LOCK_EX)) && errno == EINTR)
		;
	rc = rc ? sp_fail(err, -errno, SP_EXIT_IO, "%s: %s", r->path, strerror(errno))
		: load_trust(r, &now, err);
	known = rc ? NULL : sp_trust_by_key(&now, key);
	if (near && known)
		sp_strlcpy(name, known->name, SP_TRUST_NAME);
	else if (near && !rc)
		sp_trust_new_name(&now, name, name);
	if (!rc) {
		rc = sp_trust_add(&now, name, key);
		if (rc == -EEXIST)
			sp_fail(err, rc, SP_EXIT_USAGE,
				"%s: %s; `spate key list` shows them, `spate key forget` takes "
				"one away",
				known ? known->name : name,
				known ? "this key is trusted under that name"
				      : "another key has this name");
		else if (rc)
			sp_fail(err, rc, SP_EXIT_FAILED, "%s: %s", name,
				rc == -EINVAL ? "not a name (letters, digits, '.', '_', '-')"
					      : strerror(-rc));
		else
			rc = known ? 0 : save_trust(r, &now, err);
	}
	flock(r->dir, LOCK_UN);
	if (!rc) {
		sp_trust_fini(&r->trust);
		r->trust = now;
		return r->limited ? sp_trust_add(&r->only, name, key) : 0;
	}
	sp_trust_fini(&now);
	return rc;
}

int sp_keyring_remove(struct sp_keyring *r, const char *name, struct sp_err *err)
{
	struct sp_trust now;
	int rc;

	if (r->dir < 0)
		return no_folder(r, err);
	sp_trust_init(&now, r->mem);
	while ((rc = flock(r->dir, LOCK_EX)) && errno == EINTR)
		;
	rc = rc ? sp_fail(err, -errno, SP_EXIT_IO, "%s: %s", r->path, strerror(errno))
		: load_trust(r, &now, err);
	if (!rc && sp_trust_remove(&now, name))
		rc = sp_fail(
			err, -ENOENT, SP_EXIT_USAGE,
			"no key is trusted under the name '%s'; `spate key list` shows them",
			name);
	if (!rc)
		rc = save_trust(r, &now, err);
	flock(r->dir, LOCK_UN);
	sp_trust_fini(rc ? &now : &r->trust);
	if (!rc)
		r->trust = now;
	return rc;
}

/* ---- opening ---- */

static int take_only(struct sp_keyring *r, const char *only, struct sp_err *err)
{
	char name[SP_TRUST_NAME + 1];

	r->limited = true;
	for (const char *p = only; p; p = *p ? p + 1 : NULL) {
		size_t n = strcspn(p, ",");
		const struct sp_trusted *t = NULL;

		snprintf(name, sizeof name, "%.*s",
			 (int)(n < sizeof name ? n : sizeof name - 1), p);
		p += n;
		if (sp_trust_name_ok(name))
			t = sp_trust_by_name(&r->trust, name);
		if (!t)
			return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
				       "--trust: no key is trusted under the name '%s'; `spate "
				       "key list` shows them, `spate key trust` adds one",
				       sp_trust_name_ok(name) ? name : "?");
		if (sp_trust_add(&r->only, t->name, &t->key))
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		if (!*p)
			break;
	}
	return 0;
}

static int load_key(struct sp_keyring *r, const char *file, struct sp_err *err)
{
	int rc;

	if (file)
		snprintf(r->key_path, sizeof r->key_path, "%s", file);
	else
		snprintf(r->key_path, sizeof r->key_path, "%s/" KEY, r->path);
	if (!file && r->dir < 0)
		return 0;
	rc = sp_key_load(&r->key, file ? AT_FDCWD : r->dir, file ? file : KEY, r->key_path,
			 r->mem, err);
	if (rc == -ENOENT && !file)
		return 0;
	return rc ? rc : sp_tls_ctx_new(&r->tls, r->key, r->mem, err);
}

int sp_keyring_open(struct sp_keyring *r, const struct sp_keyring_conf *c,
		    const struct sp_mem *mem, struct sp_err *err)
{
	int rc;

	*r = (struct sp_keyring){ .mem = mem, .dir = -1 };
	sp_trust_init(&r->trust, mem);
	sp_trust_init(&r->only, mem);
	rc = open_folder(r, c, err);
	if (!rc && r->dir >= 0)
		rc = load_trust(r, &r->trust, err);
	if (!rc && c->only)
		rc = take_only(r, c->only, err);
	return rc ? rc : load_key(r, c->key_file, err);
}

void sp_keyring_close(struct sp_keyring *r)
{
	sp_tls_ctx_free(r->tls);
	sp_key_free(r->key);
	sp_trust_fini(&r->trust);
	sp_trust_fini(&r->only);
	if (r->dir >= 0)
		close(r->dir);
	*r = (struct sp_keyring){ .mem = r->mem, .dir = -1 };
}

int sp_keyring_make_key(struct sp_keyring *r, struct sp_err *err)
{
	int rc;

	if (r->dir < 0)
		return no_folder(r, err);
	if (r->key)
		return 0;
	rc = sp_key_make(&r->key, r->mem, err);
	if (!rc)
		rc = sp_key_save(r->key, r->dir, KEY, r->key_path, err);
	return rc ? rc : sp_tls_ctx_new(&r->tls, r->key, r->mem, err);
}

int sp_keyring_need_key(const struct sp_keyring *r, struct sp_err *err)
{
	if (r->key)
		return 0;
	return sp_fail(err, -ENOENT, SP_EXIT_NOINPUT,
		       "there is no key yet (%s): `spate key make` makes one", r->key_path);
}

const char *sp_keyring_trusts(const struct sp_keyring *r, const struct sp_pubkey *key)
{
	const struct sp_trusted *t = sp_trust_by_key(r->limited ? &r->only : &r->trust, key);

	return t ? t->name : NULL;
}
