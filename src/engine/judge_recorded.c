/* Recorded streams: the span that was intended against the actual one, and what their sources have to
 * say. */
#include "engine/run_impl.h"

static void say(void *arg, const char *code, bool neutral, const char *text)
{
	sp_run_remark(arg, code, neutral, text);
}

static void say_span(struct sp_run *r, unsigned stream, const struct sp_source_report *report)
{
	const struct sp_flow_tx *f = run_flow_tx(r, stream);
	uint64_t intended = report->last_due_ns - report->first_due_ns;
	uint64_t actual = SP_LOAD(f->last_tx) - SP_LOAD(f->first_tx);

	if (!report->first_due_ns || r->streams[stream].only_max || r->streams[stream].played)
		return;
	sp_run_say(r, "span", true,
		   "%s: intended from first to last packet %.9f s, actual %.9f s (%+.3f us)",
		   r->plan->streams[stream].name, (double)intended / 1e9, (double)actual / 1e9,
		   ((double)actual - (double)intended) / 1e3);
}

/* A run that had to play something, and found nothing that it could, has failed. */
void sp_run_judge_recorded(struct sp_run *r)
{
	unsigned nothing = 0;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		struct sp_source_report report = { .say = say, .arg = r };
		struct sp_source *source;
		const struct sp_source_ops *ops = sp_run_recorded_source(r, i, &source);
		struct sp_err err = { 0 };

		if (!ops || !ops->report)
			continue;
		if (ops->report(source, &report, &err)) {
			sp_run_remark(r, "capture-damaged", false, err.text);
			sp_run_exit_hint(r, err.exit);
		}
		say_span(r, i, &report);
		nothing += report.nothing;
	}
	if (nothing && nothing == r->plan->n_streams)
		sp_run_exit_hint(r, SP_EXIT_FAILED);
}
