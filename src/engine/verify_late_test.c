/* Senders that begin again, and last units. */
#include "engine/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "engine/verify_testing.h"
#include "plugin/catalog.h"

/* The next life of the same sender, after a pause. */
static void again(struct rx *x, uint32_t sent, uint64_t pause)
{
	x->origin += sent * MS + pause;
}

static void check_restart(uint32_t first, uint32_t second, bool last, uint64_t pause)
{
	const struct sp_flow_rx *f;
	struct packet p;
	struct rx x;
	uint64_t tx;

	rx_begin(&x);
	f = &x.v.own.rx[0];
	for (unsigned life = 0; life < 3; life++) {
		uint32_t n = life ? second : first;

		rx_many(&x, ID, 0, n - 1);
		p = rx_packet(&x, ID, n - 1);
		p.kind = last ? SP_STAMP_LAST : 0;
		rx_receive(&x, &p);
		again(&x, n, pause);
	}
	assert_int_equal(x.v.own.used, 1);
	assert_int_equal(x.v.own.meta[0].restarts, 2);
	assert_int_equal(f->rx, first + 2 * second);
	assert_int_equal(f->duplicates, 0);
	assert_int_equal(f->reordered, 0);
	assert_int_equal(x.v.own.meta[0].too_old, 0);
	assert_int_equal(f->gaps, 0);
	assert_int_equal(rx_lost(&x.v.own), 0);
	assert_int_equal(x.v.tally[f->tally].gap_error.max, 0);
	assert_int_equal(sp_flow_told(f, &x.v.own.meta[0], &tx), last);
	assert_int_equal(tx, first + 2 * second);
	rx_end(&x);
}

static void test_a_sender_begins_again(void **state)
{
	(void)state;
	check_restart(100, 50, true, SP_NS_PER_S);
	check_restart(100, 50, false, SP_NS_PER_S);
	check_restart(100, 300, true, SP_NS_PER_MS);
	check_restart(1024, 1024, true, 60 * SP_NS_PER_S);
	check_restart(20000, 5000, true, 3 * SP_NS_PER_S);
	check_restart(20000, 30000, false, SP_NS_PER_S);
}

/* After a reboot of its host its times say nothing: then it takes longer to see. */
static void test_a_rebooted_sender(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	rx_begin(&x);
	x.origin = 200 * SP_NS_PER_S;
	rx_many(&x, ID, 0, 5000);
	for (uint32_t i = 0; i < 5000; i++) {
		p = rx_packet(&x, ID, i);
		p.due -= 195 * SP_NS_PER_S;
		p.at += 60 * SP_NS_PER_S;
		rx_receive(&x, &p);
	}
	assert_int_equal(x.v.own.meta[0].restarts, 1);
	assert_int_equal(x.v.own.rx[0].duplicates, 0);
	assert_int_equal(x.v.own.meta[0].too_old, 0);
	assert_int_equal(rx_lost(&x.v.own), 0);
	rx_end(&x);
}

/* What is behind a new beginning has its place in the counts already. */
static void test_behind_a_new_beginning(void **state)
{
	struct rx x;

	(void)state;
	rx_begin(&x);
	rx_many(&x, ID, 0, 100);
	again(&x, 100, SP_NS_PER_S);
	rx_many(&x, ID, 0, 50);
	rx_arrive_late(&x, ID, (uint32_t)-5, 60 * MS);
	assert_int_equal(x.v.own.meta[0].restarts, 1);
	assert_int_equal(x.v.own.rx[0].duplicates, 1);
	assert_int_equal(rx_lost(&x.v.own), 0);
	rx_end(&x);
}

/* Formats without time. */
static void test_a_sender_without_times_begins_again(void **state)
{
	struct rx x;

	(void)state;
	rx_begin(&x);
	x.ops = sp_catalog_stamp(&sp_catalog, "short");
	rx_many(&x, ID, 0, 30000);
	rx_many(&x, ID, 0, 2000);
	assert_int_equal(x.v.own.meta[0].restarts, 1);
	assert_int_equal(rx_unique(&x.v.own.rx[0]), 32000);
	assert_int_equal(rx_lost(&x.v.own), 0);
	rx_end(&x);
}

/* Copies of all that was sent, however late and however regular, are no new beginning. */
static void test_copies_are_no_beginning(void **state)
{
	struct rx x;

	(void)state;
	rx_begin(&x);
	rx_many(&x, ID, 0, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		rx_arrive_late(&x, ID, i, 6 * SP_NS_PER_S);

	assert_int_equal(x.v.own.rx[0].rx, 10000);
	assert_int_equal(rx_lost(&x.v.own), 0);
	assert_int_equal(x.v.own.meta[0].restarts, 0);
	assert_int_equal(x.v.own.rx[0].duplicates, 5000);
	rx_end(&x);
}

/* One forged message moves nothing. */
static void test_one_alone_is_no_beginning(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	rx_begin(&x);
	rx_many(&x, ID, 0, 5000);
	p = rx_packet(&x, ID, 0);
	p.due += 60 * SP_NS_PER_S;
	p.at += 60 * SP_NS_PER_S;
	rx_receive(&x, &p);
	rx_many(&x, ID, 5000, 6000);
	assert_int_equal(x.v.own.meta[0].restarts, 0);
	assert_int_equal(x.v.own.rx[0].duplicates, 1);
	assert_int_equal(rx_lost(&x.v.own), 0);
	rx_end(&x);
}

/* ---- the last unit ---- */

/* The last says how many there were; only if the first was seen too. */
static void check_last(uint32_t first, uint32_t last_sent, uint32_t last_seen, bool told)
{
	struct packet p;
	struct rx x;
	uint64_t tx;

	rx_begin(&x);
	for (uint32_t i = first; i <= last_seen; i += 2) {
		p = rx_packet(&x, ID, i);
		p.kind = i == last_sent ? SP_STAMP_LAST : 0;
		rx_receive(&x, &p);
	}
	assert_int_equal(sp_flow_told(&x.v.own.rx[0], &x.v.own.meta[0], &tx), told);
	if (told)
		assert_int_equal(tx, last_sent + 1);
	rx_end(&x);
}

static void test_last_unit(void **state)
{
	(void)state;
	check_last(0, 100, 100, true);
	check_last(0, 100, 98, false);
	check_last(2, 100, 100, false);
	check_last(0, 0, 0, true);
	check_last(0, 3000, 3000, true);
}

/* Something newer than the last: it was none. */
static void test_more_after_the_last(void **state)
{
	struct packet p;
	struct rx x;
	uint64_t tx;

	(void)state;
	rx_begin(&x);
	rx_many(&x, ID, 0, 10);
	p = rx_packet(&x, ID, 10);
	p.kind = SP_STAMP_LAST;
	rx_receive(&x, &p);
	assert_true(sp_flow_told(&x.v.own.rx[0], &x.v.own.meta[0], &tx));
	rx_many(&x, ID, 11, 12);
	assert_false(sp_flow_told(&x.v.own.rx[0], &x.v.own.meta[0], &tx));
	rx_end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sender_begins_again),
		cmocka_unit_test(test_a_rebooted_sender),
		cmocka_unit_test(test_behind_a_new_beginning),
		cmocka_unit_test(test_a_sender_without_times_begins_again),
		cmocka_unit_test(test_copies_are_no_beginning),
		cmocka_unit_test(test_one_alone_is_no_beginning),
		cmocka_unit_test(test_last_unit),
		cmocka_unit_test(test_more_after_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
