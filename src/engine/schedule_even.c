/* Gaps without a law: a part of a schedule, or sizes that vary. */
#include "engine/schedule_impl.h"

/* ---- a part of a schedule of constant gaps, or all of one with sizes ---- */

static int next_dealt(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_schedule *s = st;
	uint64_t i = s->next_i - s->from_i;
	u128 at = (u128)i * s->gap_ns + (u128)i * s->gap_num / s->gap_den + s->start_ns;

	if (at > SP_NEVER)
		return 1;
	s->last_i = s->next_i;
	s->next_i = sp_deal_next(&s->deal, s->next_i + 1);
	*due_ns = (uint64_t)at;
	*size = schedule_size(s);
	return 0;
}

static void stretch(struct sp_schedule *s, double factor)
{
	double gap = ((double)s->gap_ns + (double)s->gap_num / (double)s->gap_den) * factor;

	s->gap_ns = (uint64_t)gap;
	s->gap_num = (uint64_t)((gap - (double)s->gap_ns) * Q32);
	s->gap_den = 1ull << 32;
}

/* The last one moves to due_ns, and those after it with it: so does each part of the schedule. */
static void move_dealt(void *st, uint64_t due_ns, double factor)
{
	struct sp_schedule *s = st;

	s->start_ns = due_ns;
	s->from_i = s->last_i;
	stretch(s, factor);
}

static void restart_dealt(void *st, uint64_t start_ns, double factor)
{
	struct sp_schedule *s = st;

	s->start_ns = start_ns;
	s->from_i = 0;
	s->next_i = sp_deal_next(&s->deal, 0);
	schedule_rewind(s);
	stretch(s, factor);
}

static const struct sp_schedule_ops dealt_ops = { .next = next_dealt,
						  .move = move_dealt,
						  .restart = restart_dealt };

/* ---- a bit rate, and sizes that vary: each gap is what the unit before takes ---- */

static int next_bits(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_schedule *s = st;
	u128 at = s->bits * 1000000000000000u / s->micro + s->start_ns;

	if (at > SP_NEVER)
		return 1;
	*due_ns = (uint64_t)at;
	*size = s->last_size = schedule_size(s);
	s->bits += 8 * ((u128)*size + s->extra);
	return 0;
}

/* The one that is drawn already moves to due_ns; its bits are in the sum. */
static void move_bits(void *st, uint64_t due_ns, double factor)
{
	struct sp_schedule *s = st;

	s->start_ns = due_ns;
	s->bits = 8 * ((u128)s->last_size + s->extra);
	s->micro = (uint64_t)((double)s->micro / factor + 0.5);
	s->micro += !s->micro;
}

static void restart_bits(void *st, uint64_t start_ns, double factor)
{
	struct sp_schedule *s = st;

	move_bits(st, start_ns, factor);
	s->bits = 0;
	schedule_rewind(s);
}

static const struct sp_schedule_ops bits_ops = { .next = next_bits,
						 .move = move_bits,
						 .restart = restart_bits };

/* ---- rate max ---- */

static uint32_t next_size(void *st)
{
	return sp_sizes_next(((struct sp_schedule *)st)->sizes);
}

static const struct sp_schedule_ops max_ops = { .size = next_size };

void sp_schedule_make_even(const struct sp_plan_stream *stream, struct sp_pace *pace,
			   struct sp_schedule *s)
{
	if (pace->kind == SP_PACE_MAX) {
		pace->ops = &max_ops;
	} else if (s->sizes && stream->rate.kind == SP_RATE_BPS && s->deal.of == 1) {
		s->micro = stream->rate.micro;
		pace->ops = &bits_ops;
	} else if (s->sizes || s->deal.of > 1) {
		pace->ops = &dealt_ops;
	}
}
