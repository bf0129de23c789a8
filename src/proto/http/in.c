#include "proto/http/in.h"

#include "proto/http/scan.h"

void sp_http_in_init(struct sp_http_in *in, bool strict, uint64_t most)
{
	*in = (struct sp_http_in){ .head.strict = strict, .most = most };
}

enum sp_http_bad sp_http_in_body(struct sp_http_in *in, enum sp_http_frame frame)
{
	in->phase = SP_HTTP_AT_WHOLE;
	switch (frame) {
	case SP_HTTP_NO_BODY:
		break;
	case SP_HTTP_BY_LENGTH:
		in->left = in->head.length;
		if (in->left > in->most)
			return SP_HTTP_LONG_BODY;
		if (in->left)
			in->phase = SP_HTTP_AT_LENGTH;
		break;
	case SP_HTTP_BY_CHUNKS:
		in->phase = SP_HTTP_AT_CHUNK;
		break;
	case SP_HTTP_BY_EOF:
		in->phase = SP_HTTP_AT_EOF;
		break;
	}
	return SP_HTTP_FINE;
}

/* The lines of a head, or of the trailers behind the last chunk. */
static int take_fields(struct sp_http_in *in, const uint8_t **p, const uint8_t *end)
{
	bool trailers = in->phase == SP_HTTP_AT_TRAILERS;
	const uint8_t *line = *p, *eol;
	enum sp_http_bad bad;
	int r;

	while ((r = sp_http_line(&in->head, p, end, &eol)) > 0) {
		in->head.bytes += (uint32_t)(*p - line);
		if (in->head.bytes > SP_HTTP_HEAD_MAX)
			return -SP_HTTP_LONG_HEAD;
		if (eol == line) {
			in->phase = trailers ? SP_HTTP_AT_WHOLE : SP_HTTP_AT_HEAD;
			return in->phase;
		}
		bad = trailers ? sp_http_trailer(&in->head, line, eol)
			       : sp_http_field(&in->head, line, eol);
		if (bad)
			return -(int)bad;
		line = *p;
	}
	return r < 0 ? r : in->phase;
}

/* Empty lines may stand in front of a request (RFC 9112 2.2). */
static int take_start(struct sp_http_in *in, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *line = *p, *eol;
	enum sp_http_bad bad;
	int r;

	while ((r = sp_http_line(&in->head, p, end, &eol)) > 0 && eol == line) {
		in->head.bytes += (uint32_t)(*p - line);
		if (!in->head.strict || in->head.bytes > 16)
			return -SP_HTTP_BAD_START;
		line = *p;
	}
	if (r <= 0)
		return r == -SP_HTTP_LONG_HEAD ? -SP_HTTP_LONG_START : r;
	in->head.bytes += (uint32_t)(*p - line);
	bad = in->head.strict ? sp_http_request_line(&in->head, line, eol)
			      : sp_http_status_line(&in->head, line, eol);
	if (bad)
		return -(int)bad;
	in->phase = SP_HTTP_AT_FIELDS;
	return take_fields(in, p, end);
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* chunk-size [ chunk-ext ]: extensions are skipped, and count towards the head. */
static enum sp_http_bad chunk_size(struct sp_http_in *in, const uint8_t *p, const uint8_t *eol)
{
	const uint8_t *digits = p;
	uint64_t v = 0;
	int d;

	for (; p < eol && (d = hex(*p)) >= 0; p++) {
		if (p - digits >= 15)
			return SP_HTTP_BAD_CHUNK;
		v = v << 4 | (unsigned)d;
	}
	if (p == digits || (p < eol && *p != ';'))
		return SP_HTTP_BAD_CHUNK;
	in->head.bytes += (uint32_t)(eol - p);
	if (in->head.bytes > SP_HTTP_HEAD_MAX)
		return SP_HTTP_LONG_HEAD;
	if (v > in->most - in->body)
		return SP_HTTP_LONG_BODY;
	in->left = v;
	return SP_HTTP_FINE;
}

static int take_chunk(struct sp_http_in *in, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *line = *p, *eol;
	enum sp_http_bad bad;
	int r = sp_http_line(&in->head, p, end, &eol);

	if (r <= 0)
		return r;
	if (in->phase == SP_HTTP_AT_DATA_END) {
		if (eol != line)
			return -SP_HTTP_BAD_CHUNK;
		in->phase = SP_HTTP_AT_CHUNK;
		return 1;
	}
	bad = chunk_size(in, line, eol);
	if (bad)
		return -(int)bad;
	in->phase = in->left ? SP_HTTP_AT_DATA : SP_HTTP_AT_TRAILERS;
	return 1;
}

static void take_body(struct sp_http_in *in, const uint8_t **p, const uint8_t *end)
{
	uint64_t n = (uint64_t)(end - *p);

	if (in->phase != SP_HTTP_AT_EOF) {
		n = n < in->left ? n : in->left;
		in->left -= n;
		if (!in->left)
			in->phase = in->phase == SP_HTTP_AT_LENGTH ? SP_HTTP_AT_WHOLE
								   : SP_HTTP_AT_DATA_END;
	}
	in->body += n;
	*p += n;
}

int sp_http_in_bytes(struct sp_http_in *in, const uint8_t **p, const uint8_t *end)
{
	int r;

	while (*p < end) {
		switch (in->phase) {
		case SP_HTTP_AT_START:
			r = take_start(in, p, end);
			return r < 0 ? r : in->phase;
		case SP_HTTP_AT_FIELDS:
		case SP_HTTP_AT_TRAILERS:
			return take_fields(in, p, end);
		case SP_HTTP_AT_CHUNK:
		case SP_HTTP_AT_DATA_END:
			r = take_chunk(in, p, end);
			if (r <= 0)
				return r < 0 ? r : in->phase;
			break;
		case SP_HTTP_AT_LENGTH:
		case SP_HTTP_AT_DATA:
		case SP_HTTP_AT_EOF:
			take_body(in, p, end);
			if (in->phase == SP_HTTP_AT_WHOLE)
				return in->phase;
			break;
		default:
			return in->phase;
		}
	}
	return in->phase;
}
