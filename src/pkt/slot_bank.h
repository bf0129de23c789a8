/* A bank of transmit buffers that remembers what they hold, for transports whose buffers are
 * plain memory. One owner, one thread. */
#ifndef SP_PKT_SLOT_BANK_H
#define SP_PKT_SLOT_BANK_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "pkt/batch.h"

/* Room for one message, rounded up: slots start at multiples of this, and reading up to the
 * next multiple behind a message stays inside the bank. */
#define SP_SLOT_ALIGN 64u

struct sp_slot_bank {
	uint8_t *mem;
	size_t bytes;
	uint32_t tmpl, len; /* what the first `held` slots hold; tmpl 0: nothing */
	uint32_t stride, held;
};

/* bytes: how much memory is lent at most at a time, at least one message of max_len. */
int sp_slot_bank_init(struct sp_slot_bank *, const struct sp_mem *, size_t bytes,
		      uint32_t max_len);
void sp_slot_bank_fini(struct sp_slot_bank *, const struct sp_mem *);

/* HOT. The tx_slots operation of a transport: lends b->m[0 .. n) and returns n. */
uint32_t sp_slot_bank_lend(struct sp_slot_bank *, struct sp_batch *b, uint32_t n, uint32_t len,
			   uint32_t tmpl);

/* HOT. b->m[0 .. upto) were handed in full: from now on their slots hold the template. */
static inline void sp_slot_bank_filled(struct sp_slot_bank *s, uint32_t upto)
{
	if (upto > s->held)
		s->held = upto;
}

#endif
