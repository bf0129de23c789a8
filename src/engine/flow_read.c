/* A received flow's counters as plain numbers, read while its worker goes on counting. */
#include "core/shared.h"
#include "engine/run_impl.h"

/* A worker counts a unit as received before it says what was wrong with it: read the other way
 * round, unique never comes out below what it is. */
static void read_units(const struct sp_flow_rx *f, struct sp_peer_flow *out)
{
	out->duplicates = SP_LOAD(f->duplicates);
	out->corrupted = SP_LOAD(f->corrupted);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	out->rx = SP_LOAD(f->rx);
	out->rx_bytes = SP_LOAD(f->rx_bytes);
	/* Of bulk data bytes are damaged, and there are no units. */
	out->unique = out->rx ? out->rx - out->duplicates - out->corrupted : 0;
}

/* A sketch knows an order of magnitude: no quantile is beyond the extremes, which are exact. */
static int64_t quantile(const struct sp_flow_rx *f, const struct sp_sketch *sk, double q)
{
	int64_t v = sp_sketch_quantile(sk, q), min = SP_LOAD(f->delay_min);
	int64_t max = SP_LOAD(f->delay_max);

	return v > max ? max : v < min ? min : v;
}

static void read_delay(const struct sp_flow_rx *f, const struct sp_sketch *sk,
		       uint64_t error_ns, struct sp_peer_flow *out)
{
	out->delay = (struct sp_summary){
		.known = true,
		.coarse = true,
		.n = out->unique,
		.negative = out->negative,
		.min = SP_LOAD(f->delay_min),
		.max = SP_LOAD(f->delay_max),
		.mean = (double)SP_LOAD(f->delay_sum) / (double)out->unique,
		.p50 = quantile(f, sk, 0.5),
		.p90 = quantile(f, sk, 0.9),
		.p99 = quantile(f, sk, 0.99),
		.p999 = quantile(f, sk, 0.999),
		.clock_error = (int64_t)error_ns,
	};
}

void sp_run_read_flow(const struct sp_run *r, const struct sp_flow_table *t, uint32_t i,
		      struct sp_peer_flow *out)
{
	const struct sp_flow_rx *f = &t->rx[i];
	const struct sp_rx_session *s = &r->rx_session[f->session];
	const struct sp_flow_meta *meta = &t->meta[i];

	*out = (struct sp_peer_flow){ .reordered = SP_LOAD(f->reordered),
				      .too_old = SP_LOAD(meta->too_old),
				      .gaps = SP_LOAD(f->gaps),
				      .first_rx_ns = SP_LOAD(meta->first_rx),
				      .last_rx_ns = SP_LOAD(f->last_rx),
				      .jitter_ns = SP_LOAD(f->jitter16) / 16,
				      .negative = SP_LOAD(meta->negative) };
	read_units(f, out);
	if (s->clock_known && out->unique && SP_LOAD(meta->has_time))
		read_delay(f, &t->sketch[i], s->error_ns, out);
}
