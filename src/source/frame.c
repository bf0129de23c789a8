#include <errno.h>
#include <string.h>

#include "pkt/csum.h"
#include "pkt/pattern.h"
#include "pkt/udpframe.h"
#include "plugin/source.h"

struct frame_conf {
	const char *fill;
};

static const struct sp_opt opts[] = {
	{ "fill", SP_OPT_TEXT, offsetof(struct frame_conf, fill), SP_PATTERN_DEFAULT, NULL, 0,
	  0, "text that the UDP payload repeats" },
	{ .name = NULL },
};

struct sp_source {
	const struct sp_mem *mem;
	struct sp_udp_frame head;
	uint8_t *payload; /* of the longest frame */
	uint16_t *sum;	  /* sum[k]: of payload[0 .. k), folded: k = 0 .. payload's length */
	uint32_t size, id;
	uint8_t stamp_len;
	bool fill_csum;
};

static int check(const void *conf, struct sp_err *err)
{
	const struct frame_conf *c = conf;

	if (c && c->fill && !*c->fill)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "frame: fill is empty: it needs at least one character");
	return 0;
}

static int head_init(struct sp_source *s, const struct sp_source_args *args, struct sp_err *err)
{
	const struct sp_link *link = &args->link;
	struct sp_endpoint from = args->from;
	char text[72];

	if (!from.addr.family)
		from.addr = link->src;
	if (sp_udp_frame_init(&s->head, link->src_mac, link->dst_mac, &from, &args->to))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "frame: target %s needs a source address of its own family",
			       sp_endpoint_format(text, sizeof text, &args->to));
	return 0;
}

static int check_size(const struct sp_source *s, const struct sp_source_args *args,
		      struct sp_err *err)
{
	if (args->size < s->head.hdr_len)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"frame: size %u is too small: Ethernet, IP and UDP headers alone "
			"are %u bytes",
			args->size, s->head.hdr_len);
	if (args->size > SP_UDP_FRAME_BIGGEST ||
	    (args->link.mtu && args->size > args->link.mtu + SP_ETH_LEN))
		return sp_fail(err, -EMSGSIZE, SP_EXIT_USAGE,
			       "frame: size %u is too large: an MTU of %u allows frames of %u "
			       "bytes, and frames are not fragmented",
			       args->size, args->link.mtu, args->link.mtu + SP_ETH_LEN);
	return 0;
}

static int body_init(struct sp_source *s, const char *text)
{
	uint32_t len = s->size - s->head.hdr_len;

	s->payload = sp_pattern_new(s->mem, text, len);
	s->sum = sp_alloc_array(s->mem, len + 1, sizeof *s->sum);
	if (!s->payload || !s->sum)
		return -ENOMEM;
	for (uint32_t k = 1; k <= len; k++) {
		uint32_t even = (k - 1) & ~1u;

		s->sum[k] = sp_csum_fold(
			sp_csum_add(s->sum[even], s->payload + even, k - even));
	}
	/* A slot of an unstamped source must not come from a stamped one. */
	s->id = sp_pattern_id(SP_PATTERN_ID, &s->stamp_len, 1);
	s->id = sp_pattern_id(s->id, &s->fill_csum, 1);
	s->id = sp_pattern_id(s->id, s->head.bytes, s->head.hdr_len);
	s->id = sp_pattern_id(s->id, text, strlen(text));
	return 0;
}

static void frame_close(struct sp_source *s)
{
	sp_free(s->mem, s->payload);
	sp_free(s->mem, s->sum);
	sp_free(s->mem, s);
}

static int frame_open(struct sp_source **out, const struct sp_source_args *args,
		      const struct sp_env *env, struct sp_err *err)
{
	const struct frame_conf *c = args->conf;
	struct sp_source *s;
	int r = check(c, err);

	if (r)
		return r;
	s = sp_alloc(env->mem, sizeof *s);
	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "frame: not enough memory");
	s->mem = env->mem;
	s->size = args->size;
	s->stamp_len = args->stamp_len;
	s->fill_csum = args->fill_csum;
	r = head_init(s, args, err);
	if (r)
		goto fail;
	r = check_size(s, args, err);
	if (r)
		goto fail;
	r = body_init(s, c && c->fill ? c->fill : SP_PATTERN_DEFAULT);
	if (r) {
		sp_fail(err, r, SP_EXIT_FAILED, "frame: not enough memory");
		goto fail;
	}
	*out = s;
	return 0;
fail:
	frame_close(s);
	return r;
}

static uint32_t frame_template_id(const struct sp_source *s)
{
	return s->id;
}

static uint32_t frame_len(const struct sp_source *s, uint32_t size)
{
	return size > s->head.hdr_len ? size : s->head.hdr_len;
}

static void put_csum(const struct sp_source *s, uint8_t *frame, uint64_t sum)
{
	uint16_t field = sp_csum_finish_udp(sum);

	memcpy(frame + s->head.udp_off + 6, &field, sizeof field);
}

static void make(const struct sp_source *s, const struct sp_msg *m)
{
	uint32_t payload_len = m->len - s->head.hdr_len;

	sp_udp_frame_put(&s->head, m->data, m->len);
	memcpy(m->data + s->head.hdr_len, s->payload, payload_len);
	/* Right for a frame without stamp; finish() writes it anew for one with. */
	if (s->fill_csum)
		put_csum(s, m->data, sp_udp_frame_sum(&s->head, m->len) + s->sum[payload_len]);
}

static void frame_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];

		if (!(m->flags & SP_M_HELD))
			make(s, m);
		m->stamp_off = SP_NO_STAMP;
		if (s->stamp_len && m->len >= (uint32_t)s->head.hdr_len + s->stamp_len)
			m->stamp_off = (uint16_t)(m->len - s->stamp_len);
	}
}

static void frame_finish(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	if (!s->fill_csum || !s->stamp_len)
		return;
	for (uint32_t i = from; i < b->n; i++) {
		const struct sp_msg *m = &b->m[i];
		uint32_t before;
		uint16_t stamp;

		if (m->stamp_off == SP_NO_STAMP)
			continue;
		before = m->stamp_off - s->head.hdr_len;
		stamp = sp_csum_fold(sp_csum_add(0, m->data + m->stamp_off, s->stamp_len));
		/* At an odd place each of its bytes is the other half of a word (RFC 1071). */
		if (before & 1)
			stamp = __builtin_bswap16(stamp);
		put_csum(s, m->data,
			 sp_udp_frame_sum(&s->head, m->len) + s->sum[before] + stamp);
	}
}

const struct sp_source_ops sp_source_frame = {
	.name = "frame",
	.summary = "Ethernet frames with IPv4 or IPv6, UDP, and a repeated text with a stamp",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct frame_conf),
	.check = check,
	.makes = SP_T_FRAME,
	.open = frame_open,
	.template_id = frame_template_id,
	.len = frame_len,
	.fill = frame_fill,
	.finish = frame_finish,
	.close = frame_close,
};
