/* CRC-32C (Castagnoli, RFC 3720 appendix B.4). The raw form is the bare register: without
 * inversion before and after, so that pieces chain and stamps can start from any value. The
 * processor's instruction is used where there is one; both roads give equal results. */
#ifndef SP_PKT_CRC32C_H
#define SP_PKT_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

extern const uint32_t sp_crc32c_table[256];

/* Whether this processor has the instruction: asked once a burst. */
static inline bool sp_crc32c_fast(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("sse4.2");
#else
	return false;
#endif
}

/* HOT. The register after the 8 bytes of w in memory order, by table. */
static inline uint32_t sp_crc32c_word_table(uint32_t crc, uint64_t w)
{
	w ^= crc;
	crc = 0;
	for (unsigned i = 0; i < 8; i++, w >>= 8)
		crc = crc >> 8 ^ sp_crc32c_table[(crc ^ w) & 255];
	return crc;
}

/* HOT. The same by instruction; only to be called where sp_crc32c_fast(). */
#if defined(__x86_64__)
#define SP_CRC32C_TARGET __attribute__((target("sse4.2")))
SP_CRC32C_TARGET static inline uint32_t sp_crc32c_word_fast(uint32_t crc, uint64_t w)
{
	return (uint32_t)_mm_crc32_u64(crc, w);
}
#else
#define SP_CRC32C_TARGET
static inline uint32_t sp_crc32c_word_fast(uint32_t crc, uint64_t w)
{
	return sp_crc32c_word_table(crc, w);
}
#endif

/* The register after data[0 .. len), started from crc. */
uint32_t sp_crc32c_raw(uint32_t crc, const void *data, size_t len);
uint32_t sp_crc32c_raw_table(uint32_t crc, const void *data, size_t len);

/* CRC-32C as the world writes it; of no bytes: 0. */
static inline uint32_t sp_crc32c(const void *data, size_t len)
{
	return ~sp_crc32c_raw(UINT32_MAX, data, len);
}

#endif
