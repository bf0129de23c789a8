/* One end of a TCP connection, shown any segments at any time: it stays inside its rings, never says
 * what it was not given, and every timer ends. An input is a row of steps: a segment with numbers
 * near the right ones, time, a write, a read, the end. */
#include "transport/utcp/tcb.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 2048u
#define MSS  536u

static void demand(bool ok)
{
	if (!ok)
		abort();
}

struct world {
	struct sp_tcb t;
	uint8_t snd[ROOM], rcv[ROOM];
	uint64_t now_ns, written;
};

static void check(struct world *w)
{
	struct sp_tcb *t = &w->t;
	uint8_t data[65536];
	struct sp_tcp_seg s;
	unsigned n = 0;

	while (sp_tcb_output(t, w->now_ns, &s, data)) {
		demand(++n < 100);
		demand(s.len <= t->own_mss && s.window <= ROOM);
		demand((s.flags & SP_TCP_SYN) || s.len <= w->written);
		for (uint32_t i = 0; i < s.len; i++)
			demand(data[i] == 0x5a);
	}
	demand(t->n_snd <= ROOM && t->n_rcv <= ROOM && t->n_pieces <= SP_TCB_GAPS);
	demand(!sp_seq_before(t->max, t->una) && !sp_seq_before(t->max, t->nxt) &&
	       !sp_seq_before(t->nxt, t->una));
	demand(t->max - t->una <= ROOM + 2);
	/* What waits to be confirmed has a timer. */
	demand(t->state == SP_TCB_CLOSED || t->una == t->max || t->timer_ns != UINT64_MAX);
}

static void segment(struct world *w, const uint8_t *d)
{
	uint8_t payload[3000];
	struct sp_tcp_seg s = {
		.flags = d[1] & 0x1f,
		.seq = w->t.rcv_nxt + sp_get_be16(d + 2) - 32768u,
		.ack = w->t.una + sp_get_be16(d + 4) - 32768u,
		.len = sp_get_be16(d + 6) % sizeof payload,
		.window = sp_get_be16(d + 8),
		.mss = d[0] & 1 ? sp_get_be16(d + 2) : 0,
		.data = payload,
	};

	memset(payload, d[9], sizeof payload);
	if (w->t.state == SP_TCB_SYN_SENT)
		s.ack = w->t.una + (d[0] & 2 ? 1 : d[4]);
	sp_tcb_input(&w->t, &s, w->now_ns);
}

static void write_some(struct world *w, uint32_t n)
{
	uint8_t data[4096];
	struct iovec iov = { data, n % sizeof data };
	ssize_t took;

	memset(data, 0x5a, sizeof data);
	took = sp_tcb_write(&w->t, &iov, 1);
	if (took > 0)
		w->written += (uint64_t)took;
}

/* One step; how many bytes it took. */
static size_t step(struct world *w, const uint8_t *d, size_t left)
{
	uint8_t out[4096];

	switch (d[0] % 6) {
	case 0:
		if (left < 12)
			return left;
		segment(w, d + 1);
		return 12;
	case 1:
		w->now_ns += (uint64_t)d[1] << 24;
		sp_tcb_tick(&w->t, w->now_ns);
		return 2;
	case 2:
		sp_tcb_finish(&w->t);
		return 2;
	case 3:
		write_some(w, d[1] * 16u);
		return 2;
	case 4:
		sp_tcb_read(&w->t, out, d[1] * 16u);
		return 2;
	default:
		if (d[1] > 250)
			sp_tcb_abort(&w->t);
		return 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof *w);
	struct sp_tcb_conf c = { .sport = 1, .dport = 2, .mss = MSS, .iss = 0xfffffff0u };
	size_t steps = 0;

	demand(w != NULL);
	c.snd = (struct sp_tcb_ring){ w->snd, ROOM };
	c.rcv = (struct sp_tcb_ring){ w->rcv, ROOM };
	w->now_ns = 1;
	sp_tcb_connect(&w->t, &c);
	check(w);
	while (size >= 2) {
		size_t n = step(w, data, size);

		data += n;
		size -= n;
		check(w);
	}
	/* Nobody says a word any more: it ends by itself, or waits for the far end's. */
	sp_tcb_finish(&w->t);
	check(w);
	while (w->t.timer_ns != UINT64_MAX && w->t.state != SP_TCB_CLOSED) {
		demand(steps++ < 100);
		w->now_ns = w->t.timer_ns > w->now_ns ? w->t.timer_ns : w->now_ns;
		sp_tcb_tick(&w->t, w->now_ns);
		check(w);
	}
	free(w);
	return 0;
}
