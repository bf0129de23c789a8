/* What a replay has to say of its captures when it is over. */
#ifndef SP_SOURCE_CAPTURE_REMARKS_H
#define SP_SOURCE_CAPTURE_REMARKS_H

#include "plugin/source.h"
#include "source/capture/ahead.h"

/* After sp_ahead_stop. */
void sp_remarks(const struct sp_ahead *, const struct sp_source_report *);

#endif
