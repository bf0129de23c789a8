/* The engine's own machine for recorded messages: one session of them (plugin/source.h), over one
 * connection after the other. Units come in when they are due (put) and wait in a queue; what a
 * codec knows of the protocol's peer is obeyed: messages that wait leave only when the session is
 * established, fillers keep it awake, its end is the session's end.
 *
 * A unit is one or more whole messages. A session that begins again on a new connection says its
 * opening again: the last message that begins a session and those that others need (templates, a
 * peer that is up). A message that a broken connection had taken in part is sent whole on the
 * next. */
#ifndef SP_ENGINE_RECORDED_H
#define SP_ENGINE_RECORDED_H

#include "base/mem.h"
#include "core/clock.h"
#include "plugin/codec.h"
#include "plugin/proto.h"

/* The peer must have answered a session's beginning by then. */
#define SP_RECORDED_ANSWER_NS (30 * SP_NS_PER_S)
/* A peer that takes no octet for so long is gone. */
#define SP_RECORDED_STALL_NS  (60 * SP_NS_PER_S)
/* At the end the peer's last bytes and its end are awaited so long. */
#define SP_RECORDED_LINGER_NS (2 * SP_NS_PER_S)
/* An opening that is longer is not kept whole. */
#define SP_RECORDED_OPENING   (1u << 20)

/* What a stream's sessions have done, together; read by control. */
struct sp_recorded_counts {
	uint64_t sessions;  /* that have begun */
	uint64_t messages;  /* of the capture that left, as their protocol counts them */
	uint64_t fillers;   /* of our own */
	uint64_t again;	    /* sessions begun again on another connection */
	uint64_t waited;    /* units that waited for the peer's answer or a connection */
	uint64_t waited_ns; /* the longest of them */
	uint64_t answers;   /* octets of the peers */
};

enum sp_recorded_out {
	SP_RECORDED_NOTHING,
	SP_RECORDED_RECALL, /* the opening once more */
	SP_RECORDED_FILLER,
	SP_RECORDED_MESSAGE, /* the first of the queue */
	SP_RECORDED_FAREWELL,
};

struct sp_recorded_done {
	struct sp_txn txn;
	uint64_t held_ns; /* so long the unit was not allowed to leave */
};

/* A session. The caller sets the first group, and zeros the rest. */
struct sp_recorded {
	const struct sp_mem *mem;
	const struct sp_codec_ops *codec; /* NULL: bytes that nobody knows */
	struct sp_recorded_counts *counts;

	uint8_t *bytes; /* the queue: heads and octets of messages, [head, tail) */
	size_t cap, head, tail;
	uint64_t units; /* in it, one that is part-way sent included */
	uint8_t *opening;
	size_t opening_len, opening_cap;
	void *said;	/* the codec's, of our side */
	bool connected; /* once, at least */
	bool forgotten; /* its opening, which was too long to be kept */
	bool ending, hurry;

	/* Of the present connection. */
	void *peer; /* the codec's */
	struct sp_codec_talk talk;
	enum sp_recorded_out out;
	const uint8_t *at;
	size_t len, off;
	/* recall: the opening is to be said again. deaf: the peer's octets make no
	 * sense. greeted: an opening was sent. parted: the farewell was. shut: and all that. */
	bool recall, deaf, greeted, parted, shut;
	bool again; /* the next message begins the session anew: on another connection */
	uint64_t released_ns; /* when what waited could leave; 0: it never waited */
	uint64_t
		blocked_ns; /* since when the first message waits for an answer; 0: it does not; read
			     * by control */
	uint64_t sent_ns, moved_ns, linger_ns;
	uint64_t left; /* units */

	/* Why the connection is over. */
	bool ended; /* all was said */
	enum sp_why why;
	const char *reason; /* static; NULL */
	uint32_t code;	    /* the protocol's, with reason */

	/* Outcomes to be fetched; held_ns: of the one that was fetched last. */
	struct sp_recorded_done done[SP_WISH_OUT];
	uint32_t n_done, told;
	uint64_t held_ns;
	uint64_t start_ns; /* when the first octet of the present unit left */
	uint64_t unit_bytes;
};

/* sp_proto of the machine, for init. */
struct sp_recorded_proto {
	struct sp_recorded *session;
};
static inline const struct sp_proto *sp_recorded_proto(const struct sp_recorded_proto *p)
{
	return (const struct sp_proto *)(const void *)p;
}

/* mem, codec and counts are set. 0 or -ENOMEM. */
int sp_recorded_init(struct sp_recorded *);
void sp_recorded_fini(struct sp_recorded *);
/* HOT, but for a queue that grows. A unit that is due since due_ns; 0 or -ENOMEM. The machine (if it
 * has a connection) is to be asked for its wish then. */
int sp_recorded_put(struct sp_recorded *, const uint8_t *, size_t len, uint64_t due_ns);
/* Nothing more comes: it ends when its queue is empty. hurry: no long waiting for the peer. */
void sp_recorded_end(struct sp_recorded *, bool hurry);
/* Gives up what waits: so many units. A message that is part-way out stays, unless all go. */
uint64_t sp_recorded_drop(struct sp_recorded *, bool all);
/* Is there something that needs a connection? */
bool sp_recorded_needs(const struct sp_recorded *);

/* The machine; start is never called. on_timer may be called at any time, asks for the wish again,
 * and should be called now and then while something is to be written. */
extern const struct sp_proto_ops sp_recorded_ops;

#endif
