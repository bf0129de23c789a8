/* BGP-4 as a codec. */
#include <errno.h>
#include <string.h>

#include "proto/bgp/session.h"

#define AFTER_OPEN_NS UINT64_C(1000000000)

static bool guess(const uint8_t *p, size_t len)
{
	return len >= SP_BGP_HEAD && sp_bgp_boundary(p, SP_BGP_HEAD) >= 0 &&
	       p[18] >= SP_BGP_OPEN && p[18] <= SP_BGP_REFRESH;
}

static void *open_state(const struct sp_mem *mem)
{
	struct sp_bgp *s = sp_alloc(mem, sizeof *s);

	if (s)
		s->mem = mem;
	return s;
}

static void close_state(void *st)
{
	struct sp_bgp *s = st;

	if (s)
		sp_free(s->mem, s);
}

/* What a message is to whoever replays it, by type. */
static uint32_t flags_of(uint16_t type)
{
	switch (type) {
	case SP_BGP_OPEN:
		return SP_CM_BEGINS;
	case SP_BGP_NOTIFICATION:
		return SP_CM_ENDS;
	case SP_BGP_KEEPALIVE:
		return SP_CM_FILLER | SP_CM_WAITS;
	default:
		return SP_CM_WAITS;
	}
}

static void read_message(void *st, const uint8_t *p, size_t len, struct sp_codec_note *note)
{
	struct sp_bgp *s = st;

	*note = (struct sp_codec_note){ .units = 1 };
	note->reason = sp_bgp_check(p, len, &s->open);
	if (note->reason)
		note->flags |= SP_CM_ODD;
	if (len < SP_BGP_HEAD)
		return;
	note->type = p[18];
	note->flags |= flags_of(note->type);
	s->updates += note->type == SP_BGP_UPDATE;
	s->keepalives += note->type == SP_BGP_KEEPALIVE;
	/* The collector answers an OPEN before it takes routes. */
	if (note->type == SP_BGP_OPEN)
		note->after_ns = AFTER_OPEN_NS;
}

static int field(const uint8_t *p, size_t len, const char *name, uint64_t *value)
{
	if (len < SP_BGP_HEAD)
		return -ENOENT;
	if (!strcmp(name, "len"))
		*value = sp_get_be16(p + 16);
	else if (!strcmp(name, "type"))
		*value = p[18];
	else
		return -ENOENT;
	return 0;
}

static const char *const field_names[] = { "len", "type", NULL };

const struct sp_codec_ops sp_codec_bgp = {
	.name = "bgp",
	.summary = "BGP-4",
	.abi = SP_PLUGIN_ABI,
	.over = SP_CODEC_TCP,
	.port = { 179 },
	.section = "bgp",
	.header = "bgp_h",
	.title = "BGP Information",
	.boundary = sp_bgp_boundary,
	.guess = guess,
	.open = open_state,
	.close = close_state,
	.read = read_message,
	.field = field,
	.fields = field_names,
	.rewrite = sp_bgp_rewrite,
	.describe = sp_bgp_describe,
	.peer = &sp_bgp_peer,
};
