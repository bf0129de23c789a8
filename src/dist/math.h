/* What laws draw with: elementary functions and variates whose bits are the same on every compiler,
 * C library and machine, because they use nothing but + - * / and square roots of doubles in a written
 * order. HOT, all of them. */
#ifndef SP_DIST_MATH_H
#define SP_DIST_MATH_H

#include "base/rng.h"

/* Natural logarithm of a normal x > 0, to 2 units in the last place. */
double sp_dist_ln(double x);
/* e^x; 0 below -745, infinite above 709. Relative error below 1e-15. */
double sp_dist_exp(double x);
/* x^y for x > 0. */
double sp_dist_pow(double x, double y);
/* ln k! for k = 0, 1, ... : a table, then Stirling's series. */
double sp_dist_ln_factorial(double k);
/* The quantile of the standard normal law (Wichura 1988, AS 241, PPND16): 16 digits. 0 < p < 1. */
double sp_dist_normal_quantile(double p);
/* A standard normal variate. */
double sp_dist_draw_normal(struct sp_rng *);
/* A gamma variate of scale 1 (Marsaglia, Tsang 2000; shapes below 1 by their boost). */
double sp_dist_draw_gamma(struct sp_rng *, double shape);

/* ---- cold: distribution functions; these may use libm ---- */
/* P(a, x): the regularised lower incomplete gamma function. */
double sp_dist_gamma_p(double a, double x);
/* I_x(a, b): the regularised incomplete beta function. */
double sp_dist_beta_i(double a, double b, double x);

#endif
