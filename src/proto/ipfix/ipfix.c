/* NetFlow v5, v9 and IPFIX as one codec. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "proto/ipfix/read.h"

/* Fields by the names that selectors use; version 0: of all. */
static const struct named {
	const char *name;
	uint8_t version, off, width;
} names[] = {
	{ "version", 0, 0, 2 },
	{ "count", SP_IPFIX_V5, 2, 2 },
	{ "sysUptime", SP_IPFIX_V5, 4, 4 },
	{ "unixSecs", SP_IPFIX_V5, 8, 4 },
	{ "unixNanoSeconds", SP_IPFIX_V5, 12, 4 },
	{ "flowSequence", SP_IPFIX_V5, 16, 4 },
	{ "engineType", SP_IPFIX_V5, 20, 1 },
	{ "engineID", SP_IPFIX_V5, 21, 1 },
	{ "samplingInterval", SP_IPFIX_V5, 22, 2 },
	{ "count", SP_IPFIX_V9, 2, 2 },
	{ "sysUptime", SP_IPFIX_V9, 4, 4 },
	{ "unixSecs", SP_IPFIX_V9, 8, 4 },
	{ "packageSequence", SP_IPFIX_V9, 12, 4 },
	{ "SourceID", SP_IPFIX_V9, 16, 4 },
	{ "length", SP_IPFIX_V10, 2, 2 },
	{ "ExportTime", SP_IPFIX_V10, 4, 4 },
	{ "flowSequence", SP_IPFIX_V10, 8, 4 },
	{ "ObservationDomainID", SP_IPFIX_V10, 12, 4 },
};

static int field(const uint8_t *p, size_t len, const char *name, uint64_t *value)
{
	uint16_t version = len < 2 ? 0 : sp_get_be16(p);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct named *n = &names[i];

		if (strcmp(n->name, name) || (n->version && n->version != version) ||
		    len < n->off + n->width)
			continue;
		*value = 0;
		for (unsigned b = 0; b < n->width; b++)
			*value = *value << 8 | p[n->off + b];
		return 0;
	}
	return -ENOENT;
}

static bool version_known(uint16_t v)
{
	return v == SP_IPFIX_V5 || v == SP_IPFIX_V9 || v == SP_IPFIX_V10;
}

/* A message of version 9 has no length: it is as long as its datagram. */
static ptrdiff_t boundary(const uint8_t *p, size_t len)
{
	struct sp_ipfix_head h;

	if (len < 2)
		return 0;
	if (!version_known(sp_get_be16(p)))
		return -EBADMSG;
	if (!sp_ipfix_head(p, len, &h))
		return 0;
	if (h.len < h.size)
		return -EBADMSG;
	return h.len <= len ? (ptrdiff_t)h.len : 0;
}

static bool guess(const uint8_t *p, size_t len)
{
	struct sp_ipfix_head h;
	struct sp_ipfix_set set;
	const char *why;
	struct sp_rd r;

	if (!sp_ipfix_head(p, len, &h) || h.len > len || h.len < h.size)
		return false;
	if (h.version == SP_IPFIX_V5)
		return h.count && h.len == len;
	r = sp_rd_of(p + h.size, h.len - h.size);
	return sp_ipfix_next(&r, &set, &why) && (sp_ipfix_defines(&h, &set) || set.id >= 256);
}

static void *open_state(const struct sp_mem *mem)
{
	struct sp_ipfix *s = sp_alloc(mem, sizeof *s);

	if (!s)
		return NULL;
	s->mem = mem;
	s->domain = &s->first_domain;
	s->domain_cap = 1;
	return s;
}

static void close_state(void *st)
{
	struct sp_ipfix *s = st;

	if (!s)
		return;
	sp_ipfix_fini(s);
	sp_free(s->mem, s);
}

static const char *const field_names[] = { "version",
					   "count",
					   "length",
					   "sysUptime",
					   "unixSecs",
					   "unixNanoSeconds",
					   "ExportTime",
					   "flowSequence",
					   "packageSequence",
					   "engineType",
					   "engineID",
					   "samplingInterval",
					   "SourceID",
					   "ObservationDomainID",
					   NULL };

const struct sp_codec_ops sp_codec_ipfix = {
	.name = "ipfix",
	.summary = "NetFlow v5, v9 and IPFIX",
	.abi = SP_PLUGIN_ABI,
	.over = SP_CODEC_UDP | SP_CODEC_TCP,
	.port = { 4739, 2055, 9995 },
	.section = "ipfix",
	.header = "ipfix_h",
	.title = "IPFIX Information",
	.boundary = boundary,
	.guess = guess,
	.open = open_state,
	.close = close_state,
	.read = sp_ipfix_read,
	.field = field,
	.fields = field_names,
	.clean = sp_ipfix_clean,
	.rewrite = sp_ipfix_rewrite,
	.describe = sp_ipfix_describe,
};
