/* The dialogue lane's streams of recorded messages: a source says when each unit leaves and which
 * session it belongs to (plugin/source.h), and each session has a connection of its own with the
 * machine of engine/recorded.h. The schedule is the source's: the lane's own timer follows it, and
 * nothing of it is ever skipped, since a stream of bytes with a hole is none. */
#ifndef SP_ENGINE_DIALOGUE_PLAY_H
#define SP_ENGINE_DIALOGUE_PLAY_H

#include "engine/again.h"
#include "engine/recorded.h"
#include "plugin/source.h"

/* Octets that may wait in all sessions of a stream: from then on the stream itself waits. */
#define SP_PLAY_WAITING (32u << 20)

struct sp_dialogue;
struct sp_dialogue_stream;

enum sp_play_state {
	SP_PLAY_UNUSED, /* no message yet */
	SP_PLAY_OPEN,	/* has a slot: a connection, or waits for the next one */
	SP_PLAY_OVER,	/* ended cleanly */
	SP_PLAY_FAILED, /* and what is still to come for it is refused */
};

struct sp_dialogue_session {
	struct sp_recorded rec;
	struct sp_recorded_proto proto;
	struct sp_dialogue_end *end; /* its machine */
	struct sp_source_session as;
	uint32_t ep;
	/* The lane's. */
	uint32_t slot;
	uint64_t until_ns; /* it is begun again until then; 0: not lost */
	struct sp_again again;
	uint64_t since_ns; /* of the present connection */
	int error;	   /* negative errno of what failed last */
	/* Read by control. */
	uint8_t state;	    /* enum sp_play_state */
	uint8_t why;	    /* enum sp_why: how it was lost last; NONE: never */
	uint32_t lost;	    /* so many times */
	uint32_t code;	    /* the protocol's, with reason */
	const char *reason; /* static; NULL */
	int told_error;
	uint64_t left, left_bytes; /* units */
	uint64_t first_left_ns, last_left_ns;
};

struct sp_dialogue_play {
	/* Set by the caller. */
	const struct sp_source_ops *ops;
	struct sp_source *source;
	struct sp_dialogue_session *session;
	uint32_t n;
	uint64_t reconnect_ns; /* so long is a lost session tried again; 0: never */
	uint64_t start_ns;     /* the source's beginning; absolute once armed */
	/* The lane's. */
	uint8_t *unit;
	size_t unit_cap;
	uint64_t due_ns; /* of the next unit */
	uint32_t size, slot;
	bool keep_open; /* the source says that nothing comes, and that it is not at its end */
	bool more, at_once, full, ending;
	uint64_t waiting; /* octets */
	uint32_t open;	  /* sessions with a slot */
	/* Read by control. */
	uint64_t issued; /* units that the source has given */
	struct sp_recorded_counts counts;
};

/* Where its sessions come from: all of them. 0, -ENOMEM. */
int sp_play_init(struct sp_dialogue_play *, const struct sp_mem *);
void sp_play_fini(struct sp_dialogue_play *, const struct sp_mem *);
/* At T0: the source begins. 0, -ENOBUFS, -ENOMEM. */
int sp_play_arm(struct sp_dialogue *, struct sp_dialogue_stream *);
/* Everything that others had to send has left: the sessions end, unless they are kept. */
void sp_play_last(struct sp_dialogue *, struct sp_dialogue_stream *);
/* Now: what waits is given up. */
void sp_play_stop(struct sp_dialogue *, struct sp_dialogue_stream *);
/* What still waits without a connection is given up for good. */
void sp_play_give_up(struct sp_dialogue_stream *);
static inline bool sp_play_over(const struct sp_dialogue_play *p)
{
	return !p->more && !p->open;
}

#endif
