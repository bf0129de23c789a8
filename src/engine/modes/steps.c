/* A list of rates and since when: 100pps@0,1kpps@10s,0@20s. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "engine/modes/curve_mode.h"

#define STEPS_MAX 1024u
#define AFTER_NS  (10 * SP_NS_PER_S) /* how long the last rate lasts when nothing is said */

/* One of them, and the rest of the text. */
struct step {
	struct sp_rate rate;
	uint64_t at_ns;
	const char *rest;
};

/* NULL, or what is wrong with the step at text. */
static const char *read_step(const char *text, struct step *out, char word[64])
{
	size_t n = strcspn(text, ","), blanks;
	char *at;

	out->rest = text + n + (text[n] == ',');
	blanks = strspn(text, " ");
	n = n > blanks ? n - blanks : 0;
	while (n && text[blanks + n - 1] == ' ')
		n--;
	snprintf(word, 64, "%.*s", (int)(n < 63 ? n : 63), text + blanks);
	if (text[strcspn(text, ",")] && !*out->rest)
		return "is followed by a comma and nothing";
	at = strrchr(word, '@'); /* 1Gbit/s@l1@10s */
	if (!at || n > 62)
		return "is not RATE@TIME";
	*at = '\0';
	if (sp_mode_rate(word, &out->rate))
		return "does not begin with a rate (100pps, 1Mbit/s or 0)";
	if (sp_parse_time(at + 1, &out->at_ns) || out->at_ns > INT64_MAX / 4)
		return "does not end with a time (0, 500ms, 10s)";
	return NULL;
}

static int bad(const char *place, const char *word, const char *what, struct sp_err *err)
{
	char shown[80];

	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: steps: '%s' %s", place,
		       sp_str_printable(shown, sizeof shown, word), what);
}

static void put(struct sp_str *out, const struct step *x)
{
	char rate[48], time[48];

	sp_str_printf(out, "%s%s@%s", out->len ? "," : "",
		      x->rate.micro ? sp_format_rate(rate, sizeof rate, &x->rate) : "0",
		      sp_format_time(time, sizeof time, x->at_ns));
}

static int read_all(struct sp_plan_stream *s, const char *place, struct sp_str *canonical,
		    struct step *last, struct sp_err *err)
{
	struct sp_profile *p = s->profile;
	struct step x;
	char word[64];
	const char *text = p->steps, *why;
	unsigned n = 0;

	for (; *text; text = x.rest, n++) {
		why = read_step(text, &x, word);
		if (!why && n == 0 && x.at_ns)
			why = "is the first, and not at 0 (0@0 sends nothing)";
		if (!why && n && x.at_ns <= last->at_ns)
			why = "is not later than the one before";
		if (!why && n == STEPS_MAX)
			why = "is one too many: 1024 are possible";
		if (why) {
			snprintf(word, sizeof word, "%.*s", (int)strcspn(text, ","), text);
			return bad(place, word, why, err);
		}
		if (sp_curve_need_size(s, &x.rate, place, err))
			return -EINVAL;
		p->peak = sp_mode_larger(s, p->peak, x.rate);
		put(canonical, &x);
		*last = x;
	}
	if (!p->peak.micro)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: steps: no step has a rate, so nothing is sent", place);
	return 0;
}

static int check(struct sp_plan_stream *s, const char *place, struct sp_arena *arena,
		 struct sp_err *err)
{
	struct sp_profile *p = s->profile;
	struct step last = { 0 };
	struct sp_str canonical;
	int rc;

	if (!p->steps || !*p->steps)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: which steps? 100pps@0,1kpps@10s", place);
	sp_str_init(&canonical, arena->mem);
	p->peak = (struct sp_rate){ 0 };
	rc = read_all(s, place, &canonical, &last, err);
	if (!rc) {
		p->steps = canonical.failed ? NULL : sp_arena_strdup(arena, canonical.text);
		rc = p->steps ? 0 : sp_curve_no_memory(err);
	}
	sp_str_fini(&canonical);
	if (!rc && s->duration_ns == SP_PLAN_UNSET)
		s->duration_ns = s->count || s->bytes ? 0
				 : last.rate.micro    ? last.at_ns + AFTER_NS
						      : last.at_ns;
	return rc;
}

static int steps_open(void **st, const struct sp_plan_stream *s, uint64_t start_ns,
		      const struct sp_mem *mem, struct sp_err *err)
{
	struct step x, next;
	struct sp_curve *c;
	unsigned n = 1;
	char word[64];
	int rc = 0;

	for (const char *p = s->profile->steps; *p; p++)
		n += *p == ',';
	c = sp_curve_new(mem, n, (uint64_t)(s->mean_size + 0.5));
	if (!c)
		return sp_curve_no_memory(err);
	read_step(s->profile->steps, &x, word);
	for (; n && !rc; n--, x = next) {
		next = (struct step){ .at_ns = SP_NEVER };
		if (n > 1)
			read_step(x.rest, &next, word);
		rc = sp_curve_add(c, n > 1 ? next.at_ns - x.at_ns : SP_NEVER, &x.rate, &x.rate);
	}
	return sp_curve_finish(st, c, rc, start_ns, s->name, err);
}

static void steps_text(char *buf, size_t cap, const struct sp_plan_stream *s)
{
	snprintf(buf, cap, "%s", s->profile->steps);
}

static const char *const keys[] = { "steps", NULL };

const struct sp_mode_ops sp_mode_steps = {
	.name = "steps",
	.keys = keys,
	.no_rate = "steps have rates of their own",
	.check = check,
	.open = steps_open,
	.next = sp_curve_mode_next,
	.restart = sp_curve_mode_restart,
	.close = sp_curve_mode_close,
	.text = steps_text,
};
