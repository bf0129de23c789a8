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
#include "pkt/rows.h"
#include "pkt/template.h"

struct sp_patch;

struct sp_patch_conf {
	const uint8_t *prefix; /* octets before the template's: its link header */
	uint32_t prefix_len;
	uint32_t max_len;	    /* the longest packet, prefix included */
	uint32_t keep;		    /* octets behind the headers that a stamp must not touch */
	uint8_t stamp_len;	    /* 0: none */
	uint32_t max_batch;	    /* messages that fill() may get at a time */
	const struct sp_rows *rows; /* what is written behind the headers; NULL: nothing is */
};

/* 0, -ENOMEM, or -EINVAL: the template's places, sums or lengths do not lie in it, or rows are
 * shorter than what max_len leaves to them. The template and the rows are borrowed until the patch
 * is freed. */
int sp_patch_new(struct sp_patch **, const struct sp_template *, const struct sp_patch_conf *,
		 const struct sp_mem *);
void sp_patch_free(struct sp_patch *);

/* Octets up to where the rows begin; shorter packets there are none. Of a fixed template: all. */
uint32_t sp_patch_head(const struct sp_patch *);
/* The next unit that fill() writes; 0 at first. */
void sp_patch_seek(struct sp_patch *, uint64_t unit);
uint64_t sp_patch_unit(const struct sp_patch *);

/* HOT. Units follow each other in m[from .. n), each of its own length (sp_patch_head() to max_len;
 * quickest where neighbours have the same). Sets stamp_off. Where SP_M_HELD is set the slot holds an earlier unit of this patch of the same
 * length. Checksums that a stamp is part of are left to finish(). */
void sp_patch_fill(struct sp_patch *, struct sp_batch *, uint32_t from);
/* HOT. Once stamps are written: what depends on them. May be repeated with other stamps, until
 * the next fill(). */
void sp_patch_finish(struct sp_patch *, const struct sp_batch *, uint32_t from);

#endif
