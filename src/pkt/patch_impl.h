/* A patch program as it is run; made by patch_make.c, run by patch.c. Nobody else includes this. */
#ifndef SP_PKT_PATCH_IMPL_H
#define SP_PKT_PATCH_IMPL_H

#include "base/endian.h"
#include "pkt/csum.h"
#include "pkt/patch.h"

/* Sums here are of big-endian words, so that a value adds to them as it is: modulo 65535, 2^16 is
 * 1, and what ends at an odd place counts 256 times. */
struct patch_add {
	uint8_t sum, shift;
};

/* A place as it is run. */
struct patch_op {
	uint16_t off;
	uint8_t bytes, shift, how;
	bool shared; /* other places have bits in its octets */
	uint8_t n_adds;
	uint32_t first_add, index;
	uint64_t mask, keep; /* keep: the bits around the value */
	uint64_t first, step, count, every;
	const uint8_t *table;
	/* Where it stands: value number k, which so many more units hold. */
	uint64_t k, left, value;
};

/* A checksum as it is run. */
struct patch_total {
	uint16_t off, from, to;
	uint8_t kind;
	uint8_t row_shift, stamp_shift;
	bool open; /* to the packet's end: rows and stamp are part of it */
	bool late; /* the stamp is part of it, or another late one */
	uint8_t n_adds;
	uint32_t first_add;
	uint64_t base; /* of all that does not vary, at the current length */
};

struct sp_patch {
	const struct sp_mem *mem;
	const struct sp_template *t;
	uint32_t prefix_len, head, keep;
	uint8_t stamp_len;
	uint8_t *base; /* head octets: places and sums are 0 */
	struct patch_op *op;
	uint32_t n_ops;
	struct patch_total *total;
	uint32_t n_totals;
	struct patch_add *add;
	uint32_t n_adds;
	bool straddles;
	/* Rows, and the sums of their beginnings: sum[r * (len + 1) + k] of k octets. */
	struct sp_rows rows;
	uint16_t *row_sum;
	uint64_t unit; /* the next one */
	uint64_t *acc; /* [message][total], from fill to finish */
	/* Of the current length: */
	uint32_t len, summed; /* octets of the row that are in the open sums */
	bool stamped;
};

/* Big-endian octets. */
static inline uint64_t sp_patch_load(const uint8_t *at, uint8_t bytes)
{
	uint64_t v = 0;

	switch (bytes) {
	case 1:
		return *at;
	case 2:
		return sp_get_be16(at);
	case 4:
		return sp_get_be32(at);
	case 8:
		return sp_get_be64(at);
	default:
		for (unsigned i = 0; i < bytes; i++)
			v = v << 8 | at[i];
		return v;
	}
}

static inline void sp_patch_store(uint8_t *at, uint8_t bytes, uint64_t v)
{
	switch (bytes) {
	case 1:
		*at = (uint8_t)v;
		return;
	case 2:
		sp_put_be16(at, (uint16_t)v);
		return;
	case 4:
		sp_put_be32(at, (uint32_t)v);
		return;
	case 8:
		sp_put_be64(at, v);
		return;
	default:
		for (unsigned i = bytes; i-- > 0; v >>= 8)
			at[i] = (uint8_t)v;
	}
}

/* patch.c: from here on units are of this length. HOT where sizes vary. */
void sp_patch_set_len(struct sp_patch *, uint32_t len);

#endif
