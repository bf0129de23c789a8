/* What whoever was sent to must have stored: the streams' sources and machines know it from the
 * number of units that left. */
#include <errno.h>
#include <string.h>

#include "core/shared.h"
#include "engine/run_impl.h"

static int of_packets(const struct sp_run *r, const struct run_stream *s,
		      const struct sp_truth *t)
{
	const struct sp_lane *l = &r->workers[s->worker].lane;
	const struct sp_lane_source *src = &l->sources[l->streams[s->local].source];

	if (!src->ops->truth)
		return 0;
	return src->ops->truth(src->source, SP_LOAD(l->flow[s->local].tx), t);
}

static int of_dialogue(const struct sp_run *r, const struct run_stream *s,
		       const struct sp_truth *t)
{
	const struct sp_worker *w = &r->workers[s->worker];
	const struct sp_dialogue_end *end =
		&w->dialogue.stream[w->lane.streams[s->local].index].end;

	return end->ops && end->ops->truth ? end->ops->truth(end->proto, t) : 0;
}

int sp_run_truth(const struct sp_run *r, const struct sp_truth *t)
{
	int rc = 0;

	for (unsigned i = 0; i < r->plan->n_streams && !rc; i++) {
		const struct run_stream *s = &r->streams[i];
		uint8_t lane = r->workers[s->worker].lane.streams[s->local].lane;

		if (lane == SP_LANE_PACKET)
			rc = of_packets(r, s, t);
		else if (lane == SP_LANE_DIALOGUE)
			rc = of_dialogue(r, s, t);
	}
	return rc;
}
