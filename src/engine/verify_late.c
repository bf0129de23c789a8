/* What comes behind the newest of its flow: late ones, copies, and senders that began again. */
#include "engine/verify_impl.h"

#include <string.h>

#include "core/shared.h"

/* So many units in a row have to look like the sender's new beginning. Two (as RFC 3550 A.1) where
 * their times say the same; else enough that late copies hardly do. */
#define AGAIN_TIMED 2u
#define AGAIN	    16u

/* The counts of a flow whose sender began again go on, as if its new sequence followed the old
 * one: next and base move on together to where the low bits fit. */
static void begin_again(struct sp_flow_rx *f, struct sp_flow_meta *meta,
			const struct sp_stamp *st)
{
	uint32_t n = meta->again.n, first = st->seq - (n - 1);
	uint32_t ahead = first - (uint32_t)f->next;
	uint64_t jump = st->seq_bits == 32 ? ahead : ahead & ((1u << st->seq_bits) - 1);

	if (meta->last != f->next || meta->again.base != meta->start || first != 0)
		SP_STORE(meta->parted, true);
	SP_STORE(f->reordered, meta->again.reordered);
	SP_STORE(f->duplicates, meta->again.duplicates);
	SP_STORE(meta->too_old, meta->again.too_old);
	SP_STORE(meta->base, meta->again.base + jump);
	SP_STORE(meta->start, meta->base);
	meta->zero_due = first ? UINT64_MAX : meta->again.due;
	/* All behind is the old sequence's, whose place in the counts is taken. */
	memset(f->win, 0xff, sizeof f->win);
	SP_STORE(f->next, f->next + jump + n);
	f->timed = 0;
	meta->again.n = 0;
	SP_ADD(meta->restarts, 1);
}

/* Can this message be the first of a sender that began again? Its time says so, if it is later than
 * that of the newest. Else, after a reboot or in a format without time, it is too old to look up
 * and its sequence is 0 (or is near it, without time), and it is not a copy of the first that there
 * was. */
static bool may_begin(const struct sp_flow_rx *f, const struct sp_flow_meta *meta,
		      const struct sp_stamp *st, bool later, bool too_old)
{
	if (later || !too_old)
		return later;
	return f->timed ? st->seq == 0 && st->due_lo != meta->zero_due : st->seq < AGAIN;
}

/* Is this message, behind the newest by its sequence, of a sender that began again with the same
 * flow id from the same port? So many have to follow each other. */
static bool began_again(struct sp_flow_rx *f, struct sp_flow_meta *meta,
			const struct sp_stamp *st, uint64_t due, bool too_old)
{
	struct sp_flow_again *a = &meta->again;
	bool later = f->timed && (int64_t)(due - f->newest_due) > 0;
	bool follows = a->n && a->next == f->next && a->seq == st->seq && (later || too_old);

	if (!follows && !may_begin(f, meta, st, later, too_old)) {
		a->n = 0;
		return false;
	}
	if (!follows)
		*a = (struct sp_flow_again){ .next = f->next,
					     .base = meta->base,
					     .due = st->due_lo,
					     .reordered = f->reordered,
					     .duplicates = f->duplicates,
					     .too_old = meta->too_old };
	a->n++;
	a->seq = st->seq_bits == 32 ? st->seq + 1 : (st->seq + 1) & ((1u << st->seq_bits) - 1);
	return a->n >= (later ? AGAIN_TIMED : AGAIN);
}

/* A message behind the newest. Returns false when it is a duplicate. */
static bool note_late(struct sp_flow_rx *f, struct sp_flow_meta *meta, uint64_t q)
{
	uint64_t *word = &f->win[q / 64 % (SP_RX_WINDOW / 64)], bit = 1ull << (q & 63);
	/* Sent before the first that we saw; before all that there can be it wraps around. */
	bool before = q >= f->next || q < meta->base;

	if (q >= f->next || f->next - q > SP_RX_WINDOW) {
		/* Too old to look up: taken as late while any is missing, else as a copy. */
		SP_ADD(meta->too_old, 1);
		if (before || f->next - meta->base <= f->rx - 1 - f->duplicates) {
			SP_ADD(f->duplicates, 1);
			return false;
		}
	} else if (*word & bit) {
		SP_ADD(f->duplicates, 1);
		return false;
	} else {
		if (before)
			SP_STORE(meta->base, q);
		*word |= bit;
	}
	SP_ADD(f->reordered, 1);
	return true;
}

bool sp_verify_late(struct sp_flow_rx *f, struct sp_flow_meta *meta, const struct sp_stamp *st,
		    uint64_t q, uint64_t due, bool *in_order)
{
	/* A sender under control begins with ids of its own. */
	if (f->session == 0 && began_again(f, meta, st, due, f->next - q > SP_RX_WINDOW)) {
		begin_again(f, meta, st);
		*in_order = true;
		return true;
	}
	if (!note_late(f, meta, q))
		return false;
	if (q == meta->start)
		meta->zero_due = st->due_lo;
	return true;
}
