#include "engine/modes/curve.h"

#include <errno.h>
#include <math.h>

#include "core/clock.h"

typedef unsigned __int128 u128;

#define LEN_MAX		  (1ull << 62)

/* Rates are in micro packets (or bits) a second, times in ns, and what has gone by in halves of their
 * product, so that a triangle is a whole number. */
#define HALVES_PER_PACKET 2000000000000000u

struct piece {
	uint64_t len_ns, from, to;
	u128 all; /* what goes by within it; unused when it is for ever */
};

struct sp_curve {
	const struct sp_mem *mem;
	struct piece *pieces;
	unsigned n, cap;
	bool loops;
	uint64_t bits; /* of a packet */
	u128 unit;     /* one departure */
	u128 round;    /* all pieces together, and their time */
	uint64_t round_ns;
	unsigned at;	   /* the piece of the next departure, unless it is beyond */
	uint64_t begin_ns; /* of that piece */
	u128 x;		   /* how much of it goes by before the departure */
};

struct sp_curve *sp_curve_new(const struct sp_mem *mem, unsigned pieces, uint64_t size)
{
	struct sp_curve *c = sp_alloc(mem, sizeof *c);

	if (!c)
		return NULL;
	c->mem = mem;
	c->cap = pieces;
	c->bits = size ? 8 * size : 1;
	c->unit = (u128)HALVES_PER_PACKET * c->bits;
	c->pieces = sp_alloc_array(mem, pieces ? pieces : 1, sizeof *c->pieces);
	if (c->pieces)
		return c;
	sp_free(mem, c);
	return NULL;
}

/* Everything is counted in bits: a packet's are its size's. */
static bool in_bits(const struct sp_curve *c, const struct sp_rate *r, uint64_t *out)
{
	*out = r->kind == SP_RATE_NONE ? 0 : r->micro;
	return r->kind != SP_RATE_PPS || !__builtin_mul_overflow(r->micro, c->bits, out);
}

int sp_curve_add(struct sp_curve *c, uint64_t len_ns, const struct sp_rate *from,
		 const struct sp_rate *to)
{
	struct piece *p = &c->pieces[c->n];

	if (c->n == c->cap || (len_ns > LEN_MAX && len_ns != SP_NEVER))
		return -ERANGE;
	p->len_ns = len_ns;
	if (!in_bits(c, from, &p->from) || !in_bits(c, to, &p->to) || p->from > LEN_MAX ||
	    p->to > LEN_MAX)
		return -ERANGE;
	p->all = len_ns == SP_NEVER ? 0 : ((u128)p->from + p->to) * len_ns;
	if (len_ns == 0)
		return 0;
	c->n++;
	c->round += p->all;
	c->round_ns += len_ns;
	return 0;
}

void sp_curve_loop(struct sp_curve *c)
{
	c->loops = c->round > 0;
}

void sp_curve_start(struct sp_curve *c, uint64_t start_ns)
{
	c->at = 0;
	c->begin_ns = start_ns;
	c->x = 0;
}

/* ---- within a piece ---- */

/* Is what has gone by at t, 2 from t + (to - from) t^2 / len, at most x? No rounding. */
static bool within(const struct piece *p, uint64_t t, u128 x)
{
	bool up = p->to >= p->from;
	uint64_t d = up ? p->to - p->from : p->from - p->to;
	u128 square = (u128)t * t, q = square / p->len_ns, r = square % p->len_ns;
	u128 straight = (u128)p->from * t * 2, whole = d * q, rest = d * r;

	if (up)
		return straight + whole + (rest + p->len_ns - 1) / p->len_ns <= x;
	/* straight - (whole + rest/len) <= x */
	return straight <= x + whole + rest / p->len_ns;
}

/* A real root that is right to about 19 digits, which within() mends. */
static uint64_t guess(const struct piece *p, u128 x)
{
	long double a = (long double)p->from, v = (long double)x;
	long double d = (long double)p->to - a;
	long double root = a * a + d * v / (long double)p->len_ns, t;

	root = a + sqrtl(root > 0 ? root : 0);
	t = root > 0 ? v / root : 0;
	return t < (long double)p->len_ns ? (uint64_t)t : p->len_ns - 1;
}

/* The last ns at which no more than x has gone by. */
static uint64_t solve(const struct piece *p, u128 x)
{
	uint64_t low, high, step = 1;

	if (p->from == p->to)
		return (uint64_t)(x / ((u128)p->from * 2));
	low = guess(p, x);
	high = low;
	while (!within(p, low, x)) {
		high = low;
		low = low > step ? low - step : 0;
		step *= 2;
	}
	for (step = 1; high == low || (high < p->len_ns && within(p, high, x)); step *= 2) {
		low = high;
		high = p->len_ns - low > step ? low + step : p->len_ns;
	}
	/* within(low), and not within(high) or high is the end */
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (within(p, middle, x))
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* ---- from piece to piece ---- */

/* Behind the last piece. False: that was the end. */
static bool wrap(struct sp_curve *c)
{
	u128 rounds, ns;

	if (!c->loops)
		return false;
	c->at = 0;
	rounds = c->x / c->round;
	c->x -= rounds * c->round;
	if (rounds > SP_NEVER)
		return false;
	ns = rounds * c->round_ns + c->begin_ns;
	if (ns >= SP_NEVER)
		return false;
	c->begin_ns = (uint64_t)ns;
	return true;
}

int sp_curve_next(struct sp_curve *c, uint64_t *due_ns)
{
	for (;; c->at++) {
		const struct piece *p = &c->pieces[c->at];

		if (c->at == c->n) {
			if (!wrap(c))
				return 1;
			p = &c->pieces[0];
		}
		if (p->len_ns == SP_NEVER && !p->from)
			return 1;
		if (p->len_ns == SP_NEVER || c->x < p->all) {
			u128 due = p->len_ns == SP_NEVER ? c->x / ((u128)p->from * 2)
							 : solve(p, c->x);

			if (due >= SP_NEVER - c->begin_ns)
				return 1;
			*due_ns = c->begin_ns + (uint64_t)due;
			c->x += c->unit;
			return 0;
		}
		c->x -= p->all;
		if (__builtin_add_overflow(c->begin_ns, p->len_ns, &c->begin_ns))
			return 1;
	}
}

void sp_curve_free(struct sp_curve *c)
{
	if (!c)
		return;
	sp_free(c->mem, c->pieces);
	sp_free(c->mem, c);
}
