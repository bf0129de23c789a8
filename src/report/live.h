/* What one sees while a run goes on: on a terminal a table that is redrawn in place, elsewhere
 * one line an interval. Writes into a struct sp_str only; the caller writes that out in one go. */
#ifndef SP_REPORT_LIVE_H
#define SP_REPORT_LIVE_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"
#include "core/result.h"

struct sp_live_conf {
	bool terminal;	     /* redraw in place */
	bool color;	     /* see sp_live_color */
	unsigned rows, cols; /* of the terminal; 0: 24 x 80 */
	unsigned every_s;    /* seconds between two drawings; 0: 1 */
};

/* Whether to colour: a terminal that can, and no NO_COLOR (see no-color.org: set and not empty).
 * no_color and term are the values of NO_COLOR and TERM, or NULL. */
bool sp_live_color(bool terminal, const char *no_color, const char *term);

struct sp_live;

/* 0 or -ENOMEM. */
int sp_live_new(struct sp_live **, const struct sp_live_conf *, const struct sp_mem *mem);
void sp_live_free(struct sp_live *);
/* The terminal's new size, after SIGWINCH; counts from the next drawing on. */
void sp_live_resize(struct sp_live *, unsigned rows, unsigned cols);
/* Appends what the event is to show: nothing when the last drawing is not old enough.
 * Remarks are written above the table and stay. The end's picture stays too, with the cursor
 * below it. */
void sp_live_event(struct sp_live *, const struct sp_event *, struct sp_str *out);

#endif
