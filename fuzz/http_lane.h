/* Both HTTP targets: the same bytes are shown to a machine whole and in pieces that the input
 * chooses; what it writes, reports and wants in the end must be the same. */
#ifndef FUZZ_HTTP_LANE_H
#define FUZZ_HTTP_LANE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "pkt/pattern.h"
#include "plugin/catalog.h"

#define FUZZ_MAX 65536u

struct lane {
	const struct sp_proto_ops *ops;
	_Alignas(16) uint8_t st[256];
	struct sp_wish w;
	uint64_t asked, ask_most;
	uint32_t out, log; /* digests of what was written and reported */
	uint32_t done;
	uint8_t kept[FUZZ_MAX];
	size_t n_kept;
};

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void took(struct lane *l)
{
	struct sp_txn t;
	uint64_t what[5];

	demand(l->w.done <= 1 && l->w.sent <= 1 && l->w.n_out <= SP_WISH_OUT);
	if (!l->w.done)
		return;
	l->ops->outcome(l->st, &t);
	demand(!(t.flags & SP_TXN_WHOLE) || !t.why || t.why == SP_WHY_STATUS);
	demand(t.flags & SP_TXN_WHOLE || t.reason);
	demand(t.body_bytes <= t.rx_bytes);
	memcpy(what, (uint64_t[]){ t.rx_bytes, t.body_bytes, t.status, t.why, t.flags },
	       sizeof what);
	l->log = sp_pattern_id(l->log, what, sizeof what);
	l->done++;
}

static void write_all(struct lane *l)
{
	while (l->w.n_out && !(l->w.flags & SP_WISH_RESET)) {
		size_t n = 0;

		for (unsigned i = 0; i < l->w.n_out; i++) {
			demand(l->w.out[i].iov_len > 0);
			l->out = sp_pattern_id(l->out, l->w.out[i].iov_base,
					       l->w.out[i].iov_len);
			n += l->w.out[i].iov_len;
		}
		l->ops->on_wrote(l->st, n, 1, &l->w);
		took(l);
	}
}

static bool over(const struct lane *l)
{
	return l->w.flags & (SP_WISH_CLOSE | SP_WISH_RESET);
}

/* A client asks, so often at most. */
static void ask(struct lane *l)
{
	struct sp_token t = { .intended_ns = 1, .size = (uint32_t)l->asked % 100 };

	if (!(l->w.flags & SP_WISH_READY) || l->asked == l->ask_most)
		return;
	demand(l->ops->start(l->st, &t, 1, &l->w) == 0);
	l->asked++;
	took(l);
	write_all(l);
}

static void show(struct lane *l, const uint8_t *data, size_t len)
{
	uint32_t before;
	size_t n;

	memcpy(l->kept + l->n_kept, data, len);
	l->n_kept += len;
	while (l->n_kept && !over(l)) {
		uint8_t *exact = malloc(l->n_kept);

		demand(exact != NULL);
		memcpy(exact, l->kept, l->n_kept);
		before = l->done;
		n = l->ops->on_bytes(l->st, exact, l->n_kept, 1, &l->w);
		free(exact);
		demand(n <= l->n_kept);
		l->n_kept -= n;
		memmove(l->kept, l->kept + n, l->n_kept);
		took(l);
		write_all(l);
		/* Nothing holds up a machine whose output is always taken. */
		demand(!(l->w.flags & SP_WISH_HOLD));
		if (!n && before == l->done) {
			demand(l->n_kept <= l->ops->keep_max);
			break;
		}
		if (!l->n_kept)
			ask(l);
	}
}

/* The conversation in pieces of cut[0], cut[1], ... bytes, then whole. */
static uint64_t converse(struct lane *l, const struct sp_proto *p, const uint8_t *data,
			 size_t len, const uint8_t *cut, size_t cuts)
{
	l->out = l->log = SP_PATTERN_ID;
	l->done = 0;
	l->asked = 0;
	l->n_kept = 0;
	memset(l->st, 0x5a, sizeof l->st);
	l->ops->init(l->st, p, 1, &l->w);
	took(l);
	ask(l);
	for (size_t i = 0; len && !over(l); i++) {
		size_t n = i < cuts ? 1u + cut[i] : len;

		n = n < len ? n : len;
		show(l, data, n);
		data += n;
		len -= n;
	}
	if (!over(l)) {
		l->ops->on_eof(l->st, l->n_kept, 1, &l->w);
		took(l);
		write_all(l);
		demand(over(l));
	}
	l->log = sp_pattern_id(l->log, &l->w.flags, sizeof l->w.flags);
	return (uint64_t)l->log << 32 | l->out;
}

/* data: how many cuts, the cuts, the bytes. A client that asks again between two pieces may take
 * for an answer what, whole, came unasked: so the comparison is of one request. */
static void both_ways(struct lane *l, const struct sp_proto *p, const uint8_t *data,
		      size_t size)
{
	size_t cuts = size ? data[0] : 0;
	uint64_t whole;

	if (size < 1 + cuts || size > FUZZ_MAX / 2)
		return;
	l->ask_most = 1;
	whole = converse(l, p, data + 1 + cuts, size - 1 - cuts, NULL, 0);
	demand(whole == converse(l, p, data + 1 + cuts, size - 1 - cuts, data + 1, cuts));
	l->ask_most = UINT64_MAX;
	converse(l, p, data + 1 + cuts, size - 1 - cuts, data + 1, cuts);
}

#endif
