/* What a user can say about HTTP, and what is made of it once a stream: prepared bytes. */
#ifndef SP_PROTO_HTTP_CONF_H
#define SP_PROTO_HTTP_CONF_H

#include "plugin/proto.h"
#include "proto/http/head.h"

struct sp_http_conf {
	const char *header; /* more header lines, '\n' between */
	bool close;
	/* client */
	int method; /* 0: GET or, with a size, POST; else enum sp_http_method + 1 */
	const char *path, *host;
	uint64_t timeout_ns;
	/* server */
	uint64_t status, body, max_body;
	uint64_t delay_ns, stall_ns, stall_every_ns;
	uint64_t idle_ns, head_ns, body_ns;
};
extern const struct sp_opt sp_http_opts[];
int sp_http_check(const void *conf, struct sp_err *);

/* Answers that a server has ready. The same body follows those with whole bodies. */
enum sp_http_answer {
	SP_HTTP_ANSWER,	      /* to HTTP/1.1, the connection stays */
	SP_HTTP_ANSWER_KEEP,  /* to HTTP/1.0 with keep-alive: says so */
	SP_HTTP_ANSWER_CLOSE, /* says close */
	SP_HTTP_HEAD_ANSWER,  /* the same three to HEAD: no body */
	SP_HTTP_HEAD_KEEP,
	SP_HTTP_HEAD_CLOSE,
	SP_HTTP_CONTINUE, /* 100 */
	SP_HTTP_REFUSAL,  /* 400 and what follows in sp_http_refusals */
};
#define SP_HTTP_REFUSALS 8u
#define SP_HTTP_ANSWERS	 (SP_HTTP_REFUSAL + SP_HTTP_REFUSALS)

/* A message that is sent often: bytes (which may hold a short body too), then so many bytes of
 * the pattern. */
struct sp_http_ready {
	const uint8_t *bytes;
	uint32_t len;
	uint64_t body; /* bytes of the pattern behind them */
};

#define SP_HTTP_BLOCK 65536u /* of the pattern */

struct sp_proto {
	const struct sp_mem *mem;
	enum sp_role role;
	struct sp_http_conf conf;
	uint8_t *bytes; /* of all that is ready */
	uint8_t *block; /* pattern; NULL when no message needs it */
	/* client: the request, and what is known of it. With varies, ready ends where the number
	 * of Content-Length stands. */
	struct sp_http_ready request;
	uint8_t method; /* enum sp_http_method */
	bool varies;
	/* server */
	struct sp_http_ready answer[SP_HTTP_ANSWERS];
};

/* sp_proto_ops.open and close. */
int sp_http_open(struct sp_proto **, const struct sp_proto_args *, const struct sp_mem *,
		 struct sp_err *);
void sp_http_close(struct sp_proto *);

/* The parts of open, by role. Both append to text and note places in it as offsets in ready's
 * bytes, which open turns into pointers. */
struct sp_str;
void sp_http_make_request(struct sp_proto *, const struct sp_proto_args *, struct sp_str *);
void sp_http_make_answers(struct sp_proto *, struct sp_str *);

/* The answer to a message of which this was wrong, and its status. */
enum sp_http_answer sp_http_refusal(uint16_t status);

#endif
