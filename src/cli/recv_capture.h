/* `recv --capture`: a process that records the interface beside the run, into a file of the
 * user's. */
#ifndef SP_CLI_RECV_CAPTURE_H
#define SP_CLI_RECV_CAPTURE_H

#include "cli/capture_child.h"
#include "cli/captures.h"
#include "scenario/words.h"

struct sp_recv_capture;

/* Makes the file, and starts the process: it records from now on. out->capture is not NULL.
 * SP_EXIT_IO for the file, SP_EXIT_PERM for the interface. */
int sp_recv_capture_start(struct sp_recv_capture **, const struct sp_words_output *,
			  struct sp_err *);
/* Ends it; what is in the file is told as sp_captures_stop does. False: not everything is. Once. */
bool sp_recv_capture_stop(struct sp_recv_capture *,
			  void (*tell)(void *arg, bool ok, const char *text), void *arg);
void sp_recv_capture_free(struct sp_recv_capture *); /* may be NULL */

#endif
