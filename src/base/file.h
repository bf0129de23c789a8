/* Reading an input file: the one place where base touches a file system. */
#ifndef SP_BASE_FILE_H
#define SP_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* Appends the whole file to *out, which the caller initialised and frees. It is read once and may
 * be a pipe. Refused: what cannot be read (-ENOENT, -EACCES, -EISDIR, ...: SP_EXIT_NOINPUT), more
 * than max bytes (-EFBIG, SP_EXIT_DATA), no memory (-ENOMEM, SP_EXIT_FAILED). Memory stays below
 * four times max. */
int sp_file_read(struct sp_str *out, const char *path, size_t max, struct sp_err *);

/* Is it a file that can be read again (no pipe, no terminal)? "-" is standard input, here and below. */
bool sp_file_is_regular(const char *path);
/* Are both there, and one regular file, by whatever names? Writing one would empty the other. */
bool sp_file_is_same(const char *a, const char *b);

/* Maps a file that somebody shares with us, for both to write. 0, or -errno (SP_EXIT_NOINPUT); an
 * empty one: -EINVAL. */
int sp_file_map(void **at, size_t *size, const char *path, struct sp_err *);
void sp_file_unmap(void *at, size_t size); /* NULL: nothing */

#endif
