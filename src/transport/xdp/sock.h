/* One AF_XDP socket: its memory, cut into chunks, and its four rings. Inside the folder only.
 * Chunks [0, n_tx) are for sending, the rest for receiving. */
#ifndef SP_TRANSPORT_XDP_SOCK_H
#define SP_TRANSPORT_XDP_SOCK_H

#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "transport/iface.h"

#define XDP_HEADROOM 256u /* in front of what is received */
#define XDP_STAMP    8u	  /* of which the last octets: when it arrived; 0: not said */

struct xdp_ring {
	uint32_t *producer, *consumer, *flags; /* the kernel's and ours */
	void *desc;
	uint32_t mask;
	uint32_t at; /* ours, of producer or consumer */
	void *map;
	size_t map_bytes;
};

struct xdp_sock {
	int fd;
	uint8_t *memory;
	size_t bytes;
	uint32_t chunk, n_tx, n_rx;
	bool zerocopy;
	struct xdp_ring tx, rx, fill, done;
};

struct xdp_sock_conf {
	const struct sp_iface *iface;
	unsigned queue;
	uint32_t chunk;	     /* 2048 or 4096 */
	uint32_t n_tx, n_rx; /* powers of two, or 0: neither sends nor receives */
	uint32_t budget;     /* frames a system call */
	uint16_t bind_flags; /* XDP_COPY, XDP_ZEROCOPY or 0: what the driver has */
};

/* May such sockets be opened? 0, or the sentence. */
int xdp_sock_allowed(const struct sp_iface *, struct sp_err *);
/* Opens and binds; everything that is to receive waits for frames. */
int xdp_sock_open(struct xdp_sock *, const struct xdp_sock_conf *, struct sp_err *);
void xdp_sock_close(struct xdp_sock *);

static inline uint32_t xdp_load_acquire(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void xdp_store_release(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* HOT. Has the kernel to be told that there is something in a ring? */
static inline bool xdp_needs_wakeup(const struct xdp_ring *r)
{
	return __atomic_load_n(r->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

/* HOT. Gives a chunk for receiving back; its ring has room for all of them. */
static inline void xdp_sock_refill(struct xdp_sock *s, uint64_t addr)
{
	uint64_t chunk = addr & ~(uint64_t)(s->chunk - 1);

	*(uint64_t *)(void *)(s->memory + chunk + XDP_HEADROOM - XDP_STAMP) = 0;
	((uint64_t *)s->fill.desc)[s->fill.at++ & s->fill.mask] = chunk;
}

#endif
