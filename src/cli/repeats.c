#include "cli/repeats.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "report/json.h"
#include "report/junit.h"
#include "spate/spate.h"

#define MOST 1000u

static const char *const names[] = { "tx_packets",   "rx_unique", "lost",   "tx_pps",
				     "rx_pps",	     "tx_bps",	  "rx_bps", "delay_p50_ns",
				     "delay_p99_ns", "outage_ns" };
#define N_NAMES (sizeof names / sizeof *names)

struct sp_repeats {
	const struct sp_mem *mem;
	bool several;
	unsigned n;
	double v[N_NAMES][MOST];
	int exit_code[MOST];
	struct sp_str junit;
};

int sp_repeats_new(struct sp_repeats **out, bool several, const struct sp_mem *mem)
{
	struct sp_repeats *r = sp_alloc(mem, sizeof *r);

	*out = r;
	if (!r)
		return -ENOMEM;
	r->mem = mem;
	r->several = several;
	sp_str_init(&r->junit, mem);
	sp_junit_begin(&r->junit);
	return 0;
}

void sp_repeats_free(struct sp_repeats *r)
{
	if (!r)
		return;
	sp_str_fini(&r->junit);
	sp_free(r->mem, r);
}

static double count(const struct sp_measure *m, enum sp_counter c)
{
	return sp_counts_has(&m->c, c) ? (double)m->c.v[c] : NAN;
}

void sp_repeats_add(struct sp_repeats *r, const struct sp_result *result)
{
	const struct sp_measure *m = &result->total;
	const double v[N_NAMES] = { count(m, SP_C_tx_packets),
				    count(m, SP_C_rx_unique),
				    count(m, SP_C_lost),
				    m->tx_pps,
				    m->rx_pps,
				    m->tx_bps,
				    m->rx_bps,
				    m->delay.known ? (double)m->delay.p50 : NAN,
				    m->delay.known ? (double)m->delay.p99 : NAN,
				    m->outage_ns };

	sp_report_junit(&r->junit, result, r->several ? r->n + 1 : 0);
	if (r->n == MOST)
		return;
	for (unsigned i = 0; i < N_NAMES; i++)
		r->v[i][r->n] = v[i];
	r->exit_code[r->n++] = result->exit_code;
}

void sp_repeats_add_failed(struct sp_repeats *r, const char *name, const char *why)
{
	sp_report_junit_failed(&r->junit, name, r->several ? r->n + 1 : 0, why);
}

bool sp_repeats_any(const struct sp_repeats *r)
{
	return r->n > 0;
}

const struct sp_str *sp_repeats_junit(struct sp_repeats *r)
{
	sp_junit_end(&r->junit);
	return &r->junit;
}

/* ---- medians ---- */

struct spread {
	unsigned n;			/* known values */
	double min, median, max, share; /* share: (max - min) / median */
};

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct spread spread_of(const double *v, unsigned n)
{
	struct spread s = { .min = NAN, .median = NAN, .max = NAN, .share = NAN };
	double known[MOST];

	for (unsigned i = 0; i < n; i++)
		if (isfinite(v[i]))
			known[s.n++] = v[i];
	if (!s.n)
		return s;
	qsort(known, s.n, sizeof *known, by_size);
	s.min = known[0];
	s.max = known[s.n - 1];
	s.median = (known[(s.n - 1) / 2] + known[s.n / 2]) / 2;
	if (s.median > 0)
		s.share = (s.max - s.min) / s.median;
	return s;
}

static void put_json(struct sp_str *out, const struct sp_repeats *r)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "spate", SPATE_VERSION);
	sp_json_i64(&j, "schema", SP_REPORT_SCHEMA);
	sp_json_u64(&j, "repeats", r->n);
	sp_json_open(&j, "exit_codes", '[');
	for (unsigned i = 0; i < r->n; i++)
		sp_json_i64(&j, NULL, r->exit_code[i]);
	sp_json_close(&j, ']');
	sp_json_open(&j, "metrics", '{');
	for (unsigned i = 0; i < N_NAMES; i++) {
		struct spread s = spread_of(r->v[i], r->n);

		sp_json_open(&j, names[i], '{');
		sp_json_real(&j, "median", s.median);
		sp_json_real(&j, "min", s.min);
		sp_json_real(&j, "max", s.max);
		sp_json_real(&j, "spread", s.share);
		sp_json_open(&j, "values", '[');
		for (unsigned k = 0; k < r->n; k++)
			sp_json_real(&j, NULL, r->v[i][k]);
		sp_json_close(&j, ']');
		sp_json_close(&j, '}');
	}
	sp_json_close(&j, '}');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

static void put_table(struct sp_str *out, const struct sp_repeats *r)
{
	sp_str_printf(out, "\n%u repetitions%14s%14s%14s  spread\n", r->n, "median", "min",
		      "max");
	for (unsigned i = 0; i < N_NAMES; i++) {
		struct spread s = spread_of(r->v[i], r->n);

		if (s.n)
			sp_str_printf(out, "%-14s%14.6g%14.6g%14.6g  %.2f %%\n", names[i],
				      s.median, s.min, s.max, s.median > 0 ? 100 * s.share : 0);
		else
			sp_str_printf(out, "%-14s%14s\n", names[i], "unknown");
	}
}

int sp_repeats_print(const struct sp_repeats *r, bool json)
{
	struct sp_str out;
	bool ok;

	sp_str_init(&out, r->mem);
	if (json)
		put_json(&out, r);
	else
		put_table(&out, r);
	ok = !out.failed && fwrite(out.text, 1, out.len, stdout) == out.len &&
	     fflush(stdout) == 0;
	sp_str_fini(&out);
	return ok ? 0 : -EIO;
}
