/* Echo requests (ICMP, ICMPv6) over frames: whoever gets one sends its bytes back, and with them the
 * stamp, which says whose it was and when it left. So answers are verified as a receiver's units
 * are, and take any number at a time, late ones and copies too. */
#ifndef SP_ENGINE_ECHO_H
#define SP_ENGINE_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "engine/echo_plain.h"
#include "pkt/batch.h"
#include "plugin/stamp.h"

/* Of the one worker that receives for a run. */
struct sp_echo {
	const struct sp_stamp_ops *native, *shorter;
	uint32_t first_id, n;	     /* flow ids of the run's streams */
	const struct sp_addr *to;    /* one a stream */
	struct sp_echo_plain *plain; /* the streams without a stamp */
	uint32_t n_plain;
	/* ICMP errors (unreachable, time exceeded, ...) about what a stream sent, one a stream.
	 * One writer, others read relaxed. */
	uint64_t *errors;
};

/* HOT. What a frame is to a sender of echo requests. True: an echo reply, narrowed to the bytes that
 * came back, as lane_rx narrows a receiver's. False: it is none, or was counted: errors, and answers
 * to what has no stamp. */
bool sp_echo_take(struct sp_echo *, struct sp_msg *);

#endif
