/* From capture files to Ethernet frames with places: in order, one file after the other, each packet
 * as what can be sent. Cold and hot alike: run by whoever reads ahead. */
#ifndef SP_SOURCE_CAPTURE_WALK_H
#define SP_SOURCE_CAPTURE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "capio/read.h"
#include "source/capture/sides.h"
#include "source/capture/times.h"

#define SP_WALK_ETH 14u

struct sp_walk_conf {
	const char *files; /* a line each */
	struct sp_times_conf times;
	uint64_t limit;	   /* packets of both sides and all passes; 0: any */
	const char *split; /* sides.h; NULL: no sides */
	const char *cache; /* cache.h: a file that says it instead; NULL: none */
	enum sp_side side; /* split, cache: whose frames */
	uint32_t mtu;	   /* octets behind the link header; 0: no limit */
	uint32_t most;	   /* octets of a frame; 0: no limit */
	bool cut, pad;	   /* longer ones are cut; what the capture left out is zeros */
	bool mac;	   /* dst and src are known: for packets without Ethernet header */
	uint8_t dst[6], src[6];
};

/* What was met. Written by who walks. Of the first pass, but for frames and bytes; of our side, but for
 * packets. */
struct sp_walk_counts {
	uint64_t packets, frames;     /* of the files; those that are ours to send */
	uint64_t bytes;		      /* of frames */
	uint64_t too_long, too_short; /* do not fit: longer than the MTU, no Ethernet header */
	uint64_t typeless;	      /* do not fit: cooked, and of no EtherType */
	uint64_t cut;		      /* were cut to the MTU */
	uint64_t partial, padded; /* were not captured whole; and were filled up with zeros */
	uint64_t dressed;	  /* got an Ethernet header */
	uint64_t first_too_long, first_partial; /* their numbers in their files */
	uint32_t longest;			/* frame */
};

struct sp_walk_frame {
	bool unfit;		   /* it cannot leave: that it was there is all */
	uint8_t head[SP_WALK_ETH]; /* goes in front */
	uint32_t head_len;	   /* 0 or SP_WALK_ETH */
	const uint8_t *data;
	uint32_t data_len, zeros; /* zeros: behind it */
	uint64_t place;
	uint64_t number; /* of the packet in its file */
	uint32_t file;
};
static inline uint32_t sp_walk_len(const struct sp_walk_frame *f)
{
	return f->head_len + f->data_len + f->zeros;
}

struct sp_walk;

/* Opens all files. 65, 66 as sp_cap_open. split was checked. */
int sp_walk_new(struct sp_walk **, const struct sp_walk_conf *, const struct sp_mem *,
		struct sp_err *);
void sp_walk_free(struct sp_walk *);
/* The next frame of our side; data is borrowed until the next call. 1; 0: the pass is over, or as many
 * were met as may be (sp_walk_done). Errors: -EBADMSG (65), -EIO (66), -ENOTSUP (65): link type. */
int sp_walk_next(struct sp_walk *, struct sp_walk_frame *, struct sp_err *);
/* The limit was reached: nothing comes after this pass. */
bool sp_walk_done(const struct sp_walk *);
/* Packets that were met, of both sides, in all. */
uint64_t sp_walk_taken(const struct sp_walk *);
/* From the first file on again; places go on. */
int sp_walk_rewind(struct sp_walk *, struct sp_err *);
const struct sp_walk_counts *sp_walk_counts(const struct sp_walk *);
const struct sp_times *sp_walk_times(const struct sp_walk *);
/* Whose packets they are, to begin a sentence: "clients: ", "servers: "; "": everybody's. */
const char *sp_walk_whose(const struct sp_walk *);
/* The name of file i as written, and how many there are. */
const char *sp_walk_file(const struct sp_walk *, uint32_t i);
uint32_t sp_walk_files(const struct sp_walk *);

#endif
