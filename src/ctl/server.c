#include "ctl/server.h"

#include "base/log.h"
#include "ctl/greet.h"
#include "ctl/server_conn.h"
#include "ctl/tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BACKLOG 1024
#define EVENTS	64

struct listener {
	int fd;
	struct sp_endpoint at;
	bool dual; /* takes IPv4 too */
};

/* Answers hellos for a TCP data port, whose number it has over UDP. fd -1: UDP carries data there,
 * too, and the run hands its hellos over. */
struct greeter {
	int fd;
	struct sp_endpoint at;
	uint16_t port; /* of control */
};

struct sp_ctl_server {
	struct sp_ctl_shared sh;
	int epoll_fd, timer_fd;
	struct listener *listeners;
	uint32_t n_listeners;
	struct greeter *greeters;
	uint32_t n_greeters;
	int answer_fd[2]; /* for those without a socket, IPv4 and IPv6; -1 */
	/* Strangers in the order of their arrival, so that the first is the oldest;
	 * sessions; and those closed in this step, which an event at hand may still point
	 * to. */
	struct sp_ctl_conn strangers, sessions, dead;
	uint32_t n_conns, n_sessions;
	uint64_t packets;  /* of connections that are gone */
	uint64_t next_ns;  /* when a timer wants to be looked at */
	uint64_t armed_ns; /* what the kernel was told */
	uint64_t rest_ns;  /* the listeners rest until then; 0: they do not */
};

/* ---- lists of connections: rings with a head that is no connection ---- */

static void ring_init(struct sp_ctl_conn *head)
{
	head->prev = head;
	head->next = head;
}

static void ring_remove(struct sp_ctl_conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
}

static void ring_append(struct sp_ctl_conn *head, struct sp_ctl_conn *c)
{
	c->prev = head->prev;
	c->next = head;
	head->prev->next = c;
	head->prev = c;
}

/* ---- timers ---- */

static void want_at(struct sp_ctl_server *s, uint64_t at_ns)
{
	if (at_ns < s->next_ns)
		s->next_ns = at_ns;
}

/* Rounded up to a grid, so that a thousand sessions do not make a thousand wake-ups. */
static void arm(struct sp_ctl_server *s)
{
	uint64_t at = s->next_ns;
	struct itimerspec its = { 0 };

	if (at != SP_NEVER)
		at = (at / SP_CTL_GRID_NS + 1) * SP_CTL_GRID_NS;
	if (at == s->armed_ns)
		return;
	if (at != SP_NEVER) {
		its.it_value.tv_sec = (time_t)(at / SP_NS_PER_S);
		its.it_value.tv_nsec = (long)(at % SP_NS_PER_S);
	}
	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &its, NULL);
	s->armed_ns = at;
}

/* ---- connections ---- */

static void drop(struct sp_ctl_server *s, struct sp_ctl_conn *c, bool lost)
{
	if (c->dead)
		return;
	if (c->session) {
		s->n_sessions--;
		if (lost)
			sp_log(s->sh.env->log, SP_LOG_INFO,
			       "the sender of control session %u is gone without a goodbye",
			       c->session->grant.session);
	}
	s->packets += c->ch.packets + 1u;
	s->n_conns--;
	sp_ctl_conn_fini(&s->sh, c, lost);
	c->dead = true;
	ring_remove(c);
	ring_append(&s->dead, c);
}

static void bury(struct sp_ctl_server *s)
{
	struct sp_ctl_conn *c;

	while ((c = s->dead.next) != &s->dead) {
		ring_remove(c);
		sp_free(s->sh.env->mem, c);
	}
}

/* What epoll is to watch follows from what the connection waits for. */
static int watch(struct sp_ctl_server *s, struct sp_ctl_conn *c, int op)
{
	struct epoll_event ev = { .data.ptr = c };
	bool counting = c->session && c->session->stage == SP_CTL_COUNTING;

	if (sp_ctl_chan_room(&c->ch))
		ev.events |= EPOLLIN;
	if (sp_ctl_chan_pending(&c->ch) || counting ||
	    (c->shake && sp_tls_wants_write(c->shake)) ||
	    (sp_ctl_chan_buffered(&c->ch) && sp_ctl_chan_room(&c->ch)))
		ev.events |= EPOLLOUT;
	if (op == EPOLL_CTL_MOD && ev.events == c->events)
		return 0;
	c->events = ev.events;
	return epoll_ctl(s->epoll_fd, op, c->ch.fd, &ev) < 0 ? -errno : 0;
}

static void drop_oldest_handshake(struct sp_ctl_server *s)
{
	struct sp_ctl_conn *c = s->strangers.next;

	while (c != &s->strangers && !c->shake)
		c = c->next;
	if (c != &s->strangers)
		drop(s, c, true);
}

/* After anything was done with c: where it belongs now. */
static void settle(struct sp_ctl_server *s, struct sp_ctl_conn *c, bool was_stranger, int rc)
{
	if (was_stranger && c->session) {
		ring_remove(c);
		ring_append(&s->sessions, c);
		s->n_sessions++;
	}
	if (!rc && !c->bye)
		rc = watch(s, c, EPOLL_CTL_MOD);
	if (rc || c->bye)
		drop(s, c, !c->bye);
}

/* A session may say nothing until its planned end, but not where others need its room. */
static bool too_silent(const struct sp_ctl_server *s, const struct sp_ctl_conn *c)
{
	return sp_clock_now(s->sh.env->clock) >= c->heard_ns + s->sh.limits.silent_ns;
}

/* All of those: the run has no room for one more session. */
static void drop_silent(struct sp_ctl_server *s)
{
	struct sp_ctl_conn *c, *next;

	for (c = s->sessions.next; c != &s->sessions; c = next) {
		next = c->next;
		if (too_silent(s, c))
			drop(s, c, true);
	}
}

/* Room for one more connection: the oldest that has no session makes it, else the session that
 * has said nothing for longest. */
static bool make_room(struct sp_ctl_server *s)
{
	struct sp_ctl_conn *out = s->strangers.next;

	if (out == &s->strangers) {
		out = s->sessions.next;
		for (struct sp_ctl_conn *c = out; c != &s->sessions; c = c->next)
			if (c->heard_ns < out->heard_ns)
				out = c;
		if (out == &s->sessions || !too_silent(s, out))
			return false;
	}
	drop(s, out, true);
	return true;
}

static void serve(struct sp_ctl_server *s, struct sp_ctl_conn *c, uint32_t events)
{
	bool stranger = !c->session;
	uint64_t next = SP_NEVER;
	int rc = 0;

	if (c->dead)
		return;
	if (events & EPOLLOUT)
		rc = sp_ctl_conn_writable(c);
	if (!rc && (events & (EPOLLIN | EPOLLHUP | EPOLLERR) || c->shake ||
		    sp_ctl_chan_buffered(&c->ch)))
		rc = sp_ctl_conn_readable(&s->sh, c);
	if (!rc && events & (EPOLLHUP | EPOLLERR))
		rc = -ECONNRESET; /* nobody will read what we have to say */
	if (!rc && !c->bye && c->session)
		rc = sp_ctl_conn_tick(&s->sh, c, sp_clock_now(s->sh.env->clock), &next);
	want_at(s, next);
	settle(s, c, stranger, rc);
	if (s->sh.crowded)
		drop_silent(s);
	s->sh.crowded = false;
	if (s->sh.handshakes > SP_CTL_HANDSHAKES)
		drop_oldest_handshake(s);
}

static void admit(struct sp_ctl_server *s, int fd, const struct sp_endpoint *peer)
{
	uint64_t deadline = sp_clock_now(s->sh.env->clock) + s->sh.limits.hello_ns, cookie;
	struct sp_ctl_conn *c = NULL;

	if (s->n_conns >= s->sh.limits.conns && !make_room(s))
		goto refuse;
	if (getrandom(&cookie, sizeof cookie, GRND_NONBLOCK) != sizeof cookie)
		goto refuse;
	c = sp_alloc(s->sh.env->mem, sizeof *c);
	if (!c)
		goto refuse;
	sp_ctl_tcp_server_side(fd);
	sp_ctl_conn_init(c, fd, peer, cookie, deadline);
	if (watch(s, c, EPOLL_CTL_ADD))
		goto refuse;
	ring_append(&s->strangers, c);
	s->n_conns++;
	want_at(s, deadline);
	return;
refuse:
	sp_free(s->sh.env->mem, c);
	close(fd);
}

/* ---- listeners ---- */

static void listeners_watch(struct sp_ctl_server *s, uint32_t events)
{
	for (uint32_t i = 0; i < s->n_listeners; i++) {
		struct epoll_event ev = { .events = events, .data.ptr = &s->listeners[i] };

		epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->listeners[i].fd, &ev);
	}
}

/* Without a descriptor to accept into, the listener would be ready for ever. */
static void rest(struct sp_ctl_server *s)
{
	s->rest_ns = sp_clock_now(s->sh.env->clock) + SP_CTL_REST_NS;
	want_at(s, s->rest_ns);
	listeners_watch(s, 0);
}

static void accept_some(struct sp_ctl_server *s, const struct listener *l)
{
	/* Not so many at once that those who just came make room before they were heard. */
	uint32_t max = s->sh.limits.conns / 4 + 1;

	for (uint32_t i = 0; i < SP_CTL_ACCEPTS && i < max; i++) {
		struct sp_endpoint peer;
		int fd = sp_ctl_tcp_accept(l->fd, &peer);

		if (fd == -EAGAIN)
			return;
		if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS) {
			if (make_room(s))
				continue;
			rest(s);
			return;
		}
		if (fd < 0)
			continue; /* it went away while it waited */
		if (s->sh.secure.ring || sp_addr_is_own(&peer.addr))
			admit(s, fd, &peer);
		else
			close(fd);
	}
}

static bool covered(const struct sp_ctl_server *s, const struct sp_endpoint *at)
{
	for (uint32_t i = 0; i < s->n_listeners; i++) {
		const struct listener *l = &s->listeners[i];

		if (l->at.port == at->port &&
		    ((l->dual && at->addr.family == 4) || sp_addr_eq(&l->at.addr, &at->addr)))
			return true;
	}
	return false;
}

/* transport: of the data port. */
static struct listener *listen_on(struct sp_ctl_server *s, const struct sp_endpoint *at,
				  const char *transport)
{
	struct listener *l = &s->listeners[s->n_listeners];
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	char text[72];
	int rc;

	l->at = *at;
	rc = sp_ctl_tcp_listen(at, BACKLOG, &l->dual);
	l->fd = rc;
	if (rc >= 0 && epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, l->fd, &ev) < 0) {
		rc = -errno;
		close(l->fd);
	}
	if (rc >= 0)
		return &s->listeners[s->n_listeners++];
	sp_endpoint_format(text, sizeof text, at);
	if (rc == -EADDRINUSE)
		sp_log(s->sh.env->log, SP_LOG_WARN,
		       "TCP port %u is taken by another program: senders to %s://%s will not "
		       "learn what was received there (--no-control does without)",
		       at->port, transport, text);
	else
		sp_log(s->sh.env->log, SP_LOG_WARN,
		       "no control listener on %s (%s): senders to %s://%s will not learn "
		       "what was received there",
		       text, strerror(-rc), transport, text);
	return NULL;
}

/* Does the run have data of this transport on the number? */
static bool carries(const struct sp_ctl_server *s, const char *transport, uint16_t number)
{
	struct sp_endpoint at;
	const char *t;

	for (uint32_t i = 0; s->sh.ops->listening(s->sh.arg, i, &at, &t) == 0; i++)
		if (at.port == number && strcmp(t, transport) == 0)
			return true;
	return false;
}

/* A TCP data port's control is on a number of the kernel's choice, and told to who asks. */
static void greet_for(struct sp_ctl_server *s, const struct sp_endpoint *data)
{
	struct greeter *g = &s->greeters[s->n_greeters];
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = g };
	struct sp_endpoint at = *data;
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	struct listener *l;
	char text[72];

	at.port = 0;
	l = listen_on(s, &at, "tcp");
	if (!l || getsockname(l->fd, (struct sockaddr *)&ss, &len) ||
	    sp_endpoint_from_sockaddr(&at, (struct sockaddr *)&ss))
		return;
	l->at.port = at.port;
	*g = (struct greeter){ .fd = -1, .at = *data, .port = at.port };
	if (!carries(s, "udp", data->port)) {
		g->fd = sp_ctl_greet_listen(data);
		if (g->fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, g->fd, &ev)) {
			sp_log(s->sh.env->log, SP_LOG_WARN,
			       "UDP port %u is not to be had: senders to tcp://%s will not learn "
			       "what was received there (--no-control does without)",
			       data->port, sp_endpoint_format(text, sizeof text, data));
			return;
		}
	}
	s->n_greeters++;
	if (s->sh.ops->control_at)
		s->sh.ops->control_at(s->sh.arg, data->port, at.port);
}

static void greet_one(struct sp_ctl_server *s, const struct greeter *g)
{
	struct sp_endpoint from;
	uint64_t nonce;

	for (int i = 0; i < SP_CTL_ACCEPTS; i++) {
		if (sp_ctl_greet_take(g->fd, s->sh.secure.ring != NULL, &from, &nonce))
			return;
		s->packets += 2;
		sp_ctl_greet_reply(g->fd, &from, nonce, g->port);
	}
}

/* Of those that came among data. */
static void greet_handed(struct sp_ctl_server *s)
{
	struct sp_hello h;

	while (s->sh.ops->next_hello && s->sh.ops->next_hello(s->sh.arg, &h)) {
		int *fd = &s->answer_fd[h.from.addr.family == 6];
		struct sp_endpoint any = { .addr.family = h.from.addr.family };

		if (!s->sh.secure.ring && !sp_addr_is_own(&h.from.addr))
			continue;
		if (*fd < 0)
			*fd = sp_ctl_greet_listen(&any);
		s->packets += 2;
		for (uint32_t i = 0; *fd >= 0 && i < s->n_greeters; i++)
			if (s->greeters[i].at.port == h.number) {
				sp_ctl_greet_reply(*fd, &h.from, h.nonce, s->greeters[i].port);
				break;
			}
	}
}

static int listen_all(struct sp_ctl_server *s)
{
	const char *transport;
	struct sp_endpoint at;
	uint32_t n = 0;

	while (s->sh.ops->listening(s->sh.arg, n, &at, &transport) == 0)
		n++;
	if (!n)
		return 0;
	s->listeners = sp_alloc_array(s->sh.env->mem, n, sizeof *s->listeners);
	s->greeters = sp_alloc_array(s->sh.env->mem, n, sizeof *s->greeters);
	if (!s->listeners || !s->greeters)
		return -ENOMEM;
	/* All-addresses first: one of them may cover what comes later. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < n; i++) {
			if (s->sh.ops->listening(s->sh.arg, i, &at, &transport) ||
			    strcmp(transport, "udp") != 0 || !at.port)
				continue;
			if (sp_ctl_tcp_is_any(&at.addr) == (pass == 0) && !covered(s, &at) &&
			    !carries(s, "tcp", at.port))
				listen_on(s, &at, "udp");
		}
	}
	for (uint32_t i = 0; i < n; i++)
		if (s->sh.ops->listening(s->sh.arg, i, &at, &transport) == 0 &&
		    strcmp(transport, "tcp") == 0 && at.port)
			greet_for(s, &at);
	return 0;
}

/* ---- the server ---- */

/* Strangers leave half of the process's descriptors to others. */
static void limit_conns(struct sp_ctl_limits *l)
{
	struct rlimit fds;

	if (getrlimit(RLIMIT_NOFILE, &fds) == 0 && fds.rlim_cur / 2 < l->conns)
		l->conns = (uint32_t)fds.rlim_cur / 2;
}

static void tick_ring(struct sp_ctl_server *s, struct sp_ctl_conn *head, uint64_t now)
{
	struct sp_ctl_conn *c, *next;

	for (c = head->next; c != head; c = next) {
		uint64_t at = SP_NEVER;
		int rc = sp_ctl_conn_tick(&s->sh, c, now, &at);

		next = c->next;
		want_at(s, at);
		settle(s, c, !c->session, rc);
		/* Strangers wait in the order of their deadlines. */
		if (head == &s->strangers && !rc)
			return;
	}
}

static void tick(struct sp_ctl_server *s)
{
	uint64_t now = sp_clock_now(s->sh.env->clock), expired;

	if (now < s->next_ns)
		return;
	if (read(s->timer_fd, &expired, sizeof expired) == sizeof expired)
		s->armed_ns = SP_NEVER;
	s->next_ns = SP_NEVER;
	tick_ring(s, &s->strangers, now);
	tick_ring(s, &s->sessions, now);
	if (s->rest_ns && now >= s->rest_ns) {
		s->rest_ns = 0;
		listeners_watch(s, EPOLLIN);
	}
	if (s->rest_ns)
		want_at(s, s->rest_ns);
}

static bool is_listener(const struct sp_ctl_server *s, const void *p)
{
	uintptr_t at = (uintptr_t)p, first = (uintptr_t)s->listeners;

	return s->n_listeners && at >= first &&
	       at < first + s->n_listeners * sizeof(struct listener);
}

static bool is_greeter(const struct sp_ctl_server *s, const void *p)
{
	uintptr_t at = (uintptr_t)p, first = (uintptr_t)s->greeters;

	return s->n_greeters && at >= first &&
	       at < first + s->n_greeters * sizeof(struct greeter);
}

void sp_ctl_server_step(struct sp_ctl_server *s)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(s->epoll_fd, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		void *p = ev[i].data.ptr;

		if (is_listener(s, p))
			accept_some(s, p);
		else if (is_greeter(s, p))
			greet_one(s, p);
		else if (p != s)
			serve(s, p, ev[i].events);
	}
	greet_handed(s);
	tick(s);
	bury(s);
	arm(s);
}

int sp_ctl_server_new_ops(struct sp_ctl_server **out, const struct sp_ctl_ops *ops, void *arg,
			  const struct sp_ctl_limits *limits, const struct sp_env *env,
			  struct sp_err *err)
{
	struct sp_ctl_server *s = sp_alloc(env->mem, sizeof *s);
	struct epoll_event ev = { .events = EPOLLIN };
	int rc = -ENOMEM;

	*out = NULL;
	if (!s)
		goto fail;
	s->sh.ops = ops;
	s->sh.arg = arg;
	s->sh.env = env;
	s->sh.limits = *limits;
	limit_conns(&s->sh.limits);
	s->next_ns = SP_NEVER;
	s->armed_ns = SP_NEVER;
	ring_init(&s->strangers);
	ring_init(&s->sessions);
	ring_init(&s->dead);
	sp_ctl_host_read(&s->sh.host);
	s->timer_fd = -1;
	s->answer_fd[0] = s->answer_fd[1] = -1;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		goto fail_errno;
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ev.data.ptr = s;
	if (s->timer_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->timer_fd, &ev) < 0)
		goto fail_errno;
	rc = listen_all(s);
	if (rc)
		goto fail;
	*out = s;
	return 0;
fail_errno:
	rc = -errno;
fail:
	sp_ctl_server_free(s);
	return sp_fail(err, rc, rc == -ENOMEM ? SP_EXIT_FAILED : SP_EXIT_PERM,
		       "the control server could not be set up: %s", strerror(-rc));
}

int sp_ctl_server_secure(struct sp_ctl_server *s, const struct sp_ctl_secure *secure)
{
	if (secure->code && sp_pair_secret(secure->code, s->sh.pair_secret))
		return -EINVAL;
	s->sh.secure = *secure;
	s->sh.secure.code = NULL;
	if (secure->code)
		s->sh.pair_until_ns = sp_clock_now(s->sh.env->clock) + SP_PAIR_NS;
	return 0;
}

int sp_ctl_server_fd(const struct sp_ctl_server *s)
{
	return s->epoll_fd;
}

uint32_t sp_ctl_server_sessions(const struct sp_ctl_server *s)
{
	return s->n_sessions;
}

uint32_t sp_ctl_server_conns(const struct sp_ctl_server *s)
{
	return s->n_conns;
}

uint32_t sp_ctl_server_listeners(const struct sp_ctl_server *s)
{
	return s->n_listeners;
}

uint64_t sp_ctl_server_packets(const struct sp_ctl_server *s)
{
	uint64_t n = s->packets;

	for (const struct sp_ctl_conn *c = s->sessions.next; c != &s->sessions; c = c->next)
		n += c->ch.packets + 1u;
	for (const struct sp_ctl_conn *c = s->strangers.next; c != &s->strangers; c = c->next)
		n += c->ch.packets + 1u;
	return n;
}

void sp_ctl_server_free(struct sp_ctl_server *s)
{
	if (!s)
		return;
	while (s->strangers.next != &s->strangers)
		drop(s, s->strangers.next, false);
	while (s->sessions.next != &s->sessions)
		drop(s, s->sessions.next, false);
	bury(s);
	for (uint32_t i = 0; i < s->n_listeners; i++)
		close(s->listeners[i].fd);
	for (uint32_t i = 0; i < s->n_greeters; i++)
		if (s->greeters[i].fd >= 0)
			close(s->greeters[i].fd);
	for (unsigned i = 0; i < 2; i++)
		if (s->answer_fd[i] >= 0)
			close(s->answer_fd[i]);
	sp_free(s->sh.env->mem, s->listeners);
	sp_free(s->sh.env->mem, s->greeters);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	sp_free(s->sh.env->mem, s);
}
