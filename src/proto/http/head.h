/* Heads of HTTP/1.x messages, a line at a time (RFC 9112). A server reads strictly: what two
 * readers could understand differently is refused. A client is lenient where the RFC allows. */
#ifndef SP_PROTO_HTTP_HEAD_H
#define SP_PROTO_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#define SP_HTTP_LINE_MAX 8192u	/* bytes of a line without its end */
#define SP_HTTP_HEAD_MAX 32768u /* bytes of a head, or of the trailers */

/* What can be wrong with a message. See sp_http_fault_of. */
enum sp_http_bad {
	SP_HTTP_FINE,
	SP_HTTP_BAD_CHAR,    /* a control character */
	SP_HTTP_BAD_CR,	     /* CR without LF, or (strict) LF without CR */
	SP_HTTP_BAD_START,   /* not a request or status line */
	SP_HTTP_BAD_TARGET,  /* not a request target */
	SP_HTTP_BAD_VERSION, /* a major version other than 1 */
	SP_HTTP_BAD_METHOD,  /* a method that we do not serve */
	SP_HTTP_BAD_FIELD,   /* not a field line */
	SP_HTTP_BAD_FOLD,    /* a field continued on another line where it must not be */
	SP_HTTP_BAD_HOST,    /* Host: none, two, or not a host */
	SP_HTTP_BAD_LENGTH,  /* Content-Length: not a number, or two of them */
	SP_HTTP_BAD_CODING,  /* Transfer-Encoding: chunked is not last, or with a length */
	SP_HTTP_BAD_CODED,   /* Transfer-Encoding: one that we do not know */
	SP_HTTP_BAD_EXPECT,  /* Expect: other than 100-continue */
	SP_HTTP_BAD_CHUNK,   /* the size or end of a chunk */
	SP_HTTP_BAD_SWITCH,  /* 101, which nobody asked for */
	SP_HTTP_LONG_START,  /* too long: the first line */
	SP_HTTP_LONG_HEAD,   /* another line, or the head */
	SP_HTTP_LONG_BODY,
	SP_HTTP_LATE, /* not complete in time */
	SP_HTTP_CUT,  /* ended before it was complete */
	SP_HTTP_BADS,
};

struct sp_http_fault {
	uint16_t status;    /* what a server answers; 0: nothing */
	uint8_t why;	    /* enum sp_why */
	const char *reason; /* part of a sentence */
};
const struct sp_http_fault *sp_http_fault_of(enum sp_http_bad);

enum sp_http_method {
	SP_HTTP_GET,
	SP_HTTP_HEAD,
	SP_HTTP_POST,
	SP_HTTP_PUT,
	SP_HTTP_DELETE,
	SP_HTTP_OPTIONS,
	SP_HTTP_PATCH,
	SP_HTTP_METHODS,
};
/* Their names, in this order, a '|' between. */
#define SP_HTTP_METHOD_NAMES "GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH"

enum sp_http_flag {
	SP_HTTP_LENGTH = 1u << 0,  /* Content-Length was there */
	SP_HTTP_CHUNKED = 1u << 1, /* the last transfer coding is chunked */
	SP_HTTP_CODED = 1u << 2,   /* another coding was named */
	SP_HTTP_CLOSE = 1u << 3,   /* Connection: close */
	SP_HTTP_KEEP = 1u << 4,	   /* Connection: keep-alive */
	SP_HTTP_EXPECT = 1u << 5,  /* Expect: 100-continue */
	SP_HTTP_HOST = 1u << 6,
	SP_HTTP_FOLDS = 1u << 7, /* the last field may be continued */
};

struct sp_http_head {
	uint64_t length; /* Content-Length */
	uint32_t bytes;	 /* of the head so far */
	uint16_t status; /* of an answer */
	uint8_t flags;
	uint8_t method; /* of a request */
	uint8_t minor;	/* of HTTP/1.x */
	bool strict;	/* a request */
};

/* Finds the line at *p and moves *p behind its end: 1, and the line is [old *p, *eol); 0: it is
 * not complete yet; or minus enum sp_http_bad. The same bytes give the same result wherever
 * they were split. */
int sp_http_line(const struct sp_http_head *, const uint8_t **p, const uint8_t *end,
		 const uint8_t **eol);

/* Each reads one line [p, e) and returns enum sp_http_bad. */
enum sp_http_bad sp_http_request_line(struct sp_http_head *, const uint8_t *p,
				      const uint8_t *e);
enum sp_http_bad sp_http_status_line(struct sp_http_head *, const uint8_t *p, const uint8_t *e);
enum sp_http_bad sp_http_field(struct sp_http_head *, const uint8_t *p, const uint8_t *e);
/* A line behind the last chunk is checked and forgotten: what frames messages must not count
 * there (RFC 9110 6.5.1). */
enum sp_http_bad sp_http_trailer(const struct sp_http_head *, const uint8_t *p,
				 const uint8_t *e);

/* May the connection serve another message, as far as this head says (RFC 9112 9.3)? */
static inline bool sp_http_keeps(const struct sp_http_head *h)
{
	return !(h->flags & SP_HTTP_CLOSE) && (h->minor || h->flags & SP_HTTP_KEEP);
}

#endif
