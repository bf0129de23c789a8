#include "plugin/stamp.h"

#include "base/endian.h"
#include "base/rng.h"
#include "pkt/crc32c.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

extern const struct sp_stamp_ops sp_stamp_native;
#define OPS (&sp_stamp_native)

enum { LEN = 18, ROOM = 1500 };

/* One message with a stamp at its end. */
struct one {
	uint8_t data[ROOM];
	struct sp_msg m;
	struct sp_batch b;
};

static void one_init(struct one *o, uint32_t len)
{
	o->m = (struct sp_msg){ .data = o->data, .len = len };
	o->m.stamp_off = (uint16_t)(len - LEN);
	o->b = (struct sp_batch){ .n = 1, .cap = 1, .m = &o->m };
}

static int8_t one_get(struct one *o, uint32_t payload_off, struct sp_stamp *s)
{
	int8_t check = 77;

	OPS->get(&o->b, payload_off, s, &check);
	return check;
}

static void test_vector(void **state)
{
	const uint8_t want[16] = { 0x5a, 0x74, 0x01, 0x02, 0x03, 0x03, 0xe8, 0x11,
				   0x22, 0x33, 0x44, 0x55, 0x89, 0xab, 0xcd, 0xef };
	struct sp_flow_tx f = { .head = OPS->head(0x010203, SP_STAMP_VARIES),
				.seq = 0x89abcdef };
	uint32_t crc = sp_crc32c_raw_table(0, want, sizeof want);
	struct one o;

	(void)state;
	one_init(&o, LEN);
	o.m.t_ns = 0x9999991122334455;
	OPS->put(&o.b, 0, &f, o.m.t_ns + 1000);
	assert_memory_equal(o.data, want, sizeof want);
	assert_int_equal(sp_get_be16(o.data + 16), (crc ^ crc >> 16) & 0xffff);
	assert_int_equal(f.seq, 0x89abcdf0);
	assert_int_equal(OPS->len, LEN);
	assert_true(OPS->has_time);
}

/* A stamp that was computed apart from this code: check = f588. */
static void test_vector_fixed(void **state)
{
	uint8_t wire[LEN] = { 0x5a, 0x70, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
			      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf5, 0x88 };
	struct sp_stamp s;
	struct one o;

	(void)state;
	one_init(&o, LEN);
	memcpy(o.data, wire, sizeof wire);
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
	assert_int_equal(s.flow, 1);
	assert_int_equal(s.seq, 0);
}

static void test_round_trip(void **state)
{
	struct sp_rng rng;
	struct one o;

	(void)state;
	sp_rng_init(&rng, 1, "native");
	for (int round = 0; round < 20000; round++) {
		uint32_t len = LEN + (uint32_t)sp_rng_below(&rng, ROOM - LEN);
		uint32_t id = (uint32_t)sp_rng_below(&rng, 1 << 24), seq;
		uint8_t kind = (uint8_t)sp_rng_below(&rng, 16) & (uint8_t)~SP_STAMP_PAYLOAD;
		struct sp_flow_tx f = { .head = OPS->head(id, kind) };
		struct sp_stamp s;

		one_init(&o, len);
		f.seq = seq = (uint32_t)sp_rng_u64(&rng);
		o.m.t_ns = sp_rng_u64(&rng) >> 1;
		OPS->put(&o.b, 0, &f, o.m.t_ns + sp_rng_below(&rng, 2048));
		assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
		assert_int_equal(s.flow, id);
		assert_int_equal(s.seq, seq);
		assert_int_equal(s.kind, kind);
		assert_int_equal(s.seq_bits, 32);
		assert_true(s.due_lo == (o.m.t_ns & ((1ull << 40) - 1)));
		assert_true(sp_unwrap40(s.due_lo, o.m.t_ns + (1ull << 38)) == o.m.t_ns);
	}
}

static void test_every_flow_id(void **state)
{
	struct sp_stamp s;
	struct one o;

	(void)state;
	one_init(&o, LEN);
	for (uint32_t id = 0; id < 1u << 24; id++) {
		struct sp_flow_tx f = { .head = OPS->head(id, 0) };

		OPS->put(&o.b, 0, &f, 0);
		if (one_get(&o, 0, &s) != SP_STAMP_GOOD || s.flow != id)
			fail_msg("flow id %u came back as %u", id, s.flow);
	}
}

static uint64_t late_through(struct one *o, uint64_t late)
{
	struct sp_flow_tx f = { .head = OPS->head(1, 0) };
	struct sp_stamp s;

	o->m.t_ns = 5000;
	OPS->put(&o->b, 0, &f, 5000 + late);
	assert_int_equal(one_get(o, 0, &s), SP_STAMP_GOOD);
	return s.late_ns;
}

static void test_late(void **state)
{
	const uint64_t top = 4095ull << 30;
	struct sp_flow_tx early = { .head = OPS->head(1, 0) };
	struct sp_stamp s;
	struct sp_rng rng;
	struct one o;

	(void)state;
	one_init(&o, LEN);
	for (uint64_t v = 0; v < 4096; v++)
		assert_int_equal(late_through(&o, v), v);
	sp_rng_init(&rng, 2, "native");
	for (int round = 0; round < 100000; round++) {
		uint64_t v = sp_rng_u64(&rng) >> (22 + sp_rng_below(&rng, 40));
		uint64_t got;

		v = v < top ? v : top;
		got = late_through(&o, v);
		assert_true(got <= v);
		assert_true((double)(v - got) <= 0.0005 * (double)v);
	}
	assert_true(late_through(&o, UINT64_MAX / 2) == top);
	/* never before its time, but if it were: 0, not a huge number */
	o.m.t_ns = 5000;
	OPS->put(&o.b, 0, &early, 4000);
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
	assert_int_equal(s.late_ns, 0);
}

static void flip(uint8_t *p, unsigned bit)
{
	p[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* Whatever happens to one, two or three bits of a stamp, it is not taken for a good one. */
static void test_bit_errors(void **state)
{
	const uint8_t kinds[] = { 0, SP_STAMP_REPLY, SP_STAMP_LAST | SP_STAMP_VARIES };
	struct sp_rng rng;
	struct sp_stamp s;
	struct one o;

	(void)state;
	sp_rng_init(&rng, 3, "native");
	one_init(&o, LEN);
	for (unsigned n = 0; n < 3; n++) {
		struct sp_flow_tx f = { .head = OPS->head((uint32_t)sp_rng_u64(&rng), kinds[n]),
					.seq = (uint32_t)sp_rng_u64(&rng) };

		o.m.t_ns = sp_rng_u64(&rng) >> 1;
		OPS->put(&o.b, 0, &f, o.m.t_ns + 123456);
		for (unsigned i = 0; i < 8 * LEN; i++) {
			flip(o.data, i);
			assert_int_not_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
			for (unsigned j = i + 1; j < 8 * LEN; j++) {
				flip(o.data, j);
				assert_int_not_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
				for (unsigned k = j + 1; n == 0 && k < 8 * LEN; k++) {
					flip(o.data, k);
					assert_int_not_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
					flip(o.data, k);
				}
				flip(o.data, j);
			}
			flip(o.data, i);
		}
		assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
	}
}

/* With P, 42 bytes of headers, which change on the way, are not covered; the payload is. */
static void test_payload(void **state)
{
	const uint32_t off = 42;
	struct sp_rng rng;
	struct sp_stamp s;
	struct one o;

	(void)state;
	sp_rng_init(&rng, 4, "native");
	for (uint32_t len = off + LEN; len < 400; len += 7) {
		struct sp_flow_tx f = { .head = OPS->head(9, SP_STAMP_PAYLOAD) };

		one_init(&o, len);
		for (uint32_t i = 0; i < len; i++)
			o.data[i] = (uint8_t)sp_rng_u64(&rng);
		f.crc_init = OPS->cover(o.data + off, o.m.stamp_off - off);
		OPS->put(&o.b, 0, &f, 0);
		assert_int_equal(one_get(&o, off, &s), SP_STAMP_GOOD);
		assert_int_equal(s.kind, SP_STAMP_PAYLOAD);
		o.data[sp_rng_below(&rng, off)] ^= 1;
		assert_int_equal(one_get(&o, off, &s), SP_STAMP_GOOD);
		for (unsigned bit = off * 8; bit < o.m.stamp_off * 8u; bit++) {
			flip(o.data, bit);
			assert_int_equal(one_get(&o, off, &s), SP_STAMP_BAD);
			flip(o.data, bit);
		}
	}
}

/* A batch of several flows from the middle on; messages without a stamp, or too short for one. */
static void test_batch(void **state)
{
	struct sp_flow_tx f[2] = { { .head = OPS->head(7, 0), .seq = 10 },
				   { .head = OPS->head(8, 0), .seq = 20 } };
	uint8_t data[6][64] = { { 0 } };
	struct sp_msg m[6];
	struct sp_batch b = { .n = 6, .cap = 6, .m = m };
	struct sp_stamp s[6];
	int8_t check[6];

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		m[i] = (struct sp_msg){
			.data = data[i], .len = 64, .flow = i % 2, .stamp_off = 64 - LEN
		};
	OPS->put(&b, 2, f, 0);
	m[4].stamp_off = SP_NO_STAMP;
	m[5].len = 63;
	OPS->get(&b, 0, s, check);
	assert_int_equal(check[0], SP_STAMP_NONE);
	assert_int_equal(check[1], SP_STAMP_NONE);
	assert_int_equal(check[2], SP_STAMP_GOOD);
	assert_int_equal(check[3], SP_STAMP_GOOD);
	assert_int_equal(check[4], SP_STAMP_NONE);
	assert_int_equal(check[5], SP_STAMP_NONE);
	assert_int_equal(s[2].flow, 7);
	assert_int_equal(s[2].seq, 10);
	assert_int_equal(s[3].seq, 20);
	assert_int_equal(f[0].seq, 12);
	assert_int_equal(f[1].seq, 22);
}

/* 2^22 random messages: magic in about 1,024 of them (12 bits); a good check in 2^-28. */
static void test_foreign(void **state)
{
	const unsigned rounds = 1u << 22;
	unsigned good = 0, bad = 0;
	struct sp_stamp s;
	struct sp_rng rng;
	struct one o;

	(void)state;
	sp_rng_init(&rng, 5, "native");
	one_init(&o, 24);
	for (unsigned i = 0; i < rounds; i++) {
		int8_t c;

		for (unsigned k = 0; k < 24; k += 8) {
			uint64_t r = sp_rng_u64(&rng);

			memcpy(o.data + k, &r, 8);
		}
		c = one_get(&o, 0, &s);
		good += c == SP_STAMP_GOOD;
		bad += c == SP_STAMP_BAD;
	}
	assert_true(bad > 800 && bad < 1250);
	assert_true(good <= 1);
	/* With the right magic, the check alone: 1 in 65,536. */
	good = 0;
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned k = 0; k < 24; k += 8) {
			uint64_t r = sp_rng_u64(&rng);

			memcpy(o.data + k, &r, 8);
		}
		o.data[6] = 0x5a;
		o.data[7] = (uint8_t)(0x70 | (o.data[7] & 13));
		good += one_get(&o, 0, &s) == SP_STAMP_GOOD;
	}
	assert_true(good > 24 && good < 110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),	   cmocka_unit_test(test_vector_fixed),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_every_flow_id),
		cmocka_unit_test(test_late),	   cmocka_unit_test(test_bit_errors),
		cmocka_unit_test(test_payload),	   cmocka_unit_test(test_batch),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
