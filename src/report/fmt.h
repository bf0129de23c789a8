/* What the text formats share: texts from outside made harmless, columns, numbers that do not
 * depend on the locale. Everything writes onto a struct sp_str or into the caller's buffer. */
#ifndef SP_REPORT_FMT_H
#define SP_REPORT_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/counters.h"
#include "core/result.h"

/* A buffer of this size holds any single figure. */
#define SP_FMT_FIGURE 48

/* Text from outside. Control bytes, invalid UTF-8 and characters that turn or hide text
 * (bidirectional controls, line separators, zero-width ones) come out as \xNN or \uNNNN. */
void sp_fmt_safe(struct sp_str *out, const char *text);
/* The same in exactly cols terminal columns, padded on the right; longer text ends in "..". */
void sp_fmt_left(struct sp_str *out, const char *text, unsigned cols);
/* Columns that sp_fmt_safe(text) takes. */
unsigned sp_fmt_cols(const char *text);
/* ASCII text, right-aligned in cols columns; longer text is not cut. */
void sp_fmt_right(struct sp_str *out, const char *text, unsigned cols);
/* n times c. */
void sp_fmt_fill(struct sp_str *out, char c, unsigned n);
/* Text from outside from column col on, broken at blanks before column 80; further lines are
 * indented by indent. Ends with a newline. */
void sp_fmt_wrap(struct sp_str *out, const char *text, unsigned col, unsigned indent);

/* v with exactly decimals (0..9) digits after the point; "unknown" when v is not finite. */
const char *sp_fmt_fixed(char *buf, size_t cap, double v, unsigned decimals);
/* The same with grouped thousands. */
const char *sp_fmt_fixed_grouped(char *buf, size_t cap, double v, unsigned decimals);
/* A rate or the like for people: 0.50  12.3  1,234. */
const char *sp_fmt_short(char *buf, size_t cap, double v);
/* A counter with grouped thousands, or "unknown". */
const char *sp_fmt_count(char *buf, size_t cap, const struct sp_counts *, enum sp_counter);
/* a/b in percent ("0.02 %"; never "0 %" when a is not 0), "unknown" unless b > 0. */
const char *sp_fmt_percent(char *buf, size_t cap, uint64_t a, uint64_t b);
/* Seconds with one decimal: "3.0". */
const char *sp_fmt_seconds(char *buf, size_t cap, uint64_t ns);
/* UTC, RFC 3339 with decimals (0..9) digits: "2026-01-01T00:00:00.000Z". */
const char *sp_fmt_utc(char *buf, size_t cap, int64_t real_ns, unsigned decimals);

/* The plural of a unit: "datagrams", "queries". */
void sp_fmt_units(struct sp_str *out, const char *unit);
/* A status of the stream's answers: its name, else its number. */
#define SP_FMT_STATUS 24
const char *sp_fmt_status(char buf[SP_FMT_STATUS], const struct sp_stream_result *,
			  uint32_t status);

/* Loss of a measure: lost / tx. false: unknown or nothing sent. */
bool sp_fmt_loss(const struct sp_measure *, uint64_t *lost, uint64_t *tx);

#endif
