#include "transport/packet/packet.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

static int join(int fd, uint32_t id, uint32_t mode)
{
	uint32_t arg = id | mode << 16;

	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, sizeof arg) ? -errno : 0;
}

/* The first one makes a group with an id that nobody has. */
int sp_packet_join(struct sp_port *p, int fd)
{
	uint32_t mode = PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
	uint32_t new = p->group < 0 ? PACKET_FANOUT_FLAG_UNIQUEID : 0, got = 0;
	socklen_t len = sizeof got;
	int rc = join(fd, p->group < 0 ? 0 : (uint32_t)p->group, mode | new);

	if (rc == -EINVAL) /* before Linux 5.10; put() leaves out what was sent */
		rc = join(fd, p->group < 0 ? 0 : (uint32_t)p->group, PACKET_FANOUT_CBPF | new);
	if (rc || p->group >= 0)
		return rc;
	if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &got, &len))
		return -errno;
	p->group = (int)(got & 0xffff);
	return 0;
}

#define NET(at) ((uint32_t)SKF_NET_OFF + (at))
#define AD(at)	((uint32_t)(SKF_AD_OFF + (at)))

/* As sp_frame_ends sees a source: the address, plus the port number of an unfragmented UDP or TCP
 * packet. Whatever is not IP, or has a tag that the kernel did not take out, is of worker 0. The
 * kernel takes the result modulo the number of sockets. */
static const struct sock_filter by_source[] = {
	/*  0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_PROTOCOL)),
	/*  1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 12),
	/*  2 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NET(12)),
	/*  3 */ BPF_STMT(BPF_ST, 0),
	/*  4 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NET(6)),
	/*  5 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 22, 0), /* a fragment */
	/*  6 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NET(9)),
	/*  7 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
	/*  8 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 19),
	/*  9 */ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, NET(0)),
	/* 10 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, NET(0)),
	/* 11 */ BPF_STMT(BPF_LDX | BPF_MEM, 0),
	/* 12 */ BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	/* 13 */ BPF_STMT(BPF_RET | BPF_A, 0),
	/* 14 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 1, 0),
	/* 15 */ BPF_STMT(BPF_RET | BPF_K, 0),
	/* 16 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NET(16)),
	/* 17 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
	/* 18 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NET(20)),
	/* 19 */ BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	/* 20 */ BPF_STMT(BPF_ST, 0),
	/* 21 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NET(6)),
	/* 22 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
	/* 23 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
	/* 24 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NET(40)),
	/* 25 */ BPF_STMT(BPF_LDX | BPF_MEM, 0),
	/* 26 */ BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	/* 27 */ BPF_STMT(BPF_RET | BPF_A, 0),
	/* 28 */ BPF_STMT(BPF_LD | BPF_MEM, 0),
	/* 29 */ BPF_STMT(BPF_RET | BPF_A, 0),
};

int sp_packet_steer(struct sp_port *p, unsigned workers)
{
	struct sock_fprog prog = { sizeof by_source / sizeof by_source[0],
				   (struct sock_filter *)(uintptr_t)by_source };
	int rc = 0;

	if (!workers || workers != p->workers)
		return -EINVAL;
	if (workers == 1)
		return 0;
	if (setsockopt(p->queues[0]->fd, SOL_PACKET, PACKET_FANOUT_DATA, &prog, sizeof prog))
		return -errno;
	for (unsigned w = 0; !rc && w < workers; w++)
		rc = sp_packet_filter_attach(p, p->queues[w]->fd);
	return rc;
}
