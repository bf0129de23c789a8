/* Of OpenSSL's algorithms only those that TLS 1.2 and 1.3 clients need. OpenSSL 3.0 looks through all
 * that its library context has, by name, each time it meets a certificate's key: a third of a
 * client's work in a handshake, twenty times what the key itself takes. So clients get a context
 * of their own, with a provider that shows a part of the default one's rows. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#include "conn/tls/tls.h"

#define ROWS 24u

/* First names; keys are those that a certificate or a key exchange can have. */
static const char *const keys[] = { "EC",      "X25519", "RSA",	 "RSA-PSS",
				    "ED25519", "ED448",	 "HMAC", NULL };
static const char *const exchanges[] = { "ECDH", "X25519", NULL };
static const char *const signatures[] = { "ECDSA", "RSA", "ED25519", "ED448", "HMAC", NULL };
static const char *const encryptions[] = { "RSA", NULL };
static const char *const digests[] = { "SHA1",	   "SHA2-224", "SHA2-256",
				       "SHA2-384", "SHA2-512", NULL };
static const char *const ciphers[] = { "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305",
				       "AES-128-CBC", "AES-256-CBC", NULL };
static const char *const macs[] = { "HMAC", NULL };
static const char *const derivations[] = { "HKDF", "TLS13-KDF", "TLS1-PRF", NULL };
static const char *const randoms[] = { "CTR-DRBG", "SEED-SRC", NULL };

static const struct kind {
	int operation;
	const char *const *names;
	const char *properties[2]; /* both must stand in the row's */
} kinds[] = {
	{ OSSL_OP_KEYMGMT, keys, { "", "" } },
	{ OSSL_OP_DECODER, keys, { "input=der", "structure=SubjectPublicKeyInfo" } },
	{ OSSL_OP_KEYEXCH, exchanges, { "", "" } },
	{ OSSL_OP_SIGNATURE, signatures, { "", "" } },
	{ OSSL_OP_ASYM_CIPHER, encryptions, { "", "" } },
	{ OSSL_OP_DIGEST, digests, { "", "" } },
	{ OSSL_OP_CIPHER, ciphers, { "", "" } },
	{ OSSL_OP_MAC, macs, { "", "" } },
	{ OSSL_OP_KDF, derivations, { "", "" } },
	{ OSSL_OP_RAND, randoms, { "", "" } },
};

#define KINDS (sizeof kinds / sizeof *kinds)

/* OpenSSL hands a provider's functions nothing of ours: what query gets belongs to the provider that
 * the rows come from. So this is the process's, made once and never changed. */
static struct {
	pthread_once_t once;
	OSSL_LIB_CTX *all, *few;
	OSSL_PROVIDER *whole;
	OSSL_ALGORITHM row[KINDS][ROWS + 1];
} made = { .once = PTHREAD_ONCE_INIT };

static bool named(const char *const *names, const char *row)
{
	size_t len = strcspn(row, ":");

	for (; *names; names++)
		if (strlen(*names) == len && !strncmp(*names, row, len))
			return true;
	return false;
}

/* False: nothing of this kind was found, or it is not lasting. */
static bool choose(size_t k)
{
	const struct kind *kind = &kinds[k];
	int fleeting = 0;
	const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(made.whole, kind->operation,
								&fleeting);
	size_t n = 0;

	for (; a && a->algorithm_names && n < ROWS; a++)
		if (named(kind->names, a->algorithm_names) &&
		    strstr(a->property_definition, kind->properties[0]) &&
		    strstr(a->property_definition, kind->properties[1]))
			made.row[k][n++] = *a;
	return n && !fleeting;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *fleeting)
{
	(void)context;
	*fleeting = 0;
	for (size_t k = 0; k < KINDS; k++)
		if (kinds[k].operation == operation)
			return made.row[k];
	return NULL;
}

static const OSSL_PARAM *gettable(void *context)
{
	(void)context;
	return OSSL_PROVIDER_gettable_params(made.whole);
}

static int get_params(void *context, OSSL_PARAM params[])
{
	(void)context;
	return OSSL_PROVIDER_get_params(made.whole, params);
}

static int capabilities(void *context, const char *name, OSSL_CALLBACK *call, void *arg)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(made.whole, name, call, arg);
}

typedef void (*function)(void);

static const OSSL_DISPATCH functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query },
	{ OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (function)gettable },
	{ OSSL_FUNC_PROVIDER_GET_PARAMS, (function)get_params },
	{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (function)capabilities },
	{ 0, NULL },
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
			 const OSSL_DISPATCH **out, void **context)
{
	(void)handle;
	(void)in;
	*out = functions;
	/* The rows' own functions are called with it. */
	*context = OSSL_PROVIDER_get0_provider_ctx(made.whole);
	return 1;
}

static void make(void)
{
	OSSL_LIB_CTX *few = OSSL_LIB_CTX_new();
	bool ok;

	made.all = OSSL_LIB_CTX_new();
	made.whole = made.all ? OSSL_PROVIDER_load(made.all, "default") : NULL;
	ok = few && made.whole;
	for (size_t k = 0; ok && k < KINDS; k++)
		ok = choose(k);
	if (ok && OSSL_PROVIDER_add_builtin(few, "spate-tls", provider_init) == 1 &&
	    OSSL_PROVIDER_load(few, "spate-tls")) {
		made.few = few;
		return;
	}
	OSSL_LIB_CTX_free(few);
	ERR_clear_error();
}

OSSL_LIB_CTX *sp_tls_few(void)
{
	/* A host that was set to certified algorithms keeps to them. */
	if (EVP_default_properties_is_fips_enabled(NULL))
		return NULL;
	pthread_once(&made.once, make);
	return made.few;
}
