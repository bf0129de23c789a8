/* The one way to a file that the program writes.
 *
 * A file is made beside its name, under a name of its own that nobody can have guessed, and gets its
 * name by renaming: nobody ever sees half of a file that is written as a whole, and what was there
 * before stays until then. A symbolic link at the last place of the path is replaced and never
 * followed. Files that are to be read while they grow (sp_out_show) get their name at once. A killed
 * program leaves what it had made as ".spate-*.part".
 *
 * What is no regular file is written to as it is: "-" and /dev/stdout, /dev/stderr, /dev/fd/N are
 * what is open there; pipes, terminals and devices. So is a file in a folder that takes no new ones.
 *
 * After open nothing needs a path: in a sandbox, only the folder (dir) must stay in reach. */
#ifndef SP_BASE_OUT_FILE_H
#define SP_BASE_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sp_out {
	int fd;		/* to write to; -1: it is over */
	int dir;	/* where it gets its name; -1: it has one */
	char part[32];	/* its name until then; "": it has one, or never has */
	char name[256]; /* in dir */
	bool lent;	/* dir is the caller's */
};

/* 0 or -errno. The file has the mode 0666 under the umask, or that of our own file which it
 * replaces. */
int sp_out_open(struct sp_out *, const char *path);
/* The same of a name without slashes in an open folder, which stays the caller's; with that mode.
 * Needs nothing but the folder, in a sandbox. */
int sp_out_open_in(struct sp_out *, int dir, const char *name, unsigned mode);
/* The whole text: 0 or -errno. */
int sp_out_write(const struct sp_out *, const void *, size_t len);
/* From now on it has its name. 0 or -errno. */
int sp_out_show(struct sp_out *);
/* Closes it, and it has its name; on an error it is dropped. 0 or -errno. */
int sp_out_finish(struct sp_out *);
/* Closes it; what has no name yet is gone. May be called twice, and after finish. */
void sp_out_drop(struct sp_out *);

/* All of it, as a whole: open, write, finish. */
int sp_out_put(const char *path, const void *, size_t len);
int sp_out_put_in(int dir, const char *name, const void *, size_t len);

/* Is it standard output, by whatever name? */
bool sp_out_is_stdout(const char *path);

#endif
