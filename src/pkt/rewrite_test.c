/* What each word does to a frame. */
#include "pkt/rewrite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/link_type.h"
#include "pkt/testing.h"

static void maps(void **state)
{
	struct frame f;

	(void)state;
	frame_of_tcp(&f, false);
	rewrite_frame(&f, "ip-map=10.0.0.0/8:192.168.0.0/16", 0);
	expect_src(&f, "192.168.2.3");
	expect_dst(&f, "192.168.0.9");
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	/* Any lengths; the first that has the address is taken. */
	frame_of_tcp(&f, false);
	rewrite_frame(&f,
		      "src-ip-map=10.1.0.0/19:172.16.16.0/21,0.0.0.0/0:9.0.0.0/8 "
		      "dst-ip-map=10.1.0.0/16:1.0.0.0/8",
		      0);
	expect_src(&f, "172.16.18.3");
	expect_dst(&f, "10.200.0.9");
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	frame_of_udp(&f, true);
	rewrite_frame(&f, "ip-map=[2001:db8::/32]:[fd00:1:2::/48],10.0.0.0/8:11.0.0.0/8", 0);
	expect_src(&f, "fd00:1:2::7");
	expect_dst(&f, "fd00:1:2::9");
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
	frame_of_udp(&f, true);
	rewrite_frame(&f, "ip-map=2001:db8::/32:fd00::/16", 0);
	expect_dst(&f, "fd00:db8:9::9");
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

static void endpoints(void **state)
{
	struct frame f;

	(void)state;
	frame_of_tcp(&f, false);
	rewrite_frame(
		&f, "endpoints=1.1.1.1:2.2.2.2 src-mac=02:00:00:00:0a:01,02:00:00:00:0a:02", 0);
	expect_src(&f, "1.1.1.1");
	expect_dst(&f, "2.2.2.2");
	assert_int_equal(f.b[11], 1);
	frame_start(&f, "x");
	frame_tcp(&f, false, 80, 40000);
	frame_ip4(&f, 6, 0);
	frame_ether(&f, 0x0800);
	rewrite_frame(
		&f, "endpoints=1.1.1.1:2.2.2.2 src-mac=02:00:00:00:0a:01,02:00:00:00:0a:02", 0);
	expect_src(&f, "2.2.2.2");
	expect_dst(&f, "1.1.1.1");
	assert_int_equal(f.b[11], 2);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
}

static void macs(void **state)
{
	static const uint8_t want[12] = { 2, 0, 0, 0, 0, 9, 6, 6, 6, 6, 6, 6 };
	struct frame f;

	(void)state;
	frame_of_udp(&f, false);
	rewrite_frame(
		&f, "src-mac=06:06:06:06:06:06 mac-map=02:00:00:00:00:02,02:00:00:00:00:09", 0);
	assert_memory_equal(f.b, want, 12);
	memset(f.b, 0xff, 6);
	rewrite_frame(&f, "dst-mac=06:06:06:06:06:06 skip-broadcast", 0);
	assert_int_equal(f.b[0], 0xff);
	rewrite_frame(&f, "dst-mac=06:06:06:06:06:06", 0);
	assert_int_equal(f.b[0], 6);
}

static void untouched(void **state)
{
	struct frame f, was;
	struct sp_rewrite_counts c;

	(void)state;
	frame_of_tcp(&f, false);
	f.b[14 + 20 + 16] ^= 7;
	was = f;
	c = rewrite_frame(&f, "ip-map=172.16.0.0/12:10.0.0.0/8 port-map=81:82 vlan-id=4", 0);
	assert_memory_equal(&f, &was, sizeof f);
	assert_int_equal(c.changed, 0);
}

static void vlans(void **state)
{
	struct sp_rewrite *r = rewrite_compiled(
		"vlan=add vlan-id=100 vlan-priority=5 vlan-dei=1");
	struct frame f, was;
	struct sp_view v;

	(void)state;
	frame_of_udp(&f, false);
	was = f;
	assert_int_equal(sp_rewrite_room(r), 4);
	assert_int_equal(sp_rewrite_apply(r, SP_LINK_ETHERNET, f.b, f.len, f.len + 3, 0, NULL),
			 -ENOBUFS);
	assert_memory_equal(&f, &was, sizeof f);
	f.len = (uint32_t)sp_rewrite_apply(r, SP_LINK_ETHERNET, f.b, f.len, f.len + 4, 0, NULL);
	assert_int_equal(f.len, was.len + 4);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.vlan_tags, 1);
	assert_int_equal(v.vlan[0], 0xb064);
	rewrite_frame(&f, "vlan=add vlan-id=7 vlan-type=802.1ad", 0);
	assert_int_equal(sp_get_be16(f.b + 12), 0x88a8);
	rewrite_frame(&f, "vlan-priority=1 vlan-id=8 ip-map=10.0.0.0/8:99.0.0.0/8", 0);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.vlan[0], 0x2008);
	assert_int_equal(v.vlan[1], 0xb064);
	expect_src(&f, "99.1.2.3");
	rewrite_frame(&f, "vlan=delete", 0);
	rewrite_frame(&f, "vlan=delete ip-map=99.0.0.0/8:10.0.0.0/8", 0);
	rewrite_frame(&f, "vlan=delete vlan-id=5", 0); /* no tag is left */
	assert_int_equal(f.len, was.len);
	expect_dst(&f, "10.200.0.9");
	sp_rewrite_free(r);
}

static void fields(void **state)
{
	struct frame f;

	(void)state;
	frame_of_udp(&f, false);
	f.b[15] = 1; /* ECN */
	rewrite_frame(&f, "dscp=46 ttl=-10 fix-csum", 0);
	assert_int_equal(f.b[15], 46 << 2 | 1);
	assert_int_equal(f.b[22], 54);
	rewrite_frame(&f, "ttl=-200 tos=0x10", 0);
	assert_int_equal(f.b[15], 0x10);
	assert_int_equal(f.b[22], 1);
	rewrite_frame(&f, "ttl=+255 tclass=9", 0);
	assert_int_equal(f.b[15], 0x10);
	assert_int_equal(f.b[22], 255);
	rewrite_frame(&f, "ttl=017", 0); /* not octal */
	assert_int_equal(f.b[22], 17);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	frame_of_udp(&f, true);
	rewrite_frame(&f, "tclass=0xa3 flow-label=0x12345 ttl=1 tos=7", 0);
	assert_int_equal(sp_get_be32(f.b + 14), 0x6a312345);
	assert_int_equal(f.b[21], 1);
	rewrite_frame(&f, "dscp=0", 0);
	assert_int_equal(sp_get_be32(f.b + 14), 0x60312345);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

static void arp(void **state)
{
	static const uint8_t request[28] = { 0,	 1, 8, 0, 6, 4, 0, 1, 2, 0, 0,	0, 0, 1,
					     10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
	static const uint8_t want[28] = { 0,  1, 8, 0, 6, 4, 0, 1, 6, 0, 0,  0, 0, 6,
					  99, 0, 0, 1, 0, 0, 0, 0, 0, 0, 99, 0, 0, 2 };
	struct frame f = { .len = 0 };

	(void)state;
	frame_front(&f, request, sizeof request);
	frame_ether(&f, 0x0806);
	rewrite_frame(
		&f, "ip-map=10.0.0.0/8:99.0.0.0/8 mac-map=02:00:00:00:00:01,06:00:00:00:00:06",
		0);
	assert_memory_equal(f.b + 14, want, sizeof want);
	assert_int_equal(f.b[6], 6);
}

static void neighbours(void **state)
{
	struct frame f;
	char target[17] = "";

	(void)state;
	frame_start(&f, "0123456789abcdef-and-options");
	memcpy(f.b, frame_dst6, 16);
	frame_icmp(&f, true, 135);
	frame_ip6(&f, 58);
	frame_ether(&f, 0x86dd);
	rewrite_frame(&f, "ip-map=[2001:db8::/32]:[fd00::/16]", 0);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
	memcpy(target, f.b + 14 + 40 + 8, 16);
	assert_memory_equal(target, f.b + 14 + 24, 16);
	expect_dst(&f, "fd00:db8:9::9");
}

static void ports(void **state)
{
	struct frame f;
	struct sp_view v;

	(void)state;
	frame_of_tcp(&f, false);
	rewrite_frame(&f, "port-map=81,80:8080,39999-40001:1-3,8080:9", 0);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.dst.port, 8080);
	assert_int_equal(v.src.port, 2);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	/* What is named first stays as it was said, also where that is as it was. */
	rewrite_frame(&f, "port-map=8080:8080,2-9000:1 src-port-map=2:3", 0);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.dst.port, 8080);
	assert_int_equal(v.src.port, 1);
	rewrite_frame(&f, "src-port-map=1:2", 0);
	rewrite_frame(&f, "src-port-map=2:5,8080:6 dst-port-map=2:7 unique-port", 3);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.src.port, 5);
	assert_int_equal(v.dst.port, 8083);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
}

static void payloads(void **state)
{
	struct frame f;

	(void)state;
	frame_of_tcp(&f, true);
	rewrite_frame(&f, "payload-at=5:41 payload-at=17:4142 payload-replace=0d0a:2121", 0);
	assert_memory_equal(f.b + 14 + 40 + 24, "GET /AHTTP/1.1!!!!", 18);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
	rewrite_frame(&f, "payload-at=17:41 payload-at=0:474554", 0);
	assert_memory_equal(f.b + 14 + 40 + 24, "GET /AHTTP/1.1!!!A", 18);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

static void loops(void **state)
{
	struct sp_rewrite *r = rewrite_compiled("unique-ip");
	struct frame f;

	(void)state;
	assert_true(sp_rewrite_varies(r));
	sp_rewrite_free(r);
	frame_of_tcp(&f, false);
	rewrite_frame(&f, "unique-ip", 0);
	expect_src(&f, "10.1.2.3");
	rewrite_frame(&f, "unique-ip", 252);
	expect_src(&f, "10.1.3.1");
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
}

static void links(void **state)
{
	struct sp_rewrite *r = rewrite_compiled("ip-map=10.0.0.0/8:99.0.0.0/8 vlan=add");
	static const struct {
		uint16_t link;
		uint32_t head, type_at;
	} of[] = { { SP_LINK_RAW, 0, 0 },  { SP_LINK_IPV4, 0, 0 },  { SP_LINK_NULL, 4, 0 },
		   { SP_LINK_LOOP, 4, 0 }, { SP_LINK_SLL, 16, 14 }, { SP_LINK_SLL2, 20, 0 } };

	(void)state;
	for (unsigned i = 0; i < sizeof of / sizeof *of; i++) {
		struct sp_rewrite_counts c = { 0 };
		uint8_t head[20] = { 0 };
		struct frame f;

		frame_of_udp(&f, false);
		f.len -= 14;
		memmove(f.b, f.b + 14, f.len);
		if (of[i].head > 4)
			sp_put_be16(head + of[i].type_at, 0x0800);
		frame_front(&f, head, of[i].head);
		assert_int_equal(sp_rewrite_apply(r, of[i].link, f.b, f.len, f.len, 0, &c),
				 f.len);
		assert_int_equal(f.b[of[i].head + 12], 99);
		assert_int_equal(c.other, 0);
		assert_int_equal(sp_rewrite_apply(r, 105, f.b, f.len, f.len, 0, &c), f.len);
		assert_int_equal(c.other, 1);
	}
	sp_rewrite_free(r);
}

static void labels(void **state)
{
	static const uint8_t two[8] = { 0, 1, 0, 64, 0, 2, 1, 64 };
	struct frame f;

	(void)state;
	frame_of_udp(&f, false);
	f.len -= 14;
	memmove(f.b, f.b + 14, f.len);
	frame_front(&f, two, sizeof two);
	frame_ether(&f, 0x8847);
	rewrite_frame(&f, "ip-map=10.0.0.0/8:99.0.0.0/8", 0);
	assert_int_equal(f.b[14 + 8 + 12], 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps),	  cmocka_unit_test(endpoints),
		cmocka_unit_test(macs),	  cmocka_unit_test(untouched),
		cmocka_unit_test(vlans),  cmocka_unit_test(fields),
		cmocka_unit_test(arp),	  cmocka_unit_test(neighbours),
		cmocka_unit_test(ports),  cmocka_unit_test(payloads),
		cmocka_unit_test(loops),  cmocka_unit_test(links),
		cmocka_unit_test(labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
