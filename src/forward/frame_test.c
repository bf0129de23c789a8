#include "forward/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"
#include "forward/impair.h"
#include "pkt/csum.h"
#include "pkt/view.h"
#include "pkt/udpframe.h"

static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

static uint32_t udp(uint8_t *p, const char *src, const char *dst, uint16_t sport,
		    uint32_t payload)
{
	struct sp_endpoint from = { .port = sport }, to = { .port = 5001 };
	struct sp_template t;
	uint8_t *udp;
	uint32_t off;

	assert_int_equal(sp_addr_parse(src, &from.addr), 0);
	assert_int_equal(sp_addr_parse(dst, &to.addr), 0);
	assert_int_equal(sp_udp_template(&t, &from, &to, sp_mem_system()), 0);
	uint32_t len = 14 + t.len + payload;
	memcpy(p, macs[1], 6);
	memcpy(p + 6, macs[0], 6);
	sp_put_be16(p + 12, t.ether_type);
	memcpy(p + 14, t.octets, t.len);
	off = 14 + t.len;
	udp = p + off - 8;
	for (uint32_t i = 0; i < payload; i++)
		p[off + i] = (uint8_t)(i * 7 + 3);
	for (uint32_t i = 0; i < t.n_lengths; i++)
		sp_put_be16(p + 14 + t.length[i].off, (uint16_t)(len - 14 - t.length[i].less));
	uint64_t sum = t.ether_type == 0x0800
			       ? sp_csum_pseudo4(p + 26, p + 30, 17, (uint16_t)(8 + payload))
			       : sp_csum_pseudo6(p + 22, p + 38, 17, 8 + payload);
	uint16_t check = sp_csum_finish_udp(sp_csum_add(sum, udp, 8 + payload));
	memcpy(udp + 6, &check, 2);
	if (t.ether_type == 0x0800) {
		check = sp_csum_finish(sp_csum_add(0, p + 14, 20));
		memcpy(p + 24, &check, 2);
	}
	sp_template_free(&t);
	return len;
}

static enum sp_csum_state check_of(const uint8_t *p, uint32_t len)
{
	struct sp_view v;

	assert_int_equal(sp_view(p, len, true, SP_CSUM_UNKNOWN, &v), 0);
	return sp_view_corrupt(&v) ? SP_CSUM_BAD : v.l4_csum;
}

static void test_udp(void **state)
{
	uint8_t p[2000];
	struct sp_frame f, g;
	uint32_t len = udp(p, "10.0.0.1", "10.0.0.2", 1000, 101);

	(void)state;
	sp_frame_look(p, len, &f);
	assert_int_equal(f.proto, 17);
	assert_int_equal(f.l3_off, 14);
	assert_int_equal(f.l4_off, 34);
	assert_int_equal(f.payload_off, 42);
	assert_int_equal(f.check_off, 40);
	assert_int_equal(f.end, len);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_DEFAULT), 143);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L1), 167);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L3), 129);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L7), 101);
	assert_true(sp_frame_is(&f, SP_IMPAIR_UDP) && sp_frame_is(&f, SP_IMPAIR_IP) &&
		    sp_frame_is(&f, SP_IMPAIR_ANY));
	assert_false(sp_frame_is(&f, SP_IMPAIR_TCP) || sp_frame_is(&f, SP_IMPAIR_ICMP));
	/* The payload is not part of the flow, the ports are. */
	p[50] ^= 1;
	sp_frame_look(p, len, &g);
	assert_int_equal(f.flow, g.flow);
	len = udp(p, "10.0.0.1", "10.0.0.2", 1001, 101);
	sp_frame_look(p, len, &g);
	assert_int_not_equal(f.flow, g.flow);
	len = udp(p, "fd00::1", "fd00::2", 1000, 10);
	sp_frame_look(p, len, &f);
	assert_int_equal(f.payload_off, 62);
	assert_int_equal(f.check_off, 60);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L7), 10);
}

static void test_others(void **state)
{
	uint8_t p[100] = { [12] = 0x08, [13] = 0x06 };
	struct sp_frame f;

	(void)state;
	sp_frame_look(p, 42, &f);
	assert_int_equal(f.proto, 0);
	assert_int_equal(f.l4_off, 0);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L1), 84);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L7), 28);
	assert_false(sp_frame_is(&f, SP_IMPAIR_IP));
	/* A tag, and a padded TCP segment without data behind it. */
	memcpy(p + 12, (uint8_t[]){ 0x81, 0, 0, 5, 0x08, 0 }, 6);
	memcpy(p + 18, (uint8_t[]){ 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 }, 10);
	p[18 + 20 + 12] = 0x50;
	sp_frame_look(p, 64, &f);
	assert_int_equal(f.l3_off, 18);
	assert_int_equal(f.l4_off, 38);
	assert_int_equal(f.end, 58);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L7), 0);
	assert_int_equal(sp_frame_bytes(&f, SP_LAYER_L3), 40);
	/* A later fragment has no ports and no checksum. */
	p[18 + 7] = 1;
	sp_frame_look(p, 64, &f);
	assert_int_equal(f.l4_off, 0);
	assert_int_equal(f.check_off, 0);
	assert_int_equal(f.proto, 6);
}

static void test_flip(void **state)
{
	uint8_t p[2000], q[2000];
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "flip");
	for (unsigned i = 0; i < 20000; i++) {
		bool six = i & 1, repair = i & 2;
		uint32_t payload = 1 + (uint32_t)sp_rng_below(&rng, 90), differ = 0;
		uint32_t len = udp(p, six ? "fd00::1" : "10.0.0.1",
				   six ? "fd00::2" : "10.0.0.2", (uint16_t)(1 + i), payload);
		struct sp_frame f;

		memcpy(q, p, len);
		sp_frame_look(p, len, &f);
		sp_frame_flip(p, &f, sp_rng_u64(&rng), repair);
		assert_int_equal(check_of(p, len), repair ? SP_CSUM_OK : SP_CSUM_BAD);
		assert_memory_equal(p, q, f.check_off);
		for (uint32_t k = f.payload_off; k < len; k++)
			differ += (uint32_t)__builtin_popcount(p[k] ^ q[k]);
		assert_int_equal(differ, 1);
	}
	/* UDP without a checksum stays without. */
	uint32_t len = udp(p, "10.0.0.1", "10.0.0.2", 1, 20);
	struct sp_frame f;
	memset(p + 40, 0, 2);
	sp_frame_look(p, len, &f);
	sp_frame_flip(p, &f, 5, true);
	assert_int_equal(check_of(p, len), SP_CSUM_ABSENT);
}

static void test_fill(void **state)
{
	uint8_t p[200], q[200];
	uint32_t len = udp(p, "10.0.0.1", "10.0.0.2", 1, 33);
	uint16_t pseudo = sp_csum_fold(
		sp_csum_pseudo4(p + 26, p + 30, 17, (uint16_t)(len - 34)));

	(void)state;
	memcpy(q, p, len);
	memcpy(p + 40, &pseudo, 2);
	assert_int_equal(check_of(p, len), SP_CSUM_BAD);
	sp_frame_fill(p, len, 34, 6, true);
	assert_memory_equal(p, q, len);
	sp_frame_fill(p, len, len - 1, 0, true);
	sp_frame_fill(p, len, 34, 0xffff, true);
	sp_frame_fill(p, len, 0xffff, 0, true);
	assert_memory_equal(p, q, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_flip),
		cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests_name("forward/frame", tests, NULL, NULL);
}
