/* The process that holds a lab with a name. */
#ifndef SP_LAB_HOLDER_H
#define SP_LAB_HOLDER_H

#include "lab/spec.h"

/* Makes the lab and serves orders on the listening socket until the lab ends, by an order, by
 * SIGTERM, SIGINT or SIGHUP, or because it was killed. ready gets one struct sp_err, code 0 when the
 * lab is there, and is closed. Returns an exit status; the socket's name is the caller's to remove,
 * and then *bye (when it is not -1) is who waits to hear that the lab is gone. */
int sp_holder_run(const struct sp_lab_spec *, int listening, int ready, int *bye);

#endif
