/* bench-reflect ADDRESS PORT: a name server that answers every query with itself, as fast as the
 * kernel lets it: the response bit is set, and what came goes back, many a system call. Ends by a
 * signal. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { UNITS = 32, ROOM = 65536, DNS_HEADER = 12, FLAGS_AT = 2, RESPONSE = 0x80 };

struct unit {
	struct sockaddr_in from;
	uint8_t ctl[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	uint8_t data[ROOM];
};

static int fail(const char *what)
{
	fprintf(stderr, "bench-reflect: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The size of the segments that the kernel joined; 0: it did not. */
static uint16_t segment_of(struct msghdr *h)
{
	int size = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof size);
	return (uint16_t)size;
}

static void answer(struct mmsghdr *m, struct iovec *iov, struct unit *u)
{
	uint16_t seg = segment_of(&m->msg_hdr);
	uint32_t step = seg ? seg : m->msg_len;

	for (uint32_t at = 0; at + DNS_HEADER <= m->msg_len; at += step)
		u->data[at + FLAGS_AT] |= RESPONSE;
	iov->iov_len = m->msg_len;
	m->msg_hdr.msg_control = NULL;
	m->msg_hdr.msg_controllen = 0;
	if (seg && seg < m->msg_len) {
		struct cmsghdr *h = (struct cmsghdr *)(void *)u->ctl;

		h->cmsg_level = SOL_UDP;
		h->cmsg_type = UDP_SEGMENT;
		h->cmsg_len = CMSG_LEN(sizeof seg);
		memcpy(CMSG_DATA(h), &seg, sizeof seg);
		m->msg_hdr.msg_control = u->ctl;
		m->msg_hdr.msg_controllen = CMSG_SPACE(sizeof seg);
	}
}

static void serve(int fd, struct mmsghdr *mm, struct iovec *iov, struct unit *unit)
{
	for (;;) {
		int n, done = 0, r;

		for (int i = 0; i < UNITS; i++) {
			iov[i] = (struct iovec){ unit[i].data, ROOM };
			mm[i].msg_hdr = (struct msghdr){ .msg_name = &unit[i].from,
							 .msg_namelen = sizeof unit[i].from,
							 .msg_iov = &iov[i],
							 .msg_iovlen = 1,
							 .msg_control = unit[i].ctl,
							 .msg_controllen = sizeof unit[i].ctl };
		}
		n = recvmmsg(fd, mm, UNITS, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			answer(&mm[i], &iov[i], &unit[i]);
		while (done < n) {
			r = sendmmsg(fd, mm + done, (unsigned)(n - done), 0);
			done += r > 0 ? r : 1;
		}
	}
}

int main(int argc, char **argv)
{
	static struct unit unit[UNITS];
	static struct mmsghdr mm[UNITS];
	static struct iovec iov[UNITS];
	struct sockaddr_in at = { .sin_family = AF_INET };
	int one = 1, room = 4 << 20, fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: bench-reflect ADDRESS PORT\n");
		return 2;
	}
	at.sin_port = htons((uint16_t)atoi(argv[2]));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (bind(fd, (struct sockaddr *)&at, sizeof at))
		return fail("bind");
	fprintf(stderr, "ready\n");
	serve(fd, mm, iov, unit);
}
