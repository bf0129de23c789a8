/* Wire code reads and writes through these two: bounds are checked here and nowhere else, and
 * an overrun is sticky, so that a decoder checks once at its end. */
#ifndef SP_BASE_CURSOR_H
#define SP_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/endian.h"

struct sp_rd {
	const uint8_t *p, *end;
	bool bad; /* something was read past the end; values read then were 0 */
};

struct sp_wr {
	uint8_t *p, *end;
	bool bad; /* something did not fit; nothing was written past the end */
};

static inline struct sp_rd sp_rd_of(const void *data, size_t len)
{
	return (struct sp_rd){ .p = data, .end = (const uint8_t *)data + len };
}

static inline struct sp_wr sp_wr_of(void *data, size_t len)
{
	return (struct sp_wr){ .p = data, .end = (uint8_t *)data + len };
}

static inline size_t sp_rd_left(const struct sp_rd *r)
{
	return (size_t)(r->end - r->p);
}

/* n bytes that stay where they are, or NULL (sticky). */
static inline const uint8_t *sp_rd_take(struct sp_rd *r, size_t n)
{
	const uint8_t *at = r->p;

	if (r->bad || sp_rd_left(r) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return at;
}

static inline uint8_t sp_rd_u8(struct sp_rd *r)
{
	const uint8_t *p = sp_rd_take(r, 1);
	return p ? *p : 0;
}

static inline uint16_t sp_rd_be16(struct sp_rd *r)
{
	const uint8_t *p = sp_rd_take(r, 2);
	return p ? sp_get_be16(p) : 0;
}

static inline uint32_t sp_rd_be32(struct sp_rd *r)
{
	const uint8_t *p = sp_rd_take(r, 4);
	return p ? sp_get_be32(p) : 0;
}

static inline uint64_t sp_rd_be64(struct sp_rd *r)
{
	const uint8_t *p = sp_rd_take(r, 8);
	return p ? sp_get_be64(p) : 0;
}

static inline uint8_t *sp_wr_take(struct sp_wr *w, size_t n)
{
	uint8_t *at = w->p;

	if (w->bad || (size_t)(w->end - w->p) < n) {
		w->bad = true;
		return NULL;
	}
	w->p += n;
	return at;
}

static inline void sp_wr_bytes(struct sp_wr *w, const void *src, size_t n)
{
	uint8_t *p = sp_wr_take(w, n);
	if (p && n)
		memcpy(p, src, n);
}

static inline void sp_wr_u8(struct sp_wr *w, uint8_t v)
{
	sp_wr_bytes(w, &v, 1);
}

static inline void sp_wr_be16(struct sp_wr *w, uint16_t v)
{
	uint8_t *p = sp_wr_take(w, 2);
	if (p)
		sp_put_be16(p, v);
}

static inline void sp_wr_be32(struct sp_wr *w, uint32_t v)
{
	uint8_t *p = sp_wr_take(w, 4);
	if (p)
		sp_put_be32(p, v);
}

static inline void sp_wr_be64(struct sp_wr *w, uint64_t v)
{
	uint8_t *p = sp_wr_take(w, 8);
	if (p)
		sp_put_be64(p, v);
}

#endif
