#include "keys/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES 4096

struct sp_key {
	const struct sp_mem *mem;
	EVP_PKEY *pair;
	struct sp_pubkey public;
};

/* ---- the public half as text ---- */

const char *sp_pubkey_format(char text[SP_PUBKEY_TEXT], const struct sp_pubkey *k)
{
	EVP_EncodeBlock((unsigned char *)text, k->b, SP_PUBKEY_BYTES);
	return text;
}

int sp_pubkey_parse(const char *text, struct sp_pubkey *k)
{
	unsigned char raw[36];
	char again[SP_PUBKEY_TEXT];

	if (strlen(text) != SP_PUBKEY_TEXT - 1 ||
	    EVP_DecodeBlock(raw, (const unsigned char *)text, SP_PUBKEY_TEXT - 1) < 0)
		return -EINVAL;
	memcpy(k->b, raw, SP_PUBKEY_BYTES);
	return strcmp(sp_pubkey_format(again, k), text) == 0 ? 0 : -EINVAL;
}

bool sp_pubkey_eq(const struct sp_pubkey *a, const struct sp_pubkey *b)
{
	return memcmp(a->b, b->b, SP_PUBKEY_BYTES) == 0;
}

/* ---- the pair ---- */

/* Takes pair over, whatever comes out. */
static int wrap(struct sp_key **out, EVP_PKEY *pair, const struct sp_mem *mem)
{
	struct sp_key *k = pair ? sp_alloc(mem, sizeof *k) : NULL;
	size_t len = SP_PUBKEY_BYTES;

	if (!k) {
		EVP_PKEY_free(pair);
		return -ENOMEM;
	}
	k->mem = mem;
	k->pair = pair;
	*out = k;
	if (EVP_PKEY_get_id(pair) == EVP_PKEY_ED25519 &&
	    EVP_PKEY_get_raw_public_key(pair, k->public.b, &len) == 1 && len == SP_PUBKEY_BYTES)
		return 0;
	sp_key_free(k);
	return -EINVAL;
}

int sp_key_make(struct sp_key **out, const struct sp_mem *mem, struct sp_err *err)
{
	int rc = wrap(out, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), mem);

	return rc ? sp_fail(err, rc, SP_EXIT_FAILED, "a key could not be made: %s",
			    strerror(-rc))
		  : 0;
}

const struct sp_pubkey *sp_key_public(const struct sp_key *k)
{
	return &k->public;
}

void *sp_key_handle(const struct sp_key *k)
{
	return k->pair;
}

void sp_key_free(struct sp_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pair);
	sp_free(k->mem, k);
}

/* ---- files ---- */

static int check_file(int fd, const char *place, struct sp_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return sp_fail(err, -errno, SP_EXIT_PERM, "%s: %s", place, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s is not a file", place);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s belongs to another user: a private key is its owner's",
			       place);
	if (st.st_mode & 077)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s can be read by others (mode %03o): `chmod 600 %s`", place,
			       (unsigned)st.st_mode & 0777, place);
	return 0;
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *read_pem(int fd)
{
	char text[FILE_MAX_BYTES];
	ssize_t n = read(fd, text, sizeof text);
	BIO *bio = n > 0 ? BIO_new_mem_buf(text, (int)n) : NULL;
	EVP_PKEY *pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	OPENSSL_cleanse(text, sizeof text);
	return pair;
}

int sp_key_load(struct sp_key **out, int dir, const char *name, const char *place,
		const struct sp_mem *mem, struct sp_err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	EVP_PKEY *pair;

	if (fd < 0 && errno == ENOENT)
		return sp_fail(err, -ENOENT, SP_EXIT_NOINPUT,
			       "there is no key yet (%s): `spate key make` makes one", place);
	if (fd < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM, "%s: %s", place, strerror(errno));
	rc = check_file(fd, place, err);
	if (rc) {
		close(fd);
		return rc;
	}
	pair = read_pem(fd);
	close(fd);
	rc = pair ? wrap(out, pair, mem) : -EINVAL;
	if (rc == -EINVAL)
		return sp_fail(
			err, rc, SP_EXIT_DATA,
			"%s holds no Ed25519 key (PEM, without a passphrase): `spate key "
			"make` makes one",
			place);
	return rc ? sp_fail(err, rc, SP_EXIT_FAILED, "out of memory") : 0;
}

static int write_pem(const struct sp_key *k, int fd)
{
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
	int ok = bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pair, NULL, NULL, 0, NULL, NULL);

	BIO_free(bio);
	return ok && fsync(fd) == 0 ? 0 : -EIO;
}

int sp_key_save(const struct sp_key *k, int dir, const char *name, const char *place,
		struct sp_err *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return sp_fail(err, -errno, SP_EXIT_IO, "%s: %s", place,
			       errno == EEXIST ? "there is one already; it is not written over"
					       : strerror(errno));
	rc = write_pem(k, fd);
	close(fd);
	if (!rc)
		return 0;
	unlinkat(dir, name, 0);
	return sp_fail(err, rc, SP_EXIT_IO, "%s could not be written", place);
}
