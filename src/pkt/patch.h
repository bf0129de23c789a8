/* Runs a template: writes unit after unit into the slots of a batch. Of a unit only what varies is
 * written where the slot holds the template already, and checksums come from sums that were
 * prepared, the values written, and the stamp (RFC 1071: sums may be added in any order; CRC-32C
 * is computed anew). One owner, one thread; allocates in sp_patch_new() only. */
#ifndef SP_PKT_PATCH_H
#define SP_PKT_PATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "pkt/batch.h"
#include "pkt/template.h"

struct sp_patch;

/* What is written behind the headers: rows of equal length, one of which a unit gets. */
struct sp_patch_rows {
	const uint8_t *bytes; /* n rows of len octets; copied */
	uint32_t n, len;      /* n 1 or more */
	bool drawn;	      /* row by the seed; else one after the other */
	uint64_t seed;
};

struct sp_patch_conf {
	const uint8_t *prefix; /* octets before the template's: its link header */
	uint32_t prefix_len;
	uint32_t max_len;   /* the longest packet, prefix included */
	uint32_t keep;	    /* octets behind the headers that a stamp must not touch */
	uint8_t stamp_len;  /* 0: none */
	uint32_t max_batch; /* messages that fill() may get at a time */
	struct sp_patch_rows rows;
};

/* 0, -ENOMEM, or -EINVAL: the template's places, sums or lengths do not lie in it, or rows are
 * shorter than what max_len leaves to them. The template is borrowed: its octets and tables are
 * read until the patch is freed. */
int sp_patch_new(struct sp_patch **, const struct sp_template *, const struct sp_patch_conf *,
		 const struct sp_mem *);
void sp_patch_free(struct sp_patch *);

/* Octets up to where the rows begin; shorter packets there are none. Of a fixed template: all. */
uint32_t sp_patch_head(const struct sp_patch *);
/* The next unit that fill() writes; 0 at first. Cold. */
void sp_patch_seek(struct sp_patch *, uint64_t unit);

/* HOT. Units follow each other in m[from .. n), which are of one length (sp_patch_head() to max_len).
 * Sets stamp_off. Where SP_M_HELD is set the slot holds an earlier unit of this patch of the same
 * length. Checksums that a stamp is part of are left to finish(). */
void sp_patch_fill(struct sp_patch *, struct sp_batch *, uint32_t from);
/* HOT. Once stamps are written: what depends on them. May be repeated with other stamps, until
 * the next fill(). */
void sp_patch_finish(struct sp_patch *, const struct sp_batch *, uint32_t from);

/* What SP_VARY_RANDOM draws for the value number `draw` of place `index`: 64 even bits (splitmix64,
 * Steele et al. 2014, as a function of a counter). A range of count values takes the upper half
 * of the product with count. */
static inline uint64_t sp_patch_random(uint64_t seed, uint32_t index, uint64_t draw)
{
	uint64_t z = seed + ((uint64_t)index << 32) * 0xd1342543de82ef95u +
		     (draw + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#endif
