#include "forward/forward.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/clock.h"
#include "core/margin.h"
#include "forward/frame.h"
#include "forward/side.h"
#include "sandbox/sandbox.h"

#define OFFSET_NS (10 * SP_NS_PER_MS) /* how often the clocks are compared */
#define BUSY_MAX  256u		      /* turns without a look at the control socket */

struct way {
	struct sp_impair im;
	struct sp_side *in, *out;
};

struct forward {
	const struct sp_forward_conf *conf;
	struct sp_clock clock;
	struct sp_margin margin;
	int64_t real_offset;   /* real - monotonic time */
	uint64_t offset_at_ns; /* when it was looked at */
	struct sp_pool pool;
	struct sp_side side[2];
	struct way way[2];
};

/* ---- a frame ---- */

static void damage(const struct forward *f, const struct way *w, uint32_t id,
		   const struct sp_frame *look, uint64_t random)
{
	bool repair = w->im.conf.corrupt_checksum == SP_IMPAIR_REPAIRED;
	struct sp_slot *s = &f->pool.slots[id];
	uint8_t *data = sp_pool_data(&f->pool, id);

	/* A checksum that the interface would complete later would hide the damage. */
	if (s->vnet.flags & 1 && !s->vnet.gso_type && !repair) {
		sp_frame_fill(data, s->len, s->vnet.csum_start, s->vnet.csum_offset,
			      look->proto == 17);
		s->vnet.flags = 0;
	}
	sp_frame_flip(data, look, random, repair && !(s->vnet.flags & 1));
}

static void on_frame(struct forward *f, struct way *w, const struct sp_arrival *a)
{
	const uint8_t *data = sp_pool_data(&f->pool, a->id);
	struct sp_frame look;
	uint32_t bytes, copy;

	sp_frame_look(data, f->pool.slots[a->id].len, &look);
	bytes = sp_frame_bytes(&look, w->im.conf.rate.layer);
	struct sp_impair_verdict v = sp_impair_judge(&w->im, bytes,
						     sp_frame_is(&look, w->im.conf.only));
	if (v.fate == SP_IMPAIR_GONE) {
		sp_pool_put(&f->pool, a->id);
		return;
	}
	if (v.fate == SP_IMPAIR_DAMAGED)
		damage(f, w, a->id, &look, v.random);
	bool twice = v.fate == SP_IMPAIR_TWICE && sp_pool_copy(&f->pool, a->id, &copy);
	if (!sp_impair_enter(&w->im, a->t_ns, bytes, look.flow, a->id, v.fate))
		sp_pool_put(&f->pool, a->id);
	if (twice && !sp_impair_enter_copy(&w->im, a->t_ns, bytes, copy))
		sp_pool_put(&f->pool, copy);
}

/* ---- the loop ---- */

static void sample_offset(struct forward *f, uint64_t now_ns)
{
	f->real_offset = sp_clock_real_offset(&f->clock);
	f->offset_at_ns = now_ns;
}

/* One turn of one direction; the number of frames that came. */
static uint32_t turn(struct forward *f, struct way *w)
{
	struct sp_arrival a[SP_SIDE_BURST];
	uint32_t n = sp_side_receive(w->in, &f->pool, &f->clock, f->real_offset, a), id;

	for (uint32_t i = 0; i < n; i++)
		on_frame(f, w, &a[i]);
	uint64_t now_ns = sp_clock_now(&f->clock);
	if (now_ns - f->offset_at_ns > OFFSET_NS)
		sample_offset(f, now_ns);
	/* A frame that waits for another to pass it leaves alone only when none can come. */
	if (now_ns > w->in->known_ns)
		now_ns = w->in->known_ns;
	while (sp_impair_take(&w->im, now_ns, &id))
		sp_side_send(w->out, &f->pool, id);
	sp_side_flush(w->out, &f->pool);
	return n;
}

static bool answer(struct forward *f, uint32_t serial)
{
	struct sp_forward_answer a = { .serial = serial, .at_ns = sp_clock_now(&f->clock) };

	for (int i = 0; i < 2; i++) {
		struct way *w = &f->way[i];

		sp_side_count_drops(w->in);
		a.way[i] = (struct sp_forward_counts){ .impair = w->im.counts,
						       .socket_drops = w->in->drops,
						       .refused = w->out->refused,
						       .supers = w->in->supers };
	}
	return send(f->conf->control, &a, sizeof a, MSG_NOSIGNAL) == (ssize_t)sizeof a;
}

/* False: the other end is gone. */
static bool obey(struct forward *f)
{
	struct sp_forward_order o;
	ssize_t n = recv(f->conf->control, &o, sizeof o, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n != (ssize_t)sizeof o)
		return false;
	if (o.set)
		for (int i = 0; i < 2; i++)
			sp_impair_set(&f->way[i].im, &o.way[i]);
	return answer(f, o.serial);
}

/* Sleeps until there is something to do; true when it is an order. */
static bool rest(struct forward *f)
{
	struct pollfd p[3] = { { .fd = f->side[0].fd, .events = POLLIN },
			       { .fd = f->side[1].fd, .events = POLLIN },
			       { .fd = f->conf->control, .events = POLLIN } };
	uint64_t a = sp_impair_next(&f->way[0].im), b = sp_impair_next(&f->way[1].im);
	uint64_t next = a < b ? a : b, now_ns = sp_clock_now(&f->clock), wake_ns = SP_NEVER;
	struct timespec ts = { 0 };

	if (next != SP_NEVER) {
		if (next <= now_ns + f->margin.ns)
			return false;
		wake_ns = next - f->margin.ns;
		ts = (struct timespec){ (time_t)((wake_ns - now_ns) / SP_NS_PER_S),
					(long)((wake_ns - now_ns) % SP_NS_PER_S) };
	}
	/* An interface that is gone or down is reported once and read away by receiving. */
	if (!ppoll(p, 3, next == SP_NEVER ? NULL : &ts, NULL)) {
		now_ns = sp_clock_now(&f->clock);
		sp_margin_note(&f->margin, now_ns > wake_ns ? now_ns - wake_ns : 0);
	}
	return p[2].revents != 0;
}

static void serve(struct forward *f)
{
	unsigned busy = 0;

	for (bool order = false;;) {
		uint32_t n = turn(f, &f->way[0]) + turn(f, &f->way[1]);

		if (!n)
			order = rest(f);
		if (order || ++busy == BUSY_MAX) {
			busy = 0;
			order = false;
			if (!obey(f))
				return;
		}
	}
}

/* ---- life ---- */

static int set_up(struct forward *f, struct sp_err *err)
{
	const struct sp_mem *mem = sp_mem_system();
	int rc = sp_pool_init(&f->pool, mem, err);

	for (int i = 0; i < 2 && !rc; i++)
		rc = sp_side_open(&f->side[i], f->conf->interface[i], mem, err);
	for (int i = 0; i < 2 && !rc; i++) {
		char name[64];

		snprintf(name, sizeof name, "%.50s %s", f->conf->name, i ? "back" : "there");
		f->way[i].in = &f->side[i];
		f->way[i].out = &f->side[!i];
		rc = sp_impair_init(&f->way[i].im, &f->conf->way[i], f->conf->seed, name, mem,
				    err);
	}
	return rc;
}

int sp_forward_run(const struct sp_forward_conf *conf)
{
	const struct sp_mem *mem = sp_mem_system();
	struct forward *f = sp_alloc(mem, sizeof *f);
	struct sp_forward_answer failed = { 0 };
	struct sp_sandbox_state confined;
	int rc = -ENOMEM;

	if (f) {
		f->conf = conf;
		f->side[0].fd = f->side[1].fd = -1;
		sp_clock_init_real(&f->clock);
		sp_margin_init(&f->margin);
		rc = set_up(f, &failed.err);
	}
	if (rc) {
		failed.err.code = rc;
		ssize_t n = send(conf->control, &failed, sizeof failed, MSG_NOSIGNAL);
		(void)n;
	} else {
		prctl(PR_SET_TIMERSLACK, 1);
		/* Frames from outside are read from here on, and nothing else is to be done. */
		sp_sandbox_enter(&(struct sp_sandbox_conf){ 0 }, &confined);
		sample_offset(f, sp_clock_now(&f->clock));
		if (answer(f, 0))
			serve(f);
	}
	for (int i = 0; f && i < 2; i++) {
		sp_side_close(&f->side[i], mem);
		if (f->way[i].im.ring)
			sp_impair_fini(&f->way[i].im);
	}
	if (f && f->pool.slots)
		sp_pool_fini(&f->pool);
	sp_free(mem, f);
	return rc;
}
