#include "report/fmt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_COLS 80u

/* ---- text from outside ---- */

struct range {
	uint32_t from, to;
};

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].from && c <= r[i].to)
			return true;
	return false;
}

/* Invisible, turning or line-breaking: with them a name could pass for another one. */
static bool deceives(uint32_t c)
{
	static const struct range bad[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	  { 0xad, 0xad },
		{ 0x61c, 0x61c },   { 0x180b, 0x180f },	  { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f },	  { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};

	return in_ranges(c, bad, sizeof bad / sizeof *bad);
}

/* Columns in a terminal, as wcwidth() has it in most locales; the process' locale has no say. */
static unsigned char_cols(uint32_t c)
{
	static const struct range wide[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
		{ 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
	};
	static const struct range none[] = {
		{ 0x300, 0x36f },   { 0x483, 0x489 },	{ 0x591, 0x5bd },   { 0x1ab0, 0x1aff },
		{ 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	};

	if (c < 0x300)
		return 1;
	if (in_ranges(c, none, sizeof none / sizeof *none))
		return 0;
	return in_ranges(c, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

static uint32_t code_point(const char *s, size_t n)
{
	static const uint8_t head[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (uint8_t)s[0] & head[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)s[i] & 0x3f);
	return c;
}

/* The next character as it is shown. */
struct piece {
	char text[12];
	size_t len;
	unsigned cols;
};

static const char *next_piece(const char *s, struct piece *p)
{
	size_t n = sp_utf8_len(s);
	uint32_t c = n ? code_point(s, n) : (uint8_t)*s;

	if (n && !deceives(c)) {
		memcpy(p->text, s, n);
		p->text[n] = '\0';
		p->len = n;
		p->cols = char_cols(c);
		return s + n;
	}
	if (c < 0x100)
		p->len = (size_t)snprintf(p->text, sizeof p->text, "\\x%02x", c);
	else
		p->len = (size_t)snprintf(p->text, sizeof p->text, "\\u%04x", c);
	p->cols = (unsigned)p->len;
	return s + (n ? n : 1);
}

void sp_fmt_safe(struct sp_str *out, const char *text)
{
	struct piece p;

	while (*text) {
		text = next_piece(text, &p);
		sp_str_put(out, p.text, p.len);
	}
}

unsigned sp_fmt_cols(const char *text)
{
	unsigned cols = 0;
	struct piece p;

	while (*text) {
		text = next_piece(text, &p);
		cols += p.cols;
	}
	return cols;
}

void sp_fmt_left(struct sp_str *out, const char *text, unsigned cols)
{
	bool fits = sp_fmt_cols(text) <= cols;
	unsigned room = fits ? cols : cols > 2 ? cols - 2 : 0, at = 0;
	struct piece p;

	while (*text) {
		text = next_piece(text, &p);
		if (at + p.cols > room)
			break;
		sp_str_put(out, p.text, p.len);
		at += p.cols;
	}
	for (unsigned dots = 0; !fits && dots < 2 && at < cols; dots++, at++)
		sp_str_puts(out, ".");
	sp_fmt_fill(out, ' ', cols - at);
}

void sp_fmt_right(struct sp_str *out, const char *text, unsigned cols)
{
	unsigned len = (unsigned)strlen(text);

	sp_fmt_fill(out, ' ', cols > len ? cols - len : 0);
	sp_str_puts(out, text);
}

void sp_fmt_fill(struct sp_str *out, char c, unsigned n)
{
	while (n--)
		sp_str_put(out, &c, 1);
}

/* Whether a line may end here: at a blank, but not between a figure and "%". */
static bool may_break(const char *at)
{
	return at[0] == ' ' && at[1] != '%';
}

/* Columns of the word at text, which ends where a line may end. */
static unsigned word_cols(const char *text)
{
	unsigned cols = 0;
	struct piece p;

	while (*text && !may_break(text)) {
		text = next_piece(text, &p);
		cols += p.cols;
	}
	return cols;
}

void sp_fmt_wrap(struct sp_str *out, const char *text, unsigned col, unsigned indent)
{
	bool blank = false; /* a blank waits to be written before the next word */
	struct piece p;

	while (*text) {
		unsigned cols = word_cols(text);

		if (!cols) {
			blank = true;
			text++;
			continue;
		}
		if (col > indent && col + blank + cols > LINE_COLS) {
			sp_str_puts(out, "\n");
			sp_fmt_fill(out, ' ', indent);
			col = indent;
		} else if (blank) {
			sp_str_puts(out, " ");
			col++;
		}
		blank = false;
		while (*text && !may_break(text)) {
			text = next_piece(text, &p);
			sp_str_put(out, p.text, p.len);
			col += p.cols;
		}
	}
	sp_str_puts(out, "\n");
}

/* ---- figures ---- */

#define UNKNOWN "unknown"

/* Integers are printed, not doubles: the locale has no say in the decimal point. */
static const char *fixed(char *buf, size_t cap, double v, unsigned decimals, bool group)
{
	char whole[32];
	uint64_t scale = 1, n;

	if (!isfinite(v)) {
		sp_strlcpy(buf, UNKNOWN, cap);
		return buf;
	}
	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	if (fabs(v) * (double)scale >= 1e18) {
		snprintf(buf, cap, "%.0f", v);
		return buf;
	}
	n = (uint64_t)(fabs(v) * (double)scale + 0.5);
	if (group)
		sp_str_grouped(whole, sizeof whole, n / scale);
	else
		snprintf(whole, sizeof whole, "%llu", (unsigned long long)(n / scale));
	if (decimals)
		snprintf(buf, cap, "%s%s.%0*llu", v < 0 && n ? "-" : "", whole, (int)decimals,
			 (unsigned long long)(n % scale));
	else
		snprintf(buf, cap, "%s%s", v < 0 && n ? "-" : "", whole);
	return buf;
}

const char *sp_fmt_fixed(char *buf, size_t cap, double v, unsigned decimals)
{
	return fixed(buf, cap, v, decimals, false);
}

const char *sp_fmt_fixed_grouped(char *buf, size_t cap, double v, unsigned decimals)
{
	return fixed(buf, cap, v, decimals, true);
}

const char *sp_fmt_short(char *buf, size_t cap, double v)
{
	double a = fabs(v);
	unsigned decimals = a < 9.995 ? 2 : a < 99.95 ? 1 : 0;

	if (v == floor(v))
		decimals = 0;
	return fixed(buf, cap, v, decimals, true);
}

const char *sp_fmt_count(char *buf, size_t cap, const struct sp_counts *c, enum sp_counter i)
{
	if (sp_counts_has(c, i))
		return sp_str_grouped(buf, cap, c->v[i]);
	sp_strlcpy(buf, UNKNOWN, cap);
	return buf;
}

const char *sp_fmt_percent(char *buf, size_t cap, uint64_t a, uint64_t b)
{
	double v = b ? 100.0 * (double)a / (double)b : NAN;
	char text[SP_FMT_FIGURE];

	if (!b)
		sp_strlcpy(buf, UNKNOWN, cap);
	else if (a && v < 0.001)
		sp_strlcpy(buf, "<0.001 %", cap);
	else
		snprintf(buf, cap, "%s %%",
			 sp_fmt_fixed(text, sizeof text, v,
				      a == 0 || a == b ? 0
				      : v < 1	       ? 3
						       : 2));
	return buf;
}

const char *sp_fmt_seconds(char *buf, size_t cap, uint64_t ns)
{
	return fixed(buf, cap, (double)ns / 1e9, 1, true);
}

const char *sp_fmt_utc(char *buf, size_t cap, int64_t real_ns, unsigned decimals)
{
	int64_t frac = real_ns % 1000000000;
	time_t s = (time_t)(real_ns / 1000000000);
	char digits[16] = "", date[32];
	struct tm tm;

	if (frac < 0) {
		frac += 1000000000;
		s--;
	}
	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm))
		sp_strlcpy(date, UNKNOWN, sizeof date);
	if (decimals)
		snprintf(digits, sizeof digits, ".%09u", (unsigned)frac);
	digits[decimals ? decimals + 1 : 0] = '\0';
	snprintf(buf, cap, "%s%sZ", date, digits);
	return buf;
}

bool sp_fmt_loss(const struct sp_measure *m, uint64_t *lost, uint64_t *tx)
{
	if (!sp_counts_has(&m->c, SP_C_lost) || !sp_counts_has(&m->c, SP_C_tx_packets))
		return false;
	*lost = m->c.v[SP_C_lost];
	*tx = m->c.v[SP_C_tx_packets];
	return *tx > 0;
}

const char *sp_fmt_status(char buf[SP_FMT_STATUS], const struct sp_stream_result *s,
			  uint32_t status)
{
	const char *name = s->status_name ? s->status_name(status) : NULL;

	if (name)
		return name;
	snprintf(buf, SP_FMT_STATUS, "%u", status);
	return buf;
}

void sp_fmt_units(struct sp_str *out, const char *unit)
{
	size_t len = strlen(unit);

	if (len && unit[len - 1] == 'y')
		sp_str_printf(out, "%.*sies", (int)len - 1, unit);
	else
		sp_str_printf(out, "%ss", unit);
}
