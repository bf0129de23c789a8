#include "ctl/testing.h"

#include "base/rng.h"
#include "base/str.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static void nap(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

/* ---- the run ---- */

static int udp_port(struct sp_endpoint *at)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof in;
	int fd, tcp;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (;;) {
		in.sin_port = 0;
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || tcp < 0 || bind(fd, (struct sockaddr *)&in, sizeof in) ||
		    getsockname(fd, (struct sockaddr *)&in, &len))
			abort();
		if (bind(tcp, (struct sockaddr *)&in, sizeof in) == 0)
			break;
		close(tcp);
		close(fd);
	}
	close(tcp);
	sp_endpoint_from_sockaddr(at, (struct sockaddr *)&in);
	return fd;
}

void t_run_init(struct t_run *r, unsigned n)
{
	memset(r, 0, sizeof *r);
	pthread_mutex_init(&r->lock, NULL);
	r->max_flows = 1000000;
	for (r->n_at = 0; r->n_at < n; r->n_at++)
		r->udp[r->n_at] = udp_port(&r->at[r->n_at]);
}

void t_run_fini(struct t_run *r)
{
	for (unsigned i = 0; i < r->n_at; i++)
		close(r->udp[i]);
	pthread_mutex_destroy(&r->lock);
}

static int run_listening(void *arg, unsigned i, struct sp_endpoint *at, const char **transport)
{
	struct t_run *r = arg;

	if (i >= r->n_at)
		return -ENOENT;
	*at = r->at[i];
	*transport = "udp";
	return 0;
}

static int run_grant(void *arg, const struct sp_endpoint *peer, const char *name, uint32_t n,
		     struct sp_flow_grant *g)
{
	struct t_run *r = arg;
	struct t_session *s;
	int rc = -ENOSPC;

	pthread_mutex_lock(&r->lock);
	if (n <= r->max_flows - r->used && r->n_sessions < T_SESSIONS) {
		s = &r->s[++r->n_sessions];
		s->peer = *peer;
		sp_strlcpy(s->name, name, sizeof s->name);
		s->base = r->used;
		s->n = n;
		s->rx_unique = r->arrived;
		r->used += n;
		*g = (struct sp_flow_grant){ r->n_sessions, s->base, n, r->tally_each };
		rc = 0;
	}
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static void run_local(void *arg, uint32_t i, const struct sp_endpoint *local)
{
	struct t_run *r = arg;

	pthread_mutex_lock(&r->lock);
	r->s[i].local = *local;
	pthread_mutex_unlock(&r->lock);
}

static void run_clock(void *arg, uint32_t i, bool known, int64_t offset_ns, uint64_t error_ns)
{
	struct t_run *r = arg;

	pthread_mutex_lock(&r->lock);
	r->s[i].clocks++;
	r->s[i].clock_known = known;
	r->s[i].offset_ns = offset_ns;
	r->s[i].error_ns = error_ns;
	pthread_mutex_unlock(&r->lock);
}

static void run_sample(void *arg, uint32_t i, uint64_t *rx_unique, uint64_t *rx_bytes)
{
	struct t_run *r = arg;

	pthread_mutex_lock(&r->lock);
	r->s[i].samples++;
	if (r->grows) {
		r->grows--;
		r->s[i].rx_unique++;
	}
	*rx_unique = r->s[i].rx_unique;
	*rx_bytes = 100 * r->s[i].rx_unique;
	pthread_mutex_unlock(&r->lock);
}

static void run_final(void *arg, uint32_t i, const uint64_t *tx, uint32_t n)
{
	struct t_run *r = arg;

	pthread_mutex_lock(&r->lock);
	r->s[i].finals++;
	for (uint32_t k = 0; k < n; k++)
		r->s[i].tx_sum += tx[k];
	pthread_mutex_unlock(&r->lock);
}

bool t_same_flow(const struct sp_peer_flow *a, const struct sp_peer_flow *b)
{
	struct sp_ctl_msg m[2] = { { .type = SP_CTL_FLOW }, { .type = SP_CTL_FLOW } };
	uint8_t rec[2][SP_CTL_RECORD];

	m[0].flow.f = *a;
	m[1].flow.f = *b;
	for (unsigned i = 0; i < 2; i++)
		sp_ctl_encode(&m[i], rec[i]);
	return memcmp(rec[0], rec[1], sizeof *rec) == 0;
}

void t_flow(uint32_t id, struct sp_peer_flow *f)
{
	struct sp_rng rng;
	uint64_t *v = (uint64_t *)f;

	sp_rng_init(&rng, id, "flow");
	memset(f, 0, sizeof *f);
	for (size_t i = 0; i < offsetof(struct sp_peer_flow, delay) / sizeof *v; i++)
		v[i] = sp_rng_u64(&rng) >> (8 + sp_rng_below(&rng, 48));
	if (id % 3 == 0)
		return;
	f->delay = (struct sp_summary){
		.known = true,
		.coarse = id % 3 == 1,
		.n = 1 + sp_rng_below(&rng, 1000000),
		.min = -(int64_t)sp_rng_below(&rng, 1000),
		.p50 = (int64_t)sp_rng_below(&rng, 1000),
		.p90 = (int64_t)sp_rng_below(&rng, 10000),
		.p99 = (int64_t)sp_rng_below(&rng, 100000),
		.p999 = (int64_t)sp_rng_below(&rng, 1000000),
		.max = (int64_t)sp_rng_below(&rng, 10000000),
		.mean = 12.5 * sp_rng_unit(&rng),
		.clock_error = id % 2 ? -1 : (int64_t)sp_rng_below(&rng, 100),
	};
	f->delay.negative = f->delay.n / 3;
}

void t_hist(uint32_t seed, struct sp_hist *h)
{
	struct sp_rng rng;
	uint64_t n;

	memset(h, 0, sizeof *h);
	if (seed % 5 == 4)
		return; /* some are empty */
	sp_rng_init(&rng, seed, "hist");
	n = 1 + sp_rng_below(&rng, 2000);
	for (uint64_t i = 0; i < n; i++)
		sp_hist_add(h,
			    (int64_t)(sp_rng_u64(&rng) >> (20 + sp_rng_below(&rng, 44))) - 100);
	sp_hist_add(h, INT64_C(1) << 45); /* beyond the last bucket */
}

static int run_counts(void *arg, uint32_t i, const struct sp_mem *mem,
		      struct sp_peer_counts *pc)
{
	struct t_run *r = arg;
	struct t_session *s = &r->s[i];
	struct sp_hist **sets[] = { &pc->delay, &pc->delay_actual, &pc->gap_error };

	*pc = (struct sp_peer_counts){ 0 };
	if (r->no_counts)
		return -ENOMEM;
	pc->n_flows = s->n;
	pc->n_hists = r->no_hists ? 0 : r->tally_each ? s->n : 1;
	pc->dropped_units = 7;
	pc->rx_units = 1000 + i;
	pc->max_seg = 64;
	pc->dropped_known = true;
	pc->exclusive = i == 1;
	pc->rx_clock_kernel = true;
	pc->flows = sp_alloc_array(mem, s->n, sizeof *pc->flows);
	if (!pc->flows)
		goto fail;
	for (uint32_t k = 0; k < s->n; k++)
		t_flow(s->base + k, &pc->flows[k]);
	for (unsigned w = 0; w < 3 && pc->n_hists; w++) {
		*sets[w] = sp_alloc_array(mem, pc->n_hists, sizeof **sets[w]);
		if (!*sets[w])
			goto fail;
		for (uint32_t k = 0; k < pc->n_hists; k++)
			t_hist(3 * (s->base + k) + w, &(*sets[w])[k]);
	}
	return 0;
fail:
	t_run_ops()->counts_fini(pc, mem);
	return -ENOMEM;
}

static void run_counts_fini(struct sp_peer_counts *pc, const struct sp_mem *mem)
{
	sp_free(mem, pc->flows);
	sp_free(mem, pc->delay);
	sp_free(mem, pc->delay_actual);
	sp_free(mem, pc->gap_error);
	*pc = (struct sp_peer_counts){ 0 };
}

static void run_end(void *arg, uint32_t i, bool lost)
{
	struct t_run *r = arg;

	pthread_mutex_lock(&r->lock);
	r->s[i].ends++;
	r->s[i].lost = lost;
	pthread_mutex_unlock(&r->lock);
}

const struct sp_ctl_ops *t_run_ops(void)
{
	static const struct sp_ctl_ops ops = {
		.listening = run_listening,
		.grant_flows = run_grant,
		.session_local = run_local,
		.session_clock = run_clock,
		.session_sample = run_sample,
		.session_final = run_final,
		.session_counts = run_counts,
		.counts_fini = run_counts_fini,
		.session_end = run_end,
	};

	return &ops;
}

struct t_session t_run_session(struct t_run *r, uint32_t i)
{
	struct t_session s;

	pthread_mutex_lock(&r->lock);
	s = r->s[i];
	pthread_mutex_unlock(&r->lock);
	return s;
}

uint32_t t_run_sessions(struct t_run *r)
{
	uint32_t n;

	pthread_mutex_lock(&r->lock);
	n = r->n_sessions;
	pthread_mutex_unlock(&r->lock);
	return n;
}

bool t_run_wait_ended(struct t_run *r, uint32_t n)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		uint32_t ended = 0;

		for (uint32_t i = 1; i <= n; i++)
			ended += t_run_session(r, i).ends == 1;
		if (ended == n)
			return true;
		nap();
	}
	return false;
}

/* ---- the server ---- */

static void *server_thread(void *arg)
{
	struct t_server *t = arg;
	struct pollfd p[2] = { { .fd = sp_ctl_server_fd(t->s), .events = POLLIN },
			       { .fd = t->stop[0], .events = POLLIN } };

	while (!p[1].revents) {
		uint32_t conns;

		poll(p, 2, -1);
		sp_ctl_server_step(t->s);
		conns = sp_ctl_server_conns(t->s);
		if (conns > __atomic_load_n(&t->most_conns, __ATOMIC_RELAXED))
			__atomic_store_n(&t->most_conns, conns, __ATOMIC_RELAXED);
		__atomic_store_n(&t->conns, conns, __ATOMIC_RELAXED);
		__atomic_store_n(&t->sessions, sp_ctl_server_sessions(t->s), __ATOMIC_RELAXED);
	}
	return NULL;
}

void t_server_start(struct t_server *t, struct t_run *r, const struct sp_ctl_limits *limits,
		    const struct sp_env *env)
{
	t_server_start_secure(t, r, limits, env, NULL);
}

void t_server_start_secure(struct t_server *t, struct t_run *r,
			   const struct sp_ctl_limits *limits, const struct sp_env *env,
			   const struct sp_ctl_secure *secure)
{
	*t = (struct t_server){ 0 };
	if (sp_ctl_server_new_ops(&t->s, t_run_ops(), r, limits, env, NULL) || pipe(t->stop) ||
	    (secure && sp_ctl_server_secure(t->s, secure)) ||
	    pthread_create(&t->thread, NULL, server_thread, t))
		abort();
}

void t_server_stop(struct t_server *t)
{
	if (write(t->stop[1], "", 1) != 1)
		abort();
	pthread_join(t->thread, NULL);
	close(t->stop[0]);
	close(t->stop[1]);
	sp_ctl_server_free(t->s);
}

bool t_server_wait(const struct t_server *t, uint32_t conns, uint32_t sessions)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (__atomic_load_n(&t->conns, __ATOMIC_RELAXED) == conns &&
		    __atomic_load_n(&t->sessions, __ATOMIC_RELAXED) == sessions)
			return true;
		nap();
	}
	return false;
}

/* ---- the raw peer ---- */

int t_connect(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof in))
		abort();
	return fd;
}

bool t_say(int fd, uint64_t cookie, struct sp_ctl_msg *m)
{
	uint8_t rec[SP_CTL_RECORD];

	m->cookie = cookie;
	sp_ctl_encode(m, rec);
	return send(fd, rec, sizeof rec, MSG_NOSIGNAL) == sizeof rec;
}

bool t_hear(int fd, struct sp_ctl_msg *m)
{
	uint8_t rec[SP_CTL_RECORD];

	return recv(fd, rec, sizeof rec, MSG_WAITALL) == sizeof rec &&
	       sp_ctl_decode(rec, m) == 0;
}

bool t_closed_silently(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

uint64_t t_open_session(int fd, uint32_t n, uint64_t planned_ns, const struct sp_ctl_host *host)
{
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };

	if (host)
		m.hello.host = *host;
	if (!t_say(fd, 77, &m) || !t_hear(fd, &m) || m.type != SP_CTL_WELCOME ||
	    m.hello.nonce != 77)
		abort();
	m = (struct sp_ctl_msg){ .type = SP_CTL_ASK, .cookie = m.cookie };
	m.ask.n_flows = n;
	m.ask.planned_ns = planned_ns;
	strcpy(m.ask.name, "raw\033peer");
	if (!t_say(fd, m.cookie, &m) || !t_hear(fd, &m) || m.type != SP_CTL_GRANT ||
	    m.grant.why != SP_CTL_GRANTED || m.grant.n != n)
		abort();
	return m.cookie;
}

void t_say_final(int fd, uint64_t cookie, uint32_t n)
{
	for (uint32_t at = 0; at < n; at += SP_CTL_TXS) {
		struct sp_ctl_msg m = { .type = SP_CTL_FINAL };

		m.final.first = at;
		m.final.n = n - at < SP_CTL_TXS ? n - at : SP_CTL_TXS;
		for (uint32_t i = 0; i < m.final.n; i++)
			m.final.tx[i] = 1;
		if (!t_say(fd, cookie, &m))
			abort();
	}
}

struct sp_ctl_limits t_limits(void)
{
	struct sp_ctl_limits l = sp_ctl_limits_default();

	/* A busy machine must not fail a test: what may take long is long. */
	l.hello_ns = 30 * SP_NS_PER_S;
	l.discovery_ns = 5 * SP_NS_PER_S;
	l.clock_ns = 5 * SP_NS_PER_S;
	l.clock_max_ns = 5 * SP_NS_PER_S;
	l.counts_ns = 10 * SP_NS_PER_S;
	return l;
}

void t_env(struct sp_env *env, struct sp_clock *clock, const struct sp_mem *mem)
{
	sp_clock_init_real(clock);
	*env = (struct sp_env){ .mem = mem, .clock = clock };
}
