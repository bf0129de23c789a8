/* Reads one message from a stream of bytes: head, then a body of known length, in chunks, or up
 * to the end. It takes whole lines and any part of a body, so nothing is copied. */
#ifndef SP_PROTO_HTTP_IN_H
#define SP_PROTO_HTTP_IN_H

#include "proto/http/head.h"

enum sp_http_phase {
	SP_HTTP_AT_START,
	SP_HTTP_AT_FIELDS,
	SP_HTTP_AT_HEAD, /* the head is complete: sp_http_in_body must say what follows */
	SP_HTTP_AT_LENGTH,
	SP_HTTP_AT_CHUNK, /* its size */
	SP_HTTP_AT_DATA,
	SP_HTTP_AT_DATA_END,
	SP_HTTP_AT_TRAILERS,
	SP_HTTP_AT_EOF, /* the body lasts until the connection ends */
	SP_HTTP_AT_WHOLE,
};

struct sp_http_in {
	struct sp_http_head head;
	uint64_t left; /* of the body or chunk */
	uint64_t body; /* bytes of the body so far */
	uint64_t most; /* bytes that a body may have */
	uint8_t phase; /* enum sp_http_phase */
};

/* Ready for a request (strict) or an answer. */
void sp_http_in_init(struct sp_http_in *, bool strict, uint64_t most);

/* Takes what it can of [*p, end), moving *p. Returns the phase reached: SP_HTTP_AT_HEAD and
 * SP_HTTP_AT_WHOLE at once when they come, any other when more bytes are needed; or minus enum
 * sp_http_bad. At most SP_HTTP_LINE_MAX + 1 bytes stay behind for want of more. */
int sp_http_in_bytes(struct sp_http_in *, const uint8_t **p, const uint8_t *end);

enum sp_http_frame { SP_HTTP_NO_BODY, SP_HTTP_BY_LENGTH, SP_HTTP_BY_CHUNKS, SP_HTTP_BY_EOF };

/* At SP_HTTP_AT_HEAD: how the body ends. enum sp_http_bad. */
enum sp_http_bad sp_http_in_body(struct sp_http_in *, enum sp_http_frame);

#endif
