#include "core/pacer.h"

#include <errno.h>
#include <string.h>

#include "core/grid.h"
#include "core/wheel.h"

#define TAKE_AT_ONCE 32u /* ids whose state is fetched together */

/* A law's or a MAX stream's own part. */
struct law {
	const struct sp_schedule_ops *ops;
	void *st;
	uint64_t end_ns, bytes; /* bytes: still free, the drawn departure's taken off */
};

/* What each departure touches: one cache line. A stream with left > 0 is in the wheel, or, as a
 * MAX stream that has started, in the ring. */
struct stream {
	uint64_t due_ns; /* of the next departure */
	union {
		struct sp_grid grid; /* CONST */
		struct law law;	     /* OPS, MAX */
	};
	uint64_t left; /* departures that its limits still hold; 0: ended */
	uint64_t taken;
	uint32_t size;
	uint8_t kind;
	uint8_t chasing;
	uint8_t added;
	uint8_t endless; /* no end, count or bytes limit was asked for */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct stream) == 64, "one cache line a stream");

/* What only lateness touches. While it chases, departure d becomes eligible at
 * anchor_ns + (d - anchor_due_ns) / chase_x: a schedule as absolute as the intended one. */
struct stall {
	uint64_t skipped, chased;
	uint64_t anchor_ns, anchor_due_ns;
};

struct sp_pacer {
	const struct sp_mem *mem;
	struct sp_wheel *wheel;
	struct stream *stream;
	struct stall *stall;
	uint32_t n;
	enum sp_catch_up catch_up;
	uint64_t inverse_q32; /* 2^32 / chase_x */
	uint64_t keep_ns;     /* what is later is skipped */
	uint64_t now_ns;      /* of the last take */
	uint64_t span_ns;     /* no stream comes back sooner than this after a departure */
	uint32_t *ring, n_ring, turn; /* started MAX streams */
	uint32_t live;		      /* streams with left > 0 that are not in the ring */
	uint32_t solo;		      /* the only live one stays out of the wheel */
	uint64_t solo_ns;	      /* when it is eligible; SP_NEVER: there is none */
};

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

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
	rc = set_policy(p, conf);
	if (rc == 0)
		rc = sp_wheel_new(&p->wheel, mem, streams, start_ns);
	if (rc)
		goto fail;
	rc = -ENOMEM;
	p->stream = sp_alloc_array(mem, n, sizeof *p->stream);
	p->stall = sp_alloc_array(mem, n, sizeof *p->stall);
	p->ring = sp_alloc_array(mem, n, sizeof *p->ring);
	if (!p->stream || !p->stall || !p->ring)
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
	sp_free(p->mem, p->stall);
	sp_free(p->mem, p->ring);
	sp_free(p->mem, p);
}

void sp_pacer_prefetch(struct sp_pacer *p, const void *state, size_t size)
{
	sp_wheel_prefetch(p->wheel, state, size);
}

static bool gap_valid(const struct sp_pace *c)
{
	return c->gap_den >= 1 && c->gap_den <= SP_GRID_DEN_MAX && c->gap_num < c->gap_den &&
	       (c->gap_ns > 0 || c->gap_num > 0);
}

/* The limit by count, and by bytes when all units have one size. */
static uint64_t by_count(const struct sp_pace *c)
{
	if (c->kind == SP_PACE_OPS || c->size == 0 || c->bytes == UINT64_MAX)
		return c->count;
	return min_u64(c->count, c->bytes / c->size);
}

static bool is_endless(const struct sp_pace *c)
{
	return c->end_ns == SP_NEVER && by_count(c) == UINT64_MAX && c->bytes == UINT64_MAX;
}

/* Draws a law's next departure into s; ends the stream when there is none within its limits. */
static void draw(struct stream *s)
{
	uint64_t due_ns = s->due_ns;
	uint32_t size = 0;

	if (s->law.ops->next(s->law.st, &due_ns, &size) || due_ns >= s->law.end_ns ||
	    (s->law.bytes != UINT64_MAX && size > s->law.bytes)) {
		s->left = 0;
		return;
	}
	if (s->law.bytes != UINT64_MAX)
		s->law.bytes -= size;
	s->due_ns = due_ns > s->due_ns ? due_ns : s->due_ns;
	s->size = size;
}

static void narrow_span(struct sp_pacer *p, const struct sp_pace *c)
{
	unsigned __int128 gap = c->kind == SP_PACE_CONST ? c->gap_ns : 0;

	if (p->catch_up == SP_CATCH_CHASE)
		gap = gap * p->inverse_q32 >> 32;
	if (c->kind != SP_PACE_MAX)
		p->span_ns = min_u64(p->span_ns, (uint64_t)gap);
}

int sp_pacer_add(struct sp_pacer *p, uint32_t id, const struct sp_pace *c)
{
	struct stream *s;

	if (id >= p->n || p->stream[id].added || (c->kind == SP_PACE_CONST && !gap_valid(c)) ||
	    (c->kind == SP_PACE_OPS && !(c->ops && c->ops->next)))
		return -EINVAL;
	s = &p->stream[id];
	s->added = true;
	s->kind = (uint8_t)c->kind;
	s->endless = is_endless(c);
	s->due_ns = c->start_ns;
	s->size = c->size;
	s->left = by_count(c);
	if (c->kind == SP_PACE_CONST) {
		s->grid = (struct sp_grid){ c->gap_ns, c->gap_num, c->gap_den, 0 };
		s->left = min_u64(s->left, sp_grid_before(&s->grid, c->start_ns, c->end_ns));
	} else {
		s->law = (struct law){ c->ops, c->st, c->end_ns, c->bytes };
		if (c->kind == SP_PACE_OPS && s->left)
			draw(s);
		else if (c->start_ns >= c->end_ns)
			s->left = 0;
	}
	narrow_span(p, c);
	if (s->left) {
		sp_wheel_put(p->wheel, id, s->due_ns);
		p->live++;
	}
	return 0;
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

/* Moves on to the departure after the current one; false at the end. */
static inline bool step(struct stream *s)
{
	if (--s->left == 0)
		return false;
	if (__builtin_expect(s->kind == SP_PACE_CONST, 1))
		sp_grid_step(&s->grid, &s->due_ns);
	else
		draw(s);
	return s->left > 0;
}

static uint64_t eligible_ns(const struct sp_pacer *p, uint32_t id)
{
	const struct stall *t = &p->stall[id];
	uint64_t since = p->stream[id].due_ns - t->anchor_due_ns;

	if (!p->stream[id].chasing)
		return p->stream[id].due_ns;
	return t->anchor_ns + (uint64_t)((unsigned __int128)since * p->inverse_q32 >> 32);
}

/* Back into the wheel; a chase that has caught up is over. */
static void put_chasing(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];
	uint64_t at_ns = eligible_ns(p, id);

	if (at_ns <= s->due_ns) {
		s->chasing = false;
		at_ns = s->due_ns;
	}
	put(p, id, at_ns);
}

/* Gives up what was due before floor_ns. */
static void skip_before(struct sp_pacer *p, uint32_t id, uint64_t floor_ns)
{
	struct stream *s = &p->stream[id];
	uint64_t n = 0;

	if (s->kind == SP_PACE_CONST) {
		n = min_u64(s->left, sp_grid_before(&s->grid, s->due_ns, floor_ns));
		s->left -= n;
		sp_grid_skip(&s->grid, &s->due_ns, n);
	} else {
		for (; s->left && s->due_ns < floor_ns; n++)
			(void)step(s);
	}
	p->stall[id].skipped += n;
}

/* A departure that is later than noise, or part of a chase. Returns whether it is to be given
 * out now. */
static bool serve_late(struct sp_pacer *p, uint32_t id, uint64_t now_ns)
{
	struct stream *s = &p->stream[id];
	struct stall *t = &p->stall[id];
	bool again = !s->chasing, stalled;

	if (now_ns - s->due_ns > p->keep_ns) {
		skip_before(p, id, now_ns - p->keep_ns);
		again = true;
		if (s->left == 0) {
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
		return true;
	}
	/* A chain that has fallen behind itself starts anew: else it would be made up in a
	 * burst. */
	again = again || now_ns - eligible_ns(p, id) > SP_CATCH_UP_NOISE_NS;
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
	if (__builtin_expect(now_ns - s->due_ns > SP_CATCH_UP_NOISE_NS || s->chasing, 0) &&
	    !serve_late(p, id, now_ns))
		return false;
	*out = (struct sp_due){ s->due_ns, id, s->size & INT32_MAX, 0 };
	s->taken++;
	if (!step(s)) {
		out->last = 1;
		p->live--;
	} else if (__builtin_expect(s->chasing, 0)) {
		put_chasing(p, id);
	} else {
		put(p, id, s->due_ns);
	}
	return true;
}

static void ring_remove(struct sp_pacer *p, uint32_t i)
{
	p->n_ring--;
	memmove(&p->ring[i], &p->ring[i + 1], (p->n_ring - i) * sizeof *p->ring);
	if (i < p->turn)
		p->turn--;
}

/* Drops the MAX streams whose time is over. */
static void ring_expire(struct sp_pacer *p)
{
	for (uint32_t i = p->n_ring; i-- > 0;) {
		struct stream *s = &p->stream[p->ring[i]];

		if (s->law.end_ns > p->now_ns)
			continue;
		s->left = 0;
		ring_remove(p, i);
	}
}

/* Fills out[0 .. room) from the MAX streams. Each gets its share in one piece, because neighbours
 * of one stream can share a super-packet. */
static uint32_t take_max(struct sp_pacer *p, uint64_t now_ns, struct sp_due *out, uint32_t room)
{
	uint32_t n = 0, share;

	ring_expire(p);
	if (p->n_ring == 0)
		return 0;
	share = room > p->n_ring ? room / p->n_ring : 1;
	while (n < room && p->n_ring) {
		uint32_t i = p->turn < p->n_ring ? p->turn : 0, id = p->ring[i];
		struct stream *s = &p->stream[id];
		uint32_t k = (uint32_t)min_u64(min_u64(share, room - n), s->left);

		for (uint32_t end = n + k; n < end; n++)
			out[n] = (struct sp_due){ now_ns, id, s->size & INT32_MAX, 0 };
		s->taken += k;
		s->left -= k;
		p->turn = i + 1;
		if (s->left == 0) {
			out[n - 1].last = 1;
			ring_remove(p, i);
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

uint64_t sp_pacer_next(struct sp_pacer *p)
{
	uint64_t next_ns = p->live > 1 || p->solo_ns == SP_NEVER ? sp_wheel_next(p->wheel)
								 : p->solo_ns;

	return p->n_ring ? min_u64(next_ns, p->now_ns) : next_ns;
}

static void stop_one(struct stream *s, uint64_t at_ns)
{
	s->endless = false;
	if (s->kind == SP_PACE_CONST) {
		s->left = min_u64(s->left, sp_grid_before(&s->grid, s->due_ns, at_ns));
		return;
	}
	s->law.end_ns = min_u64(s->law.end_ns, at_ns);
	if (s->due_ns >= s->law.end_ns)
		s->left = 0;
}

void sp_pacer_stop(struct sp_pacer *p, uint64_t at_ns)
{
	/* The wheel cannot give one back: all leave, and who still has something to do returns. */
	sp_wheel_clear(p->wheel);
	p->solo_ns = SP_NEVER;
	p->live = 0;
	p->n_ring = 0;
	p->turn = 0;
	for (uint32_t id = 0; id < p->n; id++) {
		if (p->stream[id].left == 0)
			continue;
		stop_one(&p->stream[id], at_ns);
		if (p->stream[id].left == 0)
			continue;
		sp_wheel_put(p->wheel, id, eligible_ns(p, id));
		p->live++;
	}
}

void sp_pacer_drain(struct sp_pacer *p)
{
	sp_wheel_clear(p->wheel);
	p->solo_ns = SP_NEVER;
	p->live = 0;
	p->n_ring = 0;
	for (uint32_t id = 0; id < p->n; id++) {
		struct stream *s = &p->stream[id];

		if (s->kind == SP_PACE_CONST && !s->endless)
			p->stall[id].skipped += s->left;
		else if (s->kind == SP_PACE_OPS && !s->endless)
			skip_before(p, id, SP_NEVER);
		s->left = 0;
	}
}

void sp_pacer_counts(const struct sp_pacer *p, uint32_t id, struct sp_paced *c)
{
	*c = (struct sp_paced){
		.taken = p->stream[id].taken,
		.skipped = p->stall[id].skipped,
		.chased = p->stall[id].chased,
	};
}

uint64_t sp_pace_asked(const struct sp_pace *c, uint64_t at_ns)
{
	struct sp_grid g = { c->gap_ns, c->gap_num, c->gap_den, 0 };
	uint64_t until_ns = at_ns == SP_NEVER ? at_ns : at_ns + 1;

	if (c->kind != SP_PACE_CONST)
		return UINT64_MAX;
	return min_u64(by_count(c),
		       sp_grid_before(&g, c->start_ns, min_u64(until_ns, c->end_ns)));
}
