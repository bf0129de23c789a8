/* Results of several hosts become one: counts add, histograms merge exactly, the worst verdict and
 * exit code count, and receivers' own counts do not double the senders'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/agent_merge.h"
#include "ctl/agent_result.h"

#define MS 1000000ull

struct host {
	struct sp_result r;
	struct sp_agent_lists lists;
	struct sp_stream_result stream;
	struct sp_flow_result flow;
	struct sp_transport_result port;
	struct sp_remark remark;
	struct sp_hist late;
	struct sp_named_hist named;
};

static void fill(struct host *h, enum sp_role_kind role, const char *stream, uint64_t n,
		 uint64_t from_ns)
{
	struct sp_measure *t = &h->r.total;

	*h = (struct host){ .stream = { .name = stream }, .flow = { .stream = stream } };
	h->lists = (struct sp_agent_lists){ &h->stream, &h->flow };
	h->port = (struct sp_transport_result){ .name = "tx0", .transport = "udp" };
	h->remark = (struct sp_remark){ "code", 5, true, "a text" };
	h->named = (struct sp_named_hist){ "late", &h->late };
	for (uint64_t i = 1; i <= n; i++)
		sp_hist_add(&h->late, (int64_t)(i * 1000));
	h->r = (struct sp_result){ .role = role,
				   .parts = &sp_agent_parts,
				   .parts_arg = &h->lists,
				   .n_streams = 1,
				   .n_flows = 1,
				   .transports = &h->port,
				   .n_transports = 1,
				   .remarks = &h->remark,
				   .n_remarks = 1,
				   .hists = &h->named,
				   .n_hists = 1,
				   .planned_ns = n * MS,
				   .duration_ns = n * MS };
	sp_counts_zero(&t->c);
	sp_counts_set(&t->c, SP_C_asked_packets, n);
	sp_counts_set(&t->c, SP_C_tx_packets, n);
	sp_counts_set(&t->c, SP_C_tx_bytes, 100 * n);
	sp_counts_set(&t->c, SP_C_rx_packets, n);
	sp_counts_set(&t->c, SP_C_rx_unique, n);
	t->first_tx_ns = from_ns;
	t->last_tx_ns = from_ns + (n - 1) * MS;
	t->asked_pps = 1000;
	t->jitter_ns = 10.0 * (double)n;
	t->ks_departure = 0.01;
	t->tx_pps = t->rx_pps = t->tx_bps = t->rx_bps = NAN;
	sp_hist_summary(&h->late, &t->late);
	t->late.clock_error = -1;
	h->stream.m = h->flow.m = *t;
}

static void merge(struct sp_arena *arena, struct sp_result *out, struct host *const *hosts,
		  unsigned n)
{
	static const char *const names[] = { "a", "b", "c" };
	struct sp_merge_part parts[3];

	for (unsigned i = 0; i < n; i++)
		parts[i] = (struct sp_merge_part){ .host = names[i],
						   .r = hosts[i] ? &hosts[i]->r : NULL };
	assert_int_equal(sp_agent_merge(out, parts, n, arena), 0);
}

static struct host *new_host(enum sp_role_kind role, const char *stream, uint64_t n,
			     uint64_t from_ns)
{
	struct host *h = malloc(sizeof *h);

	assert_non_null(h);
	fill(h, role, stream, n, from_ns);
	return h;
}

static void test_two_senders_and_a_receiver(void **state)
{
	struct host *h[3] = { new_host(SP_ROLE_RECV, "rx", 300, 0),
			      new_host(SP_ROLE_SEND, "one", 100, 50 * MS),
			      new_host(SP_ROLE_SEND, "two", 200, 20 * MS) };
	struct sp_result out = { .name = "kept" };
	struct sp_stream_result s;
	struct sp_hist both = { 0 };
	struct sp_arena arena;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	h[1]->r.exit_code = SP_EXIT_UNMET;
	h[2]->r.result = SP_VALID_REMARKS;
	h[2]->r.bound = SP_BOUND_PATH;
	h[2]->r.evidence = "lost";
	merge(&arena, &out, h, 3);
	assert_string_equal(out.name, "kept");
	assert_int_equal(out.role, SP_ROLE_SEND);
	assert_int_equal(out.total.c.v[SP_C_tx_packets], 300);
	assert_int_equal(out.total.c.v[SP_C_rx_unique], 300);
	assert_true(out.total.first_tx_ns == 20 * MS && out.total.last_tx_ns == 219 * MS);
	assert_true(fabs(out.total.tx_pps - 299 / 0.199) < 1e-6);
	assert_true(out.total.asked_pps == 2000 && out.total.jitter_ns == 1500);
	assert_true(isnan(out.total.ks_departure));
	assert_int_equal(out.n_streams, 2);
	sp_result_stream(&out, 1, &s);
	assert_string_equal(s.name, "two");
	assert_int_equal(out.n_flows, 2);
	assert_int_equal(out.n_transports, 3);
	assert_string_equal(out.transports[2].name, "c/tx0");
	assert_int_equal(out.n_remarks, 3);
	assert_string_equal(out.remarks[0].text, "a: a text");
	assert_int_equal(out.exit_code, SP_EXIT_UNMET);
	assert_int_equal(out.result, SP_VALID_REMARKS);
	assert_int_equal(out.bound, SP_BOUND_PATH);
	assert_string_equal(out.evidence, "c: lost");
	assert_true(out.planned_ns == 200 * MS);
	assert_int_equal(out.violated, 0);
	sp_hist_merge(&both, &h[1]->late);
	sp_hist_merge(&both, &h[2]->late);
	assert_memory_equal(&both, out.hists[0].hist, sizeof both);
	assert_true(out.total.late.known && out.total.late.n == 300 &&
		    out.total.late.max == 200000);
	for (unsigned i = 0; i < 3; i++)
		free(h[i]);
	sp_arena_fini(&arena);
}

/* What one does not know the run does not know; what one has not said is missing. */
static void test_unknown_and_silent(void **state)
{
	struct host *h[3] = { new_host(SP_ROLE_SEND, "one", 10, MS), NULL,
			      new_host(SP_ROLE_SEND, "two", 20, MS) };
	struct sp_result out = { 0 };
	struct sp_arena arena;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	sp_counts_forget(&h[2]->r.total.c, SP_C_rx_unique);
	h[0]->r.violated = 1;
	h[0]->r.result = SP_NOT_TRUSTED;
	h[0]->r.exit_code = SP_EXIT_UNTRUSTED;
	h[2]->r.exit_code = SP_EXIT_INTR;
	h[2]->r.interrupted = true;
	merge(&arena, &out, h, 3);
	assert_int_equal(out.total.c.v[SP_C_tx_packets], 30);
	assert_false(sp_counts_has(&out.total.c, SP_C_rx_unique));
	assert_int_equal(out.exit_code, SP_EXIT_UNTRUSTED);
	assert_int_equal(out.result, SP_NOT_TRUSTED);
	assert_true(out.interrupted && out.violated);
	/* Receivers only. */
	h[0]->r.role = h[2]->r.role = SP_ROLE_RECV;
	merge(&arena, &out, h, 3);
	assert_int_equal(out.role, SP_ROLE_RECV);
	assert_int_equal(out.n_streams, 2);
	assert_int_equal(out.total.c.v[SP_C_rx_packets], 30);
	/* Nobody has said anything. */
	merge(&arena, &out, (struct host *const[]){ NULL, NULL }, 2);
	assert_int_equal(out.n_streams, 0);
	assert_true(isnan(out.total.tx_pps) && !out.total.late.known);
	assert_int_equal(out.total.c.known, 0);
	free(h[0]);
	free(h[2]);
	sp_arena_fini(&arena);
}

static void test_no_memory(void **state)
{
	struct host *h = new_host(SP_ROLE_SEND, "one", 10, MS);
	struct sp_merge_part parts[2] = { { .host = "a", .r = &h->r },
					  { .host = "b", .r = &h->r } };
	struct sp_mem_test mem;
	struct sp_result out;
	struct sp_arena arena;
	int rc;

	(void)state;
	for (uint64_t n = 0;; n++) {
		sp_mem_test_init(&mem, n);
		sp_arena_init(&arena, &mem.mem);
		rc = sp_agent_merge(&out, parts, 2, &arena);
		sp_arena_fini(&arena);
		assert_int_equal(mem.live, 0);
		if (mem.count <= n)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	assert_int_equal(rc, 0);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_senders_and_a_receiver),
		cmocka_unit_test(test_unknown_and_silent),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
