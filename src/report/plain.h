/* --plain: the line of a simple generator that scripts already parse,
 * "[2026-01-01 00:00:00] Stats: N packets, B bytes, P pps, M Mbps (D Mbit/s decimal; ...)".
 * M is bits/(1024*1024) a second, as that generator has it. */
#ifndef SP_REPORT_PLAIN_H
#define SP_REPORT_PLAIN_H

#include "base/str.h"
#include "core/result.h"

#define SP_PLAIN_EVERY 100u /* packets a line: how often the run's marks are wanted */

/* Zero-initialise. */
struct sp_plain {
	char last[256]; /* the last line, but for its time */
};

/* A line for each mark, and one at the end, unless the last mark's said just that; with "Traffic
 * generation complete" behind it when the run sent. Packets are the sent ones, in recv the
 * received ones; rates are those of the run up to that packet. Time of day is local. A receiver of
 * frames ends with "Received=N" and, if it looked for damage, "Corrupted=N". */
void sp_plain_event(struct sp_plain *, const struct sp_event *, struct sp_str *out);

#endif
