#include "engine/lane_repeat.h"

#include <errno.h>

#include "core/shared.h"
#include "engine/lane_select.h"
#include "engine/run_impl.h"

/* Some milliseconds of work: so late a stop may be seen. */
#define MOST 32768u

/* ---- while it runs ---- */

/* Each was due when it left, so neither lateness nor errors of gaps can be. */
static void account(struct sp_lane *l, const struct sp_repeat_call *c)
{
	struct sp_flow_tx *f = &l->flow[l->repeat.stream];
	struct sp_tally_tx *t = &l->tally[f->tally];

	sp_hist_add_zeros(&t->late, c->left);
	sp_hist_add_zeros(&t->gap_error, f->tx ? c->left : c->left - 1);
	if (!f->tx)
		SP_STORE(f->first_tx, c->first_ns);
	SP_ADD(f->tx, c->left);
	SP_ADD(f->tx_bytes, (uint64_t)c->left * l->repeat.len);
	SP_STORE(f->last_tx, c->last_ns);
	f->last_due = c->last_ns;
}

static void make(struct sp_lane *l, const struct sp_repeat *run, struct sp_repeat_call *c)
{
	const struct sp_lane_stream *s = &l->streams[run->stream];
	struct sp_lane_port *port = &l->ports[s->port];
	struct sp_lane_source *src = &l->sources[s->source];
	struct sp_flow_tx *f = &l->flow[run->stream];

	*c = (struct sp_repeat_call){
		.run = run, .head = f->head, .seq = f->seq, .unit = src->ops->unit(src->source)
	};
	/* What ails the port will be told to the units that follow, one by one. */
	(void)port->ops->tx_repeat(port->q, c);
	if (src->stamp)
		f->seq += c->made;
	src->ops->seek(src->source, c->unit + c->made);
}

uint32_t sp_lane_repeat(struct sp_lane *l, uint64_t now_ns)
{
	struct sp_lane_repeat *r = &l->repeat;
	struct sp_lease *lease = l->streams[r->stream].lease;
	struct sp_repeat_call c;
	struct sp_repeat run;

	if (l->tx_marker || !sp_pacer_take_run(l->pacer, now_ns, r->most, &run))
		return 0;
	if (lease && !sp_guard_lease_take(lease, now_ns, run.n)) {
		sp_pacer_untake(l->pacer, &run, run.n);
		return 0;
	}
	make(l, &run, &c);
	if (c.made < run.n)
		sp_pacer_untake(l->pacer, &run, run.n - c.made);
	if (c.made > c.left)
		SP_ADD(l->flow[r->stream].refused, c.made - c.left);
	if (c.left)
		account(l, &c);
	return c.made;
}

/* ---- before it ---- */

/* Unit 0 with a stamp of zeros, whose checksums are right for it. */
static int first_unit(struct sp_lane_source *src, uint8_t *frame, uint32_t len, uint16_t *stamp)
{
	struct sp_msg m = { .data = frame, .len = len, .stamp_off = SP_NO_STAMP };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	uint64_t unit = src->ops->unit(src->source);

	src->ops->seek(src->source, 0);
	src->ops->fill(src->source, &b, 0);
	if (src->stamp && m.stamp_off == SP_NO_STAMP)
		return -ENOTSUP;
	for (uint32_t i = 0; src->stamp && i < src->stamp->len; i++)
		frame[m.stamp_off + i] = 0;
	if (src->ops->finish)
		src->ops->finish(src->source, &b, 0);
	src->ops->seek(src->source, unit);
	*stamp = m.stamp_off;
	return 0;
}

static int try(struct sp_run *r, unsigned i, struct sp_err *err)
{
	const struct run_stream *s = &r->streams[i];
	struct sp_lane *l = &r->workers[s->worker].lane;
	struct run_port *p = &r->ports[s->plan->from_port];
	struct sp_lane_source *src = &l->sources[l->streams[s->local].source];
	uint32_t len = src->ops->len(src->source, (uint32_t)s->plan->size);
	struct sp_repeat_form form = { .len = len, .crc_init = l->flow[s->local].crc_init };
	uint8_t *frame = sp_alloc(r->env.mem, len);
	int rc;

	if (!frame)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	form.frame = frame;
	form.tmpl = sp_run_template(src, &form.prefix_len);
	rc = first_unit(src, frame, len, &form.stamp_off);
	if (!rc)
		rc = p->ops->repeat(p->queues[s->worker], &form, err);
	sp_free(r->env.mem, frame);
	if (rc)
		return rc;
	l->repeat = (struct sp_lane_repeat){
		.on = true, .stream = s->local, .most = MOST, .len = len
	};
	p->ops->caps(p->port, &p->caps);
	return 0;
}

int sp_run_prepare_repeats(struct sp_run *r, struct sp_err *err)
{
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct run_stream *s = &r->streams[i];
		const struct sp_lane *l = &r->workers[s->worker].lane;
		struct sp_err why_not = { 0 };
		const char *why;
		int rc;

		if (!(r->ports[s->plan->from_port].caps.bits & SP_T_REPEAT))
			continue;
		why = sp_lane_why_no_repeat(s->plan, l, s->local);
		rc = why ? -ENOTSUP : try(r, i, &why_not);
		if (rc == -ENOMEM) {
			*err = why_not;
			return rc;
		}
		sp_log(r->env.log, SP_LOG_INFO, "stream %s: %s%s", s->plan->name,
		       !rc ? "its units are made in XDP" : "units are made one by one: ",
		       !rc   ? ""
		       : why ? why
			     : why_not.text);
	}
	return 0;
}

bool sp_run_repeats(const struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		if (r->workers[w].lane.repeat.on)
			return true;
	return false;
}
