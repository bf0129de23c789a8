#include "hdr/numbers.h"

static const struct sp_field fields[] = {
	{ .name = "dst",
	  .bits = 48,
	  .type = SP_F_MAC,
	  .dflt = "ff:ff:ff:ff:ff:ff",
	  .help = "destination" },
	{ .name = "src", .bits = 48, .type = SP_F_MAC, .help = "source" },
	{ .name = "type",
	  .bits = 16,
	  .rule = SP_RULE_NEXT,
	  .dflt = "0x9000",
	  .words = sp_ether_words,
	  .help = "type of what follows; below 1536 its length" },
	{ 0 },
};

static const struct sp_hdr_alias aliases[] = { { "ether", NULL }, { "ethernet", NULL }, { 0 } };

const struct sp_hdr_ops sp_hdr_eth = {
	.name = "eth",
	.summary = "Ethernet II",
	.abi = SP_PLUGIN_ABI,
	.rfc = "IEEE 802.3",
	.aliases = aliases,
	.fields = fields,
	.next_field = "type",
	.next = sp_ether_next,
	.link = true,
};
