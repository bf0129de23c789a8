#include "engine/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#define BACKLOG	 1024
#define EVENTS	 64
#define READ_MAX (1u << 20)

struct sp_listener {
	const struct sp_mem *mem;
	int fd, epfd, stop;
	bool tcp, started;
	pthread_t thread;
};

int sp_listener_parse(const char *text, bool *tcp, struct sp_endpoint *at, struct sp_err *err)
{
	struct sp_url u;
	char shown[100];
	int rc = sp_url_parse(text, &u, err);

	if (rc)
		return rc;
	*tcp = strcmp(u.scheme, "tcp") == 0;
	*at = (struct sp_endpoint){ .port = u.port };
	if ((!*tcp && strcmp(u.scheme, "udp") != 0) || !u.port || u.port_last != u.port ||
	    *u.query || (*u.host && sp_addr_parse(u.host, &at->addr)))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "listener '%s': it is written udp://ADDRESS:PORT or "
			       "tcp://ADDRESS:PORT",
			       sp_str_printable(shown, sizeof shown, text));
	return 0;
}

/* What comes to it is dropped as if it had been read: the sender is told nothing. */
static int discard_all(int fd)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	const struct sock_fprog prog = { 1, none };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
}

/* All addresses are those of both families. */
static int make_socket(struct sp_listener *l, const struct sp_endpoint *at)
{
	int on = 1, off = 0, type = (l->tcp ? SOCK_STREAM : SOCK_DGRAM);
	struct sp_endpoint to = *at;
	struct sockaddr_in6 sa;
	socklen_t len;

	if (!to.addr.family)
		to.addr.family = 6;
	len = sp_endpoint_to_sockaddr(&to, (struct sockaddr *)&sa);
	l->fd = socket(to.addr.family == 6 ? AF_INET6 : AF_INET,
		       type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	if (to.addr.family == 6)
		(void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, at->addr.family ? &on : &off,
				 sizeof on);
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if ((!l->tcp && discard_all(l->fd)) || bind(l->fd, (struct sockaddr *)&sa, len) ||
	    (l->tcp && listen(l->fd, BACKLOG)))
		return -errno;
	return 0;
}

static int watch(const struct sp_listener *l, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int make_thread_room(struct sp_listener *l)
{
	int rc;

	if (!l->tcp)
		return 0;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epfd < 0 || l->stop < 0)
		return -errno;
	rc = watch(l, l->stop);
	return rc ? rc : watch(l, l->fd);
}

int sp_listener_open(struct sp_listener **out, const char *text, const struct sp_mem *mem,
		     struct sp_err *err)
{
	struct sp_listener *l;
	struct sp_endpoint at;
	bool tcp;
	int rc = sp_listener_parse(text, &tcp, &at, err);

	*out = NULL;
	if (rc)
		return rc;
	l = sp_alloc(mem, sizeof *l);
	if (!l)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*l = (struct sp_listener){ .mem = mem, .fd = -1, .epfd = -1, .stop = -1, .tcp = tcp };
	rc = make_socket(l, &at);
	if (!rc)
		rc = make_thread_room(l);
	if (rc) {
		sp_listener_close(l);
		return sp_fail(err, rc, SP_EXIT_PERM, "listener %s: %s", text, strerror(-rc));
	}
	*out = l;
	return 0;
}

static void accept_all(const struct sp_listener *l)
{
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		if (watch(l, fd))
			close(fd);
}

/* Closed by the other side, or broken: gone. */
static void drain(int fd)
{
	ssize_t n = recv(fd, NULL, READ_MAX, MSG_TRUNC);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close(fd);
}

static void *serve(void *arg)
{
	const struct sp_listener *l = arg;
	struct epoll_event ev[EVENTS];

	for (;;) {
		int n = epoll_wait(l->epfd, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == l->stop)
				return NULL;
			if (ev[i].data.fd == l->fd)
				accept_all(l);
			else
				drain(ev[i].data.fd);
		}
	}
}

int sp_listener_start(struct sp_listener *l)
{
	int rc = l->tcp ? -pthread_create(&l->thread, NULL, serve, l) : 0;

	l->started = l->tcp && rc == 0;
	return rc;
}

void sp_listener_close(struct sp_listener *l)
{
	const uint64_t one = 1;

	if (!l)
		return;
	if (l->started) {
		(void)!write(l->stop, &one, sizeof one);
		pthread_join(l->thread, NULL);
	}
	if (l->fd >= 0)
		close(l->fd);
	if (l->epfd >= 0)
		close(l->epfd);
	if (l->stop >= 0)
		close(l->stop);
	sp_free(l->mem, l);
}
