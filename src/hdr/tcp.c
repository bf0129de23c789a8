#include "pkt/hdr.h"

static const struct sp_field mss[] = { { .name = "mss", .bits = 16, .help = "octets" }, { 0 } };
static const struct sp_field wscale[] = {
	{ .name = "shift", .bits = 8, .help = "the window counts 2^shift octets" },
	{ 0 },
};
static const struct sp_field edge[] = {
	{ .name = "left", .bits = 32, .help = "first octet of the block" },
	{ .name = "right", .bits = 32, .help = "octet behind the block" },
	{ 0 },
};
static const struct sp_item edge_kind[] = { { .name = "block", .fields = edge }, { 0 } };
static const struct sp_items edges = { .what = "block", .kinds = edge_kind };
static const struct sp_field sack[] = {
	{ .name = "blocks", .type = SP_F_ITEMS, .items = &edges, .help = "pairs of edges" },
	{ 0 },
};
static const struct sp_field timestamp[] = {
	{ .name = "tsval", .bits = 32, .help = "the sender's time" },
	{ .name = "tsecr", .bits = 32, .help = "the peer's time, sent back" },
	{ 0 },
};
static const struct sp_field altchksum[] = {
	{ .name = "algorithm", .bits = 8, .help = "1: Fletcher 8, 2: Fletcher 16" },
	{ 0 },
};
static const struct sp_field data[] = {
	{ .name = "data", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};
static const struct sp_field uto[] = {
	{ .name = "timeout", .bits = 16, .help = "highest bit: minutes, else seconds" },
	{ 0 },
};
static const struct sp_field ao[] = {
	{ .name = "keyid", .bits = 8, .help = "key that made the MAC" },
	{ .name = "rnextkeyid", .bits = 8, .help = "key wanted of the peer" },
	{ .name = "mac", .type = SP_F_BYTES, .help = "message authentication code" },
	{ 0 },
};

static const struct sp_item option_kinds[] = {
	{ .name = "EOL", .type = 0, .bare = true, .end = true, .help = "end of options" },
	{ .name = "NOP", .type = 1, .bare = true, .help = "no operation" },
	{ .name = "MSS", .type = 2, .fields = mss, .help = "maximum segment size" },
	{ .name = "WScale",
	  .type = 3,
	  .fields = wscale,
	  .rfc = "RFC 7323",
	  .help = "window scale" },
	{ .name = "SAckOK", .type = 4, .rfc = "RFC 2018", .help = "selective ACK permitted" },
	{ .name = "SAck",
	  .type = 5,
	  .fields = sack,
	  .rfc = "RFC 2018",
	  .help = "selective ACK" },
	{ .name = "Timestamp",
	  .type = 8,
	  .fields = timestamp,
	  .rfc = "RFC 7323",
	  .help = "times for RTT and PAWS" },
	{ .name = "AltChkSum",
	  .type = 14,
	  .fields = altchksum,
	  .rfc = "RFC 1146",
	  .help = "alternate checksum request" },
	{ .name = "AltChkSumOpt",
	  .type = 15,
	  .fields = data,
	  .rfc = "RFC 1146",
	  .help = "alternate checksum data" },
	{ .name = "MD5",
	  .type = 19,
	  .fields = data,
	  .rfc = "RFC 2385",
	  .help = "MD5 signature" },
	{ .name = "UTO", .type = 28, .fields = uto, .rfc = "RFC 5482", .help = "user timeout" },
	{ .name = "AO", .type = 29, .fields = ao, .rfc = "RFC 5925", .help = "authentication" },
	{ .name = "TFO",
	  .type = 34,
	  .fields = data,
	  .rfc = "RFC 7413",
	  .help = "fast open cookie" },
	{ 0 },
};
static const struct sp_items options = {
	.what = "TCP option",
	.kinds = option_kinds,
	.type_bytes = 1,
	.len_bytes = 1,
	.less = 2,
};

static const struct sp_field fields[] = {
	{ .name = "sport", .bits = 16, .dflt = "20", .help = "source port number" },
	{ .name = "dport", .bits = 16, .dflt = "80", .help = "destination port number" },
	{ .name = "seq", .bits = 32, .help = "sequence number of the first octet" },
	{ .name = "ack", .bits = 32, .help = "the octet that is expected next" },
	{ .name = "dataofs",
	  .bits = 4,
	  .rule = SP_RULE_HEADER,
	  .unit = 4,
	  .help = "length of the header in words of 4 octets" },
	{ .name = "reserved", .bits = 3, .help = "zero" },
	{ .name = "flags",
	  .bits = 9,
	  .type = SP_F_FLAGS,
	  .letters = "F|S|R|P|A|U|E|C|N",
	  .dflt = "S",
	  .help = "FIN SYN RST PSH ACK URG ECE CWR NS",
	  .rfc = "RFC 9293, 3168" },
	{ .name = "window", .bits = 16, .dflt = "8192", .help = "octets that may come" },
	{ .name = "chksum",
	  .bits = 16,
	  .rule = SP_RULE_SUM_L4,
	  .help = "checksum with the IP addresses" },
	{ .name = "urgptr", .bits = 16, .help = "end of the urgent octets" },
	{ .name = "options",
	  .type = SP_F_ITEMS,
	  .items = &options,
	  .pad = 4,
	  .help = "list of options" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_tcp = {
	.name = "tcp",
	.summary = "TCP",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 9293",
	.fields = fields,
};
