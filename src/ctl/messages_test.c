#include "ctl/messages.h"

#include "base/endian.h"
#include "base/rng.h"
#include "ctl/testing.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

static uint64_t any(struct sp_rng *r)
{
	return sp_rng_u64(r) >> (8 + sp_rng_below(r, 56));
}

static void make_buckets(struct sp_rng *r, struct sp_ctl_buckets *b)
{
	uint16_t at = 0;

	b->index = (uint32_t)any(r);
	b->which = (uint8_t)sp_rng_below(r, SP_CTL_WHICH__N);
	b->n = (uint8_t)(1 + sp_rng_below(r, SP_CTL_PAIRS));
	for (unsigned i = 0; i < b->n; i++) {
		at = (uint16_t)(at + 1 + sp_rng_below(r, 100));
		b->bucket[i] = at;
		b->count[i] = 1 + any(r);
	}
}

static void make_hist(struct sp_rng *r, struct sp_ctl_hist *h)
{
	h->index = (uint32_t)any(r);
	h->which = (uint8_t)sp_rng_below(r, SP_CTL_WHICH__N);
	h->n = 1 + (any(r) >> 1);
	h->negative = sp_rng_below(r, h->n + 1);
	h->min = -(int64_t)any(r);
	h->max = (int64_t)any(r);
	h->sum = ((__int128)h->min + h->max) / 2 * (int64_t)h->n;
}

/* Any message that makes sense. */
static void make(struct sp_rng *r, struct sp_ctl_msg *m)
{
	memset(m, 0, sizeof *m);
	m->type = (enum sp_ctl_type)(1 + sp_rng_below(r, SP_CTL_TYPE__N - 1));
	m->cookie = sp_rng_u64(r);
	switch (m->type) {
	case SP_CTL_HELLO:
	case SP_CTL_WELCOME:
		m->hello.host.known = sp_rng_below(r, 2);
		for (int i = 0; i < 16; i++)
			m->hello.host.boot[i] = (uint8_t)sp_rng_u64(r);
		m->hello.host.timens = sp_rng_u64(r);
		m->hello.host.offset_s = (int64_t)sp_rng_u64(r);
		m->hello.host.offset_ns = (int64_t)sp_rng_u64(r);
		m->hello.nonce = sp_rng_u64(r);
		break;
	case SP_CTL_ASK:
		m->ask.n_flows = 1 + (uint32_t)sp_rng_below(r, SP_CTL_FLOWS_MAX);
		m->ask.planned_ns = sp_rng_u64(r);
		m->ask.max_packets = sp_rng_u64(r);
		memset(m->ask.name, 'x', sp_rng_below(r, SP_CTL_NAME));
		break;
	case SP_CTL_GRANT:
		m->grant.why = (uint32_t)sp_rng_below(r, 3);
		m->grant.session = (uint32_t)any(r);
		m->grant.base = (uint32_t)any(r);
		m->grant.n = (uint32_t)sp_rng_below(r, SP_CTL_FLOWS_MAX + 1);
		m->grant.tally_each = sp_rng_below(r, 2);
		break;
	case SP_CTL_CLOCK_ASK:
	case SP_CTL_CLOCK_REPLY:
		m->clock = (struct sp_ctl_clock){ (uint32_t)any(r), sp_rng_u64(r),
						  sp_rng_u64(r), sp_rng_u64(r) };
		break;
	case SP_CTL_CLOCK_SET:
		m->clock_set.known = sp_rng_below(r, 2);
		m->clock_set.offset_ns = (int64_t)sp_rng_u64(r) >> 1;
		m->clock_set.error_ns = any(r);
		break;
	case SP_CTL_SAMPLE:
		m->sample = (struct sp_ctl_sample){ any(r), any(r) };
		break;
	case SP_CTL_FINAL:
		m->final.first = (uint32_t)any(r);
		m->final.n = 1 + (uint32_t)sp_rng_below(r, SP_CTL_TXS);
		for (unsigned i = 0; i < m->final.n; i++)
			m->final.tx[i] = any(r);
		break;
	case SP_CTL_COUNTS:
		m->counts = (struct sp_ctl_counts){
			.n_flows = (uint32_t)any(r),
			.n_hists = (uint32_t)any(r),
			.max_seg = (uint32_t)any(r),
			.dropped_units = any(r),
			.rx_units = any(r),
			.control_packets = any(r),
			.dropped_known = sp_rng_below(r, 2),
			.exclusive = sp_rng_below(r, 2),
			.rx_clock_kernel = sp_rng_below(r, 2),
		};
		break;
	case SP_CTL_FLOW:
		m->flow.index = (uint32_t)any(r);
		t_flow((uint32_t)any(r), &m->flow.f);
		break;
	case SP_CTL_HIST:
		make_hist(r, &m->hist);
		break;
	case SP_CTL_BUCKETS:
		make_buckets(r, &m->buckets);
		break;
	case SP_CTL_START_TLS:
		m->start_tls.pair = sp_rng_below(r, 2);
		memset(m->start_tls.key.b, (int)any(r), SP_PUBKEY_BYTES);
		break;
	case SP_CTL_PAIR:
		memset(m->pair.proof, (int)any(r), SP_PAIR_PROOF);
		memset(m->pair.name, 'x', sp_rng_below(r, SP_CTL_NAME));
		break;
	case SP_CTL_LEASE_ASK:
		m->lease_ask = (struct sp_ctl_lease_ask){ (uint32_t)any(r), any(r),
							  sp_rng_below(r, SP_CTL_LEASE_NS) };
		break;
	case SP_CTL_LEASE:
		m->lease.seq = (uint32_t)any(r);
		m->lease.why = (uint32_t)sp_rng_below(r, 3);
		if (m->lease.why == SP_CTL_LEASE_GIVEN) {
			m->lease.packets = any(r);
			m->lease.term_ns = sp_rng_below(r, SP_CTL_LEASE_NS + 1);
		}
		break;
	default:
		break;
	}
}

static void test_what_is_written_is_read(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "messages");
	for (int i = 0; i < 20000; i++) {
		uint8_t a[SP_CTL_RECORD], b[SP_CTL_RECORD];
		struct sp_ctl_msg m, again;

		make(&rng, &m);
		memset(a, 0xee, sizeof a);
		sp_ctl_encode(&m, a);
		assert_int_equal(sp_ctl_decode(a, &again), 0);
		assert_int_equal(again.type, m.type);
		assert_int_equal(again.cookie, m.cookie);
		sp_ctl_encode(&again, b);
		assert_memory_equal(a, b, sizeof a);
	}
}

static void test_values_survive(void **state)
{
	struct sp_ctl_msg m = { .type = SP_CTL_FLOW }, again;
	struct sp_peer_flow f;
	uint8_t rec[SP_CTL_RECORD];

	(void)state;
	for (uint32_t id = 0; id < 6; id++) {
		t_flow(id, &f);
		m.flow = (struct sp_ctl_flow){ .index = id, .f = f };
		sp_ctl_encode(&m, rec);
		assert_int_equal(sp_ctl_decode(rec, &again), 0);
		assert_int_equal(again.flow.index, id);
		assert_true(t_same_flow(&again.flow.f, &f));
	}
	m = (struct sp_ctl_msg){ .type = SP_CTL_HIST };
	m.hist = (struct sp_ctl_hist){ .n = 3, .min = -5, .max = 7, .sum = -13, .negative = 2 };
	sp_ctl_encode(&m, rec);
	assert_int_equal(sp_ctl_decode(rec, &again), 0);
	assert_true(again.hist.sum == -13);
	assert_int_equal(again.hist.min, -5);
	assert_int_equal(again.hist.negative, 2);
}

/* The wire form is a contract between versions of the program: it may not move by accident. */
static void test_vector(void **state)
{
	static const uint8_t want[] = {
		's', 'p', 'C', 'T', 1, 10, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, /* header */
		0,   0,	  0,   23,  0, 0,  0, 2,			 /* first, n */
		0,   0,	  0,   0,   0, 0,  1, 0,			 /* tx[0] */
		0,   0,	  0,   1,   0, 0,  0, 0,			 /* tx[1] */
	};
	struct sp_ctl_msg m = { .type = SP_CTL_FINAL, .cookie = 0x0102030405060708u };
	uint8_t rec[SP_CTL_RECORD];

	(void)state;
	m.final = (struct sp_ctl_final){ .first = 23,
					 .n = 2,
					 .tx = { 256, UINT64_C(1) << 32 } };
	sp_ctl_encode(&m, rec);
	assert_memory_equal(rec, want, sizeof want);
	for (size_t i = sizeof want; i < sizeof rec; i++)
		assert_int_equal(rec[i], 0);
}

/* One bit wrong: refused, or another message that is spelt like this. */
static void test_every_bit_flipped(void **state)
{
	struct sp_rng rng;
	unsigned refused = 0;

	(void)state;
	sp_rng_init(&rng, 2, "messages");
	for (int i = 0; i < 200; i++) {
		uint8_t a[SP_CTL_RECORD], b[SP_CTL_RECORD];
		struct sp_ctl_msg m;

		make(&rng, &m);
		sp_ctl_encode(&m, a);
		for (unsigned bit = 0; bit < 8 * sizeof a; bit++) {
			a[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (sp_ctl_decode(a, &m)) {
				refused++;
			} else {
				sp_ctl_encode(&m, b);
				assert_memory_equal(a, b, sizeof a);
			}
			a[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	assert_true(refused > 1000);
}

static int decode_with(const struct sp_ctl_msg *m, unsigned at, uint64_t be64)
{
	uint8_t rec[SP_CTL_RECORD];
	struct sp_ctl_msg out;

	sp_ctl_encode(m, rec);
	sp_put_be64(rec + at, be64);
	return sp_ctl_decode(rec, &out);
}

static void test_nonsense_is_refused(void **state)
{
	struct sp_ctl_msg m = { .type = SP_CTL_ASK };
	uint8_t rec[SP_CTL_RECORD] = { 0 };
	uint64_t nan_bits;
	double not_a_number = NAN;

	(void)state;
	memcpy(&nan_bits, &not_a_number, sizeof nan_bits);
	assert_int_equal(sp_ctl_decode(rec, &m), -EBADMSG);
	m = (struct sp_ctl_msg){ .type = SP_CTL_ASK, .ask = { .n_flows = 1 } };
	sp_ctl_encode(&m, rec);
	assert_int_equal(sp_ctl_decode(rec, &m), 0);
	rec[4] = 2;
	assert_int_equal(sp_ctl_decode(rec, &m), -EPROTONOSUPPORT);
	rec[4] = 1;
	rec[5] = SP_CTL_TYPE__N;
	assert_int_equal(sp_ctl_decode(rec, &m), -EBADMSG);

	m = (struct sp_ctl_msg){ .type = SP_CTL_ASK }; /* no flows */
	sp_ctl_encode(&m, rec);
	assert_int_equal(sp_ctl_decode(rec, &m), -EBADMSG);
	m = (struct sp_ctl_msg){ .type = SP_CTL_ASK, .ask = { .n_flows = 1 } };
	assert_int_equal(decode_with(&m, 36 + 60, ~0ull), -EBADMSG); /* name without an end */
	assert_int_equal(decode_with(&m, 36, 'a'), -EBADMSG);	     /* bytes after its end */

	m = (struct sp_ctl_msg){ .type = SP_CTL_SAMPLE };
	assert_int_equal(decode_with(&m, 16, ~0ull), -EBADMSG);
	m = (struct sp_ctl_msg){ .type = SP_CTL_CLOCK_SET };
	assert_int_equal(decode_with(&m, 20, 1ull << 63), -EBADMSG);

	m = (struct sp_ctl_msg){ .type = SP_CTL_FLOW };
	m.flow.f.delay.known = true;
	assert_int_equal(decode_with(&m, 24, 5), 0);
	assert_int_equal(decode_with(&m, 24 + 13 * 8 + 8 * 8, nan_bits), -EBADMSG); /* mean */

	m = (struct sp_ctl_msg){ .type = SP_CTL_HIST };
	m.hist = (struct sp_ctl_hist){ .n = 2, .min = 3, .max = 5, .sum = 8 };
	assert_int_equal(decode_with(&m, 64, 10), 0);
	assert_int_equal(decode_with(&m, 64, 11), -EBADMSG); /* sum above n * max */
	assert_int_equal(decode_with(&m, 64, 5), -EBADMSG);  /* below n * min */
	assert_int_equal(decode_with(&m, 32, 3), -EBADMSG);  /* more negative than there are */

	m = (struct sp_ctl_msg){ .type = SP_CTL_BUCKETS };
	m.buckets = (struct sp_ctl_buckets){ .n = 2, .bucket = { 4, 5 }, .count = { 1, 1 } };
	sp_ctl_encode(&m, rec);
	assert_int_equal(sp_ctl_decode(rec, &m), 0);
	rec[16 + 8 + 11] = 4; /* the second bucket: not above the first */
	assert_int_equal(sp_ctl_decode(rec, &m), -EBADMSG);
	rec[16 + 8 + 10] = 0xff; /* beyond the last */
	assert_int_equal(sp_ctl_decode(rec, &m), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_values_survive),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_every_bit_flipped),
		cmocka_unit_test(test_nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
