#include "lab/wire.h"

#include "lab/link.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An attempt: where /proc/sys is read-only the lab works all the same, with a second's delay
 * of link-local addresses. */
static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ssize_t n = write(fd, value, 1);
	(void)n;
	close(fd);
}

void sp_wire_prepare_host(void)
{
	set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
	set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0");
	set("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "0");
	set("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	set("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	/* No router will come; soliciting one only puts frames into people's captures. */
	set("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
}

void sp_wire_prepare_switch(void)
{
	set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

static int go_to(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	int rc = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* In host number n: lo and eth0 get up and addresses. */
static int set_up_host(unsigned n)
{
	uint8_t v4[4], v6[16];
	int rc;
	struct mnl_socket *nl = sp_link_open();

	if (!nl)
		return -errno;
	unsigned lo = if_nametoindex("lo"), eth0 = if_nametoindex("eth0");
	sp_lab_ipv4(n, v4);
	sp_lab_ipv6(n, v6);
	if ((rc = sp_link_up(nl, lo)) || (rc = sp_link_add_addr(nl, eth0, v4, sizeof v4, 24)) ||
	    (rc = sp_link_up(nl, eth0)))
		goto out;
	rc = sp_link_add_addr(nl, eth0, v6, sizeof v6, 64);
	/* A kernel without IPv6, or with it switched off for good. */
	if (rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT || rc == -EACCES)
		rc = 0;
out:
	sp_link_close(nl);
	return rc;
}

/* eth0 of host `from` (0: the caller's namespace is the switch's) to eth0 of host `to`. */
static int join(struct mnl_socket *nl, const struct sp_lab_map *m, unsigned from, unsigned to,
		unsigned bridge)
{
	char port[IFNAMSIZ];
	struct sp_link_veth v = { .name = from ? "eth0" : port,
				  .peer = "eth0",
				  .peer_pid = m->holder[to - 1],
				  .master = bridge };

	snprintf(port, sizeof port, "port%u", to);
	sp_lab_mac(from ? from : 100 + to, v.mac);
	sp_lab_mac(to, v.peer_mac);
	return sp_link_add_veth(nl, &v);
}

static int join_pair(const struct sp_lab_map *m)
{
	int rc = go_to(m->holder[0]);
	if (rc)
		return rc;
	struct mnl_socket *nl = sp_link_open();
	if (!nl)
		return -errno;
	rc = join(nl, m, 1, 2, 0);
	sp_link_close(nl);
	return rc;
}

/* One host: its eth0 ends in the switch's namespace, so that it has carrier. */
static int join_all(const struct sp_lab_map *m)
{
	unsigned bridge = 0;
	int rc = 0;
	struct mnl_socket *nl = sp_link_open();

	if (!nl)
		return -errno;
	if (m->hosts.n > 1) {
		rc = sp_link_add_bridge(nl, "br0");
		bridge = if_nametoindex("br0");
	}
	for (unsigned n = 1; !rc && n <= m->hosts.n; n++)
		rc = join(nl, m, 0, n, bridge);
	sp_link_close(nl);
	return rc;
}

static int fail(struct sp_err *err, int code, const char *what)
{
	const char *remedy = "";

	if (code == -EOPNOTSUPP || code == -ENOENT || code == -ENODEV)
		remedy = "; the kernel lacks it, try 'sudo modprobe -a veth bridge'";
	return sp_fail(err, code, SP_EXIT_PERM, "cannot %s: %s%s", what, strerror(-code),
		       remedy);
}

int sp_wire_up(const struct sp_lab_map *m, struct sp_err *err)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return fail(err, -errno, "open /proc/self/ns/net");
	int rc = m->hosts.n == 2 ? join_pair(m) : join_all(m);
	if (rc) {
		fail(err, rc, "make the veth interfaces and the bridge of the lab");
		goto out;
	}
	for (unsigned i = 0; i < m->hosts.n; i++) {
		rc = go_to(m->holder[i]);
		if (!rc)
			rc = set_up_host(i + 1);
		if (rc) {
			fail(err, rc, "set up the addresses of a host");
			goto out;
		}
	}
	/* A link has carrier only when both ends are up. */
	for (unsigned i = 0; i < m->hosts.n; i++)
		if (!go_to(m->holder[i]))
			sp_link_settle("eth0");
	if (setns(home, CLONE_NEWNET))
		rc = fail(err, -errno, "go back to the lab's own namespace");
out:
	close(home);
	return rc;
}
