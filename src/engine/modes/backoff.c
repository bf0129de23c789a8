/* Pauses that grow by a factor until the longest, then from the first again; or again when a reply
 * has come. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "engine/modes/modes.h"

static const char *const keys[] = { "backoff_first", "backoff_factor", "backoff_cap",
				    "backoff_reset", NULL };

static int check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		 struct sp_err *err)
{
	struct sp_profile *p = s->profile;

	(void)arena;
	if (!(p->backoff_factor >= 1) || p->backoff_factor > 1e9)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "%s: backoff_factor: from 1 on, since pauses grow", place);
	if (p->backoff_cap_ns < p->backoff_first_ns)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: backoff_cap is shorter than backoff_first", place);
	p->peak = sp_mode_peak(1 + (double)SP_NS_PER_S / (double)p->backoff_first_ns);
	return 0;
}

struct backoff {
	uint64_t due_ns;  /* of the next departure */
	uint64_t wait_ns; /* after it */
	uint64_t first_ns, cap_ns;
	double factor;
	bool resets;
};

static int backoff_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
			const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_profile *p = s->profile;
	struct backoff *b = sp_alloc(mem, sizeof *b);

	if (!b)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*b = (struct backoff){ .due_ns = start_ns,
			       .wait_ns = p->backoff_first_ns,
			       .first_ns = p->backoff_first_ns,
			       .cap_ns = p->backoff_cap_ns,
			       .factor = p->backoff_factor,
			       .resets = p->backoff_reset == SP_BACKOFF_REPLY };
	*st = b;
	return 0;
}

/* The pause after one of wait_ns. */
static uint64_t longer(const struct backoff *b, uint64_t wait_ns)
{
	double next = rint((double)wait_ns * b->factor);

	return next <= (double)b->cap_ns ? (uint64_t)next : b->first_ns;
}

static int backoff_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct backoff *b = st;

	(void)size;
	if (b->due_ns == SP_NEVER)
		return 1;
	*due_ns = b->due_ns;
	if (__builtin_add_overflow(b->due_ns, b->wait_ns, &b->due_ns))
		b->due_ns = SP_NEVER;
	b->wait_ns = longer(b, b->wait_ns);
	return 0;
}

static void backoff_restart(void *st, uint64_t start_ns)
{
	struct backoff *b = st;

	b->due_ns = start_ns;
	b->wait_ns = b->first_ns;
}

/* A pause that lasts beyond the stream's end has ended it already. Else the pause under way ends `first` after the reply, unless it ends sooner; then they grow anew. */
static bool backoff_reply(void *st, uint64_t now_ns, uint64_t *due_ns)
{
	struct backoff *b = st;
	uint64_t at_ns;

	if (!b->resets || __builtin_add_overflow(now_ns, b->first_ns, &at_ns))
		return false;
	if (at_ns > *due_ns)
		at_ns = *due_ns;
	*due_ns = at_ns;
	b->wait_ns = longer(b, b->first_ns);
	if (__builtin_add_overflow(at_ns, b->wait_ns, &b->due_ns))
		b->due_ns = SP_NEVER;
	b->wait_ns = longer(b, b->wait_ns);
	return true;
}

static void backoff_close(void *st, const struct sp_mem *mem)
{
	sp_free(mem, st);
}

static void backoff_text(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	const struct sp_profile *p = s->profile;
	char first[48], last[48];

	snprintf(buf, cap, "pauses from %s to %s, times %g",
		 sp_format_time(first, sizeof first, p->backoff_first_ns),
		 sp_format_time(last, sizeof last, p->backoff_cap_ns), p->backoff_factor);
}

const struct sp_mode_ops sp_mode_backoff = {
	.name = "backoff",
	.alias = "exponential-backoff",
	.keys = keys,
	.no_rate = "pauses that grow have no rate, but backoff_first, backoff_factor and "
		   "backoff_cap",
	.check = check,
	.open = backoff_open,
	.next = backoff_next,
	.restart = backoff_restart,
	.reply = backoff_reply,
	.close = backoff_close,
	.text = backoff_text,
};
