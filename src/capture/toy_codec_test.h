/* A protocol for tests of what knows no protocol: messages "TY", a type, their length, a body.
 * 'B' begins, 'E' ends, 'K' keeps awake, 'D' defines what 'U' needs, 'P' wants 5 s before it, 'O'
 * begins, too, and wants 1 s after it; others are content. */
#ifndef SP_CAPTURE_TOY_CODEC_TEST_H
#define SP_CAPTURE_TOY_CODEC_TEST_H

#include <errno.h>
#include <string.h>

#include "plugin/codec.h"

struct toy {
	const struct sp_mem *mem;
	unsigned messages;
	bool defined;
};

static inline ptrdiff_t toy_boundary(const uint8_t *m, size_t len)
{
	if ((len && m[0] != 'T') || (len > 1 && m[1] != 'Y') || (len > 3 && m[3] < 4))
		return -EBADMSG;
	return len < 4 || len < m[3] ? 0 : m[3];
}

static inline bool toy_guess(const uint8_t *m, size_t len)
{
	return len >= 4 && m[0] == 'T' && m[1] == 'Y';
}

static inline void *toy_open(const struct sp_mem *mem)
{
	struct toy *t = sp_alloc(mem, sizeof *t);

	if (t)
		t->mem = mem;
	return t;
}

static inline void toy_close(void *st)
{
	struct toy *t = st;

	sp_free(t->mem, t);
}

static inline void toy_read(void *st, const uint8_t *m, size_t len, struct sp_codec_note *n)
{
	struct toy *t = st;

	(void)len;
	t->messages++;
	n->type = m[2];
	n->flags = m[2] == 'B' || m[2] == 'O' ? SP_CM_BEGINS
		   : m[2] == 'E'	      ? SP_CM_ENDS
		   : m[2] == 'K'	      ? SP_CM_FILLER
		   : m[2] == 'D'	      ? SP_CM_DEFINES
					      : 0;
	if (m[2] == 'U' && !t->defined)
		n->flags |= SP_CM_UNKNOWN;
	if (m[2] == 'P')
		n->before_ns = 5000000000;
	if (m[2] == 'O')
		n->after_ns = 1000000000;
	t->defined = t->defined || m[2] == 'D';
}

static inline int toy_field(const uint8_t *m, size_t len, const char *name, uint64_t *value)
{
	(void)len;
	*value = m[2];
	return strcmp(name, "type") == 0 ? 0 : -ENOENT;
}

static inline size_t toy_clean(void *st, const uint8_t *m, size_t len, uint8_t *out, size_t cap)
{
	const struct toy *t = st;

	if (m[2] == 'U' && !t->defined)
		return 0;
	memcpy(out, m, len < cap ? len : cap);
	return len;
}

static inline void toy_describe(const void *st, struct sp_json *js)
{
	const struct toy *t = st;

	sp_json_u64(js, "messages", t->messages);
}

static const char *const toy_fields[] = { "type", NULL };

static const struct sp_codec_ops toy_codec = {
	.name = "toy",
	.abi = SP_PLUGIN_ABI,
	.over = SP_CODEC_TCP | SP_CODEC_UDP,
	.port = { 777 },
	.section = "toy",
	.header = "toy_h",
	.boundary = toy_boundary,
	.guess = toy_guess,
	.open = toy_open,
	.close = toy_close,
	.read = toy_read,
	.field = toy_field,
	.fields = toy_fields,
	.clean = toy_clean,
	.title = "TOY Information",
	.describe = toy_describe,
};

#endif
