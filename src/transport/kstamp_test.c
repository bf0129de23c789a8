/* Receive stamps while the clock of the stamps is set. The virtual clock is set by hand. */
#include "transport/kstamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define MS	((int64_t)SP_NS_PER_MS)
#define S	((int64_t)SP_NS_PER_S)
#define DAY	(86400 * S)
#define START_S 1000

static unsigned lines;

static void count_line(void *arg, enum sp_log_level level, const char *text)
{
	(void)arg;
	assert_int_equal(level, SP_LOG_WARN);
	assert_non_null(strstr(text, "clock step"));
	lines++;
}

struct host {
	struct sp_clock clock;
	struct sp_log log;
	struct sp_kstamp k;
};

static void begin(struct host *h)
{
	lines = 0;
	sp_clock_init_virtual(&h->clock, START_S * SP_NS_PER_S);
	h->log = (struct sp_log){ .write = count_line, .max = SP_LOG_DEBUG };
	sp_kstamp_init(&h->k, &h->clock, &h->log);
}

/* What the kernel stamps now. */
static struct timespec stamp(const struct host *h)
{
	int64_t real = sp_clock_real(&h->clock);

	return (struct timespec){ .tv_sec = real / S, .tv_nsec = real % S };
}

static void wait(struct host *h, int64_t ns)
{
	sp_clock_advance(&h->clock, h->clock.virtual_ns + (uint64_t)ns);
}

/* How far in the past the stamp is taken to be. */
static int64_t age(struct host *h, const struct timespec *ts, bool tick)
{
	uint64_t now = sp_clock_now(&h->clock);

	if (tick)
		sp_kstamp_tick(&h->k, now);
	return (int64_t)(now - sp_kstamp_mono(&h->k, ts, now));
}

static void test_without_a_step(void **state)
{
	struct timespec ts;
	struct host h;

	(void)state;
	begin(&h);
	for (int64_t wait_ns = 0; wait_ns < 5 * S; wait_ns = 3 * wait_ns + 1) {
		ts = stamp(&h);
		wait(&h, wait_ns);
		assert_int_equal(age(&h, &ts, true), wait_ns);
	}
	assert_int_equal(lines, 0);
}

/* One that was made before the step and one after, both read before the next sample was due. */
static void check_step(int64_t step, int64_t queued, bool tick)
{
	struct timespec old, new;
	struct host h;

	begin(&h);
	wait(&h, 150 * MS);
	sp_kstamp_tick(&h.k, sp_clock_now(&h.clock));
	old = stamp(&h);
	wait(&h, queued);
	h.clock.virtual_real_ns += step;
	new = stamp(&h);
	wait(&h, 3 * MS);
	assert_int_equal(age(&h, &old, tick), queued + 3 * MS);
	assert_int_equal(age(&h, &new, tick), 3 * MS);
	assert_int_equal(age(&h, &old, tick), queued + 3 * MS);
	assert_int_equal(lines, 1);
	/* Long after, what waited in the socket is still as old as it is. */
	wait(&h, 20 * S);
	new = stamp(&h);
	wait(&h, 2 * S);
	assert_int_equal(age(&h, &new, true), 2 * S);
	assert_int_equal(lines, 1);
}

static void test_steps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		int64_t queued = i & 1 ? 2 * S : 5 * MS;

		check_step(i & 2 ? DAY : -DAY, queued, i & 4);
		check_step(i & 2 ? 5 * S : -5 * S, queued, i & 4);
	}
}

/* A small step may be taken for the time of waiting, but not for longer than to the next
 * sample. */
static void test_small_step(void **state)
{
	struct timespec ts;
	struct host h;

	(void)state;
	begin(&h);
	h.clock.virtual_real_ns -= 20 * MS;
	ts = stamp(&h);
	assert_int_equal(age(&h, &ts, true), 20 * MS);
	wait(&h, 100 * MS);
	ts = stamp(&h);
	assert_int_equal(age(&h, &ts, true), 0);
	assert_int_equal(lines, 1);
}

/* Nonsense stays between the beginning and now. */
static void test_nonsense(void **state)
{
	struct timespec ts = { .tv_sec = 0 };
	struct host h;

	(void)state;
	begin(&h);
	assert_int_equal(age(&h, &ts, true), START_S * S);
	ts.tv_sec = 1ll << 33;
	assert_int_equal(age(&h, &ts, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_step),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_small_step),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
