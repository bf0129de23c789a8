#include "pkt/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/crc32c.h"
#include "pkt/csum.h"
#include "pkt/link_type.h"

const uint8_t frame_src4[4] = { 10, 1, 2, 3 }, frame_dst4[4] = { 10, 200, 0, 9 };
const uint8_t frame_src6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 7 };
const uint8_t frame_dst6[16] = { 0x20, 1, 0xd, 0xb8, 0, 9, [15] = 9 };

void frame_front(struct frame *f, const void *octets, uint32_t n)
{
	assert_true(f->len + n <= FRAME_CAP);
	memmove(f->b + n, f->b, f->len);
	memcpy(f->b, octets, n);
	f->len += n;
}

void frame_start(struct frame *f, const char *payload)
{
	f->len = 0;
	frame_front(f, payload, (uint32_t)strlen(payload));
}

uint64_t frame_pseudo(bool v6, uint8_t proto, uint32_t len)
{
	return v6 ? sp_csum_pseudo6(frame_src6, frame_dst6, proto, len)
		  : sp_csum_pseudo4(frame_src4, frame_dst4, proto, (uint16_t)len);
}

void frame_udp(struct frame *f, bool v6, uint16_t sport, uint16_t dport)
{
	uint8_t h[8] = { 0 };
	uint16_t sum;

	sp_put_be16(h, sport);
	sp_put_be16(h + 2, dport);
	sp_put_be16(h + 4, (uint16_t)(f->len + 8));
	frame_front(f, h, sizeof h);
	sum = sp_csum_finish_udp(sp_csum_add(frame_pseudo(v6, 17, f->len), f->b, f->len));
	memcpy(f->b + 6, &sum, 2);
}

void frame_tcp(struct frame *f, bool v6, uint16_t sport, uint16_t dport)
{
	uint8_t h[24] = { [7] = 1, [12] = 0x60, [13] = 0x18, [20] = 2, 4, 5, 0xb4 };
	uint16_t sum;

	sp_put_be16(h, sport);
	sp_put_be16(h + 2, dport);
	frame_front(f, h, sizeof h);
	sum = sp_csum_finish(sp_csum_add(frame_pseudo(v6, 6, f->len), f->b, f->len));
	memcpy(f->b + 16, &sum, 2);
}

void frame_sctp(struct frame *f)
{
	uint8_t h[12] = { 0x10, 0, 0x20, 0, 1, 2, 3, 4 };
	uint32_t crc;

	frame_front(f, h, sizeof h);
	crc = sp_crc32c(f->b, f->len);
	for (unsigned i = 0; i < 4; i++)
		f->b[8 + i] = (uint8_t)(crc >> 8 * i);
}

void frame_icmp(struct frame *f, bool v6, uint8_t type)
{
	uint8_t h[8] = { type };
	uint16_t sum;

	frame_front(f, h, sizeof h);
	sum = sp_csum_finish(
		sp_csum_add(v6 ? frame_pseudo(true, 58, f->len) : 0, f->b, f->len));
	memcpy(f->b + 2, &sum, 2);
}

void frame_ip4(struct frame *f, uint8_t proto, uint16_t frag)
{
	uint8_t h[20] = { 0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, proto };
	uint16_t sum;

	sp_put_be16(h + 2, (uint16_t)(f->len + 20));
	sp_put_be16(h + 6, frag);
	memcpy(h + 12, frame_src4, 4);
	memcpy(h + 16, frame_dst4, 4);
	sum = sp_csum_finish(sp_csum_add(0, h, 20));
	memcpy(h + 10, &sum, 2);
	frame_front(f, h, sizeof h);
}

void frame_ip6(struct frame *f, uint8_t next)
{
	uint8_t h[40] = { 0x60, 0, 0, 0, 0, 0, next, 64 };

	sp_put_be16(h + 4, (uint16_t)f->len);
	memcpy(h + 8, frame_src6, 16);
	memcpy(h + 24, frame_dst6, 16);
	frame_front(f, h, sizeof h);
}

void frame_ip(struct frame *f, bool v6, uint8_t proto)
{
	if (v6)
		frame_ip6(f, proto);
	else
		frame_ip4(f, proto, 0);
}

void frame_ether(struct frame *f, uint16_t type)
{
	uint8_t h[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	sp_put_be16(h + 12, type);
	frame_front(f, h, sizeof h);
}

void frame_ether_ip(struct frame *f, bool v6)
{
	frame_ether(f, v6 ? 0x86dd : 0x0800);
}

void frame_of_udp(struct frame *f, bool v6)
{
	frame_start(f, "a payload that is odd");
	frame_udp(f, v6, 40000, 53);
	frame_ip(f, v6, 17);
	frame_ether_ip(f, v6);
}

void frame_of_tcp(struct frame *f, bool v6)
{
	frame_start(f, "GET / HTTP/1.1\r\n\r\n");
	frame_tcp(f, v6, 40000, 80);
	frame_ip(f, v6, 6);
	frame_ether_ip(f, v6);
}

struct sp_rewrite *rewrite_compiled(const char *words)
{
	struct sp_rewrite *r;
	struct sp_err err = { 0 };

	if (sp_rewrite_new(&r, words, SP_REWRITE_ALL, sp_mem_system(), &err))
		fail_msg("%s: %s", words, err.text);
	return r;
}

struct sp_rewrite_counts rewrite_frame(struct frame *f, const char *words, uint64_t loop)
{
	struct sp_rewrite_counts counts = { 0 };
	struct sp_rewrite *r = rewrite_compiled(words);
	int n = sp_rewrite_apply(r, SP_LINK_ETHERNET, f->b, f->len, FRAME_CAP, loop, &counts);

	assert_true(n >= 0);
	f->len = (uint32_t)n;
	sp_rewrite_free(r);
	assert_int_equal(counts.frames, 1);
	return counts;
}

void expect_sums(const struct frame *f, enum sp_csum_state l3, enum sp_csum_state l4)
{
	struct sp_view v;

	assert_int_equal(sp_view(f->b, f->len, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.l3_csum, l3);
	assert_int_equal(v.l4_csum, l4);
}

void expect_src(const struct frame *f, const char *want)
{
	struct sp_view v;
	char text[72];

	sp_view(f->b, f->len, false, SP_CSUM_UNKNOWN, &v);
	assert_string_equal(sp_addr_format(text, sizeof text, &v.src.addr), want);
}

void expect_dst(const struct frame *f, const char *want)
{
	struct sp_view v;
	char text[72];

	sp_view(f->b, f->len, false, SP_CSUM_UNKNOWN, &v);
	assert_string_equal(sp_addr_format(text, sizeof text, &v.dst.addr), want);
}

uint32_t frame_wrap(struct frame *f, enum frame_tunnel t, bool v6)
{
	uint8_t gre[8] = { 0, 0, v6 ? 0x86 : 8, v6 ? 0xdd : 0 }, vxlan[8] = { 8, [6] = 5 };
	uint8_t geneve[12] = { 1, 0, v6 ? 0x86 : 8, v6 ? 0xdd : 0, [10] = 1 };
	uint32_t before;
	uint16_t sum;

	if (t == VXLAN)
		frame_ether_ip(f, v6);
	before = f->len;
	switch (t) {
	case IPIP:
		break;
	case GRE:
		frame_front(f, gre, 4);
		break;
	case GRE_SUM:
		gre[0] = 0x80;
		frame_front(f, gre, 8);
		sum = sp_csum_finish(sp_csum_add(0, f->b, f->len));
		memcpy(f->b + 4, &sum, 2);
		break;
	case VXLAN:
		frame_front(f, vxlan, 8);
		frame_udp(f, v6, 50000, 4789);
		break;
	default:
		frame_front(f, geneve, 12);
		frame_udp(f, v6, 50000, 6081);
	}
	frame_ip(f, v6, t == IPIP ? (v6 ? 41 : 4) : t < VXLAN ? 47 : 17);
	frame_ether_ip(f, v6);
	return f->len - before + (t == VXLAN ? 14 : 0);
}

void frame_unwrap(const struct frame *f, uint32_t at, bool v6, struct frame *to)
{
	to->len = f->len - at;
	memcpy(to->b, f->b + at, to->len);
	frame_ether_ip(to, v6);
}
