#include "pkt/slot_bank.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CAP 32u

static void remembers_what_was_handed_in(void **state)
{
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_slot_bank s;

	(void)state;
	assert_int_equal(sp_slot_bank_init(&s, sp_mem_system(), 65536, 2000, SP_SLOTS_ALIGNED),
			 0);
	assert_int_equal(sp_slot_bank_lend(&s, &b, 10, 100, 7), 10);
	assert_int_equal(b.n, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(m[i].len, 100);
		assert_int_equal(m[i].flags, 0);
		assert_int_equal((uintptr_t)m[i].data % SP_SLOTS_ALIGNED, 0);
	}
	assert_int_equal(m[1].data - m[0].data, 128);
	sp_slot_bank_filled(&s, 6); /* four were given back */
	assert_int_equal(sp_slot_bank_lend(&s, &b, 8, 100, 7), 8);
	assert_int_equal(m[5].flags, SP_M_HELD);
	assert_int_equal(m[6].flags, 0);
	sp_slot_bank_filled(&s, 2); /* does not forget the other four */
	sp_slot_bank_lend(&s, &b, 8, 100, 7);
	assert_int_equal(m[5].flags, SP_M_HELD);
	sp_slot_bank_lend(&s, &b, 8, 101, 7);
	assert_int_equal(m[0].flags, 0);
	sp_slot_bank_filled(&s, 8);
	sp_slot_bank_lend(&s, &b, 8, 101, 8);
	assert_int_equal(m[0].flags, 0);
	sp_slot_bank_fini(&s, sp_mem_system());
}

static void lends_no_more_than_it_has(void **state)
{
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_slot_bank s;

	(void)state;
	assert_int_equal(sp_slot_bank_init(&s, sp_mem_system(), 1, 5000, SP_SLOTS_ALIGNED), 0);
	assert_int_equal(sp_slot_bank_lend(&s, &b, 5, 5000, 1), 1);
	assert_int_equal(sp_slot_bank_lend(&s, &b, 5, 1000, 1), 4); /* 5056 / 1024 */
	assert_int_equal(sp_slot_bank_lend(&s, &b, 50, 0, 1), CAP);
	sp_slot_bank_fini(&s, sp_mem_system());
}

/* Equal messages are one run of bytes, and none is longer than was agreed. */
static void lends_side_by_side(void **state)
{
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_slot_bank s = { 0 };

	(void)state;
	assert_int_equal(sp_slot_bank_lend(&s, &b, 5, 0, 0),
			 0); /* not one that has no memory */
	assert_int_equal(sp_slot_bank_init(&s, sp_mem_system(), 10000, 5001, SP_SLOTS_JOINED),
			 0);
	assert_int_equal(sp_slot_bank_lend(&s, &b, 20, 333, 7), 20);
	for (unsigned i = 1; i < 20; i++)
		assert_ptr_equal(m[i].data, m[i - 1].data + 333);
	sp_slot_bank_filled(&s, 20);
	sp_slot_bank_lend(&s, &b, CAP, 333, 7);
	assert_int_equal(b.n, 30); /* 10000 / 333 */
	assert_int_equal(m[19].flags, SP_M_HELD);
	assert_int_equal(m[20].flags, 0);
	assert_int_equal(sp_slot_bank_lend(&s, &b, 2, 5001, 7), 1);
	assert_int_equal(sp_slot_bank_lend(&s, &b, 1, 5002, 7), 0);
	assert_int_equal(b.n, 0);
	sp_slot_bank_fini(&s, sp_mem_system());
	assert_int_equal(sp_slot_bank_lend(&s, &b, 1, 333, 7), 0);
}

static void survives_lack_of_memory(void **state)
{
	struct sp_mem_test t;
	struct sp_slot_bank s;

	(void)state;
	sp_mem_test_init(&t, 0);
	assert_int_equal(sp_slot_bank_init(&s, &t.mem, 1000, 1000, SP_SLOTS_JOINED), -ENOMEM);
	sp_slot_bank_fini(&s, &t.mem);
	assert_int_equal(t.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_what_was_handed_in),
		cmocka_unit_test(lends_no_more_than_it_has),
		cmocka_unit_test(lends_side_by_side),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
