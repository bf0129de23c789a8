/* Sessions with keys: TLS, pairing, leases, and what strangers try. */
#include "ctl/client.h"
#include "ctl/testing.h"

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
#include <sys/stat.h>
#include <unistd.h>

#define CODE "4Q7K-9TNM-2XHD"

/* One user's keys in a folder of its own. */
struct user {
	char home[64];
	struct sp_keyring ring;
};

struct world {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_ctl_limits limits;
	struct t_run run;
	struct t_server server;
	struct user alice, bob; /* the client's, the server's */
};

static void open_user(struct user *u)
{
	struct sp_keyring_conf conf = { .home = u->home, .make_folder = true };

	strcpy(u->home, "/tmp/spate-user-XXXXXX");
	assert_non_null(mkdtemp(u->home));
	assert_int_equal(sp_keyring_open(&u->ring, &conf, sp_mem_system(), NULL), 0);
	assert_int_equal(sp_keyring_make_key(&u->ring, NULL), 0);
}

static void close_user(struct user *u)
{
	static const char *const parts[] = { "/.config/spate/key", "/.config/spate/trusted",
					     "/.config/spate", "/.config", "" };
	char path[128];

	sp_keyring_close(&u->ring);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(path, sizeof path, "%s%s", u->home, parts[i]);
		remove(path);
	}
}

static void trust(struct user *a, const char *name, const struct user *b)
{
	char text[SP_TRUST_NAME];

	strcpy(text, name);
	assert_int_equal(
		sp_keyring_add(&a->ring, text, false, sp_key_public(b->ring.key), NULL), 0);
}

static bool trusts(const struct user *a, const struct user *b)
{
	return sp_keyring_trusts(&a->ring, sp_key_public(b->ring.key)) != NULL;
}

static struct world *new_world(void)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	sp_mem_test_init(&w->mem, UINT64_MAX);
	t_env(&w->env, &w->clock, &w->mem.mem);
	w->limits = t_limits();
	w->limits.keyed_ns = 5 * SP_NS_PER_S;
	t_run_init(&w->run, 1);
	open_user(&w->alice);
	open_user(&w->bob);
	return w;
}

static void know_each_other(struct world *w)
{
	trust(&w->alice, "bob", &w->bob);
	trust(&w->bob, "alice", &w->alice);
}

static void start(struct world *w, const struct sp_ctl_secure *more)
{
	struct sp_ctl_secure s = *more;

	s.ring = &w->bob.ring;
	t_server_start_secure(&w->server, &w->run, &w->limits, &w->env, &s);
}

static const struct sp_ctl_secure plain = { .lease_pps = UINT64_MAX };

static void close_world(struct world *w, bool server)
{
	if (server)
		t_server_stop(&w->server);
	t_run_fini(&w->run);
	close_user(&w->alice);
	close_user(&w->bob);
	assert_int_equal(w->mem.live, 0);
	free(w);
}

static int to_loopback(void *arg, int fd, const struct sockaddr *sa, unsigned len)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	(void)sa;
	(void)len;
	in.sin_port = htons(*(const uint16_t *)arg);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&in, sizeof in);
}

struct caller {
	struct sp_ctl_client *c;
	struct sp_run_hooks h;
	struct sp_ask ask;
	struct sp_grant g;
	struct sp_err err;
	uint16_t port;
	int rc;
};

/* A client of alice's; where it thinks it goes does not matter, it reaches port. */
static void new_caller(struct world *w, struct caller *k, const char *code, uint16_t port)
{
	struct sp_ctl_client_conf conf = { .limits = w->limits,
					   .name = "unit test",
					   .connect = to_loopback,
					   .connect_arg = &k->port };
	struct sp_ctl_client_secure secure = { .ring = &w->alice.ring,
					       .always = true,
					       .code = code };

	*k = (struct caller){ .port = port,
			      .ask = { .to = w->run.at[0],
				       .transport = "udp",
				       .n_flows = 1,
				       .max_packets = UINT64_MAX,
				       .planned_ns = SP_NS_PER_S } };
	assert_int_equal(sp_ctl_client_new_conf(&k->c, &conf, &w->env, NULL), 0);
	assert_int_equal(sp_ctl_client_secure(k->c, &secure), 0);
	sp_ctl_client_hooks(k->c, &k->h);
	assert_true(k->h.keyed);
}

static int grant(struct caller *k)
{
	k->err = (struct sp_err){ 0 };
	k->rc = k->h.grant(k->h.arg, &k->ask, &k->g, 1, &k->err);
	return k->rc;
}

static void check_counts(struct caller *k, uint32_t n)
{
	uint64_t *tx = calloc(n, sizeof *tx);
	struct sp_peer_counts pc;
	struct sp_peer_flow want;

	assert_non_null(tx);
	assert_int_equal(k->h.peer_counts(k->h.arg, 0, tx, &pc), 0);
	assert_int_equal(pc.n_flows, n);
	for (uint32_t i = 0; i < n; i++) {
		t_flow(k->g.flow_base + i, &want);
		assert_true(t_same_flow(&pc.flows[i], &want));
	}
	free(tx);
}

/* ---- TLS ---- */

static void test_the_same_session_inside_tls(void **state)
{
	static const uint32_t sizes[] = { 1, 24, 700 };
	struct world *w = new_world();
	struct caller k;

	(void)state;
	know_each_other(w);
	w->run.tally_each = true;
	start(w, &plain);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		new_caller(w, &k, NULL, w->run.at[0].port);
		k.ask.n_flows = sizes[i];
		assert_int_equal(grant(&k), 0);
		assert_true(k.g.peer);
		assert_true(k.g.clock_known);
		check_counts(&k, sizes[i]);
		assert_null(sp_ctl_client_remark(k.c, 0));
		sp_ctl_client_free(k.c);
	}
	assert_true(t_run_wait_ended(&w->run, 3));
	close_world(w, true);
}

static void one_sided(struct world *w, const char *because)
{
	struct caller k;
	const char *why;

	new_caller(w, &k, NULL, w->run.at[0].port);
	assert_int_equal(grant(&k), 0);
	assert_false(k.g.peer);
	why = sp_ctl_client_remark(k.c, 0);
	assert_non_null(why);
	if (!strstr(why, because))
		fail_msg("'%s' is not in: %s", because, why);
	sp_ctl_client_free(k.c);
	assert_int_equal(t_run_sessions(&w->run), 0);
}

static void test_keys_that_are_not_trusted(void **state)
{
	struct world *w = new_world();

	(void)state;
	start(w, &plain);
	trust(&w->alice, "bob", &w->bob);
	one_sided(w, "hung up when this host showed its key");
	close_world(w, true);
	w = new_world();
	trust(&w->bob, "alice", &w->alice);
	start(w, &plain);
	one_sided(w, "shows a key that is not trusted here");
	close_world(w, true);
	/* a receiver without keys */
	w = new_world();
	trust(&w->alice, "bob", &w->bob);
	t_server_start(&w->server, &w->run, &w->limits, &w->env);
	one_sided(w, "hung up when this host showed its key");
	close_world(w, true);
}

static void test_keys_only(void **state)
{
	struct sp_ctl_secure only = { .keyed_only = true };
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };
	struct world *w = new_world();
	struct caller k;
	int fd;

	(void)state;
	know_each_other(w);
	start(w, &only);
	fd = t_connect(w->run.at[0].port);
	assert_true(t_say(fd, 77, &m));
	assert_true(t_closed_silently(fd));
	close(fd);
	new_caller(w, &k, NULL, w->run.at[0].port);
	assert_int_equal(grant(&k), 0);
	assert_true(k.g.peer);
	sp_ctl_client_free(k.c);
	close_world(w, true);
}

/* ---- pairing ---- */

static void pair_fails(struct world *w, const char *code, const char *because)
{
	struct caller k;

	new_caller(w, &k, code, w->run.at[0].port);
	assert_int_equal(grant(&k), -EACCES);
	assert_int_equal(k.err.exit, SP_EXIT_PERM);
	if (!strstr(k.err.text, because))
		fail_msg("'%s' is not in: %s", because, k.err.text);
	sp_ctl_client_free(k.c);
}

static void test_pairing(void **state)
{
	struct sp_ctl_secure pairs = { .code = CODE, .lease_pps = UINT64_MAX };
	struct world *w = new_world();
	struct caller k;

	(void)state;
	start(w, &pairs);
	new_caller(w, &k, "4q7k 9tnm 2xhd", w->run.at[0].port);
	assert_int_equal(grant(&k), 0);
	assert_true(k.g.peer); /* and the session goes on */
	check_counts(&k, 1);
	sp_ctl_client_free(k.c);
	assert_true(trusts(&w->alice, &w->bob));
	/* A code is good once. */
	pair_fails(w, CODE, "lets nobody pair");
	/* What it was for works without it. */
	new_caller(w, &k, NULL, w->run.at[0].port);
	assert_int_equal(grant(&k), 0);
	assert_true(k.g.peer);
	sp_ctl_client_free(k.c);
	t_server_stop(&w->server);
	assert_true(trusts(&w->bob, &w->alice));
	close_world(w, false);
}

/* A wrong code: nobody is trusted, and the right one comes too late. */
static void test_one_try(void **state)
{
	struct sp_ctl_secure pairs = { .code = CODE };
	struct world *w = new_world();

	(void)state;
	start(w, &pairs);
	pair_fails(w, "4Q7K-9TNM-2XHE", "did not take the pairing code");
	pair_fails(w, CODE, "lets nobody pair");
	t_server_stop(&w->server);
	assert_false(trusts(&w->alice, &w->bob));
	assert_false(trusts(&w->bob, &w->alice));
	close_world(w, false);
}

static void test_no_code_is_out(void **state)
{
	struct world *w = new_world();

	(void)state;
	start(w, &plain);
	pair_fails(w, CODE, "lets nobody pair");
	assert_int_equal(sp_ctl_server_secure(w->server.s,
					      &(struct sp_ctl_secure){ .code = "nonsense" }),
			 -EINVAL);
	close_world(w, true);
}

/* ---- a man in the middle ---- */

static bool anyone(void *arg, const struct sp_pubkey *key)
{
	(void)arg;
	(void)key;
	return true;
}

static struct sp_tls *shaken(struct sp_tls_ctx *ctx, int fd, bool server)
{
	struct sp_tls_conf conf = { .fd = fd, .server = server, .accept = anyone };
	struct sp_tls *t = sp_tls_new(ctx, &conf);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc;

	assert_non_null(t);
	while ((rc = sp_tls_handshake(t)) == 0)
		poll(&p, 1, 5000);
	assert_int_equal(rc, 1);
	return t;
}

static ssize_t read_record(struct sp_tls *t, int fd, uint8_t *rec)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while ((n = sp_tls_read(t, rec, SP_CTL_RECORD)) == -EAGAIN)
		if (poll(&p, 1, 5000) <= 0)
			return -ETIMEDOUT;
	return n;
}

struct middle {
	struct user mallory;
	uint16_t to;
	int listener;
	bool server_hung_up;
};

/* Alice's proof goes to bob as it is; bob's answer, if there were one, would go back. */
static void *in_the_middle(void *arg)
{
	struct sp_ctl_msg m = { .type = SP_CTL_START_TLS };
	struct middle *mid = arg;
	struct sp_tls_ctx *ctx = mid->mallory.ring.tls;
	uint8_t rec[SP_CTL_RECORD];
	int left = accept(mid->listener, NULL, NULL), right = t_connect(mid->to);
	struct sp_tls *tl, *tr;

	if (left < 0 || recv(left, rec, sizeof rec, MSG_WAITALL) != sizeof rec)
		abort();
	m.start_tls.pair = true;
	m.start_tls.key = *sp_key_public(mid->mallory.ring.key);
	if (!t_say(right, 1, &m))
		abort();
	tr = shaken(ctx, right, false);
	tl = shaken(ctx, left, true);
	if (read_record(tl, left, rec) != sizeof rec)
		abort();
	if (sp_tls_write(tr, rec, sizeof rec) != sizeof rec)
		abort();
	mid->server_hung_up = read_record(tr, right, rec) <= 0;
	/* Something of its own then, back to alice. */
	m = (struct sp_ctl_msg){ .type = SP_CTL_PAIR };
	sp_ctl_encode(&m, rec);
	sp_tls_write(tl, rec, sizeof rec);
	sp_tls_free(tl);
	sp_tls_free(tr);
	close(left);
	close(right);
	return NULL;
}

static void test_a_man_in_the_middle(void **state)
{
	struct sp_ctl_secure pairs = { .code = CODE };
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof in;
	struct world *w = new_world();
	struct middle mid = { .to = w->run.at[0].port };
	struct caller k;
	pthread_t thread;

	(void)state;
	open_user(&mid.mallory);
	start(w, &pairs);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	mid.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(mid.listener, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(mid.listener, 1), 0);
	getsockname(mid.listener, (struct sockaddr *)&in, &len);
	assert_int_equal(pthread_create(&thread, NULL, in_the_middle, &mid), 0);
	new_caller(w, &k, CODE, ntohs(in.sin_port));
	assert_int_equal(grant(&k), -EACCES);
	assert_non_null(strstr(k.err.text, "did not take the pairing code"));
	pthread_join(thread, NULL);
	assert_true(mid.server_hung_up);
	sp_ctl_client_free(k.c);
	t_server_stop(&w->server);
	assert_int_equal(w->alice.ring.trust.n, 0);
	assert_int_equal(w->bob.ring.trust.n, 0);
	close(mid.listener);
	close_user(&mid.mallory);
	close_world(w, false);
}

/* ---- leases ---- */

static void want_lease(struct caller *k, uint64_t pps)
{
	assert_int_equal(sp_addr_parse("8.8.4.2", &k->ask.to.addr), 0);
	k->ask.lease = true;
	k->ask.lease_pps = pps;
}

static void test_a_lease(void **state)
{
	struct world *w = new_world();
	struct sp_lease_terms t;
	struct caller k;
	uint64_t now;

	(void)state;
	know_each_other(w);
	start(w, &plain);
	new_caller(w, &k, NULL, w->run.at[0].port);
	want_lease(&k, 1000);
	assert_int_equal(grant(&k), 0);
	assert_true(k.g.peer);
	assert_int_equal(k.h.lease(k.h.arg, 0, &t), 0);
	now = sp_clock_now(&w->clock);
	assert_null(t.why);
	assert_in_range(t.until_ns, now + 20 * SP_NS_PER_S, now + 30 * SP_NS_PER_S);
	/* of 30 s, and what catching up may take; a little more by the time that passed */
	assert_in_range(t.packets, 32000, 36000);
	assert_int_equal(k.h.lease(k.h.arg, 1, &t), -ENODATA);
	sp_ctl_client_free(k.c);
	close_world(w, true);
}

static void test_no_lease(void **state)
{
	struct sp_ctl_secure none = { .lease_pps = 0 };
	struct world *w = new_world();
	struct caller k;

	(void)state;
	know_each_other(w);
	start(w, &none);
	new_caller(w, &k, NULL, w->run.at[0].port);
	want_lease(&k, 1000);
	assert_int_equal(grant(&k), -EACCES);
	assert_int_equal(k.err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(k.err.text, "8.8.4.2"));
	assert_non_null(strstr(k.err.text, "gives no leases"));
	sp_ctl_client_free(k.c);
	/* nobody there */
	new_caller(w, &k, NULL, 1);
	want_lease(&k, 1000);
	assert_int_equal(grant(&k), -EACCES);
	assert_non_null(strstr(k.err.text, "does not answer on its control port"));
	sp_ctl_client_free(k.c);
	close_world(w, true);
}

/* The receiver's limit, and what it asks of who has no key. */
static void test_the_receivers_limit(void **state)
{
	struct sp_ctl_secure some = { .lease_pps = 100 };
	struct sp_ctl_msg m = { .type = SP_CTL_LEASE_ASK };
	struct world *w = new_world();
	struct sp_lease_terms t;
	struct caller k;
	uint64_t cookie;
	int fd;

	(void)state;
	know_each_other(w);
	start(w, &some);
	new_caller(w, &k, NULL, w->run.at[0].port);
	want_lease(&k, UINT64_MAX);
	assert_int_equal(grant(&k), 0);
	assert_int_equal(k.h.lease(k.h.arg, 0, &t), 0);
	assert_in_range(t.packets, 3000, 3400);
	sp_ctl_client_free(k.c);
	fd = t_connect(w->run.at[0].port);
	cookie = t_open_session(fd, 1, SP_NS_PER_S, NULL);
	m.lease_ask.packets = 5;
	m.lease_ask.term_ns = SP_NS_PER_S;
	m.lease_ask.seq = 9;
	assert_true(t_say(fd, cookie, &m));
	do
		assert_true(t_hear(fd, &m));
	while (m.type == SP_CTL_SAMPLE);
	assert_int_equal(m.type, SP_CTL_LEASE);
	assert_int_equal(m.lease.seq, 9);
	assert_int_equal(m.lease.why, SP_CTL_LEASE_NO_KEY);
	assert_int_equal(m.lease.packets, 0);
	close(fd);
	close_world(w, true);
}

/* Steps the client until its lease fulfils a wish, for at most 10 s. */
static bool step_until(struct world *w, struct caller *k,
		       bool (*wish)(const struct sp_lease_terms *, uint64_t now, uint64_t arg),
		       uint64_t arg)
{
	struct pollfd p = { .fd = sp_ctl_client_fd(k->c), .events = POLLIN };
	uint64_t end = sp_clock_now(&w->clock) + 10 * SP_NS_PER_S, now;
	struct sp_lease_terms t;

	do {
		poll(&p, 1, 10);
		sp_ctl_client_step(k->c);
		assert_int_equal(k->h.lease(k->h.arg, 0, &t), 0);
		now = sp_clock_now(&w->clock);
		if (wish(&t, now, arg))
			return true;
	} while (now < end);
	return false;
}

static bool later_than(const struct sp_lease_terms *t, uint64_t now, uint64_t arg)
{
	(void)now;
	return t->until_ns > arg;
}

static bool is_over(const struct sp_lease_terms *t, uint64_t now, uint64_t arg)
{
	(void)arg;
	return t->until_ns <= now;
}

static bool is_gone(const struct sp_lease_terms *t, uint64_t now, uint64_t arg)
{
	(void)now;
	(void)arg;
	return !t->until_ns && t->why;
}

static void test_renewal(void **state)
{
	struct world *w = new_world();
	struct sp_lease_terms t;
	struct caller k;
	uint64_t packets;

	(void)state;
	w->limits.lease_ns = SP_NS_PER_S;
	know_each_other(w);
	start(w, &plain);
	new_caller(w, &k, NULL, w->run.at[0].port);
	want_lease(&k, 1000);
	assert_int_equal(grant(&k), 0);
	assert_int_equal(k.h.lease(k.h.arg, 0, &t), 0);
	packets = t.packets;
	assert_true(step_until(w, &k, later_than, t.until_ns));
	assert_int_equal(k.h.lease(k.h.arg, 0, &t), 0);
	assert_true(t.packets > packets); /* more time, more packets */
	assert_true(step_until(w, &k, later_than, t.until_ns));
	/* A receiver that hangs: nothing more comes, and the lease ends by itself. */
	pthread_mutex_lock(&w->run.lock);
	assert_true(step_until(w, &k, is_over, 0));
	pthread_mutex_unlock(&w->run.lock);
	sp_ctl_client_free(k.c);
	close_world(w, true);
}

static void test_the_receiver_goes(void **state)
{
	struct world *w = new_world();
	struct caller k;

	(void)state;
	know_each_other(w);
	start(w, &plain);
	new_caller(w, &k, NULL, w->run.at[0].port);
	want_lease(&k, 1000);
	assert_int_equal(grant(&k), 0);
	t_server_stop(&w->server);
	assert_true(step_until(w, &k, is_gone, 0));
	sp_ctl_client_free(k.c);
	close_world(w, false);
}

/* Without keys nobody outside the own networks is contacted, whatever is asked. */
static void test_no_keys_no_contact(void **state)
{
	struct world *w = new_world();
	struct sp_ctl_client_conf conf = { .limits = w->limits, .name = "unit test" };
	struct sp_run_hooks h = { 0 };
	struct sp_ctl_client *c;
	struct caller k = { .ask = { .transport = "udp", .n_flows = 1, .to.port = 5001 } };

	(void)state;
	want_lease(&k, 1000);
	assert_int_equal(sp_ctl_client_new_conf(&c, &conf, &w->env, NULL), 0);
	sp_ctl_client_hooks(c, &h);
	assert_false(h.keyed);
	assert_int_equal(h.grant(h.arg, &k.ask, &k.g, 1, &k.err), -EACCES);
	assert_int_equal(sp_ctl_client_packets(c), 0);
	assert_non_null(strstr(k.err.text, "cannot be asked"));
	sp_ctl_client_free(c);
	close_world(w, false);
}

/* ---- strangers ---- */

static void start_tls(int fd, const struct user *u, bool pair)
{
	struct sp_ctl_msg m = { .type = SP_CTL_START_TLS };

	m.start_tls.key = *sp_key_public(u->ring.key);
	m.start_tls.pair = pair;
	assert_true(t_say(fd, 5, &m));
}

static void test_not_a_word_to_strangers(void **state)
{
	static const enum sp_ctl_type early[] = { SP_CTL_PAIR, SP_CTL_LEASE_ASK, SP_CTL_LEASE };
	struct world *w = new_world();
	uint8_t garbage[SP_CTL_RECORD];
	struct user eve;
	int fd;

	(void)state;
	open_user(&eve);
	know_each_other(w);
	start(w, &plain);
	memset(garbage, 0x16, sizeof garbage);
	fd = t_connect(w->run.at[0].port);
	assert_int_equal(send(fd, garbage, sizeof garbage, MSG_NOSIGNAL), sizeof garbage);
	assert_true(t_closed_silently(fd));
	close(fd);
	for (int pair = 0; pair < 2; pair++) {
		fd = t_connect(w->run.at[0].port);
		start_tls(fd, &eve, pair);
		assert_true(t_closed_silently(fd));
		close(fd);
	}
	for (size_t i = 0; i < sizeof early / sizeof *early; i++) {
		struct sp_ctl_msg m = { .type = early[i] };

		fd = t_connect(w->run.at[0].port);
		assert_true(t_say(fd, 5, &m));
		assert_true(t_closed_silently(fd));
		close(fd);
	}
	/* It names a key that is trusted, and holds another: TLS finds out. */
	fd = t_connect(w->run.at[0].port);
	start_tls(fd, &w->alice, false);
	{
		struct sp_tls *t = shaken(eve.ring.tls, fd, false);

		assert_true(read_record(t, fd, garbage) <= 0);
		sp_tls_free(t);
	}
	close(fd);
	assert_true(t_server_wait(&w->server, 0, 0));
	assert_int_equal(t_run_sessions(&w->run), 0);
	close_user(&eve);
	close_world(w, true);
}

/* Names of trusted keys are known to others: who uses one gets a handshake, but only so many are
 * under way at once, and not for long. */
static void test_half_handshakes(void **state)
{
	enum { MANY = SP_CTL_HANDSHAKES + 20 };
	static const uint8_t half[] = { 0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3 };
	struct world *w = new_world();
	struct caller k;
	int fd[MANY];

	(void)state;
	know_each_other(w);
	w->limits.hello_ns = 2 * SP_NS_PER_S;
	start(w, &plain);
	for (int i = 0; i < MANY; i++) {
		fd[i] = t_connect(w->run.at[0].port);
		start_tls(fd[i], &w->alice, false);
		send(fd[i], half, sizeof half, MSG_NOSIGNAL);
	}
	for (int i = 0; i < MANY - (int)SP_CTL_HANDSHAKES; i++)
		assert_true(t_closed_silently(fd[i]));
	/* Somebody with a key is served all the same. */
	new_caller(w, &k, NULL, w->run.at[0].port);
	assert_int_equal(grant(&k), 0);
	assert_true(k.g.peer);
	sp_ctl_client_free(k.c);
	for (int i = 0; i < MANY; i++) {
		assert_true(t_closed_silently(fd[i]));
		close(fd[i]);
	}
	assert_true(t_server_wait(&w->server, 0, 0));
	close_world(w, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_session_inside_tls),
		cmocka_unit_test(test_keys_that_are_not_trusted),
		cmocka_unit_test(test_keys_only),
		cmocka_unit_test(test_pairing),
		cmocka_unit_test(test_one_try),
		cmocka_unit_test(test_no_code_is_out),
		cmocka_unit_test(test_a_man_in_the_middle),
		cmocka_unit_test(test_a_lease),
		cmocka_unit_test(test_no_lease),
		cmocka_unit_test(test_the_receivers_limit),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_the_receiver_goes),
		cmocka_unit_test(test_no_keys_no_contact),
		cmocka_unit_test(test_not_a_word_to_strangers),
		cmocka_unit_test(test_half_handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
