/* What modes made of curves share. */
#ifndef SP_ENGINE_MODES_CURVE_MODE_H
#define SP_ENGINE_MODES_CURVE_MODE_H

#include "engine/modes/curve.h"
#include "engine/modes/modes.h"

extern const struct sp_rate sp_curve_nothing;

/* Operations of a mode whose state is a curve. */
int sp_curve_mode_next(void *st, uint64_t *due_ns, uint32_t *size);
void sp_curve_mode_restart(void *st, uint64_t start_ns);
void sp_curve_mode_close(void *st, const struct sp_mem *);

int sp_curve_no_memory(struct sp_err *);
/* The end of an open: rc says how adding pieces went. Takes the curve. */
int sp_curve_finish(void **st, struct sp_curve *, int rc, uint64_t start_ns, const char *name,
		    struct sp_err *);
/* Rates in bit/s need a size. */
int sp_curve_need_size(const struct sp_plan_stream *, const struct sp_rate *, const char *place,
		       struct sp_err *);

#endif
