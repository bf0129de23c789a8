#include "conn/tls/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"

#define OFF(member) offsetof(struct sp_tls_conf, member)

static const struct sp_opt opts[] = {
	{ "insecure", SP_OPT_BOOL, OFF(insecure), NULL, NULL, 0, 0,
	  "take any certificate of the server" },
	{ "resume", SP_OPT_BOOL, OFF(resume), "yes", NULL, 0, 0,
	  "take up sessions again; no: a whole handshake each" },
	{ "ca", SP_OPT_PATH, OFF(ca), NULL, NULL, 0, 0,
	  "file of certificates to trust; default: the system's" },
	{ "cert", SP_OPT_PATH, OFF(cert), NULL, NULL, 0, 0,
	  "PEM file of the own certificate; a server without one makes one" },
	{ "key", SP_OPT_PATH, OFF(key), NULL, NULL, 0, 0,
	  "PEM file of its key; default: in the same file" },
	{ "alpn", SP_OPT_TEXT, OFF(alpn), "http/1.1", NULL, 0, 0,
	  "the application's protocol; empty: none is named" },
	{ "version", SP_OPT_ENUM, OFF(version), "auto", "auto|1.2|1.3", 0, 0,
	  "the only version that is spoken" },
	{ .name = NULL },
};

static struct sp_tls_conn *of(const struct sp_conn *conn)
{
	union {
		const struct sp_conn *conn;
		struct sp_tls_conn *c;
	} u = { conn };

	return u.c;
}

/* ---- what went wrong ---- */

static void note(struct sp_wrap *w, const char *what, const char *reason)
{
	if (w->troubled)
		return;
	snprintf(w->trouble, sizeof w->trouble, "%s%s%s", what, reason ? ": " : "",
		 reason ? reason : "");
	__atomic_store_n(&w->troubled, true, __ATOMIC_RELEASE);
}

static void note_protocol(struct sp_tls_conn *c)
{
	long verdict = SSL_get_verify_result(c->ssl);
	unsigned long e = ERR_peek_error();

	if (!c->open && verdict != X509_V_OK &&
	    ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		note(c->wrap, "the server's certificate is not trusted",
		     X509_verify_cert_error_string(verdict));
	else if (ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		note(c->wrap,
		     c->open ? "the peer ended without close_notify: the data may be cut"
			     : "the peer ended during the handshake",
		     NULL);
	else
		note(c->wrap, c->open ? "the peer broke the protocol" : "the handshake failed",
		     ERR_reason_error_string(e));
}

/* OpenSSL returned r <= 0: -EAGAIN, or what ended the connection. */
static int failure(struct sp_tls_conn *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		break;
	}
	c->failed = true;
	if (!c->lower_error)
		note_protocol(c);
	ERR_clear_error();
	return c->lower_error ? c->lower_error : -EPROTO;
}

/* ---- operations of a connection ---- */

static int tls_open(struct sp_conn *conn)
{
	struct sp_tls_conn *c = of(conn);
	int r;

	if (c->open)
		return 0;
	if (c->failed)
		return c->lower_error ? c->lower_error : -EPROTO;
	r = c->lower->ops->open(c->lower);
	if (r)
		return r;
	r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		c->open = true;
		return 0;
	}
	r = failure(c, r);
	return r ? r : -EPROTO;
}

static ssize_t tls_read(struct sp_conn *conn, void *data, size_t len)
{
	struct sp_tls_conn *c = of(conn);
	size_t n;
	int r;

	if (c->failed)
		return c->lower_error ? c->lower_error : -EPROTO;
	if (!c->open)
		return -EAGAIN;
	r = SSL_read_ex(c->ssl, data, len, &n);
	return r == 1 ? (ssize_t)n : failure(c, r);
}

/* One piece that is to become a record: the first, or several short ones together. */
static size_t gather(struct sp_wrap *w, const struct iovec *iov, int n, const void **data)
{
	size_t len = 0;

	if (n == 1 || iov[0].iov_len >= SP_TLS_RECORD) {
		*data = iov[0].iov_base;
		return iov[0].iov_len;
	}
	for (int i = 0; i < n && len < SP_TLS_RECORD; i++) {
		size_t most = SP_TLS_RECORD - len;
		size_t part = iov[i].iov_len < most ? iov[i].iov_len : most;

		memcpy(w->record + len, iov[i].iov_base, part);
		len += part;
	}
	*data = w->record;
	return len;
}

static ssize_t tls_write(struct sp_conn *conn, const struct iovec *iov, int n)
{
	struct sp_tls_conn *c = of(conn);
	const void *data;
	size_t len, put;
	int r;

	if (c->failed)
		return c->lower_error ? c->lower_error : -EPROTO;
	if (!c->open)
		return -EAGAIN;
	if (c->notified)
		return -EPIPE;
	len = gather(c->wrap, iov, n, &data);
	r = SSL_write_ex(c->ssl, data, len, &put);
	if (r == 1)
		return (ssize_t)put;
	r = failure(c, r);
	return r ? r : -EPIPE;
}

static int tls_shutdown(struct sp_conn *conn)
{
	struct sp_tls_conn *c = of(conn);

	if (c->open && !c->failed && !c->notified) {
		int r = SSL_shutdown(c->ssl);

		if (r < 0) {
			r = failure(c, r);
			if (r == -EAGAIN)
				return r;
		}
		c->notified = true;
	}
	return c->lower->ops->shutdown(c->lower);
}

static int tls_ends(const struct sp_conn *conn, struct sp_endpoint *remote,
		    struct sp_endpoint *local)
{
	const struct sp_conn *lower = of(conn)->lower;

	return lower->ops->ends(lower, remote, local);
}

static void tls_info(const struct sp_conn *conn, struct sp_conn_info *info)
{
	const struct sp_conn *lower = of(conn)->lower;

	*info = (struct sp_conn_info){ 0 };
	if (lower->ops->info)
		lower->ops->info(lower, info);
}

static const char *tls_why(const struct sp_conn *conn)
{
	const struct sp_tls_conn *c = of(conn);

	return c->failed && !c->lower_error && c->wrap->troubled ? c->wrap->trouble : NULL;
}

static void release(struct sp_tls_conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	c->conn.ops = NULL;
	c->next_free = c->wrap->free;
	c->wrap->free = c;
}

static void tls_close(struct sp_conn *conn, bool reset)
{
	struct sp_tls_conn *c = of(conn);

	if (!reset && c->open && !c->failed && !c->notified) {
		if (SSL_shutdown(c->ssl) < 0)
			ERR_clear_error(); /* no room for it: the FIN must do */
	}
	/* A session that was not said goodbye to may be taken up again all the same. */
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	c->lower->ops->close(c->lower, reset);
	release(c);
}

static const struct sp_conn_ops tls_conn_ops = {
	.open = tls_open,
	.read = tls_read,
	.write = tls_write,
	.shutdown = tls_shutdown,
	.ends = tls_ends,
	.info = tls_info,
	.why = tls_why,
	.close = tls_close,
};

/* ---- the layer ---- */

static bool prepare_client(const struct sp_wrap *w, SSL *ssl)
{
	SSL_set_connect_state(ssl);
	if (w->session && SSL_SESSION_is_resumable(w->session) &&
	    SSL_set_session(ssl, w->session) != 1)
		return false;
	if (!w->peer)
		return true;
	if (w->peer_is_name)
		return SSL_set_tlsext_host_name(ssl, w->peer) == 1 &&
		       SSL_set1_host(ssl, w->peer) == 1;
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), w->peer) == 1;
}

static SSL *new_ssl(struct sp_wrap *w, struct sp_tls_conn *c)
{
	SSL *ssl = SSL_new(w->ctx);
	BIO *bio = ssl ? sp_tls_bio(w->bio, c) : NULL;

	if (!bio) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	if (w->server)
		SSL_set_accept_state(ssl);
	else if (!prepare_client(w, ssl)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static int tls_wrap(struct sp_wrap *w, struct sp_conn *lower, struct sp_conn **out)
{
	struct sp_tls_conn *c = w->free;

	if (!c)
		return -ENOBUFS;
	w->free = c->next_free;
	*c = (struct sp_tls_conn){ .conn = { &tls_conn_ops, lower->id },
				   .lower = lower,
				   .wrap = w };
	c->ssl = new_ssl(w, c);
	if (!c->ssl) {
		ERR_clear_error();
		release(c);
		return -ENOBUFS;
	}
	*out = &c->conn;
	return 0;
}

static void tls_wrap_close(struct sp_wrap *w)
{
	const struct sp_mem *mem;

	if (!w)
		return;
	mem = w->env->mem;
	SSL_SESSION_free(w->session);
	SSL_CTX_free(w->ctx);
	BIO_meth_free(w->bio);
	sp_free(mem, w->peer);
	sp_free(mem, w->conns);
	sp_free(mem, w->record);
	sp_free(mem, w);
}

/* The name that the certificate must show: without brackets, scope and final dot. */
static int set_peer(struct sp_wrap *w, const char *name)
{
	struct sp_addr addr;
	char text[64];
	size_t len;

	if (!name || !*name)
		return 0;
	w->peer_is_name = sp_addr_parse(name, &addr) != 0;
	if (!w->peer_is_name) {
		addr.scope = 0;
		name = sp_addr_format(text, sizeof text, &addr);
	}
	len = strlen(name);
	if (w->peer_is_name && name[len - 1] == '.')
		len--;
	w->peer = sp_alloc(w->env->mem, len + 1);
	if (!w->peer)
		return -ENOMEM;
	memcpy(w->peer, name, len);
	return 0;
}

static int make_room(struct sp_wrap *w, uint32_t max_conns)
{
	w->conns = sp_alloc_array(w->env->mem, max_conns, sizeof *w->conns);
	w->record = sp_alloc(w->env->mem, SP_TLS_RECORD);
	w->bio = sp_tls_bio_method();
	if (!w->conns || !w->record || !w->bio)
		return -ENOMEM;
	for (uint32_t i = max_conns; i-- > 0;) {
		w->conns[i].next_free = w->free;
		w->free = &w->conns[i];
	}
	return 0;
}

static int tls_wrap_open(struct sp_wrap **out, const struct sp_wrap_args *args,
			 const struct sp_env *env, struct sp_err *err)
{
	struct sp_wrap *w = sp_alloc(env->mem, sizeof *w);
	struct sp_tls_conf conf = { 0 };
	struct sp_arena arena;
	int r = -ENOMEM;

	sp_arena_init(&arena, env->mem);
	if (!w)
		goto out;
	w->env = env;
	w->server = args->server;
	r = 0;
	if (args->conf)
		memcpy(&conf, args->conf, sizeof conf);
	else
		r = sp_opts_default(opts, &conf, &arena, err);
	if (!r)
		r = make_room(w, args->max_conns);
	if (!r && !args->server)
		r = set_peer(w, args->peer_name);
	if (!r)
		r = sp_tls_context(w, &conf, err);
out:
	sp_arena_fini(&arena);
	if (r == -ENOMEM)
		sp_fail(err, r, SP_EXIT_FAILED, "tls: not enough memory");
	if (r) {
		tls_wrap_close(w);
		return r;
	}
	*out = w;
	return 0;
}

const struct sp_wrap_ops sp_wrap_tls = {
	.name = "tls",
	.summary = "TLS 1.2 and 1.3 by OpenSSL",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_tls_conf),
	.open = tls_wrap_open,
	.wrap = tls_wrap,
	.close = tls_wrap_close,
};
