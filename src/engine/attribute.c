/* Where losses went, from the counters of both hosts (DESIGN 6.2). What no counter proves is
 * lost_unknown; nothing is guessed. */
#include "engine/run_impl.h"

#include "engine/measure.h"

/* What is known about the way from one sender to one receiving port. */
struct evidence {
	uint64_t lost;		/* segments */
	uint64_t dropped;	/* by the receiving socket, in its kernel's units */
	uint64_t missing_units; /* kernel units handed over - kernel units delivered */
	bool dropped_known;
	bool units_comparable; /* missing_units means something */
	bool singles;	       /* every unit held one segment, at both ends */
	bool receiver_singles; /* at the receiver */
};

static struct run_parts split(const struct evidence *e)
{
	uint64_t least = e->dropped < e->lost ? e->dropped : e->lost;

	if (!e->dropped_known)
		return (struct run_parts){ .unknown = e->lost };
	if (e->dropped == 0)
		return (struct run_parts){ .network = e->lost };
	/* Every unit that is missing was dropped by the socket: so was everything inside. */
	if (e->units_comparable && e->missing_units == e->dropped)
		return (struct run_parts){ .receiver = e->lost };
	if (e->singles || e->receiver_singles)
		return (struct run_parts){ .receiver = least, .network = e->lost - least };
	/* A dropped super-packet held at least one segment; the rest nobody counted. */
	return (struct run_parts){ .receiver = least, .unknown = e->lost - least };
}

/* One cause for everything holds for each stream and flow too; with several causes a stream's
 * share of each is not known, so its losses are lost_unknown and only the sum says more. */
static struct run_parts of_stream(const struct run_losses *all, uint64_t lost)
{
	if (lost == all->lost)
		return all->parts;
	if (all->parts.receiver == all->lost)
		return (struct run_parts){ .receiver = lost };
	if (all->parts.network == all->lost)
		return (struct run_parts){ .network = lost };
	return (struct run_parts){ .unknown = lost };
}

void sp_run_set_losses(const struct run_losses *all, struct sp_counts *c)
{
	struct run_parts p;

	if (!all->known || !sp_counts_has(c, SP_C_lost)) {
		sp_measure_forget_reasons(c);
		return;
	}
	p = of_stream(all, c->v[SP_C_lost]);
	sp_counts_set(c, SP_C_dropped_receiver, p.receiver);
	sp_counts_set(c, SP_C_lost_network, p.network);
	sp_counts_set(c, SP_C_lost_unknown, p.unknown);
}

static struct run_losses losses_of(const struct evidence *e)
{
	return (struct run_losses){ .known = true, .lost = e->lost, .parts = split(e) };
}

void sp_run_attribute_ask(const struct sp_run *r, struct run_ask *a, uint64_t lost)
{
	const struct sp_peer_counts *pc = &a->counts;
	struct evidence e = { .lost = lost,
			      .dropped = pc->dropped_units,
			      .dropped_known = pc->dropped_known };
	uint64_t tx_units = 0;
	uint32_t max_seg = 0;

	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		tx_units += r->transport_results[p].s.tx_units;
		if (r->transport_results[p].s.max_seg > max_seg)
			max_seg = r->transport_results[p].s.max_seg;
	}
	e.receiver_singles = pc->max_seg <= 1;
	e.singles = e.receiver_singles && max_seg <= 1;
	e.units_comparable = a->alone && pc->exclusive && tx_units >= pc->rx_units;
	e.missing_units = tx_units - pc->rx_units;
	/* Others' traffic shares the socket: its drops may be theirs. */
	if (!pc->exclusive && e.dropped)
		e.dropped_known = false;
	a->losses = losses_of(&e);
}

void sp_run_attribute_self(struct sp_run *r, uint64_t lost)
{
	struct evidence e = { .lost = lost, .dropped_known = true, .singles = true };

	for (unsigned p = 0; p < r->plan->n_ports; p++)
		e.dropped += r->transport_results[p].s.rx_dropped;
	r->losses = losses_of(&e);
}

void sp_run_attribute_recv(struct sp_run *r, uint64_t lost)
{
	struct evidence e = { .lost = lost, .dropped_known = true };
	uint32_t max_seg = 0;

	for (unsigned i = 0; i < r->plan->n_ports; i++) {
		const struct sp_tstats *s = &r->transport_results[i].s;

		e.dropped += s->rx_dropped;
		e.dropped_known &= s->rx_dropped_known;
		max_seg = s->max_seg > max_seg ? s->max_seg : max_seg;
	}
	e.receiver_singles = max_seg <= 1;
	r->losses = losses_of(&e);
}
