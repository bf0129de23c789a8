#include "source/messages/strangers.h"

#include <errno.h>

static int count(struct msg_strangers *s, struct msg_stranger *x, uint32_t capture)
{
	struct msg_stranger_part *p = x->last;

	if (!p || p->capture != capture) {
		p = sp_arena_alloc(&s->arena, sizeof *p);
		if (!p)
			return -ENOMEM;
		p->capture = capture;
		if (x->last)
			x->last->next = p;
		else
			x->parts = p;
		x->last = p;
	}
	p->packets++;
	return 0;
}

/* Tells those apart that have no name. */
static int note(struct msg_strangers *s, const struct sp_addr *addr, const struct sp_mem *mem)
{
	const struct sp_endpoint key = { .addr = *addr };
	uint32_t mask = 2 * MSG_STRANGERS_MOST - 1;
	uint32_t at = (uint32_t)sp_endpoint_hash(&key) & mask;

	if (!s->seen)
		s->seen = sp_alloc_array(mem, mask + 1, sizeof *s->seen);
	if (!s->seen)
		return -ENOMEM;
	for (; s->seen[at].family; at = (at + 1) & mask)
		if (sp_addr_eq(&s->seen[at], addr))
			return 0;
	if (s->n + s->more == MSG_STRANGERS_MOST)
		return 0;
	s->seen[at] = *addr;
	s->more++;
	return 0;
}

int sp_msg_strangers_add(struct msg_strangers *s, const struct sp_addr *addr, uint32_t capture,
			 const struct sp_mem *mem)
{
	int rc;

	for (uint32_t i = 0; i < s->n; i++)
		if (sp_addr_eq(&s->named[i].addr, addr))
			return count(s, &s->named[i], capture);
	if (s->n < MSG_STRANGERS) {
		s->named[s->n].addr = *addr;
		return count(s, &s->named[s->n++], capture);
	}
	rc = note(s, addr, mem);
	return rc ? rc : count(s, &s->rest, capture);
}

void sp_msg_strangers_collector(struct msg_strangers *s, const struct sp_addr *addr)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (sp_addr_eq(&s->named[i].addr, addr))
			s->named[i].collector = true;
}

uint64_t sp_msg_stranger_packets(const struct msg_stranger *x, const uint32_t *plays)
{
	uint64_t n = 0;

	for (const struct msg_stranger_part *p = x->parts; p; p = p->next)
		n += p->packets * plays[p->capture];
	return n;
}

void sp_msg_strangers_init(struct msg_strangers *s, const struct sp_mem *mem)
{
	*s = (struct msg_strangers){ .n = 0 };
	sp_arena_init(&s->arena, mem);
}

void sp_msg_strangers_free(struct msg_strangers *s, const struct sp_mem *mem)
{
	sp_free(mem, s->seen);
	s->seen = NULL;
	sp_arena_fini(&s->arena);
}
