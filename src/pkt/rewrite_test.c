#include "pkt/rewrite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"
#include "pkt/crc32c.h"
#include "pkt/csum.h"
#include "pkt/rewrite_impl.h"
#include "pkt/view.h"

#define ETHERNET 1
#define CAP	 2048u

struct frame {
	uint8_t b[CAP];
	uint32_t len;
};

/* ---- frames to rewrite: written back to front, so that each layer knows what it carries ---- */

static void front(struct frame *f, const void *octets, uint32_t n)
{
	assert_true(f->len + n <= CAP);
	memmove(f->b + n, f->b, f->len);
	memcpy(f->b, octets, n);
	f->len += n;
}

static void start(struct frame *f, const char *payload)
{
	f->len = 0;
	front(f, payload, (uint32_t)strlen(payload));
}

static const uint8_t src4[4] = { 10, 1, 2, 3 }, dst4[4] = { 10, 200, 0, 9 };
static const uint8_t src6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 7 };
static const uint8_t dst6[16] = { 0x20, 1, 0xd, 0xb8, 0, 9, [15] = 9 };

static uint64_t pseudo(bool v6, uint8_t proto, uint32_t len)
{
	return v6 ? sp_csum_pseudo6(src6, dst6, proto, len)
		  : sp_csum_pseudo4(src4, dst4, proto, (uint16_t)len);
}

static void udp(struct frame *f, bool v6, uint16_t sport, uint16_t dport)
{
	uint8_t h[8] = { 0 };
	uint16_t sum;

	sp_put_be16(h, sport);
	sp_put_be16(h + 2, dport);
	sp_put_be16(h + 4, (uint16_t)(f->len + 8));
	front(f, h, sizeof h);
	sum = sp_csum_finish_udp(sp_csum_add(pseudo(v6, 17, f->len), f->b, f->len));
	memcpy(f->b + 6, &sum, 2);
}

static void tcp(struct frame *f, bool v6, uint16_t sport, uint16_t dport)
{
	uint8_t h[24] = { [7] = 1, [12] = 0x60, [13] = 0x18, [20] = 2, 4, 5, 0xb4 };
	uint16_t sum;

	sp_put_be16(h, sport);
	sp_put_be16(h + 2, dport);
	front(f, h, sizeof h);
	sum = sp_csum_finish(sp_csum_add(pseudo(v6, 6, f->len), f->b, f->len));
	memcpy(f->b + 16, &sum, 2);
}

static void sctp(struct frame *f)
{
	uint8_t h[12] = { 0x10, 0, 0x20, 0, 1, 2, 3, 4 };
	uint32_t crc;

	front(f, h, sizeof h);
	crc = sp_crc32c(f->b, f->len);
	for (unsigned i = 0; i < 4; i++)
		f->b[8 + i] = (uint8_t)(crc >> 8 * i);
}

static void icmp(struct frame *f, bool v6, uint8_t type)
{
	uint8_t h[8] = { type };
	uint16_t sum;

	front(f, h, sizeof h);
	sum = sp_csum_finish(sp_csum_add(v6 ? pseudo(true, 58, f->len) : 0, f->b, f->len));
	memcpy(f->b + 2, &sum, 2);
}

static void ip4(struct frame *f, uint8_t proto, uint16_t frag)
{
	uint8_t h[20] = { 0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, proto };
	uint16_t sum;

	sp_put_be16(h + 2, (uint16_t)(f->len + 20));
	sp_put_be16(h + 6, frag);
	memcpy(h + 12, src4, 4);
	memcpy(h + 16, dst4, 4);
	sum = sp_csum_finish(sp_csum_add(0, h, 20));
	memcpy(h + 10, &sum, 2);
	front(f, h, sizeof h);
}

static void ip6(struct frame *f, uint8_t next)
{
	uint8_t h[40] = { 0x60, 0, 0, 0, 0, 0, next, 64 };

	sp_put_be16(h + 4, (uint16_t)f->len);
	memcpy(h + 8, src6, 16);
	memcpy(h + 24, dst6, 16);
	front(f, h, sizeof h);
}

static void ip(struct frame *f, bool v6, uint8_t proto)
{
	if (v6)
		ip6(f, proto);
	else
		ip4(f, proto, 0);
}

static void ether(struct frame *f, uint16_t type)
{
	uint8_t h[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	sp_put_be16(h + 12, type);
	front(f, h, sizeof h);
}

static void ether_ip(struct frame *f, bool v6)
{
	ether(f, v6 ? 0x86dd : 0x0800);
}

static void udp_frame(struct frame *f, bool v6)
{
	start(f, "a payload that is odd");
	udp(f, v6, 40000, 53);
	ip(f, v6, 17);
	ether_ip(f, v6);
}

static void tcp_frame(struct frame *f, bool v6)
{
	start(f, "GET / HTTP/1.1\r\n\r\n");
	tcp(f, v6, 40000, 80);
	ip(f, v6, 6);
	ether_ip(f, v6);
}

/* ---- applying ---- */

static struct sp_rewrite *compiled(const char *words)
{
	struct sp_rewrite *r;
	struct sp_err err = { 0 };

	if (sp_rewrite_new(&r, words, SP_REWRITE_ALL, sp_mem_system(), &err))
		fail_msg("%s: %s", words, err.text);
	return r;
}

static struct sp_rewrite_counts apply(struct frame *f, const char *words, uint64_t loop)
{
	struct sp_rewrite_counts counts = { 0 };
	struct sp_rewrite *r = compiled(words);
	int n = sp_rewrite_apply(r, ETHERNET, f->b, f->len, CAP, loop, &counts);

	assert_true(n >= 0);
	f->len = (uint32_t)n;
	sp_rewrite_free(r);
	assert_int_equal(counts.frames, 1);
	return counts;
}

static void expect_sums(const struct frame *f, enum sp_csum_state l3, enum sp_csum_state l4)
{
	struct sp_view v;

	assert_int_equal(sp_view(f->b, f->len, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.l3_csum, l3);
	assert_int_equal(v.l4_csum, l4);
}

static void expect_src(const struct frame *f, const char *want)
{
	struct sp_view v;
	char text[72];

	sp_view(f->b, f->len, false, SP_CSUM_UNKNOWN, &v);
	assert_string_equal(sp_addr_format(text, sizeof text, &v.src.addr), want);
}

static void expect_dst(const struct frame *f, const char *want)
{
	struct sp_view v;
	char text[72];

	sp_view(f->b, f->len, false, SP_CSUM_UNKNOWN, &v);
	assert_string_equal(sp_addr_format(text, sizeof text, &v.dst.addr), want);
}

static void maps(void **state)
{
	struct frame f;

	(void)state;
	tcp_frame(&f, false);
	apply(&f, "ip-map=10.0.0.0/8:192.168.0.0/16", 0);
	expect_src(&f, "192.168.2.3");
	expect_dst(&f, "192.168.0.9");
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	/* Any lengths; the first that has the address is taken. */
	tcp_frame(&f, false);
	apply(&f,
	      "src-ip-map=10.1.0.0/19:172.16.16.0/21,0.0.0.0/0:9.0.0.0/8 "
	      "dst-ip-map=10.1.0.0/16:1.0.0.0/8",
	      0);
	expect_src(&f, "172.16.18.3");
	expect_dst(&f, "10.200.0.9");
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	udp_frame(&f, true);
	apply(&f, "ip-map=[2001:db8::/32]:[fd00:1:2::/48],10.0.0.0/8:11.0.0.0/8", 0);
	expect_src(&f, "fd00:1:2::7");
	expect_dst(&f, "fd00:1:2::9");
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
	udp_frame(&f, true);
	apply(&f, "ip-map=2001:db8::/32:fd00::/16", 0);
	expect_dst(&f, "fd00:db8:9::9");
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

static void endpoints(void **state)
{
	struct frame f;

	(void)state;
	tcp_frame(&f, false);
	apply(&f, "endpoints=1.1.1.1:2.2.2.2 src-mac=02:00:00:00:0a:01,02:00:00:00:0a:02", 0);
	expect_src(&f, "1.1.1.1");
	expect_dst(&f, "2.2.2.2");
	assert_int_equal(f.b[11], 1);
	start(&f, "x");
	tcp(&f, false, 80, 40000);
	ip4(&f, 6, 0);
	ether(&f, 0x0800);
	apply(&f, "endpoints=1.1.1.1:2.2.2.2 src-mac=02:00:00:00:0a:01,02:00:00:00:0a:02", 0);
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
	udp_frame(&f, false);
	apply(&f, "src-mac=06:06:06:06:06:06 mac-map=02:00:00:00:00:02,02:00:00:00:00:09", 0);
	assert_memory_equal(f.b, want, 12);
	memset(f.b, 0xff, 6);
	apply(&f, "dst-mac=06:06:06:06:06:06 skip-broadcast", 0);
	assert_int_equal(f.b[0], 0xff);
	apply(&f, "dst-mac=06:06:06:06:06:06", 0);
	assert_int_equal(f.b[0], 6);
}

/* What was wrong stays wrong by as much. */
static void wrong_stays_wrong(void **state)
{
	struct frame right, wrong;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t check = v6 ? 14 + 40 + 16 : 14 + 20 + 16;

		tcp_frame(&right, v6);
		wrong = right;
		sp_put_be16(wrong.b + check, (uint16_t)(sp_get_be16(wrong.b + check) ^ 0x0101));
		if (!v6)
			wrong.b[14 + 10] ^= 1;
		apply(&wrong,
		      "ip-map=10.0.0.0/8:44.0.0.0/8,[2001:db8::/32]:[fd::/16] "
		      "port-map=80:8080 ttl=9",
		      0);
		expect_sums(&wrong, v6 ? SP_CSUM_NONE : SP_CSUM_BAD, SP_CSUM_BAD);
		apply(&wrong, "fix-csum", 0);
		expect_sums(&wrong, v6 ? SP_CSUM_NONE : SP_CSUM_OK, SP_CSUM_OK);
	}
}

static void untouched(void **state)
{
	struct frame f, was;
	struct sp_rewrite_counts c;

	(void)state;
	tcp_frame(&f, false);
	f.b[14 + 20 + 16] ^= 7;
	was = f;
	c = apply(&f, "ip-map=172.16.0.0/12:10.0.0.0/8 port-map=81:82 vlan-id=4", 0);
	assert_memory_equal(&f, &was, sizeof f);
	assert_int_equal(c.changed, 0);
}

static void partial(void **state)
{
	struct sp_rewrite_counts c;
	struct frame f, was;
	uint16_t sum;

	(void)state;
	tcp_frame(&f, false);
	sum = sp_csum_fold(pseudo(false, 6, f.len - 34));
	memcpy(f.b + 14 + 20 + 16, &sum, 2);
	was = f;
	c = apply(&f, "ttl=3", 0); /* nothing that it covers changes */
	assert_int_equal(c.completed, 0);
	assert_memory_equal(f.b + 34, was.b + 34, f.len - 34);
	c = apply(&f, "src-ip-map=10.0.0.0/8:11.0.0.0/8", 0);
	assert_int_equal(c.completed, 1);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	/* Cut: it stays partial, of the new addresses. */
	f = was;
	f.len -= 3;
	c = apply(&f, "src-ip-map=10.0.0.0/8:11.0.0.0/8", 0);
	assert_int_equal(c.completed, 0);
	memcpy(&sum, f.b + 14 + 20 + 16, 2);
	assert_int_equal(sum, sp_csum_fold(sp_csum_pseudo4(f.b + 26, f.b + 30, 6,
							   (uint16_t)(was.len - 34))));
}

static void udp_without(void **state)
{
	struct frame f;

	(void)state;
	udp_frame(&f, false);
	memset(f.b + 34 + 6, 0, 2);
	apply(&f, "ip-map=10.0.0.0/8:11.0.0.0/8 fix-csum", 0);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_ABSENT);
	udp_frame(&f, true);
	memset(f.b + 54 + 6, 0, 2);
	apply(&f, "dst-ip-map=[2001:db8::/32]:[fd::/16]", 0);
	assert_int_equal(sp_get_be16(f.b + 54 + 6), 0);
	apply(&f, "fix-csum", 0);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

/* A datagram in two pieces, each rewritten alone, is right when it is joined. */
static void fragments(void **state)
{
	static const char words[] = "ip-map=10.0.0.0/8:99.0.0.0/8 port-map=53:5353 fix-csum";
	struct frame whole, part[2];

	(void)state;
	start(&whole, "0123456789abcdefghijklmnopq");
	udp(&whole, false, 40000, 53);
	for (unsigned i = 0; i < 2; i++) {
		part[i].len = i ? whole.len - 16 : 16;
		memcpy(part[i].b, whole.b + i * 16, part[i].len);
		ip4(&part[i], 17, i ? 2 : 0x2000);
		ether(&part[i], 0x0800);
		apply(&part[i], words, 0);
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

static void vlans(void **state)
{
	struct sp_rewrite *r = compiled("vlan=add vlan-id=100 vlan-priority=5 vlan-dei=1");
	struct frame f, was;
	struct sp_view v;

	(void)state;
	udp_frame(&f, false);
	was = f;
	assert_int_equal(sp_rewrite_room(r), 4);
	assert_int_equal(sp_rewrite_apply(r, ETHERNET, f.b, f.len, f.len + 3, 0, NULL),
			 -ENOBUFS);
	assert_memory_equal(&f, &was, sizeof f);
	f.len = (uint32_t)sp_rewrite_apply(r, ETHERNET, f.b, f.len, f.len + 4, 0, NULL);
	assert_int_equal(f.len, was.len + 4);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.vlan_tags, 1);
	assert_int_equal(v.vlan[0], 0xb064);
	apply(&f, "vlan=add vlan-id=7 vlan-type=802.1ad", 0);
	assert_int_equal(sp_get_be16(f.b + 12), 0x88a8);
	apply(&f, "vlan-priority=1 vlan-id=8 ip-map=10.0.0.0/8:99.0.0.0/8", 0);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.vlan[0], 0x2008);
	assert_int_equal(v.vlan[1], 0xb064);
	expect_src(&f, "99.1.2.3");
	apply(&f, "vlan=delete", 0);
	apply(&f, "vlan=delete ip-map=99.0.0.0/8:10.0.0.0/8", 0);
	apply(&f, "vlan=delete vlan-id=5", 0); /* no tag is left */
	assert_int_equal(f.len, was.len);
	expect_dst(&f, "10.200.0.9");
	sp_rewrite_free(r);
}

static void fields(void **state)
{
	struct frame f;

	(void)state;
	udp_frame(&f, false);
	f.b[15] = 1; /* ECN */
	apply(&f, "dscp=46 ttl=-10 fix-csum", 0);
	assert_int_equal(f.b[15], 46 << 2 | 1);
	assert_int_equal(f.b[22], 54);
	apply(&f, "ttl=-200 tos=0x10", 0);
	assert_int_equal(f.b[15], 0x10);
	assert_int_equal(f.b[22], 1);
	apply(&f, "ttl=+255 tclass=9", 0);
	assert_int_equal(f.b[15], 0x10);
	assert_int_equal(f.b[22], 255);
	apply(&f, "ttl=17", 0);
	assert_int_equal(f.b[22], 17);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	udp_frame(&f, true);
	apply(&f, "tclass=0xa3 flow-label=0x12345 ttl=1 tos=7", 0);
	assert_int_equal(sp_get_be32(f.b + 14), 0x6a312345);
	assert_int_equal(f.b[21], 1);
	apply(&f, "dscp=0", 0);
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
	front(&f, request, sizeof request);
	ether(&f, 0x0806);
	apply(&f, "ip-map=10.0.0.0/8:99.0.0.0/8 mac-map=02:00:00:00:00:01,06:00:00:00:00:06",
	      0);
	assert_memory_equal(f.b + 14, want, sizeof want);
	assert_int_equal(f.b[6], 6);
}

static void neighbours(void **state)
{
	struct frame f;
	char target[17] = "";

	(void)state;
	start(&f, "0123456789abcdef-and-options");
	memcpy(f.b, dst6, 16);
	icmp(&f, true, 135);
	ip6(&f, 58);
	ether(&f, 0x86dd);
	apply(&f, "ip-map=[2001:db8::/32]:[fd00::/16]", 0);
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
	tcp_frame(&f, false);
	apply(&f, "port-map=81,80:8080,39999-40001:1-3,8080:9", 0);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.dst.port, 8080);
	assert_int_equal(v.src.port, 2);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	apply(&f, "src-port-map=2:5,8080:6 dst-port-map=2:7 unique-port", 3);
	sp_view(f.b, f.len, false, SP_CSUM_UNKNOWN, &v);
	assert_int_equal(v.src.port, 5);
	assert_int_equal(v.dst.port, 8083);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
}

static void payloads(void **state)
{
	struct frame f;

	(void)state;
	tcp_frame(&f, true);
	apply(&f, "payload-at=5:41 payload-at=17:4142 payload-replace=0d0a:2121", 0);
	assert_memory_equal(f.b + 14 + 40 + 24, "GET /AHTTP/1.1!!!!", 18);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
	apply(&f, "payload-at=17:41 payload-at=0:474554", 0);
	assert_memory_equal(f.b + 14 + 40 + 24, "GET /AHTTP/1.1!!!A", 18);
	expect_sums(&f, SP_CSUM_NONE, SP_CSUM_OK);
}

static void sctp_crc(void **state)
{
	struct sp_rewrite_counts c;
	struct frame f;

	(void)state;
	start(&f, "chunks of any length");
	sctp(&f);
	ip4(&f, 132, 0);
	ether(&f, 0x0800);
	apply(&f, "port-map=4096:9 payload-replace=6f66:4f46 ip-map=10.0.0.0/8:9.0.0.0/8", 0);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	f.b[14 + 20 + 8] ^= 0x10;
	apply(&f, "port-map=9:10", 0);
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_BAD);
	f.b[14 + 20 + 8] ^= 0x10;
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	f.len--;
	c = apply(&f, "port-map=10:11", 0);
	assert_int_equal(c.stale, 1);
}

/* The address that a routing header says last is the one that the pseudo header means. */
static void routing(void **state)
{
	uint8_t h[24] = { 6, 2, 0, 1 };
	struct frame f;
	uint16_t sum = 0;

	(void)state;
	start(&f, "behind a detour");
	tcp(&f, true, 1, 2);
	memcpy(h + 8, dst6, 16);
	front(&f, h, sizeof h);
	ip6(&f, 43);
	f.b[24 + 15] = 0x77; /* the next station */
	ether(&f, 0x86dd);
	apply(&f, "ip-map=[2001:db8::/32]:[fd12::/16] port-map=2:3", 0);
	expect_dst(&f, "fd12:db8:9::77");
	assert_int_equal(f.b[14 + 40 + 8], 0xfd);
	sum = sp_csum_finish(
		sp_csum_add(sp_csum_pseudo6(f.b + 22, f.b + 14 + 40 + 8, 6, f.len - 14 - 64),
			    f.b + 14 + 64, f.len - 14 - 64));
	assert_int_equal(sum, 0);
}

/* ---- inside ---- */

enum tunnel { IPIP, GRE, GRE_SUM, VXLAN, GENEVE, TUNNELS };

/* Puts a packet (of f) into a tunnel: v6 is that of the inner and the outer packet. */
static uint32_t wrap(struct frame *f, enum tunnel t, bool v6)
{
	uint8_t gre[8] = { 0, 0, v6 ? 0x86 : 8, v6 ? 0xdd : 0 }, vxlan[8] = { 8, [6] = 5 };
	uint8_t geneve[12] = { 1, 0, v6 ? 0x86 : 8, v6 ? 0xdd : 0, [10] = 1 };
	uint32_t before;
	uint16_t sum;

	if (t == VXLAN)
		ether_ip(f, v6);
	before = f->len;
	switch (t) {
	case IPIP:
		break;
	case GRE:
		front(f, gre, 4);
		break;
	case GRE_SUM:
		gre[0] = 0x80;
		front(f, gre, 8);
		sum = sp_csum_finish(sp_csum_add(0, f->b, f->len));
		memcpy(f->b + 4, &sum, 2);
		break;
	case VXLAN:
		front(f, vxlan, 8);
		udp(f, v6, 50000, 4789);
		break;
	default:
		front(f, geneve, 12);
		udp(f, v6, 50000, 6081);
	}
	ip(f, v6, t == IPIP ? (v6 ? 41 : 4) : t < VXLAN ? 47 : 17);
	ether_ip(f, v6);
	return f->len - before + (t == VXLAN ? 14 : 0);
}

/* The inner packet as a frame of its own. */
static void unwrap(const struct frame *f, uint32_t at, bool v6, struct frame *to)
{
	to->len = f->len - at;
	memcpy(to->b, f->b + at, to->len);
	ether_ip(to, v6);
}

static void tunnels(void **state)
{
	struct frame f, inner;

	(void)state;
	for (unsigned i = 0; i < 2 * TUNNELS; i++) {
		enum tunnel t = i / 2;
		bool v6 = i & 1;
		enum sp_csum_state l3 = v6 ? SP_CSUM_NONE : SP_CSUM_OK;
		uint32_t at;

		for (unsigned only = 0; only < 2; only++) {
			start(&f, "inside of a tunnel");
			tcp(&f, v6, 40000, 80);
			ip(&f, v6, 6);
			at = wrap(&f, t, v6);
			apply(&f,
			      only ? "inner=only ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:"
				     "[fd::/16] port-map=80:81 ttl=5 payload-replace=6f66:4f46"
				   : "inner=also ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:"
				     "[fd::/16] port-map=80:81 ttl=5 payload-replace=6f66:4f46",
			      0);
			expect_sums(&f, l3, t < VXLAN ? SP_CSUM_NONE : SP_CSUM_OK);
			expect_src(&f, only ? (v6 ? "2001:db8::7" : "10.1.2.3")
					    : (v6 ? "fd:db8::7" : "99.1.2.3"));
			if (t == GRE_SUM)
				assert_int_equal(
					sp_csum_finish(sp_csum_add(0, f.b + (v6 ? 54 : 34),
								   f.len - (v6 ? 54 : 34))),
					0);
			unwrap(&f, at, v6, &inner);
			expect_sums(&inner, l3, SP_CSUM_OK);
			expect_src(&inner, v6 ? "fd:db8::7" : "99.1.2.3");
			assert_memory_equal(inner.b + inner.len - 18, "inside OF a tunnel", 18);
		}
		/* Not asked for: the inside stays. */
		start(&f, "x");
		tcp(&f, v6, 40000, 80);
		ip(&f, v6, 6);
		at = wrap(&f, t, v6);
		apply(&f, "ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:[fd::/16]", 0);
		unwrap(&f, at, v6, &inner);
		expect_src(&inner, v6 ? "2001:db8::7" : "10.1.2.3");
	}
}

static void quoted(void **state)
{
	struct frame f, quote;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t at = v6 ? 14 + 40 + 8 : 14 + 20 + 8;

		start(&f, "what nobody wanted");
		udp(&f, v6, 40000, 53);
		ip(&f, v6, 17);
		icmp(&f, v6, v6 ? 1 : 3);
		ip(&f, v6, v6 ? 58 : 1);
		ether_ip(&f, v6);
		apply(&f,
		      "ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:[fd::/16] port-map=53:54 "
		      "inner=also ttl=9",
		      0);
		expect_sums(&f, v6 ? SP_CSUM_NONE : SP_CSUM_OK, SP_CSUM_OK);
		unwrap(&f, at, v6, &quote);
		expect_sums(&quote, v6 ? SP_CSUM_NONE : SP_CSUM_OK, SP_CSUM_OK);
		expect_src(&quote, v6 ? "fd:db8::7" : "99.1.2.3");
		assert_int_equal(quote.b[v6 ? 21 : 22], 64);
	}
}

/* ---- addresses ---- */

static struct sp_addr address(const char *text)
{
	struct sp_addr a;

	assert_int_equal(sp_addr_parse(text, &a), 0);
	return a;
}

static const char *const of_all_kinds[] = {
	"10.0.0.1",   "10.255.255.254",	 "172.16.3.4",	     "172.31.255.1",	"192.168.7.8",
	"100.64.9.9", "198.18.0.1",	 "192.0.2.77",	     "198.51.100.3",	"203.0.113.9",
	"8.8.8.8",    "93.184.216.34",	 "1.0.0.1",	     "223.255.254.9",	"127.0.0.1",
	"224.0.0.5",  "239.1.2.3",	 "0.0.0.0",	     "255.255.255.255", "169.254.3.4",
	"fd00::1",    "2001:db8::1",	 "2a00::1",	     "fe80::1",		"::1",
	"ff02::1",    "::ffff:10.0.0.1", "64:ff9b::808:808", "4000::1",		"f000::9",
};

/* Drawn and moved addresses are of the same class; of those that stay, the same. */
static void same_kind(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof of_all_kinds / sizeof *of_all_kinds; i++) {
		struct sp_addr was = address(of_all_kinds[i]), a;
		enum sp_addr_class class = sp_addr_class(&was);
		bool goes = class == SP_ADDR_PRIVATE || class == SP_ADDR_PUBLIC ||
			    class == SP_ADDR_DOCUMENTATION;
		unsigned others = 0;

		goes = goes && strncmp(of_all_kinds[i], "::ffff", 6) != 0 &&
		       strncmp(of_all_kinds[i], "64:", 3) != 0;
		for (uint64_t n = 1; n < 300; n++) {
			a = was;
			sp_rw_address_draw(&a, n);
			assert_int_equal(sp_addr_class(&a), class);
			others += !sp_addr_eq(&a, &was);
			a = was;
			sp_rw_address_move(&a, n);
			assert_int_equal(sp_addr_class(&a), class);
			if (goes && n < 254)
				assert_false(sp_addr_eq(&a, &was));
		}
		assert_true(goes ? others > 250 : others == 0);
	}
}

static void move_is_one_to_one(void **state)
{
	uint8_t seen[65536] = { 0 };
	struct sp_addr a;

	(void)state;
	for (uint64_t n = 0; n < 65024; n++) { /* all hosts of 192.168/16 */
		a = address("192.168.255.254");
		sp_rw_address_move(&a, n);
		assert_int_equal(sp_get_be16(a.ip), 0xc0a8);
		assert_true(a.ip[3] != 0 && a.ip[3] != 255);
		assert_int_equal(seen[sp_get_be16(a.ip + 2)]++, 0);
	}
	sp_rw_address_move(&a, 1);
	assert_int_equal(sp_get_be16(a.ip + 2), 0xfffe);
}

static void drawn(void **state)
{
	uint8_t seen[65536] = { 0 };
	struct frame f;
	struct sp_view v;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		struct sp_addr a = address("10.20.0.0");

		sp_put_be16(a.ip + 2, (uint16_t)i);
		sp_rw_address_draw(&a, 77);
		assert_int_equal(a.ip[0], 10);
		assert_int_equal(seen[sp_get_be16(a.ip + 2)]++, 0);
	}
	/* A map that takes the address is enough. */
	tcp_frame(&f, false);
	apply(&f, "seed=5 src-ip-map=10.0.0.0/8:99.0.0.0/8", 0);
	expect_src(&f, "99.1.2.3");
	sp_view(f.b, f.len, true, SP_CSUM_UNKNOWN, &v);
	assert_true(v.l4_csum == SP_CSUM_OK && memcmp(v.dst.addr.ip, dst4, 4) != 0);
}

static void expect_may_become(void)
{
	static const struct {
		const char *from, *to;
		bool may;
	} rows[] = {
		{ "10.1.2.3", "10.200.0.63", true },	{ "10.1.2.3", "10.200.0.255", false },
		{ "10.1.2.3", "10.200.0.0", false },	{ "10.1.2.3", "11.1.2.3", false },
		{ "172.16.0.9", "172.31.9.127", true }, { "172.16.0.9", "172.32.9.127", false },
		{ "8.8.8.8", "8.8.8.127", true },	{ "8.8.8.8", "8.8.9.127", false },
		{ "127.0.0.1", "127.0.0.2", false },	{ "10.1.2.255", "10.1.2.3", false },
		{ "fd00::1", "fd00::2", false },
	};
	struct sp_addr from, to;

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sp_addr_parse(rows[i].from, &from), 0);
		assert_int_equal(sp_addr_parse(rows[i].to, &to), 0);
		assert_int_equal(sp_rewrite_may_become(&from, &to), rows[i].may);
	}
}

static void loops(void **state)
{
	struct sp_rewrite *r = compiled("unique-ip");
	struct frame f;

	(void)state;
	assert_true(sp_rewrite_varies(r));
	sp_rewrite_free(r);
	tcp_frame(&f, false);
	apply(&f, "unique-ip", 0);
	expect_src(&f, "10.1.2.3");
	apply(&f, "unique-ip", 252);
	expect_src(&f, "10.1.3.1");
	expect_sums(&f, SP_CSUM_OK, SP_CSUM_OK);
	expect_may_become();
}

/* ---- other links, damage ---- */

static void links(void **state)
{
	struct sp_rewrite *r = compiled("ip-map=10.0.0.0/8:99.0.0.0/8 vlan=add");
	static const struct {
		uint16_t link;
		uint32_t head, type_at;
	} of[] = { { 101, 0, 0 }, { 228, 0, 0 },   { 0, 4, 0 },
		   { 108, 4, 0 }, { 113, 16, 14 }, { 276, 20, 0 } };

	(void)state;
	for (unsigned i = 0; i < sizeof of / sizeof *of; i++) {
		struct sp_rewrite_counts c = { 0 };
		uint8_t head[20] = { 0 };
		struct frame f;

		udp_frame(&f, false);
		f.len -= 14;
		memmove(f.b, f.b + 14, f.len);
		if (of[i].head > 4)
			sp_put_be16(head + of[i].type_at, 0x0800);
		front(&f, head, of[i].head);
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
	udp_frame(&f, false);
	f.len -= 14;
	memmove(f.b, f.b + 14, f.len);
	front(&f, two, sizeof two);
	ether(&f, 0x8847);
	apply(&f, "ip-map=10.0.0.0/8:99.0.0.0/8", 0);
	assert_int_equal(f.b[14 + 8 + 12], 99);
}

static void cut(void **state)
{
	struct frame whole, f;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		start(&whole, "inside");
		tcp(&whole, i & 1, 40000, 80);
		ip(&whole, i & 1, 6);
		wrap(&whole, (enum tunnel)(i / 2 + 1), i & 1);
		for (uint32_t n = 0; n <= whole.len; n++) {
			struct sp_rewrite *r = compiled(
				"inner=also ip-map=0.0.0.0/0:9.0.0.0/8 seed=1 fix-csum "
				"port-map=80:81 vlan=add payload-at=0:00 dscp=3");
			uint8_t *exact = malloc(n + 4);

			memcpy(exact, whole.b, n);
			f.len = (uint32_t)sp_rewrite_apply(r, ETHERNET, exact, n, n + 4, 0,
							   NULL);
			assert_int_equal(f.len, n < 14 ? n : n + 4);
			free(exact);
			sp_rewrite_free(r);
		}
	}
}

/* ---- any frames, any words ---- */

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
		start(&f, payload);
		if (udp_too)
			udp(&f, v6, 40000, 53);
		else
			tcp(&f, v6, 40000, 80);
		ip(&f, v6, udp_too ? 17 : 6);
		if (t < TUNNELS)
			at = wrap(&f, t, v6);
		else
			ether_ip(&f, v6);
		for (unsigned w = 0; w < sizeof any_words / sizeof *any_words; w++)
			if (sp_rng_u64(&rng) % 3 == 0) {
				strcat(words, any_words[w]);
				strcat(words, " ");
			}
		apply(&f, words, sp_rng_u64(&rng) % 5000);
		assert_int_equal(sp_view(f.b, f.len, true, SP_CSUM_UNKNOWN, &v), 0);
		if (v.l3_csum != l3 || v.l4_csum == SP_CSUM_BAD)
			fail_msg("round %u: l3 %d l4 %d after: %s", i, v.l3_csum, v.l4_csum,
				 words);
		/* Octets of a payload that nobody looks into are just octets. */
		if (at && (!strstr(words, "payload") || strstr(words, "inner"))) {
			struct frame inner;

			at += f.b[12] == 0x81 ? 4 : 0;
			unwrap(&f, at, v6, &inner);
			sp_view(inner.b, inner.len, true, SP_CSUM_UNKNOWN, &v);
			if (v.l3_csum != l3 || v.l4_csum != SP_CSUM_OK)
				fail_msg("round %u: inside, l4 %d after: %s", i, v.l4_csum,
					 words);
		}
	}
}

/* ---- words ---- */

static void wrong_words(void **state)
{
	static const char *const wrong[] = {
		"src-mac=1:2:3:4:5:6",
		"mac-map=02:00:00:00:00:01",
		"ip-map=10.0.0.0/8",
		"ip-map=10.0.0.1/8:11.0.0.0/8",
		"ip-map=10.0.0.0/33:11.0.0.0/8",
		"ip-map=10.0.0.0/8:[fd::/16]",
		"ip-map=10.0.0.0/8:11.0.0.0/8,",
		"endpoints=1.1.1.1",
		"endpoints=1.1.1.1:[::1]",
		"endpoints=1.1.1.0/24:2.2.2.2",
		"seed=x",
		"port-map=80",
		"port-map=80:",
		"port-map=:80",
		"port-map=80:65536",
		"port-map=70000:1",
		"port-map=1-3:1-2",
		"port-map=5-3:1",
		"port-map=1:2;3:4",
		"vlan=push",
		"vlan-id=4096",
		"vlan-priority=8",
		"vlan-dei=2",
		"vlan-type=1",
		"ttl=256",
		"ttl=--1",
		"ttl=",
		"ttl",
		"tos=-1",
		"dscp=64",
		"flow-label=0x100000",
		"inner=yes",
		"payload-at=4",
		"payload-at=4:",
		"payload-at=4:abc",
		"payload-at=:ab",
		"payload-replace=ab:abcd",
		"payload-replace=ab",
		"fix-csum=1",
		"fixcsum",
		"unique-ip=3",
		"skip",
		"=",
		"payload-at=99999:00",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sp_rewrite *r = NULL;
		struct sp_err err = { 0 };

		if (sp_rewrite_new(&r, wrong[i], SP_REWRITE_ALL, sp_mem_system(), &err) !=
		    -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
		assert_null(r);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_true(*err.text);
	}
}

static void without_memory(void **state)
{
	(void)state;
	for (uint64_t n = 0;; n++) {
		struct sp_rewrite *r;
		struct sp_mem_test mem;
		struct sp_err err = { 0 };
		int rc;

		sp_mem_test_init(&mem, n);
		rc = sp_rewrite_new(&r, "port-map=1:2 payload-at=0:00 payload-replace=ab:cd",
				    SP_REWRITE_ALL, &mem.mem, &err);
		sp_rewrite_free(r);
		assert_int_equal(mem.live, 0);
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps),	       cmocka_unit_test(endpoints),
		cmocka_unit_test(macs),	       cmocka_unit_test(wrong_stays_wrong),
		cmocka_unit_test(untouched),   cmocka_unit_test(partial),
		cmocka_unit_test(udp_without), cmocka_unit_test(fragments),
		cmocka_unit_test(vlans),       cmocka_unit_test(fields),
		cmocka_unit_test(arp),	       cmocka_unit_test(neighbours),
		cmocka_unit_test(ports),       cmocka_unit_test(payloads),
		cmocka_unit_test(sctp_crc),    cmocka_unit_test(routing),
		cmocka_unit_test(tunnels),     cmocka_unit_test(quoted),
		cmocka_unit_test(same_kind),   cmocka_unit_test(move_is_one_to_one),
		cmocka_unit_test(drawn),       cmocka_unit_test(loops),
		cmocka_unit_test(links),       cmocka_unit_test(labels),
		cmocka_unit_test(cut),	       cmocka_unit_test(any),
		cmocka_unit_test(wrong_words), cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
