/* The table that traffic-reproducer's users know: every two seconds, as text. */
#ifndef SP_COMPAT_REPRODUCER_TABLE_H
#define SP_COMPAT_REPRODUCER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct sp_event;

#define SP_REPRO_TABLE_NS 2000000000ull

struct sp_repro_table {
	bool on;	  /* else only what is too slow is told */
	uint64_t next_ns; /* when it is printed next, on the run's clock; 0: at once */
	double delay, queue, sleep; /* running averages, the newest weighing 0.7 */
};

/* Each event: appends to out what is to be printed now, if it is time. */
void sp_repro_table(struct sp_repro_table *, const struct sp_event *, struct sp_str *out);

#endif
