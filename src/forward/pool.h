/* Frames on their way through the forwarder: fixed room for ordinary ones, whose pages are touched
 * only when they are needed, and blocks of their own for super-frames. */
#ifndef SP_FORWARD_POOL_H
#define SP_FORWARD_POOL_H

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define SP_POOL_SLOTS	 32768u
#define SP_POOL_ROOM	 2032u	     /* bytes of a frame that fit into a slot */
#define SP_POOL_HEADROOM 16u	     /* in front of it, for a VLAN tag */
#define SP_POOL_FRAME	 65700u	     /* the longest frame */
#define SP_POOL_BIG_MAX	 (64u << 20) /* bytes of super-frames at once */

/* struct virtio_net_hdr: what the kernel says of checksum and segments, and wants to hear again. */
struct sp_vnet {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

struct sp_slot {
	uint8_t *big; /* a super-frame's own block; NULL: it is in the slot */
	uint32_t off; /* of the frame in its block or slot */
	uint32_t len;
	struct sp_vnet vnet;
};

struct sp_pool {
	const struct sp_mem *mem;
	uint8_t *rooms;
	struct sp_slot *slots;
	uint32_t *free, n_free;
	uint64_t big_bytes;
};

/* -ENOMEM */
int sp_pool_init(struct sp_pool *, const struct sp_mem *, struct sp_err *);
void sp_pool_fini(struct sp_pool *);
/* False: none is left. */
bool sp_pool_get(struct sp_pool *, uint32_t *id);
void sp_pool_put(struct sp_pool *, uint32_t id);
/* A block for a frame of len bytes instead of the slot's room; NULL: no memory. */
uint8_t *sp_pool_big(struct sp_pool *, uint32_t id, uint32_t len);
/* A second frame like it. False: no room. */
bool sp_pool_copy(struct sp_pool *, uint32_t from, uint32_t *id);

static inline uint8_t *sp_pool_room(const struct sp_pool *p, uint32_t id)
{
	return p->rooms + (uint64_t)id * (SP_POOL_ROOM + SP_POOL_HEADROOM);
}

static inline uint8_t *sp_pool_data(const struct sp_pool *p, uint32_t id)
{
	const struct sp_slot *s = &p->slots[id];

	return (s->big ? s->big : sp_pool_room(p, id)) + s->off;
}

#endif
