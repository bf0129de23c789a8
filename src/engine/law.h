/* Laws of gaps and sizes as words:
 *
 *	exponential			a law by its name
 *	weibull(shape=0.7,scale=10ms)	with settings; without their names in the order of its rows
 *	40, 2ms				the same as constant(40), constant(2ms)
 *	mix(0.6*exponential(mean=2ms)+0.4*10ms)	laws by weights
 *	onoff(on=pareto(shape=1.5),off=pareto(shape=1.5))	laws that it is made of, by name
 *	values(27:0.83,28:0.17)		values with weights
 *
 * Of gaps, settings with units of time give the law a mean of its own; plain numbers are shares of
 * the mean gap of the stream's rate. Of sizes plain numbers are bytes. */
#ifndef SP_ENGINE_LAW_H
#define SP_ENGINE_LAW_H

#include "base/err.h"
#include "base/mem.h"
#include "plugin/catalog.h"

enum sp_law_use { SP_LAW_GAPS, SP_LAW_SIZES };

struct sp_law_part;

struct sp_law {
	const struct sp_dist_ops *ops; /* NULL: constant gaps of the rate */
	void *conf;		       /* its settings, in the arena */
	struct sp_law_part *parts;     /* as struct sp_dist_args wants them */
	unsigned n_parts;
	enum sp_quantity_unit unit; /* TIME: it has a mean of its own */
};

struct sp_law_part {
	struct sp_law law;
	double weight;
};

struct sp_law_conf {
	const struct sp_catalog *catalog;
	enum sp_law_use use;
	bool distrust;	   /* who wrote it may not name files here */
	const char *place; /* opens the sentence on error */
};

/* A law and what it is made of are in the arena. An unknown law names the nearest and those that
 * exist; what a law may not be by its use is refused, too. */
int sp_law_parse(const char *text, const struct sp_law_conf *, struct sp_arena *,
		 struct sp_law *, struct sp_err *);
/* The one way to write this law, every setting filled in; in the arena. NULL: out of memory. */
const char *sp_law_text(const struct sp_law *, struct sp_arena *);

/* A law to draw from; its conf need not live any longer. ops must not be NULL. Errors have the law's
 * name in front. */
int sp_law_make(const struct sp_law *, const struct sp_mem *, struct sp_dist *,
		struct sp_err *);
/* Of one that was made, or zeroed. */
void sp_law_free(struct sp_dist *, const struct sp_mem *);

#endif
