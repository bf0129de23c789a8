/* What a rewritten message says, and that nothing else in it moved. */
#include "proto/codec_test.h"

#include <errno.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/rng.h"
#include "proto/ipfix/message.h"

extern const struct sp_codec_ops sp_codec_ipfix;

#define S_NS  UINT64_C(1000000000)
#define MS_NS UINT64_C(1000000)
#define NOW_S UINT64_C(1800000000)

/* NetFlow 5: uptime 1000 ms, a flow from 999 to 1000. */
#define V5                                                                                     \
	"00050001000003e86553f1000000000000000007"                                             \
	"0102"                                                                                 \
	"0000"                                                                                 \
	"c6120001c612000200000000000100020000000a000003e8000003e7000003e80001000200100600"     \
	"0001000218180000"
/* FIRST_SWITCHED, LAST_SWITCHED, flowStartMilliseconds; uptime 100 s */
#define V9_TEMPLATE                                                                            \
	"00000014"                                                                             \
	"0100"                                                                                 \
	"0003"                                                                                 \
	"00160004"                                                                             \
	"00150004"                                                                             \
	"00980008"
#define V9_DATA                                                                                \
	"01000014"                                                                             \
	"00018000"                                                                             \
	"00018600"                                                                             \
	"0000018bcfe58000"

static void begin(struct codec_rig *r)
{
	codec_begin(r, &sp_codec_ipfix);
}

static void header9(struct codec_rig *r, uint32_t uptime_ms, uint32_t seconds, const char *sets)
{
	uint32_t n = bytes("00090001"
			   "00000000"
			   "00000000"
			   "00000063"
			   "0000002a",
			   r->m);

	sp_put_be32(r->m + 4, uptime_ms);
	sp_put_be32(r->m + 8, seconds);
	r->n = n + bytes(sets, r->m + n);
}

static void header10(struct codec_rig *r, uint32_t seconds, uint32_t seq, const char *sets)
{
	uint32_t n = bytes("000a0000"
			   "00000000"
			   "00000000"
			   "0000002a",
			   r->m);

	n += bytes(sets, r->m + n);
	sp_put_be16(r->m + 2, (uint16_t)n);
	sp_put_be32(r->m + 4, seconds);
	sp_put_be32(r->m + 8, seq);
	r->n = n;
}

static void rewrite(struct codec_rig *r, const struct sp_codec_live *live)
{
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, live), 0);
}

/* The capture was made when the exporter's clock said so. */
static struct sp_codec_live at(uint64_t recorded_s, uint64_t now_ns)
{
	return (struct sp_codec_live){
		.retime = true,
		.renumber = true,
		.now_ns = now_ns,
		.shift_ns = (int64_t)(now_ns - recorded_s * S_NS),
	};
}

static void version_5(void **state)
{
	struct sp_codec_live live = at(0x6553f100, NOW_S * S_NS + 250 * MS_NS);
	struct codec_rig *r = *state;

	begin(r);
	live.exporter = 300;
	codec_read(r, V5);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 8), NOW_S);
	assert_int_equal(sp_get_be32(r->m + 12), 250 * MS_NS);
	assert_int_equal(sp_get_be32(r->m + 16), 0);
	assert_int_equal(sp_get_be16(r->m + 20), 0x102 + 300);
	assert_int_equal(sp_get_be32(r->m + 4), 1000);
	/* Two seconds on by our clock, none by the recorded one: the exporter goes on. */
	codec_read(r, V5);
	live.now_ns += 2 * S_NS;
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 16), 1);
	assert_int_equal(sp_get_be32(r->m + 4), 3000);
	assert_int_equal(sp_get_be32(r->m + 24 + 24), 2999);
	assert_int_equal(sp_get_be32(r->m + 24 + 28), 3000);
	codec_end(r);
}

/* Ages of flows and times since 1970, with an uptime that follows the time that passes. */
static void version_9(void **state)
{
	struct sp_codec_live live = at(1700000000, NOW_S * S_NS);
	struct codec_rig *r = *state;

	begin(r);
	header9(r, 100000, 1700000000, V9_TEMPLATE V9_DATA);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 4), 100000);
	assert_int_equal(sp_get_be32(r->m + 8), NOW_S);
	assert_int_equal(sp_get_be32(r->m + 12), 0);
	assert_int_equal(sp_get_be32(r->m + 44), 0x18000);
	assert_int_equal(sp_get_be64(r->m + 52), 0x18bcfe58000 + 100000000000);
	/* 100 s later in the capture, one second later now: time factor 0.01 */
	live = at(1700000100, NOW_S * S_NS + S_NS);
	header9(r, 200000, 1700000100, V9_DATA);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 4), 101000);
	assert_int_equal(sp_get_be32(r->m + 8), NOW_S + 1);
	assert_int_equal(sp_get_be32(r->m + 12), 1);
	assert_int_equal(sp_get_be32(r->m + 24), (0x18000 + 101000u - 200000u) & 0xffffffff);
	/* The exporter was started again: so is ours. */
	live = at(1700000200, NOW_S * S_NS + 2 * S_NS);
	header9(r, 500, 1700000200, V9_DATA);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 4), 500);
	codec_end(r);
}

/* flowStartSeconds, flowEndMilliseconds, flowStartMicroseconds, flowEndNanoseconds,
 * flowStartDeltaMicroseconds, systemInitTimeMilliseconds, flowEndSysUpTime; one made by Cisco with a
 * number of a time; observationDomainId, exporter's addresses; text of variable length before */
#define V10_TEMPLATE                                                                           \
	"0002003c"                                                                             \
	"0100"                                                                                 \
	"000c"                                                                                 \
	"0052ffff"                                                                             \
	"00960004"                                                                             \
	"00990008"                                                                             \
	"009a0008"                                                                             \
	"009d0008"                                                                             \
	"009e0004"                                                                             \
	"00a00008"                                                                             \
	"00150004"                                                                             \
	"80960004"                                                                             \
	"00000009"                                                                             \
	"00950004"                                                                             \
	"00820004"                                                                             \
	"00830010"
#define V10_DATA                                                                               \
	"0100004f"                                                                             \
	"026162"                                                                               \
	"6553f100"                                                                             \
	"0000018bcfe58000"                                                                     \
	"e90000007fffffff"                                                                     \
	"e900000180000000"                                                                     \
	"00001000"                                                                             \
	"0000018b00000000"                                                                     \
	"00000fff"                                                                             \
	"6553f100"                                                                             \
	"0000002a"                                                                             \
	"c6120001"                                                                             \
	"20010db8000000000000000000000001"

/* Template 256: flowStartSeconds. 257: a basicList, a subTemplateList, a subTemplateMultiList, a
 * basicList of subTemplateLists, octets (RFC 6313). */
#define NESTED_TEMPLATES                                                                       \
	"00020028"                                                                             \
	"0100"                                                                                 \
	"0001"                                                                                 \
	"00960004"                                                                             \
	"0101"                                                                                 \
	"0005"                                                                                 \
	"0123ffff"                                                                             \
	"0124ffff"                                                                             \
	"0125ffff"                                                                             \
	"0123ffff"                                                                             \
	"00010004"                                                                             \
	"00000000"
#define NESTED_DATA                                                                            \
	"01010036"                                                                             \
	"0d"                                                                                   \
	"ff00960004"                                                                           \
	"6553f100"                                                                             \
	"6553f101"                                                                             \
	"07"                                                                                   \
	"ff0100"                                                                               \
	"6553f102"                                                                             \
	"09"                                                                                   \
	"ff01000008"                                                                           \
	"6553f103"                                                                             \
	"0d"                                                                                   \
	"ff0124ffff"                                                                           \
	"07"                                                                                   \
	"ff0100"                                                                               \
	"6553f104"                                                                             \
	"6553f105"

/* Times in lists are times, too; a counter that looks like one is none. */
static void structured_data(void **state)
{
	static const uint32_t at_octet[] = { 26, 30, 38, 48, 62 };
	struct sp_codec_live live = at(1700000000, (1700000000 + 1000) * S_NS);
	struct codec_rig *r = *state;
	uint8_t was[128];

	begin(r);
	header10(r, 1700000000, 77, NESTED_TEMPLATES);
	rewrite(r, &live);
	header10(r, 1700000000, 77, NESTED_DATA);
	memcpy(was, r->m, r->n);
	rewrite(r, &live);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(sp_get_be32(r->m + at_octet[i]), 0x6553f100 + i + 1000);
		memcpy(r->m + at_octet[i], was + at_octet[i], 4);
	}
	/* And nothing else behind the header. */
	assert_memory_equal(r->m + 16, was + 16, r->n - 16);
	assert_int_equal(sp_get_be32(r->m + 66), 0x6553f105);
	/* Lengths that lie end it. */
	for (uint32_t i = 20; i < r->n; i++) {
		memcpy(r->m, was, r->n);
		r->m[i] ^= 0x81;
		rewrite(r, &live);
	}
	codec_end(r);
}

enum { D = 16 + 4 + 3 }; /* data without template: the first field after the text */

static void version_10(void **state)
{
	struct sp_codec_live live = at(1700000000, (1700000000 + 1000) * S_NS + S_NS / 2);
	struct codec_rig *r = *state;
	uint8_t was[128];

	begin(r);
	live.exporter = 2;
	sp_addr_parse("10.9.8.7", &live.address);
	header10(r, 1700000000, 77, V10_TEMPLATE);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 8), 0);
	header10(r, 1700000000, 77, V10_DATA);
	memcpy(was, r->m, r->n);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 4), 1700000000 + 1000);
	assert_int_equal(sp_get_be32(r->m + 8), 0);
	assert_int_equal(sp_get_be32(r->m + 12), 42 + 2 * 0x9e3779b1u);
	assert_int_equal(sp_get_be32(r->m + D), 0x6553f100 + 1000);
	assert_int_equal(sp_get_be64(r->m + D + 4), 0x18bcfe58000 + 1000500);
	assert_int_equal(sp_get_be64(r->m + D + 12),
			 0xe90000007fffffff + (1000ull << 32) + 0x80000000);
	assert_int_equal(sp_get_be64(r->m + D + 20),
			 0xe900000180000000 + (1000ull << 32) + 0x80000000);
	assert_int_equal(sp_get_be64(r->m + D + 32), 0x18b00000000 + 1000500);
	assert_int_equal(sp_get_be32(r->m + D + 48), 42 + 2 * 0x9e3779b1u);
	assert_memory_equal(r->m + D + 52, "\x0a\x09\x08\x07", 4);
	/* delta, uptime, the maker's field and the other family's address stay */
	assert_memory_equal(r->m + D + 28, was + D + 28, 4);
	assert_memory_equal(r->m + D + 40, was + D + 40, 8);
	assert_memory_equal(r->m + D + 56, was + D + 56, 16);
	header10(r, 1700000000, 78, V10_DATA);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 8), 1);
	codec_end(r);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sequence_with_unknown_data(void **state)
{
	struct sp_codec_live live = at(1700000000, NOW_S * S_NS);
	struct codec_rig *r = *state;

	begin(r);
	header10(r, 1700000000, 77,
		 V10_TEMPLATE "02000008"
			      "00000000");
	rewrite(r, &live);
	/* There were five records whose template nobody knows. */
	header10(r, 1700000000, 82, V10_DATA);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 8), 5);
	header10(r, 1700000000, 4000, V10_DATA); /* a gap of the capture is none of ours */
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 8), 6);
	codec_end(r);
}

/* 4,000 exporters out of one with domains as routers number them: no two share one. */
static void domains_stay_apart(void **state)
{
	static uint32_t seen[20000];
	static const uint32_t domains[] = { 0, 1, 33312, 0xd0000, 0xe0000 };
	struct sp_codec_live live = { .renumber = true, .now_ns = NOW_S * S_NS };
	struct codec_rig *r = *state;
	uint32_t n = 0;

	begin(r);
	for (live.exporter = 0; live.exporter < 4000; live.exporter++) {
		for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
			header10(r, 1700000000, 1, V10_TEMPLATE);
			sp_put_be32(r->m + 12, domains[i]);
			rewrite(r, &live);
			seen[n++] = sp_get_be32(r->m + 12);
		}
	}
	qsort(seen, n, sizeof *seen, by_number);
	for (uint32_t i = 1; i < n; i++)
		assert_true(seen[i - 1] < seen[i]);
	codec_end(r);
}

/* An extracted capture has made-up times: its exporters live elsewhere in time. */
static void other_clock(void **state)
{
	struct sp_codec_live live = at(1672534805, NOW_S * S_NS);
	struct codec_rig *r = *state;

	begin(r);
	header10(r, 1700000000, 0, V10_TEMPLATE);
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 4), NOW_S);
	header10(r, 1700000030, 0, V10_DATA); /* 30 s between them, 1 ms in the capture */
	live.now_ns += MS_NS;
	rewrite(r, &live);
	assert_int_equal(sp_get_be32(r->m + 4), NOW_S);
	assert_int_equal(sp_get_be32(r->m + D), 0x6553f100 + (NOW_S - 1700000030));
	codec_end(r);
}

static void refuse(struct codec_rig *r)
{
	struct sp_codec_live live = at(1700000000, NOW_S * S_NS);
	uint8_t was[256];

	assert_true(r->n <= sizeof was);
	memcpy(was, r->m, r->n);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), -EBADMSG);
	assert_memory_equal(r->m, was, r->n);
}

static void not_understood(void **state)
{
	struct codec_rig *r = *state;

	begin(r);
	codec_read(r, V5);
	r->n--;
	refuse(r);
	header10(r, 1700000000, 1, V10_TEMPLATE "0100ffff");
	refuse(r);
	header10(r, 1700000000, 1, V10_TEMPLATE);
	r->m[3]++;
	refuse(r);
	header9(r, 1, 1700000000, "01000003");
	refuse(r);
	r->n = bytes("0000000000", r->m);
	refuse(r);
	codec_end(r);
}

/* A message of random templates and random data. */
static void any_message(struct codec_rig *r, struct sp_rng *rng)
{
	static const uint16_t ids[] = { 1, 8, 21, 22, 82, 130, 149, 150, 153, 155, 156, 160 };
	uint32_t fields = 1 + (uint32_t)sp_rng_below(rng, 8), at_byte = 24 + fields * 4,
		 size = 0;

	memset(r->m, 0, 64);
	bytes("000a0000"
	      "6553f100"
	      "00000000"
	      "0000002a"
	      "0002",
	      r->m);
	sp_put_be16(r->m + 18, (uint16_t)(8 + fields * 4));
	sp_put_be16(r->m + 20, 256);
	sp_put_be16(r->m + 22, (uint16_t)fields);
	for (uint32_t f = 0; f < fields; f++) {
		uint16_t id = ids[sp_rng_below(rng, sizeof ids / sizeof *ids)];
		uint16_t len = id == 1 || id >= 153 ? 8 : 4;

		sp_put_be16(r->m + 24 + f * 4, id);
		sp_put_be16(r->m + 26 + f * 4, len);
		size += len;
	}
	sp_put_be16(r->m + at_byte, 256);
	sp_put_be16(r->m + at_byte + 2, (uint16_t)(4 + 3 * size));
	for (uint32_t i = 0; i < 3 * size; i++)
		r->m[at_byte + 4 + i] = (uint8_t)sp_rng_below(rng, 256);
	r->n = at_byte + 4 + 3 * size;
	sp_put_be16(r->m + 2, (uint16_t)r->n);
}

/* Whatever the message: nothing asked, nothing changed; and a rewritten one is read as before,
 * differs in fields of time and names only, and goes back where it came from. */
static void any(void **state)
{
	struct codec_rig *r = *state;
	struct sp_rng rng;

	begin(r);
	sp_rng_init(&rng, 5, "messages");
	for (unsigned i = 0; i < 2000; i++) {
		struct sp_codec_live live = { .now_ns = 0x6553f100 * S_NS };
		uint8_t was[512];

		any_message(r, &rng);
		assert_true(r->n <= sizeof was);
		memcpy(was, r->m, r->n);
		rewrite(r, &live);
		assert_memory_equal(r->m, was, r->n);
		live.retime = true;
		live.shift_ns = (int64_t)(sp_rng_below(&rng, 1u << 30) * S_NS);
		live.now_ns += (uint64_t)live.shift_ns;
		rewrite(r, &live);
		r->ops->read(r->st, r->m, r->n, &r->note);
		assert_int_equal(r->note.units, 3);
		assert_null(r->note.reason);
		live.now_ns -= (uint64_t)live.shift_ns;
		live.shift_ns = -live.shift_ns;
		rewrite(r, &live);
		assert_memory_equal(r->m, was, r->n);
	}
	codec_end(r);
}

int main(void)
{
	static struct codec_rig rig;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(version_5, &rig),
		cmocka_unit_test_prestate(version_9, &rig),
		cmocka_unit_test_prestate(version_10, &rig),
		cmocka_unit_test_prestate(structured_data, &rig),
		cmocka_unit_test_prestate(sequence_with_unknown_data, &rig),
		cmocka_unit_test_prestate(domains_stay_apart, &rig),
		cmocka_unit_test_prestate(other_clock, &rig),
		cmocka_unit_test_prestate(not_understood, &rig),
		cmocka_unit_test_prestate(any, &rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
