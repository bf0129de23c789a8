#include "named/self.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#define ASK_MS 100 /* who connects says at once what it wants */

static void keep(struct sp_self *s)
{
	/* A full disk: it is what was said last. */
	(void)!pwrite(s->file, &s->state, sizeof s->state, 0);
}

void sp_self_ready(struct sp_self *s, const char *folder)
{
	sp_strlcpy(s->state.folder, folder ? folder : "", sizeof s->state.folder);
	s->state.phase = SP_NAMED_RUNNING;
	keep(s);
	if (s->ready >= 0) {
		(void)!write(s->ready, "r", 1);
		close(s->ready);
	}
	s->ready = -1;
}

int sp_self_fd(const struct sp_self *s)
{
	return s->listening;
}

void sp_self_note(struct sp_self *s, const struct sp_named_counts *counts)
{
	s->state.counts = *counts;
	keep(s);
}

static bool is_owner(int fd)
{
	struct ucred peer = { .uid = ~0u };
	socklen_t len = sizeof peer;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == geteuid() || !peer.uid);
}

bool sp_self_serve(struct sp_self *s)
{
	int fd = accept4(s->listening, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char what = 0;

	if (fd < 0)
		return false;
	if (is_owner(fd) && poll(&p, 1, ASK_MS) == 1 && recv(fd, &what, 1, 0) == 1)
		(void)!send(fd, &s->state, sizeof s->state, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	return what == SP_SELF_STOP;
}

void sp_self_end(struct sp_self *s, const struct sp_named_counts *counts, int exit_code)
{
	s->state.counts = *counts;
	s->state.phase = SP_NAMED_ENDED;
	s->state.exit_code = exit_code;
	keep(s);
}
