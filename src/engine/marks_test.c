/* Exact counts at every 100th unit: the rings and their merging by hand, and whole runs in virtual
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "core/clock.h"
#include "engine/marks.h"
#include "engine/testing.h"

static void send_one(struct sp_marks *k, unsigned w, uint32_t len, uint64_t t_ns)
{
	struct sp_msg m = { .len = len };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	sp_marker_sent(sp_marks_marker(k, w), &b, 0, 1, t_ns);
}

static struct sp_marks *begin(struct sp_mem_test *mem, unsigned workers)
{
	struct sp_marks *k;

	sp_mem_test_init(mem, UINT64_MAX);
	assert_int_equal(sp_marks_new(&k, &mem->mem, workers, 100), 0);
	return k;
}

static void end(struct sp_mem_test *mem, struct sp_marks *k)
{
	sp_marks_free(k, &mem->mem);
	assert_int_equal(mem->live, 0);
}

/* Sizes vary: bytes are those up to that unit, and not a share of what came later. */
static void test_one_worker_is_exact(void **state)
{
	struct sp_mem_test mem;
	struct sp_marks *k = begin(&mem, 1);
	struct sp_msg m[150];
	struct sp_batch b = { .n = 150, .cap = 150, .m = m };
	struct sp_mark mark;

	(void)state;
	for (uint32_t i = 0; i < 150; i++)
		m[i] = (struct sp_msg){ .len = i < 100 ? 64 : 1400,
					.t_ns = SP_NS_PER_S + i * SP_NS_PER_MS,
					.stamp_off = i < 50 ? SP_NO_STAMP : 42 };
	assert_false(sp_marks_next(k, 0, &mark));
	sp_marker_received(sp_marks_marker(k, 0), &b);
	assert_true(sp_marks_next(k, 0, &mark));
	assert_int_equal(mark.n, 100);
	assert_int_equal(mark.bytes, 50 * 64 + 50 * 106);
	assert_int_equal(mark.t_ns, SP_NS_PER_S + 99 * SP_NS_PER_MS);
	assert_true(fabs(mark.pps - 1000) < 1e-9);
	assert_true(fabs(mark.bps - 8 * (49 * 64 + 50 * 106) / 0.099) < 1e-3);
	assert_false(sp_marks_next(k, 0, &mark));
	end(&mem, k);
}

/* The units of several workers in one order of time: 100 is reached by all of them together. */
static void test_workers_are_put_together(void **state)
{
	struct sp_mem_test mem;
	struct sp_marks *k = begin(&mem, 3);
	struct sp_mark mark;

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		send_one(k, 0, 64, 1000 + 10 * i);
		send_one(k, 2, 1000, 1001 + 10 * i);
		send_one(k, 2, 1000, 1002 + 10 * i);
	}
	assert_true(sp_marks_next(k, 0, &mark));
	assert_int_equal(mark.n, 100);
	assert_int_equal(mark.bytes, 34 * 64 + 66 * 1000);
	assert_int_equal(mark.t_ns, 1000 + 10 * 33);
	assert_true(fabs(mark.pps - 99 / 330e-9) < 1);
	assert_false(sp_marks_next(k, 0, &mark));
	end(&mem, k);
}

/* What found the ring full is missing, and what comes after it is exact again. */
static void test_a_full_ring_skips_and_stays_true(void **state)
{
	struct sp_mem_test mem;
	struct sp_marks *k = begin(&mem, 2);
	uint64_t sent = 0, last = 0;
	struct sp_mark mark;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 3 * SP_MARKS_RING; i++, sent++)
			send_one(k, sent % 2, 10, (sent + 1) * SP_NS_PER_MS);
		while (sp_marks_next(k, 0, &mark)) {
			assert_int_equal(mark.n % 100, 0);
			assert_int_equal(mark.bytes, 10 * mark.n);
			assert_true(mark.n > last);
			last = mark.n;
		}
		assert_true(last > round * 3 * SP_MARKS_RING);
	}
	end(&mem, k);
}

/* More than anybody reads: about ten a second, each of them right. */
static void test_too_many_are_thinned(void **state)
{
	struct sp_mem_test mem;
	struct sp_marks *k = begin(&mem, 1);
	unsigned fast = 0, slow = 0;
	uint64_t t_ns = 0, n = 0;
	struct sp_mark mark;

	(void)state;
	for (; t_ns < 2 * SP_NS_PER_S; t_ns += 1000, n++) {
		send_one(k, 0, 10, t_ns);
		while (sp_marks_next(k, 0, &mark)) {
			assert_int_equal(mark.n % 100, 0);
			assert_int_equal(mark.bytes, 10 * mark.n);
			fast += t_ns > SP_NS_PER_S;
		}
	}
	assert_in_range(fast, 9, 11);
	for (; t_ns < 4 * SP_NS_PER_S; t_ns += 20000, n++) {
		send_one(k, 0, 10, t_ns);
		while (sp_marks_next(k, 0, &mark))
			slow += t_ns > 3 * SP_NS_PER_S;
	}
	/* 50 kpps: 500 of them a second. */
	assert_in_range(slow, 499, 501);
	end(&mem, k);
}

static void test_each_allocation_fails(void **state)
{
	struct sp_mem_test mem;
	struct sp_marks *k;
	int r = -1;

	(void)state;
	for (uint64_t n = 0; r != 0; n++) {
		assert_true(n < 20);
		sp_mem_test_init(&mem, n);
		r = sp_marks_new(&k, &mem.mem, 4, 100);
		if (r == 0)
			sp_marks_free(k, &mem.mem);
		assert_int_equal(mem.live, 0);
	}
}

/* ---- whole runs ---- */

struct lines {
	struct sp_mark last;
	unsigned n, wrong;
	uint64_t size;
	uint64_t at_ns; /* of the event before */
};

static void on_event(void *arg, const struct sp_event *e)
{
	struct lines *l = arg;

	if (e->kind != SP_EVENT_MARK)
		return;
	l->n++;
	l->wrong += e->mark->n != 100ull * l->n || e->mark->bytes != l->size * e->mark->n;
	l->wrong += e->t_ns < l->at_ns;
	l->at_ns = e->t_ns;
	l->last = *e->mark;
}

static void run_marked(const char *const *words, struct lines *lines)
{
	struct sp_run_hooks hooks = { .arg = lines, .event = on_event };
	struct sim s;
	int r;

	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	sp_clock_init_virtual(&s.clock, SP_NS_PER_S);
	s.env = (struct sp_env){ .mem = &s.mem.mem, .clock = &s.clock };
	r = sp_run_new(&s.run, s.plan, &sp_catalog, &s.env, &hooks, &s.err);
	assert_int_equal(r, 0);
	assert_int_equal(sp_run_prepare(s.run, &s.err), 0);
	assert_int_equal(sp_run_want_marks(s.run, 100, &s.err), 0);
	assert_int_equal(sp_run_arm(s.run, 2 * SP_NS_PER_S, &s.err), 0);
	while (sp_run_step(s.run, 100) == 0)
		;
	/* The last line and the report say the same. */
	assert_int_equal(lines->last.n, COUNT(&sp_run_result(s.run)->total, tx_packets));
	assert_int_equal(lines->last.bytes, COUNT(&sp_run_result(s.run)->total, tx_bytes));
	assert_true(fabs(lines->last.pps - sp_run_result(s.run)->total.tx_pps) < 1e-9);
	assert_true(fabs(lines->last.bps - sp_run_result(s.run)->total.tx_bps) < 1e-3);
	sim_end(&s);
}

static void test_every_hundredth_of_a_run(void **state)
{
	static const char *const slow[] = { VIRTUAL,	      LOOP,	      BOTH,
					    STREAM("100pps"), "duration=10s", NULL };
	static const char *const fast[] = { VIRTUAL,	      LOOP,	      BOTH,
					    STREAM("20kpps"), "duration=10s", NULL };
	struct lines lines = { .size = 64 };

	(void)state;
	run_marked(slow, &lines);
	assert_int_equal(lines.n, 10);
	assert_int_equal(lines.wrong, 0);
	assert_true(fabs(lines.last.pps - 100) < 1e-9);
	lines = (struct lines){ .size = 64 };
	run_marked(fast, &lines);
	assert_int_equal(lines.n, 2000);
	assert_int_equal(lines.wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_worker_is_exact),
		cmocka_unit_test(test_workers_are_put_together),
		cmocka_unit_test(test_a_full_ring_skips_and_stays_true),
		cmocka_unit_test(test_too_many_are_thinned),
		cmocka_unit_test(test_each_allocation_fails),
		cmocka_unit_test(test_every_hundredth_of_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
