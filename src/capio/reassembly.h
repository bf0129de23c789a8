/* Makes byte streams of captured TCP segments, and whole packets of IP fragments. Pure; memory is
 * bounded whatever comes.
 *
 * The policy. A stream is one direction between two endpoints. It begins with a SYN, or with the
 * first segment that brings bytes (begun is false then). Bytes of a SYN count; where the next
 * segment shows that the SYN itself took no number (captures that somebody made), it takes none.
 *
 * What was delivered is never delivered again; of octets that two segments claim differently the
 * first that came holds. Octets that come before their turn wait, up to conf.window of them a
 * stream and conf.memory in all. The hole before them is given up, told by gap(), when more would
 * wait, when they have waited for conf.patience_ns, or when the stream ends. Octets that the
 * capture cut off are a gap, too.
 *
 * A segment that is further than the window from what was expected is left out and counted
 * (outside). When the next one follows it, it was no stray: ahead, what lies between is a gap;
 * behind, a new stream begins. A SYN with another first number, and a SYN after the end, begin a
 * new stream of the same endpoints. A RST within the window ends both directions. What comes after
 * the end is left out and counted. Keep-alive probes, pure acknowledgements and padding bring no
 * bytes; a segment with SYN and FIN is left out.
 *
 * Fragments are put together by capio/defrag.h first. */
#ifndef SP_CAPIO_REASSEMBLY_H
#define SP_CAPIO_REASSEMBLY_H

#include "capio/packet_view.h"

struct sp_stream {
	struct sp_endpoint src, dst;
	uint32_t number;  /* of all that were seen, from 0 */
	uint32_t reverse; /* the other direction's number; UINT32_MAX: not seen (yet) */
	bool begun;	  /* its SYN was seen */
	bool client;	  /* it is the side that sent the SYN without ACK, as far as known */
	uint64_t bytes;	  /* delivered */
	uint64_t first_packet;
	int64_t first_ns;
	void *user; /* the caller's own; freed by nobody */
};

enum sp_stream_end {
	SP_STREAM_FIN,
	SP_STREAM_RST,
	SP_STREAM_AGAIN, /* the endpoints began a new one */
	SP_STREAM_FILE,	 /* the capture ended */
	SP_STREAM_LIMIT, /* there were more than max_streams */
};

/* What the caller is told, in order of the stream; a callback that fails (< 0) ends feed with that
 * code. Any may be NULL. They must not feed. */
struct sp_reassembly_ops {
	int (*begin)(void *arg, struct sp_stream *);
	/* data is valid during the call. t_ns and packet: those of the segment that completed it. */
	int (*bytes)(void *arg, struct sp_stream *, const uint8_t *data, size_t len,
		     int64_t t_ns, uint64_t packet);
	int (*gap)(void *arg, struct sp_stream *, uint64_t missing, int64_t t_ns);
	int (*end)(void *arg, struct sp_stream *, enum sp_stream_end, int64_t t_ns);
	/* IP packets that are not TCP, whole: a fragmented one when its last fragment came. payload
	 * is what is behind UDP's (any other protocol's: behind IP's) header, as far as it was
	 * captured. */
	int (*datagram)(void *arg, const struct sp_cap_view *, const uint8_t *payload,
			size_t len, int64_t t_ns, uint64_t packet);
};

struct sp_reassembly_conf {
	size_t memory;	      /* of all that waits; 0: 8 MiB */
	uint32_t window;      /* of a stream; 0: 1 MiB */
	uint32_t max_streams; /* the one that was silent for longest ends; 0: 65,536 */
	int64_t patience_ns;  /* how long a hole may last in the capture's time; 0: 30 s */
};

struct sp_reassembly_odd {
	/* Segments; differing: with other octets than one that waits. */
	uint64_t retransmitted, overlapping, differing, out_of_order, outside, after_end;
	uint64_t gaps, gap_bytes;
	uint64_t reused;	 /* streams that followed another one of the same endpoints */
	uint64_t pushed_out;	 /* streams that ended for SP_STREAM_LIMIT */
	uint64_t flags;		 /* segments with impossible ones: SYN and FIN, ... */
	uint64_t fragments;	 /* that came */
	uint64_t fragments_lost; /* whose packets never became whole */
	uint64_t fragments_overlapping, fragments_long; /* packets: given up; above 65535 */
	uint64_t events; /* how often any of these but fragments and gap_bytes rose */
};

struct sp_reassembly;
int sp_reassembly_new(struct sp_reassembly **, const struct sp_reassembly_conf *,
		      const struct sp_reassembly_ops *, void *arg, const struct sp_mem *);
/* HOT. The next packet of a capture. 0; -ENOMEM; or what a callback returned. */
int sp_reassembly_feed(struct sp_reassembly *, const struct sp_cap_packet *,
		       const struct sp_cap_view *);
/* The end of the file: everything that waits is delivered and every stream ends. */
int sp_reassembly_finish(struct sp_reassembly *);
const struct sp_reassembly_odd *sp_reassembly_odd(const struct sp_reassembly *);
void sp_reassembly_free(struct sp_reassembly *);

#endif
