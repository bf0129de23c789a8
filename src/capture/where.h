/* Which packets of a capture are wanted, by any field of any header that spate knows:
 * "ip.src=10.0.0.0/8,udp.dport=53|4000..4999". Conditions are joined by commas, and all must hold; of
 * the values of one, joined by |, any may. != holds where no header has such a value. Slow: each
 * packet is decoded. One thread. */
#ifndef SP_CAPTURE_WHERE_H
#define SP_CAPTURE_WHERE_H

#include <stdbool.h>

#include "base/err.h"
#include "capio/packet_view.h"
#include "pkt/hdr.h"

struct sp_where;

/* -EINVAL (exit 2) with the condition and what is wrong with it; -ENOMEM. */
int sp_where_new(struct sp_where **, const char *text, const struct sp_hdr_ops *const *hdrs,
		 const struct sp_mem *, struct sp_err *);
/* 1: it is wanted; 0: not; -ENOMEM. */
int sp_where_takes(struct sp_where *, const struct sp_cap_packet *, const struct sp_cap_view *);
void sp_where_free(struct sp_where *);

#endif
