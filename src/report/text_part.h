/* The text report's sections, each with its heading and without a blank line around. Internal
 * to report. */
#ifndef SP_REPORT_TEXT_PART_H
#define SP_REPORT_TEXT_PART_H

#include "base/str.h"
#include "core/result.h"

#define SP_TEXT_LABEL 16u /* columns of "  label         " */

void sp_text_label(struct sp_str *, const char *label);
void sp_text_ledger(struct sp_str *, const struct sp_result *);
void sp_text_rates(struct sp_str *, const struct sp_result *);
/* What is asked where it is no one rate: "max", "varying" (stages change it), "unknown". */
const char *sp_text_no_rate(const struct sp_result *);
void sp_text_times(struct sp_str *, const struct sp_result *);
void sp_text_streams(struct sp_str *, const struct sp_result *);
/* What the kernel knows of each stream's connections; nothing where there are none. */
void sp_text_ways(struct sp_str *, const struct sp_result *);
void sp_text_statuses(struct sp_str *, const struct sp_result *);
void sp_text_transports(struct sp_str *, const struct sp_result *);
/* replies.c; with a blank line before, or nothing. */
void sp_text_replies(struct sp_str *, const struct sp_result *);
/* parts.c; with a blank line before, or nothing. */
void sp_text_hosts(struct sp_str *, const struct sp_result *);
void sp_text_expectations(struct sp_str *, const struct sp_result *);

/* At most so many streams have a row of their own. */
#define SP_TEXT_STREAMS 20u

#endif
