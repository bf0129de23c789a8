/* What a receiver's flows come to, and what their senders told of them. */
#include <math.h>
#include <string.h>

#include "core/shared.h"
#include "engine/run_impl.h"

/* ---- one flow ---- */

/* How many units its sender says that it sent: over control, or in the flow's last unit. */
static bool told_tx(const struct sp_run *r, const struct sp_flow_table *t, uint32_t i,
		    uint64_t *tx)
{
	const struct run_session *s = &r->sessions[t->rx[i].session];

	if (!s->final)
		return sp_flow_told(&t->rx[i], &t->meta[i], tx);
	*tx = s->tx[t->meta[i].id - s->base];
	return true;
}

/* Units without a whole stamp that were taken for this flow's and are more than were sent: they
 * came from the same source and belong into none of its counts. */
static struct run_surplus take_surplus(struct sp_peer_flow *f, uint64_t tx, uint64_t csum_bad)
{
	uint64_t seen = f->unique + f->corrupted, surplus = seen > tx ? seen - tx : 0;

	surplus = surplus < f->corrupted ? surplus : f->corrupted;
	f->corrupted -= surplus;
	f->rx -= surplus;
	return (struct run_surplus){ surplus, surplus < csum_bad ? surplus : csum_bad };
}

static void add_surplus(struct run_surplus *to, struct run_surplus s)
{
	to->packets += s.packets;
	to->csum_bad += s.csum_bad;
}

/* Were the checksums of what came in by this port looked at? */
static bool checked(const struct sp_run *r, uint32_t port)
{
	const struct sp_plan_recv *recv = sp_run_recv_of(r, port);

	return recv && recv->checksum;
}

/* Without a stamp a unit is counted, and of frames it may be known which are damaged. */
static void set_unstamped(const struct sp_run *r, uint32_t port, struct sp_measure *m,
			  const struct sp_peer_flow *f)
{
	sp_measure_forget_rx(&m->c);
	m->delay.known = false;
	m->jitter_ns = NAN;
	m->outage_ns = NAN;
	sp_counts_set(&m->c, SP_C_rx_packets, f->rx);
	sp_counts_set(&m->c, SP_C_rx_bytes, f->rx_bytes);
	sp_counts_set(&m->c, SP_C_untracked, f->rx);
	if (checked(r, port))
		sp_counts_set(&m->c, SP_C_corrupted, f->corrupted);
}

/* Returns the surplus, see above. */
static struct run_surplus measure(const struct sp_run *r, const struct sp_flow_table *t,
				  uint32_t i, struct sp_measure *m)
{
	const struct sp_flow_meta *meta = &t->meta[i];
	uint64_t next = SP_LOAD(t->rx[i].next) - meta->base, seen, tx = 0;
	struct run_surplus surplus = { 0 };
	bool told = told_tx(r, t, i, &tx);
	struct sp_peer_flow f;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sp_run_read_flow(r, t, i, &f);
	if (told && meta->unit != SP_UNIT_BYTE)
		surplus = take_surplus(&f, tx, SP_LOAD(meta->csum_bad));
	sp_measure_clear(m);
	sp_measure_forget_shared(&m->c);
	sp_measure_set_rx(m, &f);
	if (!SP_LOAD(meta->has_time))
		m->jitter_ns = NAN;
	sp_measure_forget_tx(&m->c);
	sp_measure_forget_reasons(&m->c);
	seen = f.unique + f.corrupted;
	if (!SP_LOAD(meta->stamped) && t->rx[i].session == 0) {
		set_unstamped(r, SP_LOAD(meta->queue), m, &f);
	} else if (told) {
		sp_counts_set(&m->c, SP_C_tx_packets, tx);
		sp_measure_set_lost(m);
	} else {
		sp_counts_set(&m->c, SP_C_lost, next > seen ? next - seen : 0);
	}
	if (r->final_ns)
		sp_run_set_losses(&r->losses, &m->c);
	if (meta->unit == SP_UNIT_BYTE) {
		sp_run_bytes_only(m);
		if (r->plan->run.verify == SP_VERIFY_FULL)
			sp_counts_set(&m->c, SP_C_corrupted, f.corrupted);
	}
	sp_measure_rates(m);
	return surplus;
}

void sp_run_flow_measure(const struct sp_run *r, uint32_t f, struct sp_measure *m)
{
	measure(r, r->listed[f].table, r->listed[f].index, m);
}

/* ---- all of them ---- */

/* Notes the flows that have come since; they keep their places. */
static void list_table(struct sp_run *r, const struct sp_flow_table *t)
{
	uint32_t used = __atomic_load_n(&t->used, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < used && r->n_listed < r->max_listed; i++) {
		if (!sp_flow_live(t, i) || t->meta[i].listed)
			continue;
		t->meta[i].listed = true;
		r->listed[r->n_listed++] = (struct run_listed){ t, i };
	}
}

static void list_flows(struct sp_run *r)
{
	list_table(r, &r->granted);
	for (unsigned w = 0; w < r->n_workers; w++)
		list_table(r, &r->workers[w].verifier.own);
	r->result.n_flows = r->n_listed;
}

static struct run_receiver *receiver_of(const struct sp_run *r, struct run_receiver *of,
					uint32_t port)
{
	for (unsigned i = 0; i < r->plan->n_recvs; i++)
		if (r->plan->recvs[i].from_port == port)
			return &of[i];
	return &of[0];
}

static void add_flow(struct run_receiver *to, const struct sp_measure *m, bool frame)
{
	bool verified = sp_counts_has(&m->c, SP_C_lost);
	struct sp_measure counted;

	to->flows++;
	to->verified += verified;
	to->unchecked += frame && !sp_counts_has(&m->c, SP_C_corrupted);
	to->bytes += !sp_counts_has(&m->c, SP_C_rx_packets);
	to->untold += !sp_counts_has(&m->c, SP_C_tx_packets);
	if (verified) {
		sp_measure_sum_add(&to->sum, m);
		return;
	}
	/* What was only counted does not make unknown what the others are known to be. */
	counted = *m;
	for (unsigned c = 0; c < SP_C__N; c++)
		if (!sp_counts_has(&m->c, (enum sp_counter)c))
			sp_counts_set(&counted.c, (enum sp_counter)c, 0);
	counted.c.v[SP_C_rx_unique] = m->c.v[SP_C_rx_packets] - counted.c.v[SP_C_corrupted];
	sp_measure_sum_add(&to->sum, &counted);
}

/* Before the flow is added. */
static void note_unit(const struct sp_run *r, struct run_receiver *all,
		      const struct sp_flow_table *t, uint32_t i)
{
	const char *unit = sp_run_flow_unit(r, &t->meta[i], sp_run_flow_port(r, t, i));

	if (!all->flows)
		all->unit = unit;
	else if (all->unit && strcmp(all->unit, unit) != 0)
		all->unit = NULL;
}

static bool of_frames(const struct sp_run *r, uint32_t port)
{
	return r->ports[port].caps.bits & SP_T_FRAME;
}

static void add_table(struct sp_run *r, struct run_receiver *all, const struct sp_flow_table *t)
{
	uint32_t used = __atomic_load_n(&t->used, __ATOMIC_ACQUIRE), unknown, port;
	struct sp_measure m;

	for (uint32_t i = 0; i < used; i++) {
		if (!sp_flow_live(t, i))
			continue;
		note_unit(r, all, t, i);
		add_surplus(&all->surplus, measure(r, t, i, &m));
		r->result.violated |= sp_counts_check(&m.c, &unknown);
		port = sp_run_flow_port(r, t, i);
		add_flow(all, &m, of_frames(r, port));
		add_flow(receiver_of(r, r->receivers, port), &m, of_frames(r, port));
	}
}

void sp_run_fold_flow(struct sp_run *r, const struct sp_flow_table *t, uint32_t i)
{
	uint32_t port = sp_run_flow_port(r, t, i), unknown;
	struct run_folded *to = &r->folded;
	struct sp_measure m;

	note_unit(r, &to->all, t, i);
	add_surplus(&to->all.surplus, measure(r, t, i, &m));
	r->result.violated |= sp_counts_check(&m.c, &unknown);
	add_flow(&to->all, &m, of_frames(r, port));
	add_flow(receiver_of(r, to->receivers, port), &m, of_frames(r, port));
	to->restarts += t->meta[i].restarts;
	r->result.flows_folded++;
}

/* Units for which there was no place in a table. */
static void add_untracked(struct sp_run *r, struct run_receiver *all)
{
	struct sp_counts *c = &all->sum.m->c;
	uint64_t packets = all->surplus.packets, damaged = all->surplus.csum_bad, bytes = 0;

	for (unsigned w = 0; w < r->n_workers; w++) {
		packets += SP_LOAD(r->workers[w].verifier.untracked);
		bytes += SP_LOAD(r->workers[w].verifier.untracked_bytes);
	}
	c->v[SP_C_untracked] += packets;
	c->v[SP_C_rx_packets] += packets;
	c->v[SP_C_rx_unique] += packets - damaged;
	c->v[SP_C_corrupted] += damaged;
	c->v[SP_C_rx_bytes] += bytes;
	all->untold += packets != 0;
}

static void begin(struct run_receiver *v)
{
	*v = (struct run_receiver){ 0 };
	sp_measure_sum_begin(&v->sum, &v->m);
}

void sp_run_folded_begin(struct sp_run *r)
{
	begin(&r->folded.all);
	for (unsigned i = 0; i < r->plan->n_recvs; i++)
		begin(&r->folded.receivers[i]);
	r->folded.clock_error = -1;
}

/* On top of what is folded. */
static void begin_on(struct run_receiver *v, const struct run_receiver *folded,
		     struct sp_measure *m)
{
	*v = *folded;
	v->sum.m = m;
	*m = folded->m;
}

/* What was sent is known when every sender has told, what was lost when any unit was verified. */
static void end(const struct sp_run *r, struct run_receiver *v)
{
	struct sp_measure *m = v->sum.m;
	uint64_t corrupted = m->c.v[SP_C_corrupted];

	if (!r->final_ns || !v->flows || v->untold)
		sp_measure_forget_tx(&m->c);
	sp_measure_forget_untold(m);
	sp_measure_forget_reasons(&m->c);
	if (!v->verified) {
		sp_counts_forget(&m->c, SP_C_lost);
		sp_counts_forget(&m->c, SP_C_reordered);
		sp_counts_forget(&m->c, SP_C_loss_bursts);
	}
	if (v->flows && v->unchecked == v->flows)
		sp_counts_forget(&m->c, SP_C_corrupted);
	if (v->flows && v->bytes == v->flows) {
		sp_run_bytes_only(m);
		if (r->plan->run.verify == SP_VERIFY_FULL)
			sp_counts_set(&m->c, SP_C_corrupted, corrupted);
	}
	sp_measure_sum_end(&v->sum);
}

static void merge_tally(struct sp_run *r, const struct sp_tally_rx *t)
{
	sp_hist_merge(&r->hists[RUN_DELAY], &t->delay);
	sp_hist_merge(&r->hists[RUN_DELAY_ACTUAL], &t->delay_actual);
	sp_hist_merge(&r->hists[RUN_RX_GAP_ERROR], &t->gap_error);
}

void sp_run_collect_rx_tallies(struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++) {
		for (unsigned i = 0; i < SP_TALLIES; i++) {
			const struct sp_tally_rx *t = &r->workers[w].verifier.tally[i];

			merge_tally(r, t);
		}
	}
	if (r->folded.tally)
		merge_tally(r, r->folded.tally);
}

static int64_t worst_clock(const struct sp_run *r)
{
	int64_t worst = r->folded.clock_error;

	for (uint32_t i = 1; i < r->n_sessions; i++)
		if (r->sessions[i].used && r->rx_session[i].clock_known &&
		    (int64_t)r->rx_session[i].error_ns > worst)
			worst = (int64_t)r->rx_session[i].error_ns;
	return worst;
}

static void summarise(const struct sp_run *r, enum run_hist which, int64_t clock_error,
		      struct sp_summary *s)
{
	sp_hist_summary(&r->hists[which], s);
	s->clock_error = clock_error;
}

void sp_run_collect_recv(struct sp_run *r)
{
	struct sp_measure *t = &r->result.total;
	struct run_receiver all;
	int64_t clock_error = worst_clock(r);

	begin_on(&all, &r->folded.all, t);
	for (unsigned i = 0; i < r->plan->n_recvs; i++)
		begin_on(&r->receivers[i], &r->folded.receivers[i], &r->receivers[i].m);
	list_flows(r);
	add_table(r, &all, &r->granted);
	for (unsigned w = 0; w < r->n_workers; w++)
		add_table(r, &all, &r->workers[w].verifier.own);
	add_untracked(r, &all);
	end(r, &all);
	/* Until something comes, over connections it is not known what. */
	if (all.flows)
		r->result.unit = all.unit;
	if (r->final_ns && sp_counts_has(&t->c, SP_C_lost)) {
		sp_run_attribute_recv(r, t->c.v[SP_C_lost]);
		sp_run_set_losses(&r->losses, &t->c);
	}
	for (unsigned i = 0; i < r->plan->n_recvs; i++) {
		end(r, &r->receivers[i]);
		if (r->final_ns)
			sp_run_set_losses(&r->losses, &r->receivers[i].m.c);
	}
	sp_run_collect_rx_tallies(r);
	summarise(r, RUN_DELAY, clock_error, &t->delay);
	summarise(r, RUN_DELAY_ACTUAL, clock_error, &t->delay_actual);
	summarise(r, RUN_RX_GAP_ERROR, -1, &t->rx_gap_error);
}
