#include "pkt/crc32c.h"

/* The CRC is linear: the entry of a byte is the sum of those of its bits. */
#define BIT(i, b, v) ((i) >> (b)&1 ? (v) : 0u)
#define E1(i)                                                                                  \
	(BIT(i, 0, 0xf26b8303u) ^ BIT(i, 1, 0xe13b70f7u) ^ BIT(i, 2, 0xc79a971fu) ^            \
	 BIT(i, 3, 0x8ad958cfu) ^ BIT(i, 4, 0x105ec76fu) ^ BIT(i, 5, 0x20bd8edeu) ^            \
	 BIT(i, 6, 0x417b1dbcu) ^ BIT(i, 7, 0x82f63b78u))
#define E4(i)  E1(i), E1((i) + 1), E1((i) + 2), E1((i) + 3)
#define E16(i) E4(i), E4((i) + 4), E4((i) + 8), E4((i) + 12)
#define E64(i) E16(i), E16((i) + 16), E16((i) + 32), E16((i) + 48)

const uint32_t sp_crc32c_table[256] = { E64(0), E64(64), E64(128), E64(192) };

uint32_t sp_crc32c_raw_table(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t w;

	for (; len >= sizeof w; len -= sizeof w, p += sizeof w) {
		memcpy(&w, p, sizeof w);
		crc = sp_crc32c_word_table(crc, w);
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ sp_crc32c_table[(crc ^ *p++) & 255];
	return crc;
}

#if defined(__x86_64__)
SP_CRC32C_TARGET static uint32_t raw_fast(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t w;

	for (; len >= sizeof w; len -= sizeof w, p += sizeof w) {
		memcpy(&w, p, sizeof w);
		crc = sp_crc32c_word_fast(crc, w);
	}
	for (; len > 0; len--)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}
#endif

uint32_t sp_crc32c_raw(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (sp_crc32c_fast())
		return raw_fast(crc, data, len);
#endif
	return sp_crc32c_raw_table(crc, data, len);
}
