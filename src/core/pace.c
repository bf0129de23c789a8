#include "core/pace.h"

#include "core/clock.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t sp_pace_limit(const struct sp_pace *c)
{
	if (c->kind == SP_PACE_OPS || c->ops || c->size == 0 || c->bytes == UINT64_MAX)
		return c->count;
	return min_u64(c->count, c->bytes / c->size);
}

bool sp_pace_gap_valid(const struct sp_pace *c)
{
	return c->gap_den >= 1 && c->gap_den <= SP_GRID_DEN_MAX && c->gap_num < c->gap_den &&
	       (c->gap_ns > 0 || c->gap_num > 0);
}

/* Departures before until_ns, by grid and limits. */
static uint64_t before(const struct sp_pace *c, uint64_t until_ns)
{
	struct sp_grid g = { c->gap_ns, c->gap_num, c->gap_den, c->gap_acc };

	return min_u64(sp_pace_limit(c),
		       sp_grid_before(&g, c->start_ns, min_u64(until_ns, c->end_ns)));
}

uint64_t sp_pace_asked(const struct sp_pace *c, uint64_t at_ns)
{
	if (c->kind != SP_PACE_CONST)
		return UINT64_MAX;
	return before(c, at_ns == SP_NEVER ? at_ns : at_ns + 1);
}

static void set_gap(struct sp_pace *p, const struct sp_pace *to)
{
	p->kind = to->kind;
	p->gap_ns = to->gap_ns;
	p->gap_num = to->gap_num;
	p->gap_den = to->gap_den;
}

/* The pace from its next departure at or after at_ns on, at a new gap. */
static void change_gap(struct sp_pace *p, const struct sp_change *c, uint64_t gone)
{
	struct sp_grid g = { p->gap_ns, p->gap_num, p->gap_den, p->gap_acc };
	struct sp_grid to = { c->pace.gap_ns, c->pace.gap_num, c->pace.gap_den, 0 };
	uint64_t due = p->start_ns;

	if ((p->start_ns >= c->at_ns && !p->begun) || c->at_ns >= p->end_ns) {
		p->gap_acc = 0;
		set_gap(p, &c->pace);
		return;
	}
	if (p->kind == SP_PACE_CONST && c->pace.kind == SP_PACE_CONST) {
		sp_grid_skip(&g, &due, gone);
		if (due < c->at_ns) /* its count was used up */
			due = c->at_ns;
		sp_grid_change(&g, &due, c->at_ns, &to);
		p->gap_acc = g.acc;
		p->start_ns = due;
	} else {
		p->gap_acc = 0;
		p->start_ns = c->at_ns;
	}
	p->begun = true;
	set_gap(p, &c->pace);
}

uint64_t sp_pace_change(struct sp_pace *p, const struct sp_change *c)
{
	uint64_t limit = sp_pace_limit(p), gone;

	gone = p->kind == SP_PACE_CONST && limit ? before(p, c->at_ns) : 0;
	switch (c->kind) {
	case SP_CHANGE_START:
		gone = p->kind == SP_PACE_CONST || !limit ? gone : UINT64_MAX;
		*p = c->pace;
		p->start_ns = c->at_ns;
		return gone;
	case SP_CHANGE_STOP:
		gone = p->kind == SP_PACE_CONST || !limit ? gone : UINT64_MAX;
		p->count = 0;
		return gone;
	case SP_CHANGE_RATE:
		break;
	}
	if (p->kind != SP_PACE_CONST) {
		if (limit)
			change_gap(p, c, 0);
		return limit ? UINT64_MAX : 0;
	}
	if (limit != UINT64_MAX) {
		p->count = limit - gone;
		p->bytes = UINT64_MAX;
	}
	change_gap(p, c, gone);
	/* Ended before: nothing comes any more. */
	if (c->at_ns >= p->end_ns)
		p->count = 0;
	return gone;
}
