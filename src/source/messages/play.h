/* When recorded messages leave: captures one after the other, gaps by a factor, each capture perhaps
 * at its own second of the minute, for one or many exporters. Integers in and out; units come from the
 * feed.
 *
 * Of one, units leave in the order of the feed. Of many exporters each plays its source's units at times
 * of its own, so that units stay in memory from the first exporter that plays them to the last: what
 * the spread covers of the captures, and what is due at one instant. */
#ifndef SP_SOURCE_MESSAGES_PLAY_H
#define SP_SOURCE_MESSAGES_PLAY_H

#include "base/factor.h"
#include "source/messages/feed.h"

#define MSG_MINUTE_NS (60 * SP_NS_PER_S)
#define MSG_PLAYS_MAX 100000u /* captures, repetitions counted */

struct msg_play_conf {
	const struct msg_store *store;
	struct msg_feed *feed; /* borrowed; at its beginning */
	struct sp_factor factor;
	const uint32_t *order; /* captures in the order in which they are played */
	uint32_t n;
	bool sync;
	uint32_t exporters; /* 0: sources play what is theirs, in the file's order */
	uint64_t spread_ns; /* exporter k is k/exporters of it behind */
};

/* An exporter. */
struct msg_cursor {
	uint64_t due_ns;
	uint64_t unit;	 /* in the window: the next one to leave */
	uint32_t parked; /* the next one, index + 1, that waits for a unit of the same source */
};

struct msg_play {
	const struct sp_mem *mem;
	struct msg_play_conf conf;
	uint64_t *start_ns; /* [conf.n + 1]: when each begins; the last is the end */
	uint64_t due_ns;    /* of the last unit that the feed gave, of exporter 0 */
	uint64_t pulled;    /* units that the feed gave */
	bool over;	    /* and gives no more */
	bool failed;	    /* for want of memory */
	/* of exporters */
	struct sp_store *window;
	uint64_t first; /* of the window */
	struct msg_cursor *cursor;
	uint32_t *heap; /* those that have a unit */
	uint32_t n;
	uint32_t *parked;  /* [sources]: those that have none, index + 1 */
	uint64_t *last_of; /* [sources]: the last unit of it, + 1 */
};

struct msg_due {
	uint64_t due_ns;
	uint64_t number; /* play.c's own */
	struct msg_unit unit;
	uint32_t exporter;
};

/* conf.order is borrowed. 0 or -ENOMEM. */
int sp_msg_play_init(struct msg_play *, const struct msg_play_conf *, const struct sp_mem *);
/* Once, from t0 on; real_ns is what the clock of days says at t0: what sync goes by. */
void sp_msg_play_begin(struct msg_play *, uint64_t t0_ns, int64_t real_ns);
/* HOT. False: all were given, or there is no memory (failed). The unit's octets are there until it is
 * done. */
bool sp_msg_play_next(struct msg_play *, struct msg_due *);
/* HOT. It has left, or will not; in the order of sp_msg_play_next. */
void sp_msg_play_done(struct msg_play *, const struct msg_due *);
/* The place of a time in its minute. */
uint64_t sp_msg_in_minute(int64_t real_ns);
void sp_msg_play_fini(struct msg_play *);

#endif
