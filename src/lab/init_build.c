#include "lab/init_impl.h"

#include "lab/wire.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define START_MS 5000 /* for a forwarder to open its sockets */

static void name_process(const char *name)
{
	char title[16];

	snprintf(title, sizeof title, "lab:%s", name);
	prctl(PR_SET_NAME, title);
}

/* Keeps a network namespace alive and is a thing that lab exec can point at. */
__attribute__((noreturn)) static void hold(const char *name)
{
	sigset_t all;

	name_process(name);
	/* Entering its namespace needs the right to inspect it. */
	prctl(PR_SET_DUMPABLE, 1);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	close_range(0, ~0u, 0);
	if (chdir("/"))
		_exit(1);
	for (;;)
		pause();
}

/* Names without a file; they belong to the network namespace the caller is in. */
static int listen_inside(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    strlen(SP_LAB_SOCKET));

	memcpy(sun.sun_path + 1, SP_LAB_SOCKET, strlen(SP_LAB_SOCKET));
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&sun, len) || listen(fd, 8))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int make_place(struct lab_init *s, unsigned i, struct sp_err *err)
{
	const struct sp_lab_node *n = &s->spec->node[i];
	pid_t pid;

	if (unshare(CLONE_NEWNET))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot make network namespace %u of %u: %s; see 'sysctl "
			       "user.max_net_namespaces'",
			       i + 1, s->spec->n_places, strerror(errno));
	if (sp_wire_prepare_place(n->kind))
		return sp_fail(
			err, -EROFS, SP_EXIT_PERM,
			"cannot make %s a router: /proc/sys/net/ipv4/ip_forward cannot be "
			"written; run as root, or in a container with a writable /proc/sys",
			n->name);
	s->inside[i] = listen_inside();
	pid = fork();
	if (pid < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot start a process for host %s: %s; see 'ulimit -u'",
			       n->name, strerror(errno));
	if (!pid)
		hold(n->name);
	s->map.holder[i] = pid;
	memcpy(s->map.hosts.name[i], n->name, sizeof n->name);
	s->map.hosts.n = i + 1;
	return 0;
}

static int make_places(struct lab_init *s, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->spec->n_places && !rc; i++)
		rc = make_place(s, i, err);
	if (rc)
		return rc;
	/* The switch: a namespace of init's own. */
	if (unshare(CLONE_NEWNET))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot make the lab's own network namespace: %s",
			       strerror(errno));
	sp_wire_prepare_switch();
	return 0;
}

/* ---- forwarders ---- */

__attribute__((noreturn)) static void forward(const struct lab_init *s, unsigned link,
					      int control)
{
	const struct sp_lab_link *l = &s->spec->link[link];
	char name[2][16];
	struct sp_forward_conf c = { .interface = { name[0], name[1] },
				     .way = { l->way[0], l->way[1] },
				     .name = l->name,
				     .seed = s->spec->seed,
				     .control = dup2(control, 3) };
	sigset_t all;

	name_process(l->name);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	close_range(0, 2, 0);
	close_range(4, ~0u, 0);
	for (unsigned end = 0; end < 2; end++)
		sp_wire_forwarder_end(link, end, name[end]);
	if (chdir("/"))
		_exit(1);
	_exit(sp_forward_run(&c) ? 1 : 0);
}

static int start_forwarder(struct lab_init *s, unsigned link, struct sp_err *err)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return sp_fail(err, -errno, SP_EXIT_PERM, "cannot make a socket pair: %s",
			       strerror(errno));
	pid_t pid = fork();
	if (!pid)
		forward(s, link, sv[1]);
	close(sv[1]);
	if (pid < 0) {
		close(sv[0]);
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot start the forwarder of link %s: %s; see 'ulimit -u'",
			       s->spec->link[link].name, strerror(errno));
	}
	s->forwarder[link].pid = pid;
	s->forwarder[link].fd = sv[0];
	return 0;
}

static int await_forwarder(struct lab_init *s, unsigned link, struct sp_err *err)
{
	struct sp_forward_answer a;
	struct pollfd p = { .fd = s->forwarder[link].fd, .events = POLLIN };

	if (poll(&p, 1, START_MS) != 1 || sp_talk_recv(p.fd, &a, sizeof a, NULL, NULL))
		return sp_fail(err, -EIO, SP_EXIT_FAILED,
			       "the forwarder of link %s did not start; say 'via: veth' to do "
			       "without",
			       s->spec->link[link].name);
	if (a.err.code)
		*err = a.err;
	return a.err.code;
}

static int start_forwarders(struct lab_init *s, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->spec->n_links && !rc; i++)
		if (s->spec->link[i].via == SP_LAB_FORWARDER)
			rc = start_forwarder(s, i, err);
	for (unsigned i = 0; i < s->spec->n_links && !rc; i++)
		if (s->forwarder[i].pid)
			rc = await_forwarder(s, i, err);
	return rc;
}

/* ---- */

int sp_init_build(struct lab_init *s)
{
	struct sp_err *err = &s->result.err;
	struct stat pidns;
	int rc = sp_space_become_root(s->conf->space, err);

	if (rc)
		return rc;
	sp_space_mount_proc();
	if (stat("/proc/self/ns/pid", &pidns))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot read /proc/self/ns/pid: %s; mount /proc",
			       strerror(errno));
	s->map.pidns = pidns.st_ino;
	rc = make_places(s, err);
	if (!rc)
		rc = sp_wire_up(s->spec, &s->map, err);
	return rc ? rc : start_forwarders(s, err);
}

void sp_init_kill_own(struct lab_init *s)
{
	for (unsigned i = 0; i < s->map.hosts.n; i++)
		if (s->map.holder[i])
			kill(s->map.holder[i], SIGKILL);
	for (unsigned i = 0; i < s->spec->n_links; i++)
		if (s->forwarder[i].pid)
			kill(s->forwarder[i].pid, SIGKILL);
}

bool sp_init_note_end(struct lab_init *s, pid_t pid)
{
	for (unsigned i = 0; i < s->map.hosts.n; i++) {
		if (pid != s->map.holder[i])
			continue;
		s->map.holder[i] = 0;
		sp_fail(&s->result.err, -ECANCELED, SP_EXIT_FAILED,
			"the process that holds host %s was killed; the lab is gone",
			s->map.hosts.name[i]);
		return true;
	}
	for (unsigned i = 0; i < s->spec->n_links; i++) {
		if (pid != s->forwarder[i].pid)
			continue;
		s->forwarder[i].pid = 0;
		sp_fail(&s->result.err, -ECANCELED, SP_EXIT_FAILED,
			"the forwarder of link %s was killed; the lab is gone",
			s->spec->link[i].name);
		return true;
	}
	return false;
}
