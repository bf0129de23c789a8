#include "transport/peers.h"

#include <errno.h>
#include <stddef.h>
#include <sys/random.h>

#include "base/endian.h"
#include "pkt/batch.h"

int sp_peers_init(struct sp_peers *p, const struct sp_mem *mem, uint32_t cap)
{
	uint64_t slots = 16;

	while (slots < 2ull * cap)
		slots *= 2;
	*p = (struct sp_peers){ .cap = cap, .mask = (uint32_t)(slots - 1) };
	/* Early in a boot there may be none: then the zeros do. */
	(void)!getrandom(p->key, sizeof p->key, GRND_NONBLOCK);
	p->peer = sp_alloc_array(mem, cap, sizeof *p->peer);
	p->slot = sp_alloc_array(mem, slots, sizeof *p->slot);
	if (p->peer && p->slot)
		return 0;
	sp_peers_fini(p, mem);
	return -ENOMEM;
}

void sp_peers_fini(struct sp_peers *p, const struct sp_mem *mem)
{
	sp_free(mem, p->peer);
	sp_free(mem, p->slot);
	*p = (struct sp_peers){ 0 };
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash(const struct sp_peers *p, const struct sp_endpoint *e, uint32_t lane)
{
	uint64_t rest = (uint64_t)lane << 32 ^ (uint64_t)e->addr.scope << 17 ^
			(uint64_t)e->port << 1 ^ (e->addr.family == 6);
	uint64_t hi = sp_get_be64(e->addr.ip), lo = 0;

	if (e->addr.family == 6)
		lo = sp_get_be64(e->addr.ip + 8);
	else
		hi >>= 32;
	return fold(fold(hi ^ p->key[0], lo ^ p->key[1]) ^ p->key[2], rest ^ p->key[3]);
}

static bool same(const struct sp_peer *p, const struct sp_endpoint *remote, uint32_t lane)
{
	return p->lane == lane && sp_endpoint_eq(&p->remote, remote);
}

uint32_t sp_peers_get(struct sp_peers *p, const struct sp_endpoint *remote, uint32_t lane)
{
	uint64_t h;
	uint32_t i, at;

	if (p->n && same(&p->peer[p->last], remote, lane))
		return p->last;
	h = hash(p, remote, lane);
	for (i = (uint32_t)(h >> 32) & p->mask; (at = p->slot[i]) != 0; i = (i + 1) & p->mask)
		if (same(&p->peer[at - 1], remote, lane))
			return p->last = at - 1;
	if (p->n == p->cap)
		return SP_NO_FLOW;
	p->peer[p->n] = (struct sp_peer){ .remote = *remote, .lane = lane };
	p->slot[i] = p->n + 1;
	p->last = p->n;
	__atomic_store_n(&p->n, p->n + 1, __ATOMIC_RELEASE);
	return p->last;
}

const struct sp_peer *sp_peers_at(const struct sp_peers *p, uint32_t ep)
{
	return ep < __atomic_load_n(&p->n, __ATOMIC_ACQUIRE) ? &p->peer[ep] : NULL;
}
