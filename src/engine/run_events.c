/* What a run tells whoever listens: events, marks, remarks; and what others add to its report. */
#include "engine/run_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

void sp_run_give_event(struct sp_run *r, enum sp_event_kind kind,
		       const struct sp_remark *remark)
{
	uint64_t now = sp_clock_now(r->env.clock);
	struct sp_event e = { .kind = kind,
			      .t_ns = now > r->t0_ns ? now - r->t0_ns : 0,
			      .real_ns = sp_clock_real(r->env.clock),
			      .result = &r->result,
			      .remark = remark };

	if (r->hooks.event)
		r->hooks.event(r->hooks.arg, &e);
}

int sp_run_want_marks(struct sp_run *r, uint32_t every, struct sp_err *err)
{
	if (sp_marks_new(&r->marks, r->env.mem, r->n_workers, every))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (unsigned w = 0; w < r->n_workers; w++) {
		struct sp_worker *k = &r->workers[w];
		struct sp_marker *m = sp_marks_marker(r->marks, w);
		bool receives = r->role == SP_ROLE_RECV;

		*(receives ? &k->lane.rx_marker : &k->lane.tx_marker) = m;
		*(receives ? &k->dialogue.rx_marker : &k->dialogue.tx_marker) = m;
		k->sink.marker = receives ? m : NULL;
	}
	return 0;
}

void sp_run_give_marks(struct sp_run *r)
{
	struct sp_mark m;

	while (r->marks && sp_marks_next(r->marks, r->t0_ns, &m)) {
		uint64_t t_ns = m.t_ns > r->t0_ns ? m.t_ns - r->t0_ns : 0;
		struct sp_event e = { .kind = SP_EVENT_MARK,
				      .t_ns = t_ns,
				      .real_ns = r->started_real_ns + (int64_t)t_ns,
				      .result = &r->result,
				      .mark = &m };

		if (r->hooks.event)
			r->hooks.event(r->hooks.arg, &e);
	}
}

void sp_run_say(struct sp_run *r, const char *code, bool neutral, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sp_run_remark(r, code, neutral, text);
}

void sp_run_remark(struct sp_run *r, const char *code, bool neutral, const char *text)
{
	struct sp_remark *m;
	size_t n = r->result.n_remarks;
	uint64_t now = sp_clock_now(r->env.clock);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(r->remarks[i].code, code) && !strcmp(r->remarks[i].text, text))
			return;
	if (n == SP_RUN_MAX_REMARKS)
		return;
	m = &r->remarks[n];
	*m = (struct sp_remark){ .code = sp_arena_strdup(&r->arena, code),
				 .at_ns = r->t0_ns && now > r->t0_ns ? now - r->t0_ns : 0,
				 .neutral = neutral,
				 .text = sp_arena_strdup(&r->arena, text) };
	if (!m->code || !m->text)
		return;
	r->result.remarks = r->remarks;
	r->result.n_remarks = n + 1;
}

void sp_run_confined(struct sp_run *r, const char *what)
{
	sp_strlcpy(r->result.host.sandbox, what, sizeof r->result.host.sandbox);
}

void sp_run_tell_remarks(struct sp_run *r)
{
	for (; r->n_remarks_told < r->result.n_remarks; r->n_remarks_told++)
		sp_run_give_event(r, SP_EVENT_REMARK, &r->remarks[r->n_remarks_told]);
}

void sp_run_exit_hint(struct sp_run *r, enum sp_exit code)
{
	if (r->exit_hint == SP_EXIT_OK || code == SP_EXIT_FAILED)
		r->exit_hint = code;
	if (r->phase == RUN_FINISHED && code == SP_EXIT_IO &&
	    r->result.exit_code != SP_EXIT_FAILED && r->result.exit_code != SP_EXIT_UNTRUSTED)
		r->result.exit_code = SP_EXIT_IO;
}

void sp_run_set_strangers(struct sp_run *r, const struct sp_run_strangers *s)
{
	r->strange = *s;
}

void sp_run_own_control(struct sp_run *r, uint64_t packets)
{
	r->own_control = packets;
}
