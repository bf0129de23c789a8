/* Byte streams of strangers into the sink: openers, messages, bulk data, those who look for control,
 * and anything else. However a stream is cut into pieces, the same is counted, no more than came.
 *
 * Input: a byte of settings, a byte that says where (of 256) the first of two streams ends, and the
 * bytes of both. */
#include "engine/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "plugin/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLOWS = 8, GRANTED = 3, STREAMS = 2, SET_FULL = 1, SET_RESET = 2, SET_CONTROL = 4 };

/* Gives its bytes in pieces of at most `most`, and then its end. */
struct stream {
	struct sp_conn conn; /* first */
	const uint8_t *data;
	size_t len, at, most;
	bool reset, closed;
	size_t answered; /* bytes that the sink wrote */
};

struct totals {
	uint64_t rx, bytes, corrupted, untracked, units, own; /* compared as bytes */
};

struct fuzz {
	struct sp_clock clock;
	struct sp_env env;
	struct sp_flow_table granted;
	struct sp_rx_session session[2];
	struct sp_verifier v;
	struct sp_conns conns;
	struct sp_sink sink[2]; /* the second checks each byte of bulk data */
	struct sp_control_list controls;
	struct stream s[STREAMS];
};

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static struct stream *stream_of(struct sp_conn *c)
{
	return (struct stream *)(void *)c;
}

static ssize_t stream_read(struct sp_conn *c, void *to, size_t len)
{
	struct stream *s = stream_of(c);
	size_t n = s->len - s->at;

	if (!n)
		return s->reset ? -ECONNRESET : 0;
	n = n < len ? n : len;
	n = n < s->most ? n : s->most;
	if (to)
		memcpy(to, s->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static ssize_t stream_drain(struct sp_conn *c, uint64_t max)
{
	return stream_read(c, NULL, (size_t)max);
}

static ssize_t stream_write(struct sp_conn *c, const struct iovec *iov, int n)
{
	demand(n == 1 && !stream_of(c)->answered);
	stream_of(c)->answered = iov->iov_len;
	return (ssize_t)iov->iov_len;
}

static int stream_ends(const struct sp_conn *c, struct sp_endpoint *remote,
		       struct sp_endpoint *local)
{
	(void)c;
	if (remote)
		*remote = (struct sp_endpoint){ .addr = { .family = 4, .ip = { 127, 0, 0, 1 } },
						.port = 7 };
	if (local)
		*local = (struct sp_endpoint){ .addr.family = 4, .port = 5001 };
	return 0;
}

static void stream_close(struct sp_conn *c, bool reset)
{
	(void)reset;
	demand(!stream_of(c)->closed);
	stream_of(c)->closed = true;
}

static const struct sp_conn_ops stream_ops = {
	.read = stream_read,
	.drain = stream_drain,
	.write = stream_write,
	.ends = stream_ends,
	.close = stream_close,
};

/* Made once: the histograms are 23 MB. */
static struct fuzz *make(void)
{
	const struct sp_mem *mem = sp_mem_system();
	struct fuzz *f = calloc(1, sizeof *f);

	demand(f != NULL);
	sp_clock_init_virtual(&f->clock, SP_NS_PER_S);
	f->env = (struct sp_env){ .mem = mem, .clock = &f->clock };
	f->controls.n = 1;
	f->controls.at[0].number = 5001;
	f->controls.at[0].port = 40000;
	demand(sp_flow_table_init(&f->granted, mem, FLOWS) == 0 &&
	       sp_verifier_init(&f->v, mem, &f->granted, f->session,
				sp_catalog_stamp(&sp_catalog, "native"),
				sp_catalog_stamp(&sp_catalog, "short"), FLOWS, FLOWS, 1) == 0 &&
	       sp_conns_init(&f->conns, &f->env, STREAMS, sp_sink_room()) == 0);
	for (unsigned i = 0; i < 2; i++)
		demand(sp_sink_init(&f->sink[i], &f->conns, &f->v, i, false, FLOWS) == 0);
	return f;
}

static void clear_table(struct sp_flow_table *t)
{
	memset(t->rx, 0, t->cap * sizeof *t->rx);
	memset(t->sketch, 0, t->cap * sizeof *t->sketch);
	memset(t->meta, 0, t->cap * sizeof *t->meta);
	t->used = 0;
}

static void clear(struct fuzz *f)
{
	clear_table(&f->granted);
	clear_table(&f->v.own);
	for (unsigned i = 0; i < SP_TALLIES; i++)
		if (f->v.tally[i].delay.n || f->v.tally[i].gap_error.n)
			memset(&f->v.tally[i], 0, sizeof f->v.tally[i]);
	memset(f->v.hash, 0, (f->v.hash_mask + 1) * sizeof *f->v.hash);
	memset(f->v.ep_flow, 0, (size_t)(FLOWS + 1) * sizeof *f->v.ep_flow);
	f->v.own_tallies = 0;
	f->v.untracked = f->v.untracked_bytes = 0;
	for (uint32_t i = 0; i < GRANTED; i++)
		sp_flow_grant(&f->granted, i + 1, 1, (uint8_t)(i + 1));
}

static void add(struct totals *t, const struct sp_flow_table *table)
{
	for (uint32_t i = 0; i < table->used; i++) {
		t->rx += table->rx[i].rx;
		t->bytes += table->rx[i].rx_bytes;
		t->corrupted += table->rx[i].corrupted;
	}
}

static struct totals run(struct fuzz *f, const uint8_t *data, size_t size, size_t most)
{
	size_t first = size > 2 ? (size - 2) * data[1] / 256 : 0, fed = 0;
	struct sp_sink *sink = &f->sink[(data[0] & SET_FULL) != 0];
	struct totals t = { 0 };

	clear(f);
	sink->units = 0;
	sink->controls = data[0] & SET_CONTROL ? &f->controls : NULL;
	for (unsigned i = 0; i < STREAMS; i++) {
		uint32_t slot = sp_conns_take(&f->conns, NULL, NULL);

		demand(slot != SP_NO_SLOT);
		f->s[i] = (struct stream){ .conn = { .ops = &stream_ops, .id = slot },
					   .data = data + 2 + (i ? first : 0),
					   .len = i ? size - 2 - first : first,
					   .most = most,
					   .reset = data[0] & SET_RESET };
		fed += f->s[i].len;
		f->conns.slot[slot].conn = &f->s[i].conn;
		sp_sink_accepted(sink, 0, slot, SP_NS_PER_S);
	}
	while (sp_conns_turn(&f->conns, SP_NS_PER_S))
		;
	for (unsigned i = 0; i < STREAMS; i++)
		demand(f->s[i].closed && f->s[i].at == f->s[i].len && f->s[i].answered <= 32);
	add(&t, &f->granted);
	add(&t, &f->v.own);
	t.bytes += f->v.untracked_bytes;
	t.untracked = f->v.untracked;
	t.units = sink->units;
	t.own = f->v.own.used;
	demand(t.bytes <= fed && t.corrupted <= fed);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz *f;
	struct totals whole, bytewise, odd;

	if (size < 2)
		return 0;
	if (!f)
		f = make();
	whole = run(f, data, size, SIZE_MAX);
	bytewise = run(f, data, size, 1);
	odd = run(f, data, size, 7);
	demand(memcmp(&whole, &bytewise, sizeof whole) == 0);
	demand(memcmp(&whole, &odd, sizeof whole) == 0);
	return 0;
}
