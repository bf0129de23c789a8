/* Consent (DESIGN 10): which resolved target may be sent what, before any socket opens. */
#ifndef SP_ENGINE_GUARD_H
#define SP_ENGINE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/clock.h"
#include "core/shared.h"
#include "engine/segment.h"
#include "plugin/permit.h"

/* Limits of the run's asked total over all addresses outside the user's own network. */
#define SP_GUARD_PUBLIC_PPS 1000u
#define SP_GUARD_PUBLIC_BPS 10000000u

/* Addresses from first to last, of one family: what a varying target may be. */
struct sp_guard_range {
	struct sp_addr first, last;
};

struct sp_guard_ask {
	struct sp_endpoint to;
	const struct sp_guard_range *range; /* all its targets, when it is not `to` alone */
	unsigned n_ranges;
	bool subnet_broadcast; /* of an own interface's subnet; filled by the resolver */
	bool public_link;    /* it may leave by an interface with an address that is not own */
	bool own_host;	     /* an address of this host */
	double pps, bps;     /* asked; INFINITY for max */
	bool unbounded;	     /* no planned end */
	bool foreign_source; /* a source that is not this host's */
	bool syn;	     /* frames that open TCP connections which nobody goes on with */
	bool no_ip;    /* frames of another kind: to has no address, range what is inside */
	bool own_link; /* no_ip: the interface is of the user's own network */
	const struct sp_segment *segment; /* the test segment that it leaves into; NULL: none */
};

struct sp_guard_conf {
	bool allow_broadcast;
	bool listen;	     /* the run receives */
	bool nothing_leaves; /* loop, null, pcap: nothing is sent to the address at all */
	bool may_lease;	     /* there is somebody who can ask for leases */
};

/* Judges all asks together. 0: *permit is filled (its arrays from arena, each endpoint once).
 * What only the far end may allow has an empty lease in it: until that is filled nothing may be
 * opened towards it.
 * -EACCES, exit 77: the sentence names the address, its class, the limit, and how to get
 * consent. */
int sp_guard_judge(const struct sp_guard_ask *, unsigned n, const struct sp_guard_conf *,
		   struct sp_arena *, struct sp_permit *permit, struct sp_err *);

/* What is in ranges: is there an address outside the own networks, or a broadcast one? *bad is the
 * first to which nothing may be sent at all; false: there is none. */
struct sp_guard_reach {
	bool outside, broadcast;
	struct sp_addr bad, example; /* example: of outside */
};
bool sp_guard_reach(const struct sp_guard_range *, unsigned n, struct sp_guard_reach *);

/* Does it leave into a test segment that is needed, because the target is outside the user's own
 * network or the source is another host's? */
bool sp_guard_needs_segment(const struct sp_guard_ask *, const struct sp_guard_conf *);
/* Is this target outside the user's own network? Then what is sent to it counts against the
 * limits: the lane asks sp_guard_meter_take() before each of its units. */
bool sp_guard_is_metered(const struct sp_guard_ask *, const struct sp_guard_conf *);

/* HOT. May so many more packets leave under this lease at now_ns? All or none. */
bool sp_guard_lease_take(struct sp_lease *, uint64_t now_ns, uint64_t packets);
static inline bool sp_guard_lease_over(const struct sp_lease *l, uint64_t now_ns)
{
	return now_ns >= SP_LOAD(l->until_ns);
}

/* Counts what is sent outside the own network, so that the limits hold while sending too: of any
 * SP_GUARD_WINDOW_NS, wherever it begins. Zero is an empty one. */
#define SP_GUARD_WINDOW_NS (990 * SP_NS_PER_MS)
struct sp_guard_meter {
	uint64_t bits;	       /* of those in the window */
	uint32_t first, n;     /* which those are */
	struct sp_guard_sent { /* a ring */
		uint64_t at_ns;
		uint32_t bytes;
	} sent[SP_GUARD_PUBLIC_PPS];
};
/* HOT. May one more unit of bytes leave at now_ns? The limits are the run's: one meter for all
 * that a run sends. */
bool sp_guard_meter_take(struct sp_guard_meter *, uint64_t now_ns, uint32_t bytes);

/* What a byte stream makes of bytes, about: leases and limits are in packets. */
#define SP_GUARD_SEGMENT 1400u
static inline uint64_t sp_guard_packets(uint64_t bytes)
{
	return bytes / SP_GUARD_SEGMENT + 1;
}

/* How a stream over connections is judged: by its lease, by the meter, or not at all. */
struct sp_guard_stream {
	struct sp_lease *lease; /* NULL: none */
	bool metered;
};
/* HOT. May so many more bytes be written at now_ns? */
static inline bool sp_guard_bytes_take(const struct sp_guard_stream *s,
				       struct sp_guard_meter *m, uint64_t now_ns,
				       uint64_t bytes)
{
	if (s->lease)
		return sp_guard_lease_take(s->lease, now_ns, sp_guard_packets(bytes));
	return !s->metered || sp_guard_meter_take(m, now_ns, (uint32_t)bytes);
}
static inline bool sp_guard_stream_over(const struct sp_guard_stream *s, uint64_t now_ns)
{
	return s->lease && sp_guard_lease_over(s->lease, now_ns);
}

#endif
