/* Laws of gaps and sizes: real numbers, drawn ahead by the block.
 *
 * Parameters that carry the law's unit are rows of type SP_OPT_QUANTITY: a time (in ns), or a plain
 * number, which of sizes is bytes and of gaps a multiple of what the user scales to (the mean gap
 * of a rate). One that was not given has unit SP_QUANTITY_UNSET and is the law's own default, which
 * makes the law's mean or scale 1. The rows stand in the order in which D-ITG takes them.
 *
 * The same seed gives the same bits everywhere: what draw() does is + - * / and square roots on
 * doubles in a fixed order (the build forbids fusing), and dist/math.h; never libm. */
#ifndef SP_PLUGIN_DIST_H
#define SP_PLUGIN_DIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/rng.h"

#define SP_DIST_BLOCK 64u
#define SP_DIST_PARTS 64u /* most laws in one */

struct sp_dist_ops;

/* A law that is ready to be drawn from. */
struct sp_dist {
	const struct sp_dist_ops *ops;
	void *state;
};

/* A law inside another one. */
struct sp_dist_part {
	struct sp_dist dist;
	double weight; /* of a mixture; 1 where none was given */
};

struct sp_dist_args {
	const void *conf; /* borrowed for the call */
	/* Stay where they are as long as the state lives. Of a law with named parts: in that order,
	 * ops NULL for those that were not given. */
	const struct sp_dist_part *parts;
	uint32_t n_parts;
	const struct sp_mem *mem;
};

struct sp_dist_ops {
	SP_PLUGIN_HEAD;
	size_t state_size;
	/* The laws that it is made of, by name; NULL ends. */
	const char *const *parts;
	bool mixes;  /* it is made of any number of laws, with weights */
	bool frames; /* its values are lengths of frames with FCS */
	bool bare;   /* without any unit its values stand for themselves, as they do of sizes */
	/* Cold, where the plan is made: the same as a law of other words, in the arena. Laws with
	 * this have nothing below. Reads a file at most. */
	int (*expand)(const void *conf, const char **text, struct sp_arena *, struct sp_err *);
	/* The state was zeroed. Errors: a sentence without the law's name, usage. */
	int (*init)(void *st, const struct sp_dist_args *, struct sp_err *);
	void (*fini)(void *st); /* NULL: nothing to do; also after an init that failed */
	void (*draw)(void *st, struct sp_rng *, double *v, uint32_t n); /* HOT */
	/* Probability of values up to x; NAN: nobody knows. */
	double (*cdf)(const void *st, double x);
	/* False: there are none. var may be infinite, or NAN: not known. */
	bool (*moments)(const void *st, double *mean, double *var);
};

#endif
