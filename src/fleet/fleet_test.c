/* A controller among agents of all kinds: made-up ones, each a process that speaks by a script. */
#include "fleet/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "ctl/agent_result.h"
#include "ctl/lines.h"

#define MS 1000000ull

enum kind {
	HONEST,	  /* does what an agent does; sends 100 units in 300 ms */
	GONE,	  /* ends at the hello */
	BABBLES,  /* speaks no sense */
	COMMANDS, /* speaks as a controller does */
	REFUSES,  /* cannot prepare */
	DIES,	  /* 100 ms after the start */
	UNMET,	  /* sends less than it should */
};

/* ---- an agent ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct fake {
	struct sp_lines lines;
	enum kind kind;
	bool sends, stopped;
	uint64_t t0_ns;
};

static void say(struct fake *f, const struct sp_agent_msg *m)
{
	sp_agent_msg_put(&f->lines.pending, m);
	sp_lines_flush(&f->lines);
}

static void say_done(struct fake *f)
{
	static struct sp_agent_lists none;
	struct sp_agent_msg m = { .type = SP_AGENT_DONE };
	struct sp_result *r = &m.result;

	*r = (struct sp_result){ .name = "fake",
				 .command = f->sends ? "send" : "recv",
				 .role = f->sends ? SP_ROLE_SEND : SP_ROLE_RECV,
				 .finished = true,
				 .interrupted = f->stopped && f->sends,
				 .exit_code = f->kind == UNMET ? SP_EXIT_UNMET : 0,
				 .duration_ns = 300 * MS,
				 .parts = &sp_agent_parts,
				 .parts_arg = &none };
	r->total.asked_pps = r->total.tx_pps = r->total.rx_pps = NAN;
	r->total.tx_bps = r->total.rx_bps = r->total.jitter_ns = NAN;
	r->total.outage_ns = r->total.ks_departure = r->total.ks_size = NAN;
	sp_counts_zero(&r->total.c);
	for (int c = 0; c < SP_C__N; c++)
		sp_counts_forget(&r->total.c, (enum sp_counter)c);
	if (f->sends)
		sp_counts_set(&r->total.c, SP_C_tx_packets, 100);
	sp_counts_set(&r->total.c, SP_C_rx_packets, 100);
	r->total.first_tx_ns = f->sends ? f->t0_ns + MS : 0;
	say(f, &m);
}

static void answer(struct fake *f, const struct sp_agent_msg *in)
{
	struct sp_agent_msg m = { .type = SP_AGENT_HELLO };

	switch (in->type) {
	case SP_AGENT_HELLO:
		if (f->kind == GONE)
			_exit(7);
		if (f->kind == BABBLES && write(f->lines.out, "{\"type\":\"hel\n", 13) != 13)
			_exit(1);
		if (f->kind == COMMANDS)
			m.type = SP_AGENT_QUIT;
		m.protocol = SP_AGENT_PROTOCOL;
		m.version = "0";
		sp_ctl_host_read(&m.host);
		say(f, &m);
		return;
	case SP_AGENT_CLOCK:
		say(f, &(struct sp_agent_msg){ .type = SP_AGENT_CLOCK,
					       .t1 = in->t1,
					       .t2 = now_ns(),
					       .t3 = now_ns() });
		return;
	case SP_AGENT_PREPARE:
		m = (struct sp_agent_msg){ .type = SP_AGENT_READY };
		if (f->kind == REFUSES)
			m = (struct sp_agent_msg){ .type = SP_AGENT_FAILED,
						   .to = "prepare",
						   .exit = SP_EXIT_PERM,
						   .text = "it may not" };
		say(f, &m);
		return;
	case SP_AGENT_ARM:
		f->t0_ns = in->t0_ns;
		say(f, &(struct sp_agent_msg){ .type = SP_AGENT_ARMED });
		return;
	case SP_AGENT_STOP:
		f->stopped = true;
		say_done(f);
		return;
	default:
		_exit(0);
	}
}

static void act_by_time(struct fake *f)
{
	uint64_t now = now_ns();

	if (!f->t0_ns || now < f->t0_ns)
		return;
	if (f->kind == DIES && now >= f->t0_ns + 100 * MS)
		_exit(9);
	if (f->sends && !f->stopped && now >= f->t0_ns + 300 * MS) {
		say_done(f);
		f->stopped = true;
	}
}

static void be_an_agent(enum kind kind, bool sends, int in, int out)
{
	struct fake f = { .kind = kind, .sends = sends };
	struct sp_agent_msg m;
	struct sp_arena arena;
	struct sp_err err;
	char *line;
	size_t len;
	int rc = 0;

	alarm(20);
	sp_lines_init(&f.lines, in, out, sp_mem_system());
	while (!rc) {
		struct pollfd fd = { .fd = in, .events = POLLIN };

		poll(&fd, 1, 10);
		act_by_time(&f);
		while ((line = sp_lines_next(&f.lines, SP_AGENT_LINE_MAX, &len, &rc))) {
			sp_arena_init(&arena, sp_mem_system());
			if (sp_agent_msg_get(line, len, 0, &arena, &m, &err))
				_exit(65);
			answer(&f, &m);
			sp_arena_fini(&arena);
		}
	}
	_exit(0);
}

/* ---- a run ---- */

struct seen {
	struct sp_fleet *fleet;
	unsigned starts, ends, acts;
	int act_fails;
	struct sp_result end;
	char remarks[4000], hosts[400];
};

static int spawn(void *arg, const struct sp_fleet_part *part, char *const argv[],
		 const int stdio[2], pid_t *pid, struct sp_err *err)
{
	(void)arg;
	(void)argv;
	*pid = fork();
	if (*pid == 0)
		be_an_agent((enum kind)part->kind, part->sends, stdio[0], stdio[1]);
	return *pid > 0 ? 0 : sp_fail(err, -errno, SP_EXIT_FAILED, "no process");
}

static int act(void *arg, unsigned what, struct sp_err *err)
{
	struct seen *s = arg;

	assert_int_equal(what, 40 + s->acts);
	s->acts++;
	return s->act_fails ? sp_fail(err, -EIO, SP_EXIT_FAILED, "the cable is glued") : 0;
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct seen *s = arg;
	size_t n;

	s->starts += e->kind == SP_EVENT_START;
	if (e->kind != SP_EVENT_END)
		return;
	s->ends++;
	s->end = *e->result;
	for (size_t i = 0; i < e->result->n_remarks; i++) {
		n = strlen(s->remarks);
		snprintf(s->remarks + n, sizeof s->remarks - n, "%s: %s\n",
			 e->result->remarks[i].code, e->result->remarks[i].text);
	}
	for (size_t i = 0; i < e->result->n_hosts; i++) {
		n = strlen(s->hosts);
		snprintf(s->hosts + n, sizeof s->hosts - n, "%s %s\n", e->result->hosts[i].name,
			 e->result->hosts[i].state);
	}
}

/* A receiver and senders of these kinds. What sp_fleet_new or a step said last. */
static int run(struct seen *s, const enum kind *kinds, unsigned n, enum sp_fleet_policy policy,
	       struct sp_err *err)
{
	static const struct sp_fleet_stage stages[] = { { 50 * MS, 40 }, { 150 * MS, 41 } };
	static const char *const names[] = { "r", "a", "b", "c" };
	struct sp_fleet_part parts[4];
	const struct sp_fleet_conf conf = { .parts = parts,
					    .n_parts = n,
					    .stages = stages,
					    .n_stages = 2,
					    .on_loss = policy,
					    .name = "test",
					    .plan_sha256 = "0",
					    .arg = s,
					    .spawn = spawn,
					    .act = act,
					    .event = on_event };
	int rc;

	for (unsigned i = 0; i < n; i++)
		parts[i] = (struct sp_fleet_part){ .host = names[i],
						   .kind = kinds[i],
						   .sends = i > 0,
						   .plan = "{}",
						   .sha256 = "0" };
	rc = sp_fleet_new(&s->fleet, &conf, sp_mem_system(), err);
	while (rc == 0)
		rc = sp_fleet_step(s->fleet, err);
	return rc;
}

static void test_a_life(void **state)
{
	static const enum kind kinds[] = { HONEST, HONEST, HONEST };
	struct seen s = { 0 };
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(run(&s, kinds, 3, SP_FLEET_CONTINUE, &err), 1);
	assert_int_equal(s.starts, 1);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.acts, 2);
	assert_int_equal(sp_fleet_exit_code(s.fleet), 0);
	assert_string_equal(s.hosts, "r done\na done\nb done\n");
	assert_int_equal(s.end.total.c.v[SP_C_tx_packets], 200);
	sp_fleet_free(s.fleet);
}

/* Nothing was run: the sentence names the host, and the exit status is the cause's. */
static void test_before_the_start(void **state)
{
	static const struct {
		enum kind kind;
		int exit;
		const char *text;
	} rows[] = {
		{ GONE, SP_EXIT_AGENTS,
		  "host a was lost before the start: its agent ended with "
		  "exit status 7" },
		{ BABBLES, SP_EXIT_AGENTS, "host a was lost before the start" },
		{ COMMANDS, SP_EXIT_AGENTS, "it speaks as a controller does" },
		{ REFUSES, SP_EXIT_PERM, "host a: it may not" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const enum kind kinds[] = { HONEST, rows[i].kind, HONEST };
		struct seen s = { 0 };
		struct sp_err err = { 0 };

		assert_true(run(&s, kinds, 3, SP_FLEET_CONTINUE, &err) < 0);
		assert_int_equal(err.exit, rows[i].exit);
		assert_non_null(strstr(err.text, rows[i].text));
		assert_int_equal(s.starts + s.ends, 0);
		sp_fleet_free(s.fleet);
	}
}

static void test_a_loss(void **state)
{
	static const enum kind kinds[] = { HONEST, DIES, HONEST };
	struct seen s = { 0 };
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(run(&s, kinds, 3, SP_FLEET_CONTINUE, &err), 1);
	assert_int_equal(sp_fleet_exit_code(s.fleet), SP_EXIT_AGENTS);
	assert_string_equal(s.hosts, "r done\na lost\nb done\n");
	assert_non_null(strstr(s.remarks, "agent-lost: host a was lost after 0.1 s"));
	assert_non_null(strstr(s.remarks, "exit status 9"));
	assert_false(s.end.interrupted);
	sp_fleet_free(s.fleet);
	/* Abort: the other sender is stopped before its end. */
	s = (struct seen){ 0 };
	assert_int_equal(run(&s, kinds, 3, SP_FLEET_ABORT, &err), 1);
	assert_int_equal(sp_fleet_exit_code(s.fleet), SP_EXIT_AGENTS);
	assert_true(s.end.interrupted);
	sp_fleet_free(s.fleet);
}

static void test_stages_and_requests_that_fail(void **state)
{
	static const enum kind kinds[] = { HONEST, HONEST, UNMET };
	struct seen s = { .act_fails = 1 };
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(run(&s, kinds, 2, SP_FLEET_CONTINUE, &err), 1);
	assert_int_equal(sp_fleet_exit_code(s.fleet), SP_EXIT_UNMET);
	assert_non_null(strstr(s.remarks, "stage: at 0.150 s: the cable is glued"));
	sp_fleet_free(s.fleet);
	s = (struct seen){ 0 };
	assert_int_equal(run(&s, kinds, 3, SP_FLEET_CONTINUE, &err), 1);
	assert_int_equal(sp_fleet_exit_code(s.fleet), SP_EXIT_UNMET);
	assert_string_equal(s.remarks, "");
	sp_fleet_free(s.fleet);
}

/* Of neutral remarks the first 32; room is left for those that matter. */
static void test_remarks(void **state)
{
	static const enum kind kinds[] = { HONEST };
	struct seen s = { 0 };
	const struct sp_fleet_conf conf = { .parts = &(struct sp_fleet_part){ .host = "r",
									      .kind = kinds[0],
									      .plan = "{}",
									      .sha256 = "0" },
					    .n_parts = 1,
					    .name = "test",
					    .arg = &s,
					    .spawn = spawn,
					    .event = on_event };
	struct sp_err err = { 0 };
	size_t n = 0;

	(void)state;
	assert_int_equal(sp_fleet_new(&s.fleet, &conf, sp_mem_system(), &err), 0);
	for (unsigned i = 0; i < 100; i++)
		sp_fleet_remark(s.fleet, "note", true, "n");
	sp_fleet_remark(s.fleet, "bad", false, "b");
	while (sp_fleet_step(s.fleet, &err) == 0)
		if (s.starts)
			sp_fleet_stop(s.fleet);
	for (const char *c = s.remarks; (c = strstr(c, "note: n")); c++)
		n++;
	assert_int_equal(n, 32);
	assert_non_null(strstr(s.remarks, "bad: b"));
	sp_fleet_free(s.fleet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_life),
		cmocka_unit_test(test_before_the_start),
		cmocka_unit_test(test_a_loss),
		cmocka_unit_test(test_stages_and_requests_that_fail),
		cmocka_unit_test(test_remarks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
