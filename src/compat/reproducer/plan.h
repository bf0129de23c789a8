/* A reproduction as a plan: a stream for each protocol, and for each family of local addresses that
 * its messages leave from; their source is `messages` (src/source/messages). */
#ifndef SP_COMPAT_REPRODUCER_PLAN_H
#define SP_COMPAT_REPRODUCER_PLAN_H

#include "compat/reproducer/config.h"
#include "engine/plan_build.h"

/* What the command line adds; flags and keys of the file that are yes or no are joined by or. */
struct sp_repro_words {
	bool no_sync, keep_open, preload;
	bool retime;
	uint64_t exporters;   /* 0: sources as recorded */
	uint64_t connections; /* sessions over TCP of a protocol, at most; 0: the default */
	const char *from;     /* with exporters: the prefix of their addresses */
	const char *spread;   /* NULL: the default */
	const char *
		reconnect; /* sessions over TCP that are lost are tried for so long; NULL: not */
	const char *name;  /* of the run */
	/* Asked for each capture in the order in which they would be played; false leaves it out.
	 * NULL: all are played. */
	bool (*play)(void *arg, const char *path);
	void *play_arg;
};

/* The canonical plan's text. sp_repro_find was called before. */
int sp_repro_plan_text(struct sp_str *, const struct sp_repro *, const struct sp_repro_words *,
		       struct sp_err *);

#endif
