/* Departures in one piece, for units that are made where they leave. */
#include "core/pacer_impl.h"

bool sp_pacer_take_run(struct sp_pacer *p, uint64_t now_ns, uint32_t max, struct sp_repeat *out)
{
	struct stream *s;

	p->now_ns = now_ns > p->now_ns ? now_ns : p->now_ns;
	if (p->n_ring != 1 || p->live || !max || p->cold[p->ring[0]].no_room)
		return false;
	s = &p->stream[p->ring[0]];
	/* The last one is marked as such; take() does that. */
	if (s->left < 2 || s->law.end_ns <= p->now_ns)
		return false;
	*out = (struct sp_repeat){ .stream = p->ring[0],
				   .n = s->left - 1 < max ? (uint32_t)(s->left - 1) : max,
				   .size = s->size,
				   .end_ns = s->law.end_ns };
	s->taken += out->n;
	s->left -= out->n;
	return true;
}

void sp_pacer_untake(struct sp_pacer *p, const struct sp_repeat *run, uint32_t n)
{
	p->stream[run->stream].taken -= n;
	p->stream[run->stream].left += n;
}
