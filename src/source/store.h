/* What was read, between who reads it and who sends it: a ring with its memory, or all of it. One writer,
 * one reader, each its own thread or both the same. */
#ifndef SP_SOURCE_STORE_H
#define SP_SOURCE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

#define SP_STORE_UNITS 32768u /* of a ring; a power of two */

struct sp_store_conf {
	uint64_t bytes; /* that a ring holds, unless its units are very large */
	uint32_t least; /* so many units it holds, however large */
	uint32_t chunk; /* of memory that is asked for at a time; a multiple of 8 */
	bool grows;	/* it is no ring: it takes whatever is put. One thread */
};

struct sp_store_unit {
	uint8_t *data;	/* where the room was: at a multiple of 8, if all lengths are */
	uint64_t place; /* the writer's words */
	uint32_t len;
	uint32_t loop, index;
};

struct sp_store;

/* NULL: no memory. */
struct sp_store *sp_store_new(const struct sp_store_conf *, const struct sp_mem *);
void sp_store_free(struct sp_store *);

/* ---- the writer ---- */

/* Room for the octets of the next unit, until sp_store_put; NULL: no memory. Cold enough: a chunk that
 * nobody reads any more is used again, and only where there is none memory is asked for. */
uint8_t *sp_store_room(struct sp_store *, uint32_t len);
/* The unit is there for the reader. */
void sp_store_put(struct sp_store *, uint32_t len, uint64_t place, uint32_t loop,
		  uint32_t index);
/* Does the ring hold as much as it should, and what the reader waits for? */
bool sp_store_full(const struct sp_store *);
/* From now on it is no ring, and grows. Before any reader. */
void sp_store_keep(struct sp_store *);
uint64_t sp_store_written(const struct sp_store *);
/* Units that were put and not dropped. */
uint64_t sp_store_held(const struct sp_store *);

/* ---- the reader ---- */

/* HOT. How many units were put, in all. */
uint64_t sp_store_ready(const struct sp_store *);
/* HOT. Unit i of those that were put, from the last sp_store_drop on. */
const struct sp_store_unit *sp_store_at(const struct sp_store *, uint64_t i);
/* Unit i is waited for: the ring is not full before it is there, whatever else it holds; but it never
 * holds more than SP_STORE_UNITS - 1. */
void sp_store_want(struct sp_store *, uint64_t i);
/* HOT. Units before i are not wanted any more. */
void sp_store_drop(struct sp_store *, uint64_t i);

#endif
