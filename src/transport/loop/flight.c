#include "transport/loop/flight.h"

#include <errno.h>

int sp_flight_init(struct sp_flight *f, const struct sp_mem *mem, uint32_t limit, size_t bytes)
{
	uint32_t size = 2;

	*f = (struct sp_flight){ .limit = limit };
	while (size < limit)
		size *= 2;
	f->mask = size - 1;
	f->cap = (bytes + SP_FLIGHT_ALIGN - 1) & ~(size_t)(SP_FLIGHT_ALIGN - 1);
	f->ring = sp_alloc_array(mem, f->cap, 1);
	f->order = sp_alloc_array(mem, size, sizeof *f->order);
	if (!f->ring || !f->order) {
		sp_flight_fini(f, mem);
		return -ENOMEM;
	}
	return 0;
}

void sp_flight_fini(struct sp_flight *f, const struct sp_mem *mem)
{
	sp_free(mem, f->ring);
	sp_free(mem, f->order);
	*f = (struct sp_flight){ .limit = 0 };
}

bool sp_flight_wrap(struct sp_flight *f, uint32_t span)
{
	struct sp_flight_rec *filler;

	/* Head and tail must not meet while something is in the ring: that means empty. */
	if (f->tail < f->head || span >= f->head)
		return false;
	if (f->tail < f->cap) {
		filler = sp_flight_at(f, f->tail);
		filler->span = (uint32_t)(f->cap - f->tail);
		filler->busy = 0;
	}
	f->tail = 0;
	return true;
}
