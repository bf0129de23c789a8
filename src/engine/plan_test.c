#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/plan.h"
#include "engine/plan_build.h"
#include "engine/test_catalog.h"

struct word {
	char item; /* R run, P port, S stream, V receiver: begins one; '=': sets */
	const char *key, *value;
};

static int add_word(struct sp_plan_build *b, const struct word *w, struct sp_err *err)
{
	switch (w->item) {
	case 'R':
		return sp_plan_add(b, SP_PLAN_RUN, NULL, err);
	case 'P':
		return sp_plan_add(b, SP_PLAN_PORT, w->key, err);
	case 'S':
		return sp_plan_add(b, SP_PLAN_STREAM, w->key, err);
	case 'V':
		return sp_plan_add(b, SP_PLAN_RECV, w->key, err);
	default:
		return sp_plan_set(b, w->key, w->value, NULL, err);
	}
}

static int build(const struct sp_mem *mem, const struct word *w, struct sp_plan **plan,
		 struct sp_err *err)
{
	struct sp_plan_build *b;
	int rc = sp_plan_build_new(&b, mem, &test_catalog);

	*plan = NULL;
	if (rc)
		return rc;
	for (; w->item && !rc; w++)
		rc = add_word(b, w, err);
	if (!rc)
		rc = sp_plan_seal(b, plan, err);
	sp_plan_build_free(b);
	return rc;
}

#define W(...)                                                                                 \
	(const struct word[])                                                                  \
	{                                                                                      \
		__VA_ARGS__,                                                                   \
		{                                                                              \
			0                                                                      \
		}                                                                              \
	}
#define PORT                                                                                   \
	{ 'P', NULL, NULL },                                                                   \
	{                                                                                      \
		'=', "name", "tx0"                                                             \
	}
#define STREAM                                                                                 \
	{ 'S', "here", NULL }, { '=', "name", "s1" },                                          \
	{                                                                                      \
		'=', "host", "10.1.1.2"                                                        \
	}
#define SET(key, value)                                                                        \
	{                                                                                      \
		'=', key, value                                                                \
	}

static struct sp_plan *good(const struct word *w)
{
	struct sp_plan *plan;
	struct sp_err err = { 0 };

	if (build(sp_mem_system(), w, &plan, &err))
		fail_msg("%s", err.text);
	return plan;
}

static void bad(const struct word *w, const char *fragment)
{
	struct sp_plan *plan;
	struct sp_err err = { 0 };

	if (!build(sp_mem_system(), w, &plan, &err))
		fail_msg("taken, though expected: %s", fragment);
	assert_null(plan);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	if (!strstr(err.text, fragment))
		fail_msg("'%s' is not in: %s", fragment, err.text);
}

static void test_defaults_and_text(void **state)
{
	struct sp_plan *p = good(W(PORT, STREAM));
	char text[16384];

	(void)state;
	assert_string_equal(
		test_plan_text(p, &test_catalog, text),
		"{\"plan\":1,\"run\":{\"name\":\"run\",\"seed\":1,\"duration\":\"0s\","
		"\"count\":0,\"cores\":1,\"spin\":\"auto\",\"catch_up\":\"chase:2x\","
		"\"coalesce\":\"0s\",\"control\":true,\"best_effort\":false,"
		"\"allow_broadcast\":false,\"virtual\":false,\"max_flows\":10000,"
		"\"tally\":\"auto\",\"verify\":\"stamp\"},\"ports\":[{\"name\":\"tx0\","
		"\"transport\":\"udp\",\"bind\":\"\",\"interface\":\"\",\"port\":0,"
		"\"port_last\":0,\"settings\":{\"gso\":true,\"gro\":true}}],\"streams\":[{"
		"\"name\":\"s1\",\"from\":\"tx0\",\"protocol\":\"udp\","
		"\"host\":\"10.1.1.2\",\"port\":5001,\"rate\":\"100pps\",\"size\":1024,"
		"\"departure\":\"constant\",\"count\":0,\"bytes\":0,\"duration\":\"10s\","
		"\"start\":\"0s\",\"payload\":\"X\",\"stamp\":\"native\",\"entry\":\"s1\","
		"\"per_message\":false,\"connections\":0,\"deal_of\":1,\"deal_at\":0,\"deal_n\":1}],"
		"\"recvs\":[]}");
	/* Known from another implementation of SHA-256. */
	assert_string_equal(p->sha256, "cdd603371dd26806a2914148ecb19258"
				       "c93660187a0aac41be04387eaa453a86");
	assert_int_equal(p->streams[0].duration_ns, 10 * SP_NS_PER_S);
	assert_int_equal(p->streams[0].stamp, SP_STAMP_NATIVE);
	sp_plan_free(p);
}

static void expect_stamp(const char *transport, const char *host, const char *size, int want)
{
	struct sp_plan *p = good(W(PORT, SET("transport", transport), STREAM, SET("host", host),
				   SET("size", size)));

	assert_int_equal(p->streams[0].stamp, want);
	sp_plan_free(p);
}

static void test_stamp_choice(void **state)
{
	(void)state;
	expect_stamp("udp", "10.1.1.2", "0", SP_STAMP_OFF);
	expect_stamp("udp", "10.1.1.2", "9", SP_STAMP_OFF);
	expect_stamp("udp", "10.1.1.2", "10", SP_STAMP_SHORT);
	expect_stamp("udp", "fd99::2", "17", SP_STAMP_SHORT);
	expect_stamp("udp", "fd99::2", "18", SP_STAMP_NATIVE);
	expect_stamp("packet", "10.1.1.2", "42", SP_STAMP_OFF);
	expect_stamp("packet", "10.1.1.2", "52", SP_STAMP_SHORT);
	expect_stamp("packet", "10.1.1.2", "60", SP_STAMP_NATIVE);
	expect_stamp("packet", "fd99::2", "79", SP_STAMP_SHORT);
	expect_stamp("packet", "fd99::2", "80", SP_STAMP_NATIVE);
	/* A name may be IPv6. */
	expect_stamp("packet", "name.example", "62", SP_STAMP_OFF);
	expect_stamp("packet", "name.example", "80", SP_STAMP_NATIVE);
	bad(W(PORT, STREAM, SET("stamp", "native"), SET("size", "17")), "needs size 18");
	bad(W(PORT, STREAM, SET("stamp", "short"), SET("size", "9")), "needs size 10");
	bad(W(PORT, SET("transport", "packet"), STREAM, SET("stamp", "native"),
	      SET("size", "59")),
	    "needs size 60");
}

static void test_limits(void **state)
{
	struct sp_plan *p = good(W(PORT, STREAM, SET("count", "5k")));

	(void)state;
	assert_int_equal(p->streams[0].duration_ns, 0);
	assert_int_equal(p->streams[0].count, 5000);
	sp_plan_free(p);
	p = good(W(PORT, STREAM, SET("bytes", "1Mi"), SET("duration", "3")));
	assert_int_equal(p->streams[0].bytes, 1 << 20);
	assert_int_equal(p->streams[0].duration_ns, 3 * SP_NS_PER_S);
	sp_plan_free(p);
	p = good(W(PORT, STREAM, SET("duration", "0")));
	assert_int_equal(p->streams[0].duration_ns, 0);
	sp_plan_free(p);
	bad(W(PORT, STREAM, SET("bytes", "100")), "less than one packet");
	bad(W(PORT, STREAM, SET("size", "0"), SET("bytes", "100")), "never reached");
	bad(W(PORT, STREAM, SET("duration", "300000000h")), "too large");
	bad(W(PORT, STREAM, SET("duration", "2600000h")), "292 years");
}

static void test_sizes_and_rates(void **state)
{
	struct sp_plan *p = good(W(PORT, STREAM, SET("size", "65507")));

	(void)state;
	sp_plan_free(p);
	p = good(W(PORT, STREAM, SET("host", "::1"), SET("size", "65527")));
	sp_plan_free(p);
	bad(W(PORT, STREAM, SET("size", "65508")), "at most 65507");
	bad(W(PORT, STREAM, SET("host", "some.name"), SET("size", "65508")), "at most 65507");
	bad(W(PORT, STREAM, SET("host", "::1"), SET("size", "65528")), "at most 65527");
	bad(W(PORT, STREAM, SET("size", "1M")), "at most 65507");
	bad(W(PORT, SET("transport", "packet"), STREAM, SET("size", "41")), "too small");
	bad(W(PORT, SET("transport", "packet"), STREAM, SET("host", "::1"), SET("size", "61")),
	    "too small");
	bad(W(PORT, STREAM, SET("size", "0"), SET("rate", "1Mbit/s")),
	    "no meaning with size 0");
	p = good(W(PORT, STREAM, SET("size", "0"), SET("rate", "1Mbit/s@l2")));
	sp_plan_free(p);
	bad(W(PORT, STREAM, SET("rate", "max"), SET("departure", "exponential")), "no gaps");
	bad(W(PORT, STREAM, SET("rate", "0")), "rate");
	bad(W(PORT, STREAM, SET("rate", "nan")), "rate");
	bad(W(PORT, STREAM, SET("rate", "-5")), "rate");
}

static void test_names_and_ports(void **state)
{
	(void)state;
	bad(W(PORT, STREAM, STREAM), "two streams are called 's1'");
	bad(W(PORT, PORT, STREAM), "two ports are called 'tx0'");
	bad(W(PORT, STREAM, SET("from", "tx9")), "no such port 'tx9'; did you mean 'tx0'");
	bad(W(STREAM), "no such port 'tx0'");
	bad(W(PORT), "nothing to do");
	bad(W(PORT, { 'S', "here", NULL }, SET("name", "s1")), "here: no target");
	bad(W(PORT, { 'S', "here", NULL }, SET("host", "h")), "here: the stream has no name");
	bad(W(PORT, STREAM, SET("name", "a b")), "blank");
	bad(W(PORT, STREAM, SET("name", "")), "empty");
	bad(W(PORT, STREAM, SET("host", "10.1")), "not an address");
	bad(W(PORT, STREAM, SET("host", "300.1.1.1")), "not an address");
	bad(W(PORT, STREAM, SET("host", "a b")), "not an address");
	bad(W(PORT, STREAM, SET("host", "fe80::g")), "not an address");
	bad(W(PORT, STREAM, SET("host", "10.1.1.2%eth0")), "--interface");
	bad(W(PORT, STREAM, SET("port", "0")), "at least 1");
	bad(W(PORT, STREAM, SET("port", "65536")), "at most 65535");
	bad(W(PORT, STREAM, SET("protocol", "sctp")),
	    "'sctp' is not supported; works: udp, tcp");
	bad(W(PORT, STREAM, SET("protocol", "tcp")),
	    "protocol tcp goes over connections (transport tcp), not over the transport 'udp'");
	bad(W(PORT, STREAM, SET("departure", "exponentiel")), "did you mean 'exponential'");
	bad(W(PORT, STREAM, SET("payload", "\xff")), "UTF-8");
	bad(W(PORT, STREAM, SET("raet", "1")), "did you mean 'rate'");
	bad(W(SET("sede", "1")), "did you mean 'seed'");
	bad(W(SET("catch_up", "chaes")), "chase:2x");
	bad(W(SET("cores", "0")), "at least 1");
}

static void test_transport_words(void **state)
{
	struct sp_plan *p = good(W(SET("virtual", "yes"), PORT, SET("transport", "loop"),
				   SET("loss", "1%"), SET("delay", "20ms"), STREAM));
	const struct test_loop_conf *conf = p->ports[0].conf;
	char text[16384];

	(void)state;
	assert_true(conf->loss > 0.0099 && conf->loss < 0.0101);
	assert_int_equal(conf->delay_ns, 20000000);
	assert_non_null(strstr(test_plan_text(p, &test_catalog, text),
			       "\"settings\":{\"loss\":0.01,\"delay\":\"20ms\"}"));
	sp_plan_free(p);
	bad(W(PORT, SET("transport", "looop")), "did you mean 'loop'");
	bad(W(PORT, SET("transport", "loop"), SET("los", "1%")), "did you mean 'loss'");
	bad(W(PORT, SET("transport", "loop"), SET("gso", "no")), "'loop' has no setting 'gso'");
	bad(W(PORT, SET("transport", "null"), SET("x", "1")), "'null' has no setting 'x'");
	bad(W(PORT, SET("transport", "loop"), SET("loss", "101%")), "between 0 and 1");
	bad(W(PORT, SET("transport", "pcap"), STREAM), "transport pcap: no file");
	bad(W(SET("virtual", "yes"), PORT, STREAM), "over: loop, null, pcap");
}

static void test_bind(void **state)
{
	struct sp_plan *p = good(W(PORT, SET("bind", "10.1.1.1%eth1:5000"), STREAM));

	(void)state;
	assert_string_equal(p->ports[0].bind, "10.1.1.1");
	assert_string_equal(p->ports[0].interface, "eth1");
	assert_int_equal(p->ports[0].port, 5000);
	sp_plan_free(p);
	p = good(W(PORT, SET("bind", "[FE80::1%eth1]:7"), SET("interface", "eth1"), STREAM));
	assert_string_equal(p->ports[0].bind, "fe80::1");
	assert_string_equal(p->ports[0].interface, "eth1");
	assert_int_equal(p->ports[0].port_last, 7);
	sp_plan_free(p);
	bad(W(PORT, SET("bind", "10.1.1.1%eth1"), SET("interface", "eth2"), STREAM), "eth2");
	bad(W(PORT, SET("bind", "10.1.1.1:5"), SET("port", "6"), STREAM), "names port 5");
	bad(W(PORT, SET("bind", "udp://10.1.1.1"), STREAM), "ADDR");
	bad(W(PORT, SET("bind", "10.1.1"), STREAM), "not an IPv4");
	bad(W(PORT, SET("interface", "a/b"), STREAM), "interface");
}

#define RECV(name)                                                                             \
	{ 'V', NULL, NULL },                                                                   \
	{                                                                                      \
		'=', "name", name                                                              \
	}
#define LISTEN(name, bind, first, last)                                                        \
	{ 'P', NULL, NULL }, { '=', "name", name }, { '=', "bind", bind },                     \
		{ '=', "port", first },                                                        \
	{                                                                                      \
		'=', "port_last", last                                                         \
	}

static void test_recvs(void **state)
{
	struct sp_plan *p = good(W(LISTEN("rx0", "", "5001", "5010"),
				   LISTEN("rx1", "10.0.0.1", "5011", "0"),
				   LISTEN("rx2", "10.0.0.2", "5011", "0"), RECV("a"), RECV("b"),
				   SET("from", "rx1"), RECV("c"), SET("from", "rx2")));

	(void)state;
	assert_int_equal(p->n_recvs, 3);
	assert_int_equal(p->recvs[2].from_port, 2);
	assert_int_equal(p->ports[0].port_last, 5010);
	sp_plan_free(p);
	bad(W(LISTEN("rx0", "", "5001", "5010"), LISTEN("rx1", "10.0.0.1", "5010", "0"),
	      RECV("a"), RECV("b"), SET("from", "rx1")),
	    "5010 is listened on twice");
	bad(W(LISTEN("rx0", "", "5001", "5010"), RECV("a"), RECV("b")), "listened on twice");
	bad(W(LISTEN("rx0", "", "5001", "5000"), RECV("a")), "runs backwards");
	bad(W(LISTEN("rx0", "", "0", "0"), RECV("a")), "no port number");
	bad(W(LISTEN("rx0", "", "5", "5"), RECV("a"), RECV("a")), "two receivers");
}

static void expect_same(const struct word *a, const struct word *b, bool same)
{
	struct sp_plan *p = good(a), *q = good(b);
	char a_text[16384], b_text[16384];

	assert_int_equal(strcmp(p->sha256, q->sha256) == 0, same);
	assert_int_equal(strcmp(test_plan_text(p, &test_catalog, a_text),
				test_plan_text(q, &test_catalog, b_text)) == 0,
			 same);
	sp_plan_free(p);
	sp_plan_free(q);
}

static void test_one_digest_a_request(void **state)
{
	(void)state;
	expect_same(W(PORT, STREAM), W(PORT, STREAM, SET("rate", "0.1k")), true);
	expect_same(W(PORT, STREAM), W(PORT, STREAM, SET("rate", "101")), false);
	expect_same(W(PORT, STREAM), W(PORT, STREAM, SET("duration", "10000ms")), true);
	expect_same(W(PORT, STREAM), W(PORT, STREAM, SET("stamp", "native")), true);
	expect_same(W(PORT, STREAM), W(PORT, STREAM, SET("stamp", "short")), false);
	expect_same(W(SET("catch_up", "chase"), PORT, STREAM),
		    W(SET("catch_up", "chase:2.0x"), PORT, STREAM), true);
	expect_same(W(PORT, STREAM, SET("host", "FD99:0::2")),
		    W(PORT, STREAM, SET("host", "fd99::2")), true);
	expect_same(W(PORT, STREAM, SET("host", "Host.Example")),
		    W(PORT, STREAM, SET("host", "host.example")), true);
	expect_same(W(PORT, STREAM, SET("departure", "shaped(shift=1000ms, shape=0.70)")),
		    W(PORT, STREAM, SET("departure", "shaped(shape=0.7,shift=1s)")), true);
	expect_same(W(PORT, STREAM, SET("departure", "shaped")),
		    W(PORT, STREAM, SET("departure", "shaped(shape=0.7)")), true);
	expect_same(W(PORT, STREAM, SET("departure", "shaped")),
		    W(PORT, STREAM, SET("departure", "shaped(shape=0.8)")), false);
	expect_same(W(PORT, SET("bind", "10.0.0.1%eth0"), STREAM),
		    W(PORT, SET("bind", "10.0.0.1"), SET("interface", "eth0"), STREAM), true);
}

static void test_departure_text(void **state)
{
	struct sp_plan *p = good(
		W(PORT, STREAM, SET("departure", " shaped( shape = 2 , shift=5ms ) ")));

	(void)state;
	assert_string_equal(p->streams[0].departure, "shaped(shape=2,shift=5ms)");
	sp_plan_free(p);
}

/* Pieces put together, and the largest of them. */
struct pieces {
	struct sp_str all;
	size_t largest;
	unsigned n, stop_at;
};

static int take_piece(void *arg, const char *text, size_t len)
{
	struct pieces *p = arg;

	sp_str_put(&p->all, text, len);
	p->largest = len > p->largest ? len : p->largest;
	return ++p->n == p->stop_at ? -77 : 0;
}

static void check_pieces(const struct sp_plan *plan)
{
	struct pieces p = { .n = 0 }, cut = { .stop_at = 3 };
	struct sp_str whole;

	sp_str_init(&whole, sp_mem_system());
	sp_str_init(&p.all, sp_mem_system());
	sp_str_init(&cut.all, sp_mem_system());
	sp_plan_text(plan, &test_catalog, &whole);
	assert_int_equal(sp_plan_write(plan, &test_catalog, sp_mem_system(), take_piece, &p),
			 0);
	assert_int_equal(p.all.len, whole.len);
	assert_memory_equal(p.all.text, whole.text, whole.len);
	assert_true(p.largest < 1 << 17);
	assert_int_equal(sp_plan_write(plan, &test_catalog, sp_mem_system(), take_piece, &cut),
			 -77);
	assert_int_equal(cut.n, 3);
	sp_str_fini(&whole);
	sp_str_fini(&p.all);
	sp_str_fini(&cut.all);
}

static void test_many_streams(void **state)
{
	enum { N = 100000 };
	struct sp_mem_test mem;
	struct sp_plan_build *b;
	struct sp_plan *p;
	struct sp_err err = { 0 };
	char name[16];

	(void)state;
	sp_mem_test_init(&mem, UINT64_MAX);
	assert_int_equal(sp_plan_build_new(&b, &mem.mem, &test_catalog), 0);
	assert_int_equal(sp_plan_add(b, SP_PLAN_PORT, NULL, &err), 0);
	assert_int_equal(sp_plan_set(b, "name", "tx0", NULL, &err), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof name, "s%u", i);
		assert_int_equal(sp_plan_add(b, SP_PLAN_STREAM, "here", &err), 0);
		assert_int_equal(sp_plan_set(b, "name", name, NULL, &err), 0);
		assert_int_equal(sp_plan_set(b, "host", "10.1.1.2", NULL, &err), 0);
		assert_int_equal(sp_plan_set(b, "departure", "exponential", NULL, &err), 0);
		assert_int_equal(sp_plan_set(b, "entry", "e1", NULL, &err), 0);
	}
	assert_int_equal(sp_plan_seal(b, &p, &err), 0);
	sp_plan_build_free(b);
	assert_int_equal(p->n_streams, N);
	assert_string_equal(p->streams[N - 1].name, "s99999");
	/* Equal texts stand in memory once. */
	assert_ptr_equal(p->streams[0].host, p->streams[N - 1].host);
	assert_ptr_equal(p->streams[0].departure, p->streams[N - 1].departure);
	assert_ptr_equal(p->streams[0].payload, p->streams[N - 1].payload);
	check_pieces(p);
	sp_plan_free(p);
	assert_int_equal(mem.live, 0);
}

static void test_no_memory(void **state)
{
	const struct word *w = W(SET("virtual", "1"), SET("catch_up", "chase:3x"),
				 LISTEN("rx0", "", "5001", "0"), SET("transport", "loop"),
				 SET("loss", "1%"), PORT, SET("transport", "pcap"),
				 SET("file", "x.pcap"), STREAM,
				 SET("departure", "shaped(shape=3)"), RECV("r"));

	(void)state;
	for (uint64_t i = 0;; i++) {
		struct sp_mem_test mem;
		struct sp_err err = { 0 };
		struct sp_plan *p;
		int rc;

		sp_mem_test_init(&mem, i);
		rc = build(&mem.mem, w, &p, &err);
		sp_plan_free(p);
		assert_int_equal(mem.live, 0);
		if (!rc) {
			assert_true(i > 10);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_true(i < 1000);
	}
}

static void test_sealed(void **state)
{
	struct sp_plan_build *b;
	struct sp_plan *p, *again;
	const struct word *w = W(PORT, STREAM);

	(void)state;
	assert_int_equal(sp_plan_build_new(&b, sp_mem_system(), &test_catalog), 0);
	assert_true(sp_plan_set(b, "seed", "7", NULL, NULL) == 0);
	for (; w->item; w++)
		assert_int_equal(add_word(b, w, NULL), 0);
	assert_int_equal(sp_plan_seal(b, &p, NULL), 0);
	assert_int_equal(p->run.seed, 7);
	assert_true(sp_plan_seal(b, &again, NULL) < 0);
	assert_null(again);
	assert_true(sp_plan_add(b, SP_PLAN_STREAM, NULL, NULL) < 0);
	assert_true(sp_plan_set(b, "seed", "7", NULL, NULL) < 0);
	sp_plan_build_free(b);
	sp_plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_and_text),
		cmocka_unit_test(test_stamp_choice),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sizes_and_rates),
		cmocka_unit_test(test_names_and_ports),
		cmocka_unit_test(test_transport_words),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_recvs),
		cmocka_unit_test(test_one_digest_a_request),
		cmocka_unit_test(test_departure_text),
		cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
