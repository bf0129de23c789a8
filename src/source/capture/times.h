/* When the packets of a capture leave again: integers from an absolute start, never a sum of pauses.
 * Pure.
 *
 * Each packet has a place; what a place is depends on what was asked for: recorded nanoseconds since
 * the first packet (at the recorded times), packets before it (pps), or bits before it (bit/s). The
 * departure follows from the place alone:
 *
 *     floor(place / multiplier), floor(packets * 10^15 / micro), floor(bits * 10^15 / micro)
 *
 * Recorded times that cannot be are put right by these rules, in this order; each is counted and
 * listed (struct sp_times_odd):
 *  - a packet without a time (pcapng's simple ones) leaves with the one before it;
 *  - one that is up to SP_TIMES_REORDERED_NS older than the latest before it leaves with that one, and
 *    the places of all others stay as they are: packets were recorded out of order;
 *  - one that is older than that: the clock was set back. It leaves with the one before it, and time
 *    goes on from there;
 *  - one that is SP_TIMES_STEP_NS or more after the one before it: the clock was set. The same;
 *  - a pause that would be longer than max_gap_ns when it is sent is that long, and time goes on from
 *    there.
 * A file that follows another begins where that one has ended. */
#ifndef SP_SOURCE_CAPTURE_TIMES_H
#define SP_SOURCE_CAPTURE_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#define SP_TIMES_REORDERED_NS UINT64_C(1000000000)
#define SP_TIMES_STEP_NS      UINT64_C(86400000000000) /* a day */
#define SP_TIMES_MICRO	      1000000u

enum sp_times_by { SP_TIMES_RECORDED, SP_TIMES_PACKETS, SP_TIMES_BITS, SP_TIMES_AT_ONCE };

struct sp_times_conf {
	enum sp_times_by by;
	uint64_t micro;	     /* packets or bits a second, in millionths */
	uint64_t together;   /* PACKETS: so many at once; 0: 1 */
	uint64_t num, den;   /* RECORDED: num/den times as fast */
	uint64_t max_gap_ns; /* RECORDED: as it is sent; 0: no limit */
	uint64_t pause_ns;   /* between loops */
};

enum sp_times_rule {
	SP_TIMES_FINE,
	SP_TIMES_UNTIMED,
	SP_TIMES_REORDERED,
	SP_TIMES_SET_BACK,
	SP_TIMES_SET_ON,
	SP_TIMES_SHORTENED,
	SP_TIMES_RULES
};

/* What was put right, of one packet. */
struct sp_times_fix {
	enum sp_times_rule rule;
	uint64_t packet; /* its number in the file */
	uint32_t file;
	int64_t gap_ns;	  /* as recorded */
	uint64_t left_ns; /* what is left of it, in recorded time */
};

#define SP_TIMES_LISTED 16u
struct sp_times_odd {
	uint64_t n[SP_TIMES_RULES];
	uint64_t cut_ns; /* recorded time that was left out by SET_ON and SHORTENED, in all */
	struct sp_times_fix
		fix[SP_TIMES_LISTED]; /* the first ones, but of UNTIMED and REORDERED
						   * only the first of its kind */
	uint32_t n_fix;
};

struct sp_times {
	struct sp_times_conf conf;
	uint64_t place; /* of the last packet; behind the last one: where a file would begin */
	int64_t latest_ns;	  /* the latest recorded time of this file */
	bool begun;		  /* this file had a packet */
	uint64_t longest;	  /* RECORDED: the longest gap that stays, in recorded time */
	struct sp_times_fix last; /* of the last packet */
	struct sp_times_odd odd;
};

void sp_times_init(struct sp_times *, const struct sp_times_conf *);
/* HOT. The place of the file's next packet, whose frame has len octets. */
uint64_t sp_times_next(struct sp_times *, int64_t t_ns, bool timed, uint32_t len);
/* What was put right with the last packet; FINE: nothing. note: lists it as that packet of a file. */
enum sp_times_rule sp_times_note(struct sp_times *, uint32_t file, uint64_t packet);
/* Another file follows, or the first one again. */
void sp_times_file(struct sp_times *);
/* Where the next packet would be if it left with, or right behind, the last one: the length of a pass
 * from place 0. */
uint64_t sp_times_end(const struct sp_times *);
/* HOT. When a place's packet leaves, after the start; loops that have ended before each had a pause
 * after them. UINT64_MAX: after the end of all clocks. */
uint64_t sp_times_due(const struct sp_times_conf *, uint64_t place, uint64_t loops);

/* "0.5", "2", "1.25": up to six decimals, above 0, at most a million. 0 or -EINVAL. */
int sp_times_multiplier(const char *text, uint64_t *num, uint64_t *den);

#endif
