/* What the kernel knows of all connections together, in one line for those who watch. */
#ifndef SP_REPORT_WAYS_H
#define SP_REPORT_WAYS_H

#include "base/str.h"
#include "core/result.h"

/* before, then "retransmits 12  rtt 148 us  cwnd 654,830"; of several streams the sum, the longest and
 * the smallest. False, and nothing is put: nothing is known. Streams beyond the first
 * SP_WAYS_STREAMS are not looked at (a tick is short), which the line then says. */
#define SP_WAYS_STREAMS 1000u
bool sp_ways_put(struct sp_str *, const char *before, const struct sp_result *);

#endif
