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
/* 64-bit FNV-1a of a text: stable names for series and flow ids. */
uint64_t sp_hash_text(const char *text);

#endif
