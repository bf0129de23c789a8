/* A capture rewritten into another: pcapng when its name ends so, else classic pcap, with times to
 * the nanosecond, link types and original lengths kept. A frame check sequence, where the capture
 * says that there is one, is left out: it would not hold any more. */
#ifndef SP_CAPTURE_REWRITE_H
#define SP_CAPTURE_REWRITE_H

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "pkt/rewrite.h"

struct sp_capture_rewrite_conf {
	const char *from, *to;
	const char *words; /* those of pkt/rewrite.h */
	uint64_t loop;	   /* whose addresses and ports are given out; 0: the first */
	/* Called once everything is open, before anything is read: the file is still made in that
	 * folder (-1: it is no file), and nothing else is opened. May be NULL. */
	void (*opened)(void *arg, int folder);
	void *opened_arg;
};

struct sp_capture_rewrite_result {
	struct sp_rewrite_counts counts;
	uint64_t packets, bytes; /* written */
};

/* 0, or a sentence: SP_EXIT_USAGE for the words; those of sp_cap_open and sp_cap_next; SP_EXIT_DATA
 * for a second link type where the file has room for one; SP_EXIT_IO. What came before a damaged
 * packet is written and counted. */
int sp_capture_rewrite(const struct sp_capture_rewrite_conf *,
		       struct sp_capture_rewrite_result *, const struct sp_mem *,
		       struct sp_err *);
void sp_capture_rewrite_text(const struct sp_capture_rewrite_result *, struct sp_str *);
void sp_capture_rewrite_json(const struct sp_capture_rewrite_result *, struct sp_str *);

#endif
