#include "capio/packet_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex_test.h"
#include "base/rng.h"

/* 10.0.0.1:1000 > 10.0.0.2:2000, "hello"; header checksums left 0. */
#define IP4_UDP                                                                                \
	"45000021000000004011"                                                                 \
	"00000a0000010a000002"                                                                 \
	"03e807d0000d000068656c6c6f"
#define IP4_TCP                                                                                \
	"4500002d000000004006"                                                                 \
	"00000a0000010a000002"                                                                 \
	"03e807d000000064000000c85018ffff0000000068656c6c6f"
#define IP6_UDP                                                                                \
	"60000000000d1140"                                                                     \
	"20010db8000000000000000000000001"                                                     \
	"20010db8000000000000000000000002"                                                     \
	"03e807d0000d000068656c6c6f"
#define MACS "020000000002020000000001"

static void look_at(uint16_t link, const char *hex, uint32_t orig, struct sp_cap_view *c,
		    uint8_t out[512])
{
	uint8_t octets[512], *exact;
	uint32_t n = bytes(hex, octets);
	struct sp_cap_packet p = { .len = n, .orig_len = orig ? orig : n, .link = link };

	/* A copy without room behind it, so that a reader who goes too far is seen. */
	exact = malloc(n ? n : 1);
	memcpy(exact, octets, n);
	p.data = exact;
	sp_cap_view(&p, c);
	memcpy(out, octets, n);
	free(exact);
}

static void is_hello(uint16_t link, const char *hex, unsigned family)
{
	struct sp_cap_view c;
	uint8_t octets[512];

	look_at(link, hex, 0, &c, octets);
	if (c.odd)
		fail_msg("%s: %s", hex, c.odd);
	assert_true(c.dissected);
	assert_int_equal(c.v.src.addr.family, family);
	assert_int_equal(c.v.src.port, 1000);
	assert_int_equal(c.v.dst.port, 2000);
	assert_int_equal(c.v.payload_len, 5);
	assert_int_equal(c.payload_orig, 5);
	assert_memory_equal(octets + c.v.payload_off, "hello", 5);
	assert_int_equal(octets[c.v.l3_off] >> 4, family);
}

static void links(void **state)
{
	(void)state;
	is_hello(SP_LINK_ETHERNET, MACS "0800" IP4_UDP, 4);
	is_hello(SP_LINK_ETHERNET, MACS "0800" IP4_TCP, 4);
	is_hello(SP_LINK_ETHERNET, MACS "86dd" IP6_UDP, 6);
	is_hello(SP_LINK_ETHERNET, MACS "0800" IP4_UDP "000000000000000000", 4); /* padded */
	is_hello(SP_LINK_ETHERNET, MACS "810000640800" IP4_UDP, 4);
	is_hello(SP_LINK_ETHERNET,
		 MACS "88a8006481000065"
		      "86dd" IP6_UDP,
		 6);
	is_hello(SP_LINK_ETHERNET,
		 MACS "8847"
		      "0001004000011140" IP4_UDP,
		 4);
	is_hello(SP_LINK_ETHERNET,
		 MACS "810000648847"
		      "00011140" IP6_UDP,
		 6);
	is_hello(SP_LINK_ETHERNET, MACS "0029aaaa030000000800" IP4_UDP, 4);
	is_hello(SP_LINK_ETHERNET, MACS "0024060603" IP4_UDP "0000", 4);
	is_hello(SP_LINK_RAW, IP4_UDP, 4);
	is_hello(SP_LINK_RAW, IP6_UDP, 6);
	is_hello(SP_LINK_IPV4, IP4_TCP, 4);
	is_hello(SP_LINK_IPV6, IP6_UDP, 6);
	is_hello(SP_LINK_SLL,
		 "000000010006020000000001000008"
		 "00" IP4_UDP,
		 4);
	is_hello(SP_LINK_SLL, "0000000100060200000000010000810000640800" IP4_UDP, 4);
	is_hello(SP_LINK_SLL2,
		 "86dd00000000000200010006020000000001"
		 "0000" IP6_UDP,
		 6);
	is_hello(SP_LINK_NULL, "02000000" IP4_UDP, 4);
	is_hello(SP_LINK_NULL, "0000001e" IP6_UDP, 6);
	is_hello(SP_LINK_LOOP, "00000018" IP6_UDP, 6);
}

static void wireless(void **state)
{
	struct sp_cap_view c;
	uint8_t octets[512];

	(void)state;
	is_hello(SP_LINK_RADIOTAP,
		 "0000080000000000"
		 "08010000020000000001020000000002020000000003"
		 "0000"
		 "aaaa030000000800" IP4_UDP,
		 4);
	/* Time, flags (check sequence at the end), four addresses, quality of service. */
	is_hello(SP_LINK_RADIOTAP,
		 "0000110003000000"
		 "000000000000000010"
		 "88030000020000000001020000000002020000000003"
		 "0000"
		 "020000000004"
		 "0000"
		 "aaaa0300000086dd" IP6_UDP "deadbeef",
		 6);
	/* Encrypted: nothing to see, and nothing wrong. */
	look_at(SP_LINK_RADIOTAP,
		"0000080000000000"
		"08410000020000000001020000000002020000000003"
		"0000"
		"0011223344556677",
		0, &c, octets);
	assert_null(c.odd);
	assert_int_equal(c.v.src.addr.family, 0);
}

static void is_odd(uint16_t link, const char *hex, const char *part)
{
	struct sp_cap_view c;
	uint8_t octets[512];

	look_at(link, hex, 0, &c, octets);
	if (!c.odd || !strstr(c.odd, part))
		fail_msg("'%s' is not in '%s' of %s", part, c.odd ? c.odd : "nothing", hex);
}

static void contradictions(void **state)
{
	(void)state;
	is_odd(SP_LINK_ETHERNET, "02000000000202000000000108", "cut short");
	is_odd(SP_LINK_ETHERNET, MACS "8100", "VLAN tag is cut short");
	is_odd(SP_LINK_ETHERNET,
	       MACS "810000018100000281000003"
		    "0800" IP4_UDP,
	       "VLAN tags");
	is_odd(SP_LINK_ETHERNET, MACS "88470001104000", "without an end");
	is_odd(SP_LINK_ETHERNET,
	       MACS "0800"
		    "f5" IP4_UDP,
	       "another version");
	is_odd(SP_LINK_ETHERNET, MACS "86dd" IP4_UDP, "IPv6");
	is_odd(SP_LINK_ETHERNET, MACS "05ee" IP4_UDP, "neither");
	is_odd(SP_LINK_ETHERNET, MACS "0400aaaa030000000800" IP4_UDP, "above the frame");
	is_odd(SP_LINK_ETHERNET,
	       "020000000002"
	       "ffffffffffff"
	       "0800" IP4_UDP,
	       "group");
	is_odd(SP_LINK_ETHERNET,
	       MACS "0806"
		    "0001080006040001",
	       "ARP");
	is_odd(SP_LINK_RAW, "", "empty");
	is_odd(SP_LINK_RAW, "10", "version");
	is_odd(SP_LINK_IPV4, IP6_UDP, "version");
	is_odd(SP_LINK_SLL,
	       "0000000100060200000000010000"
	       "08",
	       "cut short");
	is_odd(SP_LINK_SLL, "00000001ffff02000000000100000800" IP4_UDP, "address longer");
	is_odd(SP_LINK_NULL, "020000", "cut short");
	is_odd(SP_LINK_NULL, "12345678" IP4_UDP, "family");
	is_odd(SP_LINK_RADIOTAP, "0000ff0000000000", "above the packet");
	is_odd(SP_LINK_RADIOTAP, "0000000000000000", "below");
	is_odd(SP_LINK_RADIOTAP, "0000100000000080ffffffffffffffff", "no end");
}

static void odd_packets(void **state)
{
	(void)state;
	is_odd(SP_LINK_RAW,
	       "450000130000000040110000"
	       "0a0000010a000002",
	       "below its header");
	is_odd(SP_LINK_RAW,
	       "450000ff0000000040110000"
	       "0a0000010a000002",
	       "above the packet");
	is_odd(SP_LINK_RAW,
	       "440000140000000040110000"
	       "0a0000010a000002",
	       "below 20");
	is_odd(SP_LINK_RAW,
	       "450000140000000040"
	       "fd0000"
	       "ffffffff0a000002",
	       "broadcast");
	is_odd(SP_LINK_RAW,
	       "450000140000000000"
	       "fd0000"
	       "0a0000010a000002",
	       "time to live");
	is_odd(SP_LINK_RAW,
	       "450000140000800040"
	       "fd0000"
	       "0a0000010a000002",
	       "reserved");
	is_odd(SP_LINK_RAW,
	       "4500001c00003fff40fd0000"
	       "0a0000010a000002"
	       "0000000000000000",
	       "above 65535");
	is_odd(SP_LINK_RAW,
	       "460000180000000040"
	       "fd0000"
	       "0a0000010a000002"
	       "07010000",
	       "option");
	is_odd(SP_LINK_RAW,
	       "4500001b0000000040110000"
	       "0a0000010a000002"
	       "03e807d0000800",
	       "UDP header");
	is_odd(SP_LINK_RAW,
	       "450000210000000040110000"
	       "0a0000010a000002"
	       "03e807d00008000068656c6c6f",
	       "UDP length below");
	is_odd(SP_LINK_RAW,
	       "450000210000000040110000"
	       "0a0000010a000002"
	       "03e807d0000f000068656c6c6f",
	       "UDP length above");
	is_odd(SP_LINK_RAW,
	       "4500002800000000400600000a0000010a000002"
	       "03e807d0000000000000000040020000"
	       "00000000",
	       "data offset below");
	is_odd(SP_LINK_RAW,
	       "4500002800000000400600000a0000010a000002"
	       "03e807d0000000000000000050030000"
	       "00000000",
	       "SYN and FIN");
	is_odd(SP_LINK_IPV6,
	       "6000000000002b40"
	       "20010db8000000000000000000000001"
	       "20010db8000000000000000000000002",
	       "cut short");
	is_odd(SP_LINK_IPV6,
	       "6000000000082b40"
	       "20010db8000000000000000000000001"
	       "20010db8000000000000000000000002"
	       "3b0000ff00000000",
	       "routing header");
}

/* A capture that was cut has the lengths of what there was; only the octets are missing. */
static void cut_captures(void **state)
{
	struct sp_cap_view c;
	uint8_t octets[512];

	(void)state;
	look_at(SP_LINK_RAW,
		"4500012c00000000400600000a0000010a000002"
		"03e807d000000064000000c85018ffff00000000"
		"6865",
		300, &c, octets);
	assert_null(c.odd);
	assert_true(c.cut);
	assert_int_equal(c.seq, 100);
	assert_int_equal(c.ack, 200);
	assert_int_equal(c.v.payload_len, 2);
	assert_int_equal(c.payload_orig, 260);
	look_at(SP_LINK_RAW, "4500012c000000004006", 300, &c, octets);
	assert_null(c.odd);
}

static void other_links_are_not_looked_into(void **state)
{
	struct sp_cap_view c;
	uint8_t octets[512];

	(void)state;
	look_at(105, IP4_UDP, 0, &c, octets);
	assert_false(c.dissected);
	assert_null(c.odd);
	assert_int_equal(c.v.l3_len, 0);
}

static void check_sequences_are_no_payload(void **state)
{
	uint8_t octets[512];
	uint32_t n = bytes(MACS "0802"
				"0102030405060708"
				"deadbeef",
			   octets);
	struct sp_cap_packet p = {
		.data = octets, .len = n, .orig_len = n, .link = SP_LINK_ETHERNET, .fcs_len = 4
	};
	struct sp_cap_view c;

	(void)state;
	sp_cap_view(&p, &c);
	assert_int_equal(c.v.payload_len, 8);
}

/* Whatever the octets, what is said of them lies inside. */
static void any_octets(void **state)
{
	static const uint16_t all[] = { 0, 1, 101, 108, 113, 127, 228, 229, 276, 5 };
	static const char *const seeds[] = { MACS "8100006488470001114045", MACS "86dd60",
					     "0000080000000000080100", IP4_TCP, IP6_UDP };
	struct sp_rng r;
	uint8_t octets[512], *exact;

	(void)state;
	sp_rng_init(&r, 7, NULL);
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t head = bytes(seeds[i % 5], octets),
			 n = (uint32_t)sp_rng_below(&r, 120);
		struct sp_cap_packet p = { .len = n, .link = all[sp_rng_below(&r, 10)] };
		struct sp_cap_view c;

		for (uint32_t k = sp_rng_below(&r, 2) ? head : 0u; k < n; k++)
			octets[k] = (uint8_t)sp_rng_u64(&r);
		p.orig_len = n + (sp_rng_below(&r, 3) ? 0 : 100);
		exact = malloc(n ? n : 1);
		memcpy(exact, octets, n);
		p.data = exact;
		sp_cap_view(&p, &c);
		assert_true((uint64_t)c.v.payload_off + c.v.payload_len <= n);
		assert_true(c.v.l4_off <= c.v.payload_off);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links),
		cmocka_unit_test(wireless),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(odd_packets),
		cmocka_unit_test(cut_captures),
		cmocka_unit_test(other_links_are_not_looked_into),
		cmocka_unit_test(check_sequences_are_no_payload),
		cmocka_unit_test(any_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
