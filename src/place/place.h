/* Where what runs leaves word of itself: folders of the user's that are gone after a restart where the
 * system has such ones. */
#ifndef SP_PLACE_PLACE_H
#define SP_PLACE_PLACE_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/err.h"

/* Opens
 *
 *   $XDG_RUNTIME_DIR/spate/SUB, else (root) /run/spate/SUB, else
 *   ${XDG_STATE_HOME:-~/.local/state}/spate/SUB
 *
 * made when it is not there and make is set. Nobody else may write there: a folder of another user's,
 * or with rights for others, is refused (SP_EXIT_IO). A descriptor, or -errno; -ENOENT without a
 * sentence when it is not there and make is not set. */
int sp_place_open(const char *sub, bool make, struct sp_err *);
/* The address of a name in such a folder that fits however long the folder's path is. */
struct sockaddr_un sp_place_address(int folder, const char *name);

#endif
