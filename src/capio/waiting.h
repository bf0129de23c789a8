/* Octets of a stream that came before their turn, in order and without overlaps. Pure. */
#ifndef SP_CAPIO_WAITING_H
#define SP_CAPIO_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define SP_WAITING_MOST 1024u /* pieces of a stream */

struct sp_piece {
	struct sp_piece *next;
	uint64_t off; /* in the stream */
	uint32_t len;
	bool missing; /* nobody will ever bring these: the capture cut them off */
	uint8_t data[];
};

struct sp_waiting {
	struct sp_piece *first, *last;
	size_t memory; /* of all pieces */
	uint32_t n;
	int64_t since_ns; /* when the oldest of them came */
};

/* What putting octets in has found. */
struct sp_waiting_note {
	bool news;	/* some of them were not there */
	bool overlaps;	/* others were */
	bool differing; /* and were not the same */
};

/* Puts in those of octets off .. off + len that are not there yet; data NULL: they are missing.
 * -ENOMEM: some of them may be in. */
int sp_waiting_put(struct sp_waiting *, const struct sp_mem *, uint64_t off,
		   const uint8_t *data, uint32_t len, struct sp_waiting_note *);
/* Takes the first piece out of the list; it is the caller's to free. NULL: there is none. */
struct sp_piece *sp_waiting_take(struct sp_waiting *);
void sp_waiting_drop(struct sp_waiting *, const struct sp_mem *);

#endif
