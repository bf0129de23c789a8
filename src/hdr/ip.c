#include "hdr/numbers.h"

static const struct sp_field address[] = {
	{ .name = "address", .bits = 32, .type = SP_F_IP4, .help = "a router" },
	{ 0 },
};
static const struct sp_item address_kind[] = {
	{ .name = "address", .fields = address },
	{ 0 },
};
static const struct sp_items addresses = { .what = "address", .kinds = address_kind };

#define POINTER                                                                                \
	{                                                                                      \
		.name = "pointer", .bits = 8, .dflt = "4",                                     \
		.help = "where the next address goes, from 1"                                  \
	}

static const struct sp_field record[] = {
	POINTER,
	{ .name = "routers",
	  .type = SP_F_ITEMS,
	  .items = &addresses,
	  .main = true,
	  .help = "addresses passed, or room for them" },
	{ 0 },
};
/* The last router is the destination that checksums count. */
static const struct sp_field route[] = {
	POINTER,
	{ .name = "routers",
	  .type = SP_F_ITEMS,
	  .items = &addresses,
	  .main = true,
	  .role = SP_ROLE_ROUTE_LAST,
	  .help = "addresses to visit" },
	{ 0 },
};
static const struct sp_field timestamp[] = {
	{ .name = "pointer",
	  .bits = 8,
	  .dflt = "9",
	  .help = "where the next one goes, from 1" },
	{ .name = "oflw", .bits = 4, .help = "hosts that found no room" },
	{ .name = "flg",
	  .bits = 4,
	  .dflt = "1",
	  .help = "0 times only, 1 with addresses, 3 addresses are given" },
	{ .name = "internet_address",
	  .bits = 32,
	  .type = SP_F_IP4,
	  .when = "flg!=0",
	  .help = "of the host" },
	{ .name = "timestamp", .bits = 32, .help = "milliseconds since midnight UT" },
	{ .name = "more", .type = SP_F_BYTES, .help = "further entries" },
	{ 0 },
};
static const struct sp_field security[] = {
	{ .name = "security", .bits = 16, .help = "level" },
	{ .name = "compartment", .bits = 16, .help = "compartments" },
	{ .name = "handling_restrictions", .bits = 16, .help = "handling" },
	{ .name = "transmission_control_code", .bits = 24, .help = "three letters" },
	{ 0 },
};
static const struct sp_field alert[] = {
	{ .name = "alert", .bits = 16, .help = "0: every router examines the packet" },
	{ 0 },
};
static const struct sp_field mtu[] = { { .name = "mtu", .bits = 16, .help = "octets" }, { 0 } };
static const struct sp_field stream[] = { { .name = "id", .bits = 16, .help = "stream" },
					  { 0 } };
static const struct sp_field traceroute[] = {
	{ .name = "id", .bits = 16, .help = "number of this trace" },
	{ .name = "outbound_hops", .bits = 16, .help = "routers passed" },
	{ .name = "return_hops", .bits = 16, .help = "routers passed on the way back" },
	{ .name = "originator_ip", .bits = 32, .type = SP_F_IP4, .help = "who asks" },
	{ 0 },
};

static const struct sp_item option_kinds[] = {
	{ .name = "EOL", .type = 0, .bare = true, .end = true, .help = "end of options" },
	{ .name = "NOP", .type = 1, .bare = true, .help = "no operation" },
	{ .name = "RR", .type = 7, .fields = record, .help = "record route" },
	{ .name = "MTU_Probe",
	  .type = 11,
	  .fields = mtu,
	  .rfc = "RFC 1063",
	  .help = "probe of the path MTU" },
	{ .name = "MTU_Reply",
	  .type = 12,
	  .fields = mtu,
	  .rfc = "RFC 1063",
	  .help = "its answer" },
	{ .name = "Timestamp", .type = 68, .fields = timestamp, .help = "time at each router" },
	{ .name = "Traceroute",
	  .type = 82,
	  .fields = traceroute,
	  .rfc = "RFC 1393",
	  .help = "traceroute" },
	{ .name = "Security",
	  .type = 130,
	  .fields = security,
	  .rfc = "RFC 791",
	  .help = "security" },
	{ .name = "LSRR", .type = 131, .fields = route, .help = "loose source route" },
	{ .name = "Stream_Id", .type = 136, .fields = stream, .help = "SATNET stream" },
	{ .name = "SSRR", .type = 137, .fields = route, .help = "strict source route" },
	{ .name = "Router_Alert",
	  .type = 148,
	  .fields = alert,
	  .rfc = "RFC 2113",
	  .help = "router alert" },
	{ 0 },
};
static const struct sp_items options = {
	.what = "IPv4 option",
	.kinds = option_kinds,
	.type_bytes = 1,
	.len_bytes = 1,
	.less = 2,
};

static const struct sp_field fields[] = {
	{ .name = "version", .bits = 4, .dflt = "4", .help = "version" },
	{ .name = "ihl",
	  .bits = 4,
	  .rule = SP_RULE_HEADER,
	  .unit = 4,
	  .help = "length of the header in words of 4 octets" },
	{ .name = "tos", .bits = 8, .help = "DSCP (6 bits) and ECN", .rfc = "RFC 2474" },
	{ .name = "len",
	  .aliases = "iplen",
	  .bits = 16,
	  .rule = SP_RULE_LENGTH,
	  .help = "length of header and payload" },
	{ .name = "id", .bits = 16, .dflt = "1", .help = "which datagram a fragment is of" },
	{ .name = "flags",
	  .aliases = "ipflags",
	  .bits = 3,
	  .type = SP_F_FLAGS,
	  .letters = "MF|DF|evil",
	  .help = "more fragments, don't fragment" },
	{ .name = "frag", .bits = 13, .help = "offset of the fragment in units of 8 octets" },
	{ .name = "ttl", .bits = 8, .dflt = "64", .help = "how many routers may pass it on" },
	{ .name = "proto",
	  .bits = 8,
	  .rule = SP_RULE_NEXT,
	  .words = sp_ip_words,
	  .help = "protocol of what follows" },
	{ .name = "chksum",
	  .aliases = "ipchksum",
	  .bits = 16,
	  .rule = SP_RULE_SUM_HEADER,
	  .help = "checksum of the header" },
	{ .name = "src",
	  .bits = 32,
	  .type = SP_F_IP4,
	  .dflt = "127.0.0.1",
	  .role = SP_ROLE_SRC,
	  .help = "source" },
	{ .name = "dst",
	  .bits = 32,
	  .type = SP_F_IP4,
	  .dflt = "127.0.0.1",
	  .role = SP_ROLE_DST,
	  .help = "destination" },
	{ .name = "options",
	  .type = SP_F_ITEMS,
	  .items = &options,
	  .pad = 4,
	  .help = "list of options" },
	{ 0 },
};

static const struct sp_hdr_alias aliases[] = { { "ipv4", NULL }, { 0 } };

/* A fragment that is not the first holds no header. */
static const char *follow(const struct sp_node *n, const uint8_t *p, size_t len)
{
	(void)p;
	(void)len;
	return sp_hdr_number(n, "frag") ? NULL : sp_hdr_next(n);
}

const struct sp_hdr_ops sp_hdr_ip = {
	.name = "ip",
	.summary = "IPv4; with an IPv6 address ipv6 is meant",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 791",
	.aliases = aliases,
	.fields = fields,
	.next_field = "proto",
	.next = sp_ip_next,
	.follow = follow,
	.other = "ipv6",
};
