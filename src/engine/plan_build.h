/* How front ends make a plan: by words only, through option rows, so that units, ranges and
 * nearest-word errors exist once. The only engine header that front ends include (besides
 * plan.h's forward declaration and run.h). */
#ifndef SP_ENGINE_PLAN_BUILD_H
#define SP_ENGINE_PLAN_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/options.h"
#include "plugin/catalog.h"

struct sp_plan;
struct sp_plan_build;

enum sp_plan_item { SP_PLAN_RUN, SP_PLAN_PORT, SP_PLAN_STREAM, SP_PLAN_RECV, SP_PLAN_STAGE };
#define SP_PLAN_ITEMS 5u

int sp_plan_build_new(struct sp_plan_build **, const struct sp_mem *,
		      const struct sp_catalog *);
void sp_plan_build_free(struct sp_plan_build *);
/* From now on settings come from a peer: none may name a file of this host. */
void sp_plan_build_distrust(struct sp_plan_build *);
/* Begins a new item with every default set; later sets go to it. The run item exists already:
 * adding SP_PLAN_RUN goes back to it. */
int sp_plan_add(struct sp_plan_build *, enum sp_plan_item, const char *place, struct sp_err *);
/* key is a row of the item's table; for a port also a row of its transport's own table (set
 * "transport" first). place names where it was written. */
int sp_plan_set(struct sp_plan_build *, const char *key, const char *value, const char *place,
		struct sp_err *);
/* Checks the whole (names unique, ports known, transports can do it, limits, stamp fits the
 * size), computes the digest. On success *out is the caller's, and all that is left to do
 * with the builder is to free it. */
int sp_plan_seal(struct sp_plan_build *, struct sp_plan **out, struct sp_err *);
void sp_plan_free(struct sp_plan *);
/* Appends the canonical text: one line of JSON without a newline. out->failed says whether memory
 * ran out. */
void sp_plan_text(const struct sp_plan *, const struct sp_catalog *, struct sp_str *out);
/* The same in pieces, so that the text of a plan of 100,000 streams is nowhere in memory as a
 * whole. take returns 0 to go on. Returns what take did, or -ENOMEM. Any thread. */
typedef int sp_plan_take(void *arg, const char *text, size_t len);
int sp_plan_write(const struct sp_plan *, const struct sp_catalog *, const struct sp_mem *,
		  sp_plan_take *take, void *arg);

/* The plan of a canonical text: the same plan, with the same digest. Whatever else is not such a
 * text is refused with the place in it (exit 65). distrust: it came from a peer, see above. */
int sp_plan_read(struct sp_plan **out, const char *text, size_t len, bool distrust,
		 const struct sp_mem *, const struct sp_catalog *, struct sp_err *);

/* The tables, for help, schema and tests. */
const struct sp_opt *sp_plan_rows(enum sp_plan_item);
/* A stream's rows for its mode, the first of which is the mode. */
const struct sp_opt *sp_plan_profile_rows(void);

/* What its laws come to, a line each: mean and standard deviation, and what is clamped. */
void sp_plan_laws(const struct sp_plan *, struct sp_str *out);

#endif
