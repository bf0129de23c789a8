/* Whole packets out of IP fragments (RFC 791 3.2, RFC 8200 4.5). Pure; memory is bounded.
 *
 * A packet whose fragments overlap is given up (RFC 5722, also done for IPv4), fragments that came
 * twice are not; so is one that would be longer than 65535 octets or has more than 1024 fragments. One
 * of which a fragment was cut by the capture never becomes whole. One that has not become whole after 60 s of the capture's time, or is the
 * oldest when there are too many, is lost. */
#ifndef SP_CAPIO_DEFRAG_H
#define SP_CAPIO_DEFRAG_H

#include "capio/packet_view.h"

#define SP_DEFRAG_PACKETS 256u /* that may be incomplete at a time */

struct sp_defrag_odd {
	uint64_t fragments, lost;	/* lost: fragments of packets that never became whole */
	uint64_t overlapping, too_long; /* packets that were given up */
};

struct sp_defrag;
/* memory: of fragments that wait; 0: 4 MiB. -ENOMEM. */
int sp_defrag_new(struct sp_defrag **, size_t memory, const struct sp_mem *);
/* Takes a fragment (view.v.fragment). 1: its packet is whole: IP without options or extension headers
 * in front of it, *out is a packet of link type raw, *view its view; both live until the next call.
 * 0: not yet, or never. -ENOMEM. */
int sp_defrag_put(struct sp_defrag *, const struct sp_cap_packet *, const struct sp_cap_view *,
		  struct sp_cap_packet *out, struct sp_cap_view *view);
/* What is incomplete is lost. */
void sp_defrag_finish(struct sp_defrag *);
const struct sp_defrag_odd *sp_defrag_odd(const struct sp_defrag *);
void sp_defrag_free(struct sp_defrag *);

#endif
