/* Messages of a Huawei and of a Cisco router's captures, and damaged ones. */
#include "proto/codec_test.h"

#include <errno.h>

#include "base/endian.h"
#include "proto/bmp/message.h"

extern const struct sp_codec_ops sp_codec_bmp;

#define FF "ffffffffffffffffffffffffffffffff"
#define INIT                                                                                   \
	"030000001904"                                                                         \
	"00010005"                                                                             \
	"6465736372"                                                                           \
	"00020006"                                                                             \
	"726f75746572"
#define PEER                                                                                   \
	"00000000000000000000000000000000000000000000"                                         \
	"c6120001"                                                                             \
	"0000fde9"
#define ID "c6120001"
#define WHEN                                                                                   \
	"6553f100"                                                                             \
	"00000001"
#define OPEN	   FF "001d0104fde900b4c612000100"
#define END_OF_RIB FF "00170200000000"

/* Peer Up, with OPENs that differ, and Peer Down and Peer Up of the router's own table (RFC 9069). */
#define UP                                                                                     \
	"03000000a40300000000000000000000000000000000000000000000c000023400010000c0000234"     \
	"6428c4470006e1b8000000000000000000000000c000023d00b3ccd2" FF                          \
	"003301045ba000b4c000023d1602140104000100010104000100040200410400010001" FF            \
	"002d01045ba000b4c000023410020e0104000100040200410400010000"
#define LOC_DOWN                                                                               \
	"030000003e0203000002fbf0005a038800000000000000000000000000000000fbf0005acb00715a"     \
	"66bdf43100081ef0060003000941325f544553545f34"
#define LOC_UP                                                                                  \
	"03000001130303000002fbf0005a038800000000000000000000000000000000fbf0005acb00715a"      \
	"66bdf5330000e7980000000000000000000000000000000000000000" FF                           \
	"006101045ba00000cb00715a44020601040001000102060104000200010202800002020200020641"      \
	"04fbf0005a020c400a0078000101000002010002140512000100010002000100020002000100800002" FF \
	"006101045ba00000cb00715a44020601040001000102060104000200010202800002020200020641"      \
	"04fbf0005a020c400a0078000101000002010002140512000100010002000100020002000100800002"    \
	"0003000941325f544553545f34"

/* A message of a type with a body, whose length is filled in. */
static const char *odd(struct codec_rig *r, unsigned type, const char *body)
{
	uint32_t n = 6 + bytes(body, r->m + 6);

	r->m[0] = 3;
	sp_put_be32(r->m + 1, n);
	r->m[5] = (uint8_t)type;
	r->n = n;
	r->ops->read(r->st, r->m, n, &r->note);
	assert_int_equal(r->note.type, type);
	return r->note.reason;
}

static void sessions(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bmp);
	assert_string_equal(codec_text(r), "{\"BGP_Peers\":{}}");
	assert_int_equal(codec_boundary(r, INIT UP), 25);
	assert_true(r->ops->guess(r->m, r->n));
	assert_null(codec_read(r, INIT));
	assert_int_equal(r->note.flags, SP_CM_BEGINS);
	assert_int_equal(codec_field(r, "version"), 3);
	assert_int_equal(codec_field(r, "len"), 25);
	assert_int_equal(codec_field(r, "type"), 4);
	assert_null(codec_read(r, UP));
	assert_int_equal(r->note.before_ns, 0); /* the first time it waits for nothing */
	assert_null(odd(r, 0, PEER ID WHEN END_OF_RIB));
	assert_null(odd(r, 0, PEER ID WHEN END_OF_RIB));
	assert_null(odd(r, 1,
			PEER ID WHEN "00000002"
				     "0000000400000001"
				     "000700080000000000000002"));
	assert_null(codec_read(r, LOC_UP));
	assert_null(codec_read(r, LOC_DOWN));
	assert_int_equal(r->note.before_ns, 5000000000);
	assert_null(codec_read(r, LOC_UP));
	assert_int_equal(r->note.before_ns, 5000000000);
	assert_null(codec_read(r, LOC_UP));
	assert_int_equal(r->note.before_ns, 0);
	assert_null(odd(r, 5,
			"00010002"
			"0000"));
	assert_int_equal(r->note.flags, SP_CM_ENDS);
	assert_null(odd(r, 6,
			PEER ID WHEN "00000013" FF "001304"
				     "00010002"
				     "0000"));
	assert_null(odd(r, 100, "0102"));
	assert_string_equal(
		codec_text(r),
		"{\"bmp_version\":3,\"sysDescr\":\"descr\",\"sysName\":\"router\",\"BGP_Peers\":{"
		"\"192.0.2.52\":{\"as_number\":65536,\"bgp_version\":4,"
		"\"route_monitoring_counter\":0,\"stats_counter\":0},"
		"\"198.18.0.1\":{\"as_number\":65001,\"bgp_version\":null,"
		"\"route_monitoring_counter\":2,\"stats_counter\":1},"
		"\"203.0.113.90\":{\"as_number\":4226809946,\"bgp_version\":4,"
		"\"route_monitoring_counter\":0,\"stats_counter\":0}}}");
	codec_end(r);
	codec_memory(&sp_codec_bmp);
}

static void boundaries(void **state)
{
	struct codec_rig *r = *state;
	uint64_t v;

	codec_begin(r, &sp_codec_bmp);
	assert_int_equal(codec_boundary(r, "03"), 0);
	assert_int_equal(codec_boundary(r, "02"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "030000000504"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "037fffffff00"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "030004000004"), 0);
	assert_int_equal(codec_boundary(r, "030004000104"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "030000000604"
					   "03"),
			 6);
	assert_int_equal(r->ops->field(r->m, r->n, "marker", &v), -ENOENT);
	assert_int_equal(r->ops->field(r->m, 5, "type", &v), -ENOENT);
	bytes("030000000607", r->m);
	assert_false(r->ops->guess(r->m, 6));
	codec_end(r);
}

static void odd_messages(void **state)
{
	static const struct {
		unsigned type;
		const char *body, *reason;
	} rows[] = {
		{ 7, "", "a message of unknown type" },
		{ 255, "", "a message of unknown type" },
		{ 4, "0001ffff00", "a TLV that is longer than its place" },
		{ 4, "00010000", "an INITIATION without sysDescr or sysName" },
		{ 5, "0001000100", "a TERMINATION whose reason is not of two octets" },
		{ 0, "00", "the header of a peer is cut" },
		{ 0,
		  "04"
		  "000000000000000000000000000000000000000000"
		  "c6120001"
		  "0000fde9" ID WHEN,
		  "a peer of unknown type" },
		{ 0,
		  PEER ID "6553f100"
			  "000f4240" END_OF_RIB,
		  "a time of a second or more in microseconds" },
		{ 0, PEER ID WHEN, "a BGP message inside that is longer than its place" },
		{ 0, PEER ID WHEN FF "001304", "a BGP message inside of another type" },
		{ 0, PEER ID WHEN END_OF_RIB END_OF_RIB, "more than one BGP message inside" },
		{ 0, PEER ID WHEN FF "001e0200000007c0630401020304",
		  "an attribute of unknown type" },
		{ 1,
		  PEER ID WHEN "00000002"
			       "0000000400000001",
		  "another number of statistics than it says" },
		{ 1, PEER ID WHEN "ffffffff", "another number of statistics than it says" },
		{ 1,
		  PEER ID WHEN "00000001"
			       "0000ffff00",
		  "a statistic that is longer than its place" },
		{ 1,
		  PEER ID WHEN "00000001"
			       "00000003000000",
		  "a statistic of wrong length" },
		{ 2, PEER ID WHEN, "a Peer Down without reason" },
		{ 2, PEER ID WHEN "09", "a Peer Down of unknown reason" },
		{ 2, PEER ID WHEN "0200", "a Peer Down without the event's code" },
		{ 2, PEER ID WHEN "0400", "a Peer Down with data that has no meaning" },
		{ 2, PEER ID WHEN "01" OPEN, "a BGP message inside of another type" },
		{ 3, PEER ID WHEN "00", "a Peer Up that is cut" },
		{ 3, PEER ID WHEN "0000000000000000000000000000000000000000" FF "ffff01",
		  "a BGP message inside that is longer than its place" },
		{ 3, PEER ID WHEN "0000000000000000000000000000000000000000" OPEN,
		  "a BGP message inside that is longer than its place" },
		{ 3,
		  PEER ID WHEN "0000000000000000000000000000000000000000" OPEN OPEN "0000ffff",
		  "a TLV that is longer than its place" },
		{ 6, PEER ID WHEN "00000001ff",
		  "a BGP message inside that is longer than its place" },
		{ 6, PEER ID WHEN "0001000100", "information that is not of two octets" },
	};
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bmp);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *reason = odd(r, rows[i].type, rows[i].body);

		assert_non_null(reason);
		assert_string_equal(reason, rows[i].reason);
	}
	assert_string_equal(codec_read(r, "030000000704"),
			    "a length in the header that is not the message's");
	codec_end(r);
}

/* Prefixes with path identifiers are told from lies by the OPENs of their peer. */
static void paths(void **state)
{
	static const char attrs[] = PEER ID WHEN FF "003002"
						    "0000"
						    "0014"
						    "40010100"
						    "40020602010000fde8"
						    "4003040a000001"
						    "210a000000";
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bmp);
	assert_null(odd(r, 0, attrs)); /* nothing is known: path 0x210a0000 to 0/0 */
	assert_null(
		odd(r, 3, PEER ID WHEN "0000000000000000000000000000000000000000" OPEN OPEN));
	assert_string_equal(odd(r, 0, attrs), "a prefix that cannot be");
	codec_end(r);
}

static void many_peers(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bmp);
	assert_null(odd(r, 0, PEER ID WHEN END_OF_RIB));
	for (uint32_t i = 0; i < SP_BMP_PEERS + 10; i++) {
		sp_put_be32(r->m + SP_BMP_AT_PEER_ID, i);
		r->ops->read(r->st, r->m, r->n, &r->note);
		assert_null(r->note.reason);
	}
	assert_int_equal(((struct sp_bmp *)r->st)->n_peers, SP_BMP_PEERS);
	assert_int_equal(((struct sp_bmp *)r->st)->more, 11);
	codec_end(r);
}

static void exporters(void **state)
{
	struct codec_rig *r = *state;
	struct sp_codec_live live = { .renumber = true, .exporter = 17 };
	uint8_t was[512];

	codec_begin(r, &sp_codec_bmp);
	sp_addr_parse("10.1.2.3", &live.address);
	codec_read(r, INIT);
	memcpy(was, r->m, r->n);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_memory_equal(r->m + 19, "rou-17", 6);
	assert_memory_equal(r->m, was, 19);
	codec_read(r, UP);
	memcpy(was, r->m, r->n);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_int_equal(sp_get_be32(r->m + 68 + 24), 0x0a010203); /* the router's OPEN */
	memcpy(r->m + 68 + 24, was + 68 + 24, 4);
	assert_memory_equal(r->m, was, r->n);
	codec_read(r, LOC_UP);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_int_equal(sp_get_be32(r->m + 36), 0x0a010203);
	assert_int_equal(sp_get_be32(r->m + 68 + 24), 0x0a010203);
	assert_int_equal(sp_get_be32(r->m + 68 + 97 + 24), 0x0a010203);
	assert_null((r->ops->read(r->st, r->m, r->n, &r->note), r->note.reason));
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n - 1, &live), -EBADMSG);
	codec_end(r);
}

static uint64_t moved(struct codec_rig *r, const char *hex, const struct sp_codec_live *live)
{
	codec_read(r, hex);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, live), 0);
	return sp_get_be32(r->m + 40) * UINT64_C(1000000) + sp_get_be32(r->m + 44);
}

static void times(void **state)
{
	struct codec_rig *r = *state;
	/* Recorded a second after the Peer Down's time, sent 1000 s and a bit later. */
	const uint64_t s = 1000000000, down = 0x66bdf431;
	struct sp_codec_live live = {
		.retime = true,
		.shift_ns = (int64_t)(1000 * s + 5000),
		.now_ns = (down + 1 + 1000) * s + 5000,
	};

	codec_begin(r, &sp_codec_bmp);
	assert_int_equal(moved(r, LOC_DOWN, &live), (down + 1000) * 1000000 + 0x81ef0 + 5);
	/* The Peer Up is 258 s later: after its message, so the clocks differ. */
	assert_int_equal(moved(r, LOC_UP, &live), live.now_ns / 1000);
	/* From now on all times move by as much. */
	assert_true(moved(r, LOC_DOWN, &live) < live.now_ns / 1000 - 257000000);
	/* A time that is not known stays so. */
	odd(r, 0, PEER ID "0000000000000000" END_OF_RIB);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_int_equal(sp_get_be64(r->m + 40), 0);
	codec_end(r);
}

int main(void)
{
	static struct codec_rig rig;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(sessions, &rig),
		cmocka_unit_test_prestate(boundaries, &rig),
		cmocka_unit_test_prestate(odd_messages, &rig),
		cmocka_unit_test_prestate(paths, &rig),
		cmocka_unit_test_prestate(many_peers, &rig),
		cmocka_unit_test_prestate(exporters, &rig),
		cmocka_unit_test_prestate(times, &rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
