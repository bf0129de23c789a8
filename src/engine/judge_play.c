/* What became of the sessions of recorded messages, in words. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/shared.h"
#include "engine/run_impl.h"

/* So many lost sessions of a stream are named. */
#define NAMED_SESSIONS 20u

const struct sp_dialogue_play *sp_run_play_of(const struct sp_run *r, unsigned i)
{
	const struct run_stream *s = &r->streams[i];
	const struct sp_worker *w = &r->workers[s->worker];

	return s->played ? w->dialogue.stream[w->lane.streams[s->local].index].play : NULL;
}

const char *sp_run_why_text(enum sp_why why, int error)
{
	static const char *const plain[] = {
		[SP_WHY_UNREACHABLE] = "it is unreachable",
		[SP_WHY_REFUSED] = "the connection was refused: nobody listens there",
		[SP_WHY_RESET] = "the peer reset the connection",
		[SP_WHY_TIMEOUT] = "no answer came in time",
	};

	if ((unsigned)why < sizeof plain / sizeof *plain && plain[why])
		return plain[why];
	return error ? strerror(-error) : "it ended";
}

/* "the peer closed the session", "Cease (code 6/2)", "Connection refused" */
const char *sp_run_session_why(const struct sp_dialogue_session *x, char *text, size_t cap)
{
	const char *reason = SP_LOAD(x->reason);
	uint32_t code = SP_LOAD(x->code);

	if (!reason)
		reason = sp_run_why_text((enum sp_why)SP_LOAD(x->why), SP_LOAD(x->told_error));
	if (code)
		snprintf(text, cap, "%s (code %u/%u)", reason, code >> 8, code & 255);
	else
		sp_strlcpy(text, reason, cap);
	return text;
}

static void name_session(struct sp_run *r, unsigned i, const struct sp_dialogue_session *x)
{
	char from[72] = "", why[200], to[96];
	bool failed = SP_LOAD(x->state) == SP_PLAY_FAILED;

	if (x->as.local.addr.family)
		sp_addr_format(from, sizeof from, &x->as.local.addr);
	sp_run_say(r, failed ? "session-failed" : "session-lost", false,
		   "%s: the session%s%s %s (%u time%s): %s",
		   sp_run_target_text(r, i, to, sizeof to), *from ? " of " : "", from,
		   failed ? "has failed" : "was lost, and begun again", SP_LOAD(x->lost),
		   SP_LOAD(x->lost) == 1 ? "" : "s", sp_run_session_why(x, why, sizeof why));
}

static void remark_counts(struct sp_run *r, unsigned i, const struct sp_dialogue_play *p)
{
	const struct sp_recorded_counts *c = &p->counts;
	char to[96], n[32];

	sp_run_target_text(r, i, to, sizeof to);
	if (SP_LOAD(c->waited))
		sp_run_say(
			r, "held", true,
			"%s: %s units waited for their session (its peer's answer, or another "
			"connection), the longest %.3f s; that is in no figure of lateness",
			to, sp_str_grouped(n, sizeof n, SP_LOAD(c->waited)),
			(double)SP_LOAD(c->waited_ns) / 1e9);
	if (SP_LOAD(c->fillers))
		sp_run_say(
			r, "fillers", true,
			"%s: %s messages of our own kept sessions awake; they are in no other "
			"count",
			to, sp_str_grouped(n, sizeof n, SP_LOAD(c->fillers)));
	if (SP_LOAD(c->again))
		sp_run_say(
			r, "begun-again", false,
			"%s: sessions were begun again %s times with their opening messages; "
			"what a lost connection had taken and not delivered is lost",
			to, sp_str_grouped(n, sizeof n, SP_LOAD(c->again)));
}

void sp_run_judge_play(struct sp_run *r, unsigned i)
{
	const struct sp_dialogue_play *p = sp_run_play_of(r, i);
	uint32_t named = 0, more = 0;
	char to[96];

	if (!p)
		return;
	for (uint32_t k = 0; k < p->n; k++) {
		if (!SP_LOAD(p->session[k].lost))
			continue;
		if (named++ < NAMED_SESSIONS)
			name_session(r, i, &p->session[k]);
		else
			more++;
	}
	if (more)
		sp_run_say(r, "session-lost", false, "%s: and %u sessions more",
			   sp_run_target_text(r, i, to, sizeof to), more);
	remark_counts(r, i, p);
}
