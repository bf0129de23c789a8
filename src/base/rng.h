/* Random numbers: xoshiro256++ (Blackman, Vigna 2019) seeded by splitmix64, so that the same
 * seed and name give the same series on every compiler. Not for secrets. */
#ifndef SP_BASE_RNG_H
#define SP_BASE_RNG_H

#include <stdint.h>

struct sp_rng {
	uint64_t s[4];
};

/* An independent series for each (seed, name). name may be NULL. */
void sp_rng_init(struct sp_rng *, uint64_t seed, const char *name);
uint64_t sp_rng_u64(struct sp_rng *);
/* Uniform in the open interval (0, 1), 53 bits. */
double sp_rng_unit(struct sp_rng *);
/* Uniform in 0 .. n-1 without bias (Lemire 2019); n > 0. */
uint64_t sp_rng_below(struct sp_rng *, uint64_t n);
/* Mixes 64 bits, one to one: the finisher of splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t sp_mix64(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}
/* What splitmix64 adds to its state before each: the golden ratio's. */
#define SP_MIX64_STEP UINT64_C(0x9e3779b97f4a7c15)

/* 64-bit FNV-1a of a text: stable names for series and flow ids. */
uint64_t sp_hash_text(const char *text);

#endif
