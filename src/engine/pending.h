/* Units that wait for an answer, by the key that the answer brings back: DNS's id, ICMP's sequence
 * number. A table of all keys there are: no search, no allocation, and a key is free again as soon
 * as its answer came or was given up. One writer, a worker. */
#ifndef SP_ENGINE_PENDING_H
#define SP_ENGINE_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

#define SP_NO_KEY UINT32_MAX

struct sp_pending_unit {
	uint64_t due_ns, sent_ns; /* intended and actual departure */
	uint64_t until_ns;	  /* an answer after this is too late; 0: the key is free */
	uint32_t stream, ep;	  /* the lane's; who is to answer */
};

struct sp_pending {
	const struct sp_mem *mem;
	struct sp_pending_unit *unit; /* one a key */
	uint32_t keys;		      /* a power of two */
	uint32_t next;		      /* keys are given out in turn from here */
	uint32_t n;		      /* that wait */
	uint32_t looked;	      /* sp_pending_expire goes on from here */
};

/* bits 1 .. 16; first: the first key, for whoever wants them not to begin at 0. 0 or -ENOMEM. */
int sp_pending_init(struct sp_pending *, const struct sp_mem *, unsigned bits, uint32_t first);
void sp_pending_fini(struct sp_pending *);
/* HOT. A free key, the one longest free as far as keys are answered in turn; SP_NO_KEY: all wait.
 * The unit's members are the caller's to fill, until_ns above 0. */
uint32_t sp_pending_take(struct sp_pending *);
/* HOT. The unit that waits with this key, NULL: none does. */
static inline struct sp_pending_unit *sp_pending_find(struct sp_pending *p, uint32_t key)
{
	return key < p->keys && p->unit[key].until_ns ? &p->unit[key] : NULL;
}
/* HOT. Its key is free again. */
static inline void sp_pending_drop(struct sp_pending *p, struct sp_pending_unit *u)
{
	u->until_ns = 0;
	p->n--;
}
/* HOT. Looks at the next max keys, and gives the units whose time is over by now_ns to gone(), which
 * must not take or drop any. */
void sp_pending_expire(struct sp_pending *, uint64_t now_ns, uint32_t max,
		       void (*gone)(void *arg, const struct sp_pending_unit *), void *arg);

#endif
