#include "base/str.h"

#include <stdio.h>
#include <string.h>

void sp_str_init(struct sp_str *s, const struct sp_mem *mem)
{
	/* cap == 0 says that text is this constant: never written, never freed. */
	*s = (struct sp_str){ .mem = mem, .text = "" };
}

void sp_str_fini(struct sp_str *s)
{
	if (s->cap)
		sp_free(s->mem, s->text);
	sp_str_init(s, s->mem);
}

void sp_str_clear(struct sp_str *s)
{
	if (s->failed)
		return;
	s->len = 0;
	if (s->cap)
		s->text[0] = '\0';
}

/* Room for extra bytes and the NUL. */
static bool reserve(struct sp_str *s, size_t extra)
{
	size_t need, cap = s->cap ? s->cap : 64;
	char *text;

	if (s->failed)
		return false;
	if (__builtin_add_overflow(s->len, extra, &need) || need > SIZE_MAX / 4) {
		s->failed = true;
		return false;
	}
	if (need < s->cap)
		return true;
	while (cap <= need)
		cap *= 2;
	text = sp_alloc(s->mem, cap);
	if (!text) {
		s->failed = true;
		return false;
	}
	memcpy(text, s->text, s->len);
	if (s->cap)
		sp_free(s->mem, s->text);
	s->text = text;
	s->cap = cap;
	return true;
}

void sp_str_put(struct sp_str *s, const char *text, size_t len)
{
	if (!len || !reserve(s, len))
		return;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

void sp_str_puts(struct sp_str *s, const char *text)
{
	sp_str_put(s, text, strlen(text));
}

void sp_str_vprintf(struct sp_str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (s->failed)
		return;
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0) {
		s->failed = true;
	} else if (n > 0 && reserve(s, (size_t)n)) {
		vsnprintf(s->text + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
}

void sp_str_printf(struct sp_str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sp_str_vprintf(s, fmt, ap);
	va_end(ap);
}

size_t sp_strlcpy(char *dst, const char *src, size_t cap)
{
	size_t len = strlen(src), n;

	if (cap) {
		n = len < cap ? len : cap - 1;
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool sp_str_ieq(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return *a == *b;
}

/* ---- the nearest word ---- */

#define WORD_MAX 63

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap of neighbours. Both words are at
 * most WORD_MAX long. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *two = rows[0], *one = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= nb; j++)
		one[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);

			row[j] = min_of(one[j], row[j - 1]) + 1;
			row[j] = min_of(row[j], one[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				row[j] = min_of(row[j], two[j - 2] + 1);
		}
		spare = two;
		two = one;
		one = row;
		row = spare;
	}
	return one[nb];
}

const char *sp_str_nearest(const char *word, const char *const *words, size_t n)
{
	size_t len = strlen(word);
	const char *best = NULL;
	unsigned best_d = 0;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(words[i]);
		unsigned d;

		if (other > WORD_MAX)
			continue;
		d = distance(word, len, words[i], other);
		if ((size_t)d * 3 > (len > other ? len : other))
			continue;
		if (!best || d < best_d) {
			best = words[i];
			best_d = d;
		}
	}
	return best;
}

/* ---- text from outside ---- */

static bool tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. A NUL is no tail byte,
 * so that nothing is read behind the end. */
size_t sp_utf8_len(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] < 0xc2 || p[0] > 0xf4 || !tail(p[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) || !tail(p[2]))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	return tail(p[3]) ? 4 : 0;
}

/* C0, DEL, and C1 in its two-byte form: some terminals obey those too. */
static bool is_control(const unsigned char *p)
{
	return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

const char *sp_str_printable(char *dst, size_t cap, const char *in)
{
	size_t at = 0;

	if (!cap)
		return dst;
	while (*in) {
		size_t n = sp_utf8_len(in);
		char piece[5];

		if (!n || is_control((const unsigned char *)in)) {
			snprintf(piece, sizeof piece, "\\x%02x", (unsigned char)*in++);
			n = 4;
		} else {
			memcpy(piece, in, n);
			in += n;
		}
		if (cap - at <= n)
			break;
		memcpy(dst + at, piece, n);
		at += n;
	}
	dst[at] = '\0';
	return dst;
}

const char *sp_str_grouped(char *dst, size_t cap, uint64_t v)
{
	char digits[21], text[27];
	size_t n = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	sp_strlcpy(dst, text, cap);
	return dst;
}

const char *sp_str_count(char *dst, size_t cap, uint64_t v, const char *one)
{
	char n[27];

	snprintf(dst, cap, "%s %s%s", sp_str_grouped(n, sizeof n, v), one, v == 1 ? "" : "s");
	return dst;
}
