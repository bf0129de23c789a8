/* When recorded messages leave: captures one after the other, gaps by a factor, each capture perhaps
 * at its own second of the minute, for one or many exporters. Pure: integers in and out. */
#ifndef SP_SOURCE_MESSAGES_PLAY_H
#define SP_SOURCE_MESSAGES_PLAY_H

#include "base/factor.h"
#include "source/messages/store.h"

#define MSG_MINUTE_NS (60 * SP_NS_PER_S)
#define MSG_PLAYS_MAX 100000u /* captures, repetitions counted */

struct msg_play_conf {
	struct sp_factor factor;
	const uint32_t *order; /* captures in the order in which they are played */
	uint32_t n;
	bool sync;
	uint32_t exporters; /* 0: sources play what is theirs, in the file's order */
	uint64_t spread_ns; /* exporter k is k/exporters of it behind */
};

/* One timeline: all units of the captures, or those of one exporter. */
struct msg_cursor {
	uint64_t due_ns;
	uint32_t exporter, item;
	uint32_t unit; /* index + 1; 0: none yet */
};

struct msg_play {
	const struct msg_store *store;
	struct msg_play_conf conf;
	uint64_t *start_ns; /* [conf.n + 1]: when each begins; the last is the end */
	struct msg_cursor *heap;
	uint32_t n;
};

struct msg_due {
	uint64_t due_ns;
	uint32_t unit, exporter, item;
};

/* conf.order is borrowed. 0 or -ENOMEM. */
int sp_msg_play_init(struct msg_play *, const struct msg_store *, const struct msg_play_conf *,
		     const struct sp_mem *);
/* From t0 on; real_ns is what the clock of days says at t0: what sync goes by. */
void sp_msg_play_begin(struct msg_play *, uint64_t t0_ns, int64_t real_ns);
/* HOT. False: all were given. */
bool sp_msg_play_next(struct msg_play *, struct msg_due *);
/* The place of a time in its minute. */
uint64_t sp_msg_in_minute(int64_t real_ns);
void sp_msg_play_fini(struct msg_play *, const struct sp_mem *);

#endif
