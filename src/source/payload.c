#include <errno.h>
#include <string.h>

#include "pkt/pattern.h"
#include "plugin/source.h"

struct sp_source {
	const struct sp_mem *mem;
	const struct sp_rows *rows;
	uint64_t unit; /* the next one */
	uint32_t id;
	uint8_t stamp_len;
};

static int payload_open(struct sp_source **out, const struct sp_source_args *args,
			const struct sp_env *env, struct sp_err *err)
{
	struct sp_source *s = sp_alloc(env->mem, sizeof *s);

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "payload: not enough memory");
	s->mem = env->mem;
	s->rows = args->rows;
	s->stamp_len = args->stamp_len;
	/* A slot of an unstamped source must not come from a stamped one. */
	s->id = sp_pattern_id(SP_PATTERN_ID, &s->stamp_len, 1);
	s->id = sp_pattern_id(s->id, s->rows->bytes, s->rows->len);
	*out = s;
	return 0;
}

static uint32_t payload_template_id(const struct sp_source *s)
{
	return s->id;
}

static uint32_t payload_len(const struct sp_source *s, uint32_t size)
{
	(void)s;
	return size;
}

static void payload_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	const struct sp_rows *r = s->rows;

	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		const uint8_t *row = r->bytes + (size_t)sp_rows_pick(r, s->unit++) * r->len;

		if (!(m->flags & SP_M_HELD) || r->n > 1)
			memcpy(m->data, row, m->len < r->len ? m->len : r->len);
		m->stamp_off = SP_NO_STAMP;
		if (s->stamp_len && m->len >= s->stamp_len)
			m->stamp_off = (uint16_t)(m->len - s->stamp_len);
	}
}

static void payload_close(struct sp_source *s)
{
	sp_free(s->mem, s);
}

extern const struct sp_source_ops sp_source_payload;
const struct sp_source_ops sp_source_payload = {
	.name = "payload",
	.summary = "UDP payloads with a stamp",
	.abi = SP_PLUGIN_ABI,
	.makes = SP_T_DATAGRAM,
	.open = payload_open,
	.template_id = payload_template_id,
	.len = payload_len,
	.fill = payload_fill,
	.close = payload_close,
};
