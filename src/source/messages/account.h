/* What became of recorded messages: counts for each session and for each time that a capture is played,
 * of units that came due and of those that left, and when. One writer, the source's worker; read by
 * control at any time. Knows no clock: times come in. */
#ifndef SP_SOURCE_MESSAGES_ACCOUNT_H
#define SP_SOURCE_MESSAGES_ACCOUNT_H

#include <stdint.h>

#include "base/mem.h"

/* Units that were filled in, and of which nobody has said yet what became of them: no lane has more
 * under way. */
#define MSG_UNDER_WAY 4096u

struct msg_sum {
	uint64_t asked, asked_bytes; /* that came due */
	uint64_t left, left_bytes;
	uint64_t first_ns, last_ns; /* when some left; 0: none did */
	uint64_t first_late_ns;	    /* the first of them */
};

struct msg_account {
	struct msg_sum *session, *play; /* [n_sessions], [n_plays] */
	struct msg_filled {
		uint64_t due_ns;
		uint32_t session, play, len;
	} * filled; /* [MSG_UNDER_WAY] */
	uint32_t n_sessions, n_plays;
	uint32_t head, tail; /* free running */
};

/* 0 or -ENOMEM; sp_msg_account_fini in both cases. */
int sp_msg_account_init(struct msg_account *, uint32_t sessions, uint32_t plays,
			const struct sp_mem *);
void sp_msg_account_fini(struct msg_account *, const struct sp_mem *);
/* HOT. A unit came due and was filled in; len 0: it is none. */
void sp_msg_account_filled(struct msg_account *, uint32_t session, uint32_t play, uint32_t len,
			   uint64_t due_ns);
/* HOT. The n that were filled in before all others of which this was not said: they left at now_ns; 0:
 * they never will. */
void sp_msg_account_left(struct msg_account *, uint32_t n, uint64_t now_ns);
/* Control's. */
void sp_msg_sum_read(const struct msg_sum *, struct msg_sum *out);

#endif
