/* Shows the frames of captures to whoever judges them before they leave, as they will be. */
#ifndef SP_SOURCE_CAPTURE_LOOK_H
#define SP_SOURCE_CAPTURE_LOOK_H

#include "pkt/rewrite.h"
#include "plugin/source.h"
#include "source/capture/walk.h"

struct sp_look_conf {
	struct sp_walk_conf walk;
	const struct sp_rewrite *once, *each; /* NULL: nothing is rewritten */
	uint64_t loops;			      /* that differ; 0: for ever */
};

/* Each frame of the first loop. Where loops have addresses of their own, a frame to a public address
 * is shown once more for each address that it may go to, as SP_SOURCE_OTHER; elsewhere an address
 * stays in a network of one kind, and is shown so once for all of that. Errors: those of the walk, or what see returned. */
int sp_look(const struct sp_look_conf *, const struct sp_mem *, sp_source_see *see, void *arg,
	    struct sp_err *);

#endif
