#include "core/counters.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void test_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SP_C__N; i++) {
		assert_non_null(sp_counter_table[i].name);
		assert_true(strlen(sp_counter_table[i].sentence) > 5);
		assert_true(strlen(sp_counter_table[i].unit) > 3);
	}
	assert_string_equal(sp_counter_table[SP_C_tx_packets].name, "tx_packets");
	assert_false(sp_counter_table[SP_C_tx_packets].is_error);
	assert_string_equal(sp_counter_table[SP_C_error_refused].name, "refused");
	assert_true(sp_counter_table[SP_C_error_refused].is_error);
}

static void test_known(void **state)
{
	struct sp_counts a, b;

	(void)state;
	sp_counts_zero(&a);
	sp_counts_zero(&b);
	for (unsigned i = 0; i < SP_C__N; i++)
		assert_true(sp_counts_has(&a, i) && a.v[i] == 0);
	sp_counts_set(&a, SP_C_lost, 3);
	sp_counts_set(&a, SP_C_tx_bytes, 10);
	sp_counts_set(&b, SP_C_lost, 4);
	sp_counts_forget(&b, SP_C_tx_bytes);
	sp_counts_add(&a, &b);
	assert_int_equal(a.v[SP_C_lost], 7);
	assert_false(sp_counts_has(&a, SP_C_tx_bytes));
	assert_int_equal(a.v[SP_C_tx_bytes], 0);
	assert_true(sp_counts_has(&a, SP_C_lost));
	sp_counts_set(&a, SP_C_tx_bytes, 5);
	assert_true(sp_counts_has(&a, SP_C_tx_bytes));
}

static void test_identities(void **state)
{
	const struct {
		enum sp_counter c;
		uint64_t v;
	} ledger[] = {
		{ SP_C_asked_packets, 100 }, { SP_C_tx_packets, 90 },
		{ SP_C_not_sent_late, 7 },   { SP_C_tx_refused, 2 },
		{ SP_C_pending, 1 },	     { SP_C_rx_unique, 70 },
		{ SP_C_corrupted, 5 },	     { SP_C_lost, 11 },
		{ SP_C_in_flight, 4 },	     { SP_C_dropped_receiver, 6 },
		{ SP_C_lost_network, 3 },    { SP_C_lost_unknown, 2 },
		{ SP_C_rx_packets, 78 },     { SP_C_duplicates, 3 },
	};
	/* Which identities each of them is a term of. */
	const uint32_t in[] = { 1, 3, 1, 1, 1, 10, 10, 6, 2, 4, 4, 4, 8, 8 };
	struct sp_counts c;
	uint32_t unknown;

	(void)state;
	sp_counts_zero(&c);
	assert_int_equal(sp_counts_check(&c, &unknown), 0);
	for (unsigned i = 0; i < sizeof ledger / sizeof ledger[0]; i++)
		sp_counts_set(&c, ledger[i].c, ledger[i].v);
	assert_int_equal(sp_counts_check(&c, &unknown), 0);
	assert_int_equal(unknown, 0);
	for (unsigned i = 0; i < sizeof ledger / sizeof ledger[0]; i++) {
		sp_counts_set(&c, ledger[i].c, ledger[i].v + 1);
		assert_int_equal(sp_counts_check(&c, &unknown), in[i]);
		assert_int_equal(unknown, 0);
		sp_counts_forget(&c, ledger[i].c);
		assert_int_equal(sp_counts_check(&c, &unknown), 0);
		assert_int_equal(unknown, in[i]);
		sp_counts_set(&c, ledger[i].c, ledger[i].v);
	}
}

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(sp_identity_name(0), "asked");
	assert_string_equal(sp_identity_text(0), "asked_packets = tx_packets + not_sent_late + "
						 "tx_refused + pending + not_sent_unfit");
	assert_string_equal(sp_identity_text(3),
			    "rx_packets = rx_unique + corrupted + duplicates");
	assert_null(sp_identity_name(SP_IDENTITIES));
	assert_null(sp_identity_text(SP_IDENTITIES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
