/* Arithmetic on measures: what is known of one, rates, what was lost, sums. Pure. */
#ifndef SP_ENGINE_MEASURE_H
#define SP_ENGINE_MEASURE_H

#include "core/result.h"
#include "engine/run.h"

/* All counts 0 and known, everything else unknown. */
void sp_measure_clear(struct sp_measure *);
/* What only a sender, only a receiver, or only both together can know. */
void sp_measure_forget_tx(struct sp_counts *);
void sp_measure_forget_rx(struct sp_counts *);
void sp_measure_forget_reasons(struct sp_counts *); /* where the lost ones were lost */
/* What is counted for the run as a whole and not for its parts. */
void sp_measure_forget_shared(struct sp_counts *);
/* What a receiver that was told its sender's final count still does not know. */
void sp_measure_forget_untold(struct sp_measure *);

/* (n - 1)/(last - first), and 8 * (bytes but the first unit's)/(last - first); untouched below
 * two units or without time between them. first_bytes: of the first unit. */
struct sp_span {
	uint64_t n, bytes, first_bytes, first_ns, last_ns;
};
void sp_measure_rate(const struct sp_span *, double *pps, double *bps);
/* Both directions of a stream or flow, whose units all have one size. */
void sp_measure_rates(struct sp_measure *);

/* A receiver's counts of a flow. */
void sp_measure_set_rx(struct sp_measure *, const struct sp_peer_flow *);
/* At the end: lost = sent - unique - corrupted, and nothing is under way. */
void sp_measure_set_lost(struct sp_measure *);
/* Meanwhile: lost is what later arrivals (up to sequence next) have passed over, the rest is
 * under way. */
void sp_measure_set_lost_so_far(struct sp_measure *, uint64_t next);

/* A sum under way. */
struct sp_measure_sum {
	struct sp_measure *m;
	uint64_t tx_first_bytes, rx_first_bytes; /* mean size of who was first */
	double jitter;
	uint64_t jitters;
};
/* Clears m, which sums go to. */
void sp_measure_sum_begin(struct sp_measure_sum *, struct sp_measure *m);
void sp_measure_sum_add(struct sp_measure_sum *, const struct sp_measure *);
/* Rates, and the mean of the jitters: each stream or flow that has one counts once. */
void sp_measure_sum_end(struct sp_measure_sum *);

#endif
