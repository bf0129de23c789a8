#include "ctl/agent_join.h"

#include <string.h>

#include "engine/measure.h"
#include "engine/verify.h"

static bool is_open(const struct sp_measure *m)
{
	return !sp_counts_has(&m->c, SP_C_rx_packets);
}

/* The only one with this id that knows its stamps; NULL: none, or several. */
static const struct sp_flow_result *received_by(const struct sp_flow_result *f, size_t n,
						uint32_t id)
{
	const struct sp_flow_result *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (f[i].id != id || !sp_counts_has(&f[i].m.c, SP_C_rx_unique))
			continue;
		if (found)
			return NULL;
		found = &f[i];
	}
	return found;
}

static bool is_alone(const struct sp_flow_result *flows, size_t n, uint32_t id)
{
	unsigned same = 0;

	for (size_t i = 0; i < n; i++)
		same += flows[i].id == id && is_open(&flows[i].m);
	return same == 1;
}

static void take(struct sp_measure *m, const struct sp_measure *from)
{
	static const enum sp_counter counted[] = {
		SP_C_rx_packets, SP_C_rx_unique, SP_C_rx_bytes, SP_C_duplicates,
		SP_C_reordered,	 SP_C_corrupted, SP_C_too_old,	SP_C_loss_bursts,
	};

	for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
		if (sp_counts_has(&from->c, counted[i]))
			sp_counts_set(&m->c, counted[i], from->c.v[counted[i]]);
	m->rx_pps = from->rx_pps;
	m->rx_bps = from->rx_bps;
	m->jitter_ns = from->jitter_ns;
	m->outage_ns = from->outage_ns;
	m->rx_gap_error = from->rx_gap_error;
	if (sp_counts_has(&m->c, SP_C_tx_packets))
		sp_measure_set_lost(m);
}

unsigned sp_agent_join(struct sp_stream_result *streams, size_t n, struct sp_flow_result *flows,
		       size_t n_flows, const struct sp_flow_result *received, size_t n_received,
		       unsigned *open)
{
	unsigned joined = 0;

	*open = 0;
	for (size_t i = 0; i < n; i++) {
		struct sp_flow_result *own = NULL;
		const struct sp_flow_result *there = NULL;

		if (!is_open(&streams[i].m))
			continue;
		for (size_t k = 0; k < n_flows && !own; k++)
			if (flows[k].stream && strcmp(flows[k].stream, streams[i].name) == 0)
				own = &flows[k];
		if (own && own->id & SP_FLOW_OWN_ID && is_alone(flows, n_flows, own->id))
			there = received_by(received, n_received, own->id);
		if (!there) {
			++*open;
			continue;
		}
		take(&streams[i].m, &there->m);
		take(&own->m, &there->m);
		joined++;
	}
	return joined;
}
