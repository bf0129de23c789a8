#include "ctl/client.h"

#include "base/str.h"
#include "ctl/client_peer.h"
#include "ctl/greet.h"
#include "ctl/tcp.h"
#include "engine/hello.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS 64

struct sp_ctl_client {
	struct sp_ctl_peer_ctx x;
	struct sp_ctl_client_conf conf;
	char name[SP_CTL_NAME];
	int epoll_fd, timer_fd;
	struct sp_ctl_peer *peers;
	uint32_t n_peers;
	uint64_t connects;
	uint64_t counts_by_ns; /* when all counts must be here; 0: nobody has asked yet */
	char remark[256];
	/* The event hook that was there before ours. */
	void (*event)(void *arg, const struct sp_event *);
	void *event_arg;
};

static uint64_t now_of(const struct sp_ctl_client *c)
{
	return sp_clock_now(c->x.env->clock);
}

/* ---- one peer and epoll ---- */

static void settle(struct sp_ctl_client *c, struct sp_ctl_peer *p, int rc)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };

	if (p->ch.fd < 0)
		return;
	if (rc || p->state == SP_CTL_P_GONE) {
		sp_ctl_chan_close(&p->ch);
		return;
	}
	if (p->state == SP_CTL_P_CONNECTING)
		ev.events = EPOLLOUT;
	else if (sp_ctl_chan_pending(&p->ch) || sp_ctl_chan_buffered(&p->ch) ||
		 (p->shake && sp_tls_wants_write(p->shake)))
		ev.events |= EPOLLOUT;
	if (ev.events == p->events)
		return;
	if (epoll_ctl(c->epoll_fd, p->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, p->ch.fd, &ev)) {
		sp_ctl_peer_fail(p, SP_CTL_W_LOCAL);
		sp_ctl_chan_close(&p->ch);
	}
	p->events = ev.events;
}

static void open_control(struct sp_ctl_client *, struct sp_ctl_peer *);

/* To where control is. */
static void move(struct sp_ctl_client *c, struct sp_ctl_peer *p, uint16_t port)
{
	sp_ctl_chan_close(&p->ch);
	p->ch.out_at = p->ch.out_end = p->ch.in_len = 0;
	p->events = 0;
	p->control = p->to;
	p->control.port = port;
	open_control(c, p);
}

/* The hello's socket makes way for the connection. */
static void found(struct sp_ctl_client *c, struct sp_ctl_peer *p)
{
	int port = sp_ctl_greet_answer(p->ch.fd, &p->to, p->cookie);

	if (port == -EAGAIN)
		return;
	if (port < 0) {
		sp_ctl_peer_fail(p, SP_CTL_W_NOBODY);
		settle(c, p, 0);
		return;
	}
	move(c, p, (uint16_t)port);
}

/* TCP data is taken on this number, too: control says where it is instead. */
static bool redirected(struct sp_ctl_client *c, struct sp_ctl_peer *p)
{
	uint8_t data[SP_HELLO_LEN];
	uint64_t nonce;
	uint16_t port;

	if (p->moved || (p->state != SP_CTL_P_SHAKING && p->state != SP_CTL_P_GREETING) ||
	    recv(p->ch.fd, data, sizeof data, MSG_PEEK | MSG_DONTWAIT) !=
		    (ssize_t)sizeof data ||
	    !sp_hello_get(data, sizeof data, &nonce, &port) || !port)
		return false;
	sp_tls_free(p->shake);
	p->shake = NULL;
	p->moved = true;
	move(c, p, port);
	return true;
}

static int connected(struct sp_ctl_client *c, struct sp_ctl_peer *p)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(p->ch.fd, SOL_SOCKET, SO_ERROR, &error, &len) || error ||
	    sp_ctl_tcp_is_self(p->ch.fd)) {
		sp_ctl_peer_fail(p, SP_CTL_W_NOBODY);
		return -ECONNREFUSED;
	}
	return sp_ctl_peer_begin(&c->x, p);
}

static void serve(struct sp_ctl_client *c, struct sp_ctl_peer *p, uint32_t events)
{
	int rc = 0;

	if (p->ch.fd < 0)
		return;
	if (p->state == SP_CTL_P_FINDING) {
		found(c, p);
		return;
	}
	if (p->state == SP_CTL_P_CONNECTING) {
		settle(c, p, connected(c, p));
		return;
	}
	if (redirected(c, p))
		return;
	if (p->state == SP_CTL_P_SHAKING) {
		rc = sp_ctl_peer_shake(&c->x, p);
		settle(c, p, rc);
		return;
	}
	if (events & EPOLLOUT)
		rc = sp_ctl_peer_writable(p);
	if (!rc && (events & (EPOLLIN | EPOLLHUP | EPOLLERR) || sp_ctl_chan_buffered(&p->ch)))
		rc = sp_ctl_peer_readable(&c->x, p);
	settle(c, p, rc);
}

static bool shows_key(const struct sp_ctl_client *c, const struct sp_ask *a)
{
	return c->x.secure.ring && (c->x.secure.always || a->lease);
}

/* A target outside the user's own network is contacted only where a key is shown, and a group has
 * no one to ask. */
static bool may_ask(const struct sp_ctl_client *c, const struct sp_ask *a)
{
	enum sp_addr_class class = sp_addr_class(&a->to.addr);

	return (strcmp(a->transport, "udp") == 0 || strcmp(a->transport, "tcp") == 0) &&
	       a->to.port && a->n_flows && a->n_flows <= SP_CTL_FLOWS_MAX &&
	       class != SP_ADDR_MULTICAST_OWN &&
	       (sp_addr_is_own(&a->to.addr) || (class == SP_ADDR_PUBLIC && shows_key(c, a)));
}

static int plain_connect(void *arg, int fd, const struct sockaddr *sa, unsigned len)
{
	(void)arg;
	return connect(fd, sa, len);
}

static void open_peer(struct sp_ctl_client *c, struct sp_ctl_peer *p, const struct sp_ask *a)
{
	uint32_t records = a->n_flows > SP_CTL_TXS ? SP_CTL_OUT_RECORDS : 4;

	p->ch.fd = -1;
	p->to = a->to;
	if (!may_ask(c, a))
		return;
	p->keyed = shows_key(c, a);
	p->lease.wanted = a->lease && p->keyed;
	p->lease.pps = a->lease_pps;
	p->ask.n_flows = a->n_flows;
	p->ask.planned_ns = a->planned_ns;
	p->ask.max_packets = a->max_packets;
	sp_strlcpy(p->ask.name, c->name, sizeof p->ask.name);
	p->ch.out = sp_alloc(c->x.env->mem, (size_t)records * SP_CTL_RECORD);
	p->ch.out_cap = records;
	p->control = p->to;
	if (!p->ch.out ||
	    getrandom(&p->cookie, sizeof p->cookie, GRND_NONBLOCK) != sizeof p->cookie) {
		sp_ctl_peer_fail(p, SP_CTL_W_LOCAL);
		return;
	}
	if (strcmp(a->transport, "udp") == 0) {
		open_control(c, p);
		return;
	}
	p->state = SP_CTL_P_FINDING;
	p->ch.packets++;
	p->ch.fd = sp_ctl_greet_ask(&p->to, p->cookie);
	if (p->ch.fd < 0)
		sp_ctl_peer_fail(p, SP_CTL_W_NOBODY);
	settle(c, p, 0);
}

static void open_control(struct sp_ctl_client *c, struct sp_ctl_peer *p)
{
	struct sockaddr_storage ss;
	unsigned len;

	p->state = SP_CTL_P_CONNECTING;
	p->ch.fd = sp_ctl_tcp_socket(&p->control);
	if (p->ch.fd < 0) {
		sp_ctl_peer_fail(p, SP_CTL_W_LOCAL);
		settle(c, p, 0);
		return;
	}
	c->connects++;
	len = sp_endpoint_to_sockaddr(&p->control, (struct sockaddr *)&ss);
	if (c->conf.connect(c->conf.connect_arg, p->ch.fd, (struct sockaddr *)&ss, len) &&
	    errno != EINPROGRESS)
		sp_ctl_peer_fail(p, SP_CTL_W_NOBODY);
	settle(c, p, 0);
}

/* ---- waiting ---- */

/* Serves whoever is ready, waiting at most until until_ns for the first. */
static void serve_ready(struct sp_ctl_client *c, uint64_t until_ns)
{
	uint64_t now = now_of(c), left = until_ns > now ? until_ns - now : 0;
	int ms = (int)((left + SP_NS_PER_MS - 1) / SP_NS_PER_MS);
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(c->epoll_fd, ev, EVENTS, ms);

	for (int i = 0; i < n; i++)
		if (ev[i].data.ptr != c)
			serve(c, ev[i].data.ptr, ev[i].events);
}

static uint32_t clocks_below(const struct sp_ctl_client *c, unsigned exchanges)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_peers; i++)
		n += c->peers[i].state == SP_CTL_P_CLOCK && c->peers[i].exchanges < exchanges;
	return n;
}

/* Peers whose first answers are still to come: all of them, or those that show keys. */
static uint32_t unknown_peers(const struct sp_ctl_client *c, bool keyed)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_peers; i++) {
		const struct sp_ctl_peer *p = &c->peers[i];

		if (p->keyed == keyed)
			n += (p->state >= SP_CTL_P_FINDING && p->state <= SP_CTL_P_ASKING) ||
			     (p->state == SP_CTL_P_CLOCK && p->lease.asked);
	}
	return n;
}

static void expire(struct sp_ctl_client *c, bool keyed)
{
	for (uint32_t i = 0; i < c->n_peers; i++) {
		struct sp_ctl_peer *p = &c->peers[i];

		if (p->keyed != keyed || p->state < SP_CTL_P_FINDING ||
		    p->state > SP_CTL_P_ASKING)
			continue;
		sp_ctl_peer_expire(p);
		settle(c, p, 0);
	}
}

static void discover(struct sp_ctl_client *c)
{
	uint64_t now = now_of(c), end = now + c->conf.limits.discovery_ns, few, many;
	uint64_t keyed_end = now + c->conf.limits.keyed_ns;

	while (unknown_peers(c, false) && now_of(c) < end)
		serve_ready(c, end);
	expire(c, false);
	while (unknown_peers(c, true) && now_of(c) < keyed_end)
		serve_ready(c, keyed_end);
	expire(c, true);
	now = now_of(c);
	many = now + c->conf.limits.clock_ns;
	few = now + c->conf.limits.clock_max_ns;
	while (clocks_below(c, c->x.exchanges) && now_of(c) < many)
		serve_ready(c, many);
	while (clocks_below(c, 1) && now_of(c) < few)
		serve_ready(c, few);
}

/* ---- hooks ---- */

static void tell(const struct sp_ctl_peer *p, struct sp_grant *g)
{
	bool asked = p->state != SP_CTL_P_IDLE;

	*g = (struct sp_grant){ .control_packets = asked ? p->ch.packets + 1 : 0 };
	if (p->state != SP_CTL_P_LIVE)
		return;
	g->peer = true;
	g->flow_base = p->grant.base;
	g->tally_each = p->grant.tally_each;
	g->clock_known = p->clock.known;
	g->offset_ns = p->clock.offset_ns;
	g->clock_error_ns = p->clock.error_ns;
	g->same_host = p->clock.same_host;
}

/* Often enough for what the shortest lease needs, too. */
static void start_refresh(const struct sp_ctl_client *c)
{
	uint64_t ns = c->conf.limits.refresh_ns;

	for (uint32_t i = 0; i < c->n_peers; i++)
		if (c->peers[i].lease.given && c->peers[i].lease.term_ns / 8 < ns)
			ns = c->peers[i].lease.term_ns / 8 + 1;
	struct timespec every = { .tv_sec = (time_t)(ns / SP_NS_PER_S),
				  .tv_nsec = (long)(ns % SP_NS_PER_S) };
	struct itimerspec its = { .it_interval = every, .it_value = every };

	timerfd_settime(c->timer_fd, 0, &its, NULL);
}

/* What the run cannot do without: leases where they are needed, the pairing that was asked for. */
static int check_needs(const struct sp_ctl_client *c, const struct sp_ask *asks,
		       struct sp_err *err)
{
	char to[72];

	for (uint32_t i = 0; i < c->n_peers; i++) {
		const struct sp_ctl_peer *p = &c->peers[i];
		bool live = p->state == SP_CTL_P_LIVE;

		sp_endpoint_format(to, sizeof to, &asks[i].to);
		if (c->x.secure.code && !live)
			return sp_fail(
				err, -EACCES, SP_EXIT_PERM,
				"not paired: the receiver at %s %s; `spate recv --pair` "
				"there prints a code that is good for one try within ten "
				"minutes",
				to,
				p->why == SP_CTL_W_STRANGER
					? "lets nobody pair (its code is over or was "
					  "used, or none was made)"
					: sp_ctl_peer_no_lease(p));
		if (!asks[i].lease || (live && p->lease.given))
			continue;
		return sp_fail(
			err, -EACCES, SP_EXIT_PERM,
			"%s: a %s address, and so much may be sent there only with a lease "
			"from a spate receiver at the far end, but the receiver %s; "
			"`spate recv --pair` there and `spate send --pair CODE` here make "
			"the two known to each other",
			to, sp_addr_class_name(sp_addr_class(&asks[i].to.addr)),
			p->keyed ? sp_ctl_peer_no_lease(p) : "cannot be asked");
	}
	return 0;
}

static void forget_peers(struct sp_ctl_client *c)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		sp_ctl_peer_fini(&c->peers[i], c->x.env->mem);
	sp_free(c->x.env->mem, c->peers);
	c->peers = NULL;
	c->n_peers = 0;
}

static int hook_grant(void *arg, const struct sp_ask *asks, struct sp_grant *g, uint32_t n,
		      struct sp_err *err)
{
	struct sp_ctl_client *c = arg;

	memset(g, 0, n * sizeof *g);
	forget_peers(c);
	c->counts_by_ns = 0;
	if (c->x.secure.code && n != 1)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--pair: pairing is with one receiver, and %u are asked", n);
	if (!n || c->x.env->clock->is_virtual)
		return 0;
	c->peers = sp_alloc_array(c->x.env->mem, n, sizeof *c->peers);
	if (!c->peers)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			       "no memory to ask %u receivers for their counts", n);
	c->n_peers = n;
	for (uint32_t i = 0; i < n; i++)
		open_peer(c, &c->peers[i], &asks[i]);
	discover(c);
	for (uint32_t i = 0; i < n; i++) {
		struct sp_ctl_peer *p = &c->peers[i];

		if (p->state == SP_CTL_P_CLOCK)
			settle(c, p, sp_ctl_peer_go_live(&c->x, p));
		tell(p, &g[i]);
	}
	start_refresh(c);
	return check_needs(c, asks, err);
}

static int hook_lease(void *arg, uint32_t i, struct sp_lease_terms *t)
{
	const struct sp_ctl_client *c = arg;
	const struct sp_ctl_peer *p;

	*t = (struct sp_lease_terms){ 0 };
	if (i >= c->n_peers || !c->peers[i].lease.given)
		return -ENODATA;
	p = &c->peers[i];
	t->packets = p->lease.packets;
	t->until_ns = p->lease.until_ns;
	if (p->state == SP_CTL_P_GONE)
		t->until_ns = 0; /* it consents no more */
	if (p->state == SP_CTL_P_GONE || p->lease.refused)
		t->why = sp_ctl_peer_no_lease(p);
	return 0;
}

static int hook_peer_sample(void *arg, uint32_t i, uint64_t *rx_unique, uint64_t *rx_bytes)
{
	const struct sp_ctl_client *c = arg;
	struct sp_ctl_peer *p;
	bool fresh;

	if (i >= c->n_peers || !c->peers[i].sampled || c->peers[i].state != SP_CTL_P_LIVE)
		return -ENODATA;
	p = &c->peers[i];
	fresh = p->fresh;
	p->fresh = false;
	*rx_unique = p->sample.rx_unique;
	*rx_bytes = p->sample.rx_bytes;
	return fresh ? 0 : 1;
}

/* The end begins: all receivers may drain at the same time, whatever the order of the calls. */
static void stop_all(struct sp_ctl_client *c)
{
	struct itimerspec never = { 0 };

	if (c->counts_by_ns)
		return;
	c->counts_by_ns = now_of(c) + c->conf.limits.counts_ns;
	timerfd_settime(c->timer_fd, 0, &never, NULL);
	for (uint32_t i = 0; i < c->n_peers; i++)
		if (c->peers[i].state == SP_CTL_P_LIVE)
			settle(c, &c->peers[i], sp_ctl_peer_stop(&c->peers[i]));
}

static void send_final(struct sp_ctl_client *c, struct sp_ctl_peer *p, const uint64_t *tx)
{
	uint64_t *copy = sp_alloc_array(c->x.env->mem, p->grant.n, sizeof *copy);

	if (!copy) {
		sp_ctl_peer_fail(p, SP_CTL_W_LOCAL);
		settle(c, p, 0);
		return;
	}
	memcpy(copy, tx, p->grant.n * sizeof *copy);
	settle(c, p, sp_ctl_peer_final(p, copy));
}

static int hook_peer_counts(void *arg, uint32_t i, const uint64_t *tx,
			    struct sp_peer_counts *pc)
{
	struct sp_ctl_client *c = arg;
	struct sp_ctl_peer *p;

	if (i >= c->n_peers)
		return -ENODATA;
	p = &c->peers[i];
	stop_all(c);
	if (p->state == SP_CTL_P_LIVE)
		send_final(c, p, tx);
	if (!pc)
		return 0;
	while (p->state == SP_CTL_P_ENDING && now_of(c) < c->counts_by_ns)
		serve_ready(c, c->counts_by_ns);
	if (p->state == SP_CTL_P_ENDING) {
		sp_ctl_peer_expire(p);
		settle(c, p, 0);
	}
	if (p->state != SP_CTL_P_DONE)
		return -ENODATA;
	*pc = p->gather.pc;
	pc->control_packets = p->ch.packets + 1u;
	return 0;
}

static void hook_event(void *arg, const struct sp_event *ev)
{
	const struct sp_ctl_client *c = arg;

	c->event(c->event_arg, ev);
}

void sp_ctl_client_hooks(struct sp_ctl_client *c, struct sp_run_hooks *h)
{
	c->event = h->event;
	c->event_arg = h->arg;
	h->arg = c;
	h->grant = hook_grant;
	h->lease = hook_lease;
	h->keyed = c->x.secure.ring && c->x.secure.always;
	h->event = c->event ? hook_event : NULL;
	h->peer_sample = hook_peer_sample;
	h->peer_counts = hook_peer_counts;
}

/* ---- during the run ---- */

int sp_ctl_client_fd(const struct sp_ctl_client *c)
{
	return c->epoll_fd;
}

void sp_ctl_client_step(struct sp_ctl_client *c)
{
	uint64_t expired;

	serve_ready(c, 0);
	if (read(c->timer_fd, &expired, sizeof expired) != sizeof expired)
		return;
	for (uint32_t i = 0; i < c->n_peers; i++) {
		struct sp_ctl_peer *p = &c->peers[i];

		if (p->state == SP_CTL_P_LIVE)
			settle(c, p, sp_ctl_peer_ask_lease(&c->x, p));
		if (p->state == SP_CTL_P_LIVE)
			settle(c, p, sp_ctl_peer_ask_clock(&c->x, p));
	}
}

const char *sp_ctl_client_remark(struct sp_ctl_client *c, uint32_t i)
{
	if (i >= c->n_peers)
		return NULL;
	return sp_ctl_peer_remark(&c->peers[i], c->remark, sizeof c->remark);
}

uint32_t sp_ctl_client_asks(const struct sp_ctl_client *c)
{
	return c->n_peers;
}

uint64_t sp_ctl_client_packets(const struct sp_ctl_client *c)
{
	uint64_t n = c->connects;

	for (uint32_t i = 0; i < c->n_peers; i++)
		n += c->peers[i].ch.packets;
	return n;
}

/* ---- life ---- */

int sp_ctl_client_new_conf(struct sp_ctl_client **out, const struct sp_ctl_client_conf *conf,
			   const struct sp_env *env, struct sp_err *err)
{
	struct sp_ctl_client *c = sp_alloc(env->mem, sizeof *c);
	struct epoll_event ev = { .events = EPOLLIN };
	int rc = -ENOMEM;

	*out = NULL;
	if (!c)
		goto fail;
	c->conf = *conf;
	if (!c->conf.connect)
		c->conf.connect = plain_connect;
	c->x.env = env;
	c->x.exchanges = SP_CTL_CLOCK_EXCHANGES;
	c->x.lease_ns = conf->limits.lease_ns;
	sp_ctl_host_read(&c->x.host);
	if (conf->name)
		sp_strlcpy(c->name, conf->name, sizeof c->name);
	else if (gethostname(c->name, sizeof c->name - 1))
		c->name[0] = '\0';
	c->timer_fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		goto fail_errno;
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ev.data.ptr = c;
	if (c->timer_fd < 0 || epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->timer_fd, &ev) < 0)
		goto fail_errno;
	*out = c;
	return 0;
fail_errno:
	rc = -errno;
fail:
	sp_ctl_client_free(c);
	return sp_fail(err, rc, rc == -ENOMEM ? SP_EXIT_FAILED : SP_EXIT_PERM,
		       "the control client could not be set up: %s", strerror(-rc));
}

int sp_ctl_client_new(struct sp_ctl_client **out, const struct sp_env *env, struct sp_err *err)
{
	struct sp_ctl_client_conf conf = { .limits = sp_ctl_limits_default() };

	return sp_ctl_client_new_conf(out, &conf, env, err);
}

int sp_ctl_client_secure(struct sp_ctl_client *c, const struct sp_ctl_client_secure *secure)
{
	if (secure->code && sp_pair_secret(secure->code, c->x.pair_secret))
		return -EINVAL;
	c->x.secure = *secure;
	return 0;
}

void sp_ctl_client_free(struct sp_ctl_client *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->n_peers; i++) {
		struct sp_ctl_peer *p = &c->peers[i];

		if (p->state == SP_CTL_P_LIVE)
			sp_ctl_peer_bye(p);
	}
	forget_peers(c);
	if (c->timer_fd >= 0)
		close(c->timer_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	sp_free(c->x.env->mem, c);
}
