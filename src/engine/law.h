/* Laws of departure as words: "constant", "exponential", "name(key=value,...)". */
#ifndef SP_ENGINE_LAW_H
#define SP_ENGINE_LAW_H

#include "base/err.h"
#include "base/mem.h"
#include "plugin/catalog.h"

struct sp_law {
	const struct sp_dist_ops *ops; /* NULL: constant */
	void *conf;		       /* its settings, in the arena */
};

/* place opens the sentence on error. An unknown law names the nearest and those that exist. */
int sp_law_parse(const char *text, const struct sp_catalog *, const char *place,
		 struct sp_arena *, struct sp_law *, struct sp_err *);
/* The one way to write this law, every setting filled in; in the arena. NULL: out of memory. */
const char *sp_law_text(const struct sp_law *, struct sp_arena *);

#endif
