#include "engine/deal.h"

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Near the golden section, where multiples spread best; without a common divisor every seat has
 * its turn. */
static uint32_t step_of(uint32_t of)
{
	uint32_t best = (uint32_t)(0.6180339887498949 * of + 0.5);

	for (uint32_t away = 0; away < of; away++) {
		if (best + away < of && gcd(best + away, of) == 1)
			return best + away;
		if (best > away && gcd(best - away, of) == 1)
			return best - away;
	}
	return 1;
}

void sp_deal_init(struct sp_deal *d, uint32_t of, uint32_t at, uint32_t n)
{
	*d = (struct sp_deal){ .of = of, .at = at, .n = n, .step = step_of(of) };
}

static bool owns(const struct sp_deal *d, uint64_t i)
{
	uint32_t seat = (uint32_t)(i % d->of) * d->step % d->of;

	return seat - d->at < d->n; /* below at it wraps to a large number */
}

uint64_t sp_deal_next(const struct sp_deal *d, uint64_t i)
{
	while (!owns(d, i))
		i++;
	return i;
}

uint64_t sp_deal_count(const struct sp_deal *d, uint64_t n)
{
	uint64_t whole = n / d->of, count = whole * d->n;

	for (uint64_t i = whole * d->of; i < n; i++)
		count += owns(d, i);
	return count;
}
