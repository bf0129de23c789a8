#include "source/reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "core/shared.h"

#define TELL_EVERY 64u /* times that it reads before it wakes somebody who waits */

struct sp_reader {
	const struct sp_mem *mem;
	struct sp_reader_conf conf;
	struct sp_store *store;
	struct sp_err err; /* the reader's */
	/* the sender's */
	uint64_t waits, waited_ns;
	/* shared */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	uint64_t refill_at;	   /* the reader sleeps until no more than so many are left */
	bool want_more, want_room; /* atomic: somebody sleeps */
	bool over, quit;	   /* atomic: nothing is put any more; nothing is wanted */
};

int sp_reader_new(struct sp_reader **out, const struct sp_reader_conf *conf,
		  struct sp_store *store, const struct sp_mem *mem)
{
	struct sp_reader *r = sp_alloc(mem, sizeof *r);

	*out = r;
	if (!r)
		return -ENOMEM;
	r->mem = mem;
	r->conf = *conf;
	r->store = store;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	pthread_cond_init(&r->room, NULL);
	return 0;
}

static void join(struct sp_reader *r)
{
	if (!r->started)
		return;
	pthread_mutex_lock(&r->lock);
	__atomic_store_n(&r->quit, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&r->room);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	r->started = false;
	r->over = true;
}

void sp_reader_free(struct sp_reader *r)
{
	if (!r)
		return;
	join(r);
	pthread_cond_destroy(&r->more);
	pthread_cond_destroy(&r->room);
	pthread_mutex_destroy(&r->lock);
	sp_free(r->mem, r);
}

/* False: nothing comes any more. */
static bool read_on(struct sp_reader *r)
{
	if (r->conf.read(r->conf.arg, r->store, &r->err) > 0)
		return true;
	__atomic_store_n(&r->over, true, __ATOMIC_RELEASE);
	return false;
}

/* ---- the thread ---- */

static void tell_sender(struct sp_reader *r)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&r->want_more, __ATOMIC_RELAXED) ||
	    !__atomic_exchange_n(&r->want_more, false, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&r->lock);
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

/* Until the ring has room, or nothing is wanted. */
static void wait_for_room(struct sp_reader *r)
{
	pthread_mutex_lock(&r->lock);
	SP_STORE(r->refill_at, sp_store_held(r->store) / 2);
	for (;;) {
		__atomic_store_n(&r->want_room, true, __ATOMIC_SEQ_CST);
		if (!sp_store_full(r->store) || __atomic_load_n(&r->quit, __ATOMIC_RELAXED))
			break;
		pthread_cond_wait(&r->room, &r->lock);
	}
	__atomic_store_n(&r->want_room, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&r->lock);
}

static void *read_all(void *arg)
{
	struct sp_reader *r = arg;
	unsigned n = 0;

	while (!__atomic_load_n(&r->quit, __ATOMIC_RELAXED)) {
		if (sp_store_full(r->store)) {
			tell_sender(r);
			wait_for_room(r);
			continue;
		}
		if (!read_on(r))
			break;
		if (++n % TELL_EVERY == 0)
			tell_sender(r);
	}
	tell_sender(r);
	return NULL;
}

int sp_reader_run(struct sp_reader *r, struct sp_err *err)
{
	sigset_t all, before;
	int rc;

	if (r->started || r->over)
		return 0;
	/* Signals are for the control thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&r->thread, NULL, read_all, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return sp_fail(err, -rc, SP_EXIT_FAILED,
			       "capture: no thread to read ahead (%s): %s", strerror(rc),
			       r->conf.way_out);
	r->started = true;
	return 0;
}

/* ---- the sender ---- */

/* The ring has run empty: nothing can be done but to wait for the file. */
static bool wait_for_more(struct sp_reader *r, uint64_t i)
{
	uint64_t begin = sp_clock_now(r->conf.clock);

	pthread_mutex_lock(&r->lock);
	sp_store_want(r->store, i);
	pthread_cond_signal(&r->room); /* it may have missed the last drop */
	for (;;) {
		__atomic_store_n(&r->want_more, true, __ATOMIC_SEQ_CST);
		if (sp_store_ready(r->store) > i || __atomic_load_n(&r->over, __ATOMIC_ACQUIRE))
			break;
		pthread_cond_wait(&r->more, &r->lock);
	}
	__atomic_store_n(&r->want_more, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&r->lock);
	SP_ADD(r->waits, 1);
	SP_ADD(r->waited_ns, sp_clock_now(r->conf.clock) - begin);
	return sp_store_ready(r->store) > i;
}

bool sp_reader_has(struct sp_reader *r, uint64_t i)
{
	if (SP_LIKELY(sp_store_ready(r->store) > i))
		return true;
	if (__atomic_load_n(&r->over, __ATOMIC_ACQUIRE))
		return sp_store_ready(r->store) > i;
	return r->started ? wait_for_more(r, i) : read_on(r);
}

void sp_reader_drop(struct sp_reader *r, uint64_t i)
{
	sp_store_drop(r->store, i);
	/* Not at every burst: half a ring at a time. */
	if (!r->started || !__atomic_load_n(&r->want_room, __ATOMIC_ACQUIRE) ||
	    sp_store_held(r->store) > SP_LOAD(r->refill_at) ||
	    !__atomic_exchange_n(&r->want_room, false, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&r->lock);
	pthread_cond_signal(&r->room);
	pthread_mutex_unlock(&r->lock);
}

void sp_reader_waited(const struct sp_reader *r, struct sp_reader_waits *w)
{
	*w = (struct sp_reader_waits){ SP_LOAD(r->waits), SP_LOAD(r->waited_ns) };
}

int sp_reader_stop(struct sp_reader *r, struct sp_err *err)
{
	join(r);
	if (r->err.code && err)
		*err = r->err;
	return r->err.code;
}
