/* --plain: the line of a simple generator that scripts already parse,
 * "[2026-01-01 00:00:00] Stats: N packets, B bytes, P pps, M Mbps (D Mbit/s decimal; ...)".
 * M is bits/(1024*1024) a second, as that generator has it. */
#ifndef SP_REPORT_PLAIN_H
#define SP_REPORT_PLAIN_H

#include "base/str.h"
#include "core/result.h"

/* Zero-initialise. */
struct sp_plain {
	uint64_t printed; /* hundreds of packets that a line was written for */
};

/* A line when the count has passed a multiple of 100 since the last one, and one at the end,
 * with "Traffic generation complete" behind it when the run sent. Packets are the sent ones, in
 * recv the received ones. Time of day is local. */
void sp_plain_event(struct sp_plain *, const struct sp_event *, struct sp_str *out);

#endif
