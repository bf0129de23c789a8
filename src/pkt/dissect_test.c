#include "pkt/dissect.h"

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

/* In memory of its exact length, so that a sanitizer sees every byte too far. */
static int dissect(const struct frame *f, uint32_t len, bool verify, struct sp_udp_view *v)
{
	uint8_t *exact = malloc(len ? len : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, f->b, len);
	r = sp_dissect_udp(exact, len, verify, v);
	free(exact);
	return r;
}

static void assert_found(const struct frame *f, uint8_t family)
{
	struct sp_udp_view v;

	assert_int_equal(dissect(f, f->len, true, &v), 0);
	assert_int_equal(v.payload_len, sizeof PAYLOAD - 1);
	assert_memory_equal(f->b + v.payload_off, PAYLOAD, v.payload_len);
	assert_int_equal(v.src.port, 1234);
	assert_int_equal(v.dst.port, 5001);
	assert_int_equal(v.src.addr.family, family);
	assert_int_equal(v.dst.addr.ip[family == 4 ? 3 : 15], 2);
	assert_int_equal(v.csum, SP_CSUM_OK);
	assert_int_equal(dissect(f, f->len, false, &v), 0);
	assert_int_equal(v.csum, SP_CSUM_UNKNOWN);
	/* Cut anywhere, it is not whole any more. */
	for (uint32_t len = 0; len < f->len; len++)
		assert_int_equal(dissect(f, len, true, &v), -EBADMSG);
}

static void finds_the_payload(void **state)
{
	struct sp_udp_view v;
	struct frame f;

	(void)state;
	for (unsigned tags = 0; tags <= 2; tags++) {
		for (uint32_t options = 0; options <= 40; options += 4) {
			uint32_t at = make4(&f, tags, options);

			assert_found(&f, 4);
			assert_int_equal(dissect(&f, f.len, true, &v), 0);
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
	struct sp_udp_view v;
	struct frame f;

	(void)state;
	make4(&f, 0, 0);
	f.len = 60; /* 13 bytes of padding */
	assert_int_equal(dissect(&f, f.len, true, &v), 0);
	assert_int_equal(v.payload_len, sizeof PAYLOAD - 1);
	assert_int_equal(v.l3_len, 33);
	assert_int_equal(v.csum, SP_CSUM_OK);
}

static void sees_each_flipped_bit(void **state)
{
	struct sp_udp_view v;
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		uint32_t at = family == 4 ? make4(&f, 0, 0) : make6(&f, 0);

		for (uint32_t bit = at * 8; bit < f.len * 8; bit++) {
			int r;

			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			r = dissect(&f, f.len, true, &v);
			f.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* Class, flow label and hop limit of IPv6 are covered by nothing. */
			if (family == 6 && (bit / 8 < at + 4 || bit / 8 == at + 7) && r == 0)
				continue;
			assert_true(r < 0 || v.csum == SP_CSUM_BAD);
		}
	}
}

static void absent_checksums(void **state)
{
	struct sp_udp_view v;
	struct frame f;
	uint32_t at;

	(void)state;
	at = make4(&f, 0, 0);
	memset(f.b + at + 26, 0, 2);
	assert_int_equal(dissect(&f, f.len, true, &v), 0);
	assert_int_equal(v.csum, SP_CSUM_ABSENT);
	f.b[at + 8]--; /* TTL: the header's checksum is wrong now */
	assert_int_equal(dissect(&f, f.len, true, &v), 0);
	assert_int_equal(v.csum, SP_CSUM_BAD);
	at = make6(&f, 0);
	memset(f.b + at + 46, 0, 2);
	assert_int_equal(dissect(&f, f.len, true, &v), 0);
	assert_int_equal(v.csum, SP_CSUM_BAD);
}

/* Sets byte `off` after the start of the IP header. */
static int with4(uint32_t off, uint8_t value)
{
	struct sp_udp_view v;
	struct frame f;
	uint32_t at = make4(&f, 0, 0);

	f.b[at + off] = value;
	return dissect(&f, f.len, true, &v);
}

static int with6(uint32_t ext, uint32_t off, uint8_t value)
{
	struct sp_udp_view v;
	struct frame f;
	uint32_t at = make6(&f, ext);

	f.b[at + off] = value;
	return dissect(&f, f.len, true, &v);
}

static void refuses_what_is_not_plain_udp(void **state)
{
	struct sp_udp_view v;
	struct frame f;

	(void)state;
	put_ethernet(&f, 0, 0x0806);
	assert_int_equal(dissect(&f, f.len, true, &v), -ENOMSG);
	make4(&f, 3, 0);
	assert_int_equal(dissect(&f, f.len, true, &v), -ENOMSG);
	assert_int_equal(with4(9, 6), -ENOMSG);	     /* TCP */
	assert_int_equal(with4(6, 0x20), -ENOMSG);   /* more fragments */
	assert_int_equal(with4(7, 1), -ENOMSG);	     /* a later fragment */
	assert_int_equal(with6(0, 6, 44), -ENOMSG);  /* fragment header */
	assert_int_equal(with6(8, 40, 43), -ENOMSG); /* routing header */
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
	struct sp_udp_view v;
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
		if (dissect(&f, f.len, true, &v) == 0)
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
		cmocka_unit_test(refuses_what_is_not_plain_udp),
		cmocka_unit_test(refuses_lengths_that_lie),
		cmocka_unit_test(survives_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
