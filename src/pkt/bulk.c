#include "pkt/bulk.h"

#include <string.h>

#include "base/rng.h"

/* splitmix64: no two words of a period are the same, so that a lost or doubled piece shows. */
static uint64_t word_at(uint64_t offset)
{
	return sp_mix64((offset / 8 + 1) * SP_MIX64_STEP);
}

void sp_bulk_fill(uint8_t *period)
{
	for (uint32_t o = 0; o < SP_BULK_PERIOD; o += 8) {
		uint64_t w = word_at(o);

		for (unsigned i = 0; i < 8; i++)
			period[o + i] = (uint8_t)(w >> (56 - 8 * i));
	}
}

size_t sp_bulk_check(const uint8_t *period, uint64_t offset, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t at = (size_t)((offset + done) % SP_BULK_PERIOD);
		size_t n = len - done < SP_BULK_PERIOD - at ? len - done : SP_BULK_PERIOD - at;

		if (memcmp(data + done, period + at, n) != 0) {
			while (data[done] == period[at]) {
				done++;
				at++;
			}
			return done;
		}
		done += n;
	}
	return len;
}
