/* The two machines, a state each. The calls are those of sp_proto_ops. */
#ifndef SP_PROTO_HTTP_MACHINE_H
#define SP_PROTO_HTTP_MACHINE_H

#include "proto/http/conf.h"
#include "proto/http/in.h"

enum sp_http_client_state { SP_HTTP_IDLE, SP_HTTP_BUSY, SP_HTTP_SPENT };

struct sp_http_client {
	const struct sp_proto *proto;
	struct sp_http_in in;
	uint64_t intended_ns, start_ns, sent_ns, first_ns, end_ns, deadline_ns;
	uint64_t written; /* of the request */
	uint64_t body;	  /* of the request, behind ready's bytes */
	uint64_t rx_bytes;
	const char *reason;
	uint32_t served; /* answers on this connection */
	uint8_t state;	 /* enum sp_http_client_state */
	uint8_t why, txn_flags;
	uint8_t n_number;
	bool reset;
	uint8_t number[24]; /* with varies: Content-Length's, and the end of the head */
};

void sp_http_client_init(struct sp_http_client *, const struct sp_proto *, struct sp_wish *);
int sp_http_client_start(struct sp_http_client *, const struct sp_token *, uint64_t now_ns,
			 struct sp_wish *);
size_t sp_http_client_bytes(struct sp_http_client *, const uint8_t *, size_t, uint64_t now_ns,
			    struct sp_wish *);
void sp_http_client_wrote(struct sp_http_client *, size_t n, uint64_t now_ns, struct sp_wish *);
void sp_http_client_timer(struct sp_http_client *, uint64_t now_ns, struct sp_wish *);
void sp_http_client_eof(struct sp_http_client *, size_t left, uint64_t now_ns,
			struct sp_wish *);
void sp_http_client_gone(struct sp_http_client *, enum sp_why, const char *reason,
			 uint64_t now_ns, struct sp_wish *);
void sp_http_client_outcome(const struct sp_http_client *, struct sp_txn *);

enum sp_http_server_state {
	SP_HTTP_READING,
	SP_HTTP_WAITING, /* the answer is due later */
	SP_HTTP_CLOSING, /* nothing more is read; close when all is written */
	SP_HTTP_LINGER,	 /* refused: end our direction, read and forget (RFC 9112 9.6) */
};
#define SP_HTTP_QUEUE 8u /* answers that wait to be written */

struct sp_http_server {
	const struct sp_proto *proto;
	struct sp_http_in in;
	uint64_t start_ns, end_ns, deadline_ns, release_ns;
	uint64_t rx_bytes; /* of the request */
	uint64_t written;  /* of the first answer in the queue */
	uint8_t queue[SP_HTTP_QUEUE];
	uint8_t n_queue;
	uint8_t state;	/* enum sp_http_server_state */
	uint8_t answer; /* that waits */
	uint8_t bad;	/* enum sp_http_bad of the last request */
	uint16_t status;
	bool reset;
};

void sp_http_server_init(struct sp_http_server *, const struct sp_proto *, uint64_t now_ns,
			 struct sp_wish *);
size_t sp_http_server_bytes(struct sp_http_server *, const uint8_t *, size_t, uint64_t now_ns,
			    struct sp_wish *);
void sp_http_server_wrote(struct sp_http_server *, size_t n, uint64_t now_ns, struct sp_wish *);
void sp_http_server_timer(struct sp_http_server *, uint64_t now_ns, struct sp_wish *);
void sp_http_server_eof(struct sp_http_server *, size_t left, uint64_t now_ns,
			struct sp_wish *);
void sp_http_server_gone(struct sp_http_server *, enum sp_why, const char *reason,
			 uint64_t now_ns, struct sp_wish *);
void sp_http_server_outcome(const struct sp_http_server *, struct sp_txn *);

/* Adds what is left of a message after its first at bytes to a wish: false when the wish was full
 * before its end. tail (n_tail bytes, or 0) stands between ready's bytes and the pattern. */
bool sp_http_put(struct sp_wish *, const struct sp_proto *, const struct sp_http_ready *,
		 const uint8_t *tail, size_t n_tail, uint64_t body, uint64_t at);

#endif
