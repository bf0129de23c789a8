/* The final report for people: what was asked, the verdict, the ledger with its identities,
 * rates, times, streams, transports, remarks. 80 columns as far as the figures allow, ASCII. */
#ifndef SP_REPORT_TEXT_H
#define SP_REPORT_TEXT_H

#include <stdbool.h>

#include "base/str.h"
#include "core/result.h"
#include "report/json.h"

/* Of the end event (or of an interval: the report so far). color: with ANSI colours. */
void sp_report_text(struct sp_str *out, const struct sp_event *, const struct sp_report_env *,
		    bool color);

#endif
