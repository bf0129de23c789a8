/* Laws of gaps and sizes: real numbers, drawn ahead by the block. A law is scaled to mean 1 by
 * its user unless it carries its own unit. */
#ifndef SP_PLUGIN_DIST_H
#define SP_PLUGIN_DIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/options.h"
#include "base/rng.h"

#define SP_DIST_BLOCK 64u

struct sp_dist_ops {
	SP_PLUGIN_HEAD;
	size_t state_size;
	/* mean is the mean that the caller wants for laws without a parameter of their own. conf is
	 * borrowed for the call only. */
	int (*init)(void *st, const void *conf, double mean, struct sp_err *);
	void (*draw)(void *st, struct sp_rng *, double *v, uint32_t n); /* HOT */
	double (*cdf)(const void *st, double x);
	bool (*moments)(const void *st, double *mean, double *var); /* false: has none */
};

#endif
