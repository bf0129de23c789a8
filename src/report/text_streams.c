#include <math.h>
#include <string.h>

#include "base/units.h"
#include "report/fmt.h"
#include "report/text_part.h"

/* ---- which streams get a row ---- */

/* How bad a stream is: by the first figure, among equals by the second. */
struct badness {
	double first, second;
};

typedef struct badness badness_fn(const struct sp_measure *);

/* Unknown is not worse than anything. */
static struct badness by_loss(const struct sp_measure *m)
{
	uint64_t lost, tx;

	if (!sp_fmt_loss(m, &lost, &tx))
		return (struct badness){ 0, 0 };
	return (struct badness){ (double)lost / (double)tx, (double)lost };
}

static struct badness by_lateness(const struct sp_measure *m)
{
	return (struct badness){ m->late.known ? (double)m->late.p99 : 0, 0 };
}

static bool worse(struct badness a, struct badness b)
{
	return a.first > b.first || (a.first == b.first && a.second > b.second);
}

struct chosen {
	size_t at[SP_TEXT_STREAMS];
	size_t n;
};

static bool has(const struct chosen *c, size_t i)
{
	for (size_t k = 0; k < c->n; k++)
		if (c->at[k] == i)
			return true;
	return false;
}

/* Adds the want worst that are not chosen yet. One pass: a short sorted list of candidates. */
static void choose(struct chosen *c, const struct sp_result *r, size_t want, badness_fn *by)
{
	struct {
		struct badness bad;
		size_t at;
	} best[SP_TEXT_STREAMS];
	struct sp_stream_result s;
	size_t n = 0;

	for (size_t i = 0; i < r->n_streams; i++) {
		struct badness bad;
		size_t k = n;

		if (has(c, i))
			continue;
		sp_result_stream(r, i, &s);
		bad = by(&s.m);
		while (k > 0 && worse(bad, best[k - 1].bad))
			k--;
		if (k >= want)
			continue;
		n = n < want ? n + 1 : want;
		memmove(&best[k + 1], &best[k], (n - k - 1) * sizeof *best);
		best[k].bad = bad;
		best[k].at = i;
	}
	for (size_t k = 0; k < n; k++)
		c->at[c->n++] = best[k].at;
}

/* ---- rows ---- */

#define NAME_MIN 12u
#define NAME_MAX 26u

static unsigned name_cols(const struct sp_result *r, const struct chosen *c)
{
	struct sp_stream_result s;
	unsigned cols = NAME_MIN, need;

	for (size_t k = 0; k < c->n; k++) {
		sp_result_stream(r, c->at[k], &s);
		need = s.name ? sp_fmt_cols(s.name) : 0;
		cols = need > cols ? need : cols;
	}
	return cols < NAME_MAX ? cols : NAME_MAX;
}

/* Bulk data: bytes, and bits a second. */
static void put_byte_figures(struct sp_str *out, const struct sp_stream_result *s, bool recv)
{
	static const enum sp_counter counts[] = { SP_C_tx_bytes, SP_C_rx_bytes };
	const struct sp_measure *m = &s->m;
	double bps = recv ? m->rx_bps : m->tx_bps;
	char text[SP_FMT_FIGURE];

	for (unsigned i = 0; i < 2; i++) {
		sp_strlcpy(text, "unknown", sizeof text);
		if (sp_counts_has(&m->c, counts[i]))
			sp_human_bytes(text, sizeof text, (double)m->c.v[counts[i]]);
		sp_fmt_right(out, text, 13);
	}
	sp_fmt_right(out, "-", 11);
	sp_fmt_right(out, "-", 10);
	sp_strlcpy(text, "unknown", sizeof text);
	if (isfinite(bps))
		sp_human_bps(text, sizeof text, bps);
	sp_fmt_right(out, text, 13);
	sp_str_puts(out, "\n");
}

static void put_figures(struct sp_str *out, const struct sp_stream_result *s, bool recv)
{
	const struct sp_measure *m = &s->m;
	char text[SP_FMT_FIGURE];
	uint64_t lost, tx;

	sp_fmt_count(text, sizeof text, &m->c, SP_C_tx_packets);
	sp_fmt_right(out, text, 13);
	sp_fmt_count(text, sizeof text, &m->c, SP_C_rx_packets);
	sp_fmt_right(out, text, 13);
	sp_fmt_right(out, sp_fmt_count(text, sizeof text, &m->c, SP_C_lost), 11);
	sp_strlcpy(text, "unknown", sizeof text);
	if (sp_fmt_loss(m, &lost, &tx))
		sp_fmt_percent(text, sizeof text, lost, tx);
	sp_fmt_right(out, text, 10);
	sp_fmt_short(text, sizeof text, recv ? m->rx_pps : m->tx_pps);
	sp_fmt_right(out, text, 11);
	sp_strlcpy(text, "unknown", sizeof text);
	if (recv)
		sp_str_grouped(text, sizeof text, s->flows);
	else if (m->late.known)
		sp_human_ns(text, sizeof text, (double)m->late.p99);
	sp_fmt_right(out, text, 10);
	sp_str_puts(out, "\n");
}

void sp_text_streams(struct sp_str *out, const struct sp_result *r)
{
	bool all = r->n_streams <= SP_TEXT_STREAMS, recv = r->role == SP_ROLE_RECV;
	struct chosen c = { .n = 0 };
	char total[SP_FMT_FIGURE], text[SP_FMT_FIGURE];
	struct sp_stream_result s;
	unsigned cols;

	if (!all) {
		choose(&c, r, SP_TEXT_STREAMS / 2, by_loss);
		choose(&c, r, SP_TEXT_STREAMS - c.n, by_lateness);
	}
	for (size_t i = 0; all && i < r->n_streams; i++)
		c.at[c.n++] = i;
	cols = name_cols(r, &c);
	sp_str_grouped(total, sizeof total, r->n_streams);
	sp_fmt_left(out, recv ? "receivers" : "streams", 2 + cols);
	sp_str_printf(out, "%13s%13s%11s%10s%11s%10s\n", "sent", "received", "lost", "loss",
		      recv ? "recv pps" : "sent pps", recv ? "flows" : "late p99");
	for (size_t k = 0; k < c.n; k++) {
		sp_result_stream(r, c.at[k], &s);
		sp_str_puts(out, "  ");
		sp_fmt_left(out, s.name ? s.name : "unknown", cols);
		if (s.unit && strcmp(s.unit, "byte") == 0)
			put_byte_figures(out, &s, recv);
		else
			put_figures(out, &s, recv);
	}
	if (!all) {
		sp_str_grouped(text, sizeof text, r->n_streams - c.n);
		sp_str_printf(out,
			      "  %s more of %s not shown (report.json has all); these are the "
			      "worst by loss%s\n",
			      text, total, recv ? "" : ",\n  then by lateness");
	}
}

/* ---- connections ---- */

static void put_way(struct sp_str *out, const struct sp_stream_result *s, unsigned cols)
{
	char text[SP_FMT_FIGURE];

	sp_str_puts(out, "  ");
	sp_fmt_left(out, s->name ? s->name : "unknown", cols);
	sp_fmt_right(out, sp_str_grouped(text, sizeof text, s->way.connections), 13);
	sp_fmt_right(out, sp_str_grouped(text, sizeof text, s->way.retransmits), 13);
	sp_fmt_right(out,
		     s->way.rtt_ns ? sp_human_ns(text, sizeof text, (double)s->way.rtt_ns)
				   : "unknown",
		     11);
	sp_fmt_right(out, sp_str_grouped(text, sizeof text, s->way.cwnd_bytes), 16);
	sp_str_puts(out, "\n");
}

void sp_text_ways(struct sp_str *out, const struct sp_result *r)
{
	size_t n = r->n_streams < SP_TEXT_STREAMS ? r->n_streams : SP_TEXT_STREAMS;
	struct sp_stream_result s;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		sp_result_stream(r, i, &s);
		if (!s.way.known)
			continue;
		if (!any) {
			sp_fmt_left(out, "connections", 2 + NAME_MIN);
			sp_str_printf(out, "%13s%13s%11s%16s\n", "opened", "retransmits", "rtt",
				      "cwnd bytes");
		}
		any = true;
		put_way(out, &s, NAME_MIN);
	}
	if (any)
		sp_str_puts(out, "\n");
}

/* ---- answers ---- */

void sp_text_statuses(struct sp_str *out, const struct sp_result *r)
{
	size_t n = r->n_streams < SP_TEXT_STREAMS ? r->n_streams : SP_TEXT_STREAMS;
	struct sp_stream_result s;
	char text[SP_FMT_FIGURE], key[SP_FMT_STATUS];
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		sp_result_stream(r, i, &s);
		if (!s.statuses.n)
			continue;
		if (!any)
			sp_str_puts(out, "answers by status\n");
		any = true;
		sp_str_puts(out, "  ");
		sp_fmt_left(out, s.name ? s.name : "unknown", NAME_MIN);
		for (uint32_t k = 0; k < s.statuses.n; k++)
			sp_str_printf(
				out, "  %s: %s",
				sp_fmt_status(key, &s, s.statuses.row[k].status),
				sp_str_grouped(text, sizeof text, s.statuses.row[k].count));
		if (s.statuses.more)
			sp_str_printf(out, "  other: %s",
				      sp_str_grouped(text, sizeof text, s.statuses.more));
		sp_str_puts(out, "\n");
	}
	if (any)
		sp_str_puts(out, "\n");
}

/* ---- transports ---- */

static void put_direction(struct sp_str *out, const char *label, uint64_t msgs, uint64_t units,
			  uint64_t calls, bool super)
{
	char text[SP_FMT_FIGURE];

	sp_text_label(out, label);
	sp_str_printf(out, "%s %s", sp_str_grouped(text, sizeof text, msgs),
		      super ? "segments in " : "packets in ");
	if (super)
		sp_str_printf(out, "%s super-packets, ",
			      sp_str_grouped(text, sizeof text, units));
	sp_str_printf(out, "%s calls\n", sp_str_grouped(text, sizeof text, calls));
}

static void put_bytes(struct sp_str *out, const char *label, uint64_t bytes, uint64_t calls)
{
	char text[SP_FMT_FIGURE];

	sp_text_label(out, label);
	sp_str_printf(out, "%s bytes in ", sp_str_grouped(text, sizeof text, bytes));
	sp_str_printf(out, "%s calls\n", sp_str_grouped(text, sizeof text, calls));
}

static void put_trouble(struct sp_str *out, const struct sp_tstats *s, bool receives)
{
	const struct {
		uint64_t n;
		const char *text;
	} rows[] = {
		{ s->tx_blocked, "sends blocked and tried again" },
		{ s->tx_unreachable, "ICMP unreachable answers" },
		{ s->tx_dropped, "handed over, but thrown away by the interface" },
		{ s->rx_truncated, "larger than the buffer" },
		{ s->rx_csum_errors, "checksum errors (host-wide)" },
		{ s->rx_frozen, "times the receive ring was full" },
		{ s->rx_other, "not for this run" },
	};
	char text[SP_FMT_FIGURE];

	if (receives) {
		sp_text_label(out, "  dropped");
		sp_str_puts(out, s->rx_dropped_known
					 ? sp_str_grouped(text, sizeof text, s->rx_dropped)
					 : "unknown");
		sp_str_puts(out, " by the kernel for this socket, in its own units\n");
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!rows[i].n)
			continue;
		sp_text_label(out, "");
		sp_str_printf(out, "%s %s\n", sp_str_grouped(text, sizeof text, rows[i].n),
			      rows[i].text);
	}
}

static void put_transport(struct sp_str *out, const struct sp_transport_result *t)
{
	const struct sp_tstats *s = &t->s;

	sp_text_label(out, t->name ? t->name : "unknown");
	sp_fmt_safe(out, t->transport ? t->transport : "unknown");
	if (t->where && *t->where) {
		sp_str_puts(out, " on ");
		sp_fmt_safe(out, t->where);
	}
	if (t->road && *t->road) {
		sp_str_puts(out, ", by ");
		sp_fmt_safe(out, t->road);
	}
	sp_str_puts(out, "\n");
	if (s->tx_calls && !s->tx_msgs) /* a byte stream has no packets of ours */
		put_bytes(out, "  out", s->tx_bytes, s->tx_calls);
	if (s->rx_calls && !s->rx_msgs)
		put_bytes(out, "  in", s->rx_bytes, s->rx_calls);
	if (s->tx_calls && s->tx_msgs)
		put_direction(out, "  out", s->tx_msgs, s->tx_units, s->tx_calls,
			      s->tx_units != s->tx_msgs);
	if (s->rx_calls && s->rx_msgs)
		put_direction(out, "  in", s->rx_msgs, s->rx_units, s->rx_calls,
			      s->rx_units != s->rx_msgs);
	put_trouble(out, s, t->rx_clock != NULL);
	if (t->offloaded) {
		sp_text_label(out, "  offloaded");
		sp_fmt_wrap(out,
			    "Segments crossed the path inside super-packets (GSO/GRO): "
			    "they were never single packets on a wire.",
			    SP_TEXT_LABEL, SP_TEXT_LABEL);
	}
}

void sp_text_transports(struct sp_str *out, const struct sp_result *r)
{
	sp_str_puts(out, "transports\n");
	for (size_t i = 0; i < r->n_transports; i++)
		put_transport(out, &r->transports[i]);
}
