#include "hdr/numbers.h"

static const struct sp_field vxlan[] = {
	{ .name = "flags", .bits = 8, .dflt = "8", .help = "8: the VNI is valid" },
	{ .name = "reserved1", .bits = 24, .help = "zero" },
	{ .name = "vni", .bits = 24, .help = "network" },
	{ .name = "reserved2", .bits = 8, .help = "zero" },
	{ 0 },
};

static const char *ethernet(const struct sp_node *n, const uint8_t *p, size_t len)
{
	(void)n;
	(void)p;
	(void)len;
	return "eth";
}

const struct sp_hdr_ops sp_hdr_vxlan = {
	.name = "vxlan",
	.summary = "VXLAN; an eth follows",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 7348",
	.fields = vxlan,
	.follow = ethernet,
};

/* Kinds of GENEVE options are three octets: class and type. */
static const struct sp_item option_kinds[] = { { 0 } };
static const struct sp_items options = {
	.what = "GENEVE option",
	.kinds = option_kinds,
	.type_bytes = 3,
	.len_bytes = 1,
	.len_bits = 5,
	.unit = 4,
};

static const struct sp_field geneve[] = {
	{ .name = "version", .bits = 2, .help = "version" },
	{ .name = "optionlen",
	  .aliases = "optlen",
	  .bits = 6,
	  .rule = SP_RULE_SIZE,
	  .of = "options",
	  .unit = 4,
	  .help = "length of the options in words of 4 octets" },
	{ .name = "oam", .bits = 1, .help = "control packet" },
	{ .name = "critical", .bits = 1, .help = "there are critical options" },
	{ .name = "reserved", .bits = 6, .help = "zero" },
	{ .name = "proto",
	  .bits = 16,
	  .rule = SP_RULE_NEXT,
	  .dflt = "0x6558",
	  .words = sp_ether_words,
	  .help = "type of what follows" },
	{ .name = "vni", .bits = 24, .help = "network" },
	{ .name = "reserved2", .bits = 8, .help = "zero" },
	{ .name = "options",
	  .type = SP_F_ITEMS,
	  .items = &options,
	  .help = "list of options by number: class and type, such as 0x010280=0x00000001" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_geneve = {
	.name = "geneve",
	.summary = "GENEVE",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 8926",
	.fields = geneve,
	.next_field = "proto",
	.next = sp_ether_next,
};
