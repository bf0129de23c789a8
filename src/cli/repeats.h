/* What several runs of one scenario found: medians and spread. */
#ifndef SP_CLI_REPEATS_H
#define SP_CLI_REPEATS_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"

struct sp_result;
struct sp_repeats;

/* several: each has its number. */
int sp_repeats_new(struct sp_repeats **, bool several, const struct sp_mem *);
void sp_repeats_free(struct sp_repeats *);
void sp_repeats_add(struct sp_repeats *, const struct sp_result *);
/* Has any come to its end? */
bool sp_repeats_any(const struct sp_repeats *);
/* A table, or a document, of all that were added. Not 0: standard output took it not. */
int sp_repeats_print(const struct sp_repeats *, bool json);
/* One that could not begin. */
void sp_repeats_add_failed(struct sp_repeats *, const char *name, const char *why);
/* JUnit XML of all; after the last. */
const struct sp_str *sp_repeats_junit(struct sp_repeats *);

#endif
