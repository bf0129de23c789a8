/* What machines have in common that generate a session and hold it (plugin/proto.h, session): units go
 * into one buffer, several at a time, and leave at their pace; each has its outcome; and when the
 * session is lost, nothing of it counts as said and there is a reason. */
#ifndef SP_PROTO_HELD_H
#define SP_PROTO_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "plugin/proto.h"

#define SP_HELD_UNITS 64u    /* that are in the buffer */
#define SP_HELD_OUT   16384u /* the buffer */
#define SP_HELD_MOST  5120u  /* of a unit with what the machine says beside it */

struct sp_held_unit {
	uint64_t intended_ns, start_ns, sent_ns, tx_bytes;
	uint32_t end; /* in out, behind its last byte */
};

struct sp_held {
	uint64_t unit;		  /* the next one */
	uint64_t left;		  /* so many were written whole */
	uint64_t next_ns, gap_ns; /* when the next may begin; between two, 0: none */
	uint64_t begun_ns, failed_ns;
	uint64_t *said;	  /* left, for truth; 0 once it is lost. One writer, control reads */
	uint32_t at, len; /* in out: written, filled */
	uint32_t told, sent, last; /* units: outcomes fetched, written whole, begun */
	uint8_t why, unit_why; /* enum sp_why: it is lost; units that fail now do so because */
	const char *unit_reason;
	char reason[SP_LOSS_TEXT]; /* with why */
	struct sp_held_unit ring[SP_HELD_UNITS];
	uint8_t out[SP_HELD_OUT];
};

void sp_held_init(struct sp_held *, uint64_t gap_ns, uint64_t *said, uint64_t now_ns);
/* HOT. Where the next message goes; take it over once it is there. False: it did not fit, and is
 * not there. */
struct sp_wr sp_held_room(struct sp_held *);
bool sp_held_filled(struct sp_held *, const struct sp_wr *);
/* HOT. May a unit begin, as far as pace and room go? */
bool sp_held_ready(const struct sp_held *, uint64_t now_ns);
/* HOT. What was filled in since the buffer had from bytes is the next unit. */
void sp_held_unit(struct sp_held *, uint32_t from, const struct sp_token *, uint64_t now_ns);
/* HOT. The wish's output. */
void sp_held_wish(const struct sp_held *, struct sp_wish *);
/* HOT. n bytes were written: returns how many units have left with them, which go into the wish's
 * sent and done once it is made. */
uint16_t sp_held_wrote(struct sp_held *, size_t n, uint64_t now_ns);

/* The session is lost, in these words; only the first time counts. What is not written yet stays. */
void sp_held_lose(struct sp_held *, enum sp_why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static inline bool sp_held_lost(const struct sp_held *h)
{
	return h->why != SP_WHY_NONE;
}
/* Nothing more is written: units that have not left fail. Returns how many, for the wish's done. */
uint16_t sp_held_fail(struct sp_held *, enum sp_why, const char *reason, uint64_t now_ns);

/* Operations of such a machine, whose state begins with a struct sp_held. */
void sp_held_on_close(void *st, enum sp_why, const char *reason, uint64_t now_ns,
		      struct sp_wish *);
void sp_held_loss(const void *st, struct sp_loss *);
void sp_held_outcome(void *st, struct sp_txn *);

#endif
