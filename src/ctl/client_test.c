/* The client against targets that are no spate receiver, or a bad one, or not to be asked. */
#include "ctl/client.h"
#include "ctl/testing.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What stands on the control port. */
enum act {
	ACT_HOLD, /* accepts and says nothing */
	ACT_CLOSE,
	ACT_HTTP,      /* another protocol, which closes */
	ACT_BANNER,    /* another protocol, which waits for us */
	ACT_HALF,      /* half a welcome, then closes */
	ACT_HALF_HOLD, /* half a welcome, then nothing */
	ACT_VERSION,
	ACT_NONCE, /* a welcome that answers somebody else */
	ACT_GRANT_FEWER,
	ACT_GRANT_HIGH, /* ids beyond what a stamp can carry */
	ACT_NO_GRANT,
	ACT_NO_CLOCK, /* a grant, and no answer about the time */
	ACT_LEAVE,    /* a session, and closes during the run */
	ACT_GARBLE,   /* a session, and garbage during the run */
	ACT_NO_COUNTS,
	ACT_FLOW_FIRST, /* flows without a head */
	ACT_SHORT,	/* says done before all flows were told */
	ACT_HISTS,	/* claims more histograms than were granted */
	ACT_OVERFULL,	/* buckets that hold more than the histogram */
	ACT__N
};

struct actor {
	enum act act;
	int listener, conn;
	struct sp_endpoint at;
	pthread_t thread;
};

static void tell(struct actor *a, uint64_t cookie, enum sp_ctl_type type,
		 const struct sp_ctl_msg *body)
{
	struct sp_ctl_msg m = { 0 };

	if (body)
		m = *body;
	m.type = type;
	t_say(a->conn, cookie, &m);
}

static void act_counts(struct actor *a)
{
	struct sp_ctl_msg counts = { .counts = { .n_flows = 2, .n_hists = 1 } };
	struct sp_ctl_msg hist = { .hist = { .n = 2, .min = 1, .max = 3, .sum = 4 } };
	struct sp_ctl_msg buckets = { .buckets = { .n = 1, .bucket = { 1 }, .count = { 3 } } };
	struct sp_ctl_msg flow = { 0 };

	if (a->act == ACT_FLOW_FIRST) {
		tell(a, 9, SP_CTL_FLOW, NULL);
		return;
	}
	if (a->act == ACT_HISTS)
		counts.counts.n_hists = 2;
	tell(a, 9, SP_CTL_COUNTS, &counts);
	tell(a, 9, SP_CTL_FLOW, &flow);
	if (a->act == ACT_SHORT) {
		tell(a, 9, SP_CTL_DONE, NULL);
		return;
	}
	flow.flow.index = 1;
	tell(a, 9, SP_CTL_FLOW, &flow);
	tell(a, 9, SP_CTL_HIST, &hist);
	tell(a, 9, SP_CTL_BUCKETS, &buckets);
	tell(a, 9, SP_CTL_DONE, NULL);
}

/* In a session: answers about the time until the act begins. */
static void act_session(struct actor *a)
{
	struct sp_ctl_msg m;

	while (t_hear(a->conn, &m)) {
		struct sp_ctl_msg reply = { .clock = m.clock };

		reply.clock.t2 = m.clock.t1 + 100;
		reply.clock.t3 = m.clock.t1 + 100;
		if (m.type == SP_CTL_CLOCK_ASK && a->act != ACT_NO_CLOCK)
			tell(a, 9, SP_CTL_CLOCK_REPLY, &reply);
		if (m.type == SP_CTL_CLOCK_SET && a->act == ACT_LEAVE)
			return;
		if (m.type == SP_CTL_CLOCK_SET && a->act == ACT_GARBLE)
			send(a->conn, "garbage", 7, MSG_NOSIGNAL);
		if (m.type == SP_CTL_FINAL && a->act >= ACT_FLOW_FIRST)
			act_counts(a);
	}
}

static void act_hello(struct actor *a)
{
	struct sp_ctl_msg m, reply = { 0 };
	uint8_t rec[SP_CTL_RECORD];

	if (!t_hear(a->conn, &m))
		return;
	reply.type = SP_CTL_WELCOME;
	reply.cookie = 9;
	reply.hello.nonce = m.cookie + (a->act == ACT_NONCE);
	sp_ctl_encode(&reply, rec);
	if (a->act == ACT_VERSION)
		rec[4] = 200;
	if (a->act == ACT_HALF || a->act == ACT_HALF_HOLD) {
		send(a->conn, rec, 100, MSG_NOSIGNAL);
		if (a->act == ACT_HALF_HOLD)
			t_hear(a->conn, &m);
		return;
	}
	send(a->conn, rec, sizeof rec, MSG_NOSIGNAL);
	if (!t_hear(a->conn, &m) || m.type != SP_CTL_ASK)
		return;
	if (a->act == ACT_NO_GRANT) {
		t_hear(a->conn, &m);
		return;
	}
	reply = (struct sp_ctl_msg){ .grant = { .session = 1, .n = m.ask.n_flows } };
	if (a->act == ACT_GRANT_FEWER)
		reply.grant.n--;
	if (a->act == ACT_GRANT_HIGH)
		reply.grant.base = (1u << 24) - 1;
	tell(a, 9, SP_CTL_GRANT, &reply);
	act_session(a);
}

static void *actor_thread(void *arg)
{
	struct actor *a = arg;
	char buf[256];

	a->conn = accept(a->listener, NULL, NULL);
	if (a->conn < 0)
		return NULL;
	if (a->act == ACT_HTTP || a->act == ACT_BANNER)
		send(a->conn, "220 ESMTP at your service\r\n", 27, MSG_NOSIGNAL);
	if (a->act == ACT_HOLD || a->act == ACT_BANNER)
		while (recv(a->conn, buf, sizeof buf, 0) > 0)
			;
	if (a->act == ACT_HTTP) {
		shutdown(a->conn, SHUT_WR);
		while (recv(a->conn, buf, sizeof buf, 0) > 0)
			;
	}
	if (a->act >= ACT_HALF)
		act_hello(a);
	close(a->conn);
	return NULL;
}

static void actor_start(struct actor *a, enum act act)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof in;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*a = (struct actor){ .act = act, .conn = -1 };
	a->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(a->listener, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(a->listener, 5), 0);
	assert_int_equal(getsockname(a->listener, (struct sockaddr *)&in, &len), 0);
	sp_endpoint_from_sockaddr(&a->at, (struct sockaddr *)&in);
	assert_int_equal(pthread_create(&a->thread, NULL, actor_thread, a), 0);
}

static void actor_stop(struct actor *a)
{
	shutdown(a->listener, SHUT_RDWR);
	pthread_join(a->thread, NULL);
	close(a->listener);
}

/* ---- the client under test ---- */

struct bench {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_ctl_client_conf conf;
	struct sp_ctl_client *c;
	struct sp_run_hooks h;
	unsigned connects;
};

static void bench_init(struct bench *b)
{
	memset(b, 0, sizeof *b);
	sp_mem_test_init(&b->mem, UINT64_MAX);
	t_env(&b->env, &b->clock, &b->mem.mem);
	b->conf.limits = t_limits();
}

static void bench_start(struct bench *b)
{
	assert_int_equal(sp_ctl_client_new_conf(&b->c, &b->conf, &b->env, NULL), 0);
	sp_ctl_client_hooks(b->c, &b->h);
}

static void bench_fini(struct bench *b)
{
	sp_ctl_client_free(b->c);
	assert_int_equal(b->mem.live, 0);
}

static struct sp_ask ask_at(const struct sp_endpoint *to)
{
	return (struct sp_ask){
		.to = *to,
		.transport = "udp",
		.n_flows = 2,
		.planned_ns = SP_NS_PER_S,
		.max_packets = UINT64_MAX,
	};
}

static struct sp_ask ask_text(const char *addr)
{
	struct sp_endpoint to = { .port = 5001 };

	assert_int_equal(sp_addr_parse(addr, &to.addr), 0);
	return ask_at(&to);
}

/* What is said of a, with or without a session at first. */
static void meet(enum act act, bool session, const char *remark)
{
	struct sp_peer_counts pc;
	struct sp_grant g;
	struct sp_ask ask;
	struct actor a;
	struct bench b;
	char want[300], at[72];

	bench_init(&b);
	if (act == ACT_HOLD || act == ACT_HALF_HOLD || act == ACT_NO_GRANT)
		b.conf.limits.discovery_ns = 200 * SP_NS_PER_MS;
	if (act == ACT_NO_COUNTS)
		b.conf.limits.counts_ns = 100 * SP_NS_PER_MS;
	bench_start(&b);
	actor_start(&a, act);
	ask = ask_at(&a.at);
	assert_int_equal(b.h.grant(b.h.arg, &ask, &g, 1, NULL), 0);
	assert_int_equal(g.peer, session);
	assert_true(g.control_packets >= 1);
	assert_int_equal(b.h.peer_counts(b.h.arg, 0, (uint64_t[]){ 3, 4 }, &pc), -ENODATA);
	sp_endpoint_format(at, sizeof at, &a.at);
	snprintf(want, sizeof want, "%s %s; counts are unknown", at, remark);
	assert_non_null(sp_ctl_client_remark(b.c, 0));
	assert_string_equal(sp_ctl_client_remark(b.c, 0), want);
	bench_fini(&b);
	actor_stop(&a);
}

static void test_no_receiver(void **state)
{
	(void)state;
	meet(ACT_HOLD, false, "accepts on its control port and then says nothing");
	meet(ACT_CLOSE, false, "accepts on its control port and closes at once");
	meet(ACT_HTTP, false, "speaks something else on its control port");
	meet(ACT_BANNER, false, "speaks something else on its control port");
	meet(ACT_HALF, false, "broke off in the middle of its answer on its control port");
	meet(ACT_HALF_HOLD, false, "broke off in the middle of its answer on its control port");
	meet(ACT_VERSION, false, "is a spate whose control is of another version");
}

static void test_bad_receiver(void **state)
{
	(void)state;
	meet(ACT_NONCE, false, "speaks something else on its control port");
	meet(ACT_GRANT_FEWER, false, "speaks something else on its control port");
	meet(ACT_GRANT_HIGH, false, "speaks something else on its control port");
	meet(ACT_NO_GRANT, false, "accepts on its control port and then says nothing");
	meet(ACT_LEAVE, true, "ended its control session during the run");
	meet(ACT_GARBLE, true, "sent nonsense in its control session");
	meet(ACT_NO_COUNTS, true, "did not tell its counts in time");
	meet(ACT_FLOW_FIRST, true, "sent nonsense in its control session");
	meet(ACT_SHORT, true, "sent nonsense in its control session");
	meet(ACT_HISTS, true, "sent nonsense in its control session");
	meet(ACT_OVERFULL, true, "sent nonsense in its control session");
}

/* A grant without a clock is a session all the same: its delays stay unknown. */
static void test_no_clock(void **state)
{
	struct sp_grant g;
	struct sp_ask ask;
	struct actor a;
	struct bench b;

	(void)state;
	bench_init(&b);
	b.conf.limits.clock_ns = 10 * SP_NS_PER_MS;
	b.conf.limits.clock_max_ns = 50 * SP_NS_PER_MS;
	bench_start(&b);
	actor_start(&a, ACT_NO_CLOCK);
	ask = ask_at(&a.at);
	assert_int_equal(b.h.grant(b.h.arg, &ask, &g, 1, NULL), 0);
	assert_true(g.peer);
	assert_false(g.clock_known);
	assert_false(g.same_host);
	bench_fini(&b);
	actor_stop(&a);
}

/* The silent ones cost one timeout together, and the good one among them is found. */
static void test_silence_is_paid_once(void **state)
{
	enum { N = 12 };
	struct sp_ask asks[N + 1];
	struct sp_grant g[N + 1];
	struct actor a[N];
	struct t_run run;
	struct t_server server;
	struct bench b;
	uint64_t took;

	(void)state;
	bench_init(&b);
	b.conf.limits.discovery_ns = 300 * SP_NS_PER_MS;
	bench_start(&b);
	t_run_init(&run, 1);
	t_server_start(&server, &run, &b.conf.limits, &b.env);
	for (int i = 0; i < N; i++) {
		actor_start(&a[i], i % 2 ? ACT_HOLD : ACT_HALF_HOLD);
		asks[i] = ask_at(&a[i].at);
	}
	asks[N] = ask_at(&run.at[0]);
	took = sp_clock_now(&b.clock);
	assert_int_equal(b.h.grant(b.h.arg, asks, g, N + 1, NULL), 0);
	took = sp_clock_now(&b.clock) - took;
	assert_in_range(took, 300 * SP_NS_PER_MS, N * 300 * SP_NS_PER_MS / 2);
	for (int i = 0; i < N; i++)
		assert_false(g[i].peer);
	assert_true(g[N].peer);
	t_server_stop(&server);
	t_run_fini(&run);
	bench_fini(&b);
	for (int i = 0; i < N; i++)
		actor_stop(&a[i]);
}

static void test_nobody_there(void **state)
{
	struct sp_peer_counts pc;
	struct sp_grant g;
	struct t_run run;
	struct sp_ask ask;
	struct bench b;
	uint64_t took;

	(void)state;
	bench_init(&b);
	b.conf.limits.discovery_ns = 60 * SP_NS_PER_S;
	bench_start(&b);
	t_run_init(&run, 1); /* a UDP port, and nothing on its TCP number */
	ask = ask_at(&run.at[0]);
	took = sp_clock_now(&b.clock);
	assert_int_equal(b.h.grant(b.h.arg, &ask, &g, 1, NULL), 0);
	assert_true(sp_clock_now(&b.clock) - took <
		    30 * SP_NS_PER_S); /* a refusal is an answer */
	assert_false(g.peer);
	assert_int_equal(g.control_packets, 1);
	assert_null(sp_ctl_client_remark(b.c, 0));
	assert_int_equal(b.h.peer_sample(b.h.arg, 0, &(uint64_t){ 0 }, &(uint64_t){ 0 }),
			 -ENODATA);
	assert_int_equal(b.h.peer_counts(b.h.arg, 0, (uint64_t[2]){ 0 }, &pc), -ENODATA);
	assert_int_equal(b.h.peer_counts(b.h.arg, 7, (uint64_t[2]){ 0 }, &pc), -ENODATA);
	bench_fini(&b);
	t_run_fini(&run);
}

/* ---- whom not to ask ---- */

static int count_connect(void *arg, int fd, const struct sockaddr *sa, unsigned len)
{
	struct bench *b = arg;

	(void)fd;
	(void)sa;
	(void)len;
	b->connects++;
	errno = ECONNREFUSED;
	return -1;
}

static void test_only_own_networks_are_contacted(void **state)
{
	static const char *const never[] = {
		"8.8.8.8",	   "1.1.1.1",	       "172.32.0.1", "2001:4860:4860::8888",
		"::ffff:8.8.8.8",  "64:ff9b::808:808", "0.0.0.0",    "::",
		"255.255.255.255", "224.1.1.1",	       "240.0.0.1",  "239.1.1.1",
		"ff02::1",	   "ff0e::1",
	};
	static const char *const own[] = { "127.0.0.1", "10.0.0.1", "192.168.1.1",
					   "fd99::1",	"::1",	    "169.254.1.1" };
	enum { NEVER = sizeof never / sizeof *never, OWN = sizeof own / sizeof *own };
	struct sp_ask asks[NEVER];
	struct sp_grant g[NEVER];
	struct bench b;

	(void)state;
	bench_init(&b);
	b.conf.connect = count_connect;
	b.conf.connect_arg = &b;
	bench_start(&b);
	for (int i = 0; i < NEVER; i++)
		asks[i] = ask_text(never[i]);
	assert_int_equal(b.h.grant(b.h.arg, asks, g, NEVER, NULL), 0);
	assert_int_equal(b.connects, 0);
	for (int i = 0; i < NEVER; i++) {
		assert_false(g[i].peer);
		assert_int_equal(g[i].control_packets, 0);
	}
	assert_int_equal(sp_ctl_client_packets(b.c), 0);
	for (int i = 0; i < OWN; i++)
		asks[i] = ask_text(own[i]);
	assert_int_equal(b.h.grant(b.h.arg, asks, g, OWN, NULL), 0);
	assert_int_equal(b.connects, OWN);
	/* Other transports have their control elsewhere. */
	asks[0].transport = "tcp";
	assert_int_equal(b.h.grant(b.h.arg, asks, g, 1, NULL), 0);
	assert_int_equal(b.connects, OWN);
	bench_fini(&b);
}

static void test_virtual_time_asks_nobody(void **state)
{
	struct sp_ask ask = ask_text("127.0.0.1");
	struct sp_grant g = { .peer = true };
	struct bench b;

	(void)state;
	bench_init(&b);
	sp_clock_init_virtual(&b.clock, 0);
	b.conf.connect = count_connect;
	b.conf.connect_arg = &b;
	bench_start(&b);
	assert_int_equal(b.h.grant(b.h.arg, &ask, &g, 1, NULL), 0);
	assert_false(g.peer);
	assert_int_equal(b.connects, 0);
	assert_int_equal(b.h.peer_counts(b.h.arg, 0, (uint64_t[2]){ 0 }, NULL), -ENODATA);
	bench_fini(&b);
}

/* The kernel may pick the target's own number as the source: that is nobody, not a peer. */
static int self_connect(void *arg, int fd, const struct sockaddr *sa, unsigned len)
{
	(void)arg;
	if (bind(fd, sa, len))
		return -1;
	return connect(fd, sa, len);
}

static void test_meeting_itself(void **state)
{
	struct sp_grant g;
	struct t_run run;
	struct sp_ask ask;
	struct bench b;

	(void)state;
	bench_init(&b);
	b.conf.connect = self_connect;
	bench_start(&b);
	t_run_init(&run, 1);
	ask = ask_at(&run.at[0]);
	assert_int_equal(b.h.grant(b.h.arg, &ask, &g, 1, NULL), 0);
	assert_false(g.peer);
	assert_null(sp_ctl_client_remark(b.c, 0));
	bench_fini(&b);
	t_run_fini(&run);
}

static void test_no_descriptors(void **state)
{
	struct rlimit saved, low;
	struct sp_grant g;
	struct sp_ask ask = ask_text("127.0.0.1");
	struct sp_ctl_client *c;
	struct sp_err err = { 0 };
	struct bench b;
	int next;

	(void)state;
	bench_init(&b);
	bench_start(&b);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	next = dup(0);
	close(next);
	low = saved;
	low.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(b.h.grant(b.h.arg, &ask, &g, 1, NULL), 0);
	assert_false(g.peer);
	assert_non_null(strstr(sp_ctl_client_remark(b.c, 0), "for want of descriptors"));
	assert_int_equal(sp_ctl_client_new(&c, &b.env, &err), -EMFILE);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	bench_fini(&b);
}

static void on_event(void *arg, const struct sp_event *ev)
{
	*(const struct sp_event **)arg = ev;
}

static void test_the_owner_keeps_its_events(void **state)
{
	const struct sp_event *seen = NULL;
	struct sp_event ev = { 0 };
	struct bench b;

	(void)state;
	bench_init(&b);
	b.h.arg = &seen;
	b.h.event = on_event;
	bench_start(&b);
	b.h.event(b.h.arg, &ev);
	assert_ptr_equal(seen, &ev);
	bench_fini(&b);
	bench_init(&b);
	bench_start(&b);
	assert_null(b.h.event);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_receiver),
		cmocka_unit_test(test_bad_receiver),
		cmocka_unit_test(test_no_clock),
		cmocka_unit_test(test_silence_is_paid_once),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_only_own_networks_are_contacted),
		cmocka_unit_test(test_virtual_time_asks_nobody),
		cmocka_unit_test(test_meeting_itself),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_the_owner_keeps_its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
