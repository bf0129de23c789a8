/* The messages that are sent often, as text. */
#include <string.h>

#include "base/str.h"
#include "proto/http/conf.h"

/* Bodies up to this many bytes stand behind their head in one piece. */
#define SHORT_BODY 16384u

static void put_headers(struct sp_str *s, const char *header)
{
	while (header && *header) {
		size_t len = strcspn(header, "\n");

		if (len) {
			sp_str_put(s, header, len);
			sp_str_puts(s, "\r\n");
		}
		header += len + (header[len] == '\n');
	}
}

/* Notes where a message begins, and ends it. Offsets for now: text moves while it grows. */
static void begin(struct sp_http_ready *r, const struct sp_str *s)
{
	r->bytes = (const uint8_t *)(uintptr_t)s->len;
}

static void end_head(struct sp_http_ready *r, const struct sp_str *s)
{
	r->len = (uint32_t)(s->len - (uintptr_t)r->bytes);
}

static void put_body(struct sp_http_ready *r, struct sp_str *s, uint64_t body)
{
	if (body > SHORT_BODY) {
		r->body = body;
		return;
	}
	for (uint64_t i = 0; i < body; i++)
		sp_str_put(s, "X", 1);
	end_head(r, s);
}

static const char *method_name(unsigned method)
{
	static const char *const names[] = { "GET",    "HEAD",	  "POST", "PUT",
					     "DELETE", "OPTIONS", "PATCH" };

	return names[method];
}

void sp_http_make_request(struct sp_proto *p, const struct sp_proto_args *args,
			  struct sp_str *s)
{
	const struct sp_http_conf *c = &p->conf;
	struct sp_http_ready *r = &p->request;
	const char *host = c->host ? c->host : args->authority ? args->authority : "localhost";
	bool body;

	p->method = args->size_given ? SP_HTTP_POST : SP_HTTP_GET;
	if (c->method)
		p->method = (uint8_t)(c->method - 1);
	body = p->method == SP_HTTP_POST || p->method == SP_HTTP_PUT ||
	       p->method == SP_HTTP_PATCH;
	p->varies = body && args->size_varies;
	begin(r, s);
	sp_str_printf(s, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: spate\r\n",
		      method_name(p->method), c->path ? c->path : "/", host);
	put_headers(s, c->header);
	if (c->close)
		sp_str_puts(s, "Connection: close\r\n");
	if (p->varies)
		sp_str_puts(s, "Content-Length: ");
	else if (body)
		sp_str_printf(s, "Content-Length: %u\r\n", args->size);
	if (!p->varies)
		sp_str_puts(s, "\r\n");
	end_head(r, s);
	if (body && !p->varies)
		put_body(r, s, args->size);
}

/* RFC 9110 15. */
static const char *phrase(uint64_t status)
{
	static const struct {
		uint16_t status;
		const char *phrase;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].status == status)
			return rows[i].phrase;
	return ""; /* may be empty (RFC 9112 4) */
}

/* What a server refuses with; 400 first, it stands for any other. */
static const uint16_t refusals[SP_HTTP_REFUSALS] = { 400, 408, 413, 414, 417, 431, 501, 505 };

enum sp_http_answer sp_http_refusal(uint16_t status)
{
	for (unsigned i = 0; i < SP_HTTP_REFUSALS; i++)
		if (refusals[i] == status)
			return SP_HTTP_REFUSAL + i;
	return SP_HTTP_REFUSAL;
}

static void put_answer(struct sp_proto *p, struct sp_str *s, enum sp_http_answer at,
		       const char *connection)
{
	struct sp_http_ready *r = &p->answer[at];
	const struct sp_http_conf *c = &p->conf;
	bool body = c->status != 204 && c->status != 304; /* RFC 9110 6.4.1 */

	begin(r, s);
	sp_str_printf(s, "HTTP/1.1 %u %s\r\nServer: spate\r\n%s", (unsigned)c->status,
		      phrase(c->status), connection);
	put_headers(s, c->header);
	if (body)
		sp_str_printf(s, "Content-Type: text/plain\r\nContent-Length: %llu\r\n",
			      (unsigned long long)c->body);
	sp_str_puts(s, "\r\n");
	end_head(r, s);
	p->answer[at + SP_HTTP_HEAD_ANSWER] = *r;
	if (body)
		put_body(r, s, c->body);
}

void sp_http_make_answers(struct sp_proto *p, struct sp_str *s)
{
	struct sp_http_ready *r = &p->answer[SP_HTTP_CONTINUE];

	put_answer(p, s, SP_HTTP_ANSWER, "");
	put_answer(p, s, SP_HTTP_ANSWER_KEEP, "Connection: keep-alive\r\n");
	put_answer(p, s, SP_HTTP_ANSWER_CLOSE, "Connection: close\r\n");
	begin(r, s);
	sp_str_puts(s, "HTTP/1.1 100 Continue\r\n\r\n");
	end_head(r, s);
	for (unsigned i = 0; i < SP_HTTP_REFUSALS; i++) {
		r = &p->answer[SP_HTTP_REFUSAL + i];
		begin(r, s);
		sp_str_printf(s,
			      "HTTP/1.1 %u %s\r\nServer: spate\r\nConnection: close\r\n"
			      "Content-Length: 0\r\n\r\n",
			      (unsigned)refusals[i], phrase(refusals[i]));
		end_head(r, s);
	}
}
