#include "hdr/numbers.h"

static const struct sp_field fields[] = {
	{ .name = "prio", .aliases = "pcp", .bits = 3, .help = "priority" },
	{ .name = "dei", .aliases = "cfi", .bits = 1, .help = "may be dropped first" },
	{ .name = "vlan", .aliases = "id|vid", .bits = 12, .dflt = "1", .help = "VLAN" },
	{ .name = "type",
	  .bits = 16,
	  .rule = SP_RULE_NEXT,
	  .words = sp_ether_words,
	  .help = "type of what follows" },
	{ 0 },
};

static const struct sp_hdr_alias aliases[] = { { "dot1q", NULL }, { 0 } };
static const struct sp_hdr_alias service_aliases[] = { { "dot1ad", NULL }, { 0 } };

const struct sp_hdr_ops sp_hdr_vlan = {
	.name = "vlan",
	.summary = "VLAN tag (of Scapy's names, id is the VLAN here and dei the bit)",
	.abi = SP_PLUGIN_ABI,
	.rfc = "IEEE 802.1Q",
	.aliases = aliases,
	.fields = fields,
	.next_field = "type",
	.next = sp_ether_next,
	.link = true,
};

const struct sp_hdr_ops sp_hdr_qinq = {
	.name = "qinq",
	.summary = "service VLAN tag: a vlan with another Ethernet type before it",
	.abi = SP_PLUGIN_ABI,
	.rfc = "IEEE 802.1ad",
	.aliases = service_aliases,
	.fields = fields,
	.next_field = "type",
	.next = sp_ether_next,
	.link = true,
};
