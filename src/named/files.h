/* The files of named runs, for start.c and ask.c. */
#ifndef SP_NAMED_FILES_H
#define SP_NAMED_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#define SP_NAMED_FOLDER "named"

/* NAME.state; made when make is set. A descriptor, or -1 with errno. A process that holds a lock on it
 * opens it once only: closing any descriptor of it gives up the lock. */
int sp_named_open(int folder, const char *name, bool make);
/* NAME.log, empty. */
int sp_named_open_log(int folder, const char *name);
/* This process has it from now on. 0 or -errno. */
int sp_named_lock(int file);
/* Has a process it? Not of the caller's own. */
bool sp_named_is_held(int file, pid_t *holder);
/* All files of a name. */
void sp_named_remove(int folder, const char *name);

#endif
