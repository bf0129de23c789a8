#include "transport/peers.h"

#include <errno.h>
#include <stddef.h>

#include "pkt/batch.h"

int sp_peers_init(struct sp_peers *p, const struct sp_mem *mem, uint32_t cap)
{
	uint64_t slots = 16;

	while (slots < 2ull * cap)
		slots *= 2;
	*p = (struct sp_peers){ .cap = cap, .mask = (uint32_t)(slots - 1) };
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
	h = (sp_endpoint_hash(remote) ^ lane) * 0x9e3779b97f4a7c15ull;
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
