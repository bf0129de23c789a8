/* Sessions of recorded messages over datagrams: an endpoint each. */
#include <errno.h>

#include "engine/run_impl.h"

static int open_one(const struct sp_run *r, unsigned stream, const struct sp_source_session *ss,
		    uint32_t *ep, struct sp_err *err)
{
	const struct run_stream *s = &r->streams[stream];
	const struct run_port *p = &r->ports[s->plan->from_port];
	const struct sp_endpoint *to = ss->remote.addr.family ? &ss->remote : &s->to;
	struct sp_queue *q = p->queues[s->worker];

	/* Memory has no addresses: there all sessions are of one. */
	if (p->ops->endpoint_from)
		return p->ops->endpoint_from(q, &ss->local, to, ep, err);
	return p->ops->endpoint(q, to, ep, err);
}

int sp_run_place_sessions(struct sp_run *r, unsigned stream, struct sp_lane_source *src,
			  struct sp_err *err)
{
	uint32_t n = src->ops->sessions(src->source);
	uint32_t *ep_of = sp_arena_alloc(&r->arena, ((size_t)n + 1) * sizeof *ep_of);
	struct sp_source_session ss;
	int rc = 0;

	if (!ep_of)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (uint32_t i = 0; i < n && !rc; i++) {
		src->ops->session(src->source, i, &ss);
		rc = open_one(r, stream, &ss, &ep_of[i], err);
		if (rc && err)
			sp_err_prefix(err, "session %u of %u of %s", i + 1, n,
				      r->streams[stream].plan->name);
	}
	src->ep_of = ep_of;
	return rc;
}
