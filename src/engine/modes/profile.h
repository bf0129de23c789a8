/* A stream's profile: its mode, and the settings that modes have. Plain data; a stream without any of
 * them has no profile. */
#ifndef SP_ENGINE_MODES_PROFILE_H
#define SP_ENGINE_MODES_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "base/units.h"

enum sp_mode {
	SP_MODE_AUTO, /* by rate and limits, as a stream without a profile */
	SP_MODE_STANDARD,
	SP_MODE_CONTINUOUS,
	SP_MODE_RATE,
	SP_MODE_BURST,
	SP_MODE_BACKOFF,
	SP_MODE_RAMP,
	SP_MODE_STEPS,
	SP_MODE_ONOFF,
	SP_MODE_TRACE,
	SP_MODES
};

struct sp_profile {
	int mode;	     /* enum sp_mode */
	uint64_t given;	     /* bit i: row i was set */
	struct sp_rate peak; /* filled by seal: what the guard has to reckon with; kind NONE:
				the stream's rate */
	bool sized;	     /* filled by seal: the trace has sizes, from least_size on */
	uint64_t least_size;
	uint64_t burst_count; /* BURST */
	uint64_t burst_interval_ns, burst_gap_ns;
	uint64_t bursts;	   /* 0: for ever */
	uint64_t backoff_first_ns; /* BACKOFF */
	double backoff_factor;
	uint64_t backoff_cap_ns;
	int backoff_reset;	  /* enum sp_backoff_reset */
	struct sp_rate ramp_from; /* RAMP; kind NONE: 0 */
	struct sp_rate ramp_to;	  /* kind NONE: 0 */
	uint64_t ramp_time_ns;	  /* RAMP */
	uint64_t ramp_up_ns;	  /* RATE */
	uint64_t ramp_down_ns;	  /* RATE */
	const char *steps;	  /* STEPS: "100pps@0,1kpps@10s" */
	uint64_t on_ns, off_ns;	  /* ONOFF */
	const char *trace;	  /* TRACE: a file */
	int trace_times;	  /* enum sp_trace_times */
};

enum sp_backoff_reset { SP_BACKOFF_NEVER, SP_BACKOFF_REPLY };
enum sp_trace_times { SP_TRACE_ABSOLUTE, SP_TRACE_RELATIVE };

/* The rows of a profile; the first is its mode. */
extern const struct sp_opt sp_profile_rows[];

#endif
