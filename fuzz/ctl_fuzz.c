/* Fuzz target of the control channel. The first byte says who listens: the codec, a receiver's
 * connection, or a sender's view of its receiver; the rest is records. So that the deep states
 * are reached, magic, version and cookie of each record are put right for the latter two. */
#include "base/cursor.h"
#include "ctl/client_peer.h"
#include "ctl/server_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_RECORDS 64
#define COOKIE	    9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_codec(const uint8_t *rec)
{
	uint8_t again[SP_CTL_RECORD];
	struct sp_ctl_msg m;

	if (sp_ctl_decode(rec, &m))
		return;
	sp_ctl_encode(&m, again);
	if (memcmp(rec, again, sizeof again) != 0)
		abort();
}

/* ---- a run that grants little ---- */

static int run_grant(void *arg, const struct sp_endpoint *peer, const char *name, uint32_t n,
		     struct sp_flow_grant *g)
{
	(void)arg;
	(void)peer;
	(void)name;
	if (n > 64)
		return -ENOSPC;
	*g = (struct sp_flow_grant){ 1, 0, n, n % 2 };
	return 0;
}

static void run_clock(void *arg, uint32_t session, bool known, int64_t offset, uint64_t error)
{
	(void)arg;
	(void)session;
	(void)known;
	(void)offset;
	(void)error;
}

static void run_sample(void *arg, uint32_t session, uint64_t *unique, uint64_t *bytes)
{
	(void)arg;
	(void)session;
	*unique = 5;
	*bytes = 500;
}

static void run_final(void *arg, uint32_t session, const uint64_t *tx, uint32_t n)
{
	uint64_t *sum = arg;

	(void)session;
	for (uint32_t i = 0; i < n; i++)
		*sum += tx[i];
}

static int run_counts(void *arg, uint32_t session, const struct sp_mem *mem,
		      struct sp_peer_counts *pc)
{
	(void)arg;
	(void)session;
	(void)mem;
	*pc = (struct sp_peer_counts){ 0 };
	return -ENOMEM;
}

static void run_fini(struct sp_peer_counts *pc, const struct sp_mem *mem)
{
	(void)pc;
	(void)mem;
}

static void run_end(void *arg, uint32_t session, bool lost)
{
	(void)arg;
	(void)session;
	(void)lost;
}

/* ---- both sides, over a socket pair whose other end is never read ---- */

static void put_right(uint8_t *rec, uint64_t cookie)
{
	struct sp_wr w = sp_wr_of(rec, SP_CTL_RECORD);

	sp_wr_be32(&w, SP_CTL_MAGIC);
	sp_wr_u8(&w, SP_CTL_VERSION);
	sp_wr_take(&w, 3);
	sp_wr_be64(&w, cookie);
}

static void fuzz_server(const struct sp_env *env, int fd, const uint8_t *data, size_t records)
{
	static const struct sp_ctl_ops ops = {
		.grant_flows = run_grant,
		.session_clock = run_clock,
		.session_sample = run_sample,
		.session_final = run_final,
		.session_counts = run_counts,
		.counts_fini = run_fini,
		.session_end = run_end,
	};
	uint64_t sum = 0, next = SP_NEVER;
	struct sp_ctl_shared *sh = calloc(1, sizeof *sh);
	struct sp_endpoint peer = { .addr = { .family = 4, .ip = { 127, 0, 0, 1 } } };
	struct sp_ctl_conn c;
	uint8_t rec[SP_CTL_RECORD];

	if (!sh)
		return;
	sh->ops = &ops;
	sh->arg = &sum;
	sh->env = env;
	sh->limits = sp_ctl_limits_default();
	sp_ctl_conn_init(&c, fd, &peer, COOKIE, SP_NEVER);
	for (size_t i = 0; i < records && !c.bye; i++) {
		memcpy(rec, data + i * SP_CTL_RECORD, sizeof rec);
		put_right(rec, COOKIE);
		if (!sp_ctl_chan_room(&c.ch) || sp_ctl_conn_record(sh, &c, rec) ||
		    sp_ctl_conn_writable(&c) ||
		    sp_ctl_conn_tick(sh, &c, sp_clock_now(env->clock), &next))
			break;
	}
	sp_ctl_conn_fini(sh, &c, true);
	free(sh);
}

static void fuzz_client(const struct sp_env *env, int fd, const uint8_t *data, size_t records)
{
	struct sp_ctl_peer_ctx *x = calloc(1, sizeof *x);
	struct sp_ctl_peer p = { .ch = { .fd = fd, .out_cap = 1 } };
	uint64_t *tx = NULL;
	uint8_t rec[SP_CTL_RECORD];
	char text[192];
	int rc = 0;

	if (!x)
		return;
	x->env = env;
	x->exchanges = 1;
	p.ch.out = sp_alloc(env->mem, SP_CTL_RECORD);
	p.cookie = COOKIE;
	p.ask.n_flows = 3;
	p.lease.wanted = records % 2;
	p.lease.pps = 1000;
	if (p.ch.out)
		rc = sp_ctl_peer_greet(x, &p);
	for (size_t i = 0; i < records && !rc && p.ch.out; i++) {
		memcpy(rec, data + i * SP_CTL_RECORD, sizeof rec);
		put_right(rec, p.cookie);
		rc = sp_ctl_peer_record(x, &p, rec);
		if (!rc && p.state == SP_CTL_P_CLOCK && p.exchanges)
			rc = sp_ctl_peer_go_live(x, &p);
		/* Where counts come next the run has ended. */
		if (!rc && p.state == SP_CTL_P_LIVE && i + 1 < records &&
		    data[(i + 1) * SP_CTL_RECORD + 5] >= SP_CTL_COUNTS &&
		    data[(i + 1) * SP_CTL_RECORD + 5] <= SP_CTL_DONE) {
			tx = sp_alloc_array(env->mem, 3, sizeof *tx);
			rc = tx ? sp_ctl_peer_final(&p, tx) : -ENOMEM;
		}
	}
	sp_ctl_peer_expire(&p);
	sp_ctl_peer_remark(&p, text, sizeof text);
	sp_ctl_peer_fini(&p, env->mem);
	free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env = { .mem = &mem.mem, .clock = &clock };
	size_t records;
	int fds[2];

	if (!size)
		return 0;
	records = (size - 1) / SP_CTL_RECORD;
	if (records > MAX_RECORDS)
		records = MAX_RECORDS;
	if (data[0] % 3 == 0) {
		for (size_t i = 0; i < records; i++)
			fuzz_codec(data + 1 + i * SP_CTL_RECORD);
		return 0;
	}
	sp_mem_test_init(&mem, UINT64_MAX);
	sp_clock_init_virtual(&clock, 1);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return 0;
	if (data[0] % 3 == 1)
		fuzz_server(&env, fds[0], data + 1, records);
	else
		fuzz_client(&env, fds[0], data + 1, records);
	close(fds[1]);
	if (mem.live)
		abort();
	return 0;
}
