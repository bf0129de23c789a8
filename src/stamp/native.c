#include "base/endian.h"
#include "pkt/crc32c.h"
#include "plugin/stamp.h"

/* The last 18 bytes of the payload, big-endian:
 *
 *  0      1        2     3     4      5    6      7     8 ... 11     12 ... 15   16   17
 * [magic 12|kind 4][ flow 24         ][late 16 ][ due: 40 bit ns   ][ seq 32    ][ check 16 ]
 *
 * check = CRC-32C register over the first 16 bytes, started from 0 (with SP_STAMP_PAYLOAD: from
 * the CRC-32C of the payload before the stamp), upper half xor lower half. Folded, because a
 * truncated CRC-32C has silent 2-bit errors in 144 bits and the folded one has not even 3-bit
 * ones. */
#define LEN   18
#define MAGIC 0x5a7u

static uint64_t head(uint32_t flow_id, uint8_t kind)
{
	return (uint64_t)MAGIC << 52 | (uint64_t)(kind & 15) << 48 |
	       (uint64_t)(flow_id & 0xffffff) << 24;
}

/* 5-bit exponent, 11-bit mantissa: steps of at most 1/2048, up to 73 min. Rounds down, so that
 * a delay from the actual departure never comes out below the truth. */
static uint64_t late_encode(uint64_t ns)
{
	unsigned e;

	if (ns < 2048)
		return ns;
	e = 53u - (unsigned)__builtin_clzll(ns);
	if (e > 31)
		return 0xffff;
	return (uint64_t)e << 11 | (ns >> (e - 1) & 2047);
}

static uint64_t late_decode(uint64_t late)
{
	uint64_t e = late >> 11;

	return e ? (2048 | (late & 2047)) << (e - 1) : late;
}

typedef uint32_t word_fn(uint32_t crc, uint64_t w);

/* The bodies below exist twice, with and without the instruction: word is a constant there, so
 * that it is inlined. */
#define SP_INLINE static inline __attribute__((always_inline))

SP_INLINE uint16_t check_of(uint64_t w0, uint64_t w1, uint32_t init, word_fn *word)
{
	uint32_t crc = word(word(init, w0), w1);

	return (uint16_t)(crc ^ crc >> 16);
}

SP_INLINE void put_body(const struct sp_batch *b, uint32_t from, struct sp_flow_tx *base,
			uint64_t now_ns, word_fn *word)
{
	for (uint32_t i = from; i < b->n; i++) {
		const struct sp_msg *m = &b->m[i];
		struct sp_flow_tx *f = &base[m->flow];
		uint8_t *p = m->data + m->stamp_off;
		uint64_t late = now_ns > m->t_ns ? late_encode(now_ns - m->t_ns) : 0;
		uint64_t w0, w1;

		w0 = __builtin_bswap64(f->head | late << 8 | (m->t_ns >> 32 & 255));
		w1 = __builtin_bswap64(m->t_ns << 32 | f->seq++);
		memcpy(p, &w0, 8);
		memcpy(p + 8, &w1, 8);
		sp_put_be16(p + 16, check_of(w0, w1, f->crc_init, word));
	}
}

static uint32_t cover(const uint8_t *data, uint32_t len)
{
	return sp_crc32c(data, len);
}

SP_INLINE int8_t get_one(const struct sp_msg *m, uint32_t payload_off, struct sp_stamp *out,
			 word_fn *word)
{
	const uint8_t *p = m->data + m->stamp_off;
	uint32_t init = 0;
	uint64_t w0, w1, hi, lo;

	if (m->stamp_off == SP_NO_STAMP || (uint32_t)m->stamp_off + LEN > m->len)
		return SP_STAMP_NONE;
	memcpy(&w0, p, 8);
	memcpy(&w1, p + 8, 8);
	hi = __builtin_bswap64(w0);
	lo = __builtin_bswap64(w1);
	if (hi >> 52 != MAGIC)
		return SP_STAMP_NONE;
	out->due_lo = (hi & 255) << 32 | lo >> 32;
	out->flow = (uint32_t)(hi >> 24) & 0xffffff;
	out->seq = (uint32_t)lo;
	out->late_ns = late_decode(hi >> 8 & 0xffff);
	out->kind = hi >> 48 & 15;
	out->seq_bits = 32;
	if (out->kind & SP_STAMP_PAYLOAD && m->stamp_off > payload_off)
		init = cover(m->data + payload_off, m->stamp_off - payload_off);
	return check_of(w0, w1, init, word) == sp_get_be16(p + 16) ? SP_STAMP_GOOD
								   : SP_STAMP_BAD;
}

SP_INLINE void get_body(const struct sp_batch *b, uint32_t payload_off, struct sp_stamp *out,
			int8_t *check, word_fn *word)
{
	for (uint32_t i = 0; i < b->n; i++)
		check[i] = get_one(&b->m[i], payload_off, &out[i], word);
}

SP_CRC32C_TARGET static void put_fast(const struct sp_batch *b, uint32_t from,
				      struct sp_flow_tx *base, uint64_t now_ns)
{
	put_body(b, from, base, now_ns, sp_crc32c_word_fast);
}

static void put(const struct sp_batch *b, uint32_t from, struct sp_flow_tx *base,
		uint64_t now_ns)
{
	if (sp_crc32c_fast())
		put_fast(b, from, base, now_ns);
	else
		put_body(b, from, base, now_ns, sp_crc32c_word_table);
}

SP_CRC32C_TARGET static void get_fast(const struct sp_batch *b, uint32_t payload_off,
				      struct sp_stamp *out, int8_t *check)
{
	get_body(b, payload_off, out, check, sp_crc32c_word_fast);
}

static void get(const struct sp_batch *b, uint32_t payload_off, struct sp_stamp *out,
		int8_t *check)
{
	if (sp_crc32c_fast())
		get_fast(b, payload_off, out, check);
	else
		get_body(b, payload_off, out, check, sp_crc32c_word_table);
}

static const struct sp_opt no_opts[] = { { .name = NULL } };

const struct sp_stamp_ops sp_stamp_native = {
	.name = "native",
	.summary = "18 bytes: flow, sequence, intended and actual departure, check",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.len = LEN,
	.has_time = true,
	.head = head,
	.last = (uint64_t)SP_STAMP_LAST << 48,
	.put = put,
	.get = get,
	.cover = cover,
};
