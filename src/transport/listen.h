/* Port numbers to receive on, each in one family or both: what transports over sockets share. */
#ifndef SP_TRANSPORT_LISTEN_H
#define SP_TRANSPORT_LISTEN_H

#include "plugin/transport.h"

struct sp_listen {
	struct sp_port *port;
	struct sp_endpoint bind; /* family 0: both */
	uint32_t numbers;	 /* from bind.port on */
	bool v6; /* family 0: IPv6 is there, and number k has slots 2k and 2k + 1 */
	/* Opens slot i of each worker. A number of 0 becomes the one that was chosen. 0, or
	 * -EADDRINUSE and others with a sentence. */
	int (*open)(struct sp_port *, struct sp_endpoint *, uint32_t i, struct sp_err *);
	void (*close)(struct sp_port *, uint32_t i); /* what there is of slot i */
};

/* How many numbers a port has, and how many slots that makes. */
static inline uint32_t sp_listen_numbers(uint16_t first, uint16_t last)
{
	return last > first ? 1u + last - first : 1u;
}
static inline uint32_t sp_listen_slots(const struct sp_listen *l)
{
	return l->v6 ? 2 * l->numbers : l->numbers;
}
/* Opens all slots. On failure some are open. */
int sp_listen_all(const struct sp_listen *, struct sp_err *);

#endif
