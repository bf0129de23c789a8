#include "pkt/hdr.h"

static const struct sp_word types[] = {
	{ "echo-reply", 0 },
	{ "dest-unreach", 3 },
	{ "source-quench", 4 },
	{ "redirect", 5 },
	{ "echo-request", 8 },
	{ "router-advertisement", 9 },
	{ "router-solicitation", 10 },
	{ "time-exceeded", 11 },
	{ "parameter-problem", 12 },
	{ "timestamp-request", 13 },
	{ "timestamp-reply", 14 },
	{ "information-request", 15 },
	{ "information-response", 16 },
	{ "address-mask-request", 17 },
	{ "address-mask-reply", 18 },
	{ NULL, 0 },
};

#define ECHO_LIKE "type=0,8,13..18"

static const struct sp_field fields[] = {
	{ .name = "type", .bits = 8, .dflt = "8", .words = types, .help = "kind of message" },
	{ .name = "code", .bits = 8, .help = "of the type" },
	{ .name = "chksum", .bits = 16, .rule = SP_RULE_SUM_ALL, .help = "checksum" },
	{ .name = "id", .bits = 16, .when = ECHO_LIKE, .help = "whose request it is" },
	{ .name = "seq", .bits = 16, .when = ECHO_LIKE, .help = "number of the request" },
	{ .name = "ts_ori",
	  .bits = 32,
	  .when = "type=13,14",
	  .help = "originate time, milliseconds since midnight UT" },
	{ .name = "ts_rx", .bits = 32, .when = "type=13,14", .help = "receive time" },
	{ .name = "ts_tx", .bits = 32, .when = "type=13,14", .help = "transmit time" },
	{ .name = "gw",
	  .bits = 32,
	  .type = SP_F_IP4,
	  .when = "type=5",
	  .help = "better router" },
	{ .name = "ptr", .bits = 8, .when = "type=12", .help = "octet that is wrong" },
	{ .name = "reserved", .bits = 8, .when = "type=3,11", .help = "zero" },
	{ .name = "length",
	  .bits = 8,
	  .when = "type=3,11,12",
	  .rfc = "RFC 4884",
	  .help = "words of 4 octets of the packet inside, where extensions follow" },
	{ .name = "addr_mask",
	  .bits = 32,
	  .type = SP_F_IP4,
	  .when = "type=17,18",
	  .rfc = "RFC 950",
	  .help = "address mask" },
	{ .name = "nexthopmtu",
	  .bits = 16,
	  .when = "type=3",
	  .rfc = "RFC 1191",
	  .help = "what fits, code 4" },
	{ .name = "unused", .bits = 16, .when = "type=11,12", .help = "zero" },
	{ .name = "unused", .bits = 32, .when = "type=1,2,4,6,7,9,10,19..255", .help = "zero" },
	{ 0 },
};

/* Errors carry the packet that they are about. */
static const struct sp_next next[] = {
	{ 3, "ip" }, { 4, "ip" }, { 5, "ip" }, { 11, "ip" }, { 12, "ip" }, { 0, NULL },
};

const struct sp_hdr_ops sp_hdr_icmp = {
	.name = "icmp",
	.summary = "ICMP",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 792",
	.fields = fields,
	.next_field = "type",
	.next = next,
};
