#include "engine/modes/curve_mode.h"

#include <errno.h>

const struct sp_rate sp_curve_nothing = { .kind = SP_RATE_NONE };

int sp_curve_mode_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	(void)size;
	return sp_curve_next(st, due_ns);
}

void sp_curve_mode_restart(void *st, uint64_t start_ns)
{
	sp_curve_start(st, start_ns);
}

void sp_curve_mode_close(void *st, const struct sp_mem *mem)
{
	(void)mem;
	sp_curve_free(st);
}

int sp_curve_no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_curve_finish(void **st, struct sp_curve *c, int rc, uint64_t start_ns, const char *name,
		    struct sp_err *err)
{
	if (rc) {
		sp_curve_free(c);
		return sp_fail(err, rc, SP_EXIT_USAGE,
			       "%s: a rate is too high for packets of its size", name);
	}
	sp_curve_start(c, start_ns);
	*st = c;
	return 0;
}

int sp_curve_need_size(const struct sp_plan_stream *s, const struct sp_rate *r,
		       const char *place, struct sp_err *err)
{
	if (r->kind != SP_RATE_BPS || s->size)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: a rate in bit/s has no meaning with size 0; give it in packets a "
		       "second",
		       place);
}
