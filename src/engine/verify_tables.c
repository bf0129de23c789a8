/* Where received flows live: tables of places, and a worker's view of them. */
#include "engine/verify_impl.h"

#include <sys/random.h>

#include "core/shared.h"

static uint32_t power_of_two_above(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

int sp_flow_table_init(struct sp_flow_table *t, const struct sp_mem *mem, uint32_t cap)
{
	uint32_t places = power_of_two_above(cap);

	*t = (struct sp_flow_table){ .cap = cap, .mask = places - 1, .first_id = 1 };
	t->rx = sp_alloc_array(mem, places, sizeof *t->rx);
	t->sketch = sp_alloc_array(mem, places, sizeof *t->sketch);
	t->meta = sp_alloc_array(mem, places, sizeof *t->meta);
	if (t->rx && t->sketch && t->meta)
		return 0;
	sp_flow_table_fini(t, mem);
	return -1;
}

void sp_flow_table_fini(struct sp_flow_table *t, const struct sp_mem *mem)
{
	sp_free(mem, t->rx);
	sp_free(mem, t->sketch);
	sp_free(mem, t->meta);
	*t = (struct sp_flow_table){ 0 };
}

void sp_flow_set_tag(struct sp_flow_table *t, uint32_t i, uint32_t id, bool granted)
{
	uint32_t foreign = !granted && id < SP_FLOW_OWN_ID ? SP_FLOW_FOREIGN : 0;

	__atomic_store_n(&t->rx[i].tag, id | foreign | SP_FLOW_LIVE, __ATOMIC_RELEASE);
}

void sp_flow_grant(struct sp_flow_table *t, uint32_t id, uint16_t session, uint8_t tally)
{
	uint32_t i = sp_flow_place(t, id);

	t->rx[i].session = session;
	SP_STORE(t->rx[i].tally, tally);
	t->meta[i] = (struct sp_flow_meta){ .id = id, .ep = SP_NO_FLOW };
	sp_flow_set_tag(t, i, id, true);
	if (i >= t->used)
		__atomic_store_n(&t->used, i + 1, __ATOMIC_RELEASE);
}

void sp_flow_withdraw(struct sp_flow_table *t, uint32_t i)
{
	__atomic_store_n(&t->rx[i].tag, 0, __ATOMIC_SEQ_CST);
}

void sp_flow_give_back(struct sp_flow_table *t, uint32_t i, bool granted)
{
	sp_flow_set_tag(t, i, t->meta[i].id, granted);
}

int sp_verifier_init(struct sp_verifier *v, const struct sp_mem *mem,
		     struct sp_flow_table *granted, struct sp_rx_session *session,
		     const struct sp_stamp_ops *native, const struct sp_stamp_ops *shorter,
		     uint32_t max_flows, uint32_t max_endpoints, uint32_t queues)
{
	uint32_t slots = power_of_two_above(2 * max_flows);

	*v = (struct sp_verifier){ .mem = mem,
				   .granted = granted,
				   .n_granted = granted ? granted->mask + 1 : 0,
				   .session = session,
				   .native = native,
				   .shorter = shorter,
				   .ep_cap = max_endpoints,
				   .hash_mask = slots - 1 };
	/* Early in a boot there may be none: then the zeros do. */
	(void)!getrandom(v->key, sizeof v->key, GRND_NONBLOCK);
	v->tally = sp_alloc_array(mem, SP_TALLIES, sizeof *v->tally);
	v->hash = sp_alloc_array(mem, slots, sizeof *v->hash);
	v->ep_flow = sp_alloc_array(mem, queues * ((size_t)max_endpoints + 1),
				    sizeof *v->ep_flow);
	v->stamp = sp_alloc_array(mem, SP_BATCH_MAX, sizeof *v->stamp);
	v->check = sp_alloc_array(mem, SP_BATCH_MAX, sizeof *v->check);
	v->ep_held = sp_alloc_array(mem, queues * ((size_t)max_endpoints + 1),
				    sizeof *v->ep_held);
	if (v->tally && v->hash && v->ep_flow && v->ep_held && v->stamp && v->check &&
	    sp_flow_table_init(&v->own, mem, max_flows) == 0)
		return 0;
	sp_verifier_fini(v);
	return -1;
}

int sp_verifier_frames(struct sp_verifier *v)
{
	v->tuple = sp_alloc_array(v->mem, (size_t)v->own.mask + 1, sizeof *v->tuple);
	return v->tuple ? 0 : -1;
}

void sp_verifier_fini(struct sp_verifier *v)
{
	if (!v->mem)
		return;
	sp_free(v->mem, v->tally);
	sp_free(v->mem, v->hash);
	sp_free(v->mem, v->ep_flow);
	sp_free(v->mem, v->ep_held);
	sp_free(v->mem, v->stamp);
	sp_free(v->mem, v->check);
	sp_free(v->mem, v->tuple);
	sp_flow_table_fini(&v->own, v->mem);
	*v = (struct sp_verifier){ 0 };
}

bool sp_flow_told(const struct sp_flow_rx *f, const struct sp_flow_meta *meta, uint64_t *tx)
{
	uint64_t next = SP_LOAD(f->next), base = SP_LOAD(meta->base);

	*tx = next - base;
	return SP_LOAD(meta->stamped) && !SP_LOAD(meta->parted) &&
	       base == SP_LOAD(meta->start) && next != base && SP_LOAD(meta->last) == next;
}
