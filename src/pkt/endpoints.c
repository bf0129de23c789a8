#include "pkt/endpoints.h"

#include <errno.h>
#include <stddef.h>

#include "base/endian.h"
#include "pkt/batch.h"

/* Of a full table, for one newcomer: a crowd must not cost the others their time. */
#define LOOK_AT 64u

int sp_endpoints_init(struct sp_endpoints *t, const struct sp_mem *mem, uint32_t max,
		      const uint64_t key[4])
{
	/* Under a drawn key as well: with a product of zeros all would share a slot. */
	static const uint64_t base[4] = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
					  0x94d049bb133111eb, 0xd6e8feb86659fd93 };
	uint32_t size = 16;

	*t = (struct sp_endpoints){ .max = max ? max : 1 };
	if (t->max > UINT32_MAX / 4)
		return -ENOMEM;
	while (size < t->max * 2)
		size *= 2;
	t->mask = size - 1;
	for (unsigned i = 0; i < 4; i++)
		t->key[i] = base[i] ^ (key ? key[i] : 0);
	t->at = sp_alloc_array(mem, t->max, sizeof *t->at);
	t->slot = sp_alloc_array(mem, size, sizeof *t->slot);
	if (t->at && t->slot)
		return 0;
	sp_endpoints_fini(t, mem);
	return -ENOMEM;
}

void sp_endpoints_fini(struct sp_endpoints *t, const struct sp_mem *mem)
{
	sp_free(mem, t->at);
	sp_free(mem, t->slot);
	*t = (struct sp_endpoints){ .n = 0 };
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash(const struct sp_endpoints *t, const struct sp_endpoint *e, uint32_t lane)
{
	uint64_t rest = (uint64_t)lane << 32 ^ (uint64_t)e->addr.scope << 17 ^
			(uint64_t)e->port << 1 ^ (e->addr.family == 6);
	uint64_t hi = sp_get_be64(e->addr.ip), lo = 0;

	if (e->addr.family == 6)
		lo = sp_get_be64(e->addr.ip + 8);
	else
		hi >>= 32;
	return fold(fold(hi ^ t->key[0], lo ^ t->key[1]) ^ t->key[2], rest ^ t->key[3]);
}

static bool same(const struct sp_endpoint_entry *at, const struct sp_endpoint *remote,
		 uint32_t lane)
{
	return at->lane == lane && sp_endpoint_eq(&at->remote, remote);
}

void sp_endpoints_reuse(struct sp_endpoints *t, const uint32_t *held)
{
	t->held = held;
}

static uint32_t home_of(const struct sp_endpoints *t, uint32_t index)
{
	return (uint32_t)(hash(t, &t->at[index].remote, t->at[index].lane) >> 32) & t->mask;
}

/* Takes an entry out of the hash table: what follows moves up. */
static void remove_entry(struct sp_endpoints *t, uint32_t index)
{
	uint32_t hole = home_of(t, index), at;

	while (t->slot[hole] != index + 1)
		hole = (hole + 1) & t->mask;
	for (at = (hole + 1) & t->mask; t->slot[at]; at = (at + 1) & t->mask) {
		uint32_t home = home_of(t, t->slot[at] - 1);

		if (((at - home) & t->mask) < ((at - hole) & t->mask))
			continue;
		t->slot[hole] = t->slot[at];
		hole = at;
	}
	t->slot[hole] = 0;
}

/* An entry that nobody holds; max: none was found. Held ones are often neighbours: so the hand goes
 * by the golden ratio, which looks everywhere. */
static uint32_t unheld(struct sp_endpoints *t)
{
	uint32_t i;

	for (uint32_t k = 0; t->held && k < LOOK_AT; k++) {
		t->hand += 0x9e3779b9;
		i = (uint32_t)((uint64_t)t->hand * t->max >> 32);
		if (i != t->last && t->at[i].round != t->round &&
		    !__atomic_load_n(&t->held[i], __ATOMIC_ACQUIRE))
			return i;
	}
	return t->max;
}

/* A new entry; slot is where its chain ends. */
static uint32_t enter(struct sp_endpoints *t, const struct sp_endpoint *remote, uint32_t lane,
		      uint32_t slot)
{
	uint32_t i = t->n < t->max ? t->n : unheld(t);

	if (i == t->max)
		return SP_NO_FLOW;
	if (i < t->n) {
		remove_entry(t, i);
		slot = (uint32_t)(hash(t, remote, lane) >> 32) & t->mask;
		while (t->slot[slot])
			slot = (slot + 1) & t->mask;
	}
	t->at[i] = (struct sp_endpoint_entry){ .remote = *remote,
					       .lane = lane,
					       .round = t->round };
	t->slot[slot] = i + 1;
	t->last = i;
	if (i == t->n)
		__atomic_store_n(&t->n, i + 1, __ATOMIC_RELEASE);
	return i;
}

uint32_t sp_endpoints_get(struct sp_endpoints *t, const struct sp_endpoint *remote,
			  uint32_t lane)
{
	uint64_t h;
	uint32_t i, at;

	if (t->n && same(&t->at[t->last], remote, lane))
		return t->last;
	h = hash(t, remote, lane);
	/* The table is at most half full: this ends. */
	for (i = (uint32_t)(h >> 32) & t->mask; (at = t->slot[i]) != 0; i = (i + 1) & t->mask)
		if (same(&t->at[at - 1], remote, lane)) {
			t->at[at - 1].round = t->round;
			return t->last = at - 1;
		}
	return enter(t, remote, lane, i);
}

const struct sp_endpoint_entry *sp_endpoints_at(const struct sp_endpoints *t, uint32_t index)
{
	return index < __atomic_load_n(&t->n, __ATOMIC_ACQUIRE) ? &t->at[index] : NULL;
}
