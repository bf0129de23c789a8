#include "base/rng.h"

#include <stddef.h>

static uint64_t splitmix64(uint64_t *x)
{
	return sp_mix64(*x += SP_MIX64_STEP);
}

void sp_rng_init(struct sp_rng *r, uint64_t seed, const char *name)
{
	uint64_t x = seed;

	/* The seed is mixed first: seed ^ hash alone would make pairs that meet. */
	if (name)
		x = splitmix64(&x) ^ sp_hash_text(name);
	for (size_t i = 0; i < 4; i++)
		r->s[i] = splitmix64(&x);
}

static uint64_t rotl(uint64_t v, unsigned k)
{
	return (v << k) | (v >> (64 - k));
}

uint64_t sp_rng_u64(struct sp_rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

double sp_rng_unit(struct sp_rng *r)
{
	uint64_t v;

	/* Not (v + 0.5) * 2^-53: its largest value rounds to 1. */
	do
		v = sp_rng_u64(r) >> 11;
	while (!v);
	return (double)v * 0x1p-53;
}

uint64_t sp_rng_below(struct sp_rng *r, uint64_t n)
{
	unsigned __int128 m = (unsigned __int128)sp_rng_u64(r) * n;

	if ((uint64_t)m < n) {
		uint64_t floor = -n % n; /* 2^64 mod n */

		while ((uint64_t)m < floor)
			m = (unsigned __int128)sp_rng_u64(r) * n;
	}
	return (uint64_t)(m >> 64);
}

uint64_t sp_hash_text(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}
