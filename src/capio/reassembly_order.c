/* Octets in the order of their stream: what is delivered at once, what waits, and for how long. */
#include "capio/reassembly_impl.h"

/* ---- what the caller is told ---- */

int sp_ra_bytes(struct sp_reassembly *r, struct sp_slot *s, const uint8_t *data, uint32_t len)
{
	s->next += len;
	s->next_seq += len;
	s->s.bytes += len;
	return r->ops->bytes && len
		       ? r->ops->bytes(r->arg, &s->s, data, len, r->now_ns, r->packet)
		       : 0;
}

int sp_ra_gap(struct sp_reassembly *r, struct sp_slot *s, uint64_t missing)
{
	s->next += missing;
	s->next_seq += (uint32_t)missing;
	sp_ra_odd(r, &r->odd.gaps);
	r->odd.gap_bytes += missing;
	return r->ops->gap ? r->ops->gap(r->arg, &s->s, missing, r->now_ns) : 0;
}

/* ---- what waits ---- */

/* Delivers what waits for nothing more. */
int sp_ra_drain(struct sp_reassembly *r, struct sp_slot *s)
{
	size_t before = s->waiting.memory;
	struct sp_piece *p;
	int rc = 0;

	while (!rc && s->waiting.first && s->waiting.first->off <= s->next) {
		p = sp_waiting_take(&s->waiting);
		rc = p->missing ? sp_ra_gap(r, s, p->len) : sp_ra_bytes(r, s, p->data, p->len);
		sp_free(r->mem, p);
	}
	if (before != s->waiting.memory) {
		r->memory -= before - s->waiting.memory;
		s->waiting.since_ns = r->now_ns;
		sp_streams_note_waiting(&r->streams, s, true);
	}
	return rc;
}

/* Gives up the first hole. */
static int skip_hole(struct sp_reassembly *r, struct sp_slot *s)
{
	int rc = 0;

	if (s->waiting.first->off > s->next)
		rc = sp_ra_gap(r, s, s->waiting.first->off - s->next);
	return rc ? rc : sp_ra_drain(r, s);
}

int sp_ra_flush(struct sp_reassembly *r, struct sp_slot *s)
{
	int rc = 0;

	while (!rc && s->waiting.first)
		rc = skip_hole(r, s);
	return rc;
}

/* Holes that would let too much wait are given up. */
int sp_ra_hold_limits(struct sp_reassembly *r, struct sp_slot *s)
{
	struct sp_slot *w;
	int rc = 0;

	while (!rc && s->waiting.n &&
	       (s->waiting.memory > r->conf.window || s->waiting.n > SP_WAITING_MOST ||
		r->now_ns - s->waiting.since_ns > r->conf.patience_ns))
		rc = skip_hole(r, s);
	while (!rc && r->memory > r->conf.memory && (w = sp_streams_waiting(&r->streams)))
		rc = skip_hole(r, w);
	return rc;
}

int sp_ra_wait(struct sp_reassembly *r, struct sp_slot *s, uint64_t off, const uint8_t *data,
	       uint32_t len)
{
	bool waited = s->waiting.n > 0;
	size_t before = s->waiting.memory;
	struct sp_waiting_note note;
	int rc;

	if (!waited)
		s->waiting.since_ns = r->now_ns;
	rc = sp_waiting_put(&s->waiting, r->mem, off, data, len, &note);
	r->memory += s->waiting.memory - before;
	sp_streams_note_waiting(&r->streams, s, waited);
	if (rc)
		return rc;
	if (note.differing)
		sp_ra_odd(r, &r->odd.differing);
	if (note.overlaps)
		sp_ra_odd(r, note.news ? &r->odd.overlapping : &r->odd.retransmitted);
	return 0;
}
