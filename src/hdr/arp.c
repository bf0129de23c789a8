#include "hdr/numbers.h"

static const struct sp_word ops[] = {
	{ "who-has", 1 },   { "is-at", 2 },	{ "RARP-req", 3 }, { "RARP-rep", 4 },
	{ "InARP-req", 8 }, { "InARP-rep", 9 }, { NULL, 0 },
};

static const struct sp_field fields[] = {
	{ .name = "hwtype", .bits = 16, .dflt = "1", .help = "link: 1 Ethernet" },
	{ .name = "ptype",
	  .bits = 16,
	  .dflt = "0x0800",
	  .words = sp_ether_words,
	  .help = "network protocol" },
	{ .name = "hwlen", .bits = 8, .dflt = "6", .help = "octets of a link address" },
	{ .name = "plen", .bits = 8, .dflt = "4", .help = "octets of a network address" },
	{ .name = "op", .bits = 16, .dflt = "1", .words = ops, .help = "what is wanted" },
	{ .name = "hwsrc", .bits = 48, .type = SP_F_MAC, .help = "sender's link address" },
	{ .name = "psrc", .bits = 32, .type = SP_F_IP4, .help = "sender's network address" },
	{ .name = "hwdst", .bits = 48, .type = SP_F_MAC, .help = "target's link address" },
	{ .name = "pdst", .bits = 32, .type = SP_F_IP4, .help = "target's network address" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_arp = {
	.name = "arp",
	.summary = "ARP for IPv4 over Ethernet",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 826",
	.fields = fields,
	.closed = true,
};
