#include "keys/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>

struct sp_tls_ctx {
	const struct sp_mem *mem;
	SSL_CTX *ctx;
	BIO_METHOD *socket;
	struct sp_pubkey key;
};

struct sp_tls {
	const struct sp_mem *mem;
	struct sp_tls_conf conf;
	SSL *ssl;
	struct sp_pubkey peer;
	bool wants_write, refused, failed;
};

/* ---- the socket, as OpenSSL sees it: its own would raise SIGPIPE ---- */

static int socket_result(BIO *b, ssize_t n, int direction)
{
	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_flags(b, BIO_FLAGS_SHOULD_RETRY | direction);
	return (int)n;
}

static int fd_of(BIO *b)
{
	const struct sp_tls *t = BIO_get_data(b);

	return t->conf.fd;
}

static int socket_write(BIO *b, const char *data, int len)
{
	return socket_result(b, send(fd_of(b), data, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT),
			     BIO_FLAGS_WRITE);
}

static int socket_read(BIO *b, char *data, int len)
{
	return socket_result(b, recv(fd_of(b), data, (size_t)len, MSG_DONTWAIT),
			     BIO_FLAGS_READ);
}

static long socket_ctrl(BIO *b, int what, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method(void)
{
	int type = BIO_get_new_index();
	BIO_METHOD *m = type < 0 ? NULL
				 : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "spate socket");

	if (m && BIO_meth_set_write(m, socket_write) && BIO_meth_set_read(m, socket_read) &&
	    BIO_meth_set_ctrl(m, socket_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* ---- keys ---- */

static int key_of(X509 *cert, struct sp_pubkey *key)
{
	EVP_PKEY *pub = cert ? X509_get0_pubkey(cert) : NULL;
	size_t len = SP_PUBKEY_BYTES;

	if (!pub || EVP_PKEY_get_id(pub) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(pub, key->b, &len) != 1 || len != SP_PUBKEY_BYTES)
		return -EINVAL;
	return 0;
}

/* Instead of chains, names and dates: is the key one of ours? That the other side holds it is
 * shown by the handshake itself. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct sp_tls *t = SSL_get_app_data(ssl);

	(void)arg;
	t->refused = key_of(X509_STORE_CTX_get0_cert(store), &t->peer) ||
		     !t->conf.accept(t->conf.arg, &t->peer);
	X509_STORE_CTX_set_error(store, t->refused ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
	return !t->refused;
}

/* TLS wants a certificate around the key. Its dates are those of RFC 5280 for "always". */
static X509 *certificate(EVP_PKEY *pair)
{
	X509 *c = X509_new();
	X509_NAME *name = c ? X509_get_subject_name(c) : NULL;

	if (c && X509_set_version(c, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(c), 1) &&
	    ASN1_TIME_set_string(X509_getm_notBefore(c), "20000101000000Z") &&
	    ASN1_TIME_set_string(X509_getm_notAfter(c), "99991231235959Z") &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"spate",
				       -1, -1, 0) &&
	    X509_set_issuer_name(c, name) && X509_set_pubkey(c, pair) &&
	    X509_sign(c, pair, NULL))
		return c;
	X509_free(c);
	return NULL;
}

/* ---- context ---- */

static bool configure(SSL_CTX *x, EVP_PKEY *pair)
{
	X509 *cert = certificate(pair);
	bool ok = cert && SSL_CTX_use_certificate(x, cert) == 1 &&
		  SSL_CTX_use_PrivateKey(x, pair) == 1;

	X509_free(cert);
	if (!ok || !SSL_CTX_set_min_proto_version(x, TLS1_3_VERSION) ||
	    !SSL_CTX_set_max_proto_version(x, TLS1_3_VERSION) ||
	    SSL_CTX_set1_sigalgs_list(x, "ed25519") != 1 ||
	    SSL_CTX_set1_groups_list(x, "X25519") != 1 || SSL_CTX_set_num_tickets(x, 0) != 1)
		return false;
	SSL_CTX_set_options(x, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(x, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(x, 2048);
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(x, verify, NULL);
	return true;
}

int sp_tls_ctx_new(struct sp_tls_ctx **out, const struct sp_key *key, const struct sp_mem *mem,
		   struct sp_err *err)
{
	struct sp_tls_ctx *c = sp_alloc(mem, sizeof *c);

	*out = NULL;
	if (c) {
		c->mem = mem;
		c->key = *sp_key_public(key);
		c->ctx = SSL_CTX_new(TLS_method());
		c->socket = socket_method();
	}
	if (c && c->ctx && c->socket && configure(c->ctx, sp_key_handle(key))) {
		*out = c;
		return 0;
	}
	sp_tls_ctx_free(c);
	ERR_clear_error();
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "TLS could not be set up: out of memory");
}

void sp_tls_ctx_free(struct sp_tls_ctx *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->socket);
	sp_free(c->mem, c);
}

const struct sp_pubkey *sp_tls_ctx_key(const struct sp_tls_ctx *c)
{
	return &c->key;
}

/* ---- a session ---- */

struct sp_tls *sp_tls_new(struct sp_tls_ctx *c, const struct sp_tls_conf *conf)
{
	struct sp_tls *t = sp_alloc(c->mem, sizeof *t);
	BIO *bio = t ? BIO_new(c->socket) : NULL;

	if (!bio)
		goto fail;
	t->mem = c->mem;
	t->conf = *conf;
	t->ssl = SSL_new(c->ctx);
	if (!t->ssl)
		goto fail;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	if (conf->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
fail:
	BIO_free(bio);
	if (t)
		sp_free(c->mem, t);
	return NULL;
}

void sp_tls_free(struct sp_tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	sp_free(t->mem, t);
}

/* OpenSSL's answer r to something that needed the socket, as an errno. */
static int reason(struct sp_tls *t, int r)
{
	int e = errno, why = SSL_get_error(t->ssl, r);

	t->wants_write = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	t->failed = true;
	ERR_clear_error();
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	return why == SSL_ERROR_SYSCALL && e ? -e : -ECONNRESET;
}

/* A certificate alert is the other side's way to say that our key is not welcome. */
static bool alerted(void)
{
	int why = ERR_GET_REASON(ERR_peek_error());

	return why == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
	       why == SSL_R_TLSV1_ALERT_ACCESS_DENIED || why == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
	       why == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
	       why == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN;
}

int sp_tls_handshake(struct sp_tls *t)
{
	bool no;
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		return 1;
	no = t->refused || alerted();
	r = reason(t, r);
	if (r == -EAGAIN)
		return 0;
	return no ? -EACCES : r ? r : -ECONNRESET;
}

bool sp_tls_wants_write(const struct sp_tls *t)
{
	return t->wants_write;
}

const struct sp_pubkey *sp_tls_peer(const struct sp_tls *t)
{
	return &t->peer;
}

int sp_tls_binding(struct sp_tls *t, uint8_t binding[SP_PAIR_BINDING])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	return SSL_export_keying_material(t->ssl, binding, SP_PAIR_BINDING, label,
					  sizeof label - 1, NULL, 0, 1) == 1
		       ? 0
		       : -EIO;
}

ssize_t sp_tls_read(struct sp_tls *t, void *buf, size_t len)
{
	size_t n;
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_read_ex(t->ssl, buf, len, &n);
	return r == 1 ? (ssize_t)n : reason(t, r);
}

ssize_t sp_tls_write(struct sp_tls *t, const void *buf, size_t len)
{
	size_t n;
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_write_ex(t->ssl, buf, len, &n);
	if (r == 1)
		return (ssize_t)n;
	r = reason(t, r);
	return r ? r : -ECONNRESET;
}

size_t sp_tls_buffered(const struct sp_tls *t)
{
	return (size_t)SSL_pending(t->ssl);
}

void sp_tls_bye(struct sp_tls *t)
{
	if (!t->failed && SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}
