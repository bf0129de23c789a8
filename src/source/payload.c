#include <errno.h>
#include <string.h>

#include "pkt/pattern.h"
#include "plugin/source.h"

struct payload_conf {
	const char *fill;
};

static const struct sp_opt opts[] = {
	{ "fill", SP_OPT_TEXT, offsetof(struct payload_conf, fill), SP_PATTERN_DEFAULT, NULL, 0,
	  0, "text that the payload repeats" },
	{ .name = NULL },
};

struct sp_source {
	const struct sp_mem *mem;
	uint8_t *bytes; /* size of them */
	uint32_t size, id;
	uint8_t stamp_len;
};

static int check(const void *conf, struct sp_err *err)
{
	const struct payload_conf *c = conf;

	if (c && c->fill && !*c->fill)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "payload: fill is empty: it needs at least one character");
	return 0;
}

static int payload_open(struct sp_source **out, const struct sp_source_args *args,
			const struct sp_env *env, struct sp_err *err)
{
	const struct payload_conf *c = args->conf;
	const char *text = c && c->fill ? c->fill : SP_PATTERN_DEFAULT;
	struct sp_source *s;
	int r = check(c, err);

	if (r)
		return r;
	s = sp_alloc(env->mem, sizeof *s);
	if (!s)
		goto no_memory;
	s->mem = env->mem;
	s->size = args->size;
	s->stamp_len = args->stamp_len;
	/* A slot of an unstamped source must not come from a stamped one. */
	s->id = sp_pattern_id(SP_PATTERN_ID, &s->stamp_len, 1);
	s->id = sp_pattern_id(s->id, text, strlen(text));
	s->bytes = sp_pattern_new(env->mem, text, args->size);
	if (!s->bytes)
		goto no_memory;
	*out = s;
	return 0;
no_memory:
	sp_free(env->mem, s);
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "payload: not enough memory");
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
	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];

		if (!(m->flags & SP_M_HELD))
			memcpy(m->data, s->bytes, m->len < s->size ? m->len : s->size);
		m->stamp_off = SP_NO_STAMP;
		if (s->stamp_len && m->len >= s->stamp_len)
			m->stamp_off = (uint16_t)(m->len - s->stamp_len);
	}
}

static void payload_close(struct sp_source *s)
{
	sp_free(s->mem, s->bytes);
	sp_free(s->mem, s);
}

const struct sp_source_ops sp_source_payload = {
	.name = "payload",
	.summary = "datagrams of a repeated text with a stamp at the end",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct payload_conf),
	.check = check,
	.makes = SP_T_DATAGRAM,
	.open = payload_open,
	.template_id = payload_template_id,
	.len = payload_len,
	.fill = payload_fill,
	.close = payload_close,
};
