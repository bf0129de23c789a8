#include "source/messages/ends.h"

#include <errno.h>

#include "source/messages/senders.h"

#define LEAST 64u

static uint64_t target_hash(uint32_t source, const struct sp_endpoint *dst)
{
	return (sp_endpoint_hash(dst) + source) * 0x9e3779b97f4a7c15u;
}

static uint32_t *ends_place(const struct msg_ends *e, uint32_t source,
			    const struct sp_endpoint *src, const struct sp_endpoint *dst)
{
	uint64_t h = sp_endpoint_hash(src) ^ target_hash(source, dst);

	return &e->ends[(h ^ h >> 32) & (e->places - 1)];
}

static uint32_t *target_place(const struct msg_ends *e, uint32_t source,
			      const struct sp_endpoint *dst)
{
	uint64_t h = target_hash(source, dst);

	return &e->targets[(h ^ h >> 32) & (e->places - 1)];
}

/* The first session of a group, index + 1; 0: there is no group yet. */
static uint32_t group_of(const struct msg_ends *e, const struct msg_senders *s, uint32_t source,
			 const struct sp_endpoint *dst)
{
	uint32_t k = *target_place(e, source, dst);

	while (k && (s->sessions[k - 1].source != source ||
		     !sp_endpoint_eq(&s->sessions[k - 1].dst, dst)))
		k = e->link[k - 1].same_target;
	return k;
}

static void put_ends(struct msg_ends *e, const struct msg_session *m, uint32_t i)
{
	uint32_t *place = ends_place(e, m->source, &m->src, &m->dst);

	e->link[i].same_ends = *place;
	*place = i + 1;
}

static void take_ends(struct msg_ends *e, const struct msg_session *m, uint32_t i)
{
	uint32_t *place = ends_place(e, m->source, &m->src, &m->dst);

	while (*place != i + 1)
		place = &e->link[*place - 1].same_ends;
	*place = e->link[i].same_ends;
}

/* Of an earlier capture. Within a capture its sessions only become more, so that none is looked at
 * twice. */
static uint32_t find_earlier(struct msg_ends *e, const struct msg_senders *s, uint32_t source,
			     const struct sp_endpoint *dst)
{
	uint32_t first = group_of(e, s, source, dst);
	struct msg_link *g;

	if (!first)
		return 0;
	g = &e->link[first - 1];
	if (g->capture != s->capture) {
		g->capture = s->capture;
		g->free = first;
	}
	while (s->sessions[g->free - 1].capture == s->capture && e->link[g->free - 1].next)
		g->free = e->link[g->free - 1].next;
	return s->sessions[g->free - 1].capture == s->capture ? 0 : g->free;
}

uint32_t sp_msg_ends_find(struct msg_ends *e, struct msg_senders *s, uint32_t source,
			  const struct sp_endpoint *src, const struct sp_endpoint *dst)
{
	struct msg_session *m;
	uint32_t k;

	if (!e->places)
		return UINT32_MAX;
	for (k = *ends_place(e, source, src, dst); k; k = e->link[k - 1].same_ends) {
		m = &s->sessions[k - 1];
		if (m->source == source && sp_endpoint_eq(&m->src, src) &&
		    sp_endpoint_eq(&m->dst, dst)) {
			m->capture = s->capture;
			return k - 1;
		}
	}
	k = find_earlier(e, s, source, dst);
	if (!k)
		return UINT32_MAX;
	m = &s->sessions[k - 1];
	take_ends(e, m, k - 1);
	m->src = *src;
	m->capture = s->capture;
	put_ends(e, m, k - 1);
	return k - 1;
}

static void add(struct msg_ends *e, const struct msg_senders *s, uint32_t i)
{
	const struct msg_session *m = &s->sessions[i];
	uint32_t first = group_of(e, s, m->source, &m->dst), *place;

	put_ends(e, m, i);
	if (first) {
		e->link[e->link[first - 1].last - 1].next = i + 1;
		e->link[first - 1].last = i + 1;
		return;
	}
	place = target_place(e, m->source, &m->dst);
	e->link[i].same_target = *place;
	e->link[i].last = e->link[i].free = i + 1;
	e->link[i].capture = m->capture;
	*place = i + 1;
}

/* Room for twice as many; all of them anew. */
static int enlarge(struct msg_ends *e, const struct msg_senders *s, const struct sp_mem *mem)
{
	uint32_t places = e->places ? 2 * e->places : LEAST;
	struct msg_ends bigger = {
		.ends = sp_alloc_array(mem, places, sizeof *e->ends),
		.targets = sp_alloc_array(mem, places, sizeof *e->targets),
		.places = places,
		.link = sp_alloc_array(mem, places, sizeof *e->link),
	};

	if (!bigger.ends || !bigger.targets || !bigger.link) {
		sp_msg_ends_free(&bigger, mem);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i + 1 < s->n_sessions; i++)
		add(&bigger, s, i);
	sp_msg_ends_free(e, mem);
	*e = bigger;
	return 0;
}

int sp_msg_ends_add(struct msg_ends *e, const struct msg_senders *s, const struct sp_mem *mem)
{
	if (s->n_sessions > e->places && enlarge(e, s, mem))
		return -ENOMEM;
	add(e, s, s->n_sessions - 1);
	return 0;
}

void sp_msg_ends_free(struct msg_ends *e, const struct sp_mem *mem)
{
	sp_free(mem, e->ends);
	sp_free(mem, e->targets);
	sp_free(mem, e->link);
	*e = (struct msg_ends){ 0 };
}
