/* Batches of any messages, most with stamps that a sender could have made: whatever they claim,
 * each is counted once, no count goes below zero, and no time overflows.
 *
 * Input: a byte of settings, then steps of 16 bytes: op, queue and endpoint, flow (2), sequence
 * (4), due (5), late (2), length (1). */
#include "engine/verify.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "plugin/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 16, FLOWS = 8, ENDPOINTS = 4, QUEUES = 2, GRANTED = 3, ROOM = 64 };

struct fuzz {
	struct sp_flow_table granted;
	struct sp_rx_session session[2];
	struct sp_verifier v;
	struct sp_msg m[SP_BATCH_MAX];
	uint8_t bytes[SP_BATCH_MAX][ROOM];
	uint64_t now, msgs, octets;
};

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t take(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void check_table(const struct sp_flow_table *t, uint64_t *rx, uint64_t *bytes)
{
	for (uint32_t i = 0; i < t->used; i++) {
		const struct sp_flow_rx *f = &t->rx[i];
		uint64_t unique = f->rx - f->duplicates - f->corrupted;

		demand(f->duplicates <= f->rx && f->corrupted <= f->rx - f->duplicates);
		demand(f->reordered + f->gaps <= unique && t->meta[i].too_old <= f->rx);
		demand(t->meta[i].negative <= unique);
		demand(!f->rx || t->meta[i].ep != SP_NO_FLOW);
		demand(f->next - t->meta[i].base < UINT64_C(1) << 62);
		if (t->meta[i].stamped)
			demand(f->next - t->meta[i].base >= unique || t->meta[i].too_old);
		demand(f->delay_min <= f->delay_max);
		*rx += f->rx;
		*bytes += f->rx_bytes;
	}
}

static void check_all(const struct fuzz *f)
{
	uint64_t rx = f->v.untracked, bytes = f->v.untracked_bytes;

	check_table(&f->granted, &rx, &bytes);
	check_table(&f->v.own, &rx, &bytes);
	demand(rx == f->msgs && bytes == f->octets);
	demand(f->v.own.used <= FLOWS);
	for (unsigned i = 0; i < SP_TALLIES; i++)
		demand(f->v.tally[i].delay.n <= f->msgs &&
		       f->v.tally[i].delay.n == f->v.tally[i].delay_actual.n);
}

/* Writes a stamp as a sender would. */
static void stamp(const struct sp_stamp_ops *ops, struct sp_msg *m, const uint8_t *p)
{
	struct sp_flow_tx tx = { .seq = (uint32_t)take(p + 4, 4) };
	struct sp_batch b = { .n = 1, .cap = 1, .m = m };
	uint64_t arrival = m->t_ns;

	tx.head = ops->head((uint32_t)take(p + 2, 2) % 12 + (p[0] & 16 ? SP_FLOW_OWN_ID : 0),
			    0);
	m->t_ns = take(p + 8, 5);
	m->stamp_off = (uint16_t)(m->len - ops->len);
	m->flow = 0;
	ops->put(&b, 0, &tx, m->t_ns + (take(p + 13, 2) << (p[0] >> 5) * 4));
	m->t_ns = arrival;
	m->stamp_off = SP_NO_STAMP;
}

static void fill(struct fuzz *f, uint32_t i, const uint8_t *p)
{
	struct sp_msg *m = &f->m[i];
	const struct sp_stamp_ops *ops = p[0] & 1 ? f->v.shorter : f->v.native;

	f->now += take(p + 13, 2) << (p[1] >> 6) * 8;
	*m = (struct sp_msg){ .data = f->bytes[i],
			      .t_ns = f->now,
			      .len = p[15] % (ROOM + 1),
			      .ep = p[1] & 32 ? SP_NO_FLOW : p[1] >> 1 & 7,
			      .stamp_off = SP_NO_STAMP };
	memset(f->bytes[i], 'X', ROOM);
	if (m->len >= ops->len)
		stamp(ops, m, p);
	if (p[0] & 2 && m->len)
		f->bytes[i][m->len - 1 - p[4] % m->len] ^= p[5];
	if (p[0] & 4)
		m->flags |= SP_M_CSUM_BAD;
	if (p[0] & 8)
		m->stamp_off = 42; /* bytes around it */
	f->msgs++;
	f->octets += m->len + (p[0] & 8 ? 42 : 0);
}

/* Made once: the histograms are 23 MB. */
static struct fuzz *make(void)
{
	const struct sp_mem *mem = sp_mem_system();
	struct fuzz *f = calloc(1, sizeof *f);

	demand(f && sp_flow_table_init(&f->granted, mem, FLOWS) == 0 &&
	       sp_verifier_init(&f->v, mem, &f->granted, f->session,
				sp_catalog_stamp(&sp_catalog, "native"),
				sp_catalog_stamp(&sp_catalog, "short"), FLOWS, ENDPOINTS,
				QUEUES) == 0);
	return f;
}

static void clear_table(struct sp_flow_table *t)
{
	memset(t->rx, 0, t->cap * sizeof *t->rx);
	memset(t->sketch, 0, t->cap * sizeof *t->sketch);
	memset(t->meta, 0, t->cap * sizeof *t->meta);
	t->used = 0;
}

static void clear(struct fuzz *f, uint8_t settings)
{
	clear_table(&f->granted);
	clear_table(&f->v.own);
	for (unsigned i = 0; i < SP_TALLIES; i++)
		if (f->v.tally[i].delay.n || f->v.tally[i].gap_error.n)
			memset(&f->v.tally[i], 0, sizeof f->v.tally[i]);
	memset(f->v.hash, 0, (f->v.hash_mask + 1) * sizeof *f->v.hash);
	memset(f->v.ep_flow, 0, (size_t)QUEUES * (ENDPOINTS + 1) * sizeof *f->v.ep_flow);
	f->v.own_tallies = 0;
	f->v.untracked = f->v.untracked_bytes = 0;
	f->msgs = f->octets = 0;
	f->now = settings & 1 ? 1 : 3600 * SP_NS_PER_S;
	f->session[1] = (struct sp_rx_session){ .clock_known = settings & 2 };
	f->session[1].offset_ns = settings & 4	 ? INT64_C(1) << 62
				  : settings & 8 ? -(INT64_C(1) << 62)
						 : 0;
	for (uint32_t i = 0; i < GRANTED; i++)
		sp_flow_grant(&f->granted, i + 1, 1, (uint8_t)(i + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz *f;
	struct sp_batch b = { .cap = SP_BATCH_MAX };
	uint32_t queue;

	if (!f)
		f = make();
	clear(f, size ? data[0] : 0);
	for (size_t at = 1; at + STEP <= size;) {
		/* A batch is of one queue. */
		queue = data[at + 1] & 1;
		b.m = f->m;
		for (b.n = 0; at + STEP <= size && b.n < 32 && (data[at + 1] & 1u) == queue;
		     at += STEP)
			fill(f, b.n++, data + at);
		sp_verify_burst(&f->v, &b, queue, NULL);
		check_all(f);
	}
	return 0;
}
