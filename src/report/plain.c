#include "report/plain.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "report/fmt.h"

static void put_time(struct sp_str *out, int64_t real_ns)
{
	time_t s = (time_t)(real_ns / 1000000000);
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&s, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	sp_str_printf(out, "[%s] ", text);
}

/* What a line says, apart from when. */
struct figures {
	bool known;
	uint64_t packets, bytes;
	double pps, bps;
};

static struct figures of_mark(const struct sp_mark *m)
{
	return (struct figures){ true, m->n, m->bytes, m->pps, m->bps };
}

static struct figures of_total(const struct sp_result *r)
{
	const struct sp_measure *m = &r->total;
	bool recv = r->role == SP_ROLE_RECV;
	enum sp_counter packets = recv ? SP_C_rx_packets : SP_C_tx_packets;
	enum sp_counter bytes = recv ? SP_C_rx_bytes : SP_C_tx_bytes;

	return (struct figures){ sp_counts_has(&m->c, packets) && sp_counts_has(&m->c, bytes),
				 m->c.v[packets], m->c.v[bytes], recv ? m->rx_pps : m->tx_pps,
				 recv ? m->rx_bps : m->tx_bps };
}

static void figures_text(const struct figures *f, char *buf, size_t cap)
{
	char count[64] = "unknown packets, unknown bytes";
	char pps[SP_FMT_FIGURE], mebi[SP_FMT_FIGURE], mega[SP_FMT_FIGURE];

	if (f->known)
		snprintf(count, sizeof count, "%llu packets, %llu bytes",
			 (unsigned long long)f->packets, (unsigned long long)f->bytes);
	snprintf(buf, cap,
		 "Stats: %s, %s pps, %s Mbps (%s Mbit/s decimal; Mbps above is 1024*1024)\n",
		 count, sp_fmt_fixed(pps, sizeof pps, f->pps, 2),
		 sp_fmt_fixed(mebi, sizeof mebi, f->bps / (1024 * 1024), 2),
		 sp_fmt_fixed(mega, sizeof mega, f->bps / 1e6, 2));
}

static void put_line(struct sp_plain *p, int64_t real_ns, const struct figures *f,
		     struct sp_str *out)
{
	char text[sizeof p->last];

	figures_text(f, text, sizeof text);
	/* The end's line, when the last packet was a hundredth one. */
	if (!strcmp(text, p->last))
		return;
	strcpy(p->last, text);
	put_time(out, real_ns);
	sp_str_puts(out, text);
}

/* Of frames, as Contrail's results files have it; a damaged one was received, too. */
static void put_received(const struct sp_result *r, struct sp_str *out)
{
	const struct sp_counts *c = &r->total.c;

	if (!r->unit || strcmp(r->unit, "frame") != 0)
		return;
	if (sp_counts_has(c, SP_C_rx_packets))
		sp_str_printf(out, "Received=%llu\n",
			      (unsigned long long)c->v[SP_C_rx_packets]);
	if (sp_counts_has(c, SP_C_corrupted))
		sp_str_printf(out, "Corrupted=%llu\n",
			      (unsigned long long)c->v[SP_C_corrupted]);
}

void sp_plain_event(struct sp_plain *p, const struct sp_event *ev, struct sp_str *out)
{
	struct figures f;

	if (ev->kind != SP_EVENT_MARK && ev->kind != SP_EVENT_END)
		return;
	f = ev->kind == SP_EVENT_MARK ? of_mark(ev->mark) : of_total(ev->result);
	put_line(p, ev->real_ns, &f, out);
	if (ev->kind == SP_EVENT_END && ev->result->role == SP_ROLE_RECV)
		put_received(ev->result, out);
	if (ev->kind == SP_EVENT_END && ev->result->role != SP_ROLE_RECV) {
		put_time(out, ev->real_ns);
		sp_str_puts(out, "Traffic generation complete\n");
	}
}
