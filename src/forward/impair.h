/* What a link does to the frames that travel one way: a pure machine. Time and length come in as
 * arguments, chance from a seed; it neither sees nor copies a frame, which it knows by a number.
 *
 *   judge -> down? -> loss, corrupt, duplicate, reorder (the stages)  -> what to do with the frame
 *   enter -> queue and rate -> delay and jitter                       -> it waits here
 *   take  -> the next one whose time has come
 *
 * A stage strikes by chance (a share, drawn from its own series of the seed), at exactly each n-th
 * frame that reaches it (NAME_every), or both. A frame that one stage struck passes the later ones
 * unharmed and uncounted, so that each figure can be told from the settings. These are the words
 * and the rules of transport/loop. Frames that `only` does not mean pass all stages uncounted. */
#ifndef SP_FORWARD_IMPAIR_H
#define SP_FORWARD_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/rng.h"

enum sp_impair_only {
	SP_IMPAIR_ANY,
	SP_IMPAIR_IP,
	SP_IMPAIR_UDP,
	SP_IMPAIR_TCP,
	SP_IMPAIR_ICMP
};
enum sp_impair_check { SP_IMPAIR_BROKEN, SP_IMPAIR_REPAIRED };

/* One direction. Plain data: sent whole to the forwarder. All zero: a wire. */
struct sp_impair_conf {
	struct sp_rate
		rate; /* NONE or MAX: no limit; SP_LAYER_DEFAULT is L2, without the FCS */
	uint64_t burst_bytes; /* the bucket's depth; 0: a wire of that speed */
	uint64_t queue_bytes; /* what may wait for the rate; 0: 100 ms of it, at least 32 KiB */
	uint64_t delay_ns, jitter_ns; /* delay - jitter to delay + jitter; keeps the order */
	double loss, corrupt, duplicate, reorder;
	uint64_t loss_every, corrupt_every, duplicate_every, reorder_every;
	int corrupt_checksum;	  /* enum sp_impair_check */
	uint64_t reorder_by;	  /* a struck frame is passed by so many of its flow */
	uint64_t reorder_hold_ns; /* and waits no longer than that */
	int only;		  /* enum sp_impair_only */
	bool down;
};
extern const struct sp_opt sp_impair_opts[];
/* What the rows cannot say: rates in bits, jitter not above delay. key names the row at fault.
 * -EINVAL with SP_EXIT_USAGE. */
int sp_impair_check(const struct sp_impair_conf *, const char **key, struct sp_err *);
/* True when frames pass as on a wire. */
bool sp_impair_is_wire(const struct sp_impair_conf *);

/* What became of frames; each is counted in frames_in and then in one other place, duplicates once
 * more in duplicated and out. Waiting = frames_in + duplicated - the rest. */
struct sp_impair_counts {
	uint64_t frames_in, bytes_in; /* of the layer that the rate counts */
	uint64_t frames_out;
	uint64_t lost, down,
		overflow; /* gone: by loss, while down, because the queue was full */
	uint64_t corrupted, duplicated,
		reordered; /* reordered: behind at least one of its flow */
};

#define SP_IMPAIR_HELD 32u /* frames that wait to be passed, at most */

struct sp_impair_entry {
	uint64_t due_ns;
	uint32_t id;
};

struct sp_impair_held {
	uint64_t limit_ns;
	uint32_t id, flow, wait;
	bool passed;
};

struct sp_impair_stage {
	uint64_t seen;
	struct sp_rng rng;
};

/* Owned by its user, who looks at conf and counts only. */
struct sp_impair {
	struct sp_impair_conf conf;
	struct sp_impair_counts counts;
	const struct sp_mem *mem;
	struct sp_impair_stage loss, corrupt, duplicate, reorder;
	struct sp_rng jitter, bit;
	uint64_t full_ns,
		full_frac; /* when the bucket is full again; fraction in 1/rate.micro */
	uint64_t burst_ns, queue_ns; /* their sizes at the rate */
	uint64_t last_ns;	     /* due time of the last that entered */
	struct sp_impair_entry *ring;
	uint32_t first, last, mask;
	uint32_t n_held;
	struct sp_impair_held held[SP_IMPAIR_HELD];
};

#define SP_IMPAIR_RING 65536u /* frames that wait, at most */

/* name and seed choose the series of chance. -ENOMEM. */
int sp_impair_init(struct sp_impair *, const struct sp_impair_conf *, uint64_t seed,
		   const char *name, const struct sp_mem *, struct sp_err *);
void sp_impair_fini(struct sp_impair *);
/* New settings from now on. Frames that wait keep their times, and later ones do not overtake
 * them; counts of each n-th and series of chance go on. */
void sp_impair_set(struct sp_impair *, const struct sp_impair_conf *);

enum sp_impair_fate {
	SP_IMPAIR_PASS,	   /* enter it */
	SP_IMPAIR_GONE,	   /* lost, or the link is down */
	SP_IMPAIR_DAMAGED, /* flip the bit of verdict.random in it */
	SP_IMPAIR_TWICE,   /* enter it, and then a copy */
	SP_IMPAIR_HELD_BACK,
};
struct sp_impair_verdict {
	enum sp_impair_fate fate;
	uint64_t random; /* DAMAGED: chooses the bit */
};
/* meant: the frame is one of conf.only. bytes: of the rate's layer. */
struct sp_impair_verdict sp_impair_judge(struct sp_impair *, uint32_t bytes, bool meant);
/* Takes frame id in at now_ns, which does not go back; fate is its verdict's, flow tells which
 * frames may pass a held one (damaged ones and copies do not count: nobody could tell that they
 * came from that flow). False: no room, it is counted as overflow and gone. */
bool sp_impair_enter(struct sp_impair *, uint64_t now_ns, uint32_t bytes, uint32_t flow,
		     uint32_t id, enum sp_impair_fate fate);
/* A copy of the frame that entered just before. */
bool sp_impair_enter_copy(struct sp_impair *, uint64_t now_ns, uint32_t bytes, uint32_t id);
/* The next frame that leaves at or before now_ns; false: none. */
bool sp_impair_take(struct sp_impair *, uint64_t now_ns, uint32_t *id);
/* When take will have one; SP_NEVER when nothing waits. */
uint64_t sp_impair_next(const struct sp_impair *);

#endif
