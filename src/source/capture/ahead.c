#include "source/capture/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "core/shared.h"
#include "source/capture/store.h"

#define TELL_EVERY 64u /* units that the reader puts before it wakes somebody who waits */

struct sp_ahead {
	const struct sp_mem *mem;
	struct sp_ahead_conf conf;
	struct sp_walk *walk;
	struct sp_store *store;
	/* the reader's */
	uint64_t loop;	/* that is read */
	uint64_t n_put; /* frames of this pass */
	struct sp_err err;
	uint32_t unfit,
		unfit_at; /* so many that do not fit are still to be put; the first one */
	/* whole: of one pass */
	bool whole;
	uint64_t units, frames, places, taken;
	/* the sender's */
	uint64_t waits, waited_ns;
	uint64_t at,
		loop_i;	 /* the next unit of the ring; whole: of the pass, and which that is */
	uint64_t passed; /* atomic: units that do not fit */
	/* shared */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	uint64_t refill_at;	   /* the reader sleeps until no more than so many are left */
	bool want_more, want_room; /* atomic: somebody sleeps */
	bool over, quit;	   /* atomic: nothing is put any more; nothing is wanted */
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

/* Those that do not fit become one unit, behind the frame before them: a ring that is full always has
 * frames. */
static int put_unfit(struct sp_ahead *a, struct sp_err *err)
{
	uint32_t n = a->unfit;

	a->unfit = 0;
	if (n && sp_store_put_unfit(a->store, n, (uint32_t)a->loop, a->unfit_at))
		return no_memory(err);
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

/* Keeps on until something was put. false: nothing comes any more. */
static bool read_on(struct sp_ahead *a)
{
	int rc;

	do {
		rc = read_one(a, &a->err);
		if (rc)
			break;
		rc = next_pass(a, &a->err);
	} while (rc > 0 && !__atomic_load_n(&a->quit, __ATOMIC_RELAXED));
	if (rc > 0)
		return true;
	__atomic_store_n(&a->over, true, __ATOMIC_RELEASE);
	return false;
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
	a->over = true;
	if (rc && !a->frames) { /* nothing good before it */
		if (err)
			*err = a->err;
		return rc;
	}
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
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	pthread_cond_init(&a->room, NULL);
	rc = sp_walk_new(&a->walk, &conf->walk, mem, err);
	if (!rc) {
		a->store = sp_store_new(mem);
		rc = a->store ? 0 : no_memory(err);
	}
	if (!rc && conf->whole)
		sp_store_keep(a->store);
	if (!rc)
		rc = fill(a, err);
	if (rc)
		sp_ahead_free(a);
	else
		*out = a;
	return rc;
}

static void join(struct sp_ahead *a)
{
	if (!a->started)
		return;
	pthread_mutex_lock(&a->lock);
	__atomic_store_n(&a->quit, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&a->room);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	a->started = false;
	a->over = true;
}

void sp_ahead_free(struct sp_ahead *a)
{
	if (!a)
		return;
	join(a);
	pthread_cond_destroy(&a->more);
	pthread_cond_destroy(&a->room);
	pthread_mutex_destroy(&a->lock);
	sp_store_free(a->store);
	sp_walk_free(a->walk);
	sp_free(a->mem, a);
}

/* ---- the thread ---- */

static void tell_sender(struct sp_ahead *a)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&a->want_more, __ATOMIC_RELAXED) ||
	    !__atomic_exchange_n(&a->want_more, false, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&a->lock);
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
}

/* Until the ring has room, or nothing is wanted. */
static void wait_for_room(struct sp_ahead *a)
{
	pthread_mutex_lock(&a->lock);
	SP_STORE(a->refill_at, sp_store_held(a->store) / 2);
	for (;;) {
		__atomic_store_n(&a->want_room, true, __ATOMIC_SEQ_CST);
		if (!sp_store_full(a->store) || __atomic_load_n(&a->quit, __ATOMIC_RELAXED))
			break;
		pthread_cond_wait(&a->room, &a->lock);
	}
	__atomic_store_n(&a->want_room, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&a->lock);
}

static void *read_all(void *arg)
{
	struct sp_ahead *a = arg;
	unsigned n = 0;

	while (!__atomic_load_n(&a->quit, __ATOMIC_RELAXED)) {
		if (sp_store_full(a->store)) {
			tell_sender(a);
			wait_for_room(a);
			continue;
		}
		if (!read_on(a))
			break;
		if (++n % TELL_EVERY == 0)
			tell_sender(a);
	}
	tell_sender(a);
	return NULL;
}

int sp_ahead_run(struct sp_ahead *a, struct sp_err *err)
{
	sigset_t all, before;
	int rc;

	if (a->whole || a->started)
		return 0;
	/* Signals are for the control thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&a->thread, NULL, read_all, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return sp_fail(err, -rc, SP_EXIT_FAILED,
			       "capture: no thread to read ahead (%s): use --preload-pcap",
			       strerror(rc));
	a->started = true;
	return 0;
}

/* ---- the sender ---- */

/* The ring has run empty: nothing can be done but to wait for the file. */
static bool wait_for_more(struct sp_ahead *a, uint64_t i)
{
	uint64_t begin = sp_clock_now(a->conf.clock);

	pthread_mutex_lock(&a->lock);
	pthread_cond_signal(&a->room); /* it may have missed the last drop */
	for (;;) {
		__atomic_store_n(&a->want_more, true, __ATOMIC_SEQ_CST);
		if (sp_store_ready(a->store) > i || __atomic_load_n(&a->over, __ATOMIC_ACQUIRE))
			break;
		pthread_cond_wait(&a->more, &a->lock);
	}
	__atomic_store_n(&a->want_more, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&a->lock);
	SP_ADD(a->waits, 1);
	SP_ADD(a->waited_ns, sp_clock_now(a->conf.clock) - begin);
	return sp_store_ready(a->store) > i;
}

static bool ring_has(struct sp_ahead *a, uint64_t i)
{
	if (SP_LIKELY(sp_store_ready(a->store) > i))
		return true;
	if (__atomic_load_n(&a->over, __ATOMIC_ACQUIRE))
		return sp_store_ready(a->store) > i;
	return a->started ? wait_for_more(a, i) : read_on(a);
}

/* Of those in memory that do not fit the limit may ask for some only. */
static uint64_t asked_unfit(const struct sp_store_unit *u, uint64_t before, uint64_t limit)
{
	uint64_t left = limit - before - u->index;

	return limit && left < u->unfit ? left : u->unfit;
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
		if (!ring_has(a, a->at))
			return false;
		u = sp_store_at(a->store, a->at++);
		if (SP_UNLIKELY(!u->len))
			SP_ADD(a->passed, u->unfit);
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
	if (a->whole)
		return;
	sp_store_drop(a->store, after);
	/* Not at every burst: half a ring at a time. */
	if (!a->started || !__atomic_load_n(&a->want_room, __ATOMIC_ACQUIRE) ||
	    sp_store_held(a->store) > SP_LOAD(a->refill_at) ||
	    !__atomic_exchange_n(&a->want_room, false, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&a->lock);
	pthread_cond_signal(&a->room);
	pthread_mutex_unlock(&a->lock);
}

void sp_ahead_waited(const struct sp_ahead *a, struct sp_ahead_waits *w)
{
	*w = (struct sp_ahead_waits){ SP_LOAD(a->waits), SP_LOAD(a->waited_ns) };
}

int sp_ahead_stop(struct sp_ahead *a, struct sp_err *err)
{
	join(a);
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
