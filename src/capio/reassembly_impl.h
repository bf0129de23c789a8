/* What the files of reassembly share. Nobody else includes this. */
#ifndef SP_CAPIO_REASSEMBLY_IMPL_H
#define SP_CAPIO_REASSEMBLY_IMPL_H

#include "capio/defrag.h"
#include "capio/streams.h"

struct sp_reassembly {
	const struct sp_mem *mem;
	struct sp_reassembly_conf conf;
	const struct sp_reassembly_ops *ops;
	void *arg;
	struct sp_streams streams;
	struct sp_defrag *defrag;
	size_t memory; /* of all that waits */
	uint32_t n_streams;
	struct sp_reassembly_odd odd;
	int64_t now_ns; /* of the packet that is being taken */
	uint64_t packet;
};

static inline void sp_ra_odd(struct sp_reassembly *r, uint64_t *what)
{
	(*what)++;
	r->odd.events++;
}

/* reassembly_order.c; all return 0, -ENOMEM, or what a callback returned. */

/* The next octets of the stream go to the caller; or are missing, which the caller is told. */
int sp_ra_bytes(struct sp_reassembly *, struct sp_slot *, const uint8_t *data, uint32_t len);
int sp_ra_gap(struct sp_reassembly *, struct sp_slot *, uint64_t missing);
/* Octets off .. off + len, data NULL: they are missing, wait until what is before them came. */
int sp_ra_wait(struct sp_reassembly *, struct sp_slot *, uint64_t off, const uint8_t *data,
	       uint32_t len);
/* Delivers what waits for nothing more. */
int sp_ra_drain(struct sp_reassembly *, struct sp_slot *);
/* Gives up holes: those that would let too much wait; all of this stream. */
int sp_ra_hold_limits(struct sp_reassembly *, struct sp_slot *);
int sp_ra_flush(struct sp_reassembly *, struct sp_slot *);

#endif
