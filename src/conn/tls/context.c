#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "conn/tls/tls.h"

/* TLS 1.3: the first one that both know is taken, and 128 bits with SHA-256 cost both sides less. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* The last thing that OpenSSL complained about, and its queue empty again. */
static const char *complaint(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text ? text : "no reason given";
}

static int versions(SSL_CTX *ctx, int version)
{
	int least = version == 2 ? TLS1_3_VERSION : TLS1_2_VERSION;
	int most = version == 1 ? TLS1_2_VERSION : TLS1_3_VERSION;

	return SSL_CTX_set_min_proto_version(ctx, least) &&
	       SSL_CTX_set_max_proto_version(ctx, most);
}

static int own_certificate(struct sp_wrap *w, const struct sp_tls_conf *c, struct sp_err *err)
{
	const char *key = c->key ? c->key : c->cert;
	EVP_PKEY *made_key;
	X509 *made;
	bool ok;

	if (c->key && !c->cert)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "tls: a key is given and no certificate");
	if (c->cert) {
		if (SSL_CTX_use_certificate_chain_file(w->ctx, c->cert) != 1)
			return sp_fail(err, -EINVAL, SP_EXIT_NOINPUT, "tls: certificate %s: %s",
				       c->cert, complaint());
		if (SSL_CTX_use_PrivateKey_file(w->ctx, key, SSL_FILETYPE_PEM) != 1)
			return sp_fail(err, -EINVAL, SP_EXIT_NOINPUT, "tls: key %s: %s", key,
				       complaint());
		return 0;
	}
	if (!w->server)
		return 0;
	made = sp_tls_throwaway(&made_key);
	ok = made && SSL_CTX_use_certificate(w->ctx, made) == 1 &&
	     SSL_CTX_use_PrivateKey(w->ctx, made_key) == 1;
	X509_free(made);
	EVP_PKEY_free(made_key);
	return ok ? 0
		  : sp_fail(err, -EIO, SP_EXIT_FAILED, "tls: cannot make a certificate: %s",
			    complaint());
}

/* Whoever takes any certificate need not look at where it comes from. */
static int any_certificate(X509_STORE_CTX *chain, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	return 1;
}

/* 01234567.8, as c_rehash names certificates. */
static bool hashed_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	       name[9 + strspn(name + 9, "0123456789")] == '\0';
}

static void load_folder(SSL_CTX *ctx, const char *path)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	DIR *dir = opendir(path);
	char file[PATH_MAX];

	for (struct dirent *e; dir && lookup && (e = readdir(dir));) {
		if (hashed_name(e->d_name) &&
		    snprintf(file, sizeof file, "%s/%s", path, e->d_name) < (int)sizeof file)
			X509_LOOKUP_load_file(lookup, file, X509_FILETYPE_PEM);
	}
	if (dir)
		closedir(dir);
}

/* OpenSSL loads the system's file now and looks into its folders when it meets a certificate: when the
 * program may open nothing any more. */
static int trust_system(struct sp_wrap *w, struct sp_err *err)
{
	const char *paths = getenv(X509_get_default_cert_dir_env());
	char path[PATH_MAX];

	if (SSL_CTX_set_default_verify_paths(w->ctx) != 1)
		return sp_fail(err, -EIO, SP_EXIT_FAILED, "tls: no system certificates: %s",
			       complaint());
	if (!paths &&
	    sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(w->ctx))) == 0)
		paths = X509_get_default_cert_dir();
	for (size_t len; paths && *paths; paths += len + (paths[len] == ':')) {
		len = strcspn(paths, ":");
		snprintf(path, sizeof path, "%.*s", (int)len, paths);
		load_folder(w->ctx, path);
	}
	ERR_clear_error();
	return 0;
}

static int trust(struct sp_wrap *w, const struct sp_tls_conf *c, struct sp_err *err)
{
	if (w->server || c->insecure) {
		SSL_CTX_set_verify(w->ctx, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_cert_verify_callback(w->ctx, any_certificate, NULL);
		return 0;
	}
	SSL_CTX_set_verify(w->ctx, SSL_VERIFY_PEER, NULL);
	if (c->ca && SSL_CTX_load_verify_file(w->ctx, c->ca) != 1)
		return sp_fail(err, -EINVAL, SP_EXIT_NOINPUT, "tls: CA file %s: %s", c->ca,
			       complaint());
	return c->ca ? 0 : trust_system(w, err);
}

/* RFC 7301: a client that offers protocols, none of which is ours, is turned away. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *n_out,
		       const unsigned char *in, unsigned n_in, void *arg)
{
	const struct sp_wrap *w = arg;

	(void)ssl;
	for (unsigned at = 0; at + 1u + in[at] <= n_in; at += 1u + in[at]) {
		if (in[at] + 1u == w->n_alpn && !memcmp(in + at, w->alpn, w->n_alpn)) {
			*out = in + at + 1;
			*n_out = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
		if (at + 1u + in[at] >= n_in)
			break;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int application(struct sp_wrap *w, const struct sp_tls_conf *c, struct sp_err *err)
{
	size_t len = c->alpn ? strlen(c->alpn) : 0;

	if (len > 255)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "tls: alpn has more than 255 bytes");
	if (!len)
		return 0;
	w->alpn[0] = (unsigned char)len;
	memcpy(w->alpn + 1, c->alpn, len);
	w->n_alpn = (unsigned)len + 1;
	if (w->server)
		SSL_CTX_set_alpn_select_cb(w->ctx, select_alpn, w);
	else if (SSL_CTX_set_alpn_protos(w->ctx, w->alpn, w->n_alpn))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "tls: alpn '%s': %s", c->alpn,
			       complaint());
	return 0;
}

/* Keeps the last session that the server gave. */
static int new_session(SSL *ssl, SSL_SESSION *session)
{
	struct sp_wrap *w = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	SSL_SESSION_free(w->session);
	w->session = session;
	return 1; /* it is ours now */
}

static int sessions(struct sp_wrap *w, bool resume)
{
	if (w->server) {
		SSL_CTX_set_session_cache_mode(w->ctx, SSL_SESS_CACHE_OFF);
		if (resume)
			return 1;
		SSL_CTX_set_options(w->ctx, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(w->ctx, 0);
	}
	SSL_CTX_set_session_cache_mode(w->ctx, resume ? SSL_SESS_CACHE_CLIENT |
								SSL_SESS_CACHE_NO_INTERNAL
						      : SSL_SESS_CACHE_OFF);
	if (resume)
		SSL_CTX_sess_set_new_cb(w->ctx, new_session);
	else
		SSL_CTX_set_options(w->ctx, SSL_OP_NO_TICKET);
	return 1;
}

int sp_tls_context(struct sp_wrap *w, const struct sp_tls_conf *c, struct sp_err *err)
{
	int r;

	w->ctx = SSL_CTX_new_ex(w->server || c->cert ? NULL : sp_tls_few(), NULL,
				w->server ? TLS_server_method() : TLS_client_method());
	if (!w->ctx)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "tls: %s", complaint());
	SSL_CTX_set_app_data(w->ctx, w);
	SSL_CTX_set_options(w->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* Idle connections hold no buffers; a read takes all that is there at once. */
	SSL_CTX_set_mode(w->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(w->ctx, 1);
	if (!versions(w->ctx, c->version) || !sessions(w, c->resume) ||
	    SSL_CTX_set_ciphersuites(w->ctx, SUITES) != 1)
		return sp_fail(err, -EIO, SP_EXIT_FAILED, "tls: %s", complaint());
	r = own_certificate(w, c, err);
	if (!r)
		r = trust(w, c, err);
	return r ? r : application(w, c, err);
}
