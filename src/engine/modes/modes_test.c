/* Each mode's words, and its departures to the nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "core/pacer.h"
#include "engine/modes/modes.h"
#include "engine/plan_build.h"
#include "engine/schedule.h"
#include "engine/test_catalog.h"

#define S  SP_NS_PER_S
#define MS SP_NS_PER_MS

struct made {
	struct sp_plan *plan;
	struct sp_err err;
	struct sp_pace pace;
	struct sp_schedule *sched;
};

/* A plan of one stream with these words. */
static int plan_of(struct made *m, const char *const *words)
{
	struct sp_plan_build *b;
	char key[64];
	int rc;

	*m = (struct made){ 0 };
	assert_int_equal(sp_plan_build_new(&b, sp_mem_system(), &test_catalog), 0);
	rc = sp_plan_add(b, SP_PLAN_PORT, NULL, &m->err);
	if (!rc)
		rc = sp_plan_set(b, "name", "tx0", NULL, &m->err);
	if (!rc)
		rc = sp_plan_add(b, SP_PLAN_STREAM, NULL, &m->err);
	if (!rc)
		rc = sp_plan_set(b, "name", "s", NULL, &m->err);
	if (!rc)
		rc = sp_plan_set(b, "host", "127.0.0.1", NULL, &m->err);
	for (; !rc && *words; words++) {
		snprintf(key, sizeof key, "%.*s", (int)strcspn(*words, "="), *words);
		rc = sp_plan_set(b, key, strchr(*words, '=') + 1, key, &m->err);
	}
	if (!rc)
		rc = sp_plan_seal(b, &m->plan, &m->err);
	sp_plan_build_free(b);
	return rc;
}

#define W(...)                                                                                 \
	(const char *const[])                                                                  \
	{                                                                                      \
		__VA_ARGS__, NULL                                                              \
	}

static const struct sp_plan_stream *stream(const struct made *m)
{
	return &m->plan->streams[0];
}

static void good(struct made *m, const char *const *words)
{
	struct sp_env env = { .mem = sp_mem_system(), .seed = 1 };

	if (plan_of(m, words))
		fail_msg("%s", m->err.text);
	if (sp_schedule_make(stream(m), &test_catalog, &env, 7 * S, 0, &m->pace, &m->sched,
			     &m->err))
		fail_msg("%s", m->err.text);
}

static void done(struct made *m)
{
	sp_schedule_free(m->sched);
	sp_plan_free(m->plan);
}

static void bad(const char *const *words, const char *want)
{
	struct made m;

	assert_int_not_equal(plan_of(&m, words), 0);
	if (!strstr(m.err.text, want))
		fail_msg("'%s' does not say '%s'", m.err.text, want);
}

/* The first n departures after the start are those, in ms; more says whether others follow. */
static void expect_ms(struct made *m, const uint64_t *ms, size_t n, bool more)
{
	uint64_t due = 0;
	uint32_t size = 0;

	assert_int_equal(m->pace.kind, SP_PACE_OPS);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(m->pace.ops->next(m->pace.st, &due, &size), 0);
		assert_int_equal(due - 7 * S, ms[i] * MS);
		assert_int_equal(size, stream(m)->size);
	}
	assert_int_equal(m->pace.ops->next(m->pace.st, &due, &size), !more);
}

#define EXPECT_MS(m, more, ...)                                                                \
	expect_ms(m, (const uint64_t[]){ __VA_ARGS__ },                                        \
		  sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), more)

static void test_burst(void **state)
{
	struct made m;

	(void)state;
	good(&m, W("mode=burst")); /* S3's */
	EXPECT_MS(&m, true, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 5090, 5100, 5110, 5120, 5130,
		  5140, 5150, 5160, 5170, 5180, 10180);
	assert_int_equal(stream(&m)->duration_ns, 10 * S);
	done(&m);
	good(&m, W("mode=burst", "burst_count=3", "burst_interval=2s", "bursts=2"));
	EXPECT_MS(&m, false, 0, 0, 0, 2000, 2000, 2000);
	assert_int_equal(stream(&m)->duration_ns, 0);
	m.pace.ops->restart(m.pace.st, 7 * S, 1);
	EXPECT_MS(&m, false, 0, 0, 0, 2000, 2000, 2000);
	done(&m);
	good(&m, W("burst_count=2", "burst_gap=1ms", "burst_interval=10ms")); /* says burst */
	EXPECT_MS(&m, true, 0, 1, 11, 12, 22);
	done(&m);
	bad(W("mode=burst", "rate=5"), "bursts have no rate");
	bad(W("mode=burst", "burst_count=0"), "at least 1");
	bad(W("mode=burst", "burst_interval=0"), "at least");
	bad(W("mode=burst", "burst_count=1G", "burst_gap=1h"), "292 years");
	bad(W("mode=burst", "departure=exponential"), "departures of its own");
}

static void test_backoff(void **state)
{
	struct made m;
	uint64_t due = 0;
	uint32_t size;

	(void)state;
	good(&m, W("mode=exponential-backoff"));
	EXPECT_MS(&m, true, 0, 100, 300, 700, 1500, 3100, 3200, 3400, 3800, 4600, 6200, 6300);
	done(&m);
	/* No pause is longer than the cap, and none is cut. */
	good(&m, W("mode=backoff", "backoff_first=1s", "backoff_factor=3", "backoff_cap=10s"));
	EXPECT_MS(&m, true, 0, 1000, 4000, 13000, 14000, 17000, 26000);
	done(&m);
	good(&m, W("mode=backoff", "backoff_factor=1", "backoff_cap=100ms"));
	EXPECT_MS(&m, true, 0, 100, 200, 300);
	due = 7 * S + 350 * MS;
	assert_false(m.pace.ops->reply(m.pace.st, due, &due));
	done(&m);
	/* 0, 100, 300; the reply at 350 brings that of 700 to 450, and then 200, 400 ... */
	good(&m, W("mode=backoff", "backoff_reset=reply"));
	for (unsigned i = 0; i < 4; i++)
		m.pace.ops->next(m.pace.st, &due, &size);
	assert_int_equal(due, 7 * S + 700 * MS);
	assert_true(m.pace.ops->reply(m.pace.st, 7 * S + 350 * MS, &due));
	assert_int_equal(due, 7 * S + 450 * MS);
	EXPECT_MS(&m, true, 650, 1050, 1850);
	done(&m);
	/* One that comes late makes nothing later. */
	good(&m, W("mode=backoff", "backoff_reset=reply"));
	for (unsigned i = 0; i < 2; i++)
		m.pace.ops->next(m.pace.st, &due, &size);
	assert_true(m.pace.ops->reply(m.pace.st, 7 * S + 50 * MS, &due));
	assert_int_equal(due, 7 * S + 100 * MS);
	EXPECT_MS(&m, true, 300, 700, 1500);
	done(&m);
	bad(W("mode=backoff", "backoff_factor=0.5"), "from 1 on");
	bad(W("mode=backoff", "backoff_first=2s"), "shorter than");
	bad(W("mode=backoff", "rate=max"), "have no rate");
}

static void test_ramp(void **state)
{
	struct made m;
	uint64_t due = 0;
	uint32_t size;

	(void)state;
	/* The integral of 8 t is 4 t^2: departure k at sqrt(k)/2 s. */
	good(&m, W("mode=ramp", "ramp_to=80pps", "ramp_time=10s"));
	EXPECT_MS(&m, true, 0);
	done(&m);
	good(&m, W("mode=ramp", "ramp_to=80pps", "ramp_time=10s"));
	for (uint64_t k = 0; k < 400; k++) {
		assert_int_equal(m.pace.ops->next(m.pace.st, &due, &size), 0);
		due -= 7 * S;
		assert_true((unsigned __int128)due * due <= (unsigned __int128)k * S * S / 4);
		assert_true((unsigned __int128)(due + 1) * (due + 1) >
			    (unsigned __int128)k * S * S / 4);
	}
	assert_int_equal(stream(&m)->duration_ns, 10 * S);
	assert_int_equal(stream(&m)->top.micro, 80000000);
	/* After it the rate stays: 12.5 ms. */
	m.pace.ops->next(m.pace.st, &due, &size);
	assert_int_equal(due, 17 * S);
	m.pace.ops->next(m.pace.st, &due, &size);
	assert_int_equal(due, 17 * S + 12500000);
	done(&m);
	bad(W("mode=ramp"), "from 0 to 0");
	bad(W("mode=ramp", "ramp_to=max"), "max is none");
	bad(W("mode=ramp", "ramp_to=1k", "rate=1k"), "instead of a rate");
	bad(W("mode=ramp", "ramp_to=1Mbit/s", "size=0"), "no meaning with size 0");
}

static void test_rate_ends(void **state)
{
	struct made m;

	(void)state;
	good(&m, W("mode=rate"));
	assert_int_equal(m.pace.kind, SP_PACE_CONST);
	assert_int_equal(m.pace.gap_ns, MS);
	assert_null(m.sched);
	done(&m);
	good(&m, W("mode=rate-limited", "rate=2", "ramp_up=1s", "ramp_down=1s", "duration=4s"));
	/* t^2 up to 1, 2 t from there to 3 s (5 packets), and back. */
	EXPECT_MS(&m, false, 0, 1000, 1500, 2000, 2500, 3000);
	done(&m);
	/* A law goes with the mode, not with its ramps. */
	good(&m, W("mode=rate", "departure=exponential"));
	done(&m);
	bad(W("departure=exponential", "ramp_up=1s"), "departures of its own");
	bad(W("ramp_down=6s", "ramp_up=6s"), "longer than the duration");
	bad(W("ramp_down=6s", "duration=0"), "give one");
	bad(W("ramp_down=6s", "count=5"), "give one");
	bad(W("ramp_up=6s", "rate=max"), "no ramp to a rate of max");
}

static void test_steps(void **state)
{
	struct made m;

	(void)state;
	good(&m, W("mode=steps", "steps=2pps@0, 0@1s,4@2s ,0@3s"));
	assert_string_equal(stream(&m)->profile->steps, "2pps@0s,0@1s,4pps@2s,0@3s");
	assert_int_equal(stream(&m)->duration_ns, 3 * S);
	EXPECT_MS(&m, false, 0, 500, 2000, 2250, 2500, 2750);
	done(&m);
	good(&m, W("steps=8Mbit/s@l2@0", "size=1000"));
	EXPECT_MS(&m, true, 0, 1, 2, 3);
	assert_int_equal(stream(&m)->duration_ns, 10 * S);
	done(&m);
	bad(W("mode=steps"), "which steps?");
	bad(W("steps=5"), "'5' is not RATE@TIME");
	bad(W("steps=5@1"), "is the first, and not at 0");
	bad(W("steps=5@0,6@2,7@2"), "'7@2' is not later");
	bad(W("steps=5@0,max@2"), "'max@2' does not begin with a rate");
	bad(W("steps=5@0,6@x"), "'6@x' does not end with a time");
	bad(W("steps=0@0"), "nothing is sent");
	bad(W("steps=5@0,"), "steps");
	bad(W("steps=5@0,,6@1"), "steps");
}

static void test_onoff(void **state)
{
	struct made m;

	(void)state;
	good(&m, W("mode=onoff", "rate=2", "on_time=1s", "off_time=3s"));
	EXPECT_MS(&m, true, 0, 500, 4000, 4500, 8000);
	done(&m);
	/* Half a packet is left at the end of the first time. */
	good(&m, W("mode=onoff", "rate=2.5", "on_time=1s", "off_time=1s"));
	EXPECT_MS(&m, true, 0, 400, 800, 2200, 2600, 4000);
	done(&m);
	bad(W("mode=onoff", "rate=max"), "max is none");
	bad(W("on_time=0"), "at least");
}

static void test_trace(void **state)
{
	char path[] = "/tmp/spate-trace-XXXXXX", word[64];
	int fd = mkstemp(path);
	struct made m;
	uint64_t due = 0;
	uint32_t size = 0;

	(void)state;
	assert_int_equal(write(fd, "0,100\n10ms,64\n10ms,200\n2,64\n", 28), 28);
	snprintf(word, sizeof word, "trace=%s", path);
	good(&m, W(word));
	assert_int_equal(stream(&m)->size, 200);
	assert_int_equal(stream(&m)->duration_ns, 0);
	assert_int_equal(stream(&m)->top.micro, 3000000);
	for (unsigned i = 0; i < 4; i++) {
		static const uint64_t at[] = { 0, 10 * MS, 10 * MS, 2 * S };
		static const uint32_t sizes[] = { 100, 64, 200, 64 };

		assert_int_equal(m.pace.ops->next(m.pace.st, &due, &size), 0);
		assert_int_equal(due, 7 * S + at[i]);
		assert_int_equal(size, sizes[i]);
	}
	assert_int_equal(m.pace.ops->next(m.pace.st, &due, &size), 1);
	done(&m);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "1\n2\n1\n", 6, 0), 6);
	good(&m, W(word, "trace_times=relative", "size=77"));
	EXPECT_MS(&m, false, 1000, 3000, 4000);
	done(&m);
	bad(W(word), ":3: the time is before");
	unlink(path);
	close(fd);
	bad(W(word), path);
	bad(W("mode=trace"), "which trace?");
}

static void test_plain_modes(void **state)
{
	struct made m;

	(void)state;
	good(&m, W("mode=standard"));
	assert_int_equal(stream(&m)->count, 10);
	assert_int_equal(m.pace.count, 10);
	assert_int_equal(m.pace.gap_ns, 10 * MS);
	done(&m);
	good(&m, W("mode=standard", "count=77", "rate=1k"));
	assert_int_equal(m.pace.count, 77);
	done(&m);
	good(&m, W("mode=continuous"));
	assert_int_equal(m.pace.gap_ns, S);
	assert_true(m.pace.end_ns == SP_NEVER && m.pace.count == UINT64_MAX);
	done(&m);
	good(&m, W("mode=continuous", "duration=3s", "rate=5"));
	assert_int_equal(m.pace.end_ns, 10 * S);
	done(&m);
	bad(W("mode=busrt"), "did you mean 'burst'");
	bad(W("mode=ramp", "burst_count=5"), "burst_count is a setting of the mode burst");
	bad(W("bursts=5", "steps=5@0"), "of the mode steps, but the mode is burst");
}

/* The canonical text is the plan: read again, it has the same digest. */
static void test_text(void **state)
{
	const char *const *const all[] = {
		W("mode=burst"),
		W("bursts=5"),
		W("mode=backoff", "backoff_reset=reply"),
		W("mode=ramp", "ramp_from=0", "ramp_to=2.5k"),
		W("ramp_up=3s"),
		W("steps=5@0,1Mbit/s@2s"),
		W("mode=onoff"),
		W("mode=standard"),
		W("mode=continuous"),
		W("rate=5"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct sp_plan *again;
		struct sp_err err = { 0 };
		struct sp_str text;
		struct made m;

		good(&m, all[i]);
		sp_str_init(&text, sp_mem_system());
		sp_plan_text(m.plan, &test_catalog, &text);
		assert_true(!strstr(text.text, "\"mode\"") == !stream(&m)->profile);
		if (sp_plan_read(&again, text.text, text.len, true, sp_mem_system(),
				 &test_catalog, &err))
			fail_msg("%s: %s", text.text, err.text);
		assert_string_equal(again->sha256, m.plan->sha256);
		sp_plan_free(again);
		sp_str_fini(&text);
		done(&m);
	}
}

/* A peer's plan names no file of this host. */
static void test_distrust(void **state)
{
	static const char text[] = "{\"plan\":1,\"ports\":[{\"name\":\"tx0\"}],\"streams\":"
				   "[{\"name\":\"s\",\"host\":\"127.0.0.1\",\"mode\":\"trace\","
				   "\"trace\":\"/etc/passwd\"}]}";
	struct sp_err err = { 0 };
	struct sp_plan *plan;

	(void)state;
	assert_int_equal(sp_plan_read(&plan, text, strlen(text), true, sp_mem_system(),
				      &test_catalog, &err),
			 -EPERM);
	assert_int_equal(err.exit, SP_EXIT_PERM);
}

/* Of a schedule that several streams share each departure is one's. */
static void test_dealt(void **state)
{
	struct made m;

	(void)state;
	good(&m,
	     W("mode=burst", "burst_count=4", "burst_interval=1s", "deal_of=2", "deal_at=1"));
	EXPECT_MS(&m, true, 0, 0, 1000, 1000, 2000, 2000);
	m.pace.ops->restart(m.pace.st, 7 * S, 1);
	EXPECT_MS(&m, true, 0, 0, 1000, 1000);
	done(&m);
}

/* What a sender that fell behind gave up, and what it sent, is what was asked: at the planned end,
 * and at a stop. */
static void behind(const char *const *words, enum sp_catch_up kind, uint64_t stop_ns,
		   uint64_t asked)
{
	const struct sp_catch_up_conf conf = { kind, 2, S };
	struct sp_due due[8];
	struct sp_paced c;
	struct sp_pacer *p;
	struct made m;

	good(&m, words);
	assert_int_equal(sp_pacer_new(&p, sp_mem_system(), 1, 7 * S, &conf), 0);
	assert_int_equal(sp_pacer_add(p, 0, &m.pace), 0);
	sp_pacer_take(p, 7 * S, due, 8);
	sp_pacer_take(p, 9 * S + 3 * MS, due, 2); /* two seconds late, and slow */
	if (stop_ns)
		sp_pacer_stop(p, 7 * S + stop_ns);
	sp_pacer_take(p, 12 * S, due, 1);
	sp_pacer_drain(p);
	sp_pacer_counts(p, 0, &c);
	assert_int_equal(c.taken + c.skipped, asked);
	assert_true(c.skipped > 0);
	sp_pacer_free(p);
	done(&m);
}

static void test_behind(void **state)
{
	const struct {
		const char *const *words;
		uint64_t stop_ns, asked;
	} rows[] = {
		{ W("mode=burst", "burst_count=20", "burst_interval=1s", "bursts=3"), 0, 60 },
		{ W("mode=burst", "burst_count=20", "burst_interval=1s", "duration=3s"), 0,
		  60 },
		{ W("mode=burst", "burst_count=20", "burst_interval=1s"), 4 * S + 1, 100 },
		{ W("mode=burst", "burst_count=20", "burst_interval=1s"), 4 * S, 80 },
		{ W("mode=burst", "burst_count=20", "burst_interval=1s", "count=75"), 0, 75 },
		{ W("mode=burst", "burst_count=20", "burst_interval=1s", "bytes=50k",
		    "size=1000"),
		  0, 50 },
		{ W("mode=ramp", "ramp_to=100pps"), 0, 500 },
		{ W("mode=ramp", "ramp_to=100pps"), 5 * S, 125 },
		{ W("steps=100@0,10@2s,0@3s"), 0, 210 },
		{ W("mode=onoff", "rate=10"), 0, 50 },
		{ W("mode=onoff", "rate=10", "duration=0"), 4 * S + 50 * MS, 21 },
		{ W("mode=backoff", "duration=7s"), 0, 14 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int kind = SP_CATCH_CHASE; kind <= SP_CATCH_SKIP; kind++)
			behind(rows[i].words, (enum sp_catch_up)kind, rows[i].stop_ns,
			       rows[i].asked);
}

/* The pacer's next departure is the new one, whether the stream is alone or among others. */
static void test_pacer_hears(void **state)
{
	static const uint64_t want_ms[] = { 0, 100, 150, 350, 750 };
	struct sp_due due[4];
	struct made m;

	(void)state;
	for (uint32_t others = 0; others < 3; others++) {
		const struct sp_pace slow = { .kind = SP_PACE_CONST,
					      .start_ns = 8 * S,
					      .end_ns = SP_NEVER,
					      .count = UINT64_MAX,
					      .bytes = UINT64_MAX,
					      .gap_ns = S,
					      .gap_den = 1 };
		struct sp_pacer *p;
		size_t n = 0;

		good(&m, W("mode=backoff", "backoff_reset=reply"));
		assert_int_equal(sp_pacer_new(&p, sp_mem_system(), 3, 7 * S, NULL), 0);
		assert_int_equal(sp_pacer_add(p, 0, &m.pace), 0);
		for (uint32_t i = 1; i <= others; i++)
			assert_int_equal(sp_pacer_add(p, i, &slow), 0);
		for (uint64_t t = 7 * S; t < 8 * S; t += MS) {
			if (sp_pacer_take(p, t, due, 4)) {
				assert_int_equal(due[0].stream, 0);
				assert_int_equal(due[0].due_ns, t);
				assert_true(n < 5);
				assert_int_equal(t, 7 * S + want_ms[n++] * MS);
			}
			if (t == 7 * S + 110 * MS) { /* a reply of 50: not 300, but 150 */
				sp_pacer_reply(p, 0, t - 60 * MS);
				assert_int_equal(sp_pacer_next(p), 7 * S + 150 * MS);
			}
		}
		assert_int_equal(n, 5);
		sp_pacer_free(p);
		done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst),	    cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_ramp),	    cmocka_unit_test(test_rate_ends),
		cmocka_unit_test(test_steps),	    cmocka_unit_test(test_onoff),
		cmocka_unit_test(test_trace),	    cmocka_unit_test(test_plain_modes),
		cmocka_unit_test(test_text),	    cmocka_unit_test(test_distrust),
		cmocka_unit_test(test_dealt),	    cmocka_unit_test(test_behind),
		cmocka_unit_test(test_pacer_hears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
