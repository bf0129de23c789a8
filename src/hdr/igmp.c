#include "pkt/hdr.h"

static const struct sp_word types[] = {
	{ "query", 0x11 }, { "report1", 0x12 }, { "report2", 0x16 },
	{ "leave", 0x17 }, { "report3", 0x22 }, { NULL, 0 },
};

static const struct sp_field address[] = {
	{ .name = "address", .bits = 32, .type = SP_F_IP4, .help = "address" },
	{ 0 },
};
static const struct sp_item address_kind[] = { { .name = "address", .fields = address },
					       { 0 } };
static const struct sp_items addresses = { .what = "address", .kinds = address_kind };

static const struct sp_field group[] = {
	{ .name = "rtype",
	  .bits = 8,
	  .dflt = "1",
	  .help = "1 include, 2 exclude, 3 and 4 change" },
	{ .name = "auxdlen",
	  .bits = 8,
	  .rule = SP_RULE_SIZE,
	  .of = "auxdata",
	  .unit = 4,
	  .help = "length of auxdata in words" },
	{ .name = "numsrc",
	  .bits = 16,
	  .rule = SP_RULE_COUNT,
	  .of = "srcaddrs",
	  .help = "number of sources" },
	{ .name = "maddr", .bits = 32, .type = SP_F_IP4, .help = "group" },
	{ .name = "srcaddrs", .type = SP_F_ITEMS, .items = &addresses, .help = "sources" },
	{ .name = "auxdata", .type = SP_F_BYTES, .pad = 4, .help = "octets" },
	{ 0 },
};
static const struct sp_item group_kind[] = { { .name = "record", .fields = group }, { 0 } };
static const struct sp_items groups = { .what = "record", .kinds = group_kind };

static const struct sp_field fields[] = {
	{ .name = "type",
	  .bits = 8,
	  .dflt = "0x11",
	  .words = types,
	  .help = "kind of message" },
	{ .name = "mrcode",
	  .aliases = "mrtime",
	  .bits = 8,
	  .dflt = "20",
	  .help = "time to answer, tenths of a second" },
	{ .name = "chksum", .bits = 16, .rule = SP_RULE_SUM_ALL, .help = "checksum" },
	{ .name = "gaddr", .bits = 32, .type = SP_F_IP4, .when = "type!=34", .help = "group" },
	{ .name = "res2", .bits = 16, .when = "type=34", .rfc = "RFC 3376", .help = "zero" },
	{ .name = "numgrp",
	  .bits = 16,
	  .rule = SP_RULE_COUNT,
	  .of = "records",
	  .when = "type=34",
	  .rfc = "RFC 3376",
	  .help = "number of records" },
	{ .name = "records",
	  .type = SP_F_ITEMS,
	  .items = &groups,
	  .when = "type=34",
	  .rfc = "RFC 3376",
	  .help = "groups" },
	{ 0 },
};

/* A query of version 3 is longer. */
static const char *follow(const struct sp_node *n, const uint8_t *p, size_t len)
{
	(void)p;
	return sp_hdr_number(n, "type") == 0x11 && len >= 4 ? "igmpv3mq" : NULL;
}

const struct sp_hdr_ops sp_hdr_igmp = {
	.name = "igmp",
	.summary = "IGMP of all versions; igmpv3mq follows in a query of version 3",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 2236",
	.fields = fields,
	.follow = follow,
	.closed = true,
};

static const struct sp_field query[] = {
	{ .name = "resv", .bits = 4, .help = "zero" },
	{ .name = "s", .bits = 1, .help = "suppress the routers' own processing" },
	{ .name = "qrv", .bits = 3, .help = "robustness" },
	{ .name = "qqic", .bits = 8, .help = "interval of queries, seconds" },
	{ .name = "numsrc",
	  .bits = 16,
	  .rule = SP_RULE_COUNT,
	  .of = "srcaddrs",
	  .help = "number of sources" },
	{ .name = "srcaddrs", .type = SP_F_ITEMS, .items = &addresses, .help = "sources" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_igmpv3mq = {
	.name = "igmpv3mq",
	.summary = "what a query of IGMPv3 has behind igmp",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 3376",
	.fields = query,
	.closed = true,
};
