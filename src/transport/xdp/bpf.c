#include "transport/xdp/bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1u << 1)
#endif

static int bpf(int cmd, union bpf_attr *attr)
{
	long r;

	do
		r = syscall(SYS_bpf, cmd, attr, sizeof *attr);
	while (r < 0 && errno == EAGAIN && cmd == BPF_PROG_LOAD);
	return r < 0 ? -errno : (int)r;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int xdp_bpf_map(enum bpf_map_type type, const char *name, uint32_t value_size, uint32_t entries,
		uint32_t flags)
{
	union bpf_attr attr = { .map_type = type,
				.key_size = 4,
				.value_size = value_size,
				.max_entries = entries,
				.map_flags = flags };

	sp_strlcpy(attr.map_name, name, sizeof attr.map_name);
	return bpf(BPF_MAP_CREATE, &attr);
}

int xdp_bpf_map_set(int map, uint32_t key, const void *value)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map };

	attr.key = address(&key);
	attr.value = address(value);
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

void *xdp_bpf_map_memory(int map, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The last line but the statistics is the reason. */
static const char *reason(char *log)
{
	char *end = strstr(log, "\nprocessed ");
	char *line;

	if (end)
		*end = '\0';
	line = strrchr(log, '\n');
	return line ? line + 1 : log;
}

int xdp_bpf_load(enum bpf_prog_type type, const char *name, const struct xdp_asm *a,
		 struct sp_err *err)
{
	union bpf_attr attr = { .prog_type = type, .insn_cnt = a->n };
	char log[16384] = "";
	int rc;

	if (a->full)
		return sp_fail(err, -E2BIG, SP_EXIT_FAILED,
			       "the BPF program %s is too long for one", name);
	attr.insns = address(a->insn);
	attr.license = address("GPL");
	sp_strlcpy(attr.prog_name, name, sizeof attr.prog_name);
	if (type == BPF_PROG_TYPE_XDP)
		attr.expected_attach_type = BPF_XDP;
	rc = bpf(BPF_PROG_LOAD, &attr);
	if (rc >= 0)
		return rc;
	if (rc == -EPERM)
		return sp_fail(
			err, rc, SP_EXIT_PERM,
			"loading a BPF program needs the capabilities CAP_BPF and "
			"CAP_NET_ADMIN; run it with `sudo`, or give them once by `sudo setcap "
			"cap_bpf,cap_net_admin,cap_net_raw+ep $(command -v spate)`");
	attr.log_buf = address(log);
	attr.log_size = sizeof log;
	attr.log_level = 1;
	(void)bpf(BPF_PROG_LOAD, &attr);
	return sp_fail(err, rc, SP_EXIT_PERM,
		       "this kernel refuses the BPF program %s (%s): %.200s", name,
		       strerror(-rc), reason(log));
}

int xdp_bpf_attach(int prog, unsigned ifindex, uint32_t flags)
{
	union bpf_attr attr = { 0 };

	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = flags;
	return bpf(BPF_LINK_CREATE, &attr);
}

int xdp_bpf_tracepoint(int prog, const char *name)
{
	union bpf_attr attr = { 0 };

	attr.raw_tracepoint.name = address(name);
	attr.raw_tracepoint.prog_fd = (uint32_t)prog;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

int xdp_bpf_run(int prog, const uint8_t *frame, uint32_t len, uint8_t *out)
{
	union bpf_attr attr = { 0 };
	int rc;

	attr.test.prog_fd = (uint32_t)prog;
	attr.test.data_in = address(frame);
	attr.test.data_size_in = len;
	attr.test.data_out = address(out);
	attr.test.data_size_out = len;
	attr.test.repeat = 1;
	rc = bpf(BPF_PROG_TEST_RUN, &attr);
	return rc < 0 ? rc : (int)attr.test.retval;
}

int xdp_bpf_ask(int prog, uint32_t *answer)
{
	union bpf_attr attr = { 0 };
	int rc;

	attr.test.prog_fd = (uint32_t)prog;
	rc = bpf(BPF_PROG_TEST_RUN, &attr);
	*answer = attr.test.retval;
	return rc;
}

int xdp_bpf_run_live(int prog, const uint8_t *frame, uint32_t len, uint32_t repeat,
		     uint32_t batch)
{
	struct xdp_md ctx = { .data_end = len };
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (uint32_t)prog;
	attr.test.data_in = address(frame);
	attr.test.data_size_in = len;
	attr.test.ctx_in = address(&ctx);
	attr.test.ctx_size_in = sizeof ctx;
	attr.test.repeat = repeat;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attr.test.batch_size = batch;
	return bpf(BPF_PROG_TEST_RUN, &attr);
}

int xdp_bpf_allowed(void)
{
	int fd = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "spate_probe", 8, 1, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}
