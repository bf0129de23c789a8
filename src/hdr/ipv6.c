#include "hdr/numbers.h"

static const struct sp_field fields[] = {
	{ .name = "version", .bits = 4, .dflt = "6", .help = "version" },
	{ .name = "tc", .aliases = "tos", .bits = 8, .help = "DSCP (6 bits) and ECN",
	  .rfc = "RFC 2474" },
	{ .name = "fl", .bits = 20, .help = "flow label", .rfc = "RFC 6437" },
	{ .name = "plen", .aliases = "iplen|len", .bits = 16, .rule = SP_RULE_LENGTH, .less = 40,
	  .help = "length of what follows" },
	{ .name = "nh", .aliases = "proto", .bits = 8, .rule = SP_RULE_NEXT, .dflt = "59",
	  .words = sp_ip_words, .help = "the next header" },
	{ .name = "hlim", .aliases = "ttl", .bits = 8, .dflt = "64",
	  .help = "how many routers may pass it on" },
	{ .name = "src", .bits = 128, .type = SP_F_IP6, .dflt = "::1", .role = SP_ROLE_SRC,
	  .help = "source" },
	{ .name = "dst", .bits = 128, .type = SP_F_IP6, .dflt = "::1", .role = SP_ROLE_DST,
	  .help = "destination" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_ipv6 = {
	.name = "ipv6",
	.summary = "IPv6",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 8200",
	.fields = fields,
	.next_field = "nh",
	.next = sp_ip_next,
};
