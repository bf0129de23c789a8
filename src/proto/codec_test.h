/* For tests of codecs: messages in hex, notes and summaries out. */
#ifndef SP_PROTO_CODEC_TEST_H
#define SP_PROTO_CODEC_TEST_H

#include "base/hex_test.h"
#include "plugin/codec.h"

#include <string.h>

struct codec_rig {
	const struct sp_codec_ops *ops;
	struct sp_mem_test mem;
	void *st;
	struct sp_codec_note note;
	uint8_t m[70000], out[70000];
	uint32_t n;
	char text[1 << 18];
};

static inline void codec_begin(struct codec_rig *r, const struct sp_codec_ops *ops)
{
	r->ops = ops;
	sp_mem_test_init(&r->mem, UINT64_MAX);
	r->st = ops->open(&r->mem.mem);
	assert_non_null(r->st);
}

static inline void codec_end(struct codec_rig *r)
{
	r->ops->close(r->st);
	assert_int_equal(r->mem.live, 0);
}

/* One allocation, which may fail. */
static inline void codec_memory(const struct sp_codec_ops *ops)
{
	struct sp_mem_test mem;

	sp_mem_test_init(&mem, 0);
	assert_null(ops->open(&mem.mem));
	ops->close(NULL);
	assert_int_equal(mem.live, 0);
}

/* Reads a message; its reason is the answer. */
static inline const char *codec_read(struct codec_rig *r, const char *hex)
{
	r->n = bytes(hex, r->m);
	r->ops->read(r->st, r->m, r->n, &r->note);
	assert_int_equal(!!(r->note.flags & SP_CM_ODD), !!r->note.reason);
	return r->note.reason;
}

static inline ptrdiff_t codec_boundary(struct codec_rig *r, const char *hex)
{
	r->n = bytes(hex, r->m);
	return r->ops->boundary(r->m, r->n);
}

/* What the summary says, on one line. */
static inline const char *codec_text(struct codec_rig *r)
{
	struct sp_json j;
	struct sp_str s;

	sp_str_init(&s, sp_mem_system());
	sp_json_init(&j, &s, 0);
	sp_json_open(&j, NULL, '{');
	r->ops->describe(r->st, &j);
	sp_json_close(&j, '}');
	assert_false(s.failed);
	assert_true(s.len < sizeof r->text);
	memcpy(r->text, s.text, s.len + 1);
	sp_str_fini(&s);
	return r->text;
}

static inline uint64_t codec_field(struct codec_rig *r, const char *name)
{
	uint64_t v = UINT64_MAX;

	assert_int_equal(r->ops->field(r->m, r->n, name, &v), 0);
	return v;
}

#endif
