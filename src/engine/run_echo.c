/* Streams of echo requests in a run: what hears their answers, and what came of them. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/shared.h"
#include "engine/lane_select.h"
#include "engine/run_impl.h"

/* So long after the last answer (or request) others may still come. */
#define GRACE_NS SP_NS_PER_S

#define FILTER	 "icmp or icmp6"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_run_echo_prepare(struct sp_run *r, struct sp_err *err)
{
	const struct sp_plan *plan = r->plan;
	struct sp_addr *to;
	bool any = false;

	for (unsigned i = 0; i < plan->n_streams; i++) {
		struct run_stream *s = &r->streams[i];
		struct run_port *p = &r->ports[s->plan->from_port];

		s->echo &= r->role == SP_ROLE_SEND && p->ops->fd && p->ops->rx_burst &&
			   !p->ops->next_ns;
		s->answers |= s->echo;
		p->echo |= s->echo;
		any |= s->echo;
	}
	if (!any)
		return 0;
	r->echo = sp_arena_alloc(&r->arena, sizeof *r->echo);
	to = sp_arena_alloc(&r->arena, plan->n_streams * sizeof *to);
	if (!r->echo || !to ||
	    sp_flow_table_init(&r->granted, r->env.mem, (uint32_t)plan->run.max_flows))
		return no_memory(err);
	for (unsigned i = 0; i < plan->n_streams; i++)
		to[i] = r->streams[i].to.addr;
	*r->echo = (struct sp_echo){ .native = sp_catalog_stamp(r->catalog, "native"),
				     .shorter = sp_catalog_stamp(r->catalog, "short"),
				     .n = plan->n_streams,
				     .to = to };
	r->echo->errors = sp_arena_alloc(&r->arena, plan->n_streams * sizeof *r->echo->errors);
	return r->echo->errors ? 0 : no_memory(err);
}

/* It hears beside the sending port and takes nothing away from it, nor from the host: of those that
 * carry frames the slowest is such. */
static const struct sp_transport_ops *ear_ops(const struct sp_run *r,
					      const struct sp_transport_ops *sends)
{
	const struct sp_transport_ops *next;

	while ((next = sp_lane_fastest(r->catalog, sends)))
		sends = next;
	return sends;
}

/* The transport's settings, where the plan has them, but for what it lets through. */
static int conf_of(struct sp_run *r, const struct run_port *p, const void **conf,
		   struct sp_err *err)
{
	const struct sp_transport_ops *ops = p->ear_ops;
	const void *said = ops == p->ops ? *conf : NULL;
	void *copy;
	int rc = 0;

	*conf = said;
	if (!ops->opts || !sp_opt_find(ops->opts, "filter"))
		return 0;
	copy = sp_arena_alloc(&r->arena, ops->conf_size);
	if (!copy)
		return no_memory(err);
	if (said)
		memcpy(copy, said, ops->conf_size);
	else
		rc = sp_opts_default(ops->opts, copy, &r->arena, err);
	*conf = copy;
	return rc ? rc : sp_opts_set(ops->opts, copy, "filter", FILTER, "echo", &r->arena, err);
}

int sp_run_echo_open(struct sp_run *r, struct run_port *p, const struct sp_port_conf *as,
		     struct sp_err *err)
{
	struct sp_port_conf conf = { .name = as->name,
				     .interface = as->interface,
				     .workers = 1,
				     .rx = true,
				     .max_endpoints = 1,
				     .conf = as->conf };
	int rc;

	if (!p->echo)
		return 0;
	p->ear_ops = ear_ops(r, p->ops);
	rc = conf_of(r, p, &conf.conf, err);
	if (!rc)
		rc = p->ear_ops->open(&p->ear, &conf, &r->permit, &r->env, err);
	return rc ? rc : p->ear_ops->queue(p->ear, 0, &p->ear_queue, err);
}

int sp_run_echo_place(struct sp_run *r, unsigned i, struct sp_err *err)
{
	struct run_stream *s = &r->streams[i];
	struct sp_lane *l = &r->workers[s->worker].lane;
	struct sp_echo_plain *p;

	if (s->stamped)
		return 0;
	if (!r->echo->plain)
		r->echo->plain = sp_arena_alloc(&r->arena, SP_ECHO_MOST * sizeof *p);
	if (!r->echo->plain)
		return no_memory(err);
	if (r->echo->n_plain == SP_ECHO_MOST) {
		s->echo = s->answers = false; /* of these nobody knows what came back */
		return 0;
	}
	p = &r->echo->plain[r->echo->n_plain];
	*p = (struct sp_echo_plain){ .stream = i };
	p->key = sp_alloc_array(r->env.mem, SP_ECHO_KEYS, sizeof *p->key);
	if (!p->key)
		return no_memory(err);
	r->echo->n_plain++;
	l->streams[s->local].plain = p;
	l->plain = true;
	return 0;
}

void sp_run_echo_close(struct sp_run *r)
{
	for (uint32_t k = 0; r->echo && k < r->echo->n_plain; k++)
		sp_free(r->env.mem, r->echo->plain[k].key);
}

static void count_into(struct sp_run *r, struct sp_echo_plain *p)
{
	uint32_t at = sp_flow_place(&r->granted, r->sessions[1].base + p->stream);

	p->rx = &r->granted.rx[at];
	p->meta = &r->granted.meta[at];
	p->tally = &r->workers[0].verifier.tally[p->rx->tally];
}

int sp_run_echo_grant(struct sp_run *r, struct sp_err *err)
{
	int rc = r->echo ? sp_run_self_grant(r, err) : 0;

	if (rc || !r->echo)
		return rc;
	/* Only of these streams: the others do not come back. */
	r->self = false;
	r->echo->first_id = r->sessions[1].base;
	for (uint32_t k = 0; k < r->echo->n_plain; k++)
		count_into(r, &r->echo->plain[k]);
	return 0;
}

/* What is lost was not answered; where, nobody knows. */
void sp_run_echo_measure(const struct sp_run *r, uint32_t i, struct sp_measure *m)
{
	if (!r->streams[i].echo)
		return;
	m->rtt = m->delay;
	m->rtt_actual = m->delay_actual;
	m->delay = m->delay_actual = m->rx_gap_error = (struct sp_summary){ 0 };
	m->jitter_ns = NAN;
	sp_counts_set(&m->c, SP_C_negative_delay, 0);
	sp_counts_set(&m->c, SP_C_error_unreachable, SP_LOAD(r->echo->errors[i]));
	if (!r->final_ns)
		return;
	sp_counts_set(&m->c, SP_C_dropped_receiver, 0);
	sp_counts_set(&m->c, SP_C_lost_network, 0);
	sp_counts_set(&m->c, SP_C_lost_unknown, m->c.v[SP_C_lost]);
}

void sp_run_echo_collect(struct sp_run *r)
{
	uint64_t errors = 0;

	if (!r->echo)
		return;
	for (unsigned i = 0; i < SP_TALLIES; i++) {
		const struct sp_tally_rx *t = &r->workers[0].verifier.tally[i];

		sp_hist_merge(&r->hists[RUN_RTT], &t->delay);
		sp_hist_merge(&r->hists[RUN_RTT_ACTUAL], &t->delay_actual);
	}
	for (uint32_t i = 0; i < r->echo->n; i++)
		errors += SP_LOAD(r->echo->errors[i]);
	sp_counts_set(&r->result.total.c, SP_C_error_unreachable,
		      r->result.total.c.v[SP_C_error_unreachable] + errors);
}

bool sp_run_echo_drained(struct sp_run *r, uint64_t now_ns)
{
	uint64_t seen = 0, tx = 0;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_flow_rx *f = sp_run_granted(r, &r->sessions[1], i);

		if (!r->streams[i].echo)
			continue;
		seen += SP_LOAD(f->rx) - SP_LOAD(f->duplicates);
		tx += SP_LOAD(run_flow_tx(r, i)->tx);
	}
	if (seen != r->drain_seen || !r->drain_ns) {
		r->drain_seen = seen;
		r->drain_ns = now_ns;
	}
	return seen >= tx || now_ns > r->drain_ns + GRACE_NS;
}
