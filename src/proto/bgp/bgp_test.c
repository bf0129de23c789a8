/* Messages of RFCs, of a Cisco router's capture, and damaged ones. */
#include "proto/codec_test.h"

#include <errno.h>

#include "base/endian.h"
#include "proto/bgp_message.h"

extern const struct sp_codec_ops sp_codec_bgp;

#define FF "ffffffffffffffffffffffffffffffff"
/* As a router sends it: AS4, graceful restart, VPN families, route refresh, extended next hop. */
#define OPEN                                                                                   \
	FF "006101045ba000b4cb00715a44020601040001008002060104000200800202800002020200"        \
	   "02064104fbf0005a020c400a0078000180000002800002140512000100010002000100020002"      \
	   "000100800002"
#define OPEN_SHORT FF "001d0104fde900b4c612000100"
#define KEEPALIVE  FF "001304"
#define VPN_UPDATE                                                                             \
	FF "006f0200000058900e00210001800c0000000000000000cb007149007805ded10002fbf00049000b"  \
	   "c00002494001010040020e0203fbf0005a0000fbf0fbf00049c00810fbf0012bfbf003e9fbf10001"  \
	   "fbf30049c010080002fbf100000001"

static void update(struct codec_rig *r, const char *body, const char *reason)
{
	uint32_t n = bytes(FF, r->m) + 3;

	n += bytes(body, r->m + n);
	sp_put_be16(r->m + 16, (uint16_t)n);
	r->m[18] = 2;
	r->ops->read(r->st, r->m, n, &r->note);
	if (reason)
		assert_string_equal(r->note.reason, reason);
	else
		assert_null(r->note.reason);
}

static void sessions(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bgp);
	assert_string_equal(codec_text(r), "{\"updates_counter\":0,\"keepalives_counter\":0}");
	assert_int_equal(codec_boundary(r, OPEN VPN_UPDATE), 97);
	assert_null(codec_read(r, OPEN));
	assert_int_equal(r->note.type, 1);
	assert_int_equal(r->note.flags, SP_CM_BEGINS);
	assert_int_equal(r->note.after_ns, 1000000000);
	assert_int_equal(codec_field(r, "type"), 1);
	assert_int_equal(codec_field(r, "len"), 97);
	assert_null(codec_read(r, KEEPALIVE));
	assert_int_equal(r->note.flags, SP_CM_FILLER | SP_CM_WAITS);
	assert_null(codec_read(r, VPN_UPDATE));
	assert_int_equal(r->note.flags, SP_CM_WAITS);
	assert_int_equal(r->note.after_ns, 0);
	assert_null(codec_read(r, FF "0017050001"
				     "0001"));
	assert_null(codec_read(r, FF "0015030602"));
	assert_int_equal(r->note.flags, SP_CM_ENDS);
	assert_string_equal(
		codec_text(r),
		"{\"bgp_version\":4,\"bgp_id\":\"203.0.113.90\",\"as_number\":23456,"
		"\"capabilities\":[\"BGPCapFourBytesASN\",\"BGPCapGracefulRestart\","
		"\"BGPCapMultiprotocol: AFI_1 + SAFI_128\","
		"\"BGPCapMultiprotocol: AFI_2 + SAFI_128\",\"BGPCapGeneric_128\","
		"\"BGPCapGeneric_2\",\"BGPCapExtendedNHEnconding\"],\"updates_counter\":1,"
		"\"keepalives_counter\":1}");
	codec_end(r);
	codec_memory(&sp_codec_bgp);
}

static void boundaries(void **state)
{
	struct codec_rig *r = *state;
	uint64_t v;

	codec_begin(r, &sp_codec_bgp);
	assert_int_equal(codec_boundary(r, "ffff"), 0);
	assert_int_equal(codec_boundary(r, "fffe"), -EBADMSG);
	assert_int_equal(codec_boundary(r, FF "0000020000"), -EBADMSG);
	assert_int_equal(codec_boundary(r, FF "001204"), -EBADMSG);
	assert_int_equal(codec_boundary(r, FF "100101"), -EBADMSG); /* an OPEN of 4,097 */
	assert_int_equal(codec_boundary(r, FF "ffff02"), 0);	    /* RFC 8654 */
	assert_int_equal(codec_boundary(r, OPEN_SHORT KEEPALIVE), 29);
	assert_true(r->ops->guess(r->m, r->n));
	bytes(FF "001306", r->m);
	assert_false(r->ops->guess(r->m, 19));
	assert_int_equal(r->ops->field(r->m, 19, "version", &v), -ENOENT);
	assert_int_equal(r->ops->field(r->m, 18, "type", &v), -ENOENT);
	codec_end(r);
}

static void odd_messages(void **state)
{
	static const struct {
		const char *hex, *reason;
	} rows[] = {
		{ "ff", "not a BGP header" },
		{ FF "00140400", "a KEEPALIVE with more than its header" },
		{ FF "001306", "a message of unknown type" },
		{ FF "001404", "a length in the header that is not the message's" },
		{ FF "001403"
		     "06",
		  "a NOTIFICATION without code" },
		{ FF "00150309"
		     "00",
		  "a NOTIFICATION of unknown code" },
		{ FF "001505"
		     "0001",
		  "a ROUTE-REFRESH without family" },
		{ FF "001705"
		     "00010301",
		  "a ROUTE-REFRESH of unknown kind" },
		{ FF "001801"
		     "0000000000",
		  "an OPEN that is cut" },
		{ FF "001d0103fde900b4c612000100", "a version of BGP that is not 4" },
		{ FF "001d0104fde90001c612000100", "a hold time below three seconds" },
		{ FF "001d0104000000b4c612000100", "AS number 0" },
		{ FF "001d0104fde900b4c6120001ff",
		  "optional parameters of another length than is left" },
		{ FF "001f0104fde900b4c61200010202ff",
		  "an optional parameter that is longer than its place" },
		{ FF "00210104fde900b4c6120001040202"
		     "41ff",
		  "a capability that is longer than its place" },
		{ FF "00210104fde900b4c6120001040202"
		     "4100",
		  "a capability of wrong length" },
		{ FF "001f0104fde900b4c6120001020100",
		  "an optional parameter of unknown type" },
	};
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bgp);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *reason = codec_read(r, rows[i].hex);

		assert_non_null(reason);
		assert_string_equal(reason, rows[i].reason);
	}
	/* RFC 9072 */
	assert_null(codec_read(r, FF "00250104fde900b4c6120001"
				     "ffff0005"
				     "0200020200"));
	codec_end(r);
}

static void updates(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bgp);
	update(r, "00000000", NULL); /* end of RIB */
	update(r,
	       "0002"
	       "080a"
	       "0000",
	       NULL); /* withdrawn 10/8 */
	update(r,
	       "0000"
	       "0014"
	       "40010100"
	       "40020602010000fde8"
	       "4003040a000001"
	       "080a",
	       NULL);
	update(r,
	       "0000"
	       "0012"
	       "40010100"
	       "4002040201fde8"
	       "4003040a000001"
	       "080a",
	       NULL);
	/* with path identifiers, RFC 7911 */
	update(r,
	       "0000"
	       "0014"
	       "40010100"
	       "40020602010000fde8"
	       "4003040a000001"
	       "00000001080a"
	       "00000002100a01",
	       NULL);
	/* large communities, RFC 8092 */
	update(r,
	       "0000"
	       "000f"
	       "e0200c000000010000000200000003",
	       NULL);
	update(r,
	       "0000"
	       "000e"
	       "e0200b0000000100000002000000",
	       "an attribute of wrong length");
	update(r, "00050000", "withdrawn prefixes that are longer than their place");
	update(r, "00000005", "attributes that are longer than their place");
	update(r,
	       "0002"
	       "210a"
	       "0000",
	       "a withdrawn prefix that cannot be");
	update(r,
	       "0000"
	       "0006"
	       "5002ffff0201",
	       "an attribute that is longer than its place");
	update(r,
	       "0000"
	       "0007"
	       "c0630401020304",
	       "an attribute of unknown type");
	update(r,
	       "0000"
	       "0004"
	       "40010103",
	       "an ORIGIN that is not known");
	update(r,
	       "0000"
	       "0004"
	       "80010100",
	       "an attribute with flags of another kind");
	update(r,
	       "0000"
	       "0008"
	       "4001010040010100",
	       "an attribute twice");
	update(r,
	       "0000"
	       "0009"
	       "40020602050000fde8"
	       "",
	       "an AS path that cannot be read");
	update(r,
	       "0000"
	       "000b"
	       "40010100"
	       "4003040a000001"
	       "080a",
	       "prefixes without an attribute that they need");
	update(r,
	       "0000"
	       "0008"
	       "800e050001018000",
	       "a next hop that is longer than its place");
	update(r,
	       "0000"
	       "000a"
	       "800e0700010102000000",
	       "a next hop of impossible length");
	update(r,
	       "0000"
	       "0008"
	       "800f05000201810a",
	       "a withdrawn prefix that cannot be");
	codec_end(r);
}

static void prefixes(void **state)
{
	static const struct {
		uint16_t afi;
		uint8_t safi;
		bool ok, paths;
		const char *hex;
	} rows[] = {
		{ 1, 1, true, false, "00" },
		{ 1, 1, true, false, "200a000001" },
		{ 1, 1, false, false, "210a00000100" },
		{ 2, 1, true, false, "4020010db800000000" },
		{ 2, 1, false, false, "8120010db80000000000000000000000000000" },
		{ 1, 4, true, false,
		  "38"
		  "000011"
		  "0a000001" },
		{ 1, 4, true, false,
		  "50"
		  "000010"
		  "000011"
		  "0a000001" },
		{ 1, 4, false, false,
		  "18"
		  "000010" },
		{ 1, 4, true, false,
		  "38"
		  "800000"
		  "0a000001" },
		{ 1, 128, true, false,
		  "78"
		  "05ded1"
		  "0002fbf00049000b"
		  "c0000249" },
		{ 1, 128, false, false,
		  "90"
		  "05ded1"
		  "0002fbf00049000b"
		  "c000024900000000" },
		{ 1, 132, true, false, "00" },
		{ 1, 132, false, false, "080a" },
		{ 25, 70, true, false,
		  "0203"
		  "010203" },
		{ 25, 70, false, false,
		  "0204"
		  "010203" },
		{ 16388, 71, true, false,
		  "00010002"
		  "0102" },
		{ 1, 133, true, false,
		  "03"
		  "010203" },
		{ 1, 133, true, false,
		  "f003"
		  "010203" },
		{ 9, 9, true, false, "ff" },
		/* 33 bits; or path 0x210a0000 and a prefix of one bit */
		{ 1, 1, true, true, "210a00000100" },
		{ 1, 1, true, true, "00000001080a" },
		{ 1, 1, false, true, "00000001280a" },
	};
	uint8_t m[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t n = bytes(rows[i].hex, m);

		assert_int_equal(sp_bgp_nlri_ok(rows[i].afi, rows[i].safi, sp_rd_of(m, n),
						rows[i].paths),
				 rows[i].ok);
	}
}

static void lengths_above_4096(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, &sp_codec_bgp);
	memset(r->m, 0, 5000);
	bytes(FF "138802", r->m);
	assert_int_equal(r->ops->boundary(r->m, 5000), 5000);
	codec_read(r, OPEN_SHORT);
	memset(r->m, 0, 5000);
	bytes(FF "138802", r->m);
	r->ops->read(r->st, r->m, 5000, &r->note);
	assert_string_equal(r->note.reason,
			    "a message above 4,096 octets, which was not agreed");
	/* 4,977 octets of withdrawn 0/0 after an OPEN with the capability */
	assert_null(codec_read(r, FF "00210104fde900b4c612000104020206"
				     "00"));
	memset(r->m, 0, 5000);
	bytes(FF "138802"
		 "1371",
	      r->m);
	r->ops->read(r->st, r->m, 5000, &r->note);
	assert_null(r->note.reason);
	codec_end(r);
}

struct talk_rig {
	uint8_t st[64], m[256];
	struct sp_codec_talk talk;
};

static void sent(struct talk_rig *t, const char *hex)
{
	sp_codec_bgp.peer->sent(t->st, t->m, bytes(hex, t->m), &t->talk);
}

static size_t got(struct talk_rig *t, const char *hex)
{
	return sp_codec_bgp.peer->got(t->st, t->m, bytes(hex, t->m), &t->talk);
}

static void peers(void **state)
{
	struct talk_rig t = { .talk = { .over = false } };
	const uint8_t *p;
	size_t n;

	(void)state;
	assert_true(sp_codec_bgp.peer->state_size <= sizeof t.st);
	sent(&t, OPEN_SHORT);
	assert_false(t.talk.answer || t.talk.established);
	assert_int_equal(got(&t, FF "001d0104fdea005ac6120002"), 0); /* cut */
	assert_int_equal(got(&t, FF "001d0104fdea005ac612000200" FF "0013"), 29);
	assert_true(t.talk.answer);
	assert_false(t.talk.established);
	assert_int_equal(t.talk.hold_ns, 90000000000);
	assert_int_equal(t.talk.filler_ns, 30000000000);
	p = sp_codec_bgp.peer->filler(&n);
	assert_int_equal(sp_codec_bgp.boundary(p, n), n);
	sp_codec_bgp.peer->sent(t.st, p, n, &t.talk);
	assert_false(t.talk.answer);
	assert_int_equal(got(&t, KEEPALIVE VPN_UPDATE), 19 + 111);
	assert_true(t.talk.established && !t.talk.over);
	assert_int_equal(got(&t, FF "0015030602"
				    "00"),
			 22); /* what follows is of no use */
	assert_true(t.talk.over);
	assert_int_equal(t.talk.code, 0x0602);
	assert_string_equal(t.talk.reason, "NOTIFICATION Cease / Administrative Shutdown");
	p = sp_codec_bgp.peer->farewell(&n);
	assert_int_equal(sp_codec_bgp.boundary(p, n), 21);
	assert_int_equal(sp_get_be16(p + 19), 0x0602);
}

static void peers_that_are_none(void **state)
{
	struct talk_rig t = { .talk = { .over = false } };

	(void)state;
	/* The other order: the peer's OPEN is first. No hold time: no fillers. */
	assert_int_equal(got(&t, FF "001d0104fdea0000c612000200" KEEPALIVE), 48);
	assert_false(t.talk.answer || t.talk.established);
	sent(&t, OPEN_SHORT);
	assert_true(t.talk.answer && t.talk.established);
	assert_int_equal(t.talk.hold_ns, 0);
	assert_int_equal(t.talk.filler_ns, 0);
	assert_int_equal(got(&t, "485454502f312e31"), 8);
	assert_true(t.talk.over);
	assert_string_equal(t.talk.reason, "bytes that are not BGP");
}

static void exporters(void **state)
{
	struct codec_rig *r = *state;
	struct sp_codec_live live = { .renumber = true, .exporter = 3 };
	uint8_t was[128];

	codec_begin(r, &sp_codec_bgp);
	codec_read(r, OPEN);
	memcpy(was, r->m, r->n);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_int_equal(r->m[27], was[27] + 3);
	memcpy(r->m + 24, was + 24, 4);
	assert_memory_equal(r->m, was, r->n); /* and nothing else */
	sp_addr_parse("10.1.2.3", &live.address);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_int_equal(sp_get_be32(r->m + 24), 0x0a010203);
	live.renumber = false;
	live.retime = true;
	codec_read(r, VPN_UPDATE);
	memcpy(was, r->m, r->n);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	assert_memory_equal(r->m, was, r->n);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n - 1, &live), -EBADMSG);
	codec_end(r);
}

int main(void)
{
	static struct codec_rig rig;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(sessions, &rig),
		cmocka_unit_test_prestate(boundaries, &rig),
		cmocka_unit_test_prestate(odd_messages, &rig),
		cmocka_unit_test_prestate(updates, &rig),
		cmocka_unit_test(prefixes),
		cmocka_unit_test_prestate(lengths_above_4096, &rig),
		cmocka_unit_test(peers),
		cmocka_unit_test(peers_that_are_none),
		cmocka_unit_test_prestate(exporters, &rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
