/* The memory behind tx_slots: one area a queue, slots side by side at stride len, so that equal
 * neighbours are one run of bytes. */
#ifndef SP_TRANSPORT_SLOTS_H
#define SP_TRANSPORT_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "pkt/batch.h"

/* Where burst * len is more, fewer slots are lent. */
#define SP_SLOTS_AREA (8u << 20)

struct sp_slots {
	uint8_t *area;
	size_t size;
	uint32_t burst, max_len;
	uint32_t len, tmpl; /* what the slots [0 .. held) hold */
	uint32_t held;
};

/* 0 or -ENOMEM. Pages are committed as they are used. */
int sp_slots_init(struct sp_slots *, const struct sp_mem *, uint32_t burst, uint32_t max_len);
void sp_slots_fini(struct sp_slots *, const struct sp_mem *);
/* HOT. As tx_slots of plugin/transport.h; every slot lent before is taken back. */
uint32_t sp_slots_lend(struct sp_slots *, struct sp_batch *, uint32_t n, uint32_t len,
		       uint32_t tmpl);
/* HOT. At tx_burst: the slots of b were filled with the template that was asked for. */
void sp_slots_filled(struct sp_slots *, const struct sp_batch *b);

#endif
