#include "core/pacer.h"

#include <errno.h>
#include <string.h>

#include "core/pace.h"
#include "core/pacer_impl.h"

#define TAKE_AT_ONCE 32u /* ids whose state is fetched together */

static int set_policy(struct sp_pacer *p, const struct sp_catch_up_conf *conf)
{
	double x = conf ? conf->chase_x : 2, inverse;
	uint64_t credit_ns = conf ? conf->credit_ns : SP_NS_PER_S;

	p->catch_up = conf ? conf->kind : SP_CATCH_CHASE;
	if (p->catch_up != SP_CATCH_CHASE)
		x = 1;
	if (!(x >= 1))
		return -EINVAL;
	inverse = 4294967296.0 / x;
	p->inverse_q32 = (uint64_t)inverse;
	p->inverse_q32 += (double)p->inverse_q32 < inverse; /* never faster than asked */
	p->noise_ns = p->catch_up == SP_CATCH_SMOOTH ? SP_CATCH_SMOOTH_FROM_NS
						     : SP_CATCH_UP_NOISE_NS;
	p->keep_ns = p->catch_up == SP_CATCH_SKIP ? 0 : credit_ns;
	if (p->keep_ns < SP_CATCH_UP_NOISE_NS)
		p->keep_ns = SP_CATCH_UP_NOISE_NS;
	return 0;
}

int sp_pacer_new(struct sp_pacer **out, const struct sp_mem *mem, uint32_t streams,
		 uint64_t start_ns, const struct sp_catch_up_conf *conf)
{
	struct sp_pacer *p = sp_alloc(mem, sizeof *p);
	size_t n = streams ? streams : 1;
	int rc;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->mem = mem;
	p->n = streams;
	p->now_ns = start_ns;
	p->span_ns = UINT64_MAX;
	p->solo_ns = SP_NEVER;
	p->stop_ns = SP_NEVER;
	rc = set_policy(p, conf);
	if (rc == 0)
		rc = sp_wheel_new(&p->wheel, mem, streams, start_ns);
	if (rc)
		goto fail;
	rc = -ENOMEM;
	p->stream = sp_alloc_array(mem, n, sizeof *p->stream);
	p->cold = sp_alloc_array(mem, n, sizeof *p->cold);
	p->ring = sp_alloc_array(mem, n, sizeof *p->ring);
	if (!p->stream || !p->cold || !p->ring)
		goto fail;
	sp_wheel_prefetch(p->wheel, p->stream, sizeof *p->stream);
	*out = p;
	return 0;
fail:
	sp_pacer_free(p);
	return rc;
}

void sp_pacer_free(struct sp_pacer *p)
{
	if (!p)
		return;
	sp_wheel_free(p->wheel);
	sp_free(p->mem, p->stream);
	sp_free(p->mem, p->cold);
	sp_free(p->mem, p->ring);
	sp_free(p->mem, p);
}

void sp_pacer_prefetch(struct sp_pacer *p, const void *state, size_t size)
{
	sp_wheel_prefetch(p->wheel, state, size);
}

bool sp_pacer_draw(struct stream *s)
{
	uint64_t due_ns = s->due_ns;
	uint32_t size = 0;

	if (s->law.ops->next(s->law.st, &due_ns, &size))
		return false;
	s->due_ns = due_ns > s->due_ns ? due_ns : s->due_ns;
	s->size = size;
	if (due_ns >= s->law.end_ns || (s->law.bytes != UINT64_MAX && size > s->law.bytes))
		return false;
	if (s->law.bytes != UINT64_MAX)
		s->law.bytes -= size;
	return true;
}

void sp_pacer_narrow(struct sp_pacer *p, const struct sp_pace *c)
{
	unsigned __int128 gap = c->kind == SP_PACE_CONST ? c->gap_ns : 0;

	if (p->catch_up == SP_CATCH_CHASE)
		gap = gap * p->inverse_q32 >> 32;
	if (c->kind != SP_PACE_MAX)
		p->span_ns = sp_pacer_min(p->span_ns, (uint64_t)gap);
}

int sp_pacer_add(struct sp_pacer *p, uint32_t id, const struct sp_pace *c)
{
	struct stream *s;

	if (id >= p->n || p->stream[id].added ||
	    (c->kind == SP_PACE_CONST && !sp_pace_gap_valid(c)) ||
	    (c->kind == SP_PACE_OPS && !(c->ops && c->ops->next)))
		return -EINVAL;
	s = &p->stream[id];
	s->added = true;
	sp_pacer_load(p, id, c);
	sp_pacer_narrow(p, c);
	if (s->left) {
		sp_wheel_put(p->wheel, id, s->due_ns);
		p->live++;
	}
	return 0;
}

void sp_pacer_wake(struct sp_pacer *p, uint32_t id)
{
	if (p->solo_ns != SP_NEVER)
		sp_wheel_put(p->wheel, p->solo, p->solo_ns);
	p->solo_ns = SP_NEVER;
	p->live++;
	sp_wheel_put(p->wheel, id, sp_pacer_eligible(p, id));
}

static inline void put(struct sp_pacer *p, uint32_t id, uint64_t at_ns)
{
	if (p->live > 1) {
		sp_wheel_put(p->wheel, id, at_ns);
	} else {
		p->solo = id;
		p->solo_ns = at_ns;
	}
}

/* A law's stream moves on; what its limits still hold is noted for whatever comes after. */
static bool step_law(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];

	if (s->left && !sp_pacer_draw(s)) {
		p->cold[id].allow = s->due_ns >= s->law.end_ns ? s->left : 0;
		s->left = 0;
	}
	return s->left > 0;
}

/* Moves on to the departure after the current one; false at the end of the pace. */
static inline bool step(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];

	s->left--;
	if (__builtin_expect(s->kind != SP_PACE_CONST, 0))
		return step_law(p, id);
	sp_grid_step(&s->grid, &s->due_ns);
	return s->left > 0;
}

/* How late a departure may be that comes gap_ns after one that was late_ns late. */
static uint64_t fade(uint64_t late_ns, uint64_t gap_ns)
{
	if (gap_ns >= SP_CATCH_SMOOTH_NS || late_ns > SP_CATCH_UP_NOISE_NS)
		return 0;
	late_ns -= late_ns * gap_ns / SP_CATCH_SMOOTH_NS;
	return late_ns < SP_CATCH_SMOOTH_FROM_NS ? 0 : late_ns;
}

uint64_t sp_pacer_eligible(const struct sp_pacer *p, uint32_t id)
{
	const struct cold *t = &p->cold[id];
	uint64_t since = p->stream[id].due_ns - t->anchor_due_ns;

	if (!p->stream[id].chasing)
		return p->stream[id].due_ns;
	if (p->catch_up == SP_CATCH_SMOOTH)
		return p->stream[id].due_ns + fade(t->anchor_ns - t->anchor_due_ns, since);
	return t->anchor_ns + (uint64_t)((unsigned __int128)since * p->inverse_q32 >> 32);
}

/* Back into the wheel; a chase that has caught up is over. */
static void put_chasing(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];
	uint64_t at_ns = sp_pacer_eligible(p, id);

	if (at_ns <= s->due_ns) {
		s->chasing = false;
		at_ns = s->due_ns;
	}
	put(p, id, at_ns);
}

/* Gives up what was due before floor_ns. */
void sp_pacer_skip_before(struct sp_pacer *p, uint32_t id, uint64_t floor_ns)
{
	struct stream *s = &p->stream[id];
	uint64_t n = 0;

	if (s->kind == SP_PACE_CONST) {
		n = sp_pacer_min(s->left, sp_grid_before(&s->grid, s->due_ns, floor_ns));
		s->left -= n;
		sp_grid_skip(&s->grid, &s->due_ns, n);
	} else {
		for (; s->left && s->due_ns < floor_ns; n++)
			(void)step(p, id);
	}
	p->cold[id].skipped += n;
}

/* A departure that is later than noise, or part of a chase. Returns whether it is to be given
 * out now. */
static bool serve_late(struct sp_pacer *p, uint32_t id, uint64_t now_ns)
{
	struct stream *s = &p->stream[id];
	struct cold *t = &p->cold[id];
	bool again = !s->chasing, stalled;

	if (now_ns - s->due_ns > p->keep_ns) {
		sp_pacer_skip_before(p, id, now_ns - p->keep_ns);
		again = true;
		if (s->left == 0) {
			if (sp_pacer_go_on(p, id))
				put(p, id, s->due_ns);
			else
				p->live--;
			return false;
		}
		if (s->due_ns > now_ns) {
			s->chasing = false;
			put(p, id, s->due_ns);
			return false;
		}
	}
	stalled = now_ns - s->due_ns > SP_CATCH_UP_NOISE_NS;
	if (p->catch_up != SP_CATCH_CHASE) {
		t->chased += stalled;
		s->chasing = p->catch_up == SP_CATCH_SMOOTH;
		t->anchor_ns = now_ns;
		t->anchor_due_ns = s->due_ns;
		return true;
	}
	/* A chain that has fallen behind itself starts anew: else it would be made up in a
	 * burst. */
	again = again || now_ns - sp_pacer_eligible(p, id) > SP_CATCH_UP_NOISE_NS;
	if (again) {
		s->chasing = stalled;
		t->anchor_ns = now_ns;
		t->anchor_due_ns = s->due_ns;
	}
	t->chased += s->chasing;
	return true;
}

static inline bool serve(struct sp_pacer *p, uint32_t id, uint64_t now_ns, struct sp_due *out)
{
	struct stream *s = &p->stream[id];

	if (__builtin_expect(s->kind == SP_PACE_MAX, 0)) {
		p->ring[p->n_ring++] = id;
		p->live--;
		return false;
	}
	if (__builtin_expect(now_ns - s->due_ns > p->noise_ns || s->chasing, 0) &&
	    !serve_late(p, id, now_ns))
		return false;
	*out = (struct sp_due){ s->due_ns, id, s->size & INT32_MAX, 0 };
	s->taken++;
	if (!step(p, id) && !sp_pacer_go_on(p, id)) {
		out->last = 1;
		p->live--;
	} else if (__builtin_expect(s->chasing, 0)) {
		put_chasing(p, id);
	} else {
		put(p, id, s->due_ns);
	}
	return true;
}

/* False: the stream has ended with this. */
static bool ring_remove(struct sp_pacer *p, uint32_t i)
{
	uint32_t id = p->ring[i];

	p->n_ring--;
	memmove(&p->ring[i], &p->ring[i + 1], (p->n_ring - i) * sizeof *p->ring);
	if (i < p->turn)
		p->turn--;
	if (!sp_pacer_go_on(p, id))
		return false;
	sp_pacer_wake(p, id);
	return true;
}

/* Drops the MAX streams whose time is over. */
static void ring_expire(struct sp_pacer *p)
{
	for (uint32_t i = p->n_ring; i-- > 0;) {
		struct stream *s = &p->stream[p->ring[i]];

		if (s->law.end_ns > p->now_ns)
			continue;
		p->cold[p->ring[i]].allow = s->left;
		s->left = 0;
		(void)ring_remove(p, i);
	}
}

/* k departures of sizes that vary; how many its limit of bytes left. */
static uint32_t give_sized(struct stream *s, uint64_t now_ns, uint32_t id, struct sp_due *out,
			   uint32_t k)
{
	for (uint32_t i = 0; i < k; i++) {
		uint32_t size = s->law.ops->size(s->law.st);

		if (size == SP_PACE_OVER)
			return i;
		if (s->law.bytes != UINT64_MAX) {
			if (size > s->law.bytes)
				return i;
			s->law.bytes -= size;
		}
		out[i] = (struct sp_due){ now_ns, id, size & INT32_MAX, 0 };
	}
	return k;
}

/* Fills out[0 .. room) from the MAX streams. Each gets its share in one piece, because neighbours
 * of one stream can share a super-packet. */
static uint32_t take_max(struct sp_pacer *p, uint64_t now_ns, struct sp_due *out, uint32_t room)
{
	uint32_t n = 0, share, full = 0; /* full: streams in a row without room */

	ring_expire(p);
	if (p->n_ring == 0)
		return 0;
	share = room > p->n_ring ? room / p->n_ring : 1;
	while (n < room && p->n_ring && full < p->n_ring) {
		uint32_t i = p->turn < p->n_ring ? p->turn : 0, id = p->ring[i];
		struct stream *s = &p->stream[id];
		uint32_t k = (uint32_t)sp_pacer_min(sp_pacer_min(share, room - n), s->left);
		uint32_t given;

		k = (uint32_t)sp_pacer_min(k, UINT32_MAX - p->cold[id].no_room);
		full = k ? 0 : full + 1;
		given = k;
		if (__builtin_expect(s->law.ops != NULL, 0)) {
			given = give_sized(s, now_ns, id, out + n, k);
			n += given;
		} else {
			for (uint32_t end = n + k; n < end; n++)
				out[n] = (struct sp_due){ now_ns, id, s->size & INT32_MAX, 0 };
		}
		if (p->cold[id].no_room)
			p->cold[id].no_room += given;
		s->taken += given;
		s->left = given < k ? 0 : s->left - k;
		p->turn = i + 1;
		if (s->left == 0) {
			bool ended = !ring_remove(p, i);

			if (given)
				out[n - 1].last = ended;
		}
	}
	return n;
}

uint32_t sp_pacer_take(struct sp_pacer *p, uint64_t now_ns, struct sp_due *out, uint32_t max)
{
	uint32_t ids[TAKE_AT_ONCE], n = 0, k;

	p->now_ns = now_ns > p->now_ns ? now_ns : p->now_ns;
	while (n < max && p->solo_ns <= now_ns) {
		p->solo_ns = SP_NEVER;
		n += serve(p, p->solo, now_ns, &out[n]);
	}
	while (n < max && p->live > 0 && p->solo_ns == SP_NEVER) {
		uint32_t room = max - n < TAKE_AT_ONCE ? max - n : TAKE_AT_ONCE;

		k = sp_wheel_take_span(p->wheel, now_ns, p->span_ns, ids, room);
		if (k == 0)
			break;
		for (uint32_t i = 0; i < k; i++)
			n += serve(p, ids[i], now_ns, &out[n]);
	}
	if (n < max && p->n_ring)
		n += take_max(p, now_ns, out + n, max - n);
	return n;
}

void sp_pacer_room(struct sp_pacer *p, uint32_t id, uint32_t room)
{
	p->cold[id].no_room = UINT32_MAX - room;
}

static bool ring_has_room(const struct sp_pacer *p)
{
	for (uint32_t i = 0; i < p->n_ring; i++)
		if (p->cold[p->ring[i]].no_room != UINT32_MAX)
			return true;
	return false;
}

uint64_t sp_pacer_next(struct sp_pacer *p)
{
	uint64_t next_ns = p->live > 1 || p->solo_ns == SP_NEVER ? sp_wheel_next(p->wheel)
								 : p->solo_ns;

	if (!p->n_ring)
		return next_ns;
	if (ring_has_room(p))
		return sp_pacer_min(next_ns, p->now_ns);
	/* None of them has: they come back when they get some, or end. */
	for (uint32_t i = 0; i < p->n_ring; i++)
		next_ns = sp_pacer_min(next_ns, p->stream[p->ring[i]].law.end_ns);
	return next_ns;
}

void sp_pacer_counts(const struct sp_pacer *p, uint32_t id, struct sp_paced *c)
{
	*c = (struct sp_paced){
		.taken = p->stream[id].taken,
		.skipped = p->cold[id].skipped,
		.chased = p->cold[id].chased,
	};
}
