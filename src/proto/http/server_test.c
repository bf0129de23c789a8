#include "proto/http/rig_test.h"

/* The statuses on the wire, what the machine reported, and how it wants to go on. */
static void describe(const struct rig *r, char *text, size_t cap)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i + 12 <= r->n_out && i < sizeof r->out; i++)
		if (!memcmp(r->out + i, "HTTP/1.1 ", 9))
			at += (size_t)snprintf(text + at, cap - at, "%.3s ", r->out + i + 9);
	snprintf(text + at, cap - at, "| %s %s%s%s", r->log,
		 r->w.flags & SP_WISH_CLOSE ? "close" : "",
		 r->w.flags & SP_WISH_SHUT ? "shut" : "",
		 r->w.flags & SP_WISH_RESET ? "reset" : "");
}

#define H  "Host: x\r\n"
#define LF "a line does not end with CR LF"

/* What goes in, and what is to come of it. */
static const struct {
	const char *in, *want;
} rows[] = {
	{ "GET / HTTP/1.1\r\n" H "\r\n", "200 | 200+0; " },
	{ "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "200 | 200+0; " },
	{ "GET /a?b=c%20d HTTP/1.1\r\nhost:x:8080\r\nUser-Agent: \t me\r\n\r\n",
	  "200 | 200+0; " },
	{ "GET http://x/ HTTP/1.1\r\n" H "\r\n", "200 | 200+0; " },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", "200 | 200+0; " },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", "200 | 200+0; " },
	{ "GET / HTTP/1.1\r\n" H "\r\nHEAD / HTTP/1.1\r\n" H "\r\nGET /3 HTTP/1.1\r\n" H "\r\n",
	  "200 200 200 | 200+0;200+0;200+0; " },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" H "\r\n",
	  "200 200 | 200+5;200+0; " },
	{ "PUT / HTTP/1.1\r\n" H "CONTENT-LENGTH:0\r\n\r\n", "200 | 200+0; " },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
	  "A;x=\"y\"\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
	  "200 200 | 200+15;200+0; " },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n000f\r\n"
	  "0123456789abcde\r\n00\r\nContent-Length: 77\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n" H
	  "\r\n",
	  "200 200 | 200+15;200+0; " },
	{ "POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab",
	  "100 200 | 200+2; " },
	{ "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", "200 | 200+0; " },
	{ "GET / HTTP/1.1\r\n" H "Connection: foo, CLOSE\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
	  "200 | 200+0; close" },
	{ "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", "200 | 200+0; close" },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
	  "200 200 | 200+0;200+0; close" },
	{ "GET / HTTP/1.7\r\n" H "\r\n", "200 | 200+0; " },
	/* refused: not HTTP, or not ours */
	{ "GET /\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ "GET  / HTTP/1.1\r\n" H "\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ " GET / HTTP/1.1\r\n" H "\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ "GET / HTTP/1.1 \r\n" H "\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ "GET / x HTTP/1.1\r\n" H "\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ "GET / http/1.1\r\n" H "\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ "G\xc3T / HTTP/1.1\r\n" H "\r\n", "400 | 400 the first line is not HTTP; shut" },
	{ "\x16\x03\x01\x02\r\n", "400 | 400 a control character stands in the head; shut" },
	{ "GET x HTTP/1.1\r\n" H "\r\n", "400 | 400 the request's target is malformed; shut" },
	{ "GET * HTTP/1.1\r\n" H "\r\n", "400 | 400 the request's target is malformed; shut" },
	{ "GET /\tx HTTP/1.1\r\n" H "\r\n",
	  "400 | 400 the request's target is malformed; shut" },
	{ "GET / HTTP/2.0\r\n" H "\r\n", "505 | 505 the version is not HTTP/1.x; shut" },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 | 505 the version is not HTTP/1.x; shut" },
	{ "BREW / HTTP/1.1\r\n" H "\r\n", "501 | 501 the method is not known; shut" },
	{ "get / HTTP/1.1\r\n" H "\r\n", "501 | 501 the method is not known; shut" },
	{ "CONNECT x:1 HTTP/1.1\r\n" H "\r\n", "501 | 501 the method is not known; shut" },
	{ "GET / HTTP/1.1\r\n\r\n", "400 | 400 Host is missing, double or malformed; shut" },
	{ "GET / HTTP/1.1\r\n" H H "\r\n",
	  "400 | 400 Host is missing, double or malformed; shut" },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
	  "400 | 400 Host is missing, double or malformed; shut" },
	{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
	  "400 | 400 Host is missing, double or malformed; shut" },
	{ "GET / HTTP/1.1\r\n" H "Expect: fire\r\n\r\n",
	  "417 | 417 the expectation is not known; shut" },
	/* refused: what two readers could understand differently */
	{ "GET / HTTP/1.1\n" H "\r\n", "400 | 400 " LF "; shut" },
	{ "GET / HTTP/1.1\r\nHost: x\n\n", "400 | 400 " LF "; shut" },
	{ "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", "400 | 400 " LF "; shut" },
	{ "GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n", "400 | 400 " LF "; shut" },
	{ "GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n",
	  "400 | 400 a control character stands in the head; shut" },
	{ "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n",
	  "400 | 400 a control character stands in the head; shut" },
	{ "GET / HTTP/1.1\r\n" H "X : a\r\n\r\n",
	  "400 | 400 a header line is malformed; shut" },
	{ "GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n",
	  "400 | 400 a header line is malformed; shut" },
	{ "GET / HTTP/1.1\r\n" H "X\r\n\r\n", "400 | 400 a header line is malformed; shut" },
	{ "GET / HTTP/1.1\r\n" H ": a\r\n\r\n", "400 | 400 a header line is malformed; shut" },
	{ "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n",
	  "400 | 400 a header line is folded; shut" },
	{ "GET / HTTP/1.1\r\n Host: x\r\n\r\n", "400 | 400 a header line is folded; shut" },
#define CL   "400 | 400 Content-Length is malformed or double; shut"
#define TE   "400 | 400 Transfer-Encoding leaves the length in doubt; shut"
#define CODE "501 | 501 the transfer coding is not known; shut"
#define POST "POST / HTTP/1.1\r\n" H
	{ POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", CL },
	{ POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", CL },
	{ POST "Content-Length: 5, 5\r\n\r\nhello", CL },
	{ POST "Content-Length: +5\r\n\r\nhello", CL },
	{ POST "Content-Length: -5\r\n\r\nhello", CL },
	{ POST "Content-Length: 0x5\r\n\r\nhello", CL },
	{ POST "Content-Length: 5 5\r\n\r\nhello", CL },
	{ POST "Content-Length: \r\n\r\nhello", CL },
	{ POST "Content-Length: 18446744073709551617\r\n\r\nh", CL },
	{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TE },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", TE },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	  TE },
	{ POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", TE },
	{ POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", TE },
	{ POST "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", TE },
	{ POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n", TE },
	{ "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TE },
	{ POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", CODE },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CODE },
	{ POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", CODE },
	{ POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", CODE },
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNK	"400 | 400 a chunk is malformed; shut"
	{ CHUNKED "x\r\n", CHUNK },
	{ CHUNKED "\r\n", CHUNK },
	{ CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", CHUNK },
	{ CHUNKED "5 \r\nhello\r\n0\r\n\r\n", CHUNK },
	{ CHUNKED " 5\r\nhello\r\n0\r\n\r\n", CHUNK },
	{ CHUNKED "-5\r\nhello\r\n0\r\n\r\n", CHUNK },
	{ CHUNKED ";x\r\nhello\r\n0\r\n\r\n", CHUNK },
	{ CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", CHUNK },
	{ CHUNKED "5\nhello\r\n0\r\n\r\n", "400 | 400 " LF "; shut" },
	{ CHUNKED "5\r\nhello\n0\r\n\r\n", "400 | 400 " LF "; shut" },
	{ CHUNKED "5;\rx\r\nhello\r\n0\r\n\r\n", "400 | 400 " LF "; shut" },
	{ CHUNKED "fffffffffffffffff\r\n", CHUNK },
	{ CHUNKED "1000000000000000\r\n", CHUNK },
	{ CHUNKED "0\r\nX : y\r\n\r\n", "400 | 400 a header line is malformed; shut" },
	{ CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n", "400 | 400 a header line is malformed; shut" },
	/* too large */
	{ POST "Content-Length: 1073741825\r\nExpect: 100-continue\r\n\r\n",
	  "413 | 413 the body is larger than is accepted; shut" },
	{ CHUNKED "40000001\r\n", "413 | 413 the body is larger than is accepted; shut" },
	/* not complete: nothing happens yet */
	{ "GET / HTTP/1.1\r\n" H "\r", "|  " },
	{ POST "Content-Length: 5\r\n\r\nhell", "|  " },
	{ CHUNKED "5\r\nhello\r\n0\r\n", "|  " },
	{ "", "|  " },
};

static struct rig *server(const struct sp_http_conf *c)
{
	return rig_new(&(struct sp_proto_args){ .role = SP_ROLE_SERVER, .conf = c });
}

static void expect(struct rig *r, const char *in, const char *want, size_t cut)
{
	char got[4500];

	describe(r, got, sizeof got);
	if (strcmp(got, want))
		fail_msg("cut at %zu: %s\n got: %s\nwant: %s", cut, in, got, want);
}

static void says_what_the_table_says(void **state)
{
	struct rig *r = server(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig_connect(r);
		rig_feed(r, rows[i].in, strlen(rows[i].in));
		expect(r, rows[i].in, rows[i].want, 0);
	}
	rig_free(r);
}

static void cuts_make_no_difference(void **state)
{
	struct rig *r = server(NULL);
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 9112, "cuts");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t len = strlen(rows[i].in);

		for (size_t cut = 1; cut < len; cut++) {
			rig_connect(r);
			rig_feed(r, rows[i].in, cut);
			rig_feed(r, rows[i].in + cut, len - cut);
			expect(r, rows[i].in, rows[i].want, cut);
		}
		for (unsigned round = 0; round < 30; round++) {
			rig_connect(r);
			rig_pieces(r, rows[i].in, len, 1 + round % 8, round ? &rng : NULL);
			expect(r, rows[i].in, rows[i].want, 0);
		}
	}
	rig_free(r);
}

/* A line of n bytes in all, and what comes of it, in pieces of one size. */
static void long_line(struct rig *r, const char *before, const char *after, size_t fill,
		      size_t piece, const char *want)
{
	size_t a = strlen(before), b = strlen(after);
	char *text = malloc(a + fill + b);

	memcpy(text, before, a);
	memset(text + a, 'a', fill);
	memcpy(text + a + fill, after, b);
	rig_connect(r);
	rig_pieces(r, text, a + fill + b, piece, NULL);
	expect(r, before, want, piece);
	free(text);
}

static void lengths_have_limits(void **state)
{
	static const size_t pieces[] = { 1, 7, 4096, 65000 };
	struct rig *r = server(NULL);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		/* "GET /" + fill + " HTTP/1.1" */
		long_line(r, "GET /", " HTTP/1.1\r\n" H "\r\n", SP_HTTP_LINE_MAX - 14,
			  pieces[i], "200 | 200+0; ");
		long_line(r, "GET /", " HTTP/1.1\r\n" H "\r\n", SP_HTTP_LINE_MAX - 13,
			  pieces[i], "414 | 414 the first line is longer than 8 KiB; shut");
		long_line(r, "GET / HTTP/1.1\r\n" H "X:", "\r\n\r\n", SP_HTTP_LINE_MAX - 2,
			  pieces[i], "200 | 200+0; ");
		long_line(r, "GET / HTTP/1.1\r\n" H "X:", "\r\n\r\n", SP_HTTP_LINE_MAX - 1,
			  pieces[i],
			  "431 | 431 a header line is longer than 8 KiB, or all of them "
			  "than 32; shut");
		long_line(r, CHUNKED "1;", "\r\n", SP_HTTP_LINE_MAX - 1, pieces[i],
			  "431 | 431 a header line is longer than 8 KiB, or all of them "
			  "than 32; shut");
	}
	rig_free(r);
}

static void many_short_lines_have_a_limit(void **state)
{
	struct rig *r = server(NULL);

	(void)state;
	rig_feed(r, "GET / HTTP/1.1\r\n", 16);
	for (unsigned i = 0; i < 5000 && !r->done; i++)
		rig_feed(r, "A: bcd\r\n", 8);
	assert_int_equal(r->last.status, 431);
	assert_true(r->last.rx_bytes <= SP_HTTP_HEAD_MAX + 8);
	rig_connect(r);
	rig_feed(r, CHUNKED, strlen(CHUNKED));
	for (unsigned i = 0; i < 50000 && !r->done; i++)
		rig_feed(r, "1;x\r\na\r\n", 8);
	assert_int_equal(r->last.status, 431);
	rig_free(r);
}

static void answers_have_what_was_asked(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r;

	(void)state;
	c.status = 503;
	c.body = 5;
	c.header = "X-A: b\nX-C: d";
	r = server(&c);
	rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\nHEAD / HTTP/1.1\r\n" H "\r\n", 55);
	r->out[r->n_out] = '\0';
#define HEAD_503                                                                               \
	"HTTP/1.1 503 Service Unavailable\r\nServer: spate\r\nX-A: b\r\nX-C: d\r\n"            \
	"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
	assert_string_equal(r->out, HEAD_503 "XXXXX" HEAD_503);
	rig_free(r);
	c.header = NULL;
	c.status = 204;
	r = server(&c);
	rig_feed(r, "GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n", 51);
	r->out[r->n_out] = '\0';
	assert_string_equal(r->out, "HTTP/1.1 204 No Content\r\nServer: spate\r\n"
				    "Connection: keep-alive\r\n\r\n");
	rig_free(r);
}

/* Whatever a write takes, the bytes are the same. */
static void large_bodies_in_any_pieces(void **state)
{
	static const size_t takes[] = { 1u << 20, 65536, 65535, 4097 };
	struct sp_http_conf c = rig_conf();
	struct rig *r;

	(void)state;
	c.body = 3 * SP_HTTP_BLOCK + 4321;
	r = server(&c);
	for (unsigned i = 0; i < 4; i++) {
		rig_connect(r);
		r->take = takes[i];
		rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\n", 27);
		rig_feed(r, "HEAD / HTTP/1.1\r\n" H "\r\n", 28);
		assert_int_equal(r->written, c.body + 2 * r->proto->answer[SP_HTTP_ANSWER].len);
		assert_int_equal(r->w.n_out, 0);
	}
	rig_free(r);
}

static void pipelined_requests_wait_for_a_slow_reader(void **state)
{
	struct rig *r = server(NULL);
	char text[100 * 27 + 1];

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		memcpy(text + (size_t)i * 27, "GET / HTTP/1.1\r\n" H "\r\n", 28);
	r->take = 0;
	rig_feed(r, text, sizeof text - 1);
	assert_true(r->w.flags & SP_WISH_HOLD);
	assert_true(r->done < SP_HTTP_QUEUE);
	r->take = 50;
	rig_write(r);
	rig_show(r);
	assert_int_equal(r->done, 100);
	assert_int_equal(r->written, 100 * r->proto->answer[SP_HTTP_ANSWER].len);
	/* One that never reads is left alone for idle, then reset. */
	r->take = 0;
	rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\n", 27);
	rig_wait(r, 59 * SP_NS_PER_S);
	assert_false(r->w.flags & SP_WISH_RESET);
	rig_wait(r, 2 * SP_NS_PER_S);
	assert_true(r->w.flags & SP_WISH_RESET);
	rig_free(r);
}

static void slow_heads_end(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\n" H "X: y\r\n";
	struct rig *r = server(NULL);

	(void)state;
	/* A byte a second: ten, and it is over. */
	for (unsigned i = 0; i < 20 && !r->done; i++) {
		rig_feed(r, &head[i], 1);
		rig_wait(r, SP_NS_PER_S);
	}
	assert_string_equal(r->log, "408 it was not complete in time;");
	assert_int_equal(r->last.end_ns - r->last.start_ns, 10 * SP_NS_PER_S);
	assert_true(r->w.flags & SP_WISH_SHUT);
	rig_feed(r, "more", 4);
	rig_wait(r, 3 * SP_NS_PER_S);
	assert_true(rig_closed(r));
	/* Nothing at all: closed without a word. */
	rig_connect(r);
	rig_wait(r, 11 * SP_NS_PER_S);
	assert_true(rig_closed(r));
	assert_int_equal(r->written, 0);
	assert_int_equal(r->done, 0);
	rig_free(r);
}

static void slow_bodies_end(void **state)
{
	struct rig *r = server(NULL);
	unsigned n = 0;

	(void)state;
	rig_feed(r, POST "Content-Length: 1000000\r\n\r\n", strlen(POST) + 27);
	/* 100 bytes a second is too slow, whatever the gaps. */
	for (; n < 10000 && !r->done; n++) {
		rig_feed(r, "0123456789", 10);
		rig_wait(r, SP_NS_PER_S / 10);
	}
	assert_string_equal(r->log, "408 it was not complete in time;");
	assert_true(n > 200 && n < 300);
	/* 1,000 bytes a second may go on. */
	rig_connect(r);
	rig_feed(r, POST "Content-Length: 100000\r\n\r\n", strlen(POST) + 26);
	for (n = 0; n < 1000; n++) {
		rig_feed(r,
			 "0123456789012345678901234567890123456789"
			 "012345678901234567890123456789012345678901234567890123456789",
			 100);
		rig_wait(r, SP_NS_PER_S / 10);
	}
	assert_string_equal(r->log, "200+100000;");
	rig_free(r);
}

static void idle_connections_end(void **state)
{
	struct rig *r = server(NULL);

	(void)state;
	rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\n", 27);
	rig_wait(r, 59 * SP_NS_PER_S);
	assert_false(rig_closed(r));
	rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\n", 27);
	rig_wait(r, 59 * SP_NS_PER_S);
	assert_false(rig_closed(r));
	rig_wait(r, 2 * SP_NS_PER_S);
	assert_true(rig_closed(r));
	assert_string_equal(r->log, "200+0;200+0;");
	rig_free(r);
}

static void answers_come_later(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r;

	(void)state;
	c.delay_ns = 70 * SP_NS_PER_S; /* longer than idle */
	r = server(&c);
	rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H "\r\n", 54);
	assert_int_equal(r->done, 1);
	assert_int_equal(r->w.timer_ns, r->now + c.delay_ns);
	rig_wait(r, c.delay_ns - 1);
	assert_int_equal(r->written, 0);
	r->ops->on_timer(&r->st, r->now, &r->w); /* too early: nothing */
	assert_int_equal(r->w.n_out, 0);
	assert_false(rig_closed(r));
	rig_wait(r, 1);
	assert_int_equal(r->done, 2);
	assert_int_equal(r->written, r->proto->answer[SP_HTTP_ANSWER].len);
	/* The client has ended its direction and gets its answer all the same. */
	rig_eof(r);
	assert_false(rig_closed(r));
	rig_wait(r, c.delay_ns);
	assert_int_equal(r->done, 2);
	assert_true(rig_closed(r));
	assert_true(strstr(r->out + r->proto->answer[SP_HTTP_ANSWER].len,
			   "Connection: close\r\n") != NULL);
	rig_free(r);
}

static void stalls_once_in_a_while(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r;
	unsigned late = 0;

	(void)state;
	c.stall_ns = 200 * SP_NS_PER_MS;
	r = server(&c);
	/* T0 is a whole second: 100 requests, 10 ms apart, the first 20 in the stall. */
	for (uint64_t i = 0; i < 100; i++) {
		uint64_t before;

		rig_connect(r);
		r->now = RIG_T0 + i * 10 * SP_NS_PER_MS;
		before = r->written;
		rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\n", 27);
		if (r->written > before)
			continue;
		late++;
		assert_int_equal(r->w.timer_ns, RIG_T0 + c.stall_ns);
	}
	assert_int_equal(late, 20);
	rig_free(r);
}

static void ends_of_connections(void **state)
{
	static const struct {
		const char *in, *want;
	} ends[] = {
		{ "", "|  close" },
		{ "GET / HTTP/1.1\r\n" H "\r\n", "200 | 200+0; close" },
		{ "GET / HT", "| - the peer ended in the middle of a message; close" },
		{ POST "Content-Length: 5\r\n\r\nhell",
		  "| - the peer ended in the middle of a message; close" },
		{ "x y\r\n", "400 | 400 the first line is not HTTP; close" },
	};
	struct rig *r = server(NULL);
	struct sp_wish w;

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		rig_connect(r);
		rig_feed(r, ends[i].in, strlen(ends[i].in));
		rig_eof(r);
		expect(r, ends[i].in, ends[i].want, 0);
	}
	/* gone in mid-request: reported, unless we stopped ourselves */
	rig_connect(r);
	rig_feed(r, "GET", 3);
	r->ops->on_close(&r->st, SP_WHY_RESET, NULL, r->now, &w);
	assert_int_equal(w.done, 1);
	rig_outcome(r);
	assert_int_equal(r->last.why, SP_WHY_RESET);
	rig_connect(r);
	rig_feed(r, "GET", 3);
	r->ops->on_close(&r->st, SP_WHY_STOPPED, NULL, r->now, &w);
	assert_int_equal(w.done, 0);
	rig_connect(r);
	r->ops->on_close(&r->st, SP_WHY_RESET, NULL, r->now, &w);
	assert_int_equal(w.done, 0);
	rig_free(r);
}

static void close_closes_each(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r;

	(void)state;
	c.close = true;
	r = server(&c);
	rig_feed(r, "GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H "\r\n", 54);
	expect(r, "two", "200 | 200+0; close", 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_table_says),
		cmocka_unit_test(cuts_make_no_difference),
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(many_short_lines_have_a_limit),
		cmocka_unit_test(answers_have_what_was_asked),
		cmocka_unit_test(large_bodies_in_any_pieces),
		cmocka_unit_test(pipelined_requests_wait_for_a_slow_reader),
		cmocka_unit_test(slow_heads_end),
		cmocka_unit_test(slow_bodies_end),
		cmocka_unit_test(idle_connections_end),
		cmocka_unit_test(answers_come_later),
		cmocka_unit_test(stalls_once_in_a_while),
		cmocka_unit_test(ends_of_connections),
		cmocka_unit_test(close_closes_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
