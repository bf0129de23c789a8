/* Who is asked for flow ids, and the heads of the stamps that carry them. */
#include "engine/run_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Ungranted flow ids start at a place that differs between senders. */
static uint32_t own_id_base(const struct sp_run *r)
{
	struct sp_rng rng;

	sp_rng_init(&rng, r->plan->run.seed, r->plan->run.name);
	return (uint32_t)(sp_rng_u64(&rng) & (SP_FLOW_OWN_ID / 2 - 1));
}

static bool wants_control(const struct sp_run *r, const struct run_stream *s)
{
	if (s->lease && !s->lease->segment)
		return true;
	if (s->echo)
		return false;
	return r->plan->run.control && r->hooks.grant && s->stamped &&
	       !sp_run_nothing_leaves(r->ports[s->plan->from_port].ops) &&
	       (r->hooks.keyed || sp_addr_is_own(&s->to.addr));
}

struct by_target {
	const struct run_stream *s;
	uint32_t index;
};

static int compare_targets(const void *a, const void *b)
{
	const struct by_target *x = a, *y = b;
	int c = memcmp(x->s->to.addr.ip, y->s->to.addr.ip, sizeof x->s->to.addr.ip);

	if (!c)
		c = (int)x->s->to.addr.scope - (int)y->s->to.addr.scope;
	if (!c)
		c = x->s->to.port - y->s->to.port;
	return c ? c : (x->index > y->index) - (x->index < y->index);
}

/* Streams with one target make one ask. */
int sp_run_make_asks(struct sp_run *r, struct sp_err *err)
{
	uint32_t n = r->plan->n_streams, m = 0;
	struct by_target *order = sp_alloc_array(r->env.mem, n + 1, sizeof *order);

	r->ask_streams = sp_arena_alloc(&r->arena, (n + 1) * sizeof *r->ask_streams);
	r->asks = sp_arena_alloc(&r->arena, (n + 1) * sizeof *r->asks);
	if (!order || !r->ask_streams || !r->asks) {
		sp_free(r->env.mem, order);
		return no_memory(err);
	}
	for (uint32_t i = 0; i < n; i++)
		if (wants_control(r, &r->streams[i]))
			order[m++] = (struct by_target){ &r->streams[i], i };
	qsort(order, m, sizeof *order, compare_targets);
	for (uint32_t i = 0; i < m; i++) {
		struct run_stream *s = &r->streams[order[i].index];
		struct run_ask *a;

		if (i == 0 || !sp_endpoint_eq(&order[i].s->to, &order[i - 1].s->to)) {
			a = &r->asks[r->n_asks++];
			a->ask = (struct sp_ask){
				.to = s->to,
				.transport = r->ports[s->plan->from_port].ops->name,
				.streams = &r->ask_streams[i],
				.max_packets = UINT64_MAX
			};
		}
		a = &r->asks[r->n_asks - 1];
		/* Whoever is asked by a hello is found for datagrams, too. */
		if (r->ports[s->plan->from_port].ops->conn)
			a->ask.transport = r->ports[s->plan->from_port].ops->name;
		s->ask = r->n_asks - 1;
		s->ask_at = a->ask.n_flows++;
		r->ask_streams[i] = order[i].index;
		a->ask.lease = s->lease && !s->lease->segment;
		a->ask.lease_pps = a->ask.lease ? s->lease->pps : 0;
		if (s->plan->end_ns > a->ask.planned_ns)
			a->ask.planned_ns = s->plan->end_ns;
	}
	for (uint32_t i = 0; i < r->n_asks; i++)
		r->asks[i].alone = r->n_asks == 1 && m == n;
	sp_free(r->env.mem, order);
	return 0;
}

int sp_run_ask_for_grants(struct sp_run *r, struct sp_err *err)
{
	struct sp_ask *asks;
	struct sp_grant *grants;
	int ret;

	if (!r->n_asks)
		return 0;
	asks = sp_arena_alloc(&r->arena, r->n_asks * sizeof *asks);
	grants = sp_arena_alloc(&r->arena, r->n_asks * sizeof *grants);
	if (!asks || !grants)
		return no_memory(err);
	for (uint32_t i = 0; i < r->n_asks; i++)
		asks[i] = r->asks[i].ask;
	ret = r->hooks.grant(r->hooks.arg, asks, grants, r->n_asks, err);
	for (uint32_t i = 0; i < r->n_asks && ret == 0; i++) {
		r->asks[i].grant = grants[i];
		r->own_control += grants[i].control_packets;
	}
	return ret;
}

uint32_t sp_run_tally_of(const struct sp_run *r, unsigned i)
{
	if (r->plan->n_streams <= SP_TALLY_GRANTED || r->plan->run.tally == SP_TALLY_STREAM)
		return i;
	return 0;
}

/* Payloads up to this are covered by the stamp's check unless told otherwise: longer ones cost
 * the receiver more than the stamp itself. */
#define COVER_UP_TO 256u

/* The check's start value: the CRC of the payload before the stamp, which is the same in every
 * unit of the source. False: without memory, or not wanted. */
static bool cover_payload(struct sp_run *r, const struct run_stream *s,
			  const struct sp_lane_source *src, uint32_t *init)
{
	uint64_t payload = s->plan->size - s->headers;
	struct sp_msg m = { .len = src->ops->len(src->source, (uint32_t)s->plan->size),
			    .stamp_off = SP_NO_STAMP };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	/* Of units that differ in size no two have the same bytes before the stamp. */
	if (!src->stamp->cover || src->varies || *s->plan->packet || *s->plan->fill ||
	    (payload > COVER_UP_TO && r->plan->run.verify != SP_VERIFY_FULL))
		return false;
	m.data = sp_alloc(r->env.mem, m.len);
	if (!m.data)
		return false;
	src->ops->fill(src->source, &b, 0);
	*init = src->stamp->cover(m.data + s->headers, m.stamp_off - s->headers);
	sp_free(r->env.mem, m.data);
	return true;
}

void sp_run_head_flows(struct sp_run *r)
{
	uint32_t base = own_id_base(r), covered_source = UINT32_MAX, init = 0;
	bool covered = false;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		struct run_stream *s = &r->streams[i];
		struct sp_worker *w = &r->workers[s->worker];
		struct sp_flow_tx *f = &w->lane.flow[s->local];
		uint32_t source = w->lane.streams[s->local].source;
		const struct sp_lane_source *src = &w->lane.sources[source];

		if (s->ask != SP_NO_FLOW && r->asks[s->ask].grant.peer)
			s->flow_id = r->asks[s->ask].grant.flow_base + s->ask_at;
		else if (!r->self && !s->echo)
			s->flow_id = SP_FLOW_OWN_ID + base + i;
		f->tally = sp_run_tally_of(r, i);
		if (w->lane.streams[s->local].lane != SP_LANE_PACKET) {
			sp_run_conn_flow(r, i,
					 r->self || (s->ask != SP_NO_FLOW &&
						     r->asks[s->ask].grant.peer));
			continue;
		}
		if (!src->stamp)
			continue;
		/* Streams of one source follow each other. */
		if (source != covered_source) {
			covered = cover_payload(r, s, src, &init);
			covered_source = source;
		}
		f->head = src->stamp->head(s->flow_id & 0xffffff,
					   (uint8_t)((covered ? SP_STAMP_PAYLOAD : 0) |
						     (s->src_varies ? SP_STAMP_VARIES : 0)));
		f->crc_init = covered ? init : 0;
	}
}
