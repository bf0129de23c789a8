/* Messages of real exporters (a Cisco router's IPFIX, NetFlow 9), of RFC 7011, and damaged ones. */
#include "proto/codec_test.h"

#include <errno.h>
#include <stdlib.h>

#include "base/endian.h"
#include "proto/ipfix/message.h"

extern const struct sp_codec_ops sp_codec_ipfix;

/* NetFlow 5 of two flows, engine 1/2. */
#define V5_RECORD                                                                              \
	"c6120001c612000200000000000100020000000a000003e800000001000003e7000100020010060000"   \
	"01000218180000"
#define V5                                                                                     \
	"00050002000003e86553f1000000000000000001"                                             \
	"0102"                                                                                 \
	"0000" V5_RECORD V5_RECORD

/* An options template with a sampler, and a record of it, domain 33312. */
#define V10_OPTIONS                                                                            \
	"000a002c645a34df00001f1e000082200003001c010100040001012e000401310004013000020054005a" \
	"0000"
#define V10_OPTIONS_DATA                                                                       \
	"000a0078645a34df00001f1e0000822001010068000000010000000100034e4554464c4f572d53414d50" \
	"4c45522d4d415000000000000000000000000000000000000000000000000000000000000000000000"   \
	"00000000000000000000000000000000000000000000000000000000000000000000000000"

/* Version 9: 32 fields, and a record of them. */
#define V9_TEMPLATE                                                                            \
	"00090001139aa43b63fdcda2000240e800000000000000880139002000460003004700030048000300"   \
	"490003004a0003004b0003000a0004000e000400010004000200040015000400160004002f0004008c"   \
	"0010001b0010001c0010001f0003005b00010040000400080004000c000400070002000b0002002e00"   \
	"0100590001003d00010005000100040001000600010030000200ea000400eb0004"
#define V9_DATA                                                                                \
	"00090001139a5a0163fdcd8f000240da000000000139008803ec1003ea110000000000000000000000"   \
	"000000008f0000008e0000003c00000001139a19c2139a19c28abb3941000000000000000000000000"   \
	"0000000000000000000000000000000000000000000000000000000000000000000000000000002000"   \
	"0000008abb3a0d8abb39212710e59b004000000610000160000000600000000000"

/* IPFIX of domain 42 with these sets. */
static const char *v10(struct codec_rig *r, const char *sets)
{
	uint32_t n = bytes("000a0000"
			   "6553f100"
			   "00000001"
			   "0000002a",
			   r->m);

	n += bytes(sets, r->m + n);
	sp_put_be16(r->m + 2, (uint16_t)n);
	r->n = n;
	r->ops->read(r->st, r->m, n, &r->note);
	return r->note.reason;
}

static const char *v9(struct codec_rig *r, unsigned count, const char *sets)
{
	uint32_t n = bytes("00090000"
			   "000003e8"
			   "6553f100"
			   "00000001"
			   "0000002a",
			   r->m);

	n += bytes(sets, r->m + n);
	sp_put_be16(r->m + 2, (uint16_t)count);
	r->n = n;
	r->ops->read(r->st, r->m, n, &r->note);
	return r->note.reason;
}

static void version_5(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	assert_int_equal(codec_boundary(r, V5), 120);
	assert_true(r->ops->guess(r->m, r->n));
	assert_null(codec_read(r, V5));
	assert_int_equal(r->note.type, 5);
	assert_int_equal(r->note.domain, 0x102);
	assert_int_equal(r->note.seq, 1);
	assert_int_equal(r->note.units, 2);
	assert_int_equal(codec_field(r, "version"), 5);
	assert_int_equal(codec_field(r, "count"), 2);
	assert_int_equal(codec_field(r, "engineType"), 1);
	assert_int_equal(codec_field(r, "engineID"), 2);
	assert_int_equal(codec_field(r, "sysUptime"), 1000);
	assert_null(codec_read(r, V5));
	r->m[20] = 9; /* an engine of another type and the same number */
	r->ops->read(r->st, r->m, r->n, &r->note);
	assert_string_equal(codec_text(r),
			    "{\"Version 5\":{\"EngineID 2\":{\"data_packet_counter\":3}}}");
	r->ops->read(r->st, r->m, r->n - 1, &r->note);
	assert_string_equal(r->note.reason, "fewer records than it says");
	assert_int_equal(r->ops->boundary(r->m, r->n - 1), 0);
	r->ops->read(r->st, r->m, r->n + 1, &r->note);
	assert_string_equal(r->note.reason, "something after the message's end");
	sp_put_be16(r->m + 2, 0);
	r->ops->read(r->st, r->m, r->n, &r->note);
	assert_string_equal(r->note.reason, "a number of records that is not 1 to 30");
	codec_end(r);
	codec_memory(&sp_codec_ipfix);
}

static void version_9(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	assert_null(codec_read(r, V9_DATA));
	assert_int_equal(r->note.flags, SP_CM_UNKNOWN);
	assert_null(codec_read(r, V9_TEMPLATE));
	assert_int_equal(r->note.flags, SP_CM_DEFINES);
	assert_int_equal(r->note.seq, 147688);
	assert_int_equal(codec_field(r, "packageSequence"), 147688);
	assert_int_equal(codec_field(r, "SourceID"), 0);
	assert_null(codec_read(r, V9_DATA));
	assert_int_equal(r->note.flags, 0);
	assert_int_equal(r->note.units, 1);
	assert_int_equal(r->ops->boundary(r->m, r->n), 156);
	/* options with two scopes and two options, RFC 3954 6.1, padded */
	assert_null(v9(r, 2,
		       "0001001a"
		       "0101"
		       "0008"
		       "0008"
		       "00010004"
		       "00020004"
		       "00290002"
		       "00300001"
		       "01010012"
		       "00000001"
		       "00000002"
		       "0003"
		       "04"
		       "000000"));
	assert_string_equal(
		codec_text(r),
		"{\"Version 9\":{\"ObservationID 0\":{\"Template 313\":{\"type\":\"Data Template\","
		"\"flowset_id\":0,\"template_field_count\":32,\"data_flowset_counter\":1}},"
		"\"ObservationID 42\":{\"Template 257\":{\"type\":\"Option Template\","
		"\"flowset_id\":1,\"template_field_count\":4,\"template_scopes_count\":2,"
		"\"template_options_count\":2,\"data_flowset_counter\":1,"
		"\"option_description\":\"sampling\"}}}}");
	codec_end(r);
}

static void version_10(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	assert_int_equal(codec_boundary(r, V10_OPTIONS V10_OPTIONS_DATA), 44);
	assert_null(codec_read(r, V10_OPTIONS));
	assert_int_equal(r->note.domain, 33312);
	assert_int_equal(r->note.units, 0);
	assert_int_equal(codec_field(r, "ExportTime"), 0x645a34df);
	assert_int_equal(codec_field(r, "ObservationDomainID"), 33312);
	assert_null(codec_read(r, V10_OPTIONS_DATA));
	assert_int_equal(r->note.units, 1);
	assert_int_equal(r->note.flags, 0);
	assert_string_equal(
		codec_text(r),
		"{\"Version 10\":{\"ObservationID 33312\":{\"Template 257\":{\"type\":"
		"\"Option Template\",\"flowset_id\":3,\"template_field_count\":4,"
		"\"template_scopes_count\":1,\"template_options_count\":3,"
		"\"data_flowset_counter\":1,\"option_description\":\"sampling\"}}}}");
	/* RFC 7011 A.2.2: enterprise field; variable length, short and long; padding */
	assert_null(v10(r, "00020018"
			   "0100"
			   "0003"
			   "00080004"
			   "8010"
			   "ffff"
			   "00007ed9"
			   "00010004"
			   "0100001e"
			   "0a000001"
			   "03414243"
			   "00000007"
			   "0a000002"
			   "ff0000"
			   "00000008"
			   "000000"));
	assert_int_equal(r->note.units, 2);
	assert_int_equal(r->note.flags, SP_CM_DEFINES);
	/* the same number in another domain is another template */
	sp_put_be32(r->m + 12, 43);
	sp_put_be16(r->m + 16, 256);
	r->ops->read(r->st, r->m, r->n, &r->note);
	assert_int_equal(r->note.flags & SP_CM_UNKNOWN, SP_CM_UNKNOWN);
	codec_end(r);
}

#define TEMPLATE                                                                               \
	"00020010"                                                                             \
	"0100"                                                                                 \
	"0002"                                                                                 \
	"00080004"                                                                             \
	"00010004"

static void withdrawals(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	assert_null(v10(r, TEMPLATE "0100000c"
				    "0a00000100000001"));
	assert_null(v10(r, "00020008"
			   "0100"
			   "0000"));
	assert_string_equal(v10(r, "0100000c"
				   "0a00000100000001"),
			    "data of a template that was withdrawn");
	assert_int_equal(r->note.flags, SP_CM_ODD | SP_CM_UNKNOWN);
	assert_int_equal(r->note.units, 0);
	assert_null(v10(r, TEMPLATE "0100000c"
				    "0a00000100000001"));
	assert_null(v10(r, "00030008"
			   "0003"
			   "0000")); /* all options templates */
	assert_null(v10(r, "0100000c"
			   "0a00000100000001"));
	assert_null(v10(r, "00020008"
			   "0002"
			   "0000"));
	assert_non_null(v10(r, "0100000c"
			       "0a00000100000001"));
	assert_string_equal(v10(r, "00020008"
				   "0003"
				   "0000"),
			    "a template with a number below 256");
	codec_end(r);
}

static void odd_messages(void **state)
{
	static const struct {
		unsigned version;
		const char *sets, *reason;
	} rows[] = {
		{ 10, "0002", "a set whose header is cut" },
		{ 10, "00020003", "a set that is shorter than its header" },
		{ 10, "0002ffff01000003", "a set that is longer than its place" },
		{ 10,
		  "00000008"
		  "01000001",
		  "a set of reserved number" },
		{ 10, "00ff0004", "a set of reserved number" },
		{ 9,
		  "00020008"
		  "01000001",
		  "a set of reserved number" },
		{ 10, "00020004", "a set without a template" },
		{ 10,
		  "0002000c"
		  "00ff0001"
		  "00080004",
		  "a template with a number below 256" },
		{ 9,
		  "00000008"
		  "01000000",
		  "a template without fields" },
		{ 10,
		  "0002000c"
		  "0100ffff"
		  "00080004",
		  "a template that is longer than its place" },
		{ 10,
		  "0002000c"
		  "01000001"
		  "00080000",
		  "a field without length" },
		{ 10,
		  "0002000c"
		  "01000001"
		  "00080001",
		  "a field of a length that its kind cannot have" },
		{ 10,
		  "0002000c"
		  "01000001"
		  "00070032",
		  "a field of a length that its kind cannot have" },
		{ 10,
		  "00020010"
		  "01000002"
		  "0052fffe"
		  "0052fffe",
		  "a template of records that fit into no message" },
		{ 9,
		  "0000000c"
		  "01000001"
		  "0052ffff",
		  "a field of 65,535 octets" },
		{ 9,
		  "0001000e"
		  "0101"
		  "0003"
		  "0005"
		  "00010004",
		  "an options template whose lengths are no multiple of four" },
		{ 10,
		  "0003000e"
		  "0101"
		  "0001"
		  "0002"
		  "00010004",
		  "a template with more scopes than fields" },
		{ 10,
		  "0003000e"
		  "0101"
		  "0001"
		  "0000"
		  "00010004",
		  "an options template without scope" },
		{ 10,
		  "00030008"
		  "01010001",
		  "a template whose header is cut" },
		{ 10,
		  TEMPLATE "01000009"
			   "0a00000100"
			   "",
		  "a record that is cut" },
		{ 10,
		  "0002000c"
		  "0200"
		  "0001"
		  "0052ffff"
		  "02000006"
		  "0541",
		  "a field that is longer than its place" },
		{ 10,
		  "0002000c"
		  "01000001"
		  "0123ffff"
		  "0100000e"
		  "0903"
		  "0008"
		  "0000"
		  "00000000",
		  "a list of elements without length" },
		{ 10,
		  "0002000c"
		  "01000001"
		  "0123ffff"
		  "01000006"
		  "0103",
		  "a list that is cut" },
		{ 10,
		  "0002000c"
		  "01000001"
		  "0123ffff"
		  "0100000c"
		  "0703"
		  "00080004"
		  "0a00",
		  "a list whose elements are cut" },
	};
	struct codec_rig *r = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *reason;

		codec_begin(r, &sp_codec_ipfix);
		reason = rows[i].version == 9 ? v9(r, 1, rows[i].sets) : v10(r, rows[i].sets);
		assert_non_null(reason);
		assert_string_equal(reason, rows[i].reason);
		assert_true(r->note.flags & SP_CM_ODD);
		codec_end(r);
	}
}

static void headers(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	assert_int_equal(codec_boundary(r, "00"), 0);
	assert_int_equal(codec_boundary(r, "0000"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "00080000"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "000a0010"), 0);
	assert_int_equal(codec_boundary(r, "000a000f6553f100000000010000002a"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "000affff6553f100000000010000002a"), 0);
	assert_string_equal(codec_read(r, "0000"), "not a header of NetFlow 5, 9 or IPFIX");
	assert_string_equal(codec_read(r, "000a00116553f100000000010000002a000200140100"),
			    "something after the message's end");
	assert_string_equal(codec_read(r, "000a00186553f100000000010000002a"),
			    "a length in the header that is not the message's");
	assert_null(codec_read(r, "000a00106553f100000000010000002a")); /* no sets: legal */
	assert_string_equal(v9(r, 7,
			       "0000000c"
			       "01000001"
			       "00080004"),
			    "a count of records that cannot be");
	assert_string_equal(v9(r, 0,
			       "03e8000c"
			       "0100000100080004"),
			    "a count of records that cannot be");
	assert_string_equal(v9(r, 65535,
			       "03e8000c"
			       "0100000100080004"),
			    "a count of records that cannot be");
	assert_false(r->ops->guess((const uint8_t *)"\0\x35\0\0", 4));
	codec_end(r);
}

/* More templates, fields and domains than are kept: the oldest go, whatever the order. */
static void memory_is_bounded(void **state)
{
	struct codec_rig *r = *state;
	const struct sp_ipfix *s;
	uint32_t seed = 1;

	codec_begin(r, &sp_codec_ipfix);
	s = r->st;
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t fields, n, id;

		seed = seed * 1664525u + 1013904223u;
		fields = 1 + (seed >> 16) % (i % 50 ? 60 : 5000);
		id = 256 + (seed >> 8) % 3000;
		n = 24 + fields * 4;
		bytes("000a0000"
		      "6553f100"
		      "00000001"
		      "0000002a"
		      "00020000",
		      r->m);
		sp_put_be16(r->m + 2, (uint16_t)n);
		sp_put_be32(r->m + 12, (seed >> 4) % 7);
		sp_put_be16(r->m + 18, (uint16_t)(n - 16));
		sp_put_be16(r->m + 20, (uint16_t)id);
		sp_put_be16(r->m + 22, (uint16_t)fields);
		for (uint32_t f = 0; f < fields; f++)
			sp_put_be32(r->m + 24 + f * 4, 0x00520001 + (id & 1));
		r->ops->read(r->st, r->m, n, &r->note);
		assert_true(fields > SP_IPFIX_FIELDS_EACH ? !!r->note.reason : !r->note.reason);
		assert_true(s->n_templates <= SP_IPFIX_TEMPLATES);
		if (fields > SP_IPFIX_FIELDS_EACH)
			continue;
		/* The newest is always known, and what is kept of it is what came. */
		n = 20 + fields * (1 + (id & 1) + 0);
		sp_put_be16(r->m + 2, (uint16_t)n);
		sp_put_be16(r->m + 16, (uint16_t)id);
		sp_put_be16(r->m + 18, (uint16_t)(n - 16));
		r->ops->read(r->st, r->m, n, &r->note);
		assert_int_equal(r->note.units, 1);
		assert_null(r->note.reason);
	}
	assert_true(s->forgotten > 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		v10(r, TEMPLATE);
		sp_put_be32(r->m + 12, 1000 + i);
		r->ops->read(r->st, r->m, r->n, &r->note);
		assert_null(r->note.reason);
	}
	assert_int_equal(s->n_domains, SP_IPFIX_DOMAINS);
	/* A new domain in the place of an old one knows none of its templates. */
	v10(r, "0100000c"
	       "0a00000100000001");
	sp_put_be32(r->m + 12, 5000);
	r->ops->read(r->st, r->m, r->n, &r->note);
	assert_int_equal(r->note.flags, SP_CM_UNKNOWN);
	assert_non_null(strstr(codec_text(r), "\"templates_forgotten\":"));
	codec_end(r);
}

/* Who defines nothing needs next to nothing; and whatever allocation fails, what found no memory is
 * counted as forgotten, and its data as unknown. */
static void memory_grows(void **state)
{
	struct codec_rig *r = *state;
	const struct sp_ipfix *s;
	bool done = false;

	codec_begin(r, &sp_codec_ipfix);
	assert_true(sizeof *s < 512);
	codec_read(r, V5);
	codec_read(r, V9_DATA);
	assert_int_equal(r->mem.live, 2); /* the state, and a second domain */
	codec_end(r);
	for (uint64_t n = 1; !done; n++) {
		codec_begin(r, &sp_codec_ipfix);
		r->mem.fail_at = n;
		s = r->st;
		for (uint32_t i = 0; i < 40; i++) {
			v10(r, TEMPLATE "0100000c"
					"0a00000100000001");
			sp_put_be32(r->m + 12, i);
			r->ops->read(r->st, r->m, r->n, &r->note);
			assert_null(r->note.reason);
			assert_int_equal(r->note.units, !(r->note.flags & SP_CM_UNKNOWN));
		}
		done = r->mem.count <= n;
		assert_true(done || s->forgotten);
		assert_true(!done || s->n_domains == 41);
		codec_text(r);
		codec_end(r);
	}
}

/* Records of one octet, each with thousands of fields that have none: not looked into. */
static void empty_fields(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	for (uint32_t empty = 0; empty <= 4000; empty += empty < 12 ? 1 : 997) {
		uint32_t n = 24 + 4 * (empty + 1);
		bool used = empty <= SP_IPFIX_EMPTY_EACH;

		bytes("000a0000655300000000000100000000"
		      "0002000001000000",
		      r->m);
		sp_put_be16(r->m + 2, (uint16_t)n);
		sp_put_be32(r->m + 12, empty); /* a domain of its own */
		sp_put_be16(r->m + 18, (uint16_t)(n - 16));
		sp_put_be16(r->m + 22, (uint16_t)(empty + 1));
		for (uint32_t f = 0; f < empty; f++)
			sp_put_be32(r->m + 24 + 4 * f, 210u << 16);
		sp_put_be32(r->m + n - 4, 82u << 16 | 0xffff);
		r->ops->read(r->st, r->m, n, &r->note);
		assert_int_equal(!!r->note.reason, empty > 0);
		if (!used)
			assert_string_equal(r->note.reason,
					    "a template with so many fields without length "
					    "that it is not used");
		sp_put_be16(r->m + 2, 20 + 3);
		sp_put_be16(r->m + 16, 256);
		sp_put_be16(r->m + 18, 4 + 3);
		memset(r->m + 20, 0, 3);
		r->ops->read(r->st, r->m, 23, &r->note);
		assert_int_equal(r->note.units, used ? 3 : 0);
		assert_int_equal(r->note.flags, used ? 0 : SP_CM_UNKNOWN);
		assert_int_equal(r->ops->clean(r->st, r->m, 23, r->out, sizeof r->out),
				 used ? 23 : 0);
	}
	codec_end(r);
}

static size_t cleaned(struct codec_rig *r)
{
	size_t n = r->ops->clean(r->st, r->m, r->n, r->out, sizeof r->out);

	if (n) {
		struct codec_rig *again = malloc(sizeof *again);

		/* what is left is sound, and knows all its templates */
		assert_non_null(again);
		r->ops->read(r->st, r->out, n, &r->note);
		assert_null(r->note.reason);
		assert_int_equal(r->note.flags & SP_CM_UNKNOWN, 0);
		free(again);
	}
	return n;
}

static void cleaning(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_ipfix);
	codec_read(r, V5);
	assert_int_equal(cleaned(r), 120);
	assert_memory_equal(r->out, r->m, 120);
	v10(r, "0100000c"
	       "0a00000100000001");
	assert_int_equal(cleaned(r), 0);
	v10(r, TEMPLATE "0200000c"
			"0a00000100000001"
			"0100000c"
			"0a00000100000001");
	assert_int_equal(cleaned(r), 16 + 16 + 12);
	assert_int_equal(sp_get_be16(r->out + 2), 16 + 16 + 12);
	assert_int_equal(r->note.units, 1);
	v9(r, 3,
	   "0000000c"
	   "01000001"
	   "00080004"
	   "02000008"
	   "0a000001"
	   "01000008"
	   "0a000001");
	assert_int_equal(cleaned(r), 20 + 12 + 8);
	assert_int_equal(sp_get_be16(r->out + 2), 2);
	/* A message with an options template stays as it is. */
	v10(r, "0003000e"
	       "0101"
	       "0001"
	       "0001"
	       "00010004"
	       "0300000c"
	       "0a00000100000001");
	assert_int_equal(r->ops->clean(r->st, r->m, r->n, r->out, sizeof r->out), r->n);
	assert_memory_equal(r->out, r->m, r->n);
	assert_int_equal(r->ops->clean(r->st, r->m, r->n, r->out, r->n - 1), 0);
	codec_end(r);
}

int main(void)
{
	static struct codec_rig rig;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(version_5, &rig),
		cmocka_unit_test_prestate(version_9, &rig),
		cmocka_unit_test_prestate(version_10, &rig),
		cmocka_unit_test_prestate(withdrawals, &rig),
		cmocka_unit_test_prestate(odd_messages, &rig),
		cmocka_unit_test_prestate(headers, &rig),
		cmocka_unit_test_prestate(memory_is_bounded, &rig),
		cmocka_unit_test_prestate(memory_grows, &rig),
		cmocka_unit_test_prestate(empty_fields, &rig),
		cmocka_unit_test_prestate(cleaning, &rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
