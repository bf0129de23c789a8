#include "engine/measure.h"

#include <math.h>

static const struct sp_summary unknown_summary = { .clock_error = -1 };

void sp_measure_clear(struct sp_measure *m)
{
	*m = (struct sp_measure){
		.asked_pps = NAN,
		.tx_pps = NAN,
		.rx_pps = NAN,
		.tx_bps = NAN,
		.rx_bps = NAN,
		.jitter_ns = NAN,
		.outage_ns = NAN,
		.ks_departure = NAN,
		.ks_size = NAN,
		.delay = unknown_summary,
		.delay_actual = unknown_summary,
		.rtt = unknown_summary,
		.rtt_actual = unknown_summary,
		.late = unknown_summary,
		.gap_error = unknown_summary,
		.rx_gap_error = unknown_summary,
	};
	sp_counts_zero(&m->c);
}

/* ---- what is not known ---- */

#define BIT(name) (1ull << SP_C_##name)

static void forget(struct sp_counts *c, uint64_t which)
{
	c->known &= ~which;
	for (; which; which &= which - 1)
		c->v[__builtin_ctzll(which)] = 0;
}

#define REASONS (BIT(dropped_receiver) | BIT(lost_network) | BIT(lost_unknown))

void sp_measure_forget_tx(struct sp_counts *c)
{
	forget(c, BIT(asked_packets) | BIT(tx_packets) | BIT(tx_bytes) | BIT(pending) |
			  BIT(in_flight) | BIT(not_sent_late) | BIT(not_sent_unfit) |
			  BIT(tx_refused) | BIT(catch_up));
}

void sp_measure_forget_rx(struct sp_counts *c)
{
	forget(c, REASONS | BIT(rx_packets) | BIT(rx_unique) | BIT(rx_bytes) | BIT(lost) |
			  BIT(duplicates) | BIT(reordered) | BIT(corrupted) | BIT(in_flight) |
			  BIT(loss_bursts) | BIT(too_old) | BIT(negative_delay) |
			  BIT(untracked));
}

void sp_measure_forget_reasons(struct sp_counts *c)
{
	forget(c, REASONS);
}

void sp_measure_forget_shared(struct sp_counts *c)
{
	forget(c, BIT(error_unreachable) | BIT(error_too_big) | BIT(error_other) |
			  BIT(own_control));
}

void sp_measure_forget_untold(struct sp_measure *m)
{
	forget(&m->c, BIT(asked_packets) | BIT(pending) | BIT(not_sent_late) |
			      BIT(not_sent_unfit) | BIT(tx_refused) | BIT(tx_bytes) |
			      BIT(catch_up));
	m->asked_pps = NAN;
}

/* ---- rates ---- */

void sp_measure_rate(const struct sp_span *s, double *pps, double *bps)
{
	double span = (double)(s->last_ns - s->first_ns) / 1e9;

	if (s->n < 2 || s->last_ns <= s->first_ns)
		return;
	*pps = (double)(s->n - 1) / span;
	*bps = 8.0 * (double)(s->bytes - s->first_bytes) / span;
}

static uint64_t mean_bytes(uint64_t bytes, uint64_t n)
{
	return n ? bytes / n : 0;
}

/* Of a byte stream: all bytes in all the time. */
static double rate_bytes(uint64_t bytes, uint64_t first_ns, uint64_t last_ns)
{
	return last_ns > first_ns ? 8e9 * (double)bytes / (double)(last_ns - first_ns) : NAN;
}

static void rate_tx(struct sp_measure *m, uint64_t first_bytes)
{
	const struct sp_span s = { m->c.v[SP_C_tx_packets], m->c.v[SP_C_tx_bytes], first_bytes,
				   m->first_tx_ns, m->last_tx_ns };

	if (!sp_counts_has(&m->c, SP_C_tx_bytes))
		return;
	if (sp_counts_has(&m->c, SP_C_tx_packets))
		sp_measure_rate(&s, &m->tx_pps, &m->tx_bps);
	else
		m->tx_bps = rate_bytes(s.bytes, s.first_ns, s.last_ns);
}

static void rate_rx(struct sp_measure *m, uint64_t first_bytes)
{
	const struct sp_span s = { m->c.v[SP_C_rx_packets], m->c.v[SP_C_rx_bytes], first_bytes,
				   m->first_rx_ns, m->last_rx_ns };

	if (!sp_counts_has(&m->c, SP_C_rx_bytes))
		return;
	if (sp_counts_has(&m->c, SP_C_rx_packets))
		sp_measure_rate(&s, &m->rx_pps, &m->rx_bps);
	else
		m->rx_bps = rate_bytes(s.bytes, s.first_ns, s.last_ns);
}

void sp_measure_rates(struct sp_measure *m)
{
	rate_tx(m, mean_bytes(m->c.v[SP_C_tx_bytes], m->c.v[SP_C_tx_packets]));
	rate_rx(m, mean_bytes(m->c.v[SP_C_rx_bytes], m->c.v[SP_C_rx_packets]));
}

/* ---- what a receiver counted ---- */

void sp_measure_set_rx(struct sp_measure *m, const struct sp_peer_flow *f)
{
	sp_counts_set(&m->c, SP_C_rx_packets, f->rx);
	sp_counts_set(&m->c, SP_C_rx_unique, f->unique);
	sp_counts_set(&m->c, SP_C_rx_bytes, f->rx_bytes);
	sp_counts_set(&m->c, SP_C_duplicates, f->duplicates);
	sp_counts_set(&m->c, SP_C_reordered, f->reordered);
	sp_counts_set(&m->c, SP_C_corrupted, f->corrupted);
	sp_counts_set(&m->c, SP_C_too_old, f->too_old);
	sp_counts_set(&m->c, SP_C_loss_bursts, f->gaps);
	sp_counts_set(&m->c, SP_C_negative_delay, f->negative);
	m->first_rx_ns = f->first_rx_ns;
	m->last_rx_ns = f->last_rx_ns;
	m->jitter_ns = f->rx > 1 ? (double)f->jitter_ns : NAN;
	m->outage_ns = (double)f->outage_ns;
	m->delay = f->delay;
	if (!m->delay.known)
		m->delay = unknown_summary;
}

void sp_measure_set_lost(struct sp_measure *m)
{
	uint64_t tx = m->c.v[SP_C_tx_packets];
	uint64_t seen = m->c.v[SP_C_rx_unique] + m->c.v[SP_C_corrupted];

	sp_counts_set(&m->c, SP_C_lost, tx > seen ? tx - seen : 0);
	sp_counts_set(&m->c, SP_C_in_flight, 0);
}

void sp_measure_set_lost_so_far(struct sp_measure *m, uint64_t next)
{
	uint64_t tx = m->c.v[SP_C_tx_packets];
	uint64_t seen = m->c.v[SP_C_rx_unique] + m->c.v[SP_C_corrupted];
	uint64_t lost = next > seen ? next - seen : 0;

	sp_measure_forget_reasons(&m->c);
	sp_counts_set(&m->c, SP_C_lost, lost);
	/* Another thread counts a unit as sent a moment after it left. */
	if (lost + seen > tx)
		sp_counts_forget(&m->c, SP_C_in_flight);
	else
		sp_counts_set(&m->c, SP_C_in_flight, tx - lost - seen);
}

/* ---- sums ---- */

void sp_measure_sum_begin(struct sp_measure_sum *s, struct sp_measure *m)
{
	*s = (struct sp_measure_sum){ .m = m };
	sp_measure_clear(m);
	m->asked_pps = 0;
}

/* Widens [first, last] by another; true when that one begins earlier. */
static bool widen(uint64_t *first, uint64_t *last, uint64_t a, uint64_t b)
{
	bool earlier = a && (*first == 0 || a < *first);

	if (earlier)
		*first = a;
	if (b > *last)
		*last = b;
	return earlier;
}

void sp_measure_sum_add(struct sp_measure_sum *s, const struct sp_measure *m)
{
	const uint64_t *v = m->c.v;
	struct sp_measure *t = s->m;

	sp_counts_add(&t->c, &m->c);
	if (widen(&t->first_tx_ns, &t->last_tx_ns, m->first_tx_ns, m->last_tx_ns))
		s->tx_first_bytes = mean_bytes(v[SP_C_tx_bytes], v[SP_C_tx_packets]);
	if (widen(&t->first_rx_ns, &t->last_rx_ns, m->first_rx_ns, m->last_rx_ns))
		s->rx_first_bytes = mean_bytes(v[SP_C_rx_bytes], v[SP_C_rx_packets]);
	t->asked_pps += m->asked_pps;
	t->outage_ns = fmax(t->outage_ns, m->outage_ns); /* of NAN and a number: the number */
	if (!isnan(m->jitter_ns)) {
		s->jitter += m->jitter_ns;
		s->jitters++;
	}
}

void sp_measure_sum_end(struct sp_measure_sum *s)
{
	rate_tx(s->m, s->tx_first_bytes);
	rate_rx(s->m, s->rx_first_bytes);
	if (s->jitters)
		s->m->jitter_ns = s->jitter / (double)s->jitters;
}
