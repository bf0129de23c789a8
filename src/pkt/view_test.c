#include "pkt/view.h"

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
#include "pkt/csum.h"

struct frame {
	uint8_t b[256];
	uint32_t len;
};

#define PAYLOAD "hello"

static void put(struct frame *f, const void *data, uint32_t len)
{
	assert_true(f->len + len <= sizeof f->b);
	memcpy(f->b + f->len, data, len);
	f->len += len;
}

static void put16(struct frame *f, uint16_t v)
{
	uint8_t b[2];

	sp_put_be16(b, v);
	put(f, b, 2);
}

static void put_ethernet(struct frame *f, unsigned tags, uint16_t type)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	*f = (struct frame){ .len = 0 };
	put(f, macs, sizeof macs);
	for (unsigned i = 0; i < tags; i++) {
		put16(f, i + 1 < tags ? 0x88a8 : 0x8100);
		put16(f, 100);
	}
	put16(f, type);
}

static void put_udp(struct frame *f, uint64_t pseudo)
{
	uint32_t at = f->len;
	uint16_t sum;

	put16(f, 1234);
	put16(f, 5001);
	put16(f, 8 + sizeof PAYLOAD - 1);
	put16(f, 0);
	put(f, PAYLOAD, sizeof PAYLOAD - 1);
	sum = sp_csum_finish_udp(sp_csum_add(pseudo, f->b + at, f->len - at));
	memcpy(f->b + at + 6, &sum, 2);
}

/* options: bytes of IPv4 options, a multiple of 4. Returns the offset of the IPv4 header. */
static uint32_t make4(struct frame *f, unsigned tags, uint32_t options)
{
	static const uint8_t nops[40] = { [0 ... 39] = 1 };
	uint8_t h[20] = {
		0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 10, 1, 1, 2
	};
	uint16_t sum;
	uint32_t at;

	put_ethernet(f, tags, 0x0800);
	at = f->len;
	h[0] = (uint8_t)(0x45 + options / 4);
	sp_put_be16(h + 2, (uint16_t)(20 + options + 8 + sizeof PAYLOAD - 1));
	put(f, h, sizeof h);
	put(f, nops, options);
	sum = sp_csum_finish(sp_csum_add(0, f->b + at, 20 + options));
	memcpy(f->b + at + 10, &sum, 2);
	put_udp(f, sp_csum_pseudo4(h + 12, h + 16, 17, 8 + sizeof PAYLOAD - 1));
	return at;
}

/* ext: bytes of hop-by-hop options, a multiple of 8; 8 of destination options follow them. */
static uint32_t make6(struct frame *f, uint32_t ext)
{
	uint8_t h[40] = { 0x60, [6] = 17, [7] = 64,    [8] = 0x20, 1,	    0x0d,
			  0xb8, [23] = 1, [24] = 0xfd, 0x99,	   [39] = 2 };
	uint8_t e[64] = { 60, (uint8_t)(ext / 8 - 1), 1, 4 }, d[8] = { 17, 0, 1, 4 };
	uint32_t at;

	put_ethernet(f, 0, 0x86dd);
	at = f->len;
	sp_put_be16(h + 4, (uint16_t)((ext ? ext + 8 : 0) + 8 + sizeof PAYLOAD - 1));
	h[6] = ext ? 0 : 17;
	put(f, h, sizeof h);
	if (ext) {
		put(f, e, ext);
		put(f, d, sizeof d);
	}
	put_udp(f, sp_csum_pseudo6(h + 8, h + 24, 17, 8 + sizeof PAYLOAD - 1));
	return at;
}

/* The worst of both. */
static enum sp_csum_state csum(const struct sp_view *v)
{
	return sp_view_corrupt(v) ? SP_CSUM_BAD : v->l4_csum;
}

/* In memory of its exact length, so that a sanitizer sees every byte too far. */
static int look(const struct frame *f, uint32_t len, bool verify, struct sp_view *v)
{
	uint8_t *exact = malloc(len ? len : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, f->b, len);
	r = sp_view(exact, len, verify, SP_CSUM_UNKNOWN, v);
	free(exact);
	return r;
}

static void assert_found(const struct frame *f, uint8_t family)
{
	struct sp_view v;

	assert_int_equal(look(f, f->len, true, &v), 0);
	assert_int_equal(v.payload_len, sizeof PAYLOAD - 1);
	assert_memory_equal(f->b + v.payload_off, PAYLOAD, v.payload_len);
	assert_int_equal(v.src.port, 1234);
	assert_int_equal(v.dst.port, 5001);
	assert_int_equal(v.src.addr.family, family);
	assert_int_equal(v.dst.addr.ip[family == 4 ? 3 : 15], 2);
	assert_int_equal(csum(&v), SP_CSUM_OK);
	assert_int_equal(look(f, f->len, false, &v), 0);
	assert_int_equal(csum(&v), SP_CSUM_UNKNOWN);
	/* Cut anywhere, it is not whole any more. */
	for (uint32_t len = 0; len < f->len; len++)
		assert_int_equal(look(f, len, true, &v), -EBADMSG);
}

static void finds_the_payload(void **state)
{
	struct sp_view v;
	struct frame f;

	(void)state;
	for (unsigned tags = 0; tags <= 2; tags++) {
		for (uint32_t options = 0; options <= 40; options += 4) {
			uint32_t at = make4(&f, tags, options);

			assert_found(&f, 4);
			assert_int_equal(look(&f, f.len, true, &v), 0);
			assert_int_equal(v.vlan_tags, tags);
			assert_int_equal(v.l3_off, at);
			assert_int_equal(v.l3_len, f.len - at);
		}
	}
	for (uint32_t ext = 0; ext <= 64; ext += 8) {
		make6(&f, ext);
		assert_found(&f, 6);
	}
}

static void padding_is_not_payload(void **state)
{
	struct sp_view v;
	struct frame f;

	(void)state;
	make4(&f, 0, 0);
	f.len = 60; /* 13 bytes of padding */
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.payload_len, sizeof PAYLOAD - 1);
	assert_int_equal(v.l3_len, 33);
	assert_int_equal(csum(&v), SP_CSUM_OK);
}

static void sees_each_flipped_bit(void **state)
{
	struct sp_view v;
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		uint32_t at = family == 4 ? make4(&f, 0, 0) : make6(&f, 0);

		for (uint32_t bit = at * 8; bit < f.len * 8; bit++) {
			int r;

			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			r = look(&f, f.len, true, &v);
			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* Class, flow label and hop limit of IPv6 are covered by nothing, and
			 * who changes the protocol takes the checksum away. */
			if (family == 6 && r == 0 &&
			    (bit / 8 < at + 4 || bit / 8 == at + 6 || bit / 8 == at + 7))
				continue;
			assert_true(r < 0 || csum(&v) == SP_CSUM_BAD);
		}
	}
}

static void absent_checksums(void **state)
{
	struct sp_view v;
	struct frame f;
	uint32_t at;

	(void)state;
	at = make4(&f, 0, 0);
	memset(f.b + at + 26, 0, 2);
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(csum(&v), SP_CSUM_ABSENT);
	f.b[at + 8]--; /* TTL: the header's checksum is wrong now */
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(csum(&v), SP_CSUM_BAD);
	at = make6(&f, 0);
	memset(f.b + at + 46, 0, 2);
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(csum(&v), SP_CSUM_BAD);
}

/* Sets byte `off` after the start of the IP header. */
static int with4(uint32_t off, uint8_t value)
{
	struct sp_view v;
	struct frame f;
	uint32_t at = make4(&f, 0, 0);

	f.b[at + off] = value;
	return look(&f, f.len, true, &v);
}

static int with6(uint32_t ext, uint32_t off, uint8_t value)
{
	struct sp_view v;
	struct frame f;
	uint32_t at = make6(&f, ext);

	f.b[at + off] = value;
	return look(&f, f.len, true, &v);
}

static void what_is_no_udp_has_a_payload_too(void **state)
{
	struct sp_view v;
	struct frame f;
	uint32_t at;

	(void)state;
	put_ethernet(&f, 0, 0x0806);
	put(&f, PAYLOAD, sizeof PAYLOAD - 1);
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.dst.addr.family, 0);
	assert_int_equal(v.ether_type, 0x0806);
	assert_int_equal(v.payload_off, 14);
	assert_int_equal(v.payload_len, sizeof PAYLOAD - 1);
	assert_int_equal(v.l3_csum, SP_CSUM_NONE);
	make4(&f, 3, 0); /* one tag more than is looked at */
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.ether_type, 0x8100);
	assert_int_equal(v.vlan[1], 100);
	at = make4(&f, 0, 0);
	f.b[at + 9] = 200;
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.proto, 200);
	assert_int_equal(v.l4_off, 0);
	assert_int_equal(v.payload_len, 8 + sizeof PAYLOAD - 1);
	assert_int_equal(v.src.port, 0);
}

static void fragments(void **state)
{
	struct sp_view v;
	struct frame f;
	uint32_t at = make4(&f, 0, 0);

	(void)state;
	f.b[at + 6] = 0x20;	/* the first: with UDP's header, but not all of it */
	f.b[at + 24 + 1] = 200; /* its length is the whole packet's */
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_true(v.fragment && v.more);
	assert_int_equal(v.dst.port, 5001);
	assert_int_equal(v.payload_len, sizeof PAYLOAD - 1);
	assert_int_equal(v.l4_csum, SP_CSUM_NONE);
	f.b[at + 6] = 0;
	f.b[at + 7] = 3;
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_true(v.fragment && !v.more);
	assert_int_equal(v.frag_off, 24);
	assert_int_equal(v.dst.port, 0);
	assert_int_equal(v.l4_off, 0);
	assert_int_equal(v.payload_off, at + 20);

	at = make6(&f, 8);
	f.b[at + 6] = 44; /* the hop-by-hop options become a fragment header */
	f.b[at + 40] = 60;
	memcpy(f.b + at + 42, "\0\1", 2);
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_true(v.fragment && v.more && v.frag_off == 0);
	assert_int_equal(v.dst.port, 5001);
	memcpy(f.b + at + 42, "\1\0", 2);
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.frag_off, 256);
	assert_int_equal(v.proto, 60);
	assert_int_equal(v.payload_off, at + 48);
}

/* Segments left: the checksum is for the last address, which is not the destination yet. */
static void on_a_detour_there_is_no_checksum(void **state)
{
	struct sp_view v;
	struct frame f;
	uint32_t at = make6(&f, 24);

	(void)state;
	f.b[at + 6] = 43;
	f.b[at + 43] = 1;
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_NONE);
	f.b[at + 43] = 0;
	assert_int_equal(look(&f, f.len, true, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_OK);
}

static void what_is_known_of_a_checksum_is_believed(void **state)
{
	struct sp_view v;
	struct frame f;
	uint32_t at = make4(&f, 0, 0);

	(void)state;
	f.b[at + 26]++;
	assert_int_equal(sp_view(f.b, f.len, true, SP_CSUM_PARTIAL, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_PARTIAL);
	assert_false(sp_view_corrupt(&v));
	f.b[at + 8]--; /* the header's own is never left to an interface */
	assert_int_equal(sp_view(f.b, f.len, true, SP_CSUM_PARTIAL, &v), 0);
	assert_true(sp_view_corrupt(&v));
}

/* Made by Scapy 2.5; each ends with the payload "payload!" and has its checksums. */
static const struct vector {
	const char *name;
	uint8_t proto, tcp_flags, icmp_type;
	uint16_t sport, dport, id, seq;
	uint32_t len;
	uint8_t b[128];
} vectors
	[] = {
		/* clang-format off */
	{ "tcp over IPv4", 6, 24, 0, 1000, 80, 0, 0, 82, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
		0x00, 0x45, 0x00, 0x00, 0x44, 0x00, 0x01, 0x00, 0x00, 0x40, 0x06, 0x66, 0xb1,
		0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x03, 0xe8, 0x00, 0x50, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x18, 0x20, 0x00, 0x56, 0x58,
		0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x01, 0x03, 0x03, 0x07, 0x08, 0x0a, 0x00,
		0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x70, 0x61, 0x79, 0x6c,
		0x6f, 0x61, 0x64, 0x21 } },
	{ "tcp over IPv6", 6, 24, 0, 1000, 80, 0, 0, 102, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x30, 0x06, 0x40, 0xfd, 0x99, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd,
		0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x02, 0x03, 0xe8, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0xa0, 0x18, 0x20, 0x00, 0x6f, 0x24, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4,
		0x01, 0x03, 0x03, 0x07, 0x08, 0x0a, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "udp over IPv4", 17, 0, 0, 1000, 53, 0, 0, 50, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
		0x00, 0x45, 0x00, 0x00, 0x24, 0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x66, 0xc6,
		0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x03, 0xe8, 0x00, 0x35, 0x00,
		0x10, 0x2a, 0x5e, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "udp over IPv6", 17, 0, 0, 1000, 53, 0, 0, 70, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x10, 0x11, 0x40, 0xfd, 0x99, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd,
		0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x02, 0x03, 0xe8, 0x00, 0x35, 0x00, 0x10, 0x43, 0x2a, 0x70, 0x61, 0x79,
		0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "sctp over IPv4", 132, 0, 0, 1000, 80, 0, 0, 54, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
		0x00, 0x45, 0x00, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0x40, 0x84, 0x66, 0x4f,
		0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x03, 0xe8, 0x00, 0x50, 0x00,
		0x00, 0x00, 0x00, 0x50, 0xe0, 0x32, 0x34, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61,
		0x64, 0x21 } },
	{ "sctp over IPv6", 132, 0, 0, 1000, 80, 0, 0, 74, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x14, 0x84, 0x40, 0xfd, 0x99, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd,
		0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x02, 0x03, 0xe8, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x50, 0xe0, 0x32,
		0x34, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "echo request", 1, 0, 8, 0, 0, 77, 3, 50, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
		0x00, 0x45, 0x00, 0x00, 0x24, 0x00, 0x01, 0x00, 0x00, 0x40, 0x01, 0x66, 0xd6,
		0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x08, 0x00, 0x3a, 0x5f, 0x00,
		0x4d, 0x00, 0x03, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "echo reply", 1, 0, 0, 0, 0, 77, 3, 50, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
		0x00, 0x45, 0x00, 0x00, 0x24, 0x00, 0x01, 0x00, 0x00, 0x40, 0x01, 0x66, 0xd6,
		0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x00, 0x00, 0x42, 0x5f, 0x00,
		0x4d, 0x00, 0x03, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "ICMPv6 echo request", 58, 0, 128, 0, 0, 78, 4, 70, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x10, 0x3a, 0x40, 0xfd, 0x99, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd,
		0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x02, 0x80, 0x00, 0xc6, 0xdb, 0x00, 0x4e, 0x00, 0x04, 0x70, 0x61, 0x79,
		0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "ICMPv6 echo reply", 58, 0, 129, 0, 0, 78, 4, 70, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x10, 0x3a, 0x40, 0xfd, 0x99, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd,
		0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x02, 0x81, 0x00, 0xc5, 0xdb, 0x00, 0x4e, 0x00, 0x04, 0x70, 0x61, 0x79,
		0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "tagged twice", 17, 0, 0, 1, 2, 0, 0, 58, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88,
		0xa8, 0x00, 0x07, 0x81, 0x00, 0x00, 0x05, 0x08, 0x00, 0x45, 0x00, 0x00, 0x24,
		0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x66, 0xc6, 0x0a, 0x00, 0x00, 0x01, 0x0a,
		0x00, 0x00, 0x02, 0x00, 0x01, 0x00, 0x02, 0x00, 0x10, 0x2e, 0x78, 0x70, 0x61,
		0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
	{ "hop-by-hop and routing", 6, 2, 0, 5, 6, 0, 0, 114, {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x3c, 0x00, 0x40, 0xfd, 0x99, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd,
		0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x02, 0x2b, 0x00, 0x01, 0x04, 0x00, 0x00, 0x00, 0x00, 0x06, 0x02, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x99, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x05, 0x00, 0x06, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x50, 0x02, 0x20, 0x00, 0xd7, 0x48,
		0x00, 0x00, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64, 0x21 } },
		/* clang-format on */
	};

static void scapys_packets(void **state)
{
	struct sp_view v;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct vector *t = &vectors[i];

		f.len = 0;
		put(&f, t->b, t->len);
		assert_int_equal(look(&f, f.len, true, &v), 0);
		assert_int_equal(v.proto, t->proto);
		assert_int_equal(v.tcp_flags, t->tcp_flags);
		assert_int_equal(v.icmp_type, t->icmp_type);
		assert_int_equal(v.icmp_id, t->id);
		assert_int_equal(v.icmp_seq, t->seq);
		assert_int_equal(v.src.port, t->sport);
		assert_int_equal(v.dst.port, t->dport);
		assert_int_equal(v.l4_csum, SP_CSUM_OK);
		assert_int_equal(v.payload_len, 8);
		assert_memory_equal(f.b + v.payload_off, "payload!", 8);
		f.b[v.payload_off + 3] ^= 4;
		assert_int_equal(look(&f, f.len, true, &v), 0);
		assert_int_equal(v.l4_csum, SP_CSUM_BAD);
		for (uint32_t len = 0; len < f.len; len++)
			assert_int_equal(look(&f, len, true, &v), -EBADMSG);
	}
}

static void errors_quote_a_packet(void **state)
{
	struct sp_view v;
	struct frame f;
	uint32_t at;

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct vector *t = &vectors[i];

		at = t->b[13] == 0xa8 ? 22 : 14;
		assert_int_equal(sp_view_quoted(t->b + at, t->len - at, &v), 0);
		assert_int_equal(v.proto, t->proto);
		assert_int_equal(v.icmp_id, t->id);
		assert_int_equal(v.dst.port, t->dport);
	}
	at = make4(&f, 0, 0);
	assert_int_equal(sp_view_quoted(f.b + at, 28, &v), 0); /* RFC 792: no more than this */
	assert_int_equal(v.dst.port, 5001);
	assert_int_equal(v.src.port, 1234);
	assert_int_equal(sp_view_quoted(f.b + at, 27, &v), -EBADMSG);
	assert_int_equal(sp_view_quoted(f.b + at, 0, &v), -EBADMSG);
}
static void refuses_lengths_that_lie(void **state)
{
	(void)state;
	assert_int_equal(with4(0, 0x44), -EBADMSG);    /* header of 16 bytes */
	assert_int_equal(with4(0, 0x4f), -EBADMSG);    /* header longer than the packet */
	assert_int_equal(with4(0, 0x65), -EBADMSG);    /* version 6 */
	assert_int_equal(with4(3, 19), -EBADMSG);      /* total below the header */
	assert_int_equal(with4(3, 34), -EBADMSG);      /* total above the frame */
	assert_int_equal(with4(3, 27), -EBADMSG);      /* no room for UDP */
	assert_int_equal(with4(25, 7), -EBADMSG);      /* UDP below its header */
	assert_int_equal(with4(25, 14), -EBADMSG);     /* UDP above the packet */
	assert_int_equal(with6(0, 5, 14), -EBADMSG);   /* payload above the frame */
	assert_int_equal(with6(8, 41, 200), -EBADMSG); /* options above the packet */
}

static void survives_noise(void **state)
{
	struct sp_view v;
	struct sp_rng rng;
	struct frame f;

	(void)state;
	sp_rng_init(&rng, 1, "noise");
	for (int i = 0; i < 50000; i++) {
		if (i % 2)
			make4(&f, (unsigned)sp_rng_below(&rng, 3), 8);
		else
			make6(&f, 8 * (uint32_t)sp_rng_below(&rng, 4));
		for (uint64_t n = sp_rng_below(&rng, 6); n; n--)
			f.b[12 + sp_rng_below(&rng, f.len - 12)] = (uint8_t)sp_rng_u64(&rng);
		if (look(&f, f.len, true, &v) == 0)
			assert_true(v.payload_off + v.payload_len <= f.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_payload),
		cmocka_unit_test(padding_is_not_payload),
		cmocka_unit_test(sees_each_flipped_bit),
		cmocka_unit_test(absent_checksums),
		cmocka_unit_test(what_is_no_udp_has_a_payload_too),
		cmocka_unit_test(fragments),
		cmocka_unit_test(on_a_detour_there_is_no_checksum),
		cmocka_unit_test(what_is_known_of_a_checksum_is_believed),
		cmocka_unit_test(scapys_packets),
		cmocka_unit_test(errors_quote_a_packet),
		cmocka_unit_test(refuses_lengths_that_lie),
		cmocka_unit_test(survives_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
