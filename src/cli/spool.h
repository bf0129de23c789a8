/* Standard input that is no file is kept in one, so that it can be read more than once. */
#ifndef SP_CLI_SPOOL_H
#define SP_CLI_SPOOL_H

#include "base/err.h"

/* Reads all of it into a file without a name in $TMPDIR (or /var/tmp), which is standard input from then
 * on. Nothing, if it is a file already. Errors: -EBADF and others (66), -ENOSPC and others (74). */
int sp_spool_stdin(struct sp_err *);

#endif
