#include <errno.h>

#include "proto/http/rig_test.h"

#define OK    "HTTP/1.1 200 OK\r\n"
#define CUT   "the server ended in the middle of its answer"
#define AFTER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static struct rig *client(const struct sp_http_conf *c)
{
	return rig_new(&(struct sp_proto_args){
		.role = SP_ROLE_CLIENT, .conf = c, .authority = "x:8080" });
}

/* What the server says to one request, and what is to come of it: the outcomes, then how the
 * connection goes on. "$" at the end of an answer: then the server ends. */
static const struct {
	const char *in, *want;
} rows[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", "200+5; ready" },
	{ OK "content-LENGTH:\t5 \r\nServer: x\r\n\r\nhello", "200+5; ready" },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404+0; ready" },
	{ "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200+0; ready" },
	{ "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200+0; ready" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", "204+0; ready" },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n", "304+0; ready" },
	{ "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "204+0; ready" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
	  "Content-Length: 1\r\n\r\nx",
	  "200+1; ready" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\nx\r\n0\r\nT: u\r\n\r\n",
	  "200+6; ready" },
	{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200+1; ready" },
	/* lenient where the RFC allows it */
	{ "HTTP/1.1 200 OK\nContent-Length: 2\n\nab", "200+2; ready" },
	{ OK "X: a\r\n b\r\nContent-Length: 2\r\n\r\nab", "200+2; ready" },
	{ OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "200+2; ready" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\n T\r\n\r\n", "200+0; ready" },
	/* the end of the connection is the end of the body */
	{ OK "\r\nhello$", "200+5; close" },
	{ OK "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nhello$", "200+5; close" },
	{ "HTTP/1.0 200 OK\r\n\r\n$", "200+0; close" },
	/* the server will not have another */
	{ OK "Connection: close\r\nContent-Length: 1\r\n\r\nx", "200+1; close" },
	{ OK "Connection: x, Close\r\nContent-Length: 1\r\n\r\nx", "200+1; close" },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200+1; close" },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
	  "200+1; ready" },
	/* two lengths: the chunks count, and nothing follows */
	{ OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	  "200+1; close" },
	/* bytes behind an answer are nobody's */
	{ OK "Content-Length: 1\r\n\r\nx" AFTER, "200+1; close" },
	{ "HTTP/1.1 204 No Content\r\n\r\nx", "204+0; close" },
	/* wrong */
	{ "HTTP/2 200\r\n\r\n", "- the first line is not HTTP; reset" },
	{ "HTTP/2.0 200 OK\r\n\r\n", "- the version is not HTTP/1.x; reset" },
	{ "HTTP/1.1  200 OK\r\n\r\n", "- the first line is not HTTP; reset" },
	{ "HTTP/1.1 20 OK\r\n\r\n", "- the first line is not HTTP; reset" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", "- the first line is not HTTP; reset" },
	{ "HTTP/1.1 600 OK\r\n\r\n", "- the first line is not HTTP; reset" },
	{ "HTTP/1.1 099 OK\r\n\r\n", "- the first line is not HTTP; reset" },
	{ "\r\n" AFTER, "- the first line is not HTTP; reset" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", "- the first line is not HTTP; reset" },
	{ "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	  "101 101 switches protocols, unasked; reset" },
	{ OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nab",
	  "- Content-Length is malformed or double; reset" },
	{ OK "Content-Length: two\r\n\r\nab",
	  "- Content-Length is malformed or double; reset" },
	{ OK "Content-Length: 1\r\n 2\r\n\r\nab", "- a header line is folded; reset" },
	{ OK "Transfer-Encoding: chunked, gzip\r\n\r\n",
	  "- Transfer-Encoding leaves the length in doubt; reset" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n",
	  "200 a chunk is malformed; reset" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nhello\r\n", "200 a chunk is malformed; reset" },
	{ OK "no field\r\n\r\n", "- a header line is malformed; reset" },
	{ OK "X: \x02\r\n\r\n", "- a control character stands in the head; reset" },
	{ OK "X: a\rb\r\n\r\n", "- a line does not end with CR LF; reset" },
	/* cut off */
	{ "$", "- the server closed the connection without an answer; close" },
	{ "HTTP/1.1 2$", "- " CUT "; close" },
	{ OK "Content-Length: 5\r\n$", "- " CUT "; close" },
	{ OK "Content-Length: 5\r\n\r\nhell$", "200 " CUT "; close" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n$", "200 " CUT "; close" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n$", "200 " CUT "; close" },
	{ "HTTP/1.1 100 Continue\r\n\r\n$", "- " CUT "; close" },
	/* not complete yet */
	{ OK "Content-Length: 5\r\n\r\nhell", "" },
	{ OK "\r\nhell", "" },
	{ OK "Content-Length: 5\r", "" },
};

static const char *goes_on(const struct rig *r)
{
	return r->w.flags & SP_WISH_RESET   ? " reset"
	       : r->w.flags & SP_WISH_CLOSE ? " close"
	       : r->w.flags & SP_WISH_READY ? " ready"
					    : "";
}

static void one_answer(struct rig *r, unsigned row, size_t piece, size_t cut,
		       struct sp_rng *rng)
{
	const char *in = rows[row].in;
	size_t len = strcspn(in, "$");
	char got[4200];

	rig_connect(r);
	rig_start(r, 0);
	if (cut) {
		rig_feed(r, in, cut);
		rig_feed(r, in + cut, len - cut);
	} else {
		rig_pieces(r, in, len, piece, rng);
	}
	if (in[len] == '$')
		rig_eof(r);
	snprintf(got, sizeof got, "%s%s", r->log, goes_on(r));
	if (strcmp(got, rows[row].want))
		fail_msg("piece %zu, cut at %zu: %s\n got: %s\nwant: %s", piece, cut, in, got,
			 rows[row].want);
	assert_int_equal(r->sent, 1);
}

static void says_what_the_table_says(void **state)
{
	struct rig *r = client(NULL);

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		one_answer(r, i, sizeof r->kept, 0, NULL);
	rig_free(r);
}

static void cuts_make_no_difference(void **state)
{
	struct rig *r = client(NULL);
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 9112, "cuts");
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t cut = 1; cut < strcspn(rows[i].in, "$"); cut++)
			one_answer(r, i, 0, cut, NULL);
		for (unsigned round = 0; round < 30; round++)
			one_answer(r, i, 1 + round % 8, 0, round ? &rng : NULL);
	}
	rig_free(r);
}

/* The request as it is on the wire. */
static void sends(const struct sp_proto_args *args, uint32_t size, const char *want)
{
	struct rig *r = rig_new(args);

	rig_start(r, size);
	assert_true(r->n_out < sizeof r->out);
	r->out[r->n_out] = '\0';
	assert_string_equal(r->out, want);
	assert_int_equal(r->sent, 1);
	rig_free(r);
}

static void requests_are_as_asked(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct sp_proto_args a = { .role = SP_ROLE_CLIENT, .conf = &c, .authority = "x:1" };

	(void)state;
#define UA "User-Agent: spate\r\n"
	sends(&a, 99, "GET / HTTP/1.1\r\nHost: x:1\r\n" UA "\r\n");
	a.size = 3;
	a.size_given = true;
	sends(&a, 3, "POST / HTTP/1.1\r\nHost: x:1\r\n" UA "Content-Length: 3\r\n\r\nXXX");
	c.method = SP_HTTP_GET + 1;
	sends(&a, 3, "GET / HTTP/1.1\r\nHost: x:1\r\n" UA "\r\n");
	a.size_given = false;
	c.method = SP_HTTP_PUT + 1;
	sends(&a, 3, "PUT / HTTP/1.1\r\nHost: x:1\r\n" UA "Content-Length: 3\r\n\r\nXXX");
	a.size = 0;
	sends(&a, 0, "PUT / HTTP/1.1\r\nHost: x:1\r\n" UA "Content-Length: 0\r\n\r\n");
	c.method = 0;
	c.close = true;
	c.path = "/a?b";
	c.host = "other";
	c.header = "A: b\n\nC: d\n";
	sends(&a, 0,
	      "GET /a?b HTTP/1.1\r\nHost: other\r\n" UA
	      "A: b\r\nC: d\r\nConnection: close\r\n\r\n");
	c = rig_conf();
	a.size = 2000;
	a.size_given = a.size_varies = true;
	sends(&a, 4, "POST / HTTP/1.1\r\nHost: x:1\r\n" UA "Content-Length: 4\r\n\r\nXXXX");
	sends(&a, 0, "POST / HTTP/1.1\r\nHost: x:1\r\n" UA "Content-Length: 0\r\n\r\n");
}

static void large_bodies_in_any_pieces(void **state)
{
	static const size_t takes[] = { 1u << 20, 65536, 65537, 4095 };
	struct sp_proto_args a = { .role = SP_ROLE_CLIENT,
				   .size = 1000000,
				   .size_given = true };
	struct rig *r;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		a.size_varies = i & 1;
		r = rig_new(&a);
		r->take = takes[i / 2];
		rig_start(r, 777777);
		assert_int_equal(r->sent, 1);
		rig_feed(r, AFTER, strlen(AFTER));
		assert_string_equal(r->log, "200+0;");
		assert_int_equal(r->last.tx_bytes, r->written);
		assert_int_equal(r->written - (i & 1 ? 777777 : 1000000) -
					 r->proto->request.len,
				 i & 1 ? 10 : 0); /* "777777" and two line ends */
		rig_free(r);
	}
}

static void many_on_one_connection(void **state)
{
	struct rig *r = client(NULL);
	struct sp_token t = { .intended_ns = 1 };
	struct sp_wish w;

	(void)state;
	for (unsigned i = 1; i <= 100; i++) {
		rig_start(r, 0);
		assert_int_equal(r->ops->start(&r->st, &t, r->now, &w), -EAGAIN);
		r->now += SP_NS_PER_MS;
		rig_feed(r, OK "Content-Length: 3\r\n\r\na", strlen(OK) + 22);
		r->now += SP_NS_PER_MS;
		rig_feed(r, "bc", 2);
		assert_int_equal(r->done, i);
		assert_int_equal(r->sent, i);
		assert_int_equal(r->last.intended_ns, r->last.start_ns - 5);
		assert_int_equal(r->last.sent_ns, r->last.start_ns);
		assert_int_equal(r->last.first_ns, r->last.start_ns + SP_NS_PER_MS);
		assert_int_equal(r->last.end_ns, r->now);
		assert_int_equal(r->last.rx_bytes, strlen(OK) + 24);
		assert_int_equal(r->last.body_bytes, 3);
	}
	/* The server closes while nothing is under way: no error. */
	rig_eof(r);
	assert_int_equal(r->done, 100);
	assert_true(rig_closed(r));
	rig_free(r);
}

static void kept_connections_that_end_may_be_retried(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r = client(NULL);

	(void)state;
	rig_start(r, 0);
	rig_feed(r, AFTER, strlen(AFTER));
	rig_start(r, 0);
	rig_eof(r);
	assert_string_equal(r->log, "200+0;- the server closed the connection without an "
				    "answer retry;");
	/* not when something of the answer came */
	rig_connect(r);
	rig_start(r, 0);
	rig_feed(r, AFTER, strlen(AFTER));
	rig_start(r, 0);
	rig_feed(r, "H", 1);
	rig_eof(r);
	assert_string_equal(r->log, "200+0;- " CUT ";");
	rig_free(r);
	/* and not what must not happen twice */
	c.method = SP_HTTP_POST + 1;
	r = client(&c);
	rig_start(r, 0);
	rig_feed(r, AFTER, strlen(AFTER));
	rig_start(r, 0);
	r->ops->on_close(&r->st, SP_WHY_RESET, "reset", r->now, &r->w);
	rig_took(r);
	assert_string_equal(r->log, "200+0;- reset;");
	rig_free(r);
}

static void answers_before_the_request_is_sent(void **state)
{
	struct sp_proto_args a = { .role = SP_ROLE_CLIENT, .size = 500000, .size_given = true };
	struct rig *r = rig_new(&a);

	(void)state;
	r->take = 0;
	rig_start(r, 0);
	assert_int_equal(r->sent, 0);
	rig_feed(r, "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", 37);
	assert_string_equal(r->log, "413+0;");
	assert_int_equal(r->sent, 1);
	assert_true(rig_closed(r));
	assert_int_equal(r->last.why, SP_WHY_STATUS);
	assert_true(r->last.sent_ns != 0);
	assert_int_equal(r->last.tx_bytes, 0);
	rig_free(r);
}

static void close_closes_each(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r;

	(void)state;
	c.close = true;
	r = client(&c);
	rig_start(r, 0);
	rig_feed(r, AFTER, strlen(AFTER));
	assert_string_equal(r->log, "200+0;");
	assert_true(rig_closed(r));
	assert_false(r->w.flags & SP_WISH_RESET);
	rig_free(r);
}

static void head_has_no_body(void **state)
{
	struct sp_http_conf c = rig_conf();
	struct rig *r;

	(void)state;
	c.method = SP_HTTP_HEAD + 1;
	r = client(&c);
	rig_start(r, 0);
	rig_feed(r, OK "Content-Length: 500\r\n\r\n", strlen(OK) + 23);
	rig_start(r, 0);
	rig_feed(r, OK "Transfer-Encoding: chunked\r\n\r\n", strlen(OK) + 30);
	assert_string_equal(r->log, "200+0;200+0;");
	rig_free(r);
}

static void silence_ends(void **state)
{
	struct rig *r = client(NULL);

	(void)state;
	rig_start(r, 0);
	rig_wait(r, 5 * SP_NS_PER_S);
	rig_feed(r, "HTTP/1.1 200 OK\r\n", 17);
	r->ops->on_timer(&r->st, r->now, &r->w); /* too early: nothing */
	rig_wait(r, 5 * SP_NS_PER_S - 1);
	assert_int_equal(r->done, 0);
	rig_wait(r, 1);
	assert_string_equal(r->log, "- no complete answer came in time;");
	assert_int_equal(r->last.why, SP_WHY_TIMEOUT);
	assert_true(r->w.flags & SP_WISH_RESET);
	rig_free(r);
}

static void connections_that_never_came(void **state)
{
	struct rig *r = client(NULL);

	(void)state;
	r->take = 0;
	rig_start(r, 0);
	r->ops->on_close(&r->st, SP_WHY_REFUSED, "nobody listens", r->now, &r->w);
	rig_took(r);
	assert_string_equal(r->log, "- nobody listens;");
	assert_int_equal(r->last.sent_ns, 0);
	assert_int_equal(r->sent, 0);
	assert_int_equal(r->last.why, SP_WHY_REFUSED);
	rig_free(r);
}

static void unasked_bytes_spend_a_connection(void **state)
{
	struct rig *r = client(NULL);
	struct sp_token t = { .intended_ns = 1 };

	(void)state;
	rig_feed(r, AFTER, strlen(AFTER));
	assert_int_equal(r->done, 0);
	assert_true(r->w.flags & SP_WISH_CLOSE);
	assert_int_equal(r->ops->start(&r->st, &t, r->now, &r->w), -EAGAIN);
	rig_free(r);
}

static void endless_heads_end(void **state)
{
	struct rig *r = client(NULL);

	(void)state;
	rig_start(r, 0);
	rig_feed(r, OK, strlen(OK));
	for (unsigned i = 0; i < 5000 && !r->done; i++)
		rig_feed(r, "A: bcd\r\n", 8);
	assert_int_equal(r->last.why, SP_WHY_TOO_BIG);
	rig_free(r);
}

static void refuses_wrong_settings(void **state)
{
	static const struct {
		const char *path, *host, *header;
	} wrong[] = {
		{ "x", NULL, NULL },
		{ "/a b", NULL, NULL },
		{ "/a\r\nX: y", NULL, NULL },
		{ "*", NULL, NULL },
		{ "/", "a b", NULL },
		{ "/", "a\r\nX: y", NULL },
		{ "/", NULL, "no colon" },
		{ "/", NULL, "A: b\r\nC: d" },
		{ "/", NULL, "A: b\n C: d" },
		{ "/", NULL, "Content-Length: 5" },
		{ "/", NULL, "A: b\ntransfer-encoding: chunked" },
		{ "/", NULL, "Host: x" },
		{ "/", NULL, "connection: close" },
	};
	struct sp_http_conf c;
	struct sp_proto *p;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sp_proto_args a = { .role = SP_ROLE_CLIENT, .conf = &c };
		struct sp_err e = { 0 };

		c = rig_conf();
		c.path = wrong[i].path;
		c.host = wrong[i].host;
		c.header = wrong[i].header;
		if (sp_http_open(&p, &a, sp_mem_system(), &e) != -EINVAL)
			fail_msg("row %zu was taken", i);
		assert_int_equal(e.exit, SP_EXIT_USAGE);
		assert_true(!strncmp(e.text, "http: ", 6));
	}
	c = rig_conf();
	c.stall_ns = c.stall_every_ns;
	assert_int_equal(sp_http_check(&c, NULL), -EINVAL);
}

static void open_without_memory(void **state)
{
	(void)state;
	for (unsigned role = SP_ROLE_CLIENT; role <= SP_ROLE_SERVER; role++) {
		struct sp_http_conf c = rig_conf();
		struct sp_proto_args a = { .role = role,
					   .size = 100000,
					   .size_given = true,
					   .authority = "x",
					   .conf = NULL };
		struct sp_mem_test m;
		struct sp_proto *p;
		int r = -ENOMEM;

		c.body = 100000;
		if (role == SP_ROLE_SERVER)
			a.conf = &c;
		for (uint64_t n = 0; r; n++) {
			struct sp_err e = { 0 };

			assert_true(n < 200);
			sp_mem_test_init(&m, n);
			r = sp_http_open(&p, &a, &m.mem, &e);
			if (r) {
				assert_int_equal(r, -ENOMEM);
				assert_int_equal(e.exit, SP_EXIT_FAILED);
			} else {
				assert_true(n > 3);
				sp_http_close(p);
			}
			assert_int_equal(m.live, 0);
		}
	}
}

/* Every byte at every place of a name, long and short: a token, and nothing else (RFC 9110 5.6.2). */
static void names_are_tokens(void **state)
{
	static const char others[] = "!#$%&'*+-.^_`|~0123456789";

	(void)state;
	for (unsigned len = 1; len <= 20; len++) {
		for (unsigned at = 0; at < len; at++) {
			for (unsigned c = 1; c < 256; c++) {
				struct sp_http_head h = { .strict = true };
				uint8_t line[32];
				bool token = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
					     strchr(others, (int)c);

				if (c == ':' && at)
					continue; /* the name ends there */
				memset(line, 'q', len);
				line[at] = (uint8_t)c;
				memcpy(line + len, ": v", 3);
				if ((sp_http_field(&h, line, line + len + 3) == SP_HTTP_FINE) !=
				    token)
					fail_msg("byte %02x at %u of %u", c, at, len);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_tokens),
		cmocka_unit_test(says_what_the_table_says),
		cmocka_unit_test(cuts_make_no_difference),
		cmocka_unit_test(requests_are_as_asked),
		cmocka_unit_test(large_bodies_in_any_pieces),
		cmocka_unit_test(many_on_one_connection),
		cmocka_unit_test(kept_connections_that_end_may_be_retried),
		cmocka_unit_test(answers_before_the_request_is_sent),
		cmocka_unit_test(close_closes_each),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(connections_that_never_came),
		cmocka_unit_test(unasked_bytes_spend_a_connection),
		cmocka_unit_test(endless_heads_end),
		cmocka_unit_test(refuses_wrong_settings),
		cmocka_unit_test(open_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
