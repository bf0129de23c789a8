#include "source/messages/feed.h"

#include <errno.h>
#include <string.h>

#define CHUNK_MOST  (1u << 20)
#define CHUNK_LEAST 4096u

/* What a packet completed, until the ring has taken it: units with their octets behind them. */
struct waiting {
	uint8_t *bytes;
	size_t head, tail, cap;
};

struct msg_feed {
	const struct sp_mem *mem;
	struct msg_feed_conf conf;
	uint64_t given;
	/* out of memory */
	uint32_t item;
	uint64_t in_item;
	/* else: who reads */
	struct sp_store *ring;
	struct sp_reader *reader;
	struct msg_cut *cut; /* of the item's capture; NULL: it has not begun */
	struct msg_counts counts;
	uint64_t units; /* of the item */
	struct waiting waiting;
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static struct msg_capture *capture_of(const struct msg_feed *f, uint32_t item)
{
	return &f->conf.store->captures[f->conf.order[item]];
}

/* ---- what waits for the ring ---- */

static size_t room_of(uint32_t len)
{
	return sizeof(struct msg_unit) + ((size_t)len + 7) / 8 * 8;
}

static int make_room(struct msg_feed *f, size_t need)
{
	struct waiting *w = &f->waiting;
	size_t cap = w->cap ? w->cap : CHUNK_LEAST;
	uint8_t *bigger;

	if (w->head == w->tail)
		w->head = w->tail = 0;
	if (w->cap - w->tail >= need)
		return 0;
	while (cap - w->tail < need)
		cap *= 2;
	bigger = sp_alloc_array(f->mem, cap, 1);
	if (!bigger)
		return -ENOMEM;
	if (w->tail)
		memcpy(bigger, w->bytes, w->tail);
	sp_free(f->mem, w->bytes);
	w->bytes = bigger;
	w->cap = cap;
	return 0;
}

static int changed(const struct msg_feed *f, struct sp_err *err)
{
	return sp_fail(
		err, -EACCES, SP_EXIT_PERM,
		"packet %llu and those around it are not what they were when the capture "
		"was judged: it has changed since, and ends here; replay it when nobody "
		"writes to it",
		(unsigned long long)f->counts.packets);
}

static int on_unit(void *arg, const struct msg_unit *u, struct sp_err *err)
{
	struct msg_feed *f = arg;
	const struct msg_capture *c = capture_of(f, f->item);
	struct msg_unit *copy;

	if (f->units == c->n || u->t_ns < c->first_ns || u->t_ns > c->last_ns ||
	    u->len > f->conf.store->longest)
		return changed(f, err);
	f->units++;
	if (make_room(f, room_of(u->len)))
		return no_memory(err);
	copy = (struct msg_unit *)(void *)(f->waiting.bytes + f->waiting.tail);
	*copy = *u;
	copy->item = f->item;
	memcpy(copy + 1, u->data, u->len);
	f->waiting.tail += room_of(u->len);
	return 0;
}

/* ---- captures ---- */

static int begin_item(struct msg_feed *f, struct sp_err *err)
{
	const struct msg_load *l = f->conf.load;
	const struct msg_cut_conf conf = { .sections = l->sections,
					   .own = l->own,
					   .most = l->most,
					   .senders = &f->conf.store->senders,
					   .capture = f->conf.order[f->item],
					   .counts = &f->counts,
					   .unit = on_unit,
					   .arg = f };
	int rc = sp_cap_rewind(capture_of(f, f->item)->file, err);

	f->counts = (struct msg_counts){ 0 };
	f->units = 0;
	return rc ? rc : sp_msg_cut_new(&f->cut, &conf, f->mem, err);
}

static void end_item(struct msg_feed *f)
{
	sp_msg_cut_free(f->cut);
	f->cut = NULL;
	f->item++;
}

/* One packet on, or the end of its capture. */
static int step(struct msg_feed *f, struct sp_err *err)
{
	const struct msg_capture *c = capture_of(f, f->item);
	struct sp_cap_packet p;
	int rc = f->cut ? 0 : begin_item(f, err);

	if (rc)
		return rc;
	if (f->counts.packets < c->counts.packets) {
		rc = sp_cap_next(c->file, &p, err);
		if (rc > 0)
			return sp_msg_cut_packet(f->cut, &p, err);
		return rc ? rc : changed(f, err);
	}
	rc = sp_msg_cut_finish(f->cut, err);
	if (!rc && f->units != c->n)
		rc = changed(f, err);
	/* What it ended with belongs to it. */
	if (!rc)
		end_item(f);
	return rc;
}

/* Until something waits. 1; 0: all were read; or an error. */
static int read_on(struct msg_feed *f, struct sp_err *err)
{
	int rc = 0;

	while (!rc && f->waiting.head == f->waiting.tail) {
		while (f->item < f->conf.n && !capture_of(f, f->item)->n)
			f->item++;
		if (f->item == f->conf.n)
			return 0;
		rc = step(f, err);
		if (rc == -EACCES && err)
			sp_err_prefix(err, "%s", capture_of(f, f->item)->path);
	}
	return rc ? rc : 1;
}

/* One unit into the ring. */
static int read_unit(void *arg, struct sp_store *ring, struct sp_err *err)
{
	struct msg_feed *f = arg;
	int rc = read_on(f, err);
	const struct msg_unit *u;
	uint32_t len;
	uint8_t *to;

	if (rc <= 0)
		return rc;
	u = (const struct msg_unit *)(const void *)(f->waiting.bytes + f->waiting.head);
	len = (uint32_t)room_of(u->len);
	to = sp_store_room(ring, len);
	if (!to)
		return no_memory(err);
	memcpy(to, u, len);
	sp_store_put(ring, len, 0, 0, 0);
	f->waiting.head += len;
	return 1;
}

/* ---- the player ---- */

static bool next_in_memory(struct msg_feed *f, struct msg_unit *out)
{
	const struct msg_store *s = f->conf.store;

	for (; f->item < f->conf.n; f->item++, f->in_item = 0) {
		const struct msg_capture *c = capture_of(f, f->item);

		if (f->in_item == c->n)
			continue;
		*out = s->units[c->first + f->in_item++];
		out->item = f->item;
		return true;
	}
	return false;
}

bool sp_msg_feed_next(struct msg_feed *f, struct msg_unit *out)
{
	const struct msg_unit *u;

	if (!f->reader)
		return next_in_memory(f, out);
	if (!sp_reader_has(f->reader, f->given))
		return false;
	u = (const struct msg_unit *)(const void *)sp_store_at(f->ring, f->given++)->data;
	*out = *u;
	out->data = (const uint8_t *)(u + 1);
	return true;
}

void sp_msg_feed_drop(struct msg_feed *f, uint64_t n)
{
	if (f->reader)
		sp_reader_drop(f->reader, n);
}

bool sp_msg_feed_stays(const struct msg_feed *f)
{
	return !f->reader;
}

/* ---- open and close ---- */

static int make_ring(struct msg_feed *f, struct sp_err *err)
{
	uint64_t ahead = f->conf.load->ahead, chunk = ahead / 8 / 8 * 8;
	const struct sp_store_conf ring = {
		.bytes = ahead,
		.least = 1,
		.chunk = chunk < CHUNK_LEAST  ? CHUNK_LEAST
			 : chunk > CHUNK_MOST ? CHUNK_MOST
					      : (uint32_t)chunk,
	};
	const struct sp_reader_conf reader = { .read = read_unit,
					       .arg = f,
					       .clock = f->conf.clock,
					       .way_out = "say preload: true" };

	f->ring = sp_store_new(&ring, f->mem);
	if (!f->ring || sp_reader_new(&f->reader, &reader, f->ring, f->mem))
		return no_memory(err);
	return 0;
}

int sp_msg_feed_new(struct msg_feed **out, const struct msg_feed_conf *conf,
		    const struct sp_mem *mem, struct sp_err *err)
{
	struct msg_feed *f = sp_alloc(mem, sizeof *f);
	int rc = 0;

	*out = f;
	if (!f)
		return no_memory(err);
	f->mem = mem;
	f->conf = *conf;
	if (!conf->store->whole)
		rc = make_ring(f, err);
	if (rc) {
		sp_msg_feed_free(f);
		*out = NULL;
	}
	return rc;
}

void sp_msg_feed_free(struct msg_feed *f)
{
	if (!f)
		return;
	sp_reader_free(f->reader);
	sp_store_free(f->ring);
	sp_msg_cut_free(f->cut);
	sp_free(f->mem, f->waiting.bytes);
	sp_free(f->mem, f);
}

int sp_msg_feed_run(struct msg_feed *f, struct sp_err *err)
{
	return f->reader ? sp_reader_run(f->reader, err) : 0;
}

void sp_msg_feed_waited(const struct msg_feed *f, struct sp_reader_waits *w)
{
	*w = (struct sp_reader_waits){ 0 };
	if (f->reader)
		sp_reader_waited(f->reader, w);
}

int sp_msg_feed_stop(struct msg_feed *f, struct sp_err *err)
{
	return f->reader ? sp_reader_stop(f->reader, err) : 0;
}
