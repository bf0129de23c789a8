/* A bank of transmit buffers that remembers what they hold, for transports whose buffers are
 * plain memory. One owner, one thread. */
#ifndef SP_PKT_SLOT_BANK_H
#define SP_PKT_SLOT_BANK_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "pkt/batch.h"

/* How slots lie in the bank. */
enum sp_slot_align {
	/* Side by side, at stride len: equal neighbours are one run of bytes, to be joined. */
	SP_SLOTS_JOINED = 1,
	/* At multiples of this; reading up to the next one behind a message stays inside. */
	SP_SLOTS_ALIGNED = 64,
};

struct sp_slot_bank {
	uint8_t *mem;
	size_t bytes;
	uint32_t max_len;
	enum sp_slot_align align;
	uint32_t tmpl, len; /* what the first `held` slots hold; tmpl 0: nothing */
	uint32_t stride, held;
};

/* bytes: how much memory is lent at most at a time, at least one message of max_len. Pages are
 * committed as they are used. 0 or -ENOMEM. */
int sp_slot_bank_init(struct sp_slot_bank *, const struct sp_mem *, size_t bytes,
		      uint32_t max_len, enum sp_slot_align);
void sp_slot_bank_fini(struct sp_slot_bank *, const struct sp_mem *);

/* HOT. The tx_slots operation of a transport: lends b->m[0 .. n) and returns n; every slot that
 * was lent before is taken back. */
uint32_t sp_slot_bank_lend(struct sp_slot_bank *, struct sp_batch *b, uint32_t n, uint32_t len,
			   uint32_t tmpl);

/* HOT. b->m[0 .. upto) were filled with the template that was asked for, and hold it still. */
static inline void sp_slot_bank_filled(struct sp_slot_bank *s, uint32_t upto)
{
	if (upto > s->held)
		s->held = upto;
}

#endif
