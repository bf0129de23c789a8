#include "lab/holder.h"

#include "lab/init.h"
#include "lab/lab.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_MS 100 /* who connects says at once what it wants */

struct holder {
	struct sp_lab *lab;
	int listening, signals;
	int bye; /* who ordered the end, and waits for it; -1: nobody */
};

static void answer(struct holder *h, int fd, const struct sp_lab_order *o)
{
	struct sp_lab_note note = { .kind = SP_LAB_NOTE_ANSWER };
	int fds[SP_TALK_FDS];
	unsigned n = SP_TALK_FDS;

	struct sp_err err = { 0 };

	if (sp_lab_ask(h->lab, o, &note, fds, &n, &err))
		note.err = err;
	note.kind = SP_LAB_NOTE_ANSWER;
	if (o->what == SP_LAB_WHO)
		note.who.holder = getpid();
	sp_talk_send(fd, &note, sizeof note, fds, n);
	while (n)
		close(fds[--n]);
}

/* True when the lab is to end. */
static bool serve(struct holder *h)
{
	int fd = accept4(h->listening, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ucred peer = { .uid = ~0u };
	socklen_t len = sizeof peer;
	struct sp_lab_order o;
	bool over = false;

	if (fd < 0)
		return false;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	    (peer.uid == geteuid() || !peer.uid) && poll(&p, 1, ASK_MS) == 1 &&
	    !sp_talk_recv(fd, &o, sizeof o, NULL, NULL)) {
		over = o.what == SP_LAB_DOWN;
		if (!over)
			answer(h, fd, &o);
	}
	if (over)
		h->bye = fd;
	else
		close(fd);
	return over;
}

static void hold(struct holder *h)
{
	struct pollfd p[3] = { { .fd = sp_lab_fd(h->lab), .events = POLLIN },
			       { .fd = h->signals, .events = POLLIN },
			       { .fd = h->listening, .events = POLLIN } };
	struct signalfd_siginfo si;

	for (;;) {
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents && sp_lab_is_over(h->lab))
			return;
		if (p[1].revents && read(h->signals, &si, sizeof si) > 0 &&
		    si.ssi_signo != SIGCHLD)
			return;
		if (p[2].revents && serve(h))
			return;
	}
}

int sp_holder_run(const struct sp_lab_spec *spec, int listening, int ready, int *bye)
{
	struct holder h = { .listening = listening, .signals = -1, .bye = -1 };
	struct sp_err err = { 0 };
	sigset_t set;
	int rc;

	sp_init_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	h.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = h.signals < 0 ? sp_fail(&err, -errno, SP_EXIT_PERM, "cannot make a signalfd: %s",
				     strerror(errno))
			   : sp_lab_open(&h.lab, spec, sp_mem_system(), &err);
	ssize_t n = write(ready, &err, sizeof err);
	(void)n;
	close(ready);
	if (rc)
		return (int)err.exit;
	hold(&h);
	sp_lab_close(h.lab);
	*bye = h.bye;
	return 0;
}
