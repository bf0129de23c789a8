/* What is in captures: counts, times, flows, protocols, what telemetry sessions say, and what is
 * odd. Memory stays below some 48 MiB however long they are. One thread. */
#ifndef SP_CAPTURE_SUMMARY_H
#define SP_CAPTURE_SUMMARY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "capio/read.h"

#define SP_SUMMARY_FILES 256u

struct sp_capsum;

/* Which packets; those that are not wanted are as if they were not there, but for what the file
 * itself says. NULL or "": all. */
struct sp_capsum_conf {
	const char *filter; /* pcap-filter(7) */
	const char *where;  /* capio/select.h */
};

/* -EINVAL (exit 2): conf; -ENOMEM. The texts of conf are borrowed until free. */
int sp_capsum_new(struct sp_capsum **, const struct sp_capsum_conf *, const struct sp_mem *,
		  struct sp_err *);
/* Adds a file, as the continuation of the one before; at most SP_SUMMARY_FILES. Errors: those of
 * sp_cap_open, and of sp_cap_next after the packets before. */
int sp_capsum_read(struct sp_capsum *, const char *path, struct sp_err *);
/* The same of one that was opened before its turn; it is taken. Opens nothing. */
int sp_capsum_read_file(struct sp_capsum *, struct sp_cap_file *, struct sp_err *);
/* No more files follow. */
int sp_capsum_end(struct sp_capsum *, struct sp_err *);
/* Whether anything was read: a packet, or an empty capture to its end. Else there is nothing to
 * print. */
bool sp_capsum_opened(const struct sp_capsum *);
/* After the end: for people, and as one JSON document. */
void sp_capsum_text(const struct sp_capsum *, struct sp_str *);
void sp_capsum_json(const struct sp_capsum *, struct sp_str *);
void sp_capsum_free(struct sp_capsum *);

#endif
