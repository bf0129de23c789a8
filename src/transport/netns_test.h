/* For tests: a network namespace of the test's own, with root's powers inside. */
#ifndef SP_TRANSPORT_NETNS_TEST_H
#define SP_TRANSPORT_NETNS_TEST_H

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool netns_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static inline bool netns_ifreq(unsigned long call, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok = fd >= 0 && !ioctl(fd, call, ifr);

	if (fd >= 0)
		close(fd);
	return ok;
}

static inline bool netns_up(const char *interface, bool up)
{
	struct ifreq ifr = { .ifr_flags = up ? IFF_UP : 0 };

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", interface);
	return netns_ifreq(SIOCSIFFLAGS, &ifr);
}

static inline bool netns_mtu(const char *interface, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", interface);
	return netns_ifreq(SIOCSIFMTU, &ifr);
}

/* Moves the process; an ordinary user becomes root of a user namespace. lo is up then. */
static inline bool netns_enter(void)
{
	char map[64];

	if (unshare(CLONE_NEWNET)) {
		snprintf(map, sizeof map, "0 %u 1", (unsigned)getuid());
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) ||
		    !netns_write("/proc/self/setgroups", "deny") ||
		    !netns_write("/proc/self/uid_map", map))
			return false;
	}
	return netns_up("lo", true);
}

#endif
