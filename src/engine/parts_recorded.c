/* Sessions, plays and left out senders of recorded streams, for whoever asks: the source knows what was
 * recorded, the dialogue lane what became of connections. */
#include <stdio.h>

#include "base/str.h"
#include "core/shared.h"
#include "engine/run_impl.h"

/* What left, and when, is the lane's to say: a unit that was handed to its session may wait there. */
static void from_connection(const struct sp_run *r, const struct sp_dialogue_session *x,
			    struct sp_recorded_session *out)
{
	static const char *const states[] = { [SP_PLAY_UNUSED] = "unused",
					      [SP_PLAY_OPEN] = "open",
					      [SP_PLAY_OVER] = "ended",
					      [SP_PLAY_FAILED] = "failed" };
	uint64_t first_ns = SP_LOAD(x->first_left_ns), last_ns = SP_LOAD(x->last_left_ns);

	out->state = states[SP_LOAD(x->state)];
	out->lost = SP_LOAD(x->lost);
	if (out->lost)
		sp_run_session_why(x, out->why, sizeof out->why);
	out->sum.sent = SP_LOAD(x->left);
	out->sum.sent_bytes = SP_LOAD(x->left_bytes);
	out->sum.left = first_ns != 0;
	out->sum.first_ns = first_ns > r->t0_ns ? first_ns - r->t0_ns : 0;
	out->sum.last_ns = last_ns > r->t0_ns ? last_ns - r->t0_ns : 0;
}

void sp_run_recorded_session(const void *run, size_t stream, uint32_t k,
			     struct sp_recorded_session *out)
{
	const struct sp_run *r = run;
	const struct sp_dialogue_play *p = sp_run_play_of(r, (unsigned)stream);
	struct sp_source *source;
	const struct sp_source_ops *ops = sp_run_recorded_source(r, (unsigned)stream, &source);

	*out = (struct sp_recorded_session){ .state = "unused" };
	ops->recorded_session(source, k, out);
	sp_endpoint_format(out->collector, sizeof out->collector, &r->streams[stream].to);
	if (p && k < p->n)
		from_connection(r, &p->session[k], out);
	else if (out->sum.asked)
		out->state = r->final_ns ? "ended" : "open";
}

void sp_run_recorded_play(const void *run, size_t stream, uint32_t k,
			  struct sp_recorded_play *out)
{
	struct sp_source *source;
	const struct sp_source_ops *ops = sp_run_recorded_source(run, (unsigned)stream,
								 &source);

	*out = (struct sp_recorded_play){ .capture = NULL };
	ops->recorded_play(source, k, out);
}

void sp_run_recorded_sender(const void *run, size_t stream, uint32_t k,
			    struct sp_recorded_sender *out)
{
	struct sp_source *source;
	const struct sp_source_ops *ops = sp_run_recorded_source(run, (unsigned)stream,
								 &source);

	*out = (struct sp_recorded_sender){ .packets = 0 };
	ops->recorded_sender(source, k, out);
}
