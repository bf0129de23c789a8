#include "compat/reproducer/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/result.h"

#define COLUMNS 5u

static const char *const columns[COLUMNS] = { "ipfix", "bmp", "bgp", "udp_generic",
					      "tcp_generic" };

struct sums {
	uint64_t sent[COLUMNS], filtered[COLUMNS];
	uint64_t unknown_peer, unknown_proto;
	uint64_t asked, tx;
	uint64_t next_ns;
	bool first; /* no stream was seen yet */
};

/* A stream is called as its section is, with its family behind it where there are two. */
static void add(struct sums *s, const struct sp_stream_result *r)
{
	size_t i = 0;

	while (i < COLUMNS && strncmp(r->name, columns[i], strlen(columns[i])) != 0)
		i++;
	if (i < COLUMNS) {
		s->sent[i] += r->m.c.v[SP_C_tx_packets];
		s->filtered[i] += r->recorded.filtered;
	}
	s->asked += r->m.c.v[SP_C_asked_packets];
	s->tx += r->m.c.v[SP_C_tx_packets];
	s->unknown_peer += r->recorded.unknown_peer;
	/* Every stream sees all packets: those of nobody are counted once. */
	if (r->recorded.unknown_proto > s->unknown_proto)
		s->unknown_proto = r->recorded.unknown_proto;
	if (r->recorded.known && r->recorded.next_ns < s->next_ns)
		s->next_ns = r->recorded.next_ns;
}

static void rule(struct sp_str *out)
{
	sp_str_puts(out, "+-----------------");
	for (size_t i = 0; i < COLUMNS + 2; i++)
		sp_str_puts(out, "+---------------");
	sp_str_puts(out, "+\n");
}

static void row(struct sp_str *out, const char *name, const uint64_t *v, const char *peer,
		const char *proto)
{
	sp_str_printf(out, "| %-15s ", name);
	for (size_t i = 0; i < COLUMNS; i++)
		sp_str_printf(out, "| %13" PRIu64 " ", v[i]);
	sp_str_printf(out, "| %13s | %13s |\n", peer, proto);
}

static void print(struct sp_str *out, const struct sums *s)
{
	char peer[24], proto[24];

	snprintf(peer, sizeof peer, "%" PRIu64, s->unknown_peer);
	snprintf(proto, sizeof proto, "%" PRIu64, s->unknown_proto);
	rule(out);
	sp_str_printf(out, "| %-15s ", "metric");
	for (size_t i = 0; i < COLUMNS; i++)
		sp_str_printf(out, "| %13s ", columns[i]);
	sp_str_printf(out, "| %13s | %13s |\n", "unknown peer", "unknown proto");
	rule(out);
	row(out, "Packet sent", s->sent, "--", "--");
	row(out, "Packet filtered", s->filtered, peer, proto);
	rule(out);
}

static void average(double *mean, double now)
{
	*mean = 0.3 * *mean + 0.7 * now;
}

void sp_repro_table(struct sp_repro_table *t, const struct sp_event *e, struct sp_str *out)
{
	struct sums s = { .next_ns = UINT64_MAX };
	const struct sp_result *r = e->result;
	bool end = e->kind == SP_EVENT_END;
	double delay, wait = 0;

	if (e->kind != SP_EVENT_INTERVAL && !end)
		return;
	/* Intervals end a moment earlier or later than on the second; one that is late by more moves
	 * none of those behind it. */
	if (!end && e->t_ns + SP_NS_PER_S / 2 < t->next_ns)
		return;
	if (!t->next_ns)
		t->next_ns = e->t_ns;
	while (t->next_ns <= e->t_ns + SP_NS_PER_S / 2)
		t->next_ns += SP_REPRO_TABLE_NS;
	for (size_t i = 0; i < r->n_streams; i++) {
		struct sp_stream_result one;

		sp_result_stream(r, i, &one);
		add(&s, &one);
	}
	/* Upstream's sign: below 0 is late. */
	if (s.next_ns != UINT64_MAX)
		delay = ((double)s.next_ns - (double)e->t_ns) / 1e9;
	else
		delay = 0;
	if (delay > 0)
		wait = delay;
	delay = delay < 0 ? delay : 0;
	average(&t->delay, delay);
	average(&t->queue, (double)(s.asked - s.tx));
	average(&t->sleep, wait);
	if (t->on) {
		sp_str_printf(out, "####################\nElapsed time: %.3fs\n",
			      (double)e->t_ns / 1e9);
		print(out, &s);
		sp_str_printf(out, "Delay: [Current: %.3fs][Running average: %.3fs]\n", delay,
			      t->delay);
		sp_str_printf(out,
			      "Queue size: [Current: %" PRIu64
			      " pkt][Running average: %.3f pkt]\n",
			      s.asked - s.tx, t->queue);
		sp_str_printf(out, "Sleep: [Current: %.3fs][Running average: %.3fs]\n", wait,
			      t->sleep);
	}
	if (delay < -1)
		sp_str_printf(out, "spate: warning: Too slow! Current delay: %.3fs\n", delay);
	if (t->on)
		sp_str_puts(out, "====================\n");
}
