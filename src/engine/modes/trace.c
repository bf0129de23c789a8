/* Times, and sizes, from a file. It is read at seal, so that what is wrong is said before anything
 * opens, and again for the run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "engine/modes/modes.h"
#include "engine/modes/trace_file.h"

static int load(struct sp_trace *t, const struct sp_plan_stream *s, const struct sp_mem *mem,
		struct sp_err *err)
{
	return sp_trace_load(t, s->profile->trace, s->profile->trace_times == SP_TRACE_RELATIVE,
			     mem, err);
}

static int settle(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		  struct sp_err *err)
{
	struct sp_profile *p = s->profile;
	struct sp_trace t;
	int rc;

	if (!p->trace || !*p->trace)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: which trace? give the file's name", place);
	rc = load(&t, s, arena->mem, err);
	if (!rc) {
		p->peak = sp_mode_peak(t.peak_pps);
		p->sized = t.size != NULL;
		p->least_size = t.least;
		if (p->sized)
			s->size = t.most;
		if (s->duration_ns == SP_PLAN_UNSET)
			s->duration_ns = 0;
	}
	sp_trace_free(&t, arena->mem);
	return rc;
}

/* Sizes are of what is made to measure. */
static int check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		 struct sp_err *err)
{
	(void)arena;
	if (!s->profile->sized || (strcmp(s->protocol, "udp") == 0 && !*s->packet))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: the sizes of a trace are for udp without a packet expression; take "
		       "them out of %s",
		       place, s->profile->trace);
}

struct trace {
	struct sp_trace t;
	uint64_t start_ns;
	size_t i;
};

static void trace_close(void *st, const struct sp_mem *mem)
{
	struct trace *t = st;

	sp_trace_free(&t->t, mem);
	sp_free(mem, t);
}

static int trace_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
		      const struct sp_mem *mem, struct sp_err *err)
{
	struct trace *t = sp_alloc(mem, sizeof *t);
	int rc;

	if (!t)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = load(&t->t, s, mem, err);
	if (!rc && (s->profile->sized != (t->t.size != NULL) || t->t.most > s->size ||
		    t->t.least < s->profile->least_size))
		rc = sp_fail(err, -EAGAIN, SP_EXIT_DATA,
			     "trace %s: it has changed since it was read first",
			     s->profile->trace);
	if (rc) {
		trace_close(t, mem);
		return rc;
	}
	t->start_ns = start_ns;
	*st = t;
	return 0;
}

static int trace_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct trace *t = st;

	if (t->i == t->t.n || t->t.at_ns[t->i] >= SP_NEVER - t->start_ns)
		return 1;
	*due_ns = t->start_ns + t->t.at_ns[t->i];
	if (t->t.size)
		*size = t->t.size[t->i];
	t->i++;
	return 0;
}

static void trace_restart(void *st, uint64_t start_ns)
{
	struct trace *t = st;

	t->start_ns = start_ns;
	t->i = 0;
}

static void trace_text(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	snprintf(buf, cap, "trace %s", s->profile->trace);
}

static const char *const keys[] = { "trace", "trace_times", NULL };

const struct sp_mode_ops sp_mode_trace = {
	.name = "trace",
	.keys = keys,
	.no_rate = "a trace has its own times",
	.settle = settle,
	.check = check,
	.open = trace_open,
	.next = trace_next,
	.restart = trace_restart,
	.close = trace_close,
	.text = trace_text,
};
