/* A worker's connections: slots that the dialogue and bulk lanes and the sinks share. Each slot
 * has a user (what is done when its turn comes), room for the user's state, and one timer. One a
 * worker, used by it only. A slot's turn comes when its connection has become ready, when its
 * user asked for another one, and when its timer has run out; everybody's turn is short, so
 * that a slow peer holds nobody up. */
#ifndef SP_ENGINE_CONNS_H
#define SP_ENGINE_CONNS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/env.h"
#include "core/wheel.h"
#include "plugin/transport.h"

#define SP_NO_SLOT	 UINT32_MAX
/* Turns before departures are looked at again, and callers taken from a door. */
#define SP_CONNS_TURNS	 64u
#define SP_CONNS_ACCEPTS 64u

/* Times of a slot that the wheel holds: nothing is ever taken out of it, so that each time that is
 * sooner than those before it needs a place. */
#define SP_CONNS_PLACES	 4u

enum sp_turn_bit {
	SP_TURN_IN = SP_CONN_IN,
	SP_TURN_OUT = SP_CONN_OUT,
	SP_TURN_END = SP_CONN_END,
	SP_TURN_AGAIN = 1u << 3, /* the user asked for it */
	SP_TURN_TIMER = 1u << 4, /* its time has come */
};

struct sp_conn_user {
	/* HOT. bits say why; they are hints. The slot may be closed here. */
	void (*turn)(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns);
};

struct sp_slot {
	struct sp_conn *conn; /* NULL: none (yet) */
	const struct sp_conn_user *user;
	void *arg;
	uint64_t timer_ns; /* wanted; SP_NEVER none */
	uint32_t next;	   /* in the list of turns, or the free list; index + 1 */
	uint8_t bits;
	bool queued, in_wheel[SP_CONNS_PLACES];
	uint64_t wheel_ns[SP_CONNS_PLACES];
};

/* One port with connections, as this worker has it. */
struct sp_conns_port {
	const struct sp_transport_ops *ops;
	struct sp_queue *q;
	bool calling; /* callers may wait to be accepted */
	/* Somebody was accepted into slot, which has no user yet. */
	void (*accepted)(void *arg, unsigned port, uint32_t slot, uint64_t now_ns);
	void *arg;
};

struct sp_conns {
	const struct sp_env *env;
	struct sp_slot *slot;
	uint8_t *room; /* max * stride */
	size_t stride;
	uint32_t max, used, free, open;
	uint32_t first, last, waiting; /* turns: index + 1 */
	struct sp_wheel *wheel;
	struct sp_conns_port *port; /* one a port of the plan */
	unsigned n_ports;
	uint64_t turned_away; /* callers for whom there was no room */
};

/* room: bytes of state a slot. 0 or -ENOMEM. The ports are the caller's array. */
int sp_conns_init(struct sp_conns *, const struct sp_env *, uint32_t max, size_t room);
/* Closes what is open. */
void sp_conns_fini(struct sp_conns *);

/* A slot without a connection; SP_NO_SLOT: none is free. Its state is zeroed. */
uint32_t sp_conns_take(struct sp_conns *, const struct sp_conn_user *, void *arg);
/* Begins a connection in a slot that has none, from the port's own address or (local not NULL)
 * another. 0 or as sp_conn_door.connect and connect_from; -ENOTSUP: there is only the port's. */
int sp_conns_connect(struct sp_conns *, uint32_t slot, unsigned port,
		     const struct sp_endpoint *local, uint32_t ep);
/* Closes the connection, if any; the slot stays its user's. */
void sp_conns_hang_up(struct sp_conns *, uint32_t slot, bool reset);
/* The same, and gives the slot back. */
void sp_conns_release(struct sp_conns *, uint32_t slot, bool reset);
/* HOT. Another turn, after everybody else's. */
void sp_conns_again(struct sp_conns *, uint32_t slot);
/* HOT. A turn at at_ns (a little later is fine) instead of what was wanted before. */
void sp_conns_timer(struct sp_conns *, uint32_t slot, uint64_t at_ns);

/* Puts all but the counts where the control thread reads it, once known is set. */
void sp_conns_publish(struct sp_conn_info *to, const struct sp_conn_info *from);

static inline void *sp_conns_room(const struct sp_conns *c, uint32_t slot)
{
	return c->room + (size_t)slot * c->stride;
}
static inline struct sp_conn *sp_conns_conn(const struct sp_conns *c, uint32_t slot)
{
	return c->slot[slot].conn;
}

/* HOT. Looks for events and gives turns. True when something was done. */
bool sp_conns_turn(struct sp_conns *, uint64_t now_ns);
/* When there will be something to do by the clock; 0: now; SP_NEVER: nothing by itself. timers:
 * those of the slots, too. */
uint64_t sp_conns_next(const struct sp_conns *, bool timers);

#endif
