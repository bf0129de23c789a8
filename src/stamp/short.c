#include "base/endian.h"
#include "pkt/crc32c.h"
#include "plugin/stamp.h"

/* For packets without room for 18 bytes: the last 10 bytes of the payload, big-endian:
 *
 *  0      1        2     3     4      5     6     7      8    9
 * [magic 12|kind 4][ flow 24         ][ seq 24         ][ check 16 ]
 *
 * Loss and order, no time. The check is made as in the native form, over the first 8 bytes. */
#define LEN   10
#define MAGIC 0xc3du

static uint64_t head(uint32_t flow_id, uint8_t kind)
{
	return (uint64_t)MAGIC << 52 | (uint64_t)(kind & 15) << 48 |
	       (uint64_t)(flow_id & 0xffffff) << 24;
}

typedef uint32_t word_fn(uint32_t crc, uint64_t w);

/* The bodies below exist twice, with and without the instruction: word is a constant there, so
 * that it is inlined. */
#define SP_INLINE static inline __attribute__((always_inline))

SP_INLINE uint16_t check_of(uint64_t w, uint32_t init, word_fn *word)
{
	uint32_t crc = word(init, w);

	return (uint16_t)(crc ^ crc >> 16);
}

SP_INLINE void put_body(const struct sp_batch *b, uint32_t from, struct sp_flow_tx *base,
			word_fn *word)
{
	for (uint32_t i = from; i < b->n; i++) {
		const struct sp_msg *m = &b->m[i];
		struct sp_flow_tx *f = &base[m->flow];
		uint8_t *p = m->data + m->stamp_off;
		uint64_t w = __builtin_bswap64(f->head | (f->seq++ & 0xffffff));

		memcpy(p, &w, 8);
		sp_put_be16(p + 8, check_of(w, f->crc_init, word));
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
	uint64_t w, v;

	if (m->stamp_off == SP_NO_STAMP || (uint32_t)m->stamp_off + LEN > m->len)
		return SP_STAMP_NONE;
	memcpy(&w, p, 8);
	v = __builtin_bswap64(w);
	if (v >> 52 != MAGIC)
		return SP_STAMP_NONE;
	*out = (struct sp_stamp){
		.due_lo = UINT64_MAX,
		.flow = (uint32_t)(v >> 24) & 0xffffff,
		.seq = (uint32_t)v & 0xffffff,
		.kind = v >> 48 & 15,
		.seq_bits = 24,
	};
	if (out->kind & SP_STAMP_PAYLOAD && m->stamp_off > payload_off)
		init = cover(m->data + payload_off, m->stamp_off - payload_off);
	return check_of(w, init, word) == sp_get_be16(p + 8) ? SP_STAMP_GOOD : SP_STAMP_BAD;
}

SP_INLINE void get_body(const struct sp_batch *b, uint32_t payload_off, struct sp_stamp *out,
			int8_t *check, word_fn *word)
{
	for (uint32_t i = 0; i < b->n; i++)
		check[i] = get_one(&b->m[i], payload_off, &out[i], word);
}

SP_CRC32C_TARGET static void put_fast(const struct sp_batch *b, uint32_t from,
				      struct sp_flow_tx *base)
{
	put_body(b, from, base, sp_crc32c_word_fast);
}

static void put(const struct sp_batch *b, uint32_t from, struct sp_flow_tx *base,
		uint64_t now_ns)
{
	(void)now_ns;
	if (sp_crc32c_fast())
		put_fast(b, from, base);
	else
		put_body(b, from, base, sp_crc32c_word_table);
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

const struct sp_stamp_ops sp_stamp_short = {
	.name = "short",
	.summary = "10 bytes: flow, sequence and check, no time",
	.abi = SP_PLUGIN_ABI,
	.opts = no_opts,
	.len = LEN,
	.has_time = false,
	.head = head,
	.last = (uint64_t)SP_STAMP_LAST << 48,
	.put = put,
	.get = get,
	.cover = cover,
};
