#include "engine/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/plan_build.h"

/* From preparing to T0 over a kernel's transport: enough for threads to start. */
#define HEAD_START_NS (2 * SP_NS_PER_MS)

static uint32_t lost_identity(void)
{
	for (unsigned i = 0; sp_identity_name(i); i++)
		if (!strcmp(sp_identity_name(i), "lost"))
			return 1u << i;
	return 0;
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct sim *s = arg;
	struct sp_stream_result one;
	struct sp_flow_result flow;
	uint32_t unknown;

	s->intervals += e->kind == SP_EVENT_INTERVAL;
	if (e->kind == SP_EVENT_START)
		return;
	s->violations += sp_counts_check(&e->result->total.c, &unknown) != 0;
	/* Where a loss happened is known at the end only. */
	if (e->kind == SP_EVENT_INTERVAL || e->kind == SP_EVENT_END)
		s->unknown |= unknown & ~(e->kind == SP_EVENT_END ? 0 : lost_identity());
	for (size_t i = 0; i < e->result->n_streams; i++) {
		sp_result_stream(e->result, i, &one);
		s->violations += sp_counts_check(&one.m.c, &unknown) != 0;
		if (one.m.c.v[SP_C_pending] > s->worst_pending)
			s->worst_pending = one.m.c.v[SP_C_pending];
	}
	for (size_t i = 0; i < e->result->n_flows; i++) {
		sp_result_flow(e->result, i, &flow);
		s->violations += sp_counts_check(&flow.m.c, &unknown) != 0;
	}
	if (e->kind == SP_EVENT_INTERVAL && s->stop_after_ns && e->t_ns >= s->stop_after_ns)
		sp_run_request_stop(s->run, true);
}

void sim_start(struct sim *s, uint64_t fail_at)
{
	*s = (struct sim){ 0 };
	sp_mem_test_init(&s->mem, fail_at);
}

static int add_word(struct sp_plan_build *b, const char *word, struct sp_err *err)
{
	static const char *const items[] = { "+run", "+port", "+stream", "+recv", "+stage" };
	const char *eq = strchr(word, '=');
	char key[64];

	for (size_t i = 0; i < sizeof items / sizeof *items; i++)
		if (!strcmp(word, items[i]))
			return sp_plan_add(b, (enum sp_plan_item)i, "test", err);
	snprintf(key, sizeof key, "%.*s", (int)(eq - word), word);
	return sp_plan_set(b, key, eq + 1, "test", err);
}

uint64_t sim_milli_pps(unsigned i)
{
	return 1000 * (1 + i % 37) + i % 1000;
}

static int add_stream(struct sp_plan_build *b, unsigned i, struct sp_err *err)
{
	static const char *const words[] = { "from=p",	"host=127.0.0.1", "port=5001",
					     "size=64", "duration=10s",	  NULL };
	char text[32];
	int r = sp_plan_add(b, SP_PLAN_STREAM, "test", err);

	snprintf(text, sizeof text, "s%u", i);
	r = r ? r : sp_plan_set(b, "name", text, "test", err);
	snprintf(text, sizeof text, "%.3f", (double)sim_milli_pps(i) / 1000);
	r = r ? r : sp_plan_set(b, "rate", text, "test", err);
	for (unsigned k = 0; words[k] && r == 0; k++)
		r = add_word(b, words[k], err);
	return r;
}

static const struct sp_catalog *catalog_of(const struct sim *s)
{
	return s->catalog ? s->catalog : &sp_catalog;
}

int sim_build(struct sim *s, const char *const *words, unsigned streams)
{
	struct sp_plan_build *b;
	int r = sp_plan_build_new(&b, &s->mem.mem, catalog_of(s));

	if (r)
		return r;
	for (; *words && r == 0; words++)
		r = add_word(b, *words, &s->err);
	for (unsigned i = 0; i < streams && r == 0; i++)
		r = add_stream(b, i, &s->err);
	if (r == 0)
		r = sp_plan_seal(b, &s->plan, &s->err);
	sp_plan_build_free(b);
	return r;
}

int sim_arm(struct sim *s, uint64_t *t0_ns)
{
	struct sp_run_hooks hooks = { .arg = s, .event = on_event };
	int r;

	if (s->plan->run.is_virtual)
		sp_clock_init_virtual(&s->clock, SP_NS_PER_S);
	else
		sp_clock_init_real(&s->clock);
	s->env = (struct sp_env){ .mem = &s->mem.mem, .clock = &s->clock };
	r = sp_run_new(&s->run, s->plan, catalog_of(s), &s->env, &hooks, &s->err);
	if (r == 0)
		r = sp_run_prepare(s->run, &s->err);
	if (r)
		return r;
	*t0_ns = sp_clock_now(&s->clock) +
		 (s->plan->run.is_virtual ? SP_NS_PER_S : HEAD_START_NS);
	return sp_run_arm(s->run, *t0_ns, &s->err);
}

int sim_execute(struct sim *s, const char *const *words, unsigned streams)
{
	uint64_t t0_ns;
	int r = sim_build(s, words, streams);

	if (r == 0)
		r = sim_arm(s, &t0_ns);
	while (r == 0)
		r = sp_run_step(s->run, 100);
	return r < 0 ? r : 0;
}

const struct sp_measure *sim_run(struct sim *s, const char *const *words, unsigned streams)
{
	sim_start(s, UINT64_MAX);
	if (sim_execute(s, words, streams))
		fail_msg("%s", s->err.text);
	assert_int_equal(s->violations, 0);
	return &sp_run_result(s->run)->total;
}

void sim_end(struct sim *s)
{
	sp_run_free(s->run);
	sp_plan_free(s->plan);
	assert_int_equal(s->mem.live, 0);
}
