/* Text: a growing buffer, and the few string helpers that libc lacks. */
#ifndef SP_BASE_STR_H
#define SP_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Growing text with a sticky error: after a failed allocation every call is a no-op and
 * failed stays true. text is always NUL-terminated (and "" when empty). */
struct sp_str {
	const struct sp_mem *mem;
	char *text;
	size_t len, cap;
	bool failed;
};

void sp_str_init(struct sp_str *, const struct sp_mem *mem);
void sp_str_fini(struct sp_str *);
void sp_str_clear(struct sp_str *);
void sp_str_put(struct sp_str *, const char *text, size_t len);
void sp_str_puts(struct sp_str *, const char *text);
void sp_str_printf(struct sp_str *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sp_str_vprintf(struct sp_str *, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Copies at most cap - 1 bytes and terminates; returns strlen(src). */
size_t sp_strlcpy(char *dst, const char *src, size_t cap);

/* ASCII case-insensitive comparison of whole words, independent of the locale. */
bool sp_str_ieq(const char *a, const char *b);

/* The word of words[0..n) nearest to word by edit distance, or NULL when none is near enough
 * to be worth suggesting (more than a third of its letters differ). */
const char *sp_str_nearest(const char *word, const char *const *words, size_t n);

/* Length of the UTF-8 character (RFC 3629) at s: 1 to 4; 0 for a NUL or an invalid byte. */
size_t sp_utf8_len(const char *s);

/* Writes in so that a terminal shows it harmlessly: control bytes and invalid UTF-8 become
 * \xNN. Always terminates; returns dst. */
const char *sp_str_printable(char *dst, size_t cap, const char *in);

/* 1234567 -> "1,234,567". dst needs 27 bytes. Returns dst. */
const char *sp_str_grouped(char *dst, size_t cap, uint64_t v);
/* "1 packet", "1,234,567 packets", "0 packets". dst needs 28 bytes and those of the word. */
const char *sp_str_count(char *dst, size_t cap, uint64_t v, const char *one);

#endif
