#include "report/plain.h"

#include <math.h>
#include <stdio.h>
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

static void put_count(struct sp_str *out, const struct sp_counts *c, enum sp_counter i)
{
	if (sp_counts_has(c, i))
		sp_str_printf(out, "%llu", (unsigned long long)c->v[i]);
	else
		sp_str_puts(out, "unknown");
}

static void put_line(struct sp_str *out, const struct sp_event *ev)
{
	const struct sp_measure *m = &ev->result->total;
	bool recv = ev->result->role == SP_ROLE_RECV;
	double pps = recv ? m->rx_pps : m->tx_pps, bps = recv ? m->rx_bps : m->tx_bps;
	char text[SP_FMT_FIGURE];

	put_time(out, ev->real_ns);
	sp_str_puts(out, "Stats: ");
	put_count(out, &m->c, recv ? SP_C_rx_packets : SP_C_tx_packets);
	sp_str_puts(out, " packets, ");
	put_count(out, &m->c, recv ? SP_C_rx_bytes : SP_C_tx_bytes);
	sp_str_printf(out, " bytes, %s pps, ", sp_fmt_fixed(text, sizeof text, pps, 2));
	sp_fmt_fixed(text, sizeof text, bps / (1024 * 1024), 2);
	sp_str_printf(out, "%s Mbps ", text);
	sp_fmt_fixed(text, sizeof text, bps / 1e6, 2);
	sp_str_printf(out, "(%s Mbit/s decimal; Mbps above is 1024*1024)\n", text);
}

void sp_plain_event(struct sp_plain *p, const struct sp_event *ev, struct sp_str *out)
{
	const struct sp_result *r = ev->result;
	enum sp_counter c = r->role == SP_ROLE_RECV ? SP_C_rx_packets : SP_C_tx_packets;
	uint64_t hundreds = sp_counts_has(&r->total.c, c) ? r->total.c.v[c] / 100 : 0;
	bool end = ev->kind == SP_EVENT_END;

	if (!end && (ev->kind != SP_EVENT_INTERVAL || hundreds <= p->printed))
		return;
	p->printed = hundreds;
	put_line(out, ev);
	if (end && r->role != SP_ROLE_RECV) {
		put_time(out, ev->real_ns);
		sp_str_puts(out, "Traffic generation complete\n");
	}
}
