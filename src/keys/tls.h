/* TLS 1.3 between two that know each other's keys, over a connected non-blocking socket that stays
 * the caller's. Both sides show a certificate that was made in memory around their key; of it only
 * the key is looked at, and accept() says whether it is one of ours. No tickets, no resumption, no
 * early data, no renegotiation. Never blocks, never raises SIGPIPE. One thread. */
#ifndef SP_KEYS_TLS_H
#define SP_KEYS_TLS_H

#include <sys/types.h>

#include "keys/key.h"
#include "keys/pair.h"

struct sp_tls_ctx;
struct sp_tls;

/* For either side of any number of sessions. -ENOMEM. */
int sp_tls_ctx_new(struct sp_tls_ctx **, const struct sp_key *, const struct sp_mem *,
		   struct sp_err *);
void sp_tls_ctx_free(struct sp_tls_ctx *);
const struct sp_pubkey *sp_tls_ctx_key(const struct sp_tls_ctx *);

struct sp_tls_conf {
	int fd;
	bool server;
	/* Is this key welcome? Called within the handshake. */
	bool (*accept)(void *arg, const struct sp_pubkey *);
	void *arg;
};
/* NULL: no memory. */
struct sp_tls *sp_tls_new(struct sp_tls_ctx *, const struct sp_tls_conf *);
void sp_tls_free(struct sp_tls *);
/* 1: done, both keys are proven; 0: when the socket is ready again; -EACCES: the other side's key
 * is not welcome, or ours there; another negative errno: no TLS there, or the peer is gone. */
int sp_tls_handshake(struct sp_tls *);
/* After 0 or -EAGAIN: is it writing that has to wait? */
bool sp_tls_wants_write(const struct sp_tls *);
/* The other side's key, and the channel binding (RFC 9266), after the handshake. */
const struct sp_pubkey *sp_tls_peer(const struct sp_tls *);
int sp_tls_binding(struct sp_tls *, uint8_t binding[SP_PAIR_BINDING]);
/* Bytes moved; 0: the end (read); -EAGAIN; another negative errno: the peer is gone. */
ssize_t sp_tls_read(struct sp_tls *, void *, size_t);
ssize_t sp_tls_write(struct sp_tls *, const void *, size_t);
/* Bytes that were received and not yet read: the socket will not become readable for them. */
size_t sp_tls_buffered(const struct sp_tls *);
/* Says that this is the end, if the socket takes it. */
void sp_tls_bye(struct sp_tls *);

#endif
