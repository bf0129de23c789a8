/* Puts a receiver's counts together from its records. Pure, but for the allocator. What a peer
 * claims never sizes anything: the flows are those we asked for, the histograms are bounded. */
#ifndef SP_CTL_CLIENT_COUNTS_H
#define SP_CTL_CLIENT_COUNTS_H

#include "ctl/messages.h"

struct sp_ctl_gather {
	const struct sp_mem *mem;
	uint32_t n_flows; /* that we asked for */
	bool tally_each;  /* what the grant said */
	struct sp_peer_counts pc;
	bool opened, skip_hists;
	uint32_t next_flow;
	uint64_t next_hist;   /* index * SP_CTL_WHICH__N + which must not be below */
	struct sp_hist *hist; /* whose buckets come */
	uint64_t left;	      /* units that its buckets still have to hold */
};

void sp_ctl_gather_init(struct sp_ctl_gather *, const struct sp_mem *, uint32_t n_flows,
			bool tally_each);
void sp_ctl_gather_fini(struct sp_ctl_gather *);
/* One record. 0: go on; 1: complete, pc is valid; -ENODATA: the receiver has nothing to tell;
 * -EBADMSG: not what a receiver says; -ENOMEM. */
int sp_ctl_gather_take(struct sp_ctl_gather *, const struct sp_ctl_msg *);

#endif
