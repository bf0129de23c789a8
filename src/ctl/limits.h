/* Every bound of the control channel in one place, with its reason. The constants are the
 * protocol's and the memory's; struct sp_ctl_limits holds those times and numbers that a test
 * shortens. */
#ifndef SP_CTL_LIMITS_H
#define SP_CTL_LIMITS_H

#include <stdint.h>

#include "core/clock.h"

/* One record on the wire. Large enough for a flow's counts with its delay summary (184 bytes of
 * body); one size for all types, so that no length field has to be believed. */
#define SP_CTL_RECORD	       208u
#define SP_CTL_BODY	       192u

/* What a peer costs before it has shown the cookie (DESIGN 10): all of a connection's state. */
#define SP_CTL_CONN_BYTES      1024u

/* Records that wait in user space for a slow reader: 6.5 KiB a session, and one system call for
 * 32 flows. Counts are made from a cursor when there is room again, never ahead. */
#define SP_CTL_OUT_RECORDS     32u
/* The kernel's part of the same: SO_SNDBUF, which Linux doubles to 256 KiB. */
#define SP_CTL_SNDBUF	       (128 * 1024)

/* Records that one connection may have handled (in) or made (out) in one step, so that a
 * flooding or fast one cannot hold up the others: about 200 KiB, well below 1 ms. */
#define SP_CTL_TURN	       1024u
/* Connections taken from one listener in one step, for the same reason. */
#define SP_CTL_ACCEPTS	       64

/* Flows in one ask. The run's own limit (--max-flows) is what really binds; this one keeps an
 * absurd number from reaching it. */
#define SP_CTL_FLOWS_MAX       (1u << 20)
/* Sets of histograms that a client keeps for one receiver: 60 KiB each. A receiver has one a
 * stream for at most 64 streams unless asked for more. What exceeds this is left out. */
#define SP_CTL_HISTS_MAX       1024u

/* Exchanges of the first clock estimate: the smallest round trip of 8 is close to the smallest
 * there is, and 8 on a LAN take a few ms. */
#define SP_CTL_CLOCK_EXCHANGES 8u
/* What two quartz clocks under NTP may drift apart, for the ageing of an estimate: 100 ppm. */
#define SP_CTL_DRIFT_DIV       10000u
/* The clock's own granularity, added to every error bound that is not exactly 0. */
#define SP_CTL_CLOCK_GRAIN_NS  1u
/* Larger than any offset of two CLOCK_MONOTONIC (146 years): what exceeds it is nonsense. */
#define SP_CTL_OFFSET_MAX      (INT64_C(1) << 62)

/* Larger than any count of packets or bytes that a run can reach (72 PB): what exceeds it is
 * nonsense, and sums of what does not stay far from overflow. */
#define SP_CTL_COUNT_MAX       (UINT64_C(1) << 56)

/* Polls of a session's totals, 5 ms apart, that must show no change before its counts are
 * final: 20 ms. Counted in polls and not in time, so that a stopped process does not pass
 * for a quiet one. */
#define SP_CTL_POLL_NS	       (5 * SP_NS_PER_MS)
#define SP_CTL_QUIET_POLLS     4u

/* Timers are rounded up to this, so that a thousand sessions do not make a wake-up each. */
#define SP_CTL_GRID_NS	       SP_NS_PER_MS

/* The longest term of a lease (DESIGN 10), and of it the part after which it is renewed. */
#define SP_CTL_LEASE_NS	       (30 * SP_NS_PER_S)
#define SP_CTL_LEASE_RENEW_DIV 2u
/* Packets that a lease is asked for beyond the rate: what catching up after a stall may take. */
#define SP_CTL_LEASE_SLACK_NS  (2 * SP_NS_PER_S)

/* TLS handshakes at once: what a session of OpenSSL costs before its peer is known is 32 KiB, so
 * this many and no more. Only who names a key that is trusted gets one; the oldest makes room. */
#define SP_CTL_HANDSHAKES      32u

/* After a failed accept for want of descriptors or memory: how long the listeners rest. */
#define SP_CTL_REST_NS	       (100 * SP_NS_PER_MS)

/* A peer that lost power neither closes nor answers: the kernel finds out in this time. */
#define SP_CTL_DEAD_MS	       10000

struct sp_ctl_limits {
	/* server */
	/* At once, and never more than half of the descriptors that the process may have; beyond,
	 * the oldest one without a session goes, or the session that is silent for longest. */
	uint32_t conns;
	uint64_t hello_ns; /* from accept to a granted ask */
	/* Silence that ends a session: after its planned end, and before it where a newcomer finds
	 * no room. Senders ask for the time each second. */
	uint64_t silent_ns;
	/* Between live totals: twice a second, the first after half of it, so that a sender that
	 * ticks once a second has a fresh one at each tick, whatever is a little early or late. */
	uint64_t sample_ns;
	uint64_t lease_ns; /* longest term that is given or asked for */
	uint64_t drain_ns; /* longest wait for what is still in the receiver's socket buffer */
	/* client */
	uint64_t discovery_ns; /* for connect, hello and grant of all targets together */
	uint64_t keyed_ns;     /* the same where TLS comes first: more round trips, far peers */
	uint64_t clock_ns;     /* for the first clock exchanges where one is done already */
	uint64_t clock_max_ns; /* for the first exchange at all (a far peer) */
	uint64_t refresh_ns;   /* between clock exchanges during the run */
	uint64_t counts_ns; /* for the final counts of all: the drain, and 300 ms beside it */
};

static inline struct sp_ctl_limits sp_ctl_limits_default(void)
{
	return (struct sp_ctl_limits){
		.conns = 2048,
		.hello_ns = 3 * SP_NS_PER_S,
		.silent_ns = 10 * SP_NS_PER_S,
		.sample_ns = SP_NS_PER_S / 5, /* so that a tick's is at most 0.2 s old */
		.drain_ns = 250 * SP_NS_PER_MS,
		.lease_ns = SP_CTL_LEASE_NS,
		.discovery_ns = 300 * SP_NS_PER_MS,
		.keyed_ns = 3 * SP_NS_PER_S,
		.clock_ns = 50 * SP_NS_PER_MS,
		.clock_max_ns = 250 * SP_NS_PER_MS,
		.refresh_ns = SP_NS_PER_S,
		.counts_ns = 600 * SP_NS_PER_MS,
	};
}

#endif
