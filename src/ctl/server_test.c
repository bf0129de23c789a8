/* The server against peers that vanish, stall, flood and lie. */
#include "ctl/client.h"
#include "ctl/testing.h"

#include "base/rng.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct world {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_log log;
	char logged[1024];
	struct sp_ctl_limits limits;
	struct t_run run;
	struct t_server server;
	uint16_t port;
};

static void log_write(void *arg, enum sp_log_level level, const char *text)
{
	struct world *w = arg;

	(void)level;
	sp_strlcpy(w->logged, text, sizeof w->logged);
}

static struct world *new_world(void)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	sp_mem_test_init(&w->mem, UINT64_MAX);
	t_env(&w->env, &w->clock, &w->mem.mem);
	w->log = (struct sp_log){ .arg = w, .write = log_write, .max = SP_LOG_WARN };
	w->env.log = &w->log;
	w->limits = t_limits();
	t_run_init(&w->run, 1);
	w->port = w->run.at[0].port;
	return w;
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

/* A well-behaved session from end to end: what everybody else must still get. */
static void good_session(struct world *w, uint32_t n)
{
	int fd = t_connect(w->port);
	struct sp_ctl_msg m = { 0 };
	uint64_t cookie = t_open_session(fd, n, SP_NS_PER_S, NULL);
	struct sp_peer_flow want;
	uint32_t flows = 0, base;

	base = t_run_session(&w->run, t_run_sessions(&w->run)).base;
	t_say_final(fd, cookie, n);
	while (m.type != SP_CTL_DONE) {
		assert_true(t_hear(fd, &m));
		assert_int_equal(m.cookie, cookie);
		if (m.type != SP_CTL_FLOW)
			continue;
		assert_int_equal(m.flow.index, flows);
		t_flow(base + flows++, &want);
		assert_true(t_same_flow(&m.flow.f, &want));
	}
	assert_int_equal(flows, n);
	m.type = SP_CTL_BYE;
	assert_true(t_say(fd, cookie, &m));
	assert_true(t_closed_silently(fd));
	close(fd);
}

enum leave { LEAVE_CLOSE, LEAVE_RESET };

static void leave(int fd, enum leave how)
{
	struct linger now = { .l_onoff = 1 };

	if (how == LEAVE_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

/* Stage 0: before a byte; 1: half a hello; 2: after it; 3: in a session; 4: half of the final
 * counts; 5: after all of them, without reading; 6: having read a little; 7: all but goodbye. */
static uint32_t vanish_at(struct world *w, int stage, enum leave how)
{
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };
	uint8_t rec[SP_CTL_RECORD];
	int fd = t_connect(w->port);
	uint64_t cookie;

	sp_ctl_encode(&m, rec);
	if (stage == 1)
		assert_int_equal(send(fd, rec, 100, 0), 100);
	if (stage == 2) {
		assert_int_equal(send(fd, rec, sizeof rec, 0), sizeof rec);
		assert_true(t_hear(fd, &m));
	}
	if (stage >= 3) {
		cookie = t_open_session(fd, 1000, SP_NEVER, NULL);
		if (stage == 4) {
			m = (struct sp_ctl_msg){ .type = SP_CTL_FINAL, .final = { .n = 23 } };
			assert_true(t_say(fd, cookie, &m));
		}
		if (stage >= 5)
			t_say_final(fd, cookie, 1000);
		if (stage == 6)
			for (int i = 0; i < 10; i++)
				assert_true(t_hear(fd, &m));
		while (stage == 7 && m.type != SP_CTL_DONE)
			assert_true(t_hear(fd, &m));
	}
	leave(fd, how);
	return stage >= 3;
}

static void test_vanishing_at_each_stage(void **state)
{
	struct world *w = new_world();
	uint32_t sessions = 0;

	(void)state;
	start(w);
	for (int stage = 0; stage < 8; stage++) {
		for (int how = LEAVE_CLOSE; how <= LEAVE_RESET; how++) {
			sessions += vanish_at(w, stage, (enum leave)how);
			assert_true(t_run_wait_ended(&w->run, sessions));
			assert_true(t_server_wait(&w->server, 0, 0));
		}
	}
	for (uint32_t i = 1; i <= sessions; i++)
		assert_true(t_run_session(&w->run, i).lost);
	assert_int_equal(sessions, 10);
	good_session(w, 3);
	assert_true(t_run_wait_ended(&w->run, sessions + 1));
	assert_false(t_run_session(&w->run, sessions + 1).lost);
	close_world(w);
}

/* Silent after the planned end: lost. Silent before it: the run may still be on. */
static void test_silence(void **state)
{
	struct world *w = new_world();
	int past, future, told;

	(void)state;
	w->limits.silent_ns = 50 * SP_NS_PER_MS;
	start(w);
	past = t_connect(w->port);
	t_open_session(past, 2, 0, NULL);
	future = t_connect(w->port);
	t_open_session(future, 2, SP_NEVER, NULL);
	assert_true(t_closed_silently(past));
	assert_true(t_run_wait_ended(&w->run, 1));
	assert_true(t_run_session(&w->run, 1).lost);
	assert_int_equal(t_run_session(&w->run, 2).ends, 0);
	/* Having been told its counts, nobody may stay for ever. */
	told = t_connect(w->port);
	t_say_final(told, t_open_session(told, 2, SP_NEVER, NULL), 2);
	assert_true(t_server_wait(&w->server, 1, 1));
	assert_true(t_run_session(&w->run, 3).lost);
	close(past);
	close(told);
	close(future);
	assert_true(t_run_wait_ended(&w->run, 3));
	close_world(w);
}

static void test_half_a_hello_and_nothing(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };
	uint8_t rec[SP_CTL_RECORD];
	int none, half, greeted;

	(void)state;
	w->limits.hello_ns = 300 * SP_NS_PER_MS;
	start(w);
	none = t_connect(w->port);
	half = t_connect(w->port);
	greeted = t_connect(w->port);
	sp_ctl_encode(&m, rec);
	assert_int_equal(send(half, rec, 100, 0), 100);
	assert_int_equal(send(greeted, rec, sizeof rec, 0), sizeof rec);
	assert_true(t_hear(greeted, &m));
	assert_int_equal(m.type, SP_CTL_WELCOME);
	assert_true(t_closed_silently(none));
	assert_true(t_closed_silently(half));
	assert_true(t_closed_silently(greeted));
	assert_true(t_server_wait(&w->server, 0, 0));
	close(none);
	close(half);
	close(greeted);
	close_world(w);
}

static void test_garbage_gets_no_answer(void **state)
{
	struct world *w = new_world();
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 3, "garbage");
	start(w);
	for (int i = 0; i < 100; i++) {
		uint8_t junk[4 * SP_CTL_RECORD];
		int fd = t_connect(w->port);

		for (size_t k = 0; k < sizeof junk; k++)
			junk[k] = (uint8_t)sp_rng_u64(&rng);
		if (i % 4 == 1)
			memcpy(junk, "spCT\1\1\0\0", 8); /* only the beginning is right */
		if (i % 4 == 2)
			memcpy(junk, "GET / HTTP/1.1\r\n", 16);
		send(fd, junk, sizeof junk, MSG_NOSIGNAL);
		assert_true(t_closed_silently(fd));
		close(fd);
	}
	good_session(w, 30);
	assert_int_equal(t_run_sessions(&w->run), 1);
	close_world(w);
}

/* Right in form, wrong in what it says or when: closed, the session lost, nothing crashes. */
static void test_lies_in_a_session(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg lies[] = {
		{ .type = SP_CTL_HELLO },
		{ .type = SP_CTL_WELCOME },
		{ .type = SP_CTL_ASK, .ask = { .n_flows = 1 } },
		{ .type = SP_CTL_GRANT },
		{ .type = SP_CTL_CLOCK_REPLY },
		{ .type = SP_CTL_SAMPLE },
		{ .type = SP_CTL_COUNTS },
		{ .type = SP_CTL_DONE },
		{ .type = SP_CTL_FINAL, .final = { .first = 1, .n = 1 } },
		{ .type = SP_CTL_FINAL, .final = { .first = 0, .n = 3 } }, /* it has two */
		{ .type = SP_CTL_FINAL, .final = { .first = UINT32_MAX, .n = 1 } },
	};
	uint32_t n = sizeof lies / sizeof *lies;
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_ASK };
	uint64_t cookie;
	int fd;

	(void)state;
	start(w);
	for (uint32_t i = 0; i < n; i++) {
		fd = t_connect(w->port);
		cookie = t_open_session(fd, 2, SP_NEVER, NULL);
		assert_true(t_say(fd, cookie, &lies[i]));
		assert_true(t_closed_silently(fd));
		close(fd);
	}
	/* Another's cookie. */
	fd = t_connect(w->port);
	cookie = t_open_session(fd, 2, SP_NEVER, NULL);
	assert_true(t_say(fd, cookie + 1, &m));
	assert_true(t_closed_silently(fd));
	close(fd);
	/* More final counts than there are flows, in a second record. */
	fd = t_connect(w->port);
	cookie = t_open_session(fd, 2, SP_NEVER, NULL);
	t_say_final(fd, cookie, 2);
	t_say_final(fd, cookie, 2);
	while (recv(fd, (uint8_t[256]){ 0 }, 256, 0) > 0)
		;
	close(fd);
	assert_true(t_run_wait_ended(&w->run, n + 2));
	for (uint32_t i = 1; i <= n + 2; i++)
		assert_true(t_run_session(&w->run, i).lost);
	good_session(w, 2);
	close_world(w);
}

static void test_another_version_is_told_ours(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };
	uint8_t rec[SP_CTL_RECORD];
	int fd;

	(void)state;
	start(w);
	fd = t_connect(w->port);
	sp_ctl_encode(&m, rec);
	rec[4] = SP_CTL_VERSION + 1;
	assert_int_equal(send(fd, rec, sizeof rec, 0), sizeof rec);
	assert_true(t_hear(fd, &m));
	assert_int_equal(m.type, SP_CTL_BYE);
	assert_true(t_closed_silently(fd));
	close(fd);
	close_world(w);
}

/* Reads a record now and then, while others are served; in the end it has everything. */
static void test_slow_reader(void **state)
{
	struct world *w = new_world();
	uint32_t n = 10000, flows = 0;
	struct sp_ctl_msg m = { 0 };
	int small = 4096, fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(w->port) };
	uint64_t cookie;

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	start(w);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	cookie = t_open_session(fd, n, SP_NS_PER_S, NULL);
	t_say_final(fd, cookie, n);
	for (int i = 0; i < 20; i++) {
		assert_true(t_hear(fd, &m));
		good_session(w, 50);
	}
	/* 2 MB are to be told; what waits for it here is one buffer, and it is not gone. */
	assert_true(t_server_wait(&w->server, 1, 1));
	assert_int_equal(t_run_session(&w->run, 1).ends, 0);
	flows += 20 - 1; /* the first was the head */
	while (m.type != SP_CTL_DONE) {
		assert_true(t_hear(fd, &m));
		flows += m.type == SP_CTL_FLOW;
	}
	assert_int_equal(flows, n);
	m.type = SP_CTL_BYE;
	assert_true(t_say(fd, cookie, &m));
	assert_true(t_closed_silently(fd));
	close(fd);
	assert_false(t_run_session(&w->run, 1).lost);
	close_world(w);
}

/* Asks for the time as fast as it can and never reads an answer: it is slowed down, no more. */
static void test_flood_without_reading(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_ASK };
	struct timeval patience = { .tv_usec = 100000 };
	uint64_t cookie, said = 0;
	int fd;

	(void)state;
	start(w);
	fd = t_connect(w->port);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	cookie = t_open_session(fd, 1, SP_NEVER, NULL);
	while (t_say(fd, cookie, &m))
		said++;
	assert_true(said > 1000); /* and then nobody took more */
	good_session(w, 100);
	assert_int_equal(t_run_session(&w->run, 1).ends, 0);
	close(fd);
	assert_true(t_run_wait_ended(&w->run, 2));
	close_world(w);
}

static void test_too_many_strangers(void **state)
{
	struct world *w = new_world();
	int session, fd[20];
	char byte;

	(void)state;
	w->limits.conns = 8;
	start(w);
	session = t_connect(w->port);
	t_open_session(session, 1, SP_NEVER, NULL);
	for (int i = 0; i < 20; i++)
		fd[i] = t_connect(w->port);
	/* The oldest make room; the session and the youngest stay. */
	assert_true(t_closed_silently(fd[0]));
	assert_true(t_closed_silently(fd[12]));
	assert_true(t_server_wait(&w->server, 8, 1));
	assert_int_equal(recv(fd[19], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(__atomic_load_n(&w->server.most_conns, __ATOMIC_RELAXED), 8);
	good_session(w, 2);
	for (int i = 0; i < 20; i++)
		close(fd[i]);
	close(session);
	assert_true(t_run_wait_ended(&w->run, 2));
	close_world(w);
}

/* All places are sessions': the next one is closed at once, and served when one has ended. */
static void test_full_of_sessions(void **state)
{
	struct world *w = new_world();
	int a, b, c;

	(void)state;
	w->limits.conns = 2;
	start(w);
	a = t_connect(w->port);
	t_open_session(a, 1, SP_NEVER, NULL);
	b = t_connect(w->port);
	t_open_session(b, 1, SP_NEVER, NULL);
	c = t_connect(w->port);
	assert_true(t_closed_silently(c));
	close(c);
	close(a);
	assert_true(t_server_wait(&w->server, 1, 1));
	good_session(w, 1);
	close(b);
	assert_true(t_run_wait_ended(&w->run, 3));
	close_world(w);
}

/* What is told to it is no sign of life: a sender that says nothing is gone after its end. */
static void test_silence_under_samples(void **state)
{
	struct world *w = new_world();
	int fd;

	(void)state;
	w->limits.silent_ns = 200 * SP_NS_PER_MS;
	w->limits.sample_ns = 5 * SP_NS_PER_MS;
	start(w);
	fd = t_connect(w->port);
	t_open_session(fd, 2, 0, NULL);
	assert_true(t_run_wait_ended(&w->run, 1));
	assert_true(t_run_session(&w->run, 1).lost);
	assert_true(t_run_session(&w->run, 1).samples > 0);
	close(fd);
	close_world(w);
}

static void wait_ns(const struct world *w, uint64_t ns)
{
	uint64_t end = sp_clock_now(&w->clock) + ns;

	while (sp_clock_now(&w->clock) < end)
		usleep(1000);
}

/* All places are sessions' that plan to stay for ever: who says nothing goes for a newcomer, and
 * who talks stays. */
static void test_full_of_silent_sessions(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_ASK };
	uint64_t cookie;
	int silent, talks;

	(void)state;
	w->limits.conns = 2;
	w->limits.silent_ns = 200 * SP_NS_PER_MS;
	start(w);
	talks = t_connect(w->port);
	cookie = t_open_session(talks, 1, SP_NEVER, NULL);
	silent = t_connect(w->port);
	t_open_session(silent, 1, SP_NEVER, NULL);
	wait_ns(w, 2 * w->limits.silent_ns);
	assert_true(t_say(talks, cookie, &m));
	do
		assert_true(t_hear(talks, &m));
	while (m.type != SP_CTL_CLOCK_REPLY);
	assert_int_equal(t_run_session(&w->run, 2).ends, 0);
	good_session(w, 1);
	assert_int_equal(t_run_session(&w->run, 1).ends, 0);
	assert_int_equal(t_run_session(&w->run, 2).ends, 1);
	assert_true(t_run_session(&w->run, 2).lost);
	close(silent);
	close(talks);
	assert_true(t_run_wait_ended(&w->run, 3));
	close_world(w);
}

/* One has asked for all flows and says nothing: it goes when another finds none. */
static void test_silent_owner_of_all_flows(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };
	int owner, other;

	(void)state;
	w->run.max_flows = 100;
	w->limits.silent_ns = 200 * SP_NS_PER_MS;
	start(w);
	owner = t_connect(w->port);
	t_open_session(owner, 100, SP_NEVER, NULL);
	wait_ns(w, 2 * w->limits.silent_ns);
	assert_int_equal(t_run_session(&w->run, 1).ends, 0);
	other = t_connect(w->port);
	assert_true(t_say(other, 1, &m));
	assert_true(t_hear(other, &m));
	m = (struct sp_ctl_msg){ .type = SP_CTL_ASK,
				 .ask = { .n_flows = 1 },
				 .cookie = m.cookie };
	assert_true(t_say(other, m.cookie, &m));
	assert_true(t_hear(other, &m));
	assert_int_equal(m.type, SP_CTL_GRANT);
	assert_int_equal(m.grant.why, SP_CTL_FULL);
	assert_true(t_run_wait_ended(&w->run, 1));
	assert_true(t_run_session(&w->run, 1).lost);
	close(owner);
	close(other);
	close_world(w);
}

/* What a sender on another host makes of the clock reaches the run. */
static void test_clock_reaches_the_run(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_ASK };
	uint64_t cookie, now;
	struct t_session s;
	int fd;

	(void)state;
	start(w);
	fd = t_connect(w->port);
	cookie = t_open_session(fd, 1, SP_NEVER, NULL);
	s = t_run_session(&w->run, 1);
	assert_string_equal(s.name, "raw\\x1bpeer"); /* harmless on a terminal */
	m.clock.seq = 5;
	m.clock.t1 = 1234;
	now = sp_clock_now(&w->clock);
	assert_true(t_say(fd, cookie, &m));
	assert_true(t_hear(fd, &m));
	assert_int_equal(m.type, SP_CTL_CLOCK_REPLY);
	assert_int_equal(m.clock.seq, 5);
	assert_int_equal(m.clock.t1, 1234);
	assert_true(m.clock.t2 >= now && m.clock.t3 >= m.clock.t2);
	assert_true(m.clock.t3 <= sp_clock_now(&w->clock));
	m = (struct sp_ctl_msg){ .type = SP_CTL_CLOCK_SET };
	m.clock_set.known = true;
	m.clock_set.offset_ns = -5000;
	m.clock_set.error_ns = 70;
	assert_true(t_say(fd, cookie, &m));
	m.type = SP_CTL_BYE;
	assert_true(t_say(fd, cookie, &m));
	assert_true(t_run_wait_ended(&w->run, 1));
	s = t_run_session(&w->run, 1);
	assert_true(s.clock_known);
	assert_int_equal(s.offset_ns, -5000);
	assert_int_equal(s.error_ns, 70);
	assert_false(s.lost);
	close(fd);
	close_world(w);
}

/* The receiver ends first: its sessions end with it, and are not called lost. */
static void test_server_goes_first(void **state)
{
	struct world *w = new_world();
	int fd;

	(void)state;
	start(w);
	fd = t_connect(w->port);
	t_open_session(fd, 4, SP_NEVER, NULL);
	t_server_stop(&w->server);
	assert_true(t_closed_silently(fd));
	close(fd);
	assert_int_equal(t_run_session(&w->run, 1).ends, 1);
	assert_false(t_run_session(&w->run, 1).lost);
	assert_int_equal(w->mem.live, 0);
	t_run_fini(&w->run);
	free(w);
}

static void test_port_taken(void **state)
{
	struct world *w = new_world();
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(w->port) };
	int other = socket(AF_INET, SOCK_STREAM, 0);
	struct sp_ctl_server *s;
	char port[32];

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(other, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(
		sp_ctl_server_new_ops(&s, t_run_ops(), &w->run, &w->limits, &w->env, NULL), 0);
	assert_int_equal(sp_ctl_server_listeners(s), 0);
	snprintf(port, sizeof port, "TCP port %u is taken", w->port);
	assert_non_null(strstr(w->logged, port));
	sp_ctl_server_step(s);
	sp_ctl_server_free(s);
	close(other);
	t_run_fini(&w->run);
	free(w);
}

/* [::] takes IPv4 too, so that 0.0.0.0 of the same number needs no listener of its own. */
static void test_all_addresses(void **state)
{
	struct world *w = new_world();

	(void)state;
	w->run.n_at = 3;
	w->run.at[1] = (struct sp_endpoint){ .addr = { .family = 4 }, .port = w->port };
	w->run.at[2] = (struct sp_endpoint){ .addr = { .family = 6 }, .port = w->port };
	start(w);
	assert_int_equal(sp_ctl_server_listeners(w->server.s), 1);
	good_session(w, 1);
	/* A mapped address reads as what it is. */
	assert_int_equal(t_run_session(&w->run, 1).peer.addr.family, 4);
	assert_int_equal(t_run_session(&w->run, 1).peer.addr.ip[0], 127);
	w->run.n_at = 1;
	close_world(w);
}

static void test_set_up_without_memory(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_server *s;
	struct sp_err err;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		assert_true(n < 10);
		sp_mem_test_init(&w->mem, n);
		err = (struct sp_err){ 0 };
		rc = sp_ctl_server_new_ops(&s, t_run_ops(), &w->run, &w->limits, &w->env, &err);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(err.code, -ENOMEM);
			assert_null(s);
		} else {
			sp_ctl_server_free(s);
		}
		assert_int_equal(w->mem.live, 0);
	}
	t_run_fini(&w->run);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vanishing_at_each_stage),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_half_a_hello_and_nothing),
		cmocka_unit_test(test_garbage_gets_no_answer),
		cmocka_unit_test(test_lies_in_a_session),
		cmocka_unit_test(test_another_version_is_told_ours),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_flood_without_reading),
		cmocka_unit_test(test_too_many_strangers),
		cmocka_unit_test(test_full_of_sessions),
		cmocka_unit_test(test_silence_under_samples),
		cmocka_unit_test(test_full_of_silent_sessions),
		cmocka_unit_test(test_silent_owner_of_all_flows),
		cmocka_unit_test(test_clock_reaches_the_run),
		cmocka_unit_test(test_server_goes_first),
		cmocka_unit_test(test_port_taken),
		cmocka_unit_test(test_all_addresses),
		cmocka_unit_test(test_set_up_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
