/* bench-drop INTERFACE: drops what is UDP over IPv4 as early as can be, in XDP, until a signal. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(size, dst, src, at)                                                               \
	{                                                                                      \
		.code = BPF_LDX | (size) | BPF_MEM, .dst_reg = (dst), .src_reg = (src),        \
		.off = (at)                                                                    \
	}
#define UNLESS(dst, value, skip)                                                               \
	{                                                                                      \
		.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (dst), .off = (skip),            \
		.imm = (value)                                                                 \
	}
#define SET(dst, value)                                                                        \
	{                                                                                      \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (dst), .imm = (value)          \
	}

static int call(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof *attr);
}

static int attach(unsigned ifindex)
{
	static const struct bpf_insn program[] = {
		LOAD(BPF_W, 2, 1, offsetof(struct xdp_md, data)),
		LOAD(BPF_W, 3, 1, offsetof(struct xdp_md, data_end)),
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 2 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = 34 },
		{ .code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 4, .src_reg = 3, .off = 6 },
		LOAD(BPF_H, 5, 2, 12),
		UNLESS(5, 0x0008, 4),
		LOAD(BPF_B, 5, 2, 23),
		UNLESS(5, 17, 2),
		SET(0, XDP_DROP),
		{ .code = BPF_JMP | BPF_EXIT },
		SET(0, XDP_PASS),
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_XDP,
				.insn_cnt = sizeof program / sizeof *program,
				.insns = (uint64_t)(uintptr_t)program,
				.license = (uint64_t)(uintptr_t) "GPL",
				.expected_attach_type = BPF_XDP };
	int fd = call(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		return -1;
	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = (uint32_t)fd;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = XDP_FLAGS_DRV_MODE;
	return call(BPF_LINK_CREATE, &attr);
}

static void quit(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	struct sigaction on = { .sa_handler = quit };

	if (argc != 2)
		return 2;
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGTERM, &on, NULL);
	if (attach(if_nametoindex(argv[1])) < 0) {
		fprintf(stderr, "bench-drop: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fprintf(stderr, "ready\n");
	pause();
	return 0;
}
