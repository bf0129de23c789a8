/* For tests: a law from its settings as words, and how well draws fit a distribution function. */
#ifndef SP_DIST_TESTING_H
#define SP_DIST_TESTING_H

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "dist/math.h"
#include "plugin/dist.h"

#define N_DRAWS 100000u

/* A law under test. settings: "shape=0.7 scale=2". */
struct law {
	struct sp_dist d;
	struct sp_arena arena;
	struct sp_err err;
};

/* 0, or what the law says. */
static inline int law_make(struct law *l, const struct sp_dist_ops *ops, const char *settings,
			   const struct sp_dist_part *parts, uint32_t n_parts)
{
	struct sp_dist_args args = { .parts = parts,
				     .n_parts = n_parts,
				     .mem = sp_mem_system() };
	char text[400], *at = text, *word, *value;
	void *conf;
	int rc;

	*l = (struct law){ 0 };
	sp_arena_init(&l->arena, sp_mem_system());
	conf = sp_arena_alloc(&l->arena, ops->conf_size + 1);
	l->d = (struct sp_dist){ ops, calloc(1, ops->state_size) };
	assert_non_null(l->d.state);
	rc = ops->opts ? sp_opts_default(ops->opts, conf, &l->arena, &l->err) : 0;
	sp_strlcpy(text, settings, sizeof text);
	while (!rc && (word = strsep(&at, " ")) != NULL) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		assert_non_null(value);
		*value++ = '\0';
		rc = sp_opts_set(ops->opts, conf, word, value, "test", &l->arena, &l->err);
	}
	args.conf = conf;
	return rc ? rc : ops->init(l->d.state, &args, &l->err);
}

static inline void law_free(struct law *l)
{
	if (l->d.ops->fini)
		l->d.ops->fini(l->d.state);
	free(l->d.state);
	sp_arena_fini(&l->arena);
}

/* As the engine does: by the block. */
static inline void law_draw(const struct law *l, uint64_t seed, double *v, uint32_t n)
{
	struct sp_rng rng;

	sp_rng_init(&rng, seed, l->d.ops->name);
	for (uint32_t i = 0; i < n; i += SP_DIST_BLOCK)
		l->d.ops->draw(l->d.state, &rng, v + i,
			       n - i < SP_DIST_BLOCK ? n - i : SP_DIST_BLOCK);
}

/* Probability that the Kolmogorov-Smirnov distance of n draws exceeds d (Stephens 1970). */
static inline double ks_p(double d, double n)
{
	double t = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * d, p = 0;

	for (int k = 1; k < 100; k++)
		p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * t * t);
	return t < 0.2 || p > 1 ? 1 : p;
}

/* The distance of F(v) from uniform, to within 1 / 65536. */
static inline double ks_distance(const struct sp_dist *d, const double *v, uint32_t n)
{
	enum { BINS = 65536 };
	uint32_t *bin = calloc(BINS + 1, sizeof *bin);
	double below = 0, worst = 0;

	assert_non_null(bin);
	for (uint32_t i = 0; i < n; i++) {
		double f = d->ops->cdf(d->state, v[i]);

		assert_true(f >= 0 && f <= 1);
		bin[(uint32_t)(f * BINS)]++;
	}
	for (uint32_t i = 0; i < BINS; i++) {
		below += bin[i];
		worst = fmax(worst, fabs(below / n - (i + 1.0) / BINS));
	}
	free(bin);
	return worst;
}

/* Probability of a chi-square as large, for the whole values of a discrete law; those that are rare
 * count together. step: from one value to the next. */
static inline double chi_p(const struct sp_dist *d, double *v, uint32_t n, double step,
			   int (*order)(const void *, const void *))
{
	double chi = 0, expected, before = 0, at;
	unsigned cells = 0;
	uint32_t i = 0, seen = 0;

	qsort(v, n, sizeof *v, order);
	for (at = v[0];; at += step) {
		double f = at >= v[n - 1] ? 1 : d->ops->cdf(d->state, at + step / 4);

		for (; i < n && v[i] <= at + step / 4; i++)
			seen++;
		expected = (f - before) * n;
		if (expected < 10 && f < 1)
			continue;
		if ((1 - f) * n < 10)
			f = 1;
		if (f >= 1) {
			seen += n - i;
			i = n;
			expected = (1 - before) * n;
		}
		chi += (seen - expected) * (seen - expected) / expected;
		cells++;
		seen = 0;
		before = f;
		if (f >= 1)
			break;
	}
	return cells < 2 ? 1 : 1 - sp_dist_gamma_p((cells - 1) / 2.0, chi / 2);
}

#endif
