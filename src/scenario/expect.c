#include "scenario/expect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"

/* ---- the metrics ---- */

enum unit { UNIT_PPS, UNIT_BPS, UNIT_TIME, UNIT_PLAIN };

static const struct {
	const char *name;
	size_t off;
	enum unit unit;
} reals[] = {
	{ "asked_pps", offsetof(struct sp_measure, asked_pps), UNIT_PPS },
	{ "tx_pps", offsetof(struct sp_measure, tx_pps), UNIT_PPS },
	{ "rx_pps", offsetof(struct sp_measure, rx_pps), UNIT_PPS },
	{ "tx_bps", offsetof(struct sp_measure, tx_bps), UNIT_BPS },
	{ "rx_bps", offsetof(struct sp_measure, rx_bps), UNIT_BPS },
	{ "jitter", offsetof(struct sp_measure, jitter_ns), UNIT_TIME },
	{ "outage", offsetof(struct sp_measure, outage_ns), UNIT_TIME },
	{ "ks_departure", offsetof(struct sp_measure, ks_departure), UNIT_PLAIN },
	{ "ks_size", offsetof(struct sp_measure, ks_size), UNIT_PLAIN },
};
#define N_REALS (sizeof reals / sizeof *reals)

static const struct {
	const char *name;
	size_t off;
} times[] = {
	{ "delay", offsetof(struct sp_measure, delay) },
	{ "delay_actual", offsetof(struct sp_measure, delay_actual) },
	{ "rtt", offsetof(struct sp_measure, rtt) },
	{ "late", offsetof(struct sp_measure, late) },
	{ "gap_error", offsetof(struct sp_measure, gap_error) },
	{ "rx_gap_error", offsetof(struct sp_measure, rx_gap_error) },
};
#define N_TIMES (sizeof times / sizeof *times)

#define BLANKS	" \t"

static int bad(const char *text, struct sp_err *err, const char *what, const char *word)
{
	char shown[100], shown_word[60];

	return sp_fail(err, -EINVAL, SP_EXIT_DATA,
		       "'%s': %s%s%s%s; an expectation is METRIC [of STREAM] OP VALUE, such as "
		       "loss < 0.1%%",
		       sp_str_printable(shown, sizeof shown, text), what, word ? " '" : "",
		       word ? sp_str_printable(shown_word, sizeof shown_word, word) : "",
		       word ? "'" : "");
}

static int unknown_metric(const char *text, const char *word, struct sp_err *err)
{
	const char *best = NULL, *name;
	char shown[60], all[100];

	for (unsigned i = 0; i < SP_C__N + N_REALS; i++) {
		name = i < SP_C__N ? sp_counter_table[i].name : reals[i - SP_C__N].name;
		const char *pair[] = { best ? best : "loss", name };

		best = sp_str_nearest(word, pair, 2);
	}
	if (!best)
		return bad(text, err, "there is no metric", word);
	return sp_fail(err, -EINVAL, SP_EXIT_DATA,
		       "'%s': there is no metric '%s'; did you mean '%s'?",
		       sp_str_printable(all, sizeof all, text),
		       sp_str_printable(shown, sizeof shown, word), best);
}

/* "p99(delay)", "mean(rtt)". 1: it is none. */
static int read_times(const char *word, struct sp_expect *e)
{
	static const char *const parts[] = { "mean(", "min(", "max(" };
	const char *open = strchr(word, '('), *close = strchr(word, ')');
	char *end;
	size_t n;

	if (!open || !close || close[1])
		return 1;
	e->kind = SP_EXPECT_TIMES;
	for (int i = 0; i < 3; i++)
		if (strncmp(word, parts[i], strlen(parts[i])) == 0)
			e->part = -1 - i;
	if (!e->part) {
		/* p999 is the report's word for p99.9. */
		e->quantile = strtod(word + 1, &end) / (strncmp(word, "p999(", 5) ? 100 : 1000);
		if (*word != 'p' || end != open || end == word + 1 ||
		    strspn(word + 1, "0123456789.") != (size_t)(open - word - 1) ||
		    !(e->quantile > 0 && e->quantile < 1))
			return -EINVAL;
	}
	n = (size_t)(close - open - 1);
	for (; e->which < N_TIMES; e->which++)
		if (strlen(times[e->which].name) == n &&
		    strncmp(times[e->which].name, open + 1, n) == 0)
			return 0;
	return -EINVAL;
}

/* "jitter", or as the document has it, "jitter_ns". */
static bool is_real(const char *word, unsigned i)
{
	size_t n = strlen(reals[i].name);

	return strncmp(word, reals[i].name, n) == 0 &&
	       (!word[n] || (reals[i].unit == UNIT_TIME && strcmp(word + n, "_ns") == 0));
}

static int read_metric(const char *text, const char *word, struct sp_expect *e,
		       struct sp_err *err)
{
	int rc = read_times(word, e);

	if (rc < 0)
		return bad(text, err,
			   "write pNN, mean, min or max of delay, delay_actual, rtt, late, "
			   "gap_error or rx_gap_error, not",
			   word);
	if (!rc)
		return 0;
	if (strcmp(word, "loss") == 0) {
		e->kind = SP_EXPECT_LOSS;
		return 0;
	}
	e->kind = SP_EXPECT_REAL;
	for (e->which = 0; e->which < N_REALS; e->which++)
		if (is_real(word, e->which))
			return 0;
	e->kind = SP_EXPECT_COUNT;
	for (e->which = 0; e->which < SP_C__N; e->which++)
		if (strcmp(sp_counter_table[e->which].name, word) == 0)
			return 0;
	return unknown_metric(text, word, err);
}

/* ---- the value ---- */

static int read_time(const char *word, double *value)
{
	uint64_t ns;
	int rc = sp_parse_time(word, &ns);

	*value = (double)ns;
	return rc;
}

static int read_rate(const char *word, enum sp_rate_kind kind, double *value)
{
	struct sp_rate rate;
	int rc = sp_parse_rate(word, &rate);

	/* A bare number is in the metric's own unit. */
	if (!rc && rate.kind != kind && word[strspn(word, "0123456789.kKmMgG")] != '\0')
		return -EINVAL;
	*value = (double)rate.micro / 1e6;
	return rc || rate.kind == SP_RATE_MAX ? -EINVAL : 0;
}

static int read_value(const char *word, struct sp_expect *e)
{
	uint64_t count = 0;
	int rc;

	if (e->kind == SP_EXPECT_LOSS)
		return sp_parse_ratio(word, &e->value);
	if (e->kind == SP_EXPECT_TIMES)
		return read_time(word, &e->value);
	if (e->kind == SP_EXPECT_COUNT) {
		rc = sp_parse_u64(word, &count);
		e->value = (double)count;
		return rc;
	}
	switch (reals[e->which].unit) {
	case UNIT_TIME:
		return read_time(word, &e->value);
	case UNIT_PPS:
		return read_rate(word, SP_RATE_PPS, &e->value);
	case UNIT_BPS:
		return read_rate(word, SP_RATE_BPS, &e->value);
	default:
		return sp_parse_real(word, &e->value);
	}
}

static const char *const ops[] = {
	[SP_EXPECT_LT] = "<",  [SP_EXPECT_LE] = "<=", [SP_EXPECT_GT] = ">",
	[SP_EXPECT_GE] = ">=", [SP_EXPECT_EQ] = "==", [SP_EXPECT_NE] = "!="
};

/* The operator in the middle; NULL: none. Moves *at behind it. */
static char *find_op(char *text, enum sp_expect_op *op, char **behind)
{
	char *at = text + strcspn(text, "<>=!");
	size_t n = strspn(at, "<>=!");

	for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
		if (strlen(ops[i]) == n && strncmp(ops[i], at, n) == 0) {
			*op = (enum sp_expect_op)i;
			*behind = at + n;
			return at;
		}
	}
	return NULL;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, BLANKS);
	n = strlen(s);
	while (n && strchr(BLANKS, s[n - 1]))
		s[--n] = '\0';
	return s;
}

int sp_expect_parse(struct sp_expect *e, const char *text, struct sp_arena *arena,
		    struct sp_err *err)
{
	char *copy = sp_arena_strdup(arena, text), *op, *value, *metric, *of;
	int rc;

	*e = (struct sp_expect){ .text = text };
	if (!copy)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	op = find_op(copy, &e->op, &value);
	if (!op)
		return bad(text, err, "there is no < <= > >= == or !=", NULL);
	*op = '\0';
	metric = trim(copy);
	value = trim(value);
	of = metric + strcspn(metric, BLANKS);
	if (*of) {
		*of++ = '\0';
		of = trim(of);
		if (strncmp(of, "of", 2) != 0 || !strchr(BLANKS, of[2]) || !of[2])
			return bad(text, err,
				   "after the metric 'of STREAM' or an operator is "
				   "expected, not",
				   of);
		e->stream = trim(of + 2);
	}
	rc = read_metric(text, metric, e, err);
	if (!rc && read_value(value, e))
		rc = bad(text, err, "the value does not fit the metric:", value);
	return rc;
}

/* ---- checking ---- */

static double quantile_of(const struct sp_expect *e, const struct sp_result *r,
			  const struct sp_summary *s)
{
	static const struct {
		double q;
		size_t off;
	} known[] = { { 0.5, offsetof(struct sp_summary, p50) },
		      { 0.9, offsetof(struct sp_summary, p90) },
		      { 0.99, offsetof(struct sp_summary, p99) },
		      { 0.999, offsetof(struct sp_summary, p999) } };

	for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
		if (fabs(known[i].q - e->quantile) < 1e-9)
			return (double)*(const int64_t *)(const void *)((const char *)s +
									known[i].off);
	for (size_t i = 0; !e->stream && i < r->n_hists; i++)
		if (strcmp(r->hists[i].name, times[e->which].name) == 0)
			return (double)sp_hist_quantile(r->hists[i].hist, e->quantile);
	return NAN;
}

static double measured(const struct sp_expect *e, const struct sp_result *r,
		       const struct sp_measure *m)
{
	const struct sp_summary *s;
	uint64_t tx = m->c.v[SP_C_tx_packets];

	switch (e->kind) {
	case SP_EXPECT_COUNT:
		return sp_counts_has(&m->c, (enum sp_counter)e->which)
			       ? (double)m->c.v[e->which]
			       : NAN;
	case SP_EXPECT_LOSS:
		return sp_counts_has(&m->c, SP_C_lost) &&
				       sp_counts_has(&m->c, SP_C_tx_packets) && tx
			       ? (double)m->c.v[SP_C_lost] / (double)tx
			       : NAN;
	case SP_EXPECT_REAL:
		return *(const double *)(const void *)((const char *)m + reals[e->which].off);
	default:
		break;
	}
	s = (const void *)((const char *)m + times[e->which].off);
	if (!s->known)
		return NAN;
	switch (e->part) {
	case -1:
		return s->mean;
	case -2:
		return (double)s->min;
	case -3:
		return (double)s->max;
	default:
		return quantile_of(e, r, s);
	}
}

static bool holds(const struct sp_expect *e, double v)
{
	switch (e->op) {
	case SP_EXPECT_LT:
		return v < e->value;
	case SP_EXPECT_LE:
		return v <= e->value;
	case SP_EXPECT_GT:
		return v > e->value;
	case SP_EXPECT_GE:
		return v >= e->value;
	case SP_EXPECT_EQ:
		return v == e->value;
	default:
		return v != e->value;
	}
}

static const char *show(const struct sp_expect *e, double v, char *buf, size_t cap)
{
	if (e->kind == SP_EXPECT_LOSS)
		snprintf(buf, cap, "%.4g %%", 100 * v);
	else if (e->kind == SP_EXPECT_COUNT)
		snprintf(buf, cap, "%.0f", v);
	else if (e->kind == SP_EXPECT_TIMES || reals[e->which].unit == UNIT_TIME)
		sp_human_ns(buf, cap, v);
	else if (reals[e->which].unit == UNIT_BPS)
		sp_human_bps(buf, cap, v);
	else if (reals[e->which].unit == UNIT_PPS)
		sp_human_pps(buf, cap, v);
	else
		snprintf(buf, cap, "%.4g", v);
	return buf;
}

void sp_expect_check(const struct sp_expect *e, const struct sp_result *r,
		     struct sp_arena *arena, struct sp_expectation *out)
{
	const struct sp_measure *m = e->stream ? NULL : &r->total;
	struct sp_stream_result s;
	char is[48];
	double v;

	*out = (struct sp_expectation){ .text = e->text };
	for (size_t i = 0; e->stream && i < r->n_streams && !m; i++) {
		sp_result_stream(r, i, &s);
		if (strcmp(s.name, e->stream) == 0)
			m = &s.m;
	}
	if (!m) {
		out->why = "the run's result has no such stream";
		return;
	}
	v = measured(e, r, m);
	out->known = isfinite(v);
	if (!out->known) {
		out->why = "unknown: it was not measured";
		return;
	}
	out->value = v;
	out->met = holds(e, v);
	out->why = sp_arena_printf(arena, "it is %s", show(e, v, is, sizeof is));
}
