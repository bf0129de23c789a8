/* The percentile distribution of a histogram as HdrHistogram prints it (.hgrm), for its plotters
 * and for eyes. Values are microseconds, exact to the bucket (1.6 %). */
#ifndef SP_REPORT_HGRM_H
#define SP_REPORT_HGRM_H

#include "base/str.h"
#include "core/hist.h"

/* Values below zero stand in front as one line, with the smallest of them. */
void sp_report_hgrm(struct sp_str *out, const struct sp_hist *);

#endif
