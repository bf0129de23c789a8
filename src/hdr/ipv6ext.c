/* The extension headers of IPv6. */
#include "hdr/numbers.h"

/* ---- options ---- */

static const struct sp_field padn[] = {
	{ .name = "optdata", .type = SP_F_BYTES, .help = "zeros" },
	{ 0 },
};
static const struct sp_field alert[] = {
	{ .name = "value", .bits = 16, .help = "0: MLD is inside" },
	{ 0 },
};
static const struct sp_field jumbo[] = {
	{ .name = "jumboplen", .bits = 32, .help = "payload length" },
	{ 0 },
};
static const struct sp_field hao[] = {
	{ .name = "hoa", .bits = 128, .type = SP_F_IP6, .help = "home address" },
	{ 0 },
};
static const struct sp_field limit[] = {
	{ .name = "limit", .bits = 8, .help = "tunnels that may follow" },
	{ 0 },
};
static const struct sp_item option_kinds[] = {
	{ .name = "Pad1", .type = 0, .bare = true, .help = "one octet of padding" },
	{ .name = "PadN", .type = 1, .fields = padn, .help = "padding" },
	{ .name = "TunnelLimit",
	  .type = 4,
	  .fields = limit,
	  .rfc = "RFC 2473",
	  .help = "tunnel encapsulation limit" },
	{ .name = "RouterAlert",
	  .aliases = "Router_Alert",
	  .type = 5,
	  .fields = alert,
	  .rfc = "RFC 2711",
	  .help = "router alert" },
	{ .name = "Jumbo",
	  .type = 194,
	  .fields = jumbo,
	  .rfc = "RFC 2675",
	  .help = "jumbo payload" },
	{ .name = "HAO",
	  .type = 201,
	  .fields = hao,
	  .rfc = "RFC 6275",
	  .help = "home address" },
	{ 0 },
};
static const struct sp_items options = {
	.what = "IPv6 option",
	.kinds = option_kinds,
	.type_bytes = 1,
	.len_bytes = 1,
	.filler = 1,
};

#define NEXT_HEADER                                                                            \
	{                                                                                      \
		.name = "nh", .bits = 8, .rule = SP_RULE_NEXT, .dflt = "59",                   \
		.words = sp_ip_words, .help = "the next header"                                \
	}
#define HEADER_LEN                                                                             \
	{                                                                                      \
		.name = "len", .bits = 8, .rule = SP_RULE_HEADER, .less = 8, .unit = 8,        \
		.help = "length without the first 8 octets, in units of 8"                     \
	}

static const struct sp_field with_options[] = {
	NEXT_HEADER,
	HEADER_LEN,
	{ .name = "options",
	  .type = SP_F_ITEMS,
	  .items = &options,
	  .pad = 8,
	  .help = "list of options" },
	{ 0 },
};

static const struct sp_hdr_alias hop_aliases[] = { { "ipv6exthdrhopbyhop", NULL }, { 0 } };
static const struct sp_hdr_alias dst_aliases[] = { { "ipv6exthdrdestopt", NULL }, { 0 } };

const struct sp_hdr_ops sp_hdr_hopopts = {
	.name = "hopopts",
	.summary = "IPv6 hop-by-hop options",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 8200 4.3",
	.aliases = hop_aliases,
	.fields = with_options,
	.next_field = "nh",
	.next = sp_ip_next,
	.extends = true,
};

const struct sp_hdr_ops sp_hdr_dstopts = {
	.name = "dstopts",
	.summary = "IPv6 destination options",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 8200 4.6",
	.aliases = dst_aliases,
	.fields = with_options,
	.next_field = "nh",
	.next = sp_ip_next,
	.extends = true,
};

/* ---- routing ---- */

static const struct sp_field address[] = {
	{ .name = "address", .bits = 128, .type = SP_F_IP6, .help = "a router" },
	{ 0 },
};
static const struct sp_item address_kind[] = { { .name = "address", .fields = address },
					       { 0 } };
static const struct sp_items addresses = { .what = "address", .kinds = address_kind };

static const struct sp_field routing[] = {
	NEXT_HEADER,
	HEADER_LEN,
	{ .name = "type", .bits = 8, .help = "0 source route, 2 home address, 4 segments" },
	{ .name = "segleft",
	  .bits = 8,
	  .rule = SP_RULE_TALLY,
	  .of = "addresses",
	  .when = "type!=4",
	  .help = "addresses still to visit" },
	{ .name = "segleft",
	  .bits = 8,
	  .rule = SP_RULE_TALLY,
	  .of = "addresses",
	  .less = 1,
	  .when = "type=4",
	  .help = "segments still to visit",
	  .rfc = "RFC 8754" },
	{ .name = "reserved", .bits = 32, .when = "type=0,2", .help = "zero" },
	{ .name = "lastentry",
	  .bits = 8,
	  .rule = SP_RULE_COUNT,
	  .of = "addresses",
	  .less = 1,
	  .when = "type=4",
	  .help = "index of the last segment",
	  .rfc = "RFC 8754" },
	{ .name = "flags", .bits = 8, .when = "type=4", .help = "zero", .rfc = "RFC 8754" },
	{ .name = "tag",
	  .bits = 16,
	  .when = "type=4",
	  .help = "class of packets",
	  .rfc = "RFC 8754" },
	{ .name = "addresses",
	  .type = SP_F_ITEMS,
	  .items = &addresses,
	  .when = "type=0,2",
	  .role = SP_ROLE_ROUTE_LAST,
	  .of = "segleft",
	  .help = "in the order of visits" },
	{ .name = "addresses",
	  .type = SP_F_ITEMS,
	  .items = &addresses,
	  .when = "type=4",
	  .role = SP_ROLE_ROUTE_FIRST,
	  .of = "segleft",
	  .help = "segments, the last one first",
	  .rfc = "RFC 8754" },
	{ .name = "data", .type = SP_F_BYTES, .pad = 8, .help = "of other types, or TLVs" },
	{ 0 },
};

static const struct sp_hdr_alias routing_aliases[] = {
	{ "ipv6exthdrrouting", NULL },
	{ "ipv6exthdrsegmentrouting", "type=4" },
	{ "srh", "type=4" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_routing = {
	.name = "routing",
	.summary = "IPv6 routing header",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 8200 4.4",
	.aliases = routing_aliases,
	.fields = routing,
	.next_field = "nh",
	.next = sp_ip_next,
	.extends = true,
};

/* ---- fragment ---- */

static const struct sp_field fragment[] = {
	NEXT_HEADER,
	{ .name = "res1", .bits = 8, .help = "zero" },
	{ .name = "offset", .bits = 13, .help = "offset of the fragment in units of 8 octets" },
	{ .name = "res2", .bits = 2, .help = "zero" },
	{ .name = "m", .bits = 1, .help = "more fragments follow" },
	{ .name = "id", .bits = 32, .help = "which packet it is of" },
	{ 0 },
};

/* A fragment that is not the first holds no header. */
static const char *follow(const struct sp_node *n, const uint8_t *p, size_t len)
{
	(void)p;
	(void)len;
	return sp_hdr_number(n, "offset") ? NULL : sp_hdr_next(n);
}

static const struct sp_hdr_alias fragment_aliases[] = { { "ipv6exthdrfragment", NULL }, { 0 } };

const struct sp_hdr_ops sp_hdr_fragment = {
	.name = "fragment",
	.summary = "IPv6 fragment",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 8200 4.5",
	.aliases = fragment_aliases,
	.fields = fragment,
	.next_field = "nh",
	.next = sp_ip_next,
	.follow = follow,
	.extends = true,
};
