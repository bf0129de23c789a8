#include "engine/echo_plain.h"

#include <string.h>

#include "core/shared.h"

/* 0 is nobody. */
static uint32_t who_is(const struct sp_addr *a, uint16_t id)
{
	uint64_t lo, hi;

	memcpy(&lo, a->ip, sizeof lo);
	memcpy(&hi, a->ip + 8, sizeof hi);
	lo = (lo ^ hi * 0x9e3779b97f4a7c15ull ^ id) * 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(lo >> 32) | 1;
}

static struct sp_echo_key *key_of(struct sp_echo_plain *p, const struct sp_msg *m,
				  struct sp_view *v)
{
	if (sp_view(m->data, m->len, false, SP_CSUM_UNKNOWN, v) || !sp_view_echo_request(v))
		return NULL;
	return &p->key[v->icmp_seq];
}

void sp_echo_plain_put(struct sp_echo_plain *p, const struct sp_msg *m)
{
	struct sp_view v;
	struct sp_echo_key *k = key_of(p, m, &v);

	if (!k)
		return;
	SP_STORE(k->who, who_is(&v.dst.addr, v.icmp_id));
	SP_STORE(k->due_ns, m->t_ns);
	SP_STORE(k->sent_ns, m->t_ns);
	__atomic_fetch_add(&k->open, 1, __ATOMIC_RELEASE);
}

void sp_echo_plain_sent(struct sp_echo_plain *p, const struct sp_msg *m, uint64_t now_ns)
{
	struct sp_view v;
	struct sp_echo_key *k = key_of(p, m, &v);

	if (k)
		SP_STORE(k->sent_ns, now_ns);
}

static void note_times(struct sp_echo_plain *p, const struct sp_echo_key *k, uint64_t t_ns)
{
	sp_hist_add(&p->tally->delay, (int64_t)(t_ns - SP_LOAD(k->due_ns)));
	sp_hist_add(&p->tally->delay_actual, (int64_t)(t_ns - SP_LOAD(k->sent_ns)));
}

static void count(struct sp_echo_plain *p, struct sp_echo_key *k, const struct sp_view *v,
		  const struct sp_msg *m)
{
	uint32_t open = __atomic_load_n(&k->open, __ATOMIC_ACQUIRE);
	struct sp_flow_rx *f = p->rx;

	if (!f->rx)
		SP_STORE(p->meta->first_rx, m->t_ns);
	SP_STORE(f->last_rx, m->t_ns);
	SP_ADD(f->rx, 1);
	SP_ADD(f->rx_bytes, m->len);
	if (!open) {
		SP_ADD(f->duplicates, 1);
		return;
	}
	if (sp_view_corrupt(v))
		SP_ADD(f->corrupted, 1);
	else if (open == 1)
		note_times(p, k, m->t_ns);
	SP_STORE(f->next, f->next + 1);
	__atomic_fetch_sub(&k->open, 1, __ATOMIC_RELAXED);
}

bool sp_echo_plain_take(struct sp_echo_plain *p, uint32_t n, const struct sp_view *v,
			const struct sp_msg *m)
{
	uint32_t who = who_is(&v->src.addr, v->icmp_id), of = n;

	/* One that waits for it, else one that has had it. */
	for (uint32_t i = 0; i < n; i++) {
		const struct sp_echo_key *k = &p[i].key[v->icmp_seq];

		if (SP_LOAD(k->who) != who)
			continue;
		of = i;
		if (__atomic_load_n(&k->open, __ATOMIC_ACQUIRE))
			break;
	}
	if (of == n)
		return false;
	count(&p[of], &p[of].key[v->icmp_seq], v, m);
	return true;
}
