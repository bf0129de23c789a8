#include "pkt/hdr.h"

static const struct sp_word types[] = {
	{ "dest-unreach", 1 },
	{ "packet-too-big", 2 },
	{ "time-exceeded", 3 },
	{ "parameter-problem", 4 },
	{ "echo-request", 128 },
	{ "echo-reply", 129 },
	{ "mld-query", 130 },
	{ "mld-report", 131 },
	{ "mld-done", 132 },
	{ "router-solicitation", 133 },
	{ "router-advertisement", 134 },
	{ "neighbor-solicitation", 135 },
	{ "neighbor-advertisement", 136 },
	{ "redirect", 137 },
	{ "mld2-report", 143 },
	{ NULL, 0 },
};

/* ---- options of neighbour discovery ---- */

static const struct sp_field lladdr[] = {
	{ .name = "lladdr", .bits = 48, .type = SP_F_MAC, .help = "link address" },
	{ 0 },
};
static const struct sp_field prefix[] = {
	{ .name = "prefixlen", .bits = 8, .dflt = "64", .help = "bits of the prefix" },
	{ .name = "L", .bits = 1, .dflt = "1", .help = "on this link" },
	{ .name = "A", .bits = 1, .dflt = "1", .help = "for addresses of one's own" },
	{ .name = "R", .bits = 1, .help = "the prefix is a router's address" },
	{ .name = "res1", .bits = 5, .help = "zero" },
	{ .name = "validlifetime", .bits = 32, .dflt = "0xffffffff", .help = "seconds" },
	{ .name = "preferredlifetime", .bits = 32, .dflt = "0xffffffff", .help = "seconds" },
	{ .name = "res2", .bits = 32, .help = "zero" },
	{ .name = "prefix", .bits = 128, .type = SP_F_IP6, .main = true, .help = "prefix" },
	{ 0 },
};
static const struct sp_field redirected[] = {
	{ .name = "res", .bits = 48, .help = "zero" },
	{ .name = "pkt", .type = SP_F_BYTES, .pad = 8, .main = true, .help = "the packet" },
	{ 0 },
};
static const struct sp_field mtu[] = {
	{ .name = "res", .bits = 16, .help = "zero" },
	{ .name = "mtu", .bits = 32, .main = true, .dflt = "1280", .help = "octets" },
	{ 0 },
};
static const struct sp_field address[] = {
	{ .name = "address", .bits = 128, .type = SP_F_IP6, .help = "address" },
	{ 0 },
};
static const struct sp_item address_kind[] = { { .name = "address", .fields = address }, { 0 } };
static const struct sp_items addresses = { .what = "address", .kinds = address_kind };
static const struct sp_field rdnss[] = {
	{ .name = "res", .bits = 16, .help = "zero" },
	{ .name = "lifetime", .bits = 32, .dflt = "0xffffffff", .help = "seconds" },
	{ .name = "dns", .type = SP_F_ITEMS, .items = &addresses, .main = true,
	  .help = "name servers" },
	{ 0 },
};
static const struct sp_item option_kinds[] = {
	{ .name = "SrcLLAddr", .type = 1, .fields = lladdr, .help = "sender's link address" },
	{ .name = "DstLLAddr", .type = 2, .fields = lladdr, .help = "target's link address" },
	{ .name = "PrefixInfo", .type = 3, .fields = prefix, .help = "a prefix" },
	{ .name = "RedirectedHdr", .type = 4, .fields = redirected,
	  .help = "the packet that is redirected" },
	{ .name = "MTU", .type = 5, .fields = mtu, .help = "MTU of the link" },
	{ .name = "RDNSS", .type = 25, .fields = rdnss, .rfc = "RFC 8106",
	  .help = "name servers" },
	{ 0 },
};
static const struct sp_items options = {
	.what = "ND option",
	.kinds = option_kinds,
	.type_bytes = 1,
	.len_bytes = 1,
	.unit = 8,
	.less = 2,
};

/* ---- records of MLDv2 ---- */

static const struct sp_field group[] = {
	{ .name = "rtype", .bits = 8, .dflt = "1", .help = "1 include, 2 exclude, 3 and 4 change" },
	{ .name = "auxdata_len", .bits = 8, .rule = SP_RULE_SIZE, .of = "auxdata", .unit = 4,
	  .help = "length of auxdata in words" },
	{ .name = "sources_number", .bits = 16, .rule = SP_RULE_COUNT, .of = "sources",
	  .help = "number of sources" },
	{ .name = "dst", .bits = 128, .type = SP_F_IP6, .help = "group" },
	{ .name = "sources", .type = SP_F_ITEMS, .items = &addresses, .help = "sources" },
	{ .name = "auxdata", .type = SP_F_BYTES, .pad = 4, .help = "octets" },
	{ 0 },
};
static const struct sp_item group_kind[] = { { .name = "record", .fields = group }, { 0 } };
static const struct sp_items groups = { .what = "record", .kinds = group_kind };

/* ---- messages ---- */

#define MLD "RFC 2710"
#define ND "RFC 4861"

static const struct sp_field fields[] = {
	{ .name = "type", .bits = 8, .dflt = "128", .words = types, .help = "kind of message" },
	{ .name = "code", .bits = 8, .help = "of the type" },
	{ .name = "cksum", .aliases = "chksum", .bits = 16, .rule = SP_RULE_SUM_L4,
	  .help = "checksum with the IP addresses" },
	{ .name = "id", .bits = 16, .when = "type=128,129", .help = "whose request it is" },
	{ .name = "seq", .bits = 16, .when = "type=128,129", .help = "number of the request" },
	{ .name = "length", .bits = 8, .when = "type=1,3", .rfc = "RFC 4884",
	  .help = "units of 8 octets of the packet inside, where extensions follow" },
	{ .name = "unused", .bits = 24, .when = "type=1,3", .help = "zero" },
	{ .name = "mtu", .bits = 32, .dflt = "1280", .when = "type=2", .help = "what fits" },
	{ .name = "ptr", .bits = 32, .dflt = "6", .when = "type=4", .help = "octet that is wrong" },
	{ .name = "mrd", .bits = 16, .dflt = "10000", .when = "type=130", .rfc = MLD,
	  .help = "time to answer, milliseconds" },
	{ .name = "mrd", .bits = 16, .when = "type=131,132", .rfc = MLD, .help = "zero" },
	{ .name = "reserved", .bits = 16, .when = "type=130..132", .rfc = MLD, .help = "zero" },
	{ .name = "mladdr", .bits = 128, .type = SP_F_IP6, .when = "type=130..132", .rfc = MLD,
	  .help = "group" },
	{ .name = "chlim", .bits = 8, .when = "type=134", .rfc = ND, .help = "hop limit to use" },
	{ .name = "M", .bits = 1, .when = "type=134", .rfc = ND, .help = "addresses by DHCPv6" },
	{ .name = "O", .bits = 1, .when = "type=134", .rfc = ND, .help = "the rest by DHCPv6" },
	{ .name = "H", .bits = 1, .when = "type=134", .rfc = "RFC 6275", .help = "home agent" },
	{ .name = "prf", .bits = 2, .dflt = "1", .when = "type=134", .rfc = "RFC 4191",
	  .help = "preference: 1 high, 0 medium, 3 low" },
	{ .name = "P", .bits = 1, .when = "type=134", .rfc = "RFC 4389", .help = "proxy" },
	{ .name = "res", .bits = 2, .when = "type=134", .rfc = ND, .help = "zero" },
	{ .name = "routerlifetime", .bits = 16, .dflt = "1800", .when = "type=134", .rfc = ND,
	  .help = "seconds" },
	{ .name = "reachabletime", .bits = 32, .when = "type=134", .rfc = ND,
	  .help = "milliseconds" },
	{ .name = "retranstimer", .bits = 32, .when = "type=134", .rfc = ND,
	  .help = "milliseconds" },
	{ .name = "R", .bits = 1, .dflt = "1", .when = "type=136", .rfc = ND, .help = "router" },
	{ .name = "S", .bits = 1, .when = "type=136", .rfc = ND, .help = "solicited" },
	{ .name = "O", .bits = 1, .dflt = "1", .when = "type=136", .rfc = ND, .help = "override" },
	{ .name = "res", .bits = 29, .when = "type=136", .rfc = ND, .help = "zero" },
	{ .name = "res", .bits = 32, .when = "type=133,135,137", .rfc = ND, .help = "zero" },
	{ .name = "tgt", .bits = 128, .type = SP_F_IP6, .when = "type=135..137", .rfc = ND,
	  .help = "target" },
	{ .name = "dst", .bits = 128, .type = SP_F_IP6, .when = "type=137", .rfc = ND,
	  .help = "destination that is redirected" },
	{ .name = "reserved", .bits = 16, .when = "type=143", .rfc = "RFC 3810", .help = "zero" },
	{ .name = "records_number", .bits = 16, .rule = SP_RULE_COUNT, .of = "records",
	  .when = "type=143", .rfc = "RFC 3810", .help = "number of records" },
	{ .name = "records", .type = SP_F_ITEMS, .items = &groups, .when = "type=143",
	  .rfc = "RFC 3810", .help = "groups" },
	{ .name = "options", .type = SP_F_ITEMS, .items = &options, .when = "type=133..137",
	  .rfc = ND, .help = "list of options" },
	{ 0 },
};

/* Errors carry the packet that they are about. */
static const struct sp_next next[] = {
	{ 1, "ipv6" }, { 2, "ipv6" }, { 3, "ipv6" }, { 4, "ipv6" }, { 0, NULL },
};

static const struct sp_hdr_alias aliases[] = {
	{ "icmpv6", NULL },
	{ "icmpv6destunreach", "type=1" },
	{ "icmpv6packettoobig", "type=2" },
	{ "icmpv6timeexceeded", "type=3" },
	{ "icmpv6paramproblem", "type=4" },
	{ "icmpv6echorequest", "type=128" },
	{ "icmpv6echoreply", "type=129" },
	{ "icmpv6mlquery", "type=130" },
	{ "icmpv6mlreport", "type=131" },
	{ "icmpv6mldone", "type=132" },
	{ "icmpv6nd_rs", "type=133" },
	{ "icmpv6nd_ra", "type=134" },
	{ "icmpv6nd_ns", "type=135" },
	{ "icmpv6nd_na", "type=136" },
	{ "icmpv6nd_redirect", "type=137" },
	{ "icmpv6mlreport2", "type=143" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_icmp6 = {
	.name = "icmp6",
	.summary = "ICMPv6, with neighbour discovery and MLD",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 4443",
	.aliases = aliases,
	.fields = fields,
	.next_field = "type",
	.next = next,
};
