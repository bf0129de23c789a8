#include "pkt/hdr.h"

static const struct sp_word types[] = {
	{ "A", 1 },	{ "NS", 2 },	 { "CNAME", 5 },  { "SOA", 6 },	   { "PTR", 12 },
	{ "MX", 15 },	{ "TXT", 16 },	 { "AAAA", 28 },  { "SRV", 33 },   { "DNAME", 39 },
	{ "OPT", 41 },	{ "DS", 43 },	 { "RRSIG", 46 }, { "NSEC", 47 },  { "DNSKEY", 48 },
	{ "SVCB", 64 }, { "HTTPS", 65 }, { "IXFR", 251 }, { "AXFR", 252 }, { "ANY", 255 },
	{ NULL, 0 },
};
static const struct sp_word classes[] = {
	{ "IN", 1 }, { "CH", 3 }, { "HS", 4 }, { "ANY", 255 }, { NULL, 0 },
};
static const struct sp_word rcodes[] = {
	{ "ok", 0 },	     { "format-error", 1 },    { "server-failure", 2 },
	{ "name-error", 3 }, { "not-implemented", 4 }, { "refused", 5 },
	{ NULL, 0 },
};
static const struct sp_word opcodes[] = {
	{ "QUERY", 0 },	 { "IQUERY", 1 }, { "STATUS", 2 },
	{ "NOTIFY", 4 }, { "UPDATE", 5 }, { NULL, 0 },
};

static const struct sp_field question[] = {
	{ .name = "qname", .type = SP_F_NAME, .dflt = "www.example.com", .help = "name" },
	{ .name = "qtype", .bits = 16, .dflt = "1", .words = types, .help = "type" },
	{ .name = "qclass", .bits = 16, .dflt = "1", .words = classes, .help = "class" },
	{ 0 },
};
static const struct sp_item question_kind[] = {
	{ .name = "DNSQR", .fields = question, .help = "question" },
	{ 0 },
};
static const struct sp_items questions = { .what = "question", .kinds = question_kind };

static const struct sp_field text[] = {
	{ .name = "len", .bits = 8, .rule = SP_RULE_SIZE, .of = "text", .help = "its length" },
	{ .name = "text", .type = SP_F_BYTES, .main = true, .help = "octets" },
	{ 0 },
};
static const struct sp_item text_kind[] = { { .name = "text", .fields = text }, { 0 } };
static const struct sp_items texts = { .what = "text", .kinds = text_kind };

static const struct sp_field record[] = {
	{ .name = "rrname", .type = SP_F_NAME, .help = "name" },
	{ .name = "type", .bits = 16, .dflt = "1", .words = types, .help = "type" },
	{ .name = "rclass",
	  .bits = 16,
	  .dflt = "1",
	  .words = classes,
	  .help = "class; of OPT the size of UDP answers" },
	{ .name = "ttl", .bits = 32, .help = "seconds that it may be kept" },
	{ .name = "rdlen", .bits = 16, .rule = SP_RULE_SIZE, .help = "length of what follows" },
	{ .name = "rdata", .bits = 32, .type = SP_F_IP4, .when = "type=1", .help = "address" },
	{ .name = "rdata",
	  .bits = 128,
	  .type = SP_F_IP6,
	  .when = "type=28",
	  .help = "address",
	  .rfc = "RFC 3596" },
	{ .name = "rdata", .type = SP_F_NAME, .when = "type=2,5,12,39", .help = "name" },
	{ .name = "rdata",
	  .type = SP_F_ITEMS,
	  .items = &texts,
	  .when = "type=16",
	  .help = "list of texts" },
	{ .name = "preference", .bits = 16, .when = "type=15", .help = "the lowest is best" },
	{ .name = "exchange", .type = SP_F_NAME, .when = "type=15", .help = "mail server" },
	{ .name = "priority",
	  .bits = 16,
	  .when = "type=33",
	  .help = "the lowest is best",
	  .rfc = "RFC 2782" },
	{ .name = "weight", .bits = 16, .when = "type=33", .help = "share", .rfc = "RFC 2782" },
	{ .name = "port",
	  .bits = 16,
	  .when = "type=33",
	  .help = "port number",
	  .rfc = "RFC 2782" },
	{ .name = "target",
	  .type = SP_F_NAME,
	  .when = "type=33",
	  .help = "server",
	  .rfc = "RFC 2782" },
	{ .name = "mname", .type = SP_F_NAME, .when = "type=6", .help = "first server" },
	{ .name = "rname", .type = SP_F_NAME, .when = "type=6", .help = "mailbox" },
	{ .name = "serial", .bits = 32, .when = "type=6", .help = "version of the zone" },
	{ .name = "refresh", .bits = 32, .when = "type=6", .help = "seconds" },
	{ .name = "retry", .bits = 32, .when = "type=6", .help = "seconds" },
	{ .name = "expire", .bits = 32, .when = "type=6", .help = "seconds" },
	{ .name = "minimum", .bits = 32, .when = "type=6", .help = "seconds" },
	{ .name = "rdata",
	  .type = SP_F_BYTES,
	  .when = "type!=1,2,5,6,12,15,16,28,33,39",
	  .help = "octets" },
	{ 0 },
};
static const struct sp_item record_kind[] = {
	{ .name = "DNSRR", .fields = record, .help = "record" },
	{ 0 },
};
static const struct sp_items records = { .what = "record", .kinds = record_kind };

#define COUNT(name_, of_)                                                                      \
	{                                                                                      \
		.name = name_, .bits = 16, .rule = SP_RULE_COUNT, .of = of_,                   \
		.help = "number of " of_                                                       \
	}

static const struct sp_field fields[] = {
	{ .name = "id", .bits = 16, .help = "ties the answer to the query" },
	{ .name = "qr", .bits = 1, .help = "1: answer" },
	{ .name = "opcode", .bits = 4, .words = opcodes, .help = "operation" },
	{ .name = "aa", .bits = 1, .help = "authoritative" },
	{ .name = "tc", .bits = 1, .help = "truncated" },
	{ .name = "rd", .bits = 1, .dflt = "1", .help = "recursion is desired" },
	{ .name = "ra", .bits = 1, .help = "recursion is available" },
	{ .name = "z", .bits = 1, .help = "zero" },
	{ .name = "ad", .bits = 1, .help = "authentic", .rfc = "RFC 4035" },
	{ .name = "cd", .bits = 1, .help = "do not check", .rfc = "RFC 4035" },
	{ .name = "rcode", .bits = 4, .words = rcodes, .help = "result" },
	COUNT("qdcount", "qd"),
	COUNT("ancount", "an"),
	COUNT("nscount", "ns"),
	COUNT("arcount", "ar"),
	{ .name = "qd",
	  .type = SP_F_ITEMS,
	  .items = &questions,
	  .help = "questions, such as [(\"www.example.com\",AAAA)]" },
	{ .name = "an",
	  .type = SP_F_ITEMS,
	  .items = &records,
	  .help = "answers, such as [(rrname=\"a.example\",rdata=192.0.2.1)]" },
	{ .name = "ns", .type = SP_F_ITEMS, .items = &records, .help = "authorities" },
	{ .name = "ar", .type = SP_F_ITEMS, .items = &records, .help = "additional records" },
	{ 0 },
};

const struct sp_hdr_ops sp_hdr_dns = {
	.name = "dns",
	.summary = "DNS over UDP",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 1035",
	.fields = fields,
	.closed = true,
};
