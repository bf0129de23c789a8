#include "lab/talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char room[CMSG_SPACE(SP_TALK_FDS * sizeof(int))];
	struct cmsghdr align;
};

int sp_talk_send(int fd, const void *message, size_t len, const int *fds, unsigned n_fds)
{
	union control control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)message, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds) {
		h.msg_control = control.room;
		h.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *h, int *fds, unsigned *n_fds)
{
	unsigned room = n_fds ? *n_fds : 0, got = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof one, sizeof one);
			if (got < room)
				fds[got++] = one;
			else
				close(one);
		}
	}
	if (n_fds)
		*n_fds = got;
}

int sp_talk_recv(int fd, void *message, size_t len, int *fds, unsigned *n_fds)
{
	union control control;
	struct iovec iov = { message, len };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = sizeof control.room };
	ssize_t n;

	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_fds(&h, fds, n_fds);
	if (n == 0)
		return -ECONNRESET;
	return n == (ssize_t)len && !(h.msg_flags & MSG_TRUNC) ? 0 : -EPROTO;
}
