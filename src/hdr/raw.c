#include "pkt/hdr.h"

static const struct sp_field fields[] = {
	{ .name = "len",
	  .bits = 32,
	  .rule = SP_RULE_GROW,
	  .of = "load",
	  .help = "octets; the load is repeated, or zeros" },
	{ .name = "load", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};

static const struct sp_hdr_alias aliases[] = { { "payload", NULL }, { 0 } };

const struct sp_hdr_ops sp_hdr_raw = {
	.name = "raw",
	.summary = "octets: the same as \"text\" or 0x0a0b",
	.abi = SP_PLUGIN_ABI,
	.aliases = aliases,
	.fields = fields,
	.bare = true,
};

const struct sp_hdr_ops sp_hdr_padding = {
	.name = "padding",
	.summary = "octets behind the packet, which no length or checksum counts",
	.abi = SP_PLUGIN_ABI,
	.fields = fields,
	.bare = true,
	.trailer = true,
};
