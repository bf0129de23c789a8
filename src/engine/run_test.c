/* Whole runs in virtual time: engine, loop transport, stamps, verify and ledger together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/plan.h"
#include "engine/plan_build.h"
#include "engine/run.h"

struct sim {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_plan *plan;
	struct sp_run *run;
	struct sp_err err;
	unsigned intervals, violations;
	uint64_t worst_pending; /* of any stream, at any event */
	uint64_t stop_after_ns; /* request a stop at the first event past this */
	bool one_sided;
};

static void on_event(void *arg, const struct sp_event *e)
{
	struct sim *s = arg;
	uint32_t unknown;

	s->intervals += e->kind == SP_EVENT_INTERVAL;
	if (e->kind == SP_EVENT_START)
		return;
	s->violations += sp_counts_check(&e->result->total.c, &unknown) != 0;
	for (size_t i = 0; i < e->result->n_streams; i++) {
		const struct sp_counts *c = &e->result->streams[i].m.c;

		s->violations += sp_counts_check(c, &unknown) != 0;
		if (c->v[SP_C_pending] > s->worst_pending)
			s->worst_pending = c->v[SP_C_pending];
	}
	if (e->kind == SP_EVENT_INTERVAL && s->stop_after_ns && e->t_ns >= s->stop_after_ns)
		sp_run_request_stop(s->run, true);
}

/* "port:key=value" words; items begin at "+port", "+stream", "+recv", "+run". */
static int build(struct sim *s, const char *const *words, unsigned streams)
{
	struct sp_plan_build *b;
	char key[64], name[32];
	int r = sp_plan_build_new(&b, &s->mem.mem, &sp_catalog);

	if (r)
		return r;
	for (; *words && r == 0; words++) {
		const char *eq = strchr(*words, '=');

		if (!strcmp(*words, "+port")) {
			r = sp_plan_add(b, SP_PLAN_PORT, "test", &s->err);
		} else if (!strcmp(*words, "+stream")) {
			r = sp_plan_add(b, SP_PLAN_STREAM, "test", &s->err);
		} else if (!strcmp(*words, "+recv")) {
			r = sp_plan_add(b, SP_PLAN_RECV, "test", &s->err);
		} else if (!strcmp(*words, "+run")) {
			r = sp_plan_add(b, SP_PLAN_RUN, "test", &s->err);
		} else {
			snprintf(key, sizeof key, "%.*s", (int)(eq - *words), *words);
			r = sp_plan_set(b, key, eq + 1, "test", &s->err);
		}
	}
	for (unsigned i = 0; i < streams && r == 0; i++) {
		char rate[32];

		r = sp_plan_add(b, SP_PLAN_STREAM, "test", &s->err);
		snprintf(name, sizeof name, "s%u", i);
		snprintf(rate, sizeof rate, "%u.%03upps", 1 + i % 37, i % 1000);
		r = r ? r : sp_plan_set(b, "name", name, "test", &s->err);
		r = r ? r : sp_plan_set(b, "from", "p", "test", &s->err);
		r = r ? r : sp_plan_set(b, "host", "127.0.0.1", "test", &s->err);
		r = r ? r : sp_plan_set(b, "port", "5001", "test", &s->err);
		r = r ? r : sp_plan_set(b, "rate", rate, "test", &s->err);
		r = r ? r : sp_plan_set(b, "size", "64", "test", &s->err);
		r = r ? r : sp_plan_set(b, "duration", "10s", "test", &s->err);
	}
	if (r == 0)
		r = sp_plan_seal(b, &s->plan, &s->err);
	sp_plan_build_free(b);
	return r;
}

static int execute(struct sim *s, const char *const *words, unsigned streams)
{
	struct sp_run_hooks hooks = { .arg = s, .event = on_event };
	int r;

	sp_clock_init_virtual(&s->clock, SP_NS_PER_S);
	s->env = (struct sp_env){ .mem = &s->mem.mem, .clock = &s->clock };
	r = build(s, words, streams);
	if (r == 0)
		r = sp_run_new(&s->run, s->plan, &sp_catalog, &s->env, &hooks, &s->err);
	if (r == 0)
		r = sp_run_prepare(s->run, &s->err);
	if (r == 0)
		r = sp_run_arm(s->run, 2 * SP_NS_PER_S, &s->err);
	while (r == 0)
		r = sp_run_step(s->run, 0);
	return r < 0 ? r : 0;
}

static void start_sim(struct sim *s, uint64_t fail_at)
{
	*s = (struct sim){ 0 };
	sp_mem_test_init(&s->mem, fail_at);
}

static void end_sim(struct sim *s)
{
	sp_run_free(s->run);
	sp_plan_free(s->plan);
	assert_int_equal(s->mem.live, 0);
}

static const struct sp_measure *run_words(struct sim *s, const char *const *words,
					  unsigned streams)
{
	int r;

	start_sim(s, UINT64_MAX);
	r = execute(s, words, streams);
	if (r)
		print_error("%s\n", s->err.text);
	assert_int_equal(r, 0);
	assert_int_equal(s->violations, 0);
	return &sp_run_result(s->run)->total;
}

#define COUNT(m, name) ((m)->c.v[SP_C_##name])

#define LOOP	       "+port", "name=p", "transport=loop", "port=5001"
#define BOTH	       "+recv", "name=r", "from=p"
#define VIRTUAL	       "+run", "virtual=true"
#define STREAM(rate)                                                                           \
	"+stream", "name=s", "from=p", "host=127.0.0.1", "port=5001", "rate=" rate, "size=64"

static void test_hundred_a_second(void **state)
{
	static const char *const words[] = {
		VIRTUAL, LOOP, "delay=5ms", BOTH, STREAM("100pps"), "duration=10s", NULL
	};
	struct sim s;
	const struct sp_measure *m = run_words(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, asked_packets), 1000);
	assert_int_equal(COUNT(m, tx_packets), 1000);
	assert_int_equal(COUNT(m, rx_unique), 1000);
	assert_int_equal(COUNT(m, lost), 0);
	assert_true(m->delay.known);
	assert_int_equal(m->delay.min, 5 * SP_NS_PER_MS);
	assert_int_equal(m->delay.max, 5 * SP_NS_PER_MS);
	assert_int_equal(m->late.max, 0);
	assert_true(fabs(m->tx_pps - 100.0) < 1e-9);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	assert_true(s.intervals >= 9);
	end_sim(&s);
}

static void test_impairments_are_exact(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     LOOP,
					     "loss_every=10",
					     "duplicate_every=7",
					     "corrupt_every=50",
					     "reorder_every=33",
					     "delay=2ms",
					     BOTH,
					     STREAM("1kpps"),
					     "duration=10s",
					     NULL };
	struct sim s;
	const struct sp_measure *m = run_words(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 10000);
	assert_int_equal(COUNT(m, lost), 1000);
	assert_true(COUNT(m, duplicates) > 1000);
	assert_true(COUNT(m, corrupted) > 100);
	assert_true(COUNT(m, reordered) > 100);
	assert_int_equal(COUNT(m, lost_network), 1000);
	assert_int_equal(COUNT(m, tx_packets),
			 COUNT(m, rx_unique) + COUNT(m, corrupted) + COUNT(m, lost));
	end_sim(&s);
}

/* A flipped bit anywhere in the payload is seen: of short ones always, of long ones when asked. */
static void test_corruption_of_the_payload(void **state)
{
	static const char *const small[] = { VIRTUAL,	       LOOP, "corrupt_every=50",
					     "corrupt_at=any", BOTH, STREAM("1kpps"),
					     "duration=10s",   NULL };
	static const char *const large[] = { VIRTUAL,
					     "verify=full",
					     "+port",
					     "name=p",
					     "transport=loop",
					     "port=5001",
					     "corrupt_every=50",
					     "corrupt_at=any",
					     BOTH,
					     STREAM("1kpps"),
					     "size=1400",
					     "duration=10s",
					     NULL };
	struct sim s;
	const struct sp_measure *m = run_words(&s, small, 0);

	(void)state;
	assert_int_equal(COUNT(m, corrupted), 200);
	assert_int_equal(COUNT(m, rx_unique), 9800);
	end_sim(&s);
	m = run_words(&s, large, 0);
	assert_int_equal(COUNT(m, corrupted), 200);
	assert_int_equal(COUNT(m, lost), 0);
	end_sim(&s);
}

static void test_many_streams_keep_their_rates(void **state)
{
	static const char *const words[] = { VIRTUAL, LOOP, BOTH, NULL };
	struct sim s;
	const struct sp_measure *m = run_words(&s, words, 10000);

	(void)state;
	assert_int_equal(s.worst_pending, 0);
	assert_int_equal(COUNT(m, asked_packets), COUNT(m, tx_packets));
	assert_int_equal(COUNT(m, tx_packets), COUNT(m, rx_unique));
	assert_int_equal(m->late.max, 0);
	for (unsigned i = 0; i < 10000; i++) {
		const struct sp_measure *f = &sp_run_result(s.run)->streams[i].m;
		double want = 10.0 * (1 + i % 37 + (i % 1000) / 1000.0);

		assert_true(fabs((double)COUNT(f, tx_packets) - want) <= 1.0);
	}
	end_sim(&s);
}

static void test_stop_is_complete(void **state)
{
	static const char *const words[] = { VIRTUAL,	      LOOP,	     BOTH,
					     STREAM("1kpps"), "duration=1h", NULL };
	struct sim s;
	int r;

	(void)state;
	start_sim(&s, UINT64_MAX);
	s.stop_after_ns = 3 * SP_NS_PER_S;
	r = execute(&s, words, 0);
	assert_int_equal(r, 0);
	assert_int_equal(s.violations, 0);
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, asked_packets), 3001);
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, tx_packets), 3001);
	assert_int_equal(sp_run_result(s.run)->exit_code, 130);
	end_sim(&s);
}

static void test_limits(void **state)
{
	static const char *const count[] = { VIRTUAL,	     LOOP,	 BOTH, STREAM("1kpps"),
					     "duration=10s", "count=77", NULL };
	static const char *const bytes[] = {
		VIRTUAL, LOOP, BOTH, STREAM("1kpps"), "duration=10s", "bytes=6400", NULL
	};
	struct sim s;
	const struct sp_measure *m = run_words(&s, count, 0);

	(void)state;
	assert_int_equal(COUNT(m, asked_packets), 77);
	assert_int_equal(COUNT(m, rx_unique), 77);
	end_sim(&s);
	m = run_words(&s, bytes, 0);
	assert_int_equal(COUNT(m, tx_bytes), 6400);
	end_sim(&s);
}

static void test_one_sided_transports(void **state)
{
	static const char *const words[] = {
		VIRTUAL,	  "+port",	 "name=p", "transport=null",
		STREAM("10kpps"), "duration=2s", NULL
	};
	struct sim s;
	const struct sp_measure *m = run_words(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 20000);
	assert_false(sp_counts_has(&m->c, SP_C_rx_unique));
	assert_false(sp_counts_has(&m->c, SP_C_lost));
	end_sim(&s);
}

/* Every allocation of a whole run fails once; nothing leaks and nothing crashes. */
static void test_each_allocation_fails(void **state)
{
	static const char *const words[] = {
		VIRTUAL,       LOOP, BOTH, STREAM("100pps"), "departure=exponential",
		"duration=2s", NULL
	};
	struct sim s;
	int r = -1;

	(void)state;
	for (uint64_t n = 0; r != 0; n++) {
		assert_true(n < 2000);
		start_sim(&s, n);
		r = execute(&s, words, 0);
		/* An event's scratch memory may be missing: then that event has old figures. */
		if (r == 0 && s.mem.count > n)
			r = -1;
		else if (r && n > 1990)
			print_error("%llu: %s\n", (unsigned long long)n, s.err.text);
		end_sim(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hundred_a_second),
		cmocka_unit_test(test_impairments_are_exact),
		cmocka_unit_test(test_corruption_of_the_payload),
		cmocka_unit_test(test_many_streams_keep_their_rates),
		cmocka_unit_test(test_stop_is_complete),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_one_sided_transports),
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
