/* Makes byte streams of captured TCP segments, and whole packets of IP fragments. Pure; memory is
 * bounded whatever comes.
 *
 * The policy. A stream is one direction between two endpoints. It begins with a SYN, or where it
 * was first seen (begun is false then). Bytes of a SYN count. What was delivered is never delivered
 * again; of octets that two segments claim differently the first that came holds. Bytes that come
 * before their turn wait (up to conf.window octets a stream, conf.memory in all); when more would
 * wait, or the stream ends, the hole is told by gap() and what waits is delivered. A segment that
 * is outside of the window counts as odd and is left out. A SYN with another first number, or a
 * SYN after the end, is a new stream of the same endpoints. Keep-alive probes, pure
 * acknowledgements and padding bring no bytes. */
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

enum sp_stream_end { SP_STREAM_FIN, SP_STREAM_RST, SP_STREAM_AGAIN, SP_STREAM_FILE };

/* What the caller is told, in order of the stream; a callback that fails (< 0) ends feed with that
 * code. Any may be NULL. */
struct sp_reassembly_ops {
	int (*begin)(void *arg, struct sp_stream *);
	/* data is valid during the call. t_ns and packet: those of the segment that completed it. */
	int (*bytes)(void *arg, struct sp_stream *, const uint8_t *data, size_t len,
		     int64_t t_ns, uint64_t packet);
	int (*gap)(void *arg, struct sp_stream *, uint64_t missing, int64_t t_ns);
	int (*end)(void *arg, struct sp_stream *, enum sp_stream_end, int64_t t_ns);
	/* Datagrams and other packets, whole: a fragmented one when its last fragment came. payload
	 * is what is behind UDP's (any other protocol's: behind IP's) header. */
	int (*datagram)(void *arg, const struct sp_cap_view *, const uint8_t *payload,
			size_t len, int64_t t_ns, uint64_t packet);
};

struct sp_reassembly_conf {
	size_t memory;	      /* of all that waits; 0: 8 MiB */
	uint32_t window;      /* of a stream; 0: 1 MiB */
	uint32_t max_streams; /* the one that was silent for longest ends; 0: 65,536 */
};

struct sp_reassembly_odd {
	uint64_t retransmitted, overlapping, differing; /* segments; differing: other octets */
	uint64_t out_of_order, outside, gaps, gap_bytes;
	uint64_t fragments, fragments_lost, fragments_overlapping;
	uint64_t flags; /* impossible ones: SYN and FIN, ... */
};

struct sp_reassembly;
int sp_reassembly_new(struct sp_reassembly **, const struct sp_reassembly_conf *,
		      const struct sp_reassembly_ops *, void *arg, const struct sp_mem *);
/* The next packet of a capture. 0; -ENOMEM; or what a callback returned. */
int sp_reassembly_feed(struct sp_reassembly *, const struct sp_cap_packet *,
		       const struct sp_cap_view *);
/* The end of the file: everything that waits is delivered and every stream ends. */
int sp_reassembly_finish(struct sp_reassembly *);
const struct sp_reassembly_odd *sp_reassembly_odd(const struct sp_reassembly *);
void sp_reassembly_free(struct sp_reassembly *);

#endif
