/* Frames between who reads them and who sends them: a ring with its memory, or all of them. One writer,
 * one reader, each its own thread or both the same. */
#ifndef SP_SOURCE_CAPTURE_STORE_H
#define SP_SOURCE_CAPTURE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

#define SP_STORE_UNITS 32768u	  /* of a ring; a power of two */
#define SP_STORE_BYTES (8u << 20) /* that a ring holds, unless its units are very large */
#define SP_STORE_LEAST 2048u	  /* so many units it holds, however large */
#define SP_STORE_CHUNK (1u << 20)

struct sp_store_unit {
	const uint8_t *data;
	uint64_t place; /* source/capture/times.h */
	uint32_t len;	/* 0: no frame, but so many units that do not fit: */
	uint32_t unfit;
	uint32_t loop, index; /* the writer's words */
};

struct sp_store;

/* NULL: no memory. */
struct sp_store *sp_store_new(const struct sp_mem *);
void sp_store_free(struct sp_store *);

/* ---- the writer ---- */

/* Room for the octets of the next unit, until sp_store_put; NULL: no memory. Cold enough: a chunk that
 * nobody reads any more is used again, and only where there is none memory is asked for. */
uint8_t *sp_store_room(struct sp_store *, uint32_t len);
/* The unit is there for the reader. */
void sp_store_put(struct sp_store *, uint32_t len, uint64_t place, uint32_t loop,
		  uint32_t index);
/* So many units that do not fit; of them all the same words. 0 or -ENOMEM. */
int sp_store_put_unfit(struct sp_store *, uint32_t n, uint32_t loop, uint32_t index);
/* Does the ring hold as much as it should? */
bool sp_store_full(const struct sp_store *);
/* From now on it is no ring: nothing is let go, and it grows. 0 or -ENOMEM. Before any reader. */
void sp_store_keep(struct sp_store *);
uint64_t sp_store_written(const struct sp_store *);
/* Units that were put and not dropped. */
uint64_t sp_store_held(const struct sp_store *);

/* ---- the reader ---- */

/* HOT. How many units were put, in all. */
uint64_t sp_store_ready(const struct sp_store *);
/* HOT. Unit i of those that were put, from the last sp_store_drop on. */
const struct sp_store_unit *sp_store_at(const struct sp_store *, uint64_t i);
/* HOT. Units before i are not wanted any more. */
void sp_store_drop(struct sp_store *, uint64_t i);

#endif
