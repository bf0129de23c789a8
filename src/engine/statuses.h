/* Answers by status: counted by a worker, merged by control. */
#ifndef SP_ENGINE_STATUSES_H
#define SP_ENGINE_STATUSES_H

#include "core/result.h"

/* HOT. n answers of this status. The status that came first is found first: mostly the only
 * one. */
void sp_statuses_add(struct sp_status_counts *, uint32_t status, uint64_t n);
/* Any thread: adds what another one has counted so far. */
void sp_statuses_merge(struct sp_status_counts *to, const struct sp_status_counts *from);

#endif
