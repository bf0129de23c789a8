#include "source/capture/ahead.h"

#include <errno.h>
#include <string.h>

#include "core/shared.h"

/* So much the ring holds; units below least leave in bursts, however large they are. */
#define RING_BYTES (8u << 20)
#define RING_LEAST 2048u
#define RING_CHUNK (1u << 20)

struct sp_ahead {
	const struct sp_mem *mem;
	struct sp_ahead_conf conf;
	struct sp_walk *walk;
	struct sp_store *store;
	struct sp_reader *reader;
	/* who reads */
	uint64_t loop;	/* that is read */
	uint64_t n_put; /* frames of this pass */
	/* so many that do not fit are still to be put; the first one */
	uint32_t unfit, unfit_at;
	/* whole: of one pass */
	bool whole;
	struct sp_err err;
	uint64_t units, frames, places, taken;
	/* the sender's */
	uint64_t at;	 /* the next unit; whole: of the pass, */
	uint64_t loop_i; /* and which that is */
	uint64_t passed; /* atomic: units that do not fit */
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "capture: out of memory");
}

static void copy(uint8_t *to, const struct sp_walk_frame *f)
{
	if (f->head_len)
		memcpy(to, f->head, f->head_len);
	memcpy(to + f->head_len, f->data, f->data_len);
	if (f->zeros)
		memset(to + f->head_len + f->data_len, 0, f->zeros);
}

/* Those that do not fit become one unit without octets, whose place is how many they are, behind the
 * frame before them: a ring that is full always has frames. */
static int put_unfit(struct sp_ahead *a, struct sp_err *err)
{
	uint32_t n = a->unfit;

	a->unfit = 0;
	if (!n)
		return 0;
	if (!sp_store_room(a->store, 0))
		return no_memory(err);
	sp_store_put(a->store, 0, n, (uint32_t)a->loop, a->unfit_at);
	return 0;
}

/* One more. In memory a pass may end at any of them (--limit): there each unit's follow each other. */
static int note_unfit(struct sp_ahead *a, struct sp_err *err)
{
	uint32_t index = (uint32_t)(sp_walk_taken(a->walk) - 1);
	int rc = 0;

	if (a->unfit == UINT32_MAX || (a->whole && index != a->unfit_at + a->unfit))
		rc = put_unfit(a, err);
	if (!a->unfit++)
		a->unfit_at = index;
	return rc;
}

/* The next frame of the pass. 1; 0: there is none; or an error. Those before it that do not fit were
 * put. */
static int next_frame(struct sp_ahead *a, struct sp_walk_frame *f, struct sp_err *err)
{
	int rc, put;

	while ((rc = sp_walk_next(a->walk, f, err)) > 0 && f->unfit) {
		put = note_unfit(a, err);
		if (put)
			return put;
	}
	put = put_unfit(a, rc < 0 ? NULL : err);
	return rc < 0 ? rc : put ? put : rc;
}

/* One more frame into the store. 1; 0: the pass is over; or an error. */
static int read_one(struct sp_ahead *a, struct sp_err *err)
{
	struct sp_walk_frame f;
	int rc = next_frame(a, &f, err);
	const struct sp_rewrite *r = a->conf.rewrite;
	uint32_t len, room = r ? sp_rewrite_room(r) : 0;
	uint8_t *to;

	if (rc <= 0)
		return rc;
	len = sp_walk_len(&f);
	to = sp_store_room(a->store, len + room);
	if (!to)
		return no_memory(err);
	copy(to, &f);
	if (r) /* with its room it never fails */
		len = (uint32_t)sp_rewrite_apply(r, SP_LINK_ETHERNET, to, len, len + room, 0,
						 NULL);
	if (a->conf.judge) {
		rc = a->conf.judge(a->conf.judge_arg, sp_walk_file(a->walk, f.file), f.number,
				   to, len, err);
		if (rc)
			return rc;
	}
	sp_store_put(a->store, len, f.place, (uint32_t)a->loop,
		     (uint32_t)(sp_walk_taken(a->walk) - 1));
	a->n_put++;
	return 1;
}

/* A pass is over: is there another one? 1, 0, or an error. */
static int next_pass(struct sp_ahead *a, struct sp_err *err)
{
	bool empty = !a->n_put;

	if (empty || sp_walk_done(a->walk) || ++a->loop == a->conf.loops)
		return 0;
	a->n_put = 0;
	return sp_walk_rewind(a->walk, err) ? -1 : 1;
}

/* Keeps on until something was put. */
static int read_on(void *arg, struct sp_store *store, struct sp_err *err)
{
	struct sp_ahead *a = arg;
	int rc;

	(void)store;
	do {
		rc = read_one(a, err);
		if (rc)
			return rc;
		rc = next_pass(a, err);
	} while (rc > 0);
	return rc;
}

/* ---- memory as a whole ---- */

/* The first pass as far as it fits; what fits is never read again. */
static int fill(struct sp_ahead *a, struct sp_err *err)
{
	int rc = 1;

	a->whole = true;
	while (rc > 0 && !sp_store_full(a->store))
		rc = read_one(a, &a->err);
	if (rc > 0) { /* it goes on as a ring */
		a->whole = false;
		return 0;
	}
	a->units = sp_store_written(a->store);
	a->frames = a->n_put;
	a->places = sp_times_end(sp_walk_times(a->walk));
	a->taken = sp_walk_taken(a->walk);
	if (rc && !a->frames) { /* nothing good before it */
		if (err)
			*err = a->err;
		return rc;
	}
	return 0;
}

static int make_ring(struct sp_ahead *a, struct sp_err *err)
{
	static const struct sp_store_conf ring = { .bytes = RING_BYTES,
						   .least = RING_LEAST,
						   .chunk = RING_CHUNK };
	const struct sp_reader_conf reader = { .read = read_on,
					       .arg = a,
					       .clock = a->conf.clock,
					       .way_out = "use --preload-pcap" };

	a->store = sp_store_new(&ring, a->mem);
	if (!a->store || sp_reader_new(&a->reader, &reader, a->store, a->mem))
		return no_memory(err);
	if (a->conf.whole)
		sp_store_keep(a->store);
	return 0;
}

int sp_ahead_new(struct sp_ahead **out, const struct sp_ahead_conf *conf,
		 const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_ahead *a = sp_alloc(mem, sizeof *a);
	int rc;

	*out = NULL;
	if (!a)
		return no_memory(err);
	a->mem = mem;
	a->conf = *conf;
	rc = sp_walk_new(&a->walk, &conf->walk, mem, err);
	if (!rc)
		rc = make_ring(a, err);
	if (!rc)
		rc = fill(a, err);
	if (rc)
		sp_ahead_free(a);
	else
		*out = a;
	return rc;
}

void sp_ahead_free(struct sp_ahead *a)
{
	if (!a)
		return;
	sp_reader_free(a->reader);
	sp_store_free(a->store);
	sp_walk_free(a->walk);
	sp_free(a->mem, a);
}

int sp_ahead_run(struct sp_ahead *a, struct sp_err *err)
{
	return a->whole ? 0 : sp_reader_run(a->reader, err);
}

/* ---- the sender ---- */

/* Of those in memory that do not fit the limit may ask for some only. */
static uint64_t asked_unfit(const struct sp_store_unit *u, uint64_t before, uint64_t limit)
{
	uint64_t left = limit - before - u->index;

	return limit && left < u->place ? left : u->place;
}

/* Of a pass that is in memory, again and again. */
static bool next_whole(struct sp_ahead *a, struct sp_ahead_unit *out)
{
	const struct sp_store_unit *u;
	uint64_t limit = a->conf.walk.limit, before;

	for (;;) {
		if (a->at == a->units) {
			a->at = 0;
			a->loop_i++;
		}
		/* Damage ends it: what was good before it has left. */
		if (!a->units || (a->conf.loops && a->loop_i >= a->conf.loops) ||
		    (a->loop_i && (a->err.code || !a->frames)))
			return false;
		u = sp_store_at(a->store, a->at);
		before = a->loop_i * a->taken;
		if (limit && before + u->index >= limit)
			return false;
		a->at++;
		if (SP_LIKELY(u->len))
			break;
		SP_ADD(a->passed, asked_unfit(u, before, limit));
	}
	*out = (struct sp_ahead_unit){
		.data = u->data,
		.due_ns = sp_times_due(&a->conf.walk.times, a->loop_i * a->places + u->place,
				       a->loop_i),
		.loop = a->loop_i,
		.len = u->len,
	};
	return true;
}

bool sp_ahead_next(struct sp_ahead *a, struct sp_ahead_unit *out)
{
	const struct sp_store_unit *u;

	if (a->whole)
		return next_whole(a, out);
	do {
		if (!sp_reader_has(a->reader, a->at))
			return false;
		u = sp_store_at(a->store, a->at++);
		if (SP_UNLIKELY(!u->len))
			SP_ADD(a->passed, u->place);
	} while (!u->len);
	*out = (struct sp_ahead_unit){
		.data = u->data,
		.due_ns = sp_times_due(&a->conf.walk.times, u->place, u->loop),
		.loop = u->loop,
		.after = a->at,
		.len = u->len,
	};
	return true;
}

uint64_t sp_ahead_unfit(const struct sp_ahead *a)
{
	return SP_LOAD(a->passed);
}

void sp_ahead_drop(struct sp_ahead *a, uint64_t after)
{
	if (!a->whole)
		sp_reader_drop(a->reader, after);
}

void sp_ahead_waited(const struct sp_ahead *a, struct sp_reader_waits *w)
{
	sp_reader_waited(a->reader, w);
}

int sp_ahead_stop(struct sp_ahead *a, struct sp_err *err)
{
	if (!a->whole)
		return sp_reader_stop(a->reader, err);
	if (a->err.code && err)
		*err = a->err;
	return a->err.code;
}

const struct sp_walk *sp_ahead_walk(const struct sp_ahead *a)
{
	return a->walk;
}

bool sp_ahead_is_whole(const struct sp_ahead *a)
{
	return a->whole;
}
