#include "dist/bound.h"

#include <errno.h>
#include <math.h>

#define LEAST_MASS 0.01 /* with less a draw would take too long */

double sp_dist_value(const struct sp_quantity *q, double dflt)
{
	return q->unit ? q->v : dflt;
}

int sp_dist_positive(const char *name, double v, struct sp_err *err)
{
	if (v > 0 && isfinite(v))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s is %g; it must be a number above 0",
		       name, v);
}

/* ---- moments by integration ---- */

/* Which power of the distance to the lower bound is weighed. */
struct integrand {
	const struct sp_dist_bound *b;
	double from;
	bool second;
};

static double at(const struct integrand *f, double x)
{
	double above = 1 - sp_dist_bound_cdf(f->b, x);

	return f->second ? 2 * (x - f->from) * above : above;
}

/* Simpson's rule on [a, c], halved until it agrees with itself. */
static double simpson(const struct integrand *f, double a, double fa, double c, double fc,
		      double fb, double whole, double eps, int depth)
{
	double b = (a + c) / 2, l = (a + b) / 2, r = (b + c) / 2;
	double fl = at(f, l), fr = at(f, r);
	double left = (b - a) / 6 * (fa + 4 * fl + fb);
	double right = (c - b) / 6 * (fb + 4 * fr + fc);
	double off = left + right - whole;

	if (depth == 0 || fabs(off) <= 15 * eps)
		return left + right + off / 15;
	return simpson(f, a, fa, b, fb, fl, left, eps / 2, depth - 1) +
	       simpson(f, b, fb, c, fc, fr, right, eps / 2, depth - 1);
}

/* so_far: of the same sum; what is small beside it need not be exact, and could not be: where the
 * law's end is near, 1 - F is little more than rounding. */
static double integral(const struct integrand *f, double a, double c, double so_far)
{
	enum { PANELS = 64 };
	double rough = 0, sum = 0, step = (c - a) / PANELS, eps;

	for (int i = 0; i < PANELS; i++)
		rough += step * at(f, a + (i + 0.5) * step);
	eps = 1e-10 * (so_far + rough) / PANELS;
	for (int i = 0; i < PANELS; i++) {
		double x = a + i * step, y = x + step;
		double fx = at(f, x), fy = at(f, y), fm = at(f, (x + y) / 2);

		sum += simpson(f, x, fx, y, fy, fm, step / 6 * (fx + 4 * fm + fy), eps, 16);
	}
	return sum;
}

/* The mean is from + the integral of 1 - F; the second moment about from, of 2 (x - from) (1 - F). In
 * pieces that grow, so that a long tail does not hide what is near. */
static void integrate(struct sp_dist_bound *b, double from, double to, double scale)
{
	struct integrand f = { .b = b, .from = from };
	double first = 0, second = 0, x = from, width = scale;

	while (x < to) {
		double end = x + width < to ? x + width : to;

		f.second = false;
		first += integral(&f, x, end, first);
		f.second = true;
		second += integral(&f, x, end, second);
		x = end;
		width *= 4;
	}
	b->mean = from + first;
	b->var = second - first * first;
}

/* Where the law by itself has probability p, roughly; it need only be on the right side. */
static double reach(const struct sp_dist_bound *b, double p, double scale)
{
	double x = scale;

	if (p < 0.5) {
		while (b->law->cdf(b, -x) > p && x < 1e300)
			x *= 2;
		return -x;
	}
	while (1 - b->law->cdf(b, x) > 1 - p && x < 1e300)
		x *= 2;
	return x;
}

/* The distance between two quartiles, as a measure. */
static double spread(const struct sp_dist_bound *b)
{
	double lo = 1e-12, hi = 1e12;

	for (int i = 0; i < 60; i++) {
		double x = sqrt(lo * hi);

		if (b->law->cdf(b, x) - b->law->cdf(b, -x) < 0.5)
			lo = x;
		else
			hi = x;
	}
	return hi;
}

int sp_dist_bound_init(void *st, const struct sp_dist_law *law, const struct sp_quantity *min,
		       const struct sp_quantity *max, double mean, double var,
		       struct sp_err *err)
{
	struct sp_dist_bound *b = st;
	double scale, from, to, f_max;

	*b = (struct sp_dist_bound){ .law = law,
				     .min = sp_dist_value(min, -(double)INFINITY),
				     .max = sp_dist_value(max, (double)INFINITY),
				     .f_span = 1,
				     .mean = mean,
				     .var = var };
	if (!min->unit && !max->unit)
		return 0;
	if (!(b->min < b->max))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "min is %g and max is %g", b->min,
			       b->max);
	b->f_min = min->unit ? law->cdf(st, b->min) : 0;
	f_max = max->unit ? law->cdf(st, b->max) : 1;
	b->f_span = f_max - b->f_min;
	if (!(b->f_span >= LEAST_MASS))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "between min %g and max %g lies only %.3g %% of it; they must "
			       "hold 1 %% at least",
			       b->min, b->max, b->f_span * 100);
	scale = spread(b);
	from = min->unit ? b->min : reach(b, 1e-15, scale);
	to = max->unit ? b->max : reach(b, 1 - 1e-15, scale);
	/* A tail that long has no mean, or none that could be told. */
	if (to - from > 1e9 * scale) {
		b->mean = (double)NAN;
		return 0;
	}
	integrate(b, from, to, scale);
	return 0;
}

void sp_dist_bound_draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	const struct sp_dist_bound *b = st;

	for (uint32_t i = 0; i < n; i++)
		do
			v[i] = b->law->one(st, rng);
		while (v[i] < b->min || v[i] > b->max);
}

double sp_dist_bound_cdf(const void *st, double x)
{
	const struct sp_dist_bound *b = st;

	if (x < b->min)
		return 0;
	if (x >= b->max)
		return 1;
	return (b->law->cdf(st, x) - b->f_min) / b->f_span;
}

bool sp_dist_bound_moments(const void *st, double *mean, double *var)
{
	const struct sp_dist_bound *b = st;

	*mean = b->mean;
	*var = b->var;
	return !isnan(b->mean);
}
