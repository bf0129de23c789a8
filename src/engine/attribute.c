/* Where losses went, from the counters of both hosts (DESIGN 6.2). What no counter proves is
 * lost_unknown; nothing is guessed. */
#include "engine/run_impl.h"

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

struct parts {
	uint64_t receiver, network, unknown;
};

static struct parts split(const struct evidence *e)
{
	uint64_t least = e->dropped < e->lost ? e->dropped : e->lost;

	if (!e->dropped_known)
		return (struct parts){ .unknown = e->lost };
	if (e->dropped == 0)
		return (struct parts){ .network = e->lost };
	/* Every unit that is missing was dropped by the socket: so was everything inside. */
	if (e->units_comparable && e->missing_units == e->dropped)
		return (struct parts){ .receiver = e->lost };
	if (e->singles || e->receiver_singles)
		return (struct parts){ .receiver = least, .network = e->lost - least };
	/* A dropped super-packet held at least one segment; the rest nobody counted. */
	return (struct parts){ .receiver = least, .unknown = e->lost - least };
}

static void set_parts(struct sp_counts *c, const struct parts *p)
{
	sp_counts_set(c, SP_C_dropped_receiver, p->receiver);
	sp_counts_set(c, SP_C_lost_network, p->network);
	sp_counts_set(c, SP_C_lost_unknown, p->unknown);
}

/* One cause for everything holds for each stream too; with several causes a stream's share of
 * each is not known, so its losses are lost_unknown and only the run's total says more. */
static struct parts of_stream(const struct parts *whole, uint64_t whole_lost, uint64_t lost)
{
	if (whole->receiver == whole_lost)
		return (struct parts){ .receiver = lost };
	if (whole->network == whole_lost)
		return (struct parts){ .network = lost };
	return lost == whole_lost ? *whole : (struct parts){ .unknown = lost };
}

static void attribute_streams(struct sp_run *r, const uint32_t *which, uint32_t n,
			      struct evidence *e)
{
	struct parts whole, own;

	e->lost = 0;
	for (uint32_t k = 0; k < n; k++)
		e->lost += r->stream_results[which ? which[k] : k].m.c.v[SP_C_lost];
	whole = split(e);
	for (uint32_t k = 0; k < n; k++) {
		struct sp_counts *c = &r->stream_results[which ? which[k] : k].m.c;

		if (!sp_counts_has(c, SP_C_lost))
			continue;
		own = of_stream(&whole, e->lost, c->v[SP_C_lost]);
		set_parts(c, &own);
	}
}

static void attribute_ask(struct sp_run *r, struct run_ask *a)
{
	const struct sp_peer_counts *pc = &a->counts;
	struct evidence e = { .dropped = pc->dropped_units,
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
	attribute_streams(r, a->ask.streams, a->ask.n_flows, &e);
}

static void attribute_self(struct sp_run *r)
{
	struct evidence e = { .dropped_known = true, .singles = true };

	for (unsigned p = 0; p < r->plan->n_ports; p++)
		e.dropped += r->transport_results[p].s.rx_dropped;
	attribute_streams(r, NULL, r->plan->n_streams, &e);
}

static void attribute_recv(struct sp_run *r)
{
	struct sp_counts *c = &r->result.total.c;
	struct evidence e = { .lost = c->v[SP_C_lost], .dropped_known = true };
	struct parts p;
	uint32_t max_seg = 0;

	for (unsigned i = 0; i < r->plan->n_ports; i++) {
		const struct sp_tstats *s = &r->transport_results[i].s;

		e.dropped += s->rx_dropped;
		e.dropped_known &= s->rx_dropped_known;
		max_seg = s->max_seg > max_seg ? s->max_seg : max_seg;
	}
	e.receiver_singles = max_seg <= 1;
	p = split(&e);
	set_parts(c, &p);
}

void sp_run_attribute(struct sp_run *r)
{
	if (r->role == SP_ROLE_RECV) {
		attribute_recv(r);
		return;
	}
	if (r->self)
		attribute_self(r);
	for (uint32_t i = 0; i < r->n_asks; i++)
		if (r->asks[i].counts_known)
			attribute_ask(r, &r->asks[i]);
}
