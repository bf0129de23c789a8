#include "source/messages/play.h"

#include <errno.h>
#include <string.h>

#define LATEST (SP_NEVER / 2)

/* ---- timelines ---- */

static uint64_t span_of(const struct msg_play *p, uint32_t item)
{
	const struct msg_capture *c = &p->store->captures[p->conf.order[item]];

	return sp_factor_scale(&p->conf.factor, (uint64_t)(c->last_ns - c->first_ns));
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > LATEST - b ? LATEST : a + b;
}

uint64_t sp_msg_in_minute(int64_t real_ns)
{
	int64_t m = real_ns % (int64_t)MSG_MINUTE_NS;

	return (uint64_t)(m < 0 ? m + (int64_t)MSG_MINUTE_NS : m);
}

void sp_msg_play_begin(struct msg_play *p, uint64_t t0_ns, int64_t real_ns)
{
	uint64_t at = t0_ns;

	for (uint32_t i = 0; i < p->conf.n; i++) {
		const struct msg_capture *c = &p->store->captures[p->conf.order[i]];
		uint64_t now = (sp_msg_in_minute(real_ns) + (at - t0_ns)) % MSG_MINUTE_NS;

		if (p->conf.sync)
			at = later(at, (sp_msg_in_minute(c->first_ns) + MSG_MINUTE_NS - now) %
					       MSG_MINUTE_NS);
		p->start_ns[i] = at;
		at = later(at, span_of(p, i));
	}
	p->start_ns[p->conf.n] = at;
	p->n = p->conf.exporters ? p->conf.exporters : 1;
	for (uint32_t k = 0; k < p->n; k++)
		p->heap[k] = (struct msg_cursor){ .due_ns = t0_ns, .exporter = k };
}

/* The first unit of a capture that is an exporter's; index + 1. */
static uint32_t first_unit(const struct msg_play *p, const struct msg_capture *c, uint32_t k)
{
	uint32_t source;

	if (!p->conf.exporters)
		return c->n ? c->first + 1 : 0;
	source = k % p->store->n_sources;
	return source < c->n_sources ? c->first_of[source] : 0;
}

static uint32_t next_unit(const struct msg_play *p, const struct msg_cursor *at)
{
	const struct msg_capture *c = &p->store->captures[p->conf.order[at->item]];

	if (!at->unit)
		return first_unit(p, c, at->exporter);
	if (p->conf.exporters)
		return p->store->units[at->unit - 1].next;
	return at->unit < c->first + c->n ? at->unit + 1 : 0;
}

static uint64_t due_of(const struct msg_play *p, const struct msg_cursor *at)
{
	const struct msg_capture *c = &p->store->captures[p->conf.order[at->item]];
	int64_t t = p->store->units[at->unit - 1].t_ns;
	uint64_t gap = t > c->first_ns ? (uint64_t)(t - c->first_ns) : 0;
	uint64_t behind = 0, due;

	if (p->conf.exporters)
		behind = (uint64_t)((unsigned __int128)p->conf.spread_ns * at->exporter /
				    p->conf.exporters);
	due = later(later(p->start_ns[at->item], behind),
		    sp_factor_scale(&p->conf.factor, gap));
	return due > at->due_ns ? due : at->due_ns;
}

/* Moves a timeline on; false: it is over. */
static bool advance(const struct msg_play *p, struct msg_cursor *at)
{
	for (; at->item < p->conf.n; at->item++, at->unit = 0) {
		at->unit = next_unit(p, at);
		if (at->unit) {
			at->due_ns = due_of(p, at);
			return true;
		}
	}
	return false;
}

static bool before(const struct msg_cursor *a, const struct msg_cursor *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->exporter < b->exporter;
}

static void sink(struct msg_play *p, uint32_t i)
{
	struct msg_cursor moved = p->heap[i];

	for (uint32_t c; (c = 2 * i + 1) < p->n; i = c) {
		if (c + 1 < p->n && before(&p->heap[c + 1], &p->heap[c]))
			c++;
		if (!before(&p->heap[c], &moved))
			break;
		p->heap[i] = p->heap[c];
	}
	p->heap[i] = moved;
}

/* The root has no unit any more, or none yet, or its was given. */
static void turn(struct msg_play *p)
{
	if (!advance(p, &p->heap[0]))
		p->heap[0] = p->heap[--p->n];
	if (p->n)
		sink(p, 0);
}

bool sp_msg_play_next(struct msg_play *p, struct msg_due *out)
{
	/* Those that have not begun stand in front: their time is the beginning. */
	while (p->n && !p->heap[0].unit)
		turn(p);
	if (!p->n)
		return false;
	*out = (struct msg_due){ .due_ns = p->heap[0].due_ns,
				 .unit = p->heap[0].unit - 1,
				 .exporter = p->heap[0].exporter,
				 .item = p->heap[0].item };
	turn(p);
	return true;
}

int sp_msg_play_init(struct msg_play *p, const struct msg_store *store,
		     const struct msg_play_conf *conf, const struct sp_mem *mem)
{
	uint32_t n = conf->exporters ? conf->exporters : 1;

	*p = (struct msg_play){ .store = store, .conf = *conf };
	if (!store->n_sources)
		p->conf.exporters = 0;
	p->start_ns = sp_alloc_array(mem, conf->n + 1, sizeof *p->start_ns);
	p->heap = sp_alloc_array(mem, n, sizeof *p->heap);
	if (p->start_ns && p->heap)
		return 0;
	sp_msg_play_fini(p, mem);
	return -ENOMEM;
}

void sp_msg_play_fini(struct msg_play *p, const struct sp_mem *mem)
{
	sp_free(mem, p->start_ns);
	sp_free(mem, p->heap);
	*p = (struct msg_play){ 0 };
}
