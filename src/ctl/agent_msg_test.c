/* What an agent writes its controller reads, exactly; what is wrong is refused with its member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/agent_msg.h"
#include "ctl/agent_result.h"

static struct sp_arena arena;

/* Writes and reads one; text keeps the line. */
static struct sp_agent_msg trip(const struct sp_agent_msg *m, int64_t shift_ns,
				struct sp_str *text)
{
	struct sp_agent_msg got;
	struct sp_err err = { 0 };

	sp_str_clear(text);
	sp_agent_msg_put(text, m);
	assert_false(text->failed);
	assert_ptr_equal(strchr(text->text, '\n'), text->text + text->len - 1);
	if (sp_agent_msg_get(text->text, text->len, shift_ns, &arena, &got, &err))
		fail_msg("%s: %s", err.text, text->text);
	assert_int_equal(got.type, m->type);
	return got;
}

static void fill_summary(struct sp_summary *s, int64_t base)
{
	*s = (struct sp_summary){ .known = true,
				  .n = 7,
				  .negative = 1,
				  .min = -base,
				  .p50 = base,
				  .p90 = base + 1,
				  .p99 = base + 2,
				  .p999 = base + 3,
				  .max = base + 4,
				  .mean = 1.0 / 3,
				  .clock_error = 12 };
}

static void fill_measure(struct sp_measure *m)
{
	*m = (struct sp_measure){ .first_tx_ns = 1000,
				  .last_tx_ns = 2000,
				  .asked_pps = 100.25,
				  .tx_pps = 99.9,
				  .rx_pps = NAN,
				  .tx_bps = 1e9,
				  .rx_bps = NAN,
				  .jitter_ns = NAN,
				  .ks_departure = 0.01,
				  .ks_size = NAN };
	sp_counts_set(&m->c, SP_C_tx_packets, 5);
	sp_counts_set(&m->c, SP_C_tx_refused, 3);
	sp_counts_set(&m->c, SP_C_error_refused, 4);
	sp_counts_set(&m->c, SP_C_asked_packets, INT64_MAX);
	fill_summary(&m->delay, 5000);
	fill_summary(&m->late, 30);
}

static void assert_measure(const struct sp_measure *a, const struct sp_measure *b,
			   uint64_t shift_ns)
{
	assert_memory_equal(&a->c, &b->c, sizeof a->c);
	assert_int_equal(a->first_tx_ns + shift_ns, b->first_tx_ns);
	assert_int_equal(b->first_rx_ns, 0);
	assert_true(b->asked_pps == 100.25 && isnan(b->rx_pps) && b->tx_bps == 1e9);
	assert_memory_equal(&a->delay, &b->delay, sizeof a->delay);
	assert_memory_equal(&a->late, &b->late, sizeof a->late);
	assert_false(b->rtt.known);
	assert_int_equal(b->rtt.clock_error, -1);
}

static void fill_result(struct sp_result *r, struct sp_hist *hist)
{
	static struct sp_stream_result streams[100];
	static struct sp_flow_result flow = { .id = 7,
					      .stream = "s",
					      .src = "10.0.0.1:5",
					      .dst = "",
					      .proto = "udp",
					      .unit = "datagram",
					      .ended = true };
	static struct sp_transport_result port = {
		.name = "tx0",
		.transport = "udp",
		.where = "eth0",
		.offloaded = true,
		.s = { .tx_calls = 9, .rx_dropped = 2, .max_seg = 64, .rx_dropped_known = true }
	};
	static const struct sp_reply_result reply = { "arp", "rx0", 5, 210, 1 };
	static const struct sp_remark remark = { "stall", 5, true, "a \"quoted\" text\x1b[2J" };
	static struct sp_named_hist named = { "delay", NULL };

	for (unsigned i = 0; i < 100; i++) {
		streams[i] = (struct sp_stream_result){ .name = "s", .flows = i };
		fill_measure(&streams[i].m);
	}
	fill_measure(&flow.m);
	sp_hist_add(hist, -5);
	for (int64_t v = 1; v < (int64_t)1 << 45; v = v * 3 + 1)
		sp_hist_add(hist, v);
	named.hist = hist;
	static struct sp_agent_lists lists;

	lists = (struct sp_agent_lists){ streams, &flow };
	*r = (struct sp_result){ .name = "n",
				 .seed = 42,
				 .role = SP_ROLE_BOTH,
				 .started_real_ns = 1784553600000000000,
				 .planned_ns = UINT64_MAX,
				 .finished = true,
				 .exit_code = 3,
				 .result = SP_VALID_REMARKS,
				 .bound = SP_BOUND_PATH,
				 .remarks = &remark,
				 .n_remarks = 1,
				 .parts = &sp_agent_parts,
				 .parts_arg = &lists,
				 .n_streams = 100,
				 .n_flows = 1,
				 .transports = &port,
				 .n_transports = 1,
				 .replies = &reply,
				 .n_replies = 1,
				 .hists = &named,
				 .n_hists = 1,
				 .violated = 2,
				 .host = { .kernel = "6.1", .cpus = 2, .steal = NAN } };
	fill_measure(&r->total);
}

static struct sp_stream_result stream_of(const struct sp_agent_msg *m, size_t i)
{
	struct sp_stream_result s;

	sp_result_stream(&m->result, i, &s);
	return s;
}

static struct sp_flow_result flow_of(const struct sp_agent_msg *m)
{
	struct sp_flow_result f;

	sp_result_flow(&m->result, 0, &f);
	return f;
}

static void test_results(void **state)
{
	struct sp_agent_msg m = { .type = SP_AGENT_DONE }, got;
	struct sp_hist *hist = calloc(1, sizeof *hist);
	struct sp_str text;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	sp_str_init(&text, sp_mem_system());
	fill_result(&m.result, hist);
	got = trip(&m, 77, &text);
	assert_measure(&m.result.total, &got.result.total, 77);
	assert_int_equal(got.result.n_streams, 100);
	assert_measure(
		&(struct sp_stream_result[]) { stream_of(&m, 99) } -> m,
		&(struct sp_stream_result[]) { stream_of(&got, 99) } -> m, 77);
	assert_int_equal(stream_of(&got, 99).flows, 99);
	assert_string_equal(stream_of(&got, 0).target, "");
	assert_string_equal(flow_of(&got).src, "10.0.0.1:5");
	assert_memory_equal(&m.result.transports[0].s, &got.result.transports[0].s,
			    sizeof(struct sp_tstats));
	assert_string_equal(got.result.replies[0].name, "arp");
	assert_string_equal(got.result.replies[0].port, "rx0");
	assert_int_equal(got.result.replies[0].bytes, 210);
	assert_memory_equal(hist, got.result.hists[0].hist, sizeof *hist);
	assert_string_equal(got.result.remarks[0].text, "a \"quoted\" text\\x1b[2J");
	assert_true(got.result.planned_ns == UINT64_MAX && got.result.seed == 42);
	assert_true(got.result.role == SP_ROLE_BOTH && got.result.exit_code == 3);
	assert_true(isnan(got.result.host.steal) && isnan(got.result.host.cpu_self) == 0);
	assert_string_equal(got.result.host.kernel, "6.1");
	m.type = SP_AGENT_SAMPLE;
	got = trip(&m, 0, &text);
	assert_int_equal(got.result.n_streams, 64);
	assert_int_equal(got.result.n_hists, 0);
	sp_str_fini(&text);
	sp_arena_fini(&arena);
	free(hist);
}

static void test_others(void **state)
{
	struct sp_agent_msg m = { .type = SP_AGENT_HELLO,
				  .protocol = 1,
				  .version = "0.1.0",
				  .features = { 2, { "udp", "loop" } },
				  .interfaces = { 1, { "lo" } },
				  .host = { true, { 1, 2, 0xff }, 4026531834, -5, 6 },
				  .mono_ns = 8,
				  .real_ns = 9 };
	struct sp_agent_msg got;
	struct sp_str text;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	sp_str_init(&text, sp_mem_system());
	got = trip(&m, 5, &text);
	assert_memory_equal(&got.host, &m.host, sizeof m.host);
	assert_int_equal(got.features.n, 2);
	assert_string_equal(got.interfaces.name[0], "lo");
	m = (struct sp_agent_msg){ .type = SP_AGENT_CLOCK, .t1 = 1, .t2 = INT64_MAX, .t3 = 3 };
	got = trip(&m, 5, &text);
	assert_true(got.t1 == 1 && got.t2 == INT64_MAX && got.t3 == 3);
	m = (struct sp_agent_msg){ .type = SP_AGENT_PREPARE,
				   .plan = "{\"a\":1}",
				   .sha256 = "ab" };
	got = trip(&m, 5, &text);
	assert_string_equal(got.plan, "{\"a\":1}");
	assert_false(got.truth);
	m.truth = true;
	assert_true(trip(&m, 5, &text).truth);
	m = (struct sp_agent_msg){ .type = SP_AGENT_TRUTH,
				   .text = "{\"kind\":\"route\"}\n{\"a\":\"\\\"\"}\n" };
	assert_string_equal(trip(&m, 5, &text).text, m.text);
	m = (struct sp_agent_msg){ .type = SP_AGENT_READY, .listening = { 1, { "udp://:5" } } };
	assert_string_equal(trip(&m, 0, &text).listening.name[0], "udp://:5");
	m = (struct sp_agent_msg){
		.type = SP_AGENT_FAILED, .to = "arm", .text = "no", .exit = 77
	};
	got = trip(&m, 5, &text);
	assert_true(got.exit == 77 && !strcmp(got.to, "arm") && !strcmp(got.text, "no"));
	m = (struct sp_agent_msg){ .type = SP_AGENT_ARM, .t0_ns = 99 };
	assert_true(trip(&m, 1000, &text).t0_ns == 99);
	m = (struct sp_agent_msg){ .type = SP_AGENT_COMMAND,
				   .action = "set",
				   .stream = "s",
				   .rate = "5kpps",
				   .at_ns = 7 };
	got = trip(&m, 0, &text);
	assert_true(!strcmp(got.rate, "5kpps") && got.at_ns == 7);
	m = (struct sp_agent_msg){ .type = SP_AGENT_STOP, .interrupted = true };
	assert_true(trip(&m, 0, &text).interrupted);
	m = (struct sp_agent_msg){ .type = SP_AGENT_LOG, .level = 2, .text = "x" };
	assert_int_equal(trip(&m, 0, &text).level, 2);
	m = (struct sp_agent_msg){ .type = SP_AGENT_REMARK,
				   .remark = { "code", 5, false, "text" } };
	assert_string_equal(trip(&m, 0, &text).remark.code, "code");
	m = (struct sp_agent_msg){ .type = SP_AGENT_QUIT };
	trip(&m, 0, &text);
	m = (struct sp_agent_msg){ .type = SP_AGENT_ARMED };
	trip(&m, 0, &text);
	sp_str_fini(&text);
	sp_arena_fini(&arena);
}

#define DONE                                                                                   \
	"{\"type\":\"done\",\"result\":{\"role\":\"send\",\"class\":\"valid\",\"bound\":"      \
	"\"none\",\"total\":{\"c\":{}}"

static void test_wrong(void **state)
{
	static const char *const wrong[][2] = {
		{ "", "not a message" },
		{ "hello", "not a message" },
		{ "[]", "no known type" },
		{ "{\"type\":7}", "no known type" },
		{ "{\"type\":\"helo\"}", "no known type: 'helo'" },
		{ "{\"type\":\"hello\",\"type\":\"hello\"}", "not a message" },
		{ "{\"type\":\"hello\",\"protocol\":\"1\"}", "message 'hello': 'protocol'" },
		{ "{\"type\":\"hello\",\"protocol\":99999999999}", "'protocol'" },
		{ "{\"type\":\"hello\",\"host\":{\"boot\":\"zz\"}}", "'host'" },
		{ "{\"type\":\"hello\",\"interfaces\":[1]}", "'interfaces'" },
		{ "{\"type\":\"clock\",\"t1\":-1}", "'t1'" },
		{ "{\"type\":\"prepare\"}", "'plan'" },
		{ "{\"type\":\"prepare\",\"plan\":{}}", "'plan'" },
		{ "{\"type\":\"command\"}", "'action'" },
		{ "{\"type\":\"command\",\"action\":\"stop\"}", "'stream'" },
		{ "{\"type\":\"stop\",\"interrupted\":1}", "'interrupted'" },
		{ "{\"type\":\"failed\"}", "'text'" },
		{ "{\"type\":\"done\"}", "'result'" },
		{ "{\"type\":\"done\",\"result\":{}}", "'role'" },
		{ DONE ",\"streams\":7}}", "'streams'" },
		{ DONE ",\"streams\":[7]}}", "'streams'" },
		{ DONE ",\"streams\":[{\"m\":{\"c\":{}}}]}}", "'name'" },
		{ DONE ",\"streams\":[{\"name\":\"s\"}]}}", "'m'" },
		{ DONE ",\"flows\":[{\"m\":{\"c\":{}}}]}}", "'flows'" },
		{ DONE ",\"transports\":[{}]}}", "'transports'" },
		{ DONE ",\"remarks\":[{}]}}", "'remarks'" },
		{ DONE ",\"hists\":[{\"name\":\"delay\",\"sum\":\"1\",\"n\":1,\"b\":[]}]}}",
		  "'hists'" },
		{ DONE
		  ",\"hists\":[{\"name\":\"delay\",\"sum\":\"1\",\"n\":1,\"b\":[99999,1]}]}}",
		  "'hists'" },
		{ DONE ",\"hists\":[{\"name\":\"delay\",\"sum\":\"x\",\"n\":1,\"b\":[1,1]}]}}",
		  "'hists'" },
	};

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sp_agent_msg m;
		struct sp_err err = { 0 };

		if (!sp_agent_msg_get(wrong[i][0], strlen(wrong[i][0]), 0, &arena, &m, &err))
			fail_msg("taken: %s", wrong[i][0]);
		if (err.exit != SP_EXIT_DATA || !strstr(err.text, wrong[i][1]))
			fail_msg("%s: '%s' is not in: %s", wrong[i][0], wrong[i][1], err.text);
	}
	sp_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
