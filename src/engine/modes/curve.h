/* A rate that changes with time: straight pieces, one after the other, and departure k where the
 * integral of the rate is k. Integers only: departure 10^12 is as right as the first. */
#ifndef SP_ENGINE_MODES_CURVE_H
#define SP_ENGINE_MODES_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/units.h"

struct sp_curve;

/* Room for so many pieces. size: of the packets, for rates in bit/s. NULL: out of memory. */
struct sp_curve *sp_curve_new(const struct sp_mem *, unsigned pieces, uint64_t size);
/* From one rate to another within len_ns; equal ones and SP_NEVER: for ever. Kind NONE is 0. -ERANGE
 * (longer than 146 years, or a rate that is too high for its size). */
int sp_curve_add(struct sp_curve *, uint64_t len_ns, const struct sp_rate *from,
		 const struct sp_rate *to);
/* The pieces begin anew when they are over. */
void sp_curve_loop(struct sp_curve *);
/* Departures are at start_ns + floor(t) with t >= 0. */
void sp_curve_start(struct sp_curve *, uint64_t start_ns);
/* HOT. The next departure; 1: there is none any more. */
int sp_curve_next(struct sp_curve *, uint64_t *due_ns);
void sp_curve_free(struct sp_curve *);

#endif
