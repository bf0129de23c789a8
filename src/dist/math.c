#include "dist/math.h"

#include <math.h>
#include <string.h>

/* ln x: x = 2^k * m with m from sqrt(1/2) to sqrt(2), and ln m = 2 artanh(s), s = (m - 1) / (m + 1),
 * |s| < 0.172, as its series up to s^19. Near x = 1, k is 0 and s small but exact to the last
 * bit, so the relative error stays small. */
double sp_dist_ln(double x)
{
	const double ln2_high = 0x1.62e42feep-1; /* few bits: k times it is exact */
	const double ln2_low = 0x1.a39ef35793c76p-33;
	const uint64_t half_bits = 0x3fe6a09e667f3bcd; /* sqrt(1/2) */
	uint64_t bits, shifted;
	double m, s, z, sum;
	int64_t k;

	memcpy(&bits, &x, sizeof bits);
	shifted = bits - half_bits;
	k = (int64_t)shifted >> 52;
	bits -= (uint64_t)k << 52;
	memcpy(&m, &bits, sizeof m);
	s = (m - 1) / (m + 1);
	z = s * s;
	sum = 1.0 / 19;
	sum = sum * z + 1.0 / 17;
	sum = sum * z + 1.0 / 15;
	sum = sum * z + 1.0 / 13;
	sum = sum * z + 1.0 / 11;
	sum = sum * z + 1.0 / 9;
	sum = sum * z + 1.0 / 7;
	sum = sum * z + 1.0 / 5;
	sum = sum * z + 1.0 / 3;
	sum = 2 * s + 2 * s * z * sum;
	return (double)k * ln2_high + ((double)k * ln2_low + sum);
}

/* e^x = 2^k * e^r with |r| <= ln 2 / 2, and e^r by its series up to r^13. */
double sp_dist_exp(double x)
{
	const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
	double k, r, sum = 1, scale;
	int64_t n;

	if (x < -745)
		return 0;
	if (x > 709)
		return (double)INFINITY;
	k = x * 0x1.71547652b82fep+0;
	n = (int64_t)(k < 0 ? k - 0.5 : k + 0.5);
	k = (double)n;
	r = (x - k * ln2_high) - k * ln2_low;
	for (int i = 13; i > 0; i--)
		sum = 1 + sum * r / i;
	/* 2^n in two steps, for results below the normal range. */
	for (int half = 0; half < 2; half++) {
		uint64_t bits = (uint64_t)(1023 + (half ? n - n / 2 : n / 2)) << 52;

		memcpy(&scale, &bits, sizeof scale);
		sum *= scale;
	}
	return sum;
}

double sp_dist_pow(double x, double y)
{
	return sp_dist_exp(y * sp_dist_ln(x));
}

double sp_dist_ln_factorial(double k)
{
	static const double table[] = {
		0,
		0,
		0x1.62e42fefa39efp-1,
		0x1.cab0bfa2a2002p+0,
		0x1.96ca77c922cf9p+1,
		0x1.326643c4479c9p+2,
		0x1.a51273acf01cap+2,
		0x1.10ce1f32dcc30p+3,
		0x1.5358e82fcb70dp+3,
		0x1.99a8921a7f7cfp+3,
	};
	double n = k + 1, n2 = n * n;

	if (k < 10)
		return table[(unsigned)k];
	/* ln Gamma(n), n > 10: the terms left out are below 1e-13. */
	return (n - 0.5) * sp_dist_ln(n) - n + 0.91893853320467274178 +
	       (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / n2) / n2) / n2) / n;
}

static double poly(const double *c, unsigned n, double x)
{
	double sum = c[n - 1];

	for (unsigned i = n - 1; i-- > 0;)
		sum = sum * x + c[i];
	return sum;
}

double sp_dist_normal_quantile(double p)
{
	static const double a[] = { 3.3871328727963666080e0,  1.3314166789178437745e+2,
				    1.9715909503065514427e+3, 1.3731693765509461125e+4,
				    4.5921953931549871457e+4, 6.7265770927008700853e+4,
				    3.3430575583588128105e+4, 2.5090809287301226727e+3 };
	static const double b[] = { 1.0,
				    4.2313330701600911252e+1,
				    6.8718700749205790830e+2,
				    5.3941960214247511077e+3,
				    2.1213794301586595867e+4,
				    3.9307895800092710610e+4,
				    2.8729085735721942674e+4,
				    5.2264952788528545610e+3 };
	static const double c[] = { 1.42343711074968357734e0,  4.63033784615654529590e0,
				    5.76949722146069140550e0,  3.64784832476320460504e0,
				    1.27045825245236838258e0,  2.41780725177450611770e-1,
				    2.27238449892691845833e-2, 7.74545014278341407640e-4 };
	static const double d[] = { 1.0,
				    2.05319162663775882187e0,
				    1.67638483018380384940e0,
				    6.89767334985100004550e-1,
				    1.48103976427480074590e-1,
				    1.51986665636164571966e-2,
				    5.47593808499534494600e-4,
				    1.05075007164441684324e-9 };
	static const double e[] = { 6.65790464350110377720e0,  5.46378491116411436990e0,
				    1.78482653991729133580e0,  2.96560571828504891230e-1,
				    2.65321895265761230930e-2, 1.24266094738807843860e-3,
				    2.71155556874348757815e-5, 2.01033439929228813265e-7 };
	static const double f[] = { 1.0,
				    5.99832206555887937690e-1,
				    1.36929880922735805310e-1,
				    1.48753612908506148525e-2,
				    7.86869131745613259100e-4,
				    1.84631831751005468180e-5,
				    1.42151175831644588870e-7,
				    2.04426310338993978564e-15 };
	double q = p - 0.5, r, z;

	if (q >= -0.425 && q <= 0.425) {
		r = 0.180625 - q * q;
		return q * poly(a, 8, r) / poly(b, 8, r);
	}
	r = __builtin_sqrt(-sp_dist_ln(q < 0 ? p : 1 - p));
	z = r <= 5 ? poly(c, 8, r - 1.6) / poly(d, 8, r - 1.6)
		   : poly(e, 8, r - 5) / poly(f, 8, r - 5);
	return q < 0 ? -z : z;
}

double sp_dist_draw_normal(struct sp_rng *rng)
{
	return sp_dist_normal_quantile(sp_rng_unit(rng));
}

double sp_dist_draw_gamma(struct sp_rng *rng, double shape)
{
	double a = shape < 1 ? shape + 1 : shape;
	double d = a - 1.0 / 3, c = 1 / __builtin_sqrt(9 * d), x, v, u;

	for (;;) {
		x = sp_dist_draw_normal(rng);
		v = 1 + c * x;
		if (v <= 0)
			continue;
		v = v * v * v;
		u = sp_rng_unit(rng);
		if (sp_dist_ln(u) < 0.5 * x * x + d - d * v + d * sp_dist_ln(v))
			break;
	}
	if (shape < 1)
		return d * v * sp_dist_pow(sp_rng_unit(rng), 1 / shape);
	return d * v;
}

/* ---- distribution functions ---- */

static double ln_gamma(double a)
{
	int sign;

	return lgamma_r(a, &sign);
}

/* Continued fractions by Lentz's method. */
#define TINY 1e-300
#define EPS  1e-15
#define MANY 10000

static double nonzero(double v)
{
	return fabs(v) < TINY ? TINY : v;
}

/* Press et al., Numerical Recipes 6.2: the series below a + 1, the continued fraction above. */
double sp_dist_gamma_p(double a, double x)
{
	double front, sum, term, b, c, d, h;

	if (!(x > 0))
		return 0;
	if (isinf(x))
		return 1;
	front = exp(a * log(x) - x - ln_gamma(a));
	if (x < a + 1) {
		sum = term = 1 / a;
		for (int n = 1; n < MANY && fabs(term) > fabs(sum) * EPS; n++) {
			term *= x / (a + n);
			sum += term;
		}
		return sum * front;
	}
	b = x + 1 - a;
	c = 1 / TINY;
	d = 1 / b;
	h = d;
	for (int n = 1; n < MANY; n++) {
		double an = -n * (n - a);

		b += 2;
		d = 1 / nonzero(an * d + b);
		c = nonzero(b + an / c);
		h *= d * c;
		if (fabs(d * c - 1) < EPS)
			break;
	}
	return 1 - front * h;
}

static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), h = d;

	for (int m = 1; m < MANY; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 / nonzero(1 + even * d);
		c = nonzero(1 + even / c);
		h *= d * c;
		d = 1 / nonzero(1 + odd * d);
		c = nonzero(1 + odd / c);
		h *= d * c;
		if (fabs(d * c - 1) < EPS)
			break;
	}
	return h;
}

/* The same, 6.4. */
double sp_dist_beta_i(double a, double b, double x)
{
	double front;

	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	front = exp(ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}
