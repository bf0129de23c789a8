#include "transport/loop/flight.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define MAX_LEN 900u

static uint8_t pattern(uint32_t seq, uint32_t i)
{
	return (uint8_t)(seq * 7 + i);
}

static struct sp_flight_rec *put(struct sp_flight *f, uint32_t seq, uint32_t len)
{
	uint8_t src[MAX_LEN + SP_FLIGHT_ALIGN];
	struct sp_flight_rec *r;

	for (uint32_t i = 0; i < len; i++)
		src[i] = pattern(seq, i);
	memset(src + len, 0xee, sizeof src - len);
	r = sp_flight_put(f, src, len);
	if (r)
		r->flow = seq;
	return r;
}

static void assert_intact(struct sp_flight_rec *r)
{
	for (uint32_t i = 0; i < r->len; i++)
		assert_int_equal(sp_flight_data(r)[i], pattern(r->flow, i));
}

static void an_empty_ring_starts_again(void **state)
{
	struct sp_flight_rec *r;
	struct sp_flight f;

	(void)state;
	assert_int_equal(sp_flight_init(&f, sp_mem_system(), 4, 4096), 0);
	for (uint32_t seq = 0; seq < 1000; seq++) {
		r = put(&f, seq, 100);
		assert_ptr_equal(r, f.ring);
		sp_flight_queue(&f, r);
		assert_ptr_equal(sp_flight_first(&f), r);
		sp_flight_next(&f);
		assert_null(sp_flight_first(&f));
		assert_intact(r);
		sp_flight_done(&f, sp_flight_data(r));
		sp_flight_reclaim(&f);
	}
	sp_flight_fini(&f, sp_mem_system());
}

static void limit_counts_what_is_not_delivered(void **state)
{
	struct sp_flight_rec *r;
	struct sp_flight f;

	(void)state;
	assert_int_equal(sp_flight_init(&f, sp_mem_system(), 3, 4096), 0);
	for (uint32_t seq = 0; seq < 3; seq++) {
		r = put(&f, seq, 10);
		assert_non_null(r);
		sp_flight_queue(&f, r);
	}
	assert_null(put(&f, 3, 10));
	sp_flight_next(&f); /* delivered, though not given back */
	assert_non_null(put(&f, 3, 10));
	assert_null(put(&f, 4, 10));
	sp_flight_fini(&f, sp_mem_system());
}

/* Messages of all lengths go round a small ring thousands of times, given back in batches and
 * some of them late; each must arrive whole and in order. */
static void bytes_go_round(void **state)
{
	struct sp_flight_rec *late = NULL, *r;
	uint32_t sent = 0, got = 0, full = 0;
	struct sp_flight f;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "flight");
	assert_int_equal(sp_flight_init(&f, sp_mem_system(), 64, 8192), 0);
	while (got < 20000) {
		for (uint64_t n = sp_rng_below(&rng, 20); n; n--) {
			r = put(&f, sent, (uint32_t)sp_rng_below(&rng, MAX_LEN + 1));
			if (!r) {
				full++;
				break;
			}
			sp_flight_queue(&f, r);
			sent++;
		}
		for (uint64_t n = sp_rng_below(&rng, 20); n; n--) {
			r = sp_flight_first(&f);
			if (!r)
				break;
			sp_flight_next(&f);
			assert_int_equal(r->flow, got++);
			assert_intact(r);
			if (!late && sp_rng_below(&rng, 50) == 0) {
				late = r;
				continue;
			}
			sp_flight_done(&f, sp_flight_data(r));
		}
		if (late && sp_rng_below(&rng, 3) == 0) {
			assert_intact(late);
			sp_flight_done(&f, sp_flight_data(late));
			late = NULL;
		}
		sp_flight_reclaim(&f);
	}
	assert_true(full > 0);
	sp_flight_fini(&f, sp_mem_system());
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 2; fail++) {
		struct sp_mem_test m;
		struct sp_flight f;

		sp_mem_test_init(&m, fail);
		assert_int_equal(sp_flight_init(&f, &m.mem, 10, 1000), -ENOMEM);
		assert_int_equal(m.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_ring_starts_again),
		cmocka_unit_test(limit_counts_what_is_not_delivered),
		cmocka_unit_test(bytes_go_round),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
