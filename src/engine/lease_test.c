/* Leases in virtual time: a transport that claims to send, a far end that gives what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "engine/testing.h"
#include "plugin/catalog.h"

/* The far end: who it is and what it does with time. */
struct far {
	struct sp_clock *clock;
	bool nobody;		 /* does not answer */
	uint64_t term_ns;	 /* of each lease */
	uint64_t limit;		 /* packets in all; UINT64_MAX: what is asked */
	uint64_t renew_until_ns; /* asks later than that are not answered */
	uint64_t gone_ns;	 /* the control session ends */
	uint64_t pps, asked_ns, packets, until_ns;
	unsigned renewed;
};

static int far_grant(void *arg, const struct sp_ask *ask, struct sp_grant *g, uint32_t n,
		     struct sp_err *err)
{
	struct far *f = arg;

	assert_int_equal(n, 1);
	assert_true(ask->lease);
	memset(g, 0, sizeof *g);
	if (f->nobody)
		return sp_fail(err, -EACCES, SP_EXIT_PERM, "nobody gave a lease");
	f->pps = ask->lease_pps;
	return 0;
}

static void renew(struct far *f, uint64_t now)
{
	uint64_t want = f->pps == UINT64_MAX ? UINT64_MAX : f->pps * 60;

	f->asked_ns = now;
	f->until_ns = now + f->term_ns;
	f->packets = want < f->limit ? want : f->limit;
	f->renewed++;
}

static int far_lease(void *arg, uint32_t i, struct sp_lease_terms *t)
{
	struct far *f = arg;
	uint64_t now = sp_clock_now(f->clock);

	assert_int_equal(i, 0);
	if (!f->until_ns || (now >= f->asked_ns + f->term_ns / 2 && now < f->renew_until_ns &&
			     now < f->gone_ns))
		renew(f, now);
	t->packets = f->packets;
	t->until_ns = now < f->gone_ns ? f->until_ns : 0;
	t->why = now < f->gone_ns ? NULL : "ended its control session";
	return 0;
}

/* The null transport, as the engine sees one that leads out of the process. */
static struct sp_transport_ops road(void)
{
	struct sp_transport_ops ops = *sp_catalog_transport(&sp_catalog, "null");

	ops.next_ns = NULL;
	return ops;
}

struct trip {
	struct sim s;
	struct far far;
	struct sp_transport_ops ops;
	const struct sp_transport_ops *list[2];
	struct sp_catalog catalog;
};

static int prepare(struct trip *t, const char *rate)
{
	struct sp_run_hooks hooks = { .arg = &t->far, .grant = far_grant, .lease = far_lease };
	char rate_word[32] = "rate=";
	const char *const words[] = { VIRTUAL,		"best_effort=yes",
				      "+port",		"name=p",
				      "transport=null", "+stream",
				      "name=s",		"from=p",
				      "host=8.8.4.2",	"port=5001",
				      "size=64",	rate_word,
				      "duration=60s",	NULL };

	strcat(rate_word, rate);
	sim_start(&t->s, UINT64_MAX);
	assert_int_equal(sim_build(&t->s, words, 0), 0);
	t->ops = road();
	t->list[0] = &t->ops;
	t->catalog = sp_catalog;
	t->catalog.transport = t->list;
	sp_clock_init_virtual(&t->s.clock, SP_NS_PER_S);
	t->s.env = (struct sp_env){ .mem = &t->s.mem.mem, .clock = &t->s.clock };
	t->far.clock = &t->s.clock;
	assert_int_equal(
		sp_run_new(&t->s.run, t->s.plan, &t->catalog, &t->s.env, &hooks, &t->s.err), 0);
	return sp_run_prepare(t->s.run, &t->s.err);
}

static const struct sp_result *execute(struct trip *t, const char *rate)
{
	assert_int_equal(prepare(t, rate), 0);
	assert_int_equal(sp_run_arm(t->s.run, sp_clock_now(&t->s.clock) + 1, &t->s.err), 0);
	while (sp_run_step(t->s.run, 0) == 0)
		;
	return sp_run_result(t->s.run);
}

static struct far generous(void)
{
	return (struct far){ .term_ns = 30 * SP_NS_PER_S,
			     .limit = UINT64_MAX,
			     .renew_until_ns = SP_NEVER,
			     .gone_ns = SP_NEVER };
}

static bool remarked(const struct sp_result *r, const char *code, const char *text)
{
	for (size_t i = 0; i < r->n_remarks; i++)
		if (!strcmp(r->remarks[i].code, code) && strstr(r->remarks[i].text, text))
			return true;
	return false;
}

static void test_refused(void **state)
{
	struct trip t = { .far = generous() };

	(void)state;
	t.far.nobody = true;
	assert_int_equal(prepare(&t, "5kpps"), -EACCES);
	assert_int_equal(t.s.err.exit, SP_EXIT_PERM);
	sim_end(&t.s);
}

static void test_granted_and_renewed(void **state)
{
	struct trip t = { .far = generous() };
	const struct sp_result *r = execute(&t, "5kpps");

	(void)state;
	assert_int_equal(t.far.pps, 5000);
	assert_int_equal(COUNT(&r->total, tx_packets), 300000);
	assert_int_equal(COUNT(&r->total, tx_refused), 0);
	assert_int_equal(r->exit_code, 0);
	/* at once, and then each 15 s */
	assert_in_range(t.far.renewed, 4, 5);
	sim_end(&t.s);
}

static void test_below_the_limits_nobody_is_asked(void **state)
{
	struct trip t = { .far = generous() };
	const struct sp_result *r = execute(&t, "1kpps");

	(void)state;
	assert_int_equal(t.far.renewed, 0);
	assert_true(COUNT(&r->total, tx_packets) > 59000);
	sim_end(&t.s);
}

/* Nobody renews it: not one packet leaves after its 30 s. */
static void test_runs_out(void **state)
{
	struct trip t = { .far = generous() };
	const struct sp_result *r;

	(void)state;
	t.far.renew_until_ns = 1;
	r = execute(&t, "5kpps");
	assert_in_range(COUNT(&r->total, tx_packets), 149990, 150001);
	assert_true(r->total.last_tx_ns < 31 * SP_NS_PER_S);
	assert_in_range(r->duration_ns, 30 * SP_NS_PER_S, 32 * SP_NS_PER_S);
	assert_true(remarked(r, "lease-over", "8.8.4.2:5001 is over"));
	assert_true(remarked(r, "lease-over", "did not renew it"));
	assert_int_equal(r->exit_code, SP_EXIT_UNMET);
	sim_end(&t.s);
}

/* A short one, that runs out between two ticks. */
static void test_runs_out_between_ticks(void **state)
{
	struct trip t = { .far = generous() };
	const struct sp_result *r;

	(void)state;
	t.far.term_ns = 2500 * SP_NS_PER_MS;
	t.far.renew_until_ns = 1;
	r = execute(&t, "5kpps");
	assert_in_range(COUNT(&r->total, tx_packets), 12490, 12501);
	assert_int_equal(r->exit_code, SP_EXIT_UNMET);
	sim_end(&t.s);
}

static void test_the_receiver_goes(void **state)
{
	struct trip t = { .far = generous() };
	const struct sp_result *r;

	(void)state;
	t.far.gone_ns = 11 * SP_NS_PER_S;
	r = execute(&t, "5kpps");
	assert_in_range(COUNT(&r->total, tx_packets), 49990, 55001);
	assert_true(remarked(r, "lease-over", "ended its control session"));
	assert_int_equal(r->exit_code, SP_EXIT_UNMET);
	sim_end(&t.s);
}

static void test_the_ceiling(void **state)
{
	struct trip t = { .far = generous() };
	const struct sp_result *r;

	(void)state;
	t.far.limit = 12345;
	r = execute(&t, "5kpps");
	assert_int_equal(COUNT(&r->total, tx_packets), 12345);
	assert_true(remarked(r, "lease-ceiling", "12345 packets"));
	assert_int_equal(r->exit_code, SP_EXIT_UNMET);
	sim_end(&t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_granted_and_renewed),
		cmocka_unit_test(test_below_the_limits_nobody_is_asked),
		cmocka_unit_test(test_runs_out),
		cmocka_unit_test(test_runs_out_between_ticks),
		cmocka_unit_test(test_the_receiver_goes),
		cmocka_unit_test(test_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
