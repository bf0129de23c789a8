/* Checksums follow what was rewritten, whatever they were. */
#include "pkt/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"
#include "pkt/csum.h"
#include "pkt/testing.h"

/* What was wrong stays wrong by as much. */
static void wrong_stays_wrong(void **state)
{
	struct frame right, wrong;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t check = v6 ? 14 + 40 + 16 : 14 + 20 + 16;

		frame_of_tcp(&right, v6);
		wrong = right;
		sp_put_be16(wrong.b + check, (uint16_t)(sp_get_be16(wrong.b + check) ^ 0x0101));
		if (!v6)
			wrong.b[14 + 10] ^= 1;
		rewrite_frame(&wrong,
			      "ip-map=10.0.0.0/8:44.0.0.0/8,[2001:db8::/32]:[fd::/16] "
			      "port-map=80:8080 ttl=9",
			      0);
		expect_sums(&wrong, v6 ? SP_CSUM_NONE : SP_CSUM_BAD, SP_CSUM_BAD);
		rewrite_frame(&wrong, "fix-csum", 0);
		expect_sums(&wrong, v6 ? SP_CSUM_NONE : SP_CSUM_OK, SP_CSUM_OK);
	}
}

static void partial(void **state)
{
	struct sp_rewrite_counts c;
	struct frame f, was;
	uint16_t sum;

	(void)state;
	frame_of_tcp(&f, false);
	sum = sp_csum_fold(frame_pseudo(false, 6, f.len - 34));
	memcpy(f.b + 14 + 20 + 16, &sum, 2);
	was = f;
	c = rewrite_frame(&f, "ttl=3", 0); /* nothing that it covers changes */
	assert_int_equal(c.completed, 0);
	assert_memory_equal(f.b + 34, was.b + 34, f.len - 34);
	c = rewrite_frame(&f, "src-ip-map=10.0.0.0/8:11.0.0.0/8", 0);
	assert_int_equal(c.completed, 1);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	/* Cut: it stays partial, of the new addresses. */
	f = was;
	f.len -= 3;
	c = rewrite_frame(&f, "src-ip-map=10.0.0.0/8:11.0.0.0/8", 0);
	assert_int_equal(c.completed, 0);
	memcpy(&sum, f.b + 14 + 20 + 16, 2);
	assert_int_equal(sum, sp_csum_fold(sp_csum_pseudo4(f.b + 26, f.b + 30, 6,
							   (uint16_t)(was.len - 34))));
}

static void udp_without(void **state)
{
	struct frame f;

	(void)state;
	frame_of_udp(&f, false);
	memset(f.b + 34 + 6, 0, 2);
	rewrite_frame(&f, "ip-map=10.0.0.0/8:11.0.0.0/8 fix-csum", 0);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_ABSENT);
	frame_of_udp(&f, true);
	memset(f.b + 54 + 6, 0, 2);
	rewrite_frame(&f, "dst-ip-map=[2001:db8::/32]:[fd::/16]", 0);
	assert_int_equal(sp_get_be16(f.b + 54 + 6), 0);
	rewrite_frame(&f, "fix-csum", 0);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

/* A datagram in two pieces, each rewritten alone, is right when it is joined. */
static void fragments(void **state)
{
	static const char words[] = "ip-map=10.0.0.0/8:99.0.0.0/8 port-map=53:5353 fix-csum";
	struct frame whole, part[2];

	(void)state;
	frame_start(&whole, "0123456789abcdefghijklmnopq");
	frame_udp(&whole, false, 40000, 53);
	for (unsigned i = 0; i < 2; i++) {
		part[i].len = i ? whole.len - 16 : 16;
		memcpy(part[i].b, whole.b + i * 16, part[i].len);
		frame_ip4(&part[i], 17, i ? 2 : 0x2000);
		frame_ether(&part[i], 0x0800);
		rewrite_frame(&part[i], words, 0);
		expect_src(&part[i], "99.1.2.3");
		expect_sums(&part[i], SP_CSUM_OK, SP_CSUM_NONE);
		memcpy(whole.b + i * 16, part[i].b + 34, part[i].len - 34);
	}
	assert_int_equal(sp_get_be16(whole.b + 2), 5353);
	assert_memory_equal(whole.b + 8, "0123456789abcdefghijklmnopq", 27);
	assert_int_equal(
		sp_csum_finish(sp_csum_add(sp_csum_pseudo4(part[0].b + 26, part[0].b + 30, 17,
							   (uint16_t)whole.len),
					   whole.b, whole.len)),
		0);
}

static void sctp_crc(void **state)
{
	struct sp_rewrite_counts c;
	struct frame f;

	(void)state;
	frame_start(&f, "chunks of any length");
	frame_sctp(&f);
	frame_ip4(&f, 132, 0);
	frame_ether(&f, 0x0800);
	rewrite_frame(
		&f, "port-map=4096:9 payload-replace=6f66:4f46 ip-map=10.0.0.0/8:9.0.0.0/8", 0);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	f.b[14 + 20 + 8] ^= 0x10;
	rewrite_frame(&f, "port-map=9:10", 0);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_BAD);
	f.b[14 + 20 + 8] ^= 0x10;
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	f.len--;
	c = rewrite_frame(&f, "port-map=10:11", 0);
	assert_int_equal(c.stale, 1);
}

/* The address that a routing header says last is the one that the pseudo header means. */
static void routing(void **state)
{
	uint8_t h[24] = { 6, 2, 0, 1 };
	struct frame f;
	uint16_t sum = 0;

	(void)state;
	frame_start(&f, "behind a detour");
	frame_tcp(&f, true, 1, 2);
	memcpy(h + 8, frame_dst6, 16);
	frame_front(&f, h, sizeof h);
	frame_ip6(&f, 43);
	f.b[24 + 15] = 0x77; /* the next station */
	frame_ether(&f, 0x86dd);
	rewrite_frame(&f, "ip-map=[2001:db8::/32]:[fd12::/16] port-map=2:3", 0);
	expect_dst(&f, "fd12:db8:9::77");
	assert_int_equal(f.b[14 + 40 + 8], 0xfd);
	sum = sp_csum_finish(
		sp_csum_add(sp_csum_pseudo6(f.b + 22, f.b + 14 + 40 + 8, 6, f.len - 14 - 64),
			    f.b + 14 + 64, f.len - 14 - 64));
	assert_int_equal(sum, 0);
}

static const char *const any_words[] = {
	"ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:[fd00:1::/32]",
	"src-ip-map=10.1.0.0/16:1.2.0.0/17",
	"endpoints=5.5.5.5:6.6.6.6",
	"seed=99",
	"unique-ip",
	"unique-port",
	"port-map=80:8080,40000:1",
	"vlan=add vlan-id=9",
	"ttl=-3",
	"dscp=11",
	"flow-label=77",
	"tos=255 tclass=255",
	"payload-replace=61:62",
	"payload-at=3:ffffff",
	"inner=also",
	"fix-csum",
	"skip-broadcast",
};

static void any(void **state)
{
	struct sp_rng rng;
	struct frame f;

	(void)state;
	sp_rng_init(&rng, 11, "any");
	for (unsigned i = 0; i < 4000; i++) {
		bool v6 = sp_rng_u64(&rng) & 1, udp_too = sp_rng_u64(&rng) & 1;
		unsigned t = (unsigned)(sp_rng_u64(&rng) % (2 * TUNNELS));
		char words[1024] = "", payload[64] = "";
		enum sp_csum_state l3 = v6 ? SP_CSUM_NONE : SP_CSUM_OK;
		uint32_t at = 0;
		struct sp_view v;

		for (uint64_t n = sp_rng_u64(&rng) % 60; n; n--)
			payload[n] = 'a' + (char)(sp_rng_u64(&rng) % 26);
		payload[0] = 'a';
		frame_start(&f, payload);
		if (udp_too)
			frame_udp(&f, v6, 40000, 53);
		else
			frame_tcp(&f, v6, 40000, 80);
		frame_ip(&f, v6, udp_too ? 17 : 6);
		if (t < TUNNELS)
			at = frame_wrap(&f, t, v6);
		else
			frame_ether_ip(&f, v6);
		for (unsigned w = 0; w < sizeof any_words / sizeof *any_words; w++)
			if (sp_rng_u64(&rng) % 3 == 0) {
				strcat(words, any_words[w]);
				strcat(words, " ");
			}
		rewrite_frame(&f, words, sp_rng_u64(&rng) % 5000);
		assert_int_equal(sp_view(f.b, f.len, true, SP_CSUM_UNKNOWN, &v), 0);
		if (v.l3_csum != l3 || v.l4_csum == SP_CSUM_BAD)
			fail_msg("round %u: l3 %d l4 %d after: %s", i, v.l3_csum, v.l4_csum,
				 words);
		/* Octets of a payload that nobody looks into are just octets. */
		if (at && (!strstr(words, "payload") || strstr(words, "inner"))) {
			struct frame inner;

			at += f.b[12] == 0x81 ? 4 : 0;
			frame_unwrap(&f, at, v6, &inner);
			sp_view(inner.b, inner.len, true, SP_CSUM_UNKNOWN, &v);
			if (v.l3_csum != l3 || v.l4_csum != SP_CSUM_OK)
				fail_msg("round %u: inside, l4 %d after: %s", i, v.l4_csum,
					 words);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_stays_wrong),
		cmocka_unit_test(partial),
		cmocka_unit_test(udp_without),
		cmocka_unit_test(fragments),
		cmocka_unit_test(sctp_crc),
		cmocka_unit_test(routing),
		cmocka_unit_test(any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
