#include "transport/sock.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

static uint64_t buffer(int fd, int force, int plain, uint64_t bytes)
{
	int v = bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)bytes;
	socklen_t len = sizeof v;

	if (v && setsockopt(fd, SOL_SOCKET, force, &v, sizeof v))
		setsockopt(fd, SOL_SOCKET, plain, &v, sizeof v);
	v = 0;
	getsockopt(fd, SOL_SOCKET, plain, &v, &len);
	return v > 0 ? (uint64_t)v : 0;
}

uint64_t sp_sock_sndbuf(int fd, uint64_t bytes)
{
	return buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

uint64_t sp_sock_rcvbuf(int fd, uint64_t bytes)
{
	return buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

int sp_sock_open(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

int sp_sock_fail(struct sp_err *err, int code, const char *what)
{
	struct rlimit lim = { 0 };

	if (code == -EMFILE) {
		getrlimit(RLIMIT_NOFILE, &lim);
		return sp_fail(
			err, code, SP_EXIT_PERM,
			"cannot open %s: the limit of %llu descriptors is reached; raise it "
			"with `ulimit -n 4096`, or use fewer targets, ports or cores",
			what, (unsigned long long)lim.rlim_cur);
	}
	if (code == -ENFILE)
		return sp_fail(
			err, code, SP_EXIT_PERM,
			"cannot open %s: the system's descriptor table is full; raise it "
			"with `sysctl -w fs.file-max=1000000`",
			what);
	return sp_fail(err, code, SP_EXIT_PERM, "cannot open %s: %s", what, strerror(-code));
}

int sp_sock_device(int fd, const char *interface, struct sp_err *err)
{
	socklen_t len = (socklen_t)strlen(interface);

	if (!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, len))
		return 0;
	if (errno == ENODEV)
		return sp_fail(err, -ENODEV, SP_EXIT_PERM,
			       "there is no interface %s; `ip link` lists them", interface);
	if (errno == EPERM)
		return sp_fail(err, -EPERM, SP_EXIT_PERM,
			       "interface %s: this kernel lets only root tie a socket to an "
			       "interface; run it with `sudo`",
			       interface);
	return sp_fail(err, -errno, SP_EXIT_PERM, "interface %s: %s", interface,
		       strerror(errno));
}
