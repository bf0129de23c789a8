#include "capture/flow_count.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/endian.h"
#include "base/rng.h"

#define FIRST	 1024u
#define REG_BITS 14

static uint64_t add_addr(uint64_t h, const struct sp_addr *a)
{
	h = sp_mix64(h ^ sp_get_be64(a->ip));
	return a->family == 6 ? sp_mix64(h ^ sp_get_be64(a->ip + 8)) : h;
}

static uint64_t hash(uint8_t proto, const struct sp_endpoint *src,
		     const struct sp_endpoint *dst)
{
	uint64_t h = sp_mix64((uint64_t)proto << 40 | (uint64_t)src->addr.family << 32 |
			      (uint64_t)src->port << 16 | dst->port);

	h = add_addr(h, &src->addr);
	h = add_addr(h + 0x9e3779b97f4a7c15u, &dst->addr);
	return h ? h : 1;
}

void sp_flow_count_init(struct sp_flow_count *f, uint64_t most, const struct sp_mem *mem)
{
	*f = (struct sp_flow_count){ .mem = mem, .most = most ? most : SP_FLOWS_EXACT };
}

void sp_flow_count_fini(struct sp_flow_count *f)
{
	sp_free(f->mem, f->slot);
	sp_free(f->mem, f->reg);
}

static void put(uint64_t *slot, uint64_t cap, uint64_t h, uint64_t *n)
{
	uint64_t i = h & (cap - 1);

	while (slot[i] && slot[i] != h)
		i = (i + 1) & (cap - 1);
	*n += !slot[i];
	slot[i] = h;
}

static void estimate(uint8_t *reg, uint64_t h)
{
	uint64_t rest = h << REG_BITS;
	uint8_t zeros = rest ? (uint8_t)(__builtin_clzll(rest) + 1) : 64 - REG_BITS + 1;
	uint8_t *r = &reg[h >> (64 - REG_BITS)];

	if (zeros > *r)
		*r = zeros;
}

static int begin_estimate(struct sp_flow_count *f)
{
	f->reg = sp_alloc(f->mem, SP_FLOW_REGISTER);
	if (!f->reg)
		return -ENOMEM;
	for (uint64_t i = 0; i < f->cap; i++)
		if (f->slot[i])
			estimate(f->reg, f->slot[i]);
	sp_free(f->mem, f->slot);
	f->slot = NULL;
	f->cap = 0;
	return 0;
}

static int grow(struct sp_flow_count *f)
{
	uint64_t cap = f->cap ? 2 * f->cap : FIRST, n = 0;
	uint64_t *slot = sp_alloc_array(f->mem, cap, sizeof *slot);

	if (!slot)
		return -ENOMEM;
	for (uint64_t i = 0; i < f->cap; i++)
		if (f->slot[i])
			put(slot, cap, f->slot[i], &n);
	sp_free(f->mem, f->slot);
	f->slot = slot;
	f->cap = cap;
	return 0;
}

int sp_flow_count_note(struct sp_flow_count *f, uint8_t proto, const struct sp_endpoint *src,
		       const struct sp_endpoint *dst)
{
	uint64_t h = hash(proto, src, dst);
	int rc = 0;

	if (h == f->last)
		return 0;
	f->last = h;
	if (f->reg) {
		estimate(f->reg, h);
		return 0;
	}
	if (f->n * 4 >= f->cap * 3)
		rc = grow(f);
	if (rc)
		return rc;
	put(f->slot, f->cap, h, &f->n);
	return f->n > f->most ? begin_estimate(f) : 0;
}

uint64_t sp_flow_count(const struct sp_flow_count *f, bool *exact)
{
	const double m = SP_FLOW_REGISTER;
	double sum = 0;

	*exact = !f->reg;
	if (!f->reg)
		return f->n;
	for (uint32_t i = 0; i < SP_FLOW_REGISTER; i++)
		sum += ldexp(1, -f->reg[i]);
	return (uint64_t)(0.7213 / (1 + 1.079 / m) * m * m / sum);
}
