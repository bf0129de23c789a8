/* Whole sessions: the client's hooks against a server over loopback. */
#include "ctl/client.h"
#include "ctl/testing.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct world {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_ctl_limits limits;
	struct t_run run;
	struct t_server server;
};

static void open_world(struct world *w, unsigned ports)
{
	sp_mem_test_init(&w->mem, UINT64_MAX);
	t_env(&w->env, &w->clock, &w->mem.mem);
	w->limits = t_limits();
	t_run_init(&w->run, ports);
}

static void start(struct world *w)
{
	t_server_start(&w->server, &w->run, &w->limits, &w->env);
}

static void close_world(struct world *w)
{
	t_server_stop(&w->server);
	t_run_fini(&w->run);
	assert_int_equal(w->mem.live, 0);
	free(w);
}

static struct world *new_world(void)
{
	struct world *w = malloc(sizeof *w);

	assert_non_null(w);
	open_world(w, 1);
	return w;
}

static struct sp_ctl_client *new_client(struct world *w, struct sp_run_hooks *h)
{
	struct sp_ctl_client_conf conf = { .limits = w->limits, .name = "unit test" };
	struct sp_ctl_client *c;

	assert_int_equal(sp_ctl_client_new_conf(&c, &conf, &w->env, NULL), 0);
	*h = (struct sp_run_hooks){ 0 };
	sp_ctl_client_hooks(c, h);
	return c;
}

static struct sp_ask ask_of(const struct world *w, uint32_t n)
{
	return (struct sp_ask){
		.to = w->run.at[0],
		.transport = "udp",
		.n_flows = n,
		.max_packets = UINT64_MAX,
		.planned_ns = SP_NS_PER_S,
	};
}

static void check_flows(const struct sp_peer_counts *pc, uint32_t base)
{
	struct sp_peer_flow want;

	for (uint32_t i = 0; i < pc->n_flows; i++) {
		t_flow(base + i, &want);
		assert_true(t_same_flow(&pc->flows[i], &want));
	}
}

static void check_hists(const struct sp_peer_counts *pc, uint32_t base)
{
	struct sp_hist *want = malloc(sizeof *want);

	assert_non_null(want);
	for (uint32_t i = 0; i < pc->n_hists; i++) {
		t_hist(3 * (base + i), want);
		assert_memory_equal(&pc->delay[i], want, sizeof *want);
		t_hist(3 * (base + i) + 1, want);
		assert_memory_equal(&pc->delay_actual[i], want, sizeof *want);
		t_hist(3 * (base + i) + 2, want);
		assert_memory_equal(&pc->gap_error[i], want, sizeof *want);
	}
	free(want);
}

static void one_session(struct world *w, uint32_t n)
{
	uint64_t *tx = calloc(n, sizeof *tx);
	struct sp_ask ask = ask_of(w, n);
	struct sp_peer_counts pc;
	struct sp_run_hooks h;
	struct sp_ctl_client *c = new_client(w, &h);
	struct t_session s;
	struct sp_grant g;
	uint32_t id;

	assert_non_null(tx);
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	assert_true(g.peer);
	id = t_run_sessions(&w->run);
	s = t_run_session(&w->run, id);
	assert_int_equal(g.flow_base, s.base);
	assert_int_equal(s.n, n);
	assert_string_equal(s.name, "unit test");
	assert_int_equal(s.peer.addr.family, 4);
	assert_int_equal(s.peer.addr.ip[0], 127);
	assert_true(sp_endpoint_eq(&s.local, &ask.to));
	assert_int_equal(g.tally_each, w->run.tally_each);
	/* One process: one clock. */
	assert_true(g.clock_known);
	assert_true(g.same_host);
	assert_int_equal(g.offset_ns, 0);
	assert_int_equal(g.clock_error_ns, 0);
	assert_in_range(g.control_packets, 15, 40);
	assert_int_equal(h.peer_sample(h.arg, 0, &(uint64_t){ 0 }, &(uint64_t){ 0 }), -ENODATA);
	for (uint32_t i = 0; i < n; i++)
		tx[i] = i + 1;
	assert_int_equal(h.peer_counts(h.arg, 0, tx, &pc), 0);
	assert_null(sp_ctl_client_remark(c, 0));
	assert_int_equal(pc.n_flows, n);
	assert_int_equal(pc.n_hists, w->run.no_hists ? 0 : w->run.tally_each ? n : 1);
	assert_int_equal(pc.dropped_units, 7);
	assert_true(pc.dropped_known);
	assert_int_equal(pc.rx_units, 1000 + id);
	assert_int_equal(pc.max_seg, 64);
	assert_int_equal(pc.exclusive, id == 1);
	assert_true(pc.rx_clock_kernel);
	assert_true(pc.control_packets > g.control_packets);
	assert_int_equal(pc.control_packets, sp_ctl_client_packets(c));
	check_flows(&pc, g.flow_base);
	check_hists(&pc, g.flow_base);
	assert_true(t_run_wait_ended(&w->run, id));
	s = t_run_session(&w->run, id);
	assert_false(s.lost);
	assert_int_equal(s.finals, 1);
	assert_int_equal(s.tx_sum, (uint64_t)n * (n + 1) / 2);
	assert_true(s.clocks >= 1 && s.clock_known);
	assert_int_equal(s.offset_ns, 0);
	sp_ctl_client_free(c);
	free(tx);
}

static void test_sessions_of_all_sizes(void **state)
{
	struct world *w = new_world();

	(void)state;
	start(w);
	one_session(w, 1);
	one_session(w, 3);
	one_session(w, SP_CTL_TXS);
	one_session(w, SP_CTL_TXS + 1);
	one_session(w, 10000);
	assert_true(t_server_wait(&w->server, 0, 0));
	close_world(w);
}

static void test_histograms_of_each_flow(void **state)
{
	struct world *w = new_world();

	(void)state;
	w->run.tally_each = true;
	start(w);
	one_session(w, 1);
	one_session(w, 3);
	one_session(w, 64);
	close_world(w);
}

static void test_no_histograms(void **state)
{
	struct world *w = new_world();

	(void)state;
	w->run.no_hists = true;
	start(w);
	one_session(w, 5);
	close_world(w);
}

/* So many sets of histograms are not kept; the flows' counts are. */
static void test_too_many_histograms(void **state)
{
	struct world *w = new_world();
	uint32_t n = SP_CTL_HISTS_MAX + 1;
	uint64_t *tx = calloc(n, sizeof *tx);
	struct sp_ask ask = ask_of(w, n);
	struct sp_peer_counts pc;
	struct sp_run_hooks h;
	struct sp_ctl_client *c = new_client(w, &h);
	struct sp_grant g;

	(void)state;
	w->run.tally_each = true;
	start(w);
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	assert_int_equal(h.peer_counts(h.arg, 0, tx, &pc), 0);
	assert_int_equal(pc.n_hists, 0);
	assert_null(pc.delay);
	check_flows(&pc, g.flow_base);
	sp_ctl_client_free(c);
	free(tx);
	close_world(w);
}

static void test_200_clients(void **state)
{
	enum { N = 200 };
	struct world *w = new_world();
	static struct sp_ctl_client *c[N];
	static struct sp_run_hooks h[N];
	static struct sp_grant g[N];
	struct sp_ask ask = ask_of(w, 2);
	struct sp_peer_counts pc;

	(void)state;
	w->run.arrived = 3;
	start(w);
	for (int i = 0; i < N; i++) {
		c[i] = new_client(w, &h[i]);
		assert_int_equal(h[i].grant(h[i].arg, &ask, &g[i], 1, NULL), 0);
		assert_true(g[i].peer);
	}
	assert_true(t_server_wait(&w->server, N, N));
	for (int i = N - 1; i >= 0; i--) {
		assert_int_equal(h[i].peer_counts(h[i].arg, 0, (uint64_t[]){ 1, 2 }, &pc), 0);
		check_flows(&pc, g[i].flow_base);
		check_hists(&pc, g[i].flow_base);
	}
	assert_true(t_run_wait_ended(&w->run, N));
	for (int i = 0; i < N; i++) {
		sp_ctl_client_free(c[i]);
		assert_false(t_run_session(&w->run, (uint32_t)i + 1).lost);
	}
	close_world(w);
}

/* One sender, a thousand receivers (here: the same one): all at once, final counts first. */
static void test_1000_sessions_of_one_client(void **state)
{
	struct world *w = new_world();
	uint32_t n = 1000, sum = 0;
	struct sp_ask *asks = calloc(n, sizeof *asks);
	struct sp_grant *g = calloc(n, sizeof *g);
	struct sp_peer_counts pc;
	struct sp_run_hooks h;
	struct sp_ctl_client *c = new_client(w, &h);
	struct rlimit fds;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &fds), 0);
	fds.rlim_cur = fds.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &fds), 0);
	if (fds.rlim_cur < 2 * n + 50)
		skip();
	w->limits.hello_ns = 30 * SP_NS_PER_S;
	start(w);
	for (uint32_t i = 0; i < n; i++)
		asks[i] = ask_of(w, 1);
	assert_int_equal(h.grant(h.arg, asks, g, n, NULL), 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(g[i].peer);
		sum += g[i].flow_base;
	}
	assert_int_equal(sum, n * (n - 1) / 2); /* no id was given twice */
	assert_true(t_server_wait(&w->server, n, n));
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(h.peer_counts(h.arg, i, (uint64_t[]){ i }, NULL), 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(h.peer_counts(h.arg, i, (uint64_t[]){ i }, &pc), 0);
		check_flows(&pc, g[i].flow_base);
	}
	assert_true(t_run_wait_ended(&w->run, n));
	sp_ctl_client_free(c);
	free(asks);
	free(g);
	close_world(w);
}

static void test_two_of_each_in_one_process(void **state)
{
	struct world *a = new_world(), *b = new_world();
	struct sp_ask ask[2];
	struct sp_peer_counts pc;
	struct sp_run_hooks ha, hb;
	struct sp_grant ga[2], gb[2];
	struct sp_ctl_client *ca = new_client(a, &ha), *cb = new_client(b, &hb);

	(void)state;
	start(a);
	start(b);
	ask[0] = ask_of(a, 3);
	ask[1] = ask_of(b, 4);
	assert_int_equal(ha.grant(ha.arg, ask, ga, 2, NULL), 0);
	assert_int_equal(hb.grant(hb.arg, ask, gb, 2, NULL), 0);
	assert_true(ga[0].peer && ga[1].peer && gb[0].peer && gb[1].peer);
	assert_int_equal(t_run_session(&a->run, 1).n, 3);
	assert_int_equal(t_run_session(&b->run, 1).n, 4);
	assert_int_equal(hb.peer_counts(hb.arg, 1, (uint64_t[4]){ 1 }, &pc), 0);
	assert_int_equal(pc.n_flows, 4);
	assert_int_equal(ha.peer_counts(ha.arg, 0, (uint64_t[3]){ 1 }, &pc), 0);
	assert_int_equal(pc.n_flows, 3);
	sp_ctl_client_free(ca);
	sp_ctl_client_free(cb);
	close_world(a);
	close_world(b);
}

static void test_live_totals_and_clock_refresh(void **state)
{
	struct world *w = new_world();
	struct sp_ask ask = ask_of(w, 1);
	struct sp_run_hooks h;
	struct sp_ctl_client *c;
	struct sp_grant g;
	uint64_t unique = 0, bytes = 0, again = 0, packets;

	(void)state;
	w->limits.sample_ns = 10 * SP_NS_PER_MS;
	w->limits.refresh_ns = 10 * SP_NS_PER_MS;
	w->run.grows = 1000000;
	c = new_client(w, &h);
	start(w);
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	packets = sp_ctl_client_packets(c);
	for (int i = 0; i < 1000 && unique < 5; i++) {
		struct pollfd p = { .fd = sp_ctl_client_fd(c), .events = POLLIN };

		assert_int_equal(poll(&p, 1, 5000), 1);
		sp_ctl_client_step(c);
		h.peer_sample(h.arg, 0, &unique, &bytes);
	}
	assert_true(unique >= 5);
	assert_int_equal(bytes, 100 * unique);
	/* Without a new word the old figures come again, and are called old. */
	assert_int_equal(h.peer_sample(h.arg, 0, &again, &bytes), 1);
	assert_int_equal(again, unique);
	assert_true(sp_ctl_client_packets(c) > packets + 5);
	sp_ctl_client_free(c); /* without an end: a goodbye all the same */
	assert_true(t_run_wait_ended(&w->run, 1));
	assert_false(t_run_session(&w->run, 1).lost);
	close_world(w);
}

/* While the receiver still counts, the counts wait; then they hold what came last. */
static void test_counts_wait_for_the_socket_buffer(void **state)
{
	struct world *w = new_world();
	struct sp_ask ask = ask_of(w, 1);
	struct sp_run_hooks h;
	struct sp_ctl_client *c = new_client(w, &h);
	struct sp_peer_counts pc;
	struct sp_grant g;
	uint64_t before;

	(void)state;
	w->limits.drain_ns = 5 * SP_NS_PER_S;
	start(w);
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	pthread_mutex_lock(&w->run.lock);
	w->run.grows = 10;
	pthread_mutex_unlock(&w->run.lock);
	before = sp_clock_now(&w->clock);
	assert_int_equal(h.peer_counts(h.arg, 0, (uint64_t[]){ 1000000 }, &pc), 0);
	/* 10 that grow (two of them at the stop and the final) and 4 quiet ones, 5 ms apart. */
	assert_int_equal(t_run_session(&w->run, 1).rx_unique, 10);
	assert_true(sp_clock_now(&w->clock) - before >= 55 * SP_NS_PER_MS);
	sp_ctl_client_free(c);
	close_world(w);
}

static void test_drain_has_an_end(void **state)
{
	struct world *w = new_world();
	struct sp_ask ask = ask_of(w, 1);
	struct sp_run_hooks h;
	struct sp_ctl_client *c = new_client(w, &h);
	struct sp_peer_counts pc;
	struct sp_grant g;

	(void)state;
	w->limits.drain_ns = 50 * SP_NS_PER_MS;
	w->run.grows = UINT32_MAX;
	start(w);
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	assert_int_equal(h.peer_counts(h.arg, 0, (uint64_t[]){ 1u << 30 }, &pc), 0);
	sp_ctl_client_free(c);
	close_world(w);
}

static void test_receiver_without_counts_or_room(void **state)
{
	struct world *w = new_world();
	struct sp_ask ask = ask_of(w, 100);
	struct sp_run_hooks h;
	struct sp_ctl_client *c = new_client(w, &h);
	struct sp_peer_counts pc;
	struct sp_grant g;

	(void)state;
	w->run.max_flows = 99;
	w->run.no_counts = true;
	start(w);
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	assert_false(g.peer);
	assert_non_null(strstr(sp_ctl_client_remark(c, 0), "has no room for these flows"));
	assert_int_equal(h.peer_counts(h.arg, 0, (uint64_t[100]){ 1 }, &pc), -ENODATA);
	ask.n_flows = 9;
	assert_int_equal(h.grant(h.arg, &ask, &g, 1, NULL), 0);
	assert_true(g.peer);
	assert_int_equal(h.peer_counts(h.arg, 0, (uint64_t[9]){ 1 }, &pc), -ENODATA);
	assert_non_null(strstr(sp_ctl_client_remark(c, 0), "did not tell its counts"));
	sp_ctl_client_free(c);
	close_world(w);
}

/* Every allocation of both sides fails once: the run goes on without control, nothing leaks. */
static void test_allocations_that_fail(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 60; n++) {
		struct world *w = new_world();
		struct sp_mem_test mem;
		struct sp_clock clock;
		struct sp_env env;
		struct sp_ctl_client_conf conf = { .limits = w->limits };
		struct sp_ctl_client *c = NULL;
		struct sp_run_hooks h = { 0 };
		struct sp_ask ask = ask_of(w, 30);
		struct sp_peer_counts pc;
		struct sp_grant g = { 0 };
		struct sp_err err = { 0 };
		bool server_side = n % 2;

		if (server_side) {
			/* The set-up has three; the server's own test fails those. */
			w->mem.fail_at = 3 + n / 2;
			sp_mem_test_init(&mem, UINT64_MAX);
		} else {
			sp_mem_test_init(&mem, n / 2);
		}
		t_env(&env, &clock, &mem.mem);
		start(w);
		if (sp_ctl_client_new_conf(&c, &conf, &env, &err)) {
			assert_int_equal(err.code, -ENOMEM);
			assert_null(c);
		} else {
			sp_ctl_client_hooks(c, &h);
			if (h.grant(h.arg, &ask, &g, 1, &err))
				assert_int_equal(err.code, -ENOMEM);
			else if (h.peer_counts(h.arg, 0, (uint64_t[30]){ 1 }, &pc))
				assert_non_null(sp_ctl_client_remark(c, 0));
			else
				check_flows(&pc, g.flow_base);
			sp_ctl_client_free(c);
		}
		assert_int_equal(mem.live, 0);
		close_world(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions_of_all_sizes),
		cmocka_unit_test(test_histograms_of_each_flow),
		cmocka_unit_test(test_no_histograms),
		cmocka_unit_test(test_too_many_histograms),
		cmocka_unit_test(test_200_clients),
		cmocka_unit_test(test_1000_sessions_of_one_client),
		cmocka_unit_test(test_two_of_each_in_one_process),
		cmocka_unit_test(test_live_totals_and_clock_refresh),
		cmocka_unit_test(test_counts_wait_for_the_socket_buffer),
		cmocka_unit_test(test_drain_has_an_end),
		cmocka_unit_test(test_receiver_without_counts_or_room),
		cmocka_unit_test(test_allocations_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
