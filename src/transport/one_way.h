/* Operations of transports that receive nothing, or keep nothing back: there is nothing to do. */
#ifndef SP_TRANSPORT_ONE_WAY_H
#define SP_TRANSPORT_ONE_WAY_H

#include "plugin/transport.h"

/* HOT. Nothing ever arrives. */
int sp_one_way_rx_burst(struct sp_queue *, struct sp_batch *);
void sp_one_way_rx_release(struct sp_queue *, struct sp_batch *);
uint64_t sp_one_way_next_ns(const struct sp_queue *);
/* There is no descriptor to wait for: poll. */
int sp_one_way_fd(const struct sp_queue *);
/* What was taken has left. */
int sp_one_way_flush(struct sp_queue *);

#endif
