#include <math.h>
#include <string.h>

#include "base/units.h"
#include "report/fmt.h"
#include "report/recorded.h"
#include "report/text_part.h"

/* ---- the ledger ---- */

#define TERMS 5u

struct identity {
	enum sp_counter left, term[TERMS];
	unsigned n;
};

static const struct identity identities[SP_IDENTITIES] = {
/* clang-format off */
#define LAST(d, ...) , SP_C_##d __VA_OPT__(, SP_C_##__VA_ARGS__)
#define ONE(d, ...)  + 1 __VA_OPT__(+ 1)
#define SP_IDENTITY(name, left, a, b, c, ...)                                                  \
	{ SP_C_##left, { SP_C_##a, SP_C_##b, SP_C_##c __VA_OPT__(LAST(__VA_ARGS__)) },         \
	  3 __VA_OPT__(ONE(__VA_ARGS__)) },
/* clang-format on */
#include "core/counters.def"
};

/* In people's words; what has none is called by its key. */
static const char *word(enum sp_counter c)
{
	switch (c) {
	case SP_C_asked_packets:
		return "asked";
	case SP_C_tx_packets:
		return "sent";
	case SP_C_rx_packets:
		return "received";
	case SP_C_rx_unique:
		return "intact";
	case SP_C_not_sent_late:
		return "too late";
	case SP_C_not_sent_unfit:
		return "did not fit";
	case SP_C_tx_refused:
		return "refused";
	case SP_C_in_flight:
		return "in flight";
	case SP_C_dropped_receiver:
		return "by receiver";
	case SP_C_lost_network:
		return "in network";
	case SP_C_lost_unknown:
		return "not located";
	default:
		return sp_counter_table[c].name;
	}
}

/* What only recordings have is not shown of others. */
static unsigned shown(const struct sp_counts *c, const struct identity *id)
{
	enum sp_counter last = id->term[id->n - 1];

	return last == SP_C_not_sent_unfit && !c->v[last] ? id->n - 1 : id->n;
}

static unsigned wider(unsigned a, size_t b)
{
	return b > a ? (unsigned)b : a;
}

/* Column widths: figures and words of the left side and of each term. */
struct widths {
	unsigned left, fig[TERMS], word[TERMS];
};

/* A row of nothing but unknowns says nothing: that it was not checked is said below. What was sent
 * has a row of its own: a receiver that was told it knows nothing of what was asked. */
static bool all_unknown(const struct sp_counts *c, const struct identity *id)
{
	bool any = sp_counts_has(c, id->left);

	for (unsigned t = 0; t < id->n; t++)
		any |= id->term[t] != SP_C_tx_packets && sp_counts_has(c, id->term[t]);
	return !any;
}

static void measure(const struct sp_counts *c, struct widths *w)
{
	char text[SP_FMT_FIGURE];

	*w = (struct widths){ 0 };
	for (unsigned i = 0; i < SP_IDENTITIES; i++) {
		const struct identity *id = &identities[i];

		if (all_unknown(c, id))
			continue;
		w->left = wider(w->left, strlen(sp_fmt_count(text, sizeof text, c, id->left)));
		for (unsigned t = 0; t < shown(c, id); t++) {
			sp_fmt_count(text, sizeof text, c, id->term[t]);
			w->fig[t] = wider(w->fig[t], strlen(text));
			w->word[t] = wider(w->word[t], strlen(word(id->term[t])));
		}
	}
}

static void put_identity(struct sp_str *out, const struct sp_result *r, unsigned i,
			 const struct widths *w)
{
	const struct identity *id = &identities[i];
	const struct sp_counts *c = &r->total.c;
	bool bad = r->violated >> i & 1;
	unsigned n = shown(c, id);
	char text[SP_FMT_FIGURE];

	sp_str_puts(out, "  ");
	sp_fmt_left(out, word(id->left), 9);
	sp_fmt_right(out, sp_fmt_count(text, sizeof text, c, id->left), w->left);
	for (unsigned t = 0; t < n; t++) {
		sp_str_puts(out, t ? " + " : " = ");
		sp_fmt_right(out, sp_fmt_count(text, sizeof text, c, id->term[t]), w->fig[t]);
		sp_str_puts(out, " ");
		if (t + 1 < n || bad)
			sp_fmt_left(out, word(id->term[t]), w->word[t]);
		else
			sp_str_puts(out, word(id->term[t]));
	}
	sp_str_puts(out, bad ? "  DOES NOT ADD UP\n" : "\n");
}

/* Counts that are no term of an identity, and parts of it that are worth a word. */
static void put_other_counts(struct sp_str *out, const struct sp_result *r)
{
	static const enum sp_counter always[] = { SP_C_reordered, SP_C_loss_bursts };
	static const enum sp_counter nonzero[] = { SP_C_too_old, SP_C_untracked, SP_C_catch_up,
						   SP_C_negative_delay, SP_C_own_control };
	static const char *const nonzero_word[] = { "too old", "untracked", "caught up",
						    "negative delay", "own control" };
	const struct sp_counts *c = &r->total.c;
	struct sp_str line;
	char text[SP_FMT_FIGURE], loss[SP_FMT_FIGURE] = "unknown";
	uint64_t lost, tx;

	sp_str_init(&line, out->mem);
	if (sp_fmt_loss(&r->total, &lost, &tx))
		sp_fmt_percent(loss, sizeof loss, lost, tx);
	sp_str_printf(&line, "loss %s", loss);
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		sp_str_printf(&line, ", %s %s", i ? "loss bursts" : "reordered",
			      sp_fmt_count(text, sizeof text, c, always[i]));
	for (size_t i = 0; i < sizeof nonzero / sizeof *nonzero; i++)
		if (sp_counts_has(c, nonzero[i]) && c->v[nonzero[i]])
			sp_str_printf(&line, ", %s %s", nonzero_word[i],
				      sp_fmt_count(text, sizeof text, c, nonzero[i]));
	for (unsigned i = 0; i < SP_C__N; i++)
		if (sp_counter_table[i].is_error && sp_counts_has(c, (enum sp_counter)i) &&
		    c->v[i])
			sp_str_printf(&line, ", errors %s %s", sp_counter_table[i].name,
				      sp_fmt_count(text, sizeof text, c, (enum sp_counter)i));
	if (line.failed)
		out->failed = true;
	sp_str_puts(out, "  ");
	sp_fmt_wrap(out, line.text, 2, 2);
	sp_str_fini(&line);
}

/* Bulk data has no units that could be late, lost or doubled: bytes are all that there is. */
static void put_bytes(struct sp_str *out, const struct sp_result *r)
{
	static const enum sp_counter rows[] = { SP_C_tx_bytes, SP_C_rx_bytes };
	const struct sp_counts *c = &r->total.c;
	bool both = sp_counts_has(c, rows[0]) && sp_counts_has(c, rows[1]);
	char text[SP_FMT_FIGURE];

	sp_str_puts(out, "ledger (in bytes)\n");
	for (unsigned i = r->role == SP_ROLE_RECV; i < 2; i++) {
		sp_str_puts(out, i ? "  received" : "  sent    ");
		sp_fmt_right(out, sp_fmt_count(text, sizeof text, c, rows[i]), 24);
		sp_str_puts(out, "\n");
	}
	if (both && c->v[rows[0]] >= c->v[rows[1]]) {
		sp_str_puts(out, "  missing ");
		sp_fmt_right(out,
			     sp_str_grouped(text, sizeof text, c->v[rows[0]] - c->v[rows[1]]),
			     24);
		sp_str_puts(out, "\n");
	}
}

static void put_rest(struct sp_str *out, const struct sp_counts *c)
{
	const char *sep = "  errors: ";
	char text[SP_FMT_FIGURE];

	if (sp_counts_has(c, SP_C_corrupted))
		sp_str_printf(out, "  corrupted %s\n",
			      sp_fmt_count(text, sizeof text, c, SP_C_corrupted));
	if (sp_counts_has(c, SP_C_own_control) && c->v[SP_C_own_control])
		sp_str_printf(out, "  own control %s\n",
			      sp_fmt_count(text, sizeof text, c, SP_C_own_control));

	for (unsigned i = 0; i < SP_C__N; i++) {
		if (!sp_counter_table[i].is_error || !sp_counts_has(c, (enum sp_counter)i) ||
		    !c->v[i])
			continue;
		sp_str_printf(out, "%s%s %s", sep, sp_counter_table[i].name,
			      sp_fmt_count(text, sizeof text, c, (enum sp_counter)i));
		sep = ", ";
	}
	if (*sep == ',')
		sp_str_puts(out, "\n");
}

void sp_text_ledger(struct sp_str *out, const struct sp_result *r)
{
	struct widths w;

	if (r->unit && strcmp(r->unit, "byte") == 0) {
		put_bytes(out, r);
		put_rest(out, &r->total.c);
		return;
	}
	measure(&r->total.c, &w);
	sp_str_puts(out, "ledger");
	if (r->unit) {
		sp_str_puts(out, " (in ");
		sp_fmt_units(out, r->unit);
		sp_str_puts(out, ")");
	}
	sp_str_puts(out, "\n");
	for (unsigned i = 0; i < SP_IDENTITIES; i++)
		if (!all_unknown(&r->total.c, &identities[i]))
			put_identity(out, r, i, &w);
	put_other_counts(out, r);
	sp_text_recorded(out, r);
	if (r->role != SP_ROLE_RECV && !sp_counts_has(&r->total.c, SP_C_rx_packets))
		sp_str_printf(out, "  received: unknown%s\n",
			      r->clock ? "" : " (no spate receiver answered)");
	if (r->unknown_identities) {
		const char *sep = "  not checked, because a term is unknown: ";

		for (unsigned i = 0; i < SP_IDENTITIES; i++) {
			if (!(r->unknown_identities >> i & 1))
				continue;
			sp_str_printf(out, "%s%s", sep, sp_identity_name(i));
			sep = ", ";
		}
		sp_str_puts(out, "\n");
	}
}

/* ---- rates ---- */

/* The layer at which bytes count is that of --size: payload but for frames. */
static const char *layer(const struct sp_result *r)
{
	if (!r->unit)
		return "counted as --size counts";
	return strcmp(r->unit, "frame") ? "of payload, l7" : "of frames without FCS, l2";
}

/* Exact enough to see that 99.93 is not 100. */
static const char *pps_text(char *buf, size_t cap, double pps)
{
	return sp_fmt_fixed_grouped(buf, cap, pps, pps < 1e3 ? 3 : pps < 1e6 ? 1 : 0);
}

static void put_rate(struct sp_str *out, const char *label, double pps, double bps,
		     const struct sp_counts *c, enum sp_counter bytes)
{
	char text[SP_FMT_FIGURE];

	sp_text_label(out, label);
	sp_fmt_right(out, isfinite(pps) ? pps_text(text, sizeof text, pps) : "unknown", 14);
	sp_str_puts(out, " pps");
	sp_fmt_right(out, sp_human_bps(text, sizeof text, bps), 18);
	sp_fmt_right(out, sp_fmt_count(text, sizeof text, c, bytes), 20);
	sp_str_puts(out, " B\n");
}

/* More would say the same, and there may be very many. */
#define ASKED_STREAMS 64u

const char *sp_text_no_rate(const struct sp_result *r)
{
	struct sp_stream_result s;
	const char *word = "unknown";

	for (size_t i = 0; i < r->n_streams && i < ASKED_STREAMS; i++) {
		sp_result_stream(r, i, &s);
		if (strncmp(s.asked, "max", 3) == 0)
			return "max";
		if (*s.asked)
			word = "varying";
	}
	return word;
}

void sp_text_rates(struct sp_str *out, const struct sp_result *r)
{
	const struct sp_measure *m = &r->total;
	char text[SP_FMT_FIGURE];

	sp_str_printf(out, "rates (bits and bytes %s)\n", layer(r));
	/* A receiver is not told what was asked, and of what was sent only how many. */
	if (r->role != SP_ROLE_RECV) {
		sp_text_label(out, "asked");
		if (isfinite(m->asked_pps))
			sp_fmt_right(out, pps_text(text, sizeof text, m->asked_pps), 14);
		else
			sp_fmt_right(out, sp_text_no_rate(r), 14);
		sp_str_puts(out, " pps\n");
		put_rate(out, "sent", m->tx_pps, m->tx_bps, &m->c, SP_C_tx_bytes);
	}
	put_rate(out, "received", m->rx_pps, m->rx_bps, &m->c, SP_C_rx_bytes);
}

/* ---- times ---- */

#define TIME_COLS 9u

static void put_time(struct sp_str *out, bool known, double ns)
{
	char text[SP_FMT_FIGURE];

	sp_fmt_right(out, known ? sp_human_ns(text, sizeof text, ns) : "unknown", TIME_COLS);
}

static void put_times(struct sp_str *out, const char *label, const struct sp_summary *s)
{
	bool fine = s->known && !s->coarse;

	sp_text_label(out, label);
	if (!s->known) {
		sp_fmt_right(out, "unknown", TIME_COLS);
		sp_str_puts(out, "\n");
		return;
	}
	put_time(out, true, (double)s->min);
	put_time(out, true, s->mean);
	put_time(out, true, (double)s->p50);
	put_time(out, fine, (double)s->p90);
	put_time(out, true, (double)s->p99);
	put_time(out, fine, (double)s->p999);
	put_time(out, true, (double)s->max);
	sp_str_puts(out, "\n");
}

static const char *rx_clock(const struct sp_result *r)
{
	for (size_t i = 0; i < r->n_transports; i++)
		if (r->transports[i].rx_clock)
			return r->transports[i].rx_clock;
	return NULL;
}

static const char *arrival_text(const char *rx_clock)
{
	if (!strcmp(rx_clock, "kernel"))
		return "arrivals are timed by the kernel";
	if (!strcmp(rx_clock, "user"))
		return "arrivals are timed when the program reads them";
	return "arrivals are timed in virtual time";
}

/* What the delay row is worth: whose clock, how far off, how fine. */
static void put_delay_note(struct sp_str *out, const struct sp_result *r)
{
	const struct sp_summary *s = &r->total.delay;
	char text[SP_FMT_FIGURE];
	const char *clock = rx_clock(r);

	if (!s->known)
		return;
	sp_str_puts(out, "  delay is from the intended departure; clock error ");
	if (s->clock_error > 0)
		sp_str_printf(out, "up to %s",
			      sp_human_ns(text, sizeof text, (double)s->clock_error));
	else
		sp_str_puts(out, s->clock_error ? "unknown" : "0, one clock");
	if (clock)
		sp_str_printf(out, ";\n  %s", arrival_text(clock));
	sp_str_puts(out, "\n");
	if (s->negative) {
		sp_str_grouped(text, sizeof text, s->negative);
		sp_str_printf(out, "  %s delays came out below zero: the clocks disagree\n",
			      text);
	}
	if (s->coarse)
		sp_str_puts(
			out,
			"  p50 and p99 of the delay are from a sketch with steps of 25 %\n");
}

/* Losses one by one are no outage that people look for. */
static void put_outage(struct sp_str *out, const struct sp_measure *m)
{
	if (!(m->outage_ns >= 1e6))
		return;
	sp_text_label(out, "outage");
	sp_fmt_fill(out, ' ', TIME_COLS);
	put_time(out, true, m->outage_ns);
	sp_str_puts(out, "  in which nothing came and something was lost\n");
}

void sp_text_times(struct sp_str *out, const struct sp_result *r)
{
	static const char *const heads[] = {
		"min", "mean", "p50", "p90", "p99", "p99.9", "max"
	};
	const struct sp_measure *m = &r->total;
	bool sent_gaps = r->role != SP_ROLE_RECV || m->gap_error.known;

	sp_fmt_left(out, "times", SP_TEXT_LABEL);
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		sp_fmt_right(out, heads[i], TIME_COLS);
	sp_str_puts(out, "\n");
	put_times(out, "delay", &m->delay);
	if (m->delay_actual.known)
		put_times(out, "  from actual", &m->delay_actual);
	if (m->rtt.known)
		put_times(out, "round trip", &m->rtt);
	if (m->rtt_actual.known)
		put_times(out, "  from actual", &m->rtt_actual);
	if (r->role != SP_ROLE_RECV || m->late.known)
		put_times(out, "late", &m->late);
	if (sent_gaps)
		put_times(out, "gap error", &m->gap_error);
	if (m->rx_gap_error.known)
		put_times(out, sent_gaps ? "  at receiver" : "gap error", &m->rx_gap_error);
	sp_text_label(out, "jitter");
	sp_fmt_fill(out, ' ', TIME_COLS);
	put_time(out, isfinite(m->jitter_ns), m->jitter_ns);
	sp_str_puts(out, "\n");
	put_outage(out, m);
	put_delay_note(out, r);
	if (isfinite(m->ks_departure) || isfinite(m->ks_size)) {
		char gap[SP_FMT_FIGURE], size[SP_FMT_FIGURE];

		sp_fmt_fixed(gap, sizeof gap, m->ks_departure, 4);
		sp_fmt_fixed(size, sizeof size, m->ks_size, 4);
		sp_str_printf(out,
			      "  against the asked law: KS distance of gaps %s, of sizes %s\n",
			      gap, size);
	}
}
