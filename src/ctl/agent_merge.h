/* What several agents say becomes one result: the ledger of the whole run. A sender's result holds its
 * receivers' counts already (they compared them over a control session); receivers' own results
 * make the run's only where nobody sends. */
#ifndef SP_CTL_AGENT_MERGE_H
#define SP_CTL_AGENT_MERGE_H

#include "base/mem.h"
#include "core/result.h"

struct sp_merge_part {
	const char *host;
	const struct sp_result *r; /* its latest; NULL: it has said nothing */
	uint64_t clock_error_ns;
};

/* Fills streams, flows, transports, histograms, total, remarks, verdict and exit code of *out; all
 * in the arena. The rest is the caller's. Counts of a host that said nothing are missing, so the
 * caller says so. 0 or -ENOMEM. */
int sp_agent_merge(struct sp_result *out, const struct sp_merge_part *, unsigned n,
		   struct sp_arena *);

#endif
