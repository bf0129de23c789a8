#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/patch.h"
#include "pkt/pattern.h"
#include "plugin/source.h"

#define ETH_LEN 14u

struct sp_source {
	const struct sp_mem *mem;
	struct sp_patch *patch;
	uint32_t head, size, id;
	bool fixed;
};

static int check_size(const struct sp_source_args *args, uint32_t prefix, struct sp_err *err)
{
	const struct sp_template *t = args->tmpl;
	uint32_t head = prefix + (t->fixed ? t->len : t->payload_off);
	uint32_t below = prefix + t->l3_off, mtu = args->link.mtu;

	if (args->size < head)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "packet: size %u is too small: the headers alone are %u bytes",
			       args->size, head);
	if (t->fixed && args->size != head)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "packet: size %u cannot be: this packet is %u bytes long, and "
			       "nothing in it may grow",
			       args->size, head);
	if (args->size > UINT16_MAX || (mtu && args->size > mtu + below))
		return sp_fail(err, -EMSGSIZE, SP_EXIT_USAGE,
			       "packet: size %u is too large: an MTU of %u allows frames of %u "
			       "bytes here, and frames are not fragmented",
			       args->size, mtu, mtu + below);
	return 0;
}

/* Two sources with one id leave the same octets in a slot, but for those that each writes into
 * every unit anyway. */
static uint32_t id_of(const struct sp_source_args *args, const uint8_t *prefix, uint32_t len)
{
	const struct sp_template *t = args->tmpl;
	uint32_t id = sp_pattern_id(SP_PATTERN_ID, &args->stamp_len, 1);

	id = sp_pattern_id(id, prefix, len);
	id = sp_pattern_id(id, t->octets, t->len);
	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];

		id = sp_pattern_id(id, &p->off, sizeof p->off);
		id = sp_pattern_id(id, &p->bytes, sizeof p->bytes);
		id = sp_pattern_id(id, &p->mask, sizeof p->mask);
	}
	if (args->rows && args->rows->n == 1)
		id = sp_pattern_id(id, args->rows->bytes, args->rows->len);
	return id;
}

static void packet_close(struct sp_source *s)
{
	sp_patch_free(s->patch);
	sp_free(s->mem, s);
}

static int packet_open(struct sp_source **out, const struct sp_source_args *args,
		       const struct sp_env *env, struct sp_err *err)
{
	uint8_t eth[ETH_LEN];
	struct sp_patch_conf conf = {
		.prefix = eth,
		.prefix_len = args->tmpl->link ? 0 : ETH_LEN,
		.max_len = args->size,
		.keep = args->keep,
		.stamp_len = args->stamp_len,
		.max_batch = args->burst ? args->burst : SP_BATCH_MAX,
		.rows = args->rows,
	};
	struct sp_source *s;
	int rc = check_size(args, conf.prefix_len, err);

	if (rc)
		return rc;
	memcpy(eth, args->link.dst_mac, 6);
	memcpy(eth + 6, args->link.src_mac, 6);
	sp_put_be16(eth + 12, args->tmpl->ether_type);
	s = sp_alloc(env->mem, sizeof *s);
	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "packet: not enough memory");
	*s = (struct sp_source){ .mem = env->mem,
				 .size = args->size,
				 .id = id_of(args, eth, conf.prefix_len),
				 .fixed = args->tmpl->fixed };
	rc = sp_patch_new(&s->patch, args->tmpl, &conf, env->mem);
	if (rc) {
		packet_close(s);
		return rc == -ENOMEM
			       ? sp_fail(err, rc, SP_EXIT_FAILED, "packet: not enough memory")
			       : sp_fail(err, rc, SP_EXIT_USAGE,
					 "packet: its varying fields, checksums and lengths do "
					 "not fit together");
	}
	s->head = sp_patch_head(s->patch);
	*out = s;
	return 0;
}

static uint32_t packet_template_id(const struct sp_source *s)
{
	return s->id;
}

static uint32_t packet_len(const struct sp_source *s, uint32_t size)
{
	if (size < s->head)
		return s->head;
	return size > s->size ? s->size : size;
}

static void packet_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	sp_patch_fill(s->patch, b, from);
}

static void packet_finish(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	sp_patch_finish(s->patch, b, from);
}

static uint64_t packet_unit(const struct sp_source *s)
{
	return sp_patch_unit(s->patch);
}

static void packet_seek(struct sp_source *s, uint64_t unit)
{
	sp_patch_seek(s->patch, unit);
}

extern const struct sp_source_ops sp_source_packet;
const struct sp_source_ops sp_source_packet = {
	.name = "packet",
	.summary = "frames of a template: fields that vary, checksums, a payload with a stamp",
	.abi = SP_PLUGIN_ABI,
	.makes = SP_T_FRAME,
	.open = packet_open,
	.template_id = packet_template_id,
	.len = packet_len,
	.fill = packet_fill,
	.finish = packet_finish,
	.unit = packet_unit,
	.seek = packet_seek,
	.close = packet_close,
};
