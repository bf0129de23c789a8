#include "pkt/hdr.h"

static const struct sp_word types[] = {
	{ "request", 0 }, { "response", 1 }, { "data", 2 },  { "ack", 3 },
	{ "dataack", 4 }, { "closereq", 5 }, { "close", 6 }, { "reset", 7 },
	{ "sync", 8 },	  { "syncack", 9 },  { NULL, 0 },
};

static const struct sp_field octets[] = {
	{ .name = "data", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};
static const struct sp_field feature[] = {
	{ .name = "feature", .bits = 8, .help = "number of the feature" },
	{ .name = "value", .type = SP_F_BYTES, .help = "its values" },
	{ 0 },
};
static const struct sp_field count[] = { { .name = "ndp", .type = SP_F_BYTES, .help = "count" },
					 { 0 } };

static const struct sp_item option_kinds[] = {
	{ .name = "Padding", .type = 0, .bare = true, .help = "padding" },
	{ .name = "Mandatory",
	  .type = 1,
	  .bare = true,
	  .help = "the next option must be known" },
	{ .name = "SlowReceiver", .type = 2, .bare = true, .help = "the receiver is slow" },
	{ .name = "ChangeL", .type = 32, .fields = feature, .help = "propose a feature" },
	{ .name = "ConfirmL", .type = 33, .fields = feature, .help = "agree" },
	{ .name = "ChangeR", .type = 34, .fields = feature, .help = "propose a feature" },
	{ .name = "ConfirmR", .type = 35, .fields = feature, .help = "agree" },
	{ .name = "InitCookie", .type = 36, .fields = octets, .help = "cookie" },
	{ .name = "NDP", .type = 37, .fields = count, .help = "count of packets without data" },
	{ .name = "AckVector0", .type = 38, .fields = octets, .help = "what came" },
	{ .name = "AckVector1", .type = 39, .fields = octets, .help = "what came" },
	{ .name = "DataDropped", .type = 40, .fields = octets, .help = "what was dropped" },
	{ .name = "Timestamp", .type = 41, .fields = octets, .help = "time" },
	{ .name = "TimestampEcho", .type = 42, .fields = octets, .help = "time sent back" },
	{ .name = "ElapsedTime", .type = 43, .fields = octets, .help = "time since then" },
	{ 0 },
};
static const struct sp_items options = {
	.what = "DCCP option",
	.kinds = option_kinds,
	.type_bytes = 1,
	.len_bytes = 1,
	.less = 2,
	.bare_to = 32,
};

#define WITH_ACK "type=1,3..9;x="

static const struct sp_field fields[] = {
	{ .name = "sport", .bits = 16, .help = "source port number" },
	{ .name = "dport", .bits = 16, .help = "destination port number" },
	{ .name = "dataofs",
	  .bits = 8,
	  .rule = SP_RULE_HEADER,
	  .unit = 4,
	  .help = "length of the header in words of 4 octets" },
	{ .name = "ccval", .bits = 4, .help = "for the congestion control" },
	{ .name = "cscov", .bits = 4, .help = "coverage of the checksum; 0: all" },
	{ .name = "chksum",
	  .bits = 16,
	  .rule = SP_RULE_SUM_L4,
	  .help = "checksum with the IP addresses over all" },
	{ .name = "res", .bits = 3, .help = "zero" },
	{ .name = "type", .bits = 4, .words = types, .help = "kind of packet" },
	{ .name = "x", .bits = 1, .dflt = "1", .help = "sequence numbers have 48 bits" },
	{ .name = "reserved", .bits = 8, .when = "x=1", .help = "zero" },
	{ .name = "seq", .bits = 48, .when = "x=1", .help = "sequence number" },
	{ .name = "seq", .bits = 24, .when = "x=0", .help = "sequence number" },
	{ .name = "reserved2", .bits = 16, .when = WITH_ACK "1", .help = "zero" },
	{ .name = "ack", .bits = 48, .when = WITH_ACK "1", .help = "highest number received" },
	{ .name = "reserved2", .bits = 8, .when = WITH_ACK "0", .help = "zero" },
	{ .name = "ack", .bits = 24, .when = WITH_ACK "0", .help = "highest number received" },
	{ .name = "service", .bits = 32, .when = "type=0,1", .help = "service code" },
	{ .name = "code", .bits = 8, .when = "type=7", .help = "reason" },
	{ .name = "data", .bits = 24, .when = "type=7", .help = "of the reason" },
	{ .name = "options",
	  .type = SP_F_ITEMS,
	  .items = &options,
	  .pad = 4,
	  .help = "list of options" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_dccp = {
	.name = "dccp",
	.summary = "DCCP",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 4340",
	.fields = fields,
};
