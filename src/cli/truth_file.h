/* The file of --truth: opened before a run, while that may be done, written at its end. */
#ifndef SP_CLI_TRUTH_FILE_H
#define SP_CLI_TRUTH_FILE_H

#include "base/err.h"

struct spate_run;

/* A descriptor; -errno with a sentence, exit 74. */
int sp_truth_open(const char *path, struct sp_err *);
/* More of it. 0; -errno with a sentence, exit 74. */
int sp_truth_add(int fd, const char *path, const char *text, size_t len, struct sp_err *);
int sp_truth_close(int fd, const char *path, struct sp_err *);
/* All of a run's, and closes. */
int sp_truth_write(int fd, const char *path, const struct spate_run *, struct sp_err *);

#endif
