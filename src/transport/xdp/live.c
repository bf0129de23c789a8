#include "transport/xdp/live.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/pacer.h"
#include "pkt/template.h"
#include "transport/xdp/bpf.h"

#define STATE_BYTES 4096u
_Static_assert(sizeof(struct xdp_live_state) <= STATE_BYTES, "one page");

/* ---- a place that keeps the program in the kernel's dispatcher ----
 *
 * Each call with more than one frame enters the program into the list of those that XDP jumps to
 * directly, and waits twice for all processors when it is the list's only user: 25 ms. One that is
 * attached somewhere is in the list already. So a thread makes a network namespace of its own,
 * attaches the program to the loopback device there, which is down, and ends. Nobody can see it,
 * and it goes with its last descriptor. */
struct hold {
	int prog, link;
};

static void *hold_thread(void *arg)
{
	struct hold *h = arg;
	int space;

	h->link = -EPERM;
	if (unshare(CLONE_NEWNET))
		return NULL;
	space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (space < 0)
		return NULL;
	h->link = xdp_bpf_attach(h->prog, 1, XDP_FLAGS_SKB_MODE);
	if (h->link < 0)
		close(space);
	else
		h->prog = space;
	return NULL;
}

/* Not to have it costs time, nothing else. */
static void hold(struct xdp_live *l)
{
	struct hold h = { .prog = l->prog, .link = -1 };
	pthread_t t;

	if (pthread_create(&t, NULL, hold_thread, &h))
		return;
	pthread_join(t, NULL);
	if (h.link < 0)
		return;
	l->hold = h.link;
	l->space = h.prog;
}

/* ---- what the program needs ---- */

static int make_maps(struct xdp_live *l, const struct sp_iface *iface, struct sp_err *err)
{
	uint16_t tables[XDP_STAMP_TABLES];
	uint32_t ifindex = iface->index;
	int rc = 0;

	l->maps.state = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "spate_live", STATE_BYTES, 1,
				    BPF_F_MMAPABLE);
	l->maps.tables = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "spate_check", sizeof tables, 1, 0);
	l->maps.device = xdp_bpf_map(BPF_MAP_TYPE_DEVMAP, "spate_out", 4, 1, 0);
	if (l->maps.state < 0)
		rc = l->maps.state;
	else if (l->maps.tables < 0)
		rc = l->maps.tables;
	else if (l->maps.device < 0)
		rc = l->maps.device;
	if (!rc) {
		xdp_stamp_tables(tables);
		rc = xdp_bpf_map_set(l->maps.tables, 0, tables);
	}
	if (!rc)
		rc = xdp_bpf_map_set(l->maps.device, 0, &ifindex);
	if (!rc) {
		l->state = xdp_bpf_map_memory(l->maps.state, STATE_BYTES);
		rc = l->state ? 0 : -ENOMEM;
	}
	if (rc)
		return sp_fail(err, rc, SP_EXIT_PERM, "live frames on %s: no BPF maps: %s",
			       iface->name, strerror(-rc));
	return 0;
}

/* Our number as tracepoints see it, which is not that of a PID namespace. */
static bool own_tgid(struct xdp_asm *a, uint32_t *tgid)
{
	int prog, rc;

	xdp_live_emit_tgid(a);
	prog = xdp_bpf_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "spate_tgid", a, NULL);
	if (prog < 0)
		return false;
	rc = xdp_bpf_ask(prog, tgid);
	close(prog);
	return rc == 0;
}

/* Without them (they need CAP_PERFMON) a frame that the interface does not take counts as sent. */
static void watch(struct xdp_live *l, struct xdp_asm *a)
{
	static const char *const points[2] = { "xdp_devmap_xmit", "xdp_redirect_err" };
	uint32_t tgid;

	if (!own_tgid(a, &tgid))
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			xdp_live_emit_sent(a, l->maps.state, tgid);
		else
			xdp_live_emit_failed(a, l->maps.state, tgid);
		l->count[i] = xdp_bpf_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "spate_count", a,
					   NULL);
		if (l->count[i] >= 0)
			l->watch[i] = xdp_bpf_tracepoint(l->count[i], points[i]);
	}
}

static int make(struct xdp_live *l, const struct sp_iface *iface, struct sp_err *err)
{
	struct xdp_asm *a;
	int rc = make_maps(l, iface, err);

	if (rc)
		return rc;
	a = sp_alloc(l->mem, sizeof *a);
	if (!a)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for live frames");
	xdp_live_emit(a, &l->form, &l->maps);
	l->prog = xdp_bpf_load(BPF_PROG_TYPE_XDP, "spate_live", a, err);
	if (l->prog >= 0)
		watch(l, a);
	sp_free(l->mem, a);
	if (l->prog < 0)
		return l->prog;
	hold(l);
	return 0;
}

static int fits(const struct sp_iface *iface, const struct sp_repeat_form *f,
		struct sp_err *err)
{
	const char *why = xdp_live_why_not(f);
	int rc = xdp_iface_takes_frames(iface->index);

	if (why)
		return sp_fail(err, -ENOTSUP, SP_EXIT_USAGE, "no live frames: %s", why);
	if (rc == -EOPNOTSUPP)
		return sp_fail(err, -ENOTSUP, SP_EXIT_PERM,
			       "no live frames: interface %s takes none (the other end of a "
			       "veth has to run XDP, or `ethtool -K PEER gro on`)",
			       iface->name);
	if (rc)
		return sp_fail(err, -ENOTSUP, SP_EXIT_PERM,
			       "no live frames: the kernel does not say whether interface %s "
			       "takes them (%s; needs Linux 6.3)",
			       iface->name, strerror(-rc));
	return 0;
}

/* A frame that is dropped at once tells whether the kernel can. */
static int try(struct xdp_live *l, struct sp_err *err)
{
	int rc;

	l->state->end_ns = 0;
	rc = xdp_bpf_run_live(l->prog, l->frame, l->form.len, 1, XDP_LIVE_BATCH);
	if (!rc)
		return 0;
	return sp_fail(err, -ENOTSUP, SP_EXIT_PERM,
		       "no live frames: this kernel makes none (%s; needs Linux 5.18)",
		       strerror(-rc));
}

int xdp_live_open(struct xdp_live **out, const struct sp_iface *iface,
		  const struct sp_repeat_form *f, const struct sp_mem *mem, struct sp_err *err)
{
	int rc = fits(iface, f, err);
	struct xdp_live *l;

	if (rc)
		return rc;
	l = sp_alloc(mem, sizeof *l);
	if (!l)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for live frames");
	*l = (struct xdp_live){ .mem = mem,
				.form = *f,
				.frame = sp_alloc(mem, f->len),
				.maps = { -1, -1, -1 },
				.prog = -1,
				.hold = -1,
				.space = -1,
				.count = { -1, -1 },
				.watch = { -1, -1 } };
	if (l->frame) {
		memcpy(l->frame, f->frame, f->len);
		l->form.frame = l->frame;
		rc = make(l, iface, err);
	} else {
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for live frames");
	}
	if (!rc)
		rc = try(l, err);
	if (rc) {
		xdp_live_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void xdp_live_close(struct xdp_live *l)
{
	int fds[] = { l->hold,	   l->space, l->watch[0],   l->watch[1],    l->count[0],
		      l->count[1], l->prog,  l->maps.state, l->maps.tables, l->maps.device };

	if (l->state)
		munmap(l->state, STATE_BYTES);
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	sp_free(l->mem, l->frame);
	sp_free(l->mem, l);
}

int xdp_live_run(struct xdp_live *l, struct sp_repeat_call *c)
{
	const struct sp_repeat *run = c->run;
	struct xdp_live_state *s = l->state;
	uint64_t sent = s->sent;
	int rc;

	xdp_live_seek(s, &l->form, c->unit);
	s->seq = c->seq;
	s->head = c->head;
	s->end_ns = run->end_ns;
	s->shared = 0;
	s->first_ns = 0;
	rc = xdp_bpf_run_live(l->prog, l->frame, l->form.len, run->n, XDP_LIVE_BATCH);
	c->made = (uint32_t)(s->unit - c->unit);
	c->left = l->watch[0] >= 0 ? (uint32_t)(s->sent - sent) : c->made;
	if (c->left > c->made)
		c->left = c->made;
	c->first_ns = s->first_ns;
	c->last_ns = s->now_ns;
	/* A signal ends a call early, and that is all. */
	return rc == -EINTR ? 0 : rc;
}
