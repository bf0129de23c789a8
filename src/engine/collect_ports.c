/* What the transports' queues counted. */
#include "core/shared.h"
#include "engine/run_impl.h"

static void add_queue(struct sp_tstats *t, const struct sp_tstats *s)
{
	t->tx_calls += s->tx_calls;
	t->tx_units += s->tx_units;
	t->tx_msgs += s->tx_msgs;
	t->tx_bytes += s->tx_bytes;
	t->tx_blocked += s->tx_blocked;
	t->tx_unreachable += s->tx_unreachable;
	t->tx_dropped += s->tx_dropped;
	t->rx_calls += s->rx_calls;
	t->rx_units += s->rx_units;
	t->rx_msgs += s->rx_msgs;
	t->rx_bytes += s->rx_bytes;
	t->rx_truncated += s->rx_truncated;
	t->rx_dropped += s->rx_dropped;
	t->rx_csum_errors += s->rx_csum_errors;
	t->rx_frozen += s->rx_frozen;
	t->rx_other += s->rx_other;
	t->max_seg = s->max_seg > t->max_seg ? s->max_seg : t->max_seg;
	t->rx_dropped_known &= s->rx_dropped_known;
}

void sp_run_collect_ports(struct sp_run *r)
{
	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		struct run_port *port = &r->ports[p];
		struct sp_transport_result *t = &r->transport_results[p];

		*t = (struct sp_transport_result){ .name = port->plan->name,
						   .transport = port->ops->name,
						   .where = port->where,
						   .road = port->caps.road,
						   .rx_clock = port->rx ? port->caps.rx_clock
									: NULL };
		t->s.rx_dropped_known = port->rx;
		if (port->ear) {
			struct sp_tstats s = { 0 };

			port->ear_ops->stats(port->ear_queue, &s);
			add_queue(&t->s, &s);
		}
		for (unsigned w = 0; w < r->n_workers; w++) {
			struct sp_tstats s = { 0 };

			port->ops->stats(port->queues[w], &s);
			add_queue(&t->s, &s);
			t->s.rx_other += SP_LOAD(r->workers[w].lane.ports[p].ignored);
		}
		t->offloaded = t->s.tx_msgs > t->s.tx_units || t->s.rx_msgs > t->s.rx_units;
	}
}
