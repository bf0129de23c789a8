/* The file of --truth: opened before a run, while that may be done, written at its end. */
#ifndef SP_CLI_TRUTH_FILE_H
#define SP_CLI_TRUTH_FILE_H

#include "base/err.h"
#include "base/out_file.h"

struct spate_run;

/* -errno with a sentence, exit 74. */
int sp_truth_open(struct sp_out *, const char *path, struct sp_err *);
/* More of it; closes it: a truth is there whole or not at all. 0; -errno with a sentence, exit 74, and it
 * is dropped. */
int sp_truth_add(struct sp_out *, const char *path, const char *text, size_t len,
		 struct sp_err *);
int sp_truth_finish(struct sp_out *, const char *path, struct sp_err *);
/* All of a run's, and closes. */
int sp_truth_write(struct sp_out *, const char *path, const struct spate_run *,
		   struct sp_err *);

#endif
