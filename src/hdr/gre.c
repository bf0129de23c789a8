#include "hdr/numbers.h"

static const struct sp_field fields[] = {
	{ .name = "chksum_present", .bits = 1, .rule = SP_RULE_GIVEN, .of = "chksum",
	  .help = "there is a checksum" },
	{ .name = "routing_present", .bits = 1, .help = "obsolete" },
	{ .name = "key_present", .bits = 1, .rule = SP_RULE_GIVEN, .of = "key",
	  .help = "there is a key" },
	{ .name = "seqnum_present", .bits = 1, .rule = SP_RULE_GIVEN, .of = "sequence_number",
	  .help = "there is a sequence number" },
	{ .name = "strict_route_source", .bits = 1, .help = "obsolete" },
	{ .name = "recursion_control", .bits = 3, .help = "obsolete" },
	{ .name = "flags", .bits = 5, .help = "zero" },
	{ .name = "version", .bits = 3, .help = "version" },
	{ .name = "proto", .bits = 16, .rule = SP_RULE_NEXT, .dflt = "0x0800",
	  .words = sp_ether_words, .help = "type of what follows" },
	{ .name = "chksum", .bits = 16, .rule = SP_RULE_SUM_ALL, .when = "chksum_present=1",
	  .help = "checksum; filled where chksum_present=1" },
	{ .name = "offset", .bits = 16, .when = "chksum_present=1", .help = "zero" },
	{ .name = "key", .bits = 32, .when = "key_present=1", .rfc = "RFC 2890", .help = "key" },
	{ .name = "sequence_number", .aliases = "seq|seqence_number", .bits = 32,
	  .when = "seqnum_present=1", .rfc = "RFC 2890", .help = "sequence number" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_gre = {
	.name = "gre",
	.summary = "GRE",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 2784",
	.fields = fields,
	.next_field = "proto",
	.next = sp_ether_next,
};
