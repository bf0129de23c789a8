#include "engine/marks.h"

#include <errno.h>
#include <math.h>

#include "core/shared.h"
#include "engine/measure.h"

struct sp_marks {
	uint32_t every;
	unsigned workers;
	struct sp_marker *marker;
	struct sp_marker_note *last; /* of each worker: what n and bytes are the sums of */
	uint64_t n, bytes;
	uint64_t first_ns, first_bytes; /* of the first unit */
	uint64_t window, window_n;	/* the window that time is in, and n when it began */
	bool dense, given;		/* of it: too many for all; one was given */
};

int sp_marks_new(struct sp_marks **out, const struct sp_mem *mem, unsigned workers,
		 uint32_t every)
{
	struct sp_marks *k = sp_alloc(mem, sizeof *k);

	if (!k)
		return -ENOMEM;
	k->every = every;
	k->marker = sp_alloc_array(mem, workers, sizeof *k->marker);
	k->last = sp_alloc_array(mem, workers, sizeof *k->last);
	for (; k->marker && k->workers < workers; k->workers++) {
		struct sp_marker *m = &k->marker[k->workers];

		m->every = workers == 1 ? every : 1;
		m->left = 1; /* the first unit is noted, too: rates begin there */
		m->ring = sp_alloc_array(mem, SP_MARKS_RING, sizeof *m->ring);
		if (!m->ring)
			break;
	}
	if (k->last && k->workers == workers) {
		*out = k;
		return 0;
	}
	sp_marks_free(k, mem);
	return -ENOMEM;
}

void sp_marks_free(struct sp_marks *k, const struct sp_mem *mem)
{
	if (!k)
		return;
	for (unsigned w = 0; w < k->workers; w++)
		sp_free(mem, k->marker[w].ring);
	sp_free(mem, k->marker);
	sp_free(mem, k->last);
	sp_free(mem, k);
}

struct sp_marker *sp_marks_marker(struct sp_marks *k, unsigned w)
{
	return &k->marker[w];
}

/* ---- the worker's side ---- */

static void note(struct sp_marker *m, uint64_t t_ns)
{
	uint32_t tail = __atomic_load_n(&m->tail, __ATOMIC_ACQUIRE);

	m->left = m->every - (uint32_t)(m->n % m->every);
	if (m->head - tail == SP_MARKS_RING)
		return;
	m->ring[m->head % SP_MARKS_RING] = (struct sp_marker_note){ t_ns, m->n, m->bytes };
	__atomic_store_n(&m->head, m->head + 1, __ATOMIC_RELEASE);
}

static inline void count(struct sp_marker *m, uint64_t bytes, uint64_t t_ns)
{
	m->n++;
	m->bytes += bytes;
	if (SP_UNLIKELY(--m->left == 0))
		note(m, t_ns);
}

void sp_marker_sent(struct sp_marker *m, const struct sp_batch *b, uint32_t from, uint32_t n,
		    uint64_t t_ns)
{
	for (uint32_t i = from; i < from + n; i++)
		count(m, b->m[i].len, t_ns);
}

void sp_marker_unit(struct sp_marker *m, uint64_t bytes, uint64_t t_ns)
{
	count(m, bytes, t_ns);
}

void sp_marker_received(struct sp_marker *m, const struct sp_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct sp_msg *msg = &b->m[i];
		uint32_t around = msg->stamp_off == SP_NO_STAMP ? 0 : msg->stamp_off;

		uint32_t n = msg->flags & SP_M_RUN ? msg->flow : 1;

		for (; n; n--)
			count(m, msg->len + around, msg->t_ns);
	}
}

/* ---- the control thread's ---- */

/* Adds the oldest note of all workers to the sums. Each worker's counts are true whatever the
 * order; the order is that of time as far as notes are there already. */
static bool take_note(struct sp_marks *k, uint64_t *t_ns)
{
	const struct sp_marker_note *oldest = NULL;
	unsigned of = 0;

	for (unsigned w = 0; w < k->workers; w++) {
		struct sp_marker *m = &k->marker[w];
		const struct sp_marker_note *at = &m->ring[m->tail % SP_MARKS_RING];

		if (m->tail == __atomic_load_n(&m->head, __ATOMIC_ACQUIRE))
			continue;
		if (oldest && oldest->t_ns <= at->t_ns)
			continue;
		oldest = at;
		of = w;
	}
	if (!oldest)
		return false;
	*t_ns = oldest->t_ns;
	k->n += oldest->n - k->last[of].n;
	k->bytes += oldest->bytes - k->last[of].bytes;
	k->last[of] = *oldest;
	if (!k->first_ns) {
		k->first_ns = *t_ns;
		k->first_bytes = k->bytes;
	}
	__atomic_store_n(&k->marker[of].tail, k->marker[of].tail + 1, __ATOMIC_RELEASE);
	return true;
}

/* A window in which more multiples passed than anybody reads, and those that follow it until one
 * has fewer again, give their first only. */
static bool to_be_given(struct sp_marks *k, uint64_t since_ns)
{
	uint64_t window = since_ns / SP_MARKS_WINDOW_NS;
	uint64_t most = (uint64_t)SP_MARKS_MOST * k->every;

	if (window > k->window) {
		k->dense = window == k->window + 1 && k->n - k->window_n > most;
		k->window = window;
		k->window_n = k->n - k->every;
		k->given = false;
	}
	if (k->given && (k->dense || k->n - k->window_n > most))
		return false;
	k->given = true;
	return true;
}

bool sp_marks_next(struct sp_marks *k, uint64_t from_ns, struct sp_mark *out)
{
	uint64_t t_ns;

	while (take_note(k, &t_ns)) {
		const struct sp_span span = { k->n, k->bytes, k->first_bytes, k->first_ns,
					      t_ns };

		if (k->n % k->every || !to_be_given(k, t_ns > from_ns ? t_ns - from_ns : 0))
			continue;
		*out = (struct sp_mark){ k->n, k->bytes, t_ns, NAN, NAN };
		sp_measure_rate(&span, &out->pps, &out->bps);
		return true;
	}
	return false;
}
