/* The settings of modes as words. Defaults that depend on others are the modes' (check). */
#include "engine/modes/profile.h"

#include <stddef.h>

#define COUNT_MAX  (1ull << 40)

#define AT(member) offsetof(struct sp_profile, member)
const struct sp_opt sp_profile_rows[] = {
	{ "mode", SP_OPT_ENUM, AT(mode), NULL,
	  "auto|standard|continuous|rate|burst|backoff|ramp|steps|onoff|trace", 0, 0,
	  "when departures are due: by rate and limits (auto), a count of them (standard), until "
	  "stopped (continuous), at a rate, in bursts, with growing pauses (backoff), at a rate "
	  "that changes steadily (ramp) or at set times (steps), by turns with nothing (onoff), "
	  "as a file says (trace)" },
	{ "burst_count", SP_OPT_U64, AT(burst_count), "10", NULL, 1, COUNT_MAX,
	  "burst: packets in each" },
	{ "burst_interval", SP_OPT_TIME, AT(burst_interval_ns), "5s", NULL, 1, INT64_MAX,
	  "burst: the pause after the last packet of each" },
	{ "burst_gap", SP_OPT_TIME, AT(burst_gap_ns), NULL, NULL, 0, INT64_MAX,
	  "burst: time between its packets; not given: 0, and 10 ms when nothing of bursts is "
	  "given" },
	{ "bursts", SP_OPT_U64, AT(bursts), "0", NULL, 0, COUNT_MAX,
	  "burst: so many; 0: no limit" },
	{ "backoff_first", SP_OPT_TIME, AT(backoff_first_ns), "100ms", NULL, 1, INT64_MAX,
	  "backoff: the first pause, and after the longest again" },
	{ "backoff_factor", SP_OPT_REAL, AT(backoff_factor), "2", NULL, 0, 0,
	  "backoff: each pause is so many times the one before" },
	{ "backoff_cap", SP_OPT_TIME, AT(backoff_cap_ns), "1600ms", NULL, 1, INT64_MAX,
	  "backoff: no pause is longer" },
	{ "backoff_reset", SP_OPT_ENUM, AT(backoff_reset), "never", "never|reply", 0, 0,
	  "backoff: a reply begins with the first pause again" },
	{ "ramp_from", SP_OPT_RATE, AT(ramp_from), NULL, NULL, 0, 0,
	  "ramp: the rate at its beginning; not given: 0" },
	{ "ramp_to", SP_OPT_RATE, AT(ramp_to), NULL, NULL, 0, 0,
	  "ramp: the rate at its end, and from then on; not given: 0" },
	{ "ramp_time", SP_OPT_TIME, AT(ramp_time_ns), "10s", NULL, 1, INT64_MAX / 4,
	  "ramp: how long it takes" },
	{ "ramp_up", SP_OPT_TIME, AT(ramp_up_ns), "0", NULL, 0, INT64_MAX / 4,
	  "rate: the time from nothing to the rate" },
	{ "ramp_down", SP_OPT_TIME, AT(ramp_down_ns), "0", NULL, 0, INT64_MAX / 4,
	  "rate: at the end of the duration, the time from the rate to nothing" },
	{ "steps", SP_OPT_TEXT, AT(steps), NULL, NULL, 0, 0,
	  "steps: rates and since when, 100pps@0,1kpps@10s,0@20s; 0 at last: the end" },
	{ "on_time", SP_OPT_TIME, AT(on_ns), "1s", NULL, 1, INT64_MAX / 4,
	  "onoff: so long at the rate" },
	{ "off_time", SP_OPT_TIME, AT(off_ns), "1s", NULL, 0, INT64_MAX / 4,
	  "onoff: and then so long nothing" },
	{ "trace", SP_OPT_PATH, AT(trace), NULL, NULL, 0, 0,
	  "trace: a file with TIME or TIME,SIZE a line" },
	{ "trace_times", SP_OPT_ENUM, AT(trace_times), "absolute", "absolute|relative", 0, 0,
	  "trace: times since the start, or since the line before" },
	{ 0 },
};
