/* SCTP: its header, and chunks as headers of their own. */
#include "pkt/hdr.h"

static const struct sp_field fields[] = {
	{ .name = "sport", .bits = 16, .help = "source port number" },
	{ .name = "dport", .bits = 16, .help = "destination port number" },
	{ .name = "tag", .bits = 32, .help = "verification tag" },
	{ .name = "chksum", .bits = 32, .rule = SP_RULE_SUM_CRC32C, .help = "CRC-32C" },
	{ 0 },
};

/* A chunk begins with its type. */
static const char *chunk(const struct sp_node *n, const uint8_t *p, size_t len)
{
	(void)n;
	if (len < 4)
		return NULL;
	return p[0] == 0 ? "sctpdata" : p[0] <= 2 ? "sctpinit" : "sctpchunk";
}

const struct sp_hdr_ops sp_hdr_sctp = {
	.name = "sctp",
	.summary = "SCTP; chunks follow: sctpdata, sctpinit, sctpchunk",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 9260",
	.fields = fields,
	.follow = chunk,
	.closed = true,
};

/* ---- parameters ---- */

static const struct sp_field address4[] = {
	{ .name = "addr", .bits = 32, .type = SP_F_IP4, .help = "address" },
	{ 0 },
};
static const struct sp_field address6[] = {
	{ .name = "addr", .bits = 128, .type = SP_F_IP6, .help = "address" },
	{ 0 },
};
static const struct sp_field octets[] = {
	{ .name = "data", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};
static const struct sp_field increment[] = {
	{ .name = "sug_cookie_inc", .bits = 32, .help = "milliseconds" },
	{ 0 },
};
static const struct sp_field kind[] = { { .name = "type", .bits = 16, .help = "type" }, { 0 } };
static const struct sp_item type_kind[] = { { .name = "type", .fields = kind }, { 0 } };
static const struct sp_items type_list = { .what = "type", .kinds = type_kind };
static const struct sp_field kinds[] = {
	{ .name = "addr_type_list", .type = SP_F_ITEMS, .items = &type_list, .help = "types" },
	{ 0 },
};

static const struct sp_item params[] = {
	{ .name = "IPv4Addr", .type = 5, .fields = address4, .help = "an address more" },
	{ .name = "IPv6Addr", .type = 6, .fields = address6, .help = "an address more" },
	{ .name = "StateCookie", .type = 7, .fields = octets, .help = "cookie" },
	{ .name = "CookiePreservative",
	  .type = 9,
	  .fields = increment,
	  .help = "a longer life of the cookie" },
	{ .name = "Hostname", .type = 11, .fields = octets, .help = "obsolete" },
	{ .name = "SupportedAddrTypes",
	  .type = 12,
	  .fields = kinds,
	  .help = "address types: 5 IPv4, 6 IPv6" },
	{ .name = "ECNCapable", .type = 0x8000, .help = "ECN" },
	{ .name = "SupportedExtensions",
	  .type = 0x8008,
	  .fields = octets,
	  .rfc = "RFC 5061",
	  .help = "chunk types" },
	{ .name = "FwdTSN", .type = 0xc000, .rfc = "RFC 3758", .help = "partial reliability" },
	{ .name = "AdaptationLayer",
	  .type = 0xc006,
	  .fields = increment,
	  .rfc = "RFC 5061",
	  .help = "adaptation layer" },
	{ 0 },
};
static const struct sp_items parameters = {
	.what = "SCTP parameter",
	.kinds = params,
	.type_bytes = 2,
	.len_bytes = 2,
	.less = 4,
	.pad = 4,
};

/* ---- chunks ---- */

static const struct sp_word types[] = {
	{ "data", 0 },
	{ "init", 1 },
	{ "init-ack", 2 },
	{ "sack", 3 },
	{ "heartbeat", 4 },
	{ "heartbeat-ack", 5 },
	{ "abort", 6 },
	{ "shutdown", 7 },
	{ "shutdown-ack", 8 },
	{ "error", 9 },
	{ "cookie-echo", 10 },
	{ "cookie-ack", 11 },
	{ "shutdown-complete", 14 },
	{ NULL, 0 },
};

#define CHUNK_LEN                                                                              \
	{                                                                                      \
		.name = "len", .bits = 16, .rule = SP_RULE_HEADER,                             \
		.help = "length without padding"                                               \
	}

static const struct sp_field data[] = {
	{ .name = "type", .bits = 8, .words = types, .help = "kind of chunk" },
	{ .name = "reserved", .bits = 4, .help = "zero" },
	{ .name = "delay_sack", .bits = 1, .help = "answer at once", .rfc = "RFC 7053" },
	{ .name = "unordered", .bits = 1, .help = "order does not matter" },
	{ .name = "beginning", .bits = 1, .help = "first part of a message" },
	{ .name = "ending", .bits = 1, .help = "last part of a message" },
	CHUNK_LEN,
	{ .name = "tsn", .bits = 32, .help = "transmission sequence number" },
	{ .name = "stream_id", .bits = 16, .help = "stream" },
	{ .name = "stream_seq", .bits = 16, .help = "number in the stream" },
	{ .name = "proto_id", .bits = 32, .help = "payload protocol" },
	{ .name = "data", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};

static const struct sp_field init[] = {
	{ .name = "type", .bits = 8, .dflt = "1", .words = types, .help = "kind of chunk" },
	{ .name = "flags", .bits = 8, .help = "zero" },
	CHUNK_LEN,
	{ .name = "init_tag", .bits = 32, .help = "tag that the peer uses" },
	{ .name = "a_rwnd", .bits = 32, .help = "octets that may come" },
	{ .name = "n_out_streams", .bits = 16, .help = "streams out" },
	{ .name = "n_in_streams", .bits = 16, .help = "streams in" },
	{ .name = "init_tsn", .bits = 32, .help = "first sequence number" },
	{ .name = "params", .type = SP_F_ITEMS, .items = &parameters, .help = "parameters" },
	{ 0 },
};

static const struct sp_field other[] = {
	{ .name = "type", .bits = 8, .dflt = "4", .words = types, .help = "kind of chunk" },
	{ .name = "flags", .bits = 8, .help = "of the type" },
	CHUNK_LEN,
	{ .name = "data", .type = SP_F_BYTES, .help = "octets" },
	{ 0 },
};

static const struct sp_hdr_alias data_aliases[] = { { "sctpchunkdata", NULL }, { 0 } };
static const struct sp_hdr_alias init_aliases[] = {
	{ "sctpchunkinit", NULL },
	{ "sctpchunkinitack", "type=2" },
	{ 0 },
};
static const struct sp_hdr_alias other_aliases[] = {
	{ "sctpchunkcookieecho", "type=10" },
	{ "sctpchunkcookieack", "type=11" },
	{ "sctpchunkshutdowncomplete", "type=14" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_sctpdata = {
	.name = "sctpdata",
	.summary = "SCTP chunk DATA",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 9260 3.3.1",
	.aliases = data_aliases,
	.fields = data,
	.follow = chunk,
	.pad = 4,
	.closed = true,
};

const struct sp_hdr_ops sp_hdr_sctpinit = {
	.name = "sctpinit",
	.summary = "SCTP chunks INIT and INIT ACK",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 9260 3.3.2",
	.aliases = init_aliases,
	.fields = init,
	.follow = chunk,
	.pad = 4,
	.closed = true,
};

const struct sp_hdr_ops sp_hdr_sctpchunk = {
	.name = "sctpchunk",
	.summary = "SCTP chunks of other types",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 9260 3.2",
	.aliases = other_aliases,
	.fields = other,
	.follow = chunk,
	.pad = 4,
	.closed = true,
};
