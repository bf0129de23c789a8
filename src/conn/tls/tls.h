/* TLS 1.2 and 1.3 over another connection, by OpenSSL 3: the parts that its files share. */
#ifndef SP_CONN_TLS_TLS_H
#define SP_CONN_TLS_TLS_H

#include <openssl/ssl.h>

#include "core/env.h"
#include "plugin/conn.h"

struct sp_tls_conf {
	bool insecure;		/* client: any certificate will do */
	bool resume;		/* sessions may be taken up again */
	const char *ca;		/* file of certificates to trust; NULL: the system's */
	const char *cert, *key; /* PEM files; NULL: server, one is made; client, none */
	const char *alpn;	/* the application's protocol; "" none */
	int version;		/* 0: 1.2 and 1.3; 1: 1.2; 2: 1.3 */
};

struct sp_tls_conn {
	struct sp_conn conn; /* first */
	struct sp_conn *lower;
	struct sp_wrap *wrap;
	SSL *ssl;
	int lower_error; /* negative errno that ended lower; 0 none */
	bool ended;	 /* lower has nothing more to read */
	bool open, failed, notified;
	struct sp_tls_conn *next_free;
};

/* Bytes that go into one record, where they stand in several pieces. */
#define SP_TLS_RECORD 16384u

struct sp_wrap {
	const struct sp_env *env;
	bool server;
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	SSL_SESSION *session; /* client: the last that the server gave; NULL none */
	char *peer;	      /* client: name or address that the certificate must show; NULL */
	bool peer_is_name;
	unsigned char alpn[256]; /* as on the wire: a length, then the name */
	unsigned n_alpn;
	struct sp_tls_conn *conns, *free;
	uint8_t *record;   /* SP_TLS_RECORD */
	bool troubled;	   /* trouble is settled, and stays as it is */
	char trouble[160]; /* what was wrong the first time */
};

/* Cold: w->ctx as conf says. 0 or a negative errno with its sentence. */
int sp_tls_context(struct sp_wrap *, const struct sp_tls_conf *, struct sp_err *);
/* Cold, any thread: the library context for clients without a certificate of their own; NULL: take the
 * default one. It lives as long as the process. */
OSSL_LIB_CTX *sp_tls_few(void);
/* A key and a certificate signed by itself, for a day: names localhost, 127.0.0.1 and ::1. NULL:
 * OpenSSL refused. The caller frees both. */
X509 *sp_tls_throwaway(EVP_PKEY **key);
/* The method of BIOs that read and write c->lower; NULL: no memory. */
BIO_METHOD *sp_tls_bio_method(void);
BIO *sp_tls_bio(const BIO_METHOD *, struct sp_tls_conn *);

#endif
