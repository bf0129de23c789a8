#include "source/messages/play.h"

#include <errno.h>
#include <string.h>

#define LATEST (SP_NEVER / 2)
#define CHUNK  (256u << 10)

/* A unit of the window, with its octets behind it unless they stay where they are. */
struct seen {
	struct msg_unit unit;
	uint64_t due_ns; /* of exporter 0 */
	uint64_t next;	 /* of the same source, + 1; 0: none yet */
	uint32_t uses;	 /* exporters that are not done with it */
};

/* ---- times ---- */

static const struct msg_capture *capture_of(const struct msg_play *p, uint32_t item)
{
	return &p->conf.store->captures[p->conf.order[item]];
}

static uint64_t span_of(const struct msg_play *p, uint32_t item)
{
	const struct msg_capture *c = capture_of(p, item);

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
		uint64_t now = (sp_msg_in_minute(real_ns) + (at - t0_ns)) % MSG_MINUTE_NS;

		if (p->conf.sync)
			at = later(at, (sp_msg_in_minute(capture_of(p, i)->first_ns) +
					MSG_MINUTE_NS - now) %
					       MSG_MINUTE_NS);
		p->start_ns[i] = at;
		at = later(at, span_of(p, i));
	}
	p->start_ns[p->conf.n] = at;
	p->due_ns = t0_ns;
}

static uint64_t due_of(const struct msg_play *p, const struct msg_unit *u)
{
	int64_t first_ns = capture_of(p, u->item)->first_ns;
	uint64_t gap = u->t_ns > first_ns ? (uint64_t)(u->t_ns - first_ns) : 0;
	uint64_t due = later(p->start_ns[u->item], sp_factor_scale(&p->conf.factor, gap));

	return due > p->due_ns ? due : p->due_ns;
}

/* The next unit of the feed, and when it is due at the earliest. */
static bool pull(struct msg_play *p, struct msg_unit *u)
{
	p->over = p->over || !sp_msg_feed_next(p->conf.feed, u);
	if (p->over)
		return false;
	p->due_ns = due_of(p, u);
	p->pulled++;
	return true;
}

/* ---- exporters: who is next ---- */

static struct seen *seen_at(const struct msg_play *p, uint64_t i)
{
	return (struct seen *)(void *)sp_store_at(p->window, i)->data;
}

static uint64_t behind(const struct msg_play *p, uint32_t exporter)
{
	return (uint64_t)((unsigned __int128)p->conf.spread_ns * exporter / p->conf.exporters);
}

static bool before(const struct msg_play *p, uint32_t a, uint32_t b)
{
	uint64_t x = p->cursor[a].due_ns, y = p->cursor[b].due_ns;

	return x != y ? x < y : a < b;
}

static void sink(struct msg_play *p, uint32_t i)
{
	uint32_t moved = p->heap[i];

	for (uint32_t c; (c = 2 * i + 1) < p->n; i = c) {
		if (c + 1 < p->n && before(p, p->heap[c + 1], p->heap[c]))
			c++;
		if (!before(p, p->heap[c], moved))
			break;
		p->heap[i] = p->heap[c];
	}
	p->heap[i] = moved;
}

static void rise(struct msg_play *p, uint32_t i)
{
	uint32_t moved = p->heap[i];

	for (; i && before(p, moved, p->heap[(i - 1) / 2]); i = (i - 1) / 2)
		p->heap[i] = p->heap[(i - 1) / 2];
	p->heap[i] = moved;
}

/* An exporter's next unit is there. */
static void set_unit(struct msg_play *p, uint32_t exporter, uint64_t unit)
{
	struct msg_cursor *c = &p->cursor[exporter];
	uint64_t due = later(seen_at(p, unit)->due_ns, behind(p, exporter));

	c->unit = unit;
	if (due > c->due_ns)
		c->due_ns = due;
}

static void wake(struct msg_play *p, uint32_t source, uint64_t unit)
{
	uint32_t k = p->parked[source];

	p->parked[source] = 0;
	for (; k; k = p->cursor[k - 1].parked) {
		set_unit(p, k - 1, unit);
		p->heap[p->n++] = k - 1;
		rise(p, p->n - 1);
	}
}

static void park(struct msg_play *p, uint32_t exporter)
{
	uint32_t source = exporter % p->conf.store->senders.n_sources;

	p->cursor[exporter].parked = p->parked[source];
	p->parked[source] = exporter + 1;
}

/* ---- exporters: the window ---- */

static uint32_t uses_of(const struct msg_play *p, uint32_t source)
{
	uint32_t sources = p->conf.store->senders.n_sources;

	return source < p->conf.exporters ? (p->conf.exporters - source - 1) / sources + 1 : 0;
}

/* 0 or -ENOMEM. */
static int put(struct msg_play *p, const struct msg_unit *u, uint32_t uses)
{
	bool stays = sp_msg_feed_stays(p->conf.feed);
	uint32_t octets = stays ? 0 : (u->len + 7) / 8 * 8;
	uint8_t *room = sp_store_room(p->window, (uint32_t)sizeof(struct seen) + octets);
	struct seen *x = (struct seen *)(void *)room;

	if (!x)
		return -ENOMEM;
	*x = (struct seen){ .unit = *u, .due_ns = p->due_ns, .uses = uses };
	if (!stays) {
		memcpy(x + 1, u->data, u->len);
		x->unit.data = (const uint8_t *)(x + 1);
	}
	sp_store_put(p->window, (uint32_t)sizeof *x + octets, 0, 0, 0);
	return 0;
}

/* One more unit into the window. */
static bool widen(struct msg_play *p)
{
	uint64_t i = sp_store_written(p->window), *last;
	uint32_t source, uses;
	struct msg_unit u;

	if (!pull(p, &u))
		return false;
	source = p->conf.store->senders.sessions[u.session].source;
	uses = uses_of(p, source);
	p->failed = uses && put(p, &u, uses);
	p->over |= p->failed;
	sp_msg_feed_drop(p->conf.feed, p->pulled);
	if (!uses || p->failed)
		return !p->failed;
	last = &p->last_of[source];
	if (*last > p->first)
		seen_at(p, *last - 1)->next = i + 1;
	*last = i + 1;
	wake(p, source, i);
	return true;
}

/* Can no unit that is yet to come leave before the first of the heap? */
static bool settled(const struct msg_play *p)
{
	uint64_t due = p->cursor[p->heap[0]].due_ns;

	return p->over || due < p->due_ns || (due == p->due_ns && !p->heap[0]);
}

static bool next_of_many(struct msg_play *p, struct msg_due *out)
{
	const struct seen *x;
	uint32_t k;

	while (!p->n || !settled(p))
		if (!widen(p) && !p->n)
			return false;
	k = p->heap[0];
	x = seen_at(p, p->cursor[k].unit);
	*out = (struct msg_due){ .due_ns = p->cursor[k].due_ns,
				 .number = p->cursor[k].unit,
				 .unit = x->unit,
				 .exporter = k };
	if (x->next) {
		set_unit(p, k, x->next - 1);
	} else {
		park(p, k);
		p->heap[0] = p->heap[--p->n];
	}
	if (p->n)
		sink(p, 0);
	return true;
}

/* ---- both ---- */

bool sp_msg_play_next(struct msg_play *p, struct msg_due *out)
{
	if (p->conf.exporters)
		return next_of_many(p, out);
	if (!pull(p, &out->unit))
		return false;
	out->due_ns = p->due_ns;
	out->number = p->pulled;
	out->exporter = 0;
	return true;
}

void sp_msg_play_done(struct msg_play *p, const struct msg_due *d)
{
	if (!p->conf.exporters) {
		sp_msg_feed_drop(p->conf.feed, d->number);
		return;
	}
	seen_at(p, d->number)->uses--;
	while (p->first < sp_store_written(p->window) && !seen_at(p, p->first)->uses)
		p->first++;
	sp_store_drop(p->window, p->first);
}

static bool make_exporters(struct msg_play *p)
{
	static const struct sp_store_conf window = { .chunk = CHUNK, .grows = true };
	uint32_t n = p->conf.exporters, sources = p->conf.store->senders.n_sources;

	p->window = sp_store_new(&window, p->mem);
	p->cursor = sp_alloc_array(p->mem, n, sizeof *p->cursor);
	p->heap = sp_alloc_array(p->mem, n, sizeof *p->heap);
	p->parked = sp_alloc_array(p->mem, sources, sizeof *p->parked);
	p->last_of = sp_alloc_array(p->mem, sources, sizeof *p->last_of);
	if (!p->window || !p->cursor || !p->heap || !p->parked || !p->last_of)
		return false;
	for (uint32_t k = 0; k < n; k++)
		park(p, k);
	return true;
}

int sp_msg_play_init(struct msg_play *p, const struct msg_play_conf *conf,
		     const struct sp_mem *mem)
{
	*p = (struct msg_play){ .mem = mem, .conf = *conf };
	if (!conf->store->senders.n_sources)
		p->conf.exporters = 0;
	p->start_ns = sp_alloc_array(mem, (size_t)conf->n + 1, sizeof *p->start_ns);
	if (p->start_ns && (!p->conf.exporters || make_exporters(p)))
		return 0;
	sp_msg_play_fini(p);
	return -ENOMEM;
}

void sp_msg_play_fini(struct msg_play *p)
{
	if (!p->mem)
		return;
	sp_store_free(p->window);
	sp_free(p->mem, p->cursor);
	sp_free(p->mem, p->heap);
	sp_free(p->mem, p->parked);
	sp_free(p->mem, p->last_of);
	sp_free(p->mem, p->start_ns);
	*p = (struct msg_play){ 0 };
}
