#include "plugin/stamp.h"

#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

extern const struct sp_stamp_ops sp_stamp_short;
#define OPS (&sp_stamp_short)

enum { LEN = 10, ROOM = 256 };

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

/* A stamp that was computed apart from this code. */
static void test_vector(void **state)
{
	const uint8_t wire[LEN] = { 0xc3, 0xd0, 0, 0, 1, 0, 0, 2, 0x29, 0xe1 };
	struct sp_flow_tx f = { .head = OPS->head(1, 0), .seq = 0xff000002 };
	struct sp_stamp s;
	struct one o;

	(void)state;
	one_init(&o, LEN);
	OPS->put(&o.b, 0, &f, 12345);
	assert_memory_equal(o.data, wire, sizeof wire);
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
	assert_int_equal(s.flow, 1);
	assert_int_equal(s.seq, 2);
	assert_int_equal(s.seq_bits, 24);
	assert_int_equal(s.late_ns, 0);
	assert_true(s.due_lo == UINT64_MAX);
	assert_int_equal(OPS->len, LEN);
	assert_false(OPS->has_time);
}

static void test_round_trip(void **state)
{
	struct sp_rng rng;
	struct sp_stamp s;
	struct one o;

	(void)state;
	sp_rng_init(&rng, 1, "short");
	one_init(&o, 20);
	for (uint32_t id = 0; id < 1u << 24; id++) {
		uint32_t seq = (uint32_t)sp_rng_u64(&rng);
		uint8_t kind = seq >> 28 & (uint8_t)~SP_STAMP_PAYLOAD;
		struct sp_flow_tx f = { .head = OPS->head(id, kind), .seq = seq };

		OPS->put(&o.b, 0, &f, 0);
		if (one_get(&o, 0, &s) != SP_STAMP_GOOD || s.flow != id || s.kind != kind ||
		    s.seq != (seq & 0xffffff) || f.seq != seq + 1)
			fail_msg("flow %u seq %u came back as %u %u", id, seq, s.flow, s.seq);
	}
}

static void flip(uint8_t *p, unsigned bit)
{
	p[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void test_bit_errors(void **state)
{
	struct sp_flow_tx f = { .head = OPS->head(0x5a5a5a, SP_STAMP_LAST), .seq = 99 };
	struct sp_stamp s;
	struct one o;

	(void)state;
	one_init(&o, LEN);
	OPS->put(&o.b, 0, &f, 0);
	for (unsigned i = 0; i < 8 * LEN; i++) {
		flip(o.data, i);
		assert_int_not_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
		for (unsigned j = i + 1; j < 8 * LEN; j++) {
			flip(o.data, j);
			assert_int_not_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
			flip(o.data, j);
		}
		flip(o.data, i);
	}
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
}

static void test_payload(void **state)
{
	struct sp_flow_tx f = { .head = OPS->head(9, SP_STAMP_PAYLOAD) };
	struct sp_stamp s;
	struct one o;

	(void)state;
	one_init(&o, 46);
	memcpy(o.data, "a payload of thirty-six bytes or so.", 36);
	f.crc_init = OPS->cover(o.data, 36);
	OPS->put(&o.b, 0, &f, 0);
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_GOOD);
	for (unsigned bit = 0; bit < 36 * 8; bit++) {
		flip(o.data, bit);
		assert_int_equal(one_get(&o, 0, &s), SP_STAMP_BAD);
		flip(o.data, bit);
	}
}

static void test_foreign(void **state)
{
	unsigned good = 0, bad = 0;
	struct sp_stamp s;
	struct sp_rng rng;
	struct one o;

	(void)state;
	sp_rng_init(&rng, 2, "short");
	one_init(&o, 16);
	for (unsigned i = 0; i < 1u << 22; i++) {
		uint64_t r[2] = { sp_rng_u64(&rng), sp_rng_u64(&rng) };
		int8_t c;

		memcpy(o.data, r, 16);
		c = one_get(&o, 0, &s);
		good += c == SP_STAMP_GOOD;
		bad += c == SP_STAMP_BAD;
	}
	assert_true(bad > 800 && bad < 1250);
	assert_true(good <= 1);
	o.m.stamp_off = SP_NO_STAMP;
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_NONE);
	o.m.stamp_off = 7;
	assert_int_equal(one_get(&o, 0, &s), SP_STAMP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),	   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bit_errors), cmocka_unit_test(test_payload),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
