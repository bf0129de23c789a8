/* What each message has to change, and what it must not: times, sequence, damage. */
#include "engine/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "engine/verify_testing.h"

/* ---- time ---- */

/* With and without control, a copy of each packet half a gap later leaves no trace in times. */
static void check_copies(uint32_t id)
{
	const struct sp_flow_table *t;
	const struct sp_tally_rx *tally;
	struct rx x;

	rx_begin(&x);
	t = id == 1 ? &x.granted : &x.v.own;
	for (uint32_t i = 0; i < 100; i++) {
		rx_in_time(&x, id, i);
		rx_arrive_late(&x, id, i, MS / 2);
	}
	tally = &x.v.tally[t->rx[0].tally];
	assert_int_equal(t->rx[0].duplicates, 100);
	assert_int_equal(rx_unique(&t->rx[0]), 100);
	assert_int_equal(t->rx[0].reordered, 0);
	assert_int_equal(t->rx[0].jitter16, 0);
	assert_int_equal(tally->gap_error.n, 99);
	assert_int_equal(tally->gap_error.max, 0);
	assert_int_equal(t->meta[0].first_rx, START + x.delay);
	/* Rates are of all arrivals: so is the last one. */
	assert_int_equal(t->rx[0].last_rx, START + x.delay + 99 * MS + MS / 2);
	if (id == 1) {
		assert_int_equal(tally->delay.n, 100);
		assert_int_equal(t->rx[0].delay_min, x.delay);
		assert_int_equal(t->rx[0].delay_max, x.delay);
	}
	rx_end(&x);
}

static void test_copies_leave_times_alone(void **state)
{
	(void)state;
	check_copies(1);
	check_copies(ID);
}

/* A late one is in the delays and in the jitter (RFC 3550: in order of arrival), not in the gaps
 * of those in order. */
static void test_a_late_one(void **state)
{
	const struct sp_flow_rx *f;
	struct rx x;

	(void)state;
	rx_begin(&x);
	f = &x.granted.rx[0];
	rx_many(&x, 1, 0, 5);
	rx_many(&x, 1, 6, 8);
	rx_arrive_late(&x, 1, 5, 5 * MS / 2);
	assert_int_equal(f->reordered, 1);
	assert_int_equal(f->gaps, 1);
	assert_int_equal(f->delay_max, x.delay + 5 * MS / 2);
	assert_int_equal(f->jitter16, 5 * MS / 2);
	rx_many(&x, 1, 8, 9);
	/* A.8: J += |D| - (J + 8) / 16, J scaled by 16. */
	assert_int_equal(f->jitter16, 5 * MS - ((5 * MS / 2 + 8) >> 4));
	assert_int_equal(x.v.tally[1].gap_error.max, 0);
	assert_int_equal(rx_lost(&x.granted), 0);
	rx_end(&x);
}

/* The longest silence in which something was missed: not one in which nothing was sent, and not
 * one that ends with a late one. */
static void test_outage(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	rx_begin(&x);
	rx_many(&x, 1, 0, 1000);
	assert_int_equal(x.granted.meta[0].outage_ns, 0);
	rx_many(&x, 1, 1002, 1500); /* two are lost: three gaps */
	assert_int_equal(x.granted.meta[0].outage_ns, 3 * MS);
	rx_many(&x, 1, 3500, 4000);
	assert_int_equal(x.granted.meta[0].outage_ns, 2001 * MS);
	for (uint32_t i = 4000; i < 4010; i++) { /* its sender rests */
		p = rx_packet(&x, 1, i);
		p.due += 5 * SP_NS_PER_S;
		p.at += 5 * SP_NS_PER_S;
		rx_receive(&x, &p);
	}
	assert_int_equal(x.granted.meta[0].outage_ns, 2001 * MS);
	rx_end(&x);
}

/* The jitter is of what the path does: a sender that is late is not it. */
static void test_a_late_sender(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	rx_begin(&x);
	for (uint32_t i = 0; i < 50; i++) {
		p = rx_packet(&x, 1, i);
		p.late = i % 3 * 256 * 1024;
		p.at += p.late;
		rx_receive(&x, &p);
	}
	assert_int_equal(x.granted.rx[0].jitter16, 0);
	assert_int_equal(x.v.tally[1].delay_actual.max, x.delay);
	assert_int_equal(x.v.tally[1].gap_error.max, 2 * 256 * 1024);
	assert_int_equal(x.granted.meta[0].negative, 0);
	rx_end(&x);
}

/* One packet every minute for two hours, over seven wraps of the 40 bits of due. */
static void check_wrap_of_due(uint32_t id, int64_t offset)
{
	const struct sp_flow_table *t;
	struct packet p;
	struct rx x;

	rx_begin(&x);
	t = id == 1 ? &x.granted : &x.v.own;
	x.session[1].offset_ns = offset;
	for (uint32_t i = 0; i < 120; i++) {
		p = rx_packet(&x, id, i);
		p.due += i * 60 * SP_NS_PER_S;
		p.at = p.due + (uint64_t)offset + x.delay;
		rx_receive(&x, &p);
	}
	assert_int_equal(t->rx[0].jitter16, 0);
	assert_int_equal(x.v.tally[t->rx[0].tally].gap_error.max, 0);
	if (id == 1) {
		assert_int_equal(t->rx[0].delay_min, x.delay);
		assert_int_equal(t->rx[0].delay_max, x.delay);
	}
	rx_end(&x);
}

static void test_wrap_of_due(void **state)
{
	(void)state;
	check_wrap_of_due(1, 0);
	check_wrap_of_due(1, -(int64_t)(50 * SP_NS_PER_S));
	check_wrap_of_due(1, INT64_C(1) << 60);
	check_wrap_of_due(ID, 77777777);
}

/* ---- sequence ---- */

static void test_wrap_of_seq(void **state)
{
	struct rx x;

	(void)state;
	rx_begin(&x);
	x.zero = UINT32_MAX - 2000;
	rx_many(&x, ID, UINT32_MAX - 2000, 3000);
	assert_int_equal(x.v.own.rx[0].rx, 5001);
	assert_int_equal(x.v.own.rx[0].duplicates, 0);
	assert_int_equal(x.v.own.rx[0].reordered, 0);
	assert_int_equal(rx_lost(&x.v.own), 0);
	assert_int_equal(x.v.own.meta[0].restarts, 0);
	rx_end(&x);
}

/* A flow may begin anywhere; what comes after but was sent before belongs to it. */
static void check_base(uint32_t seq)
{
	struct rx x;

	rx_begin(&x);
	x.zero = seq;
	rx_in_time(&x, ID, seq);
	rx_arrive_late(&x, ID, seq - 3, 5 * MS);
	rx_arrive_late(&x, ID, seq - 3, 6 * MS);
	rx_arrive_late(&x, ID, seq - 2, 6 * MS);
	assert_int_equal(x.v.own.rx[0].reordered, 2);
	assert_int_equal(x.v.own.rx[0].duplicates, 1);
	assert_int_equal(rx_lost(&x.v.own), 1);
	assert_int_equal(x.v.own.meta[0].too_old, 0);
	rx_end(&x);
}

static void test_a_flow_begins_anywhere(void **state)
{
	(void)state;
	check_base(5);
	check_base(0);
	check_base(2);
	check_base(INT32_MAX);
	check_base(UINT32_MAX);
}

/* 1,024: exactly so many are looked up. */
static void check_window(uint32_t behind, bool missing, uint64_t duplicates, uint64_t too_old)
{
	const uint32_t newest = 5000, seq = newest - behind;
	const struct sp_flow_rx *f;
	struct rx x;

	rx_begin(&x);
	f = &x.granted.rx[0];
	if (missing) {
		rx_many(&x, 1, 0, seq);
		rx_many(&x, 1, seq + 1, newest + 1);
	} else {
		rx_many(&x, 1, 0, newest + 1);
	}
	rx_arrive_late(&x, 1, seq, 10 * SP_NS_PER_S);
	assert_int_equal(f->duplicates, duplicates);
	assert_int_equal(f->reordered, !duplicates);
	assert_int_equal(x.granted.meta[0].too_old, too_old);
	assert_int_equal(rx_lost(&x.granted), missing && duplicates);
	rx_end(&x);
}

static void test_window(void **state)
{
	(void)state;
	check_window(1, false, 1, 0);
	check_window(1, true, 0, 0);
	check_window(1000, true, 0, 0);
	check_window(1023, true, 0, 0);
	check_window(1023, false, 1, 0);
	check_window(1024, true, 0, 1);
	check_window(1024, false, 1, 1);
	check_window(4000, true, 0, 1);
}

static void test_bursts_of_loss(void **state)
{
	struct rx x;

	(void)state;
	rx_begin(&x);
	rx_many(&x, 1, 2, 10);
	rx_many(&x, 1, 11, 20);
	rx_many(&x, 1, 25, 30);
	rx_many(&x, 1, 2000, 2001);
	rx_many(&x, 1, 2002, 2003);
	assert_int_equal(x.granted.rx[0].gaps, 5);
	assert_int_equal(rx_lost(&x.granted), 2 + 1 + 5 + 1970 + 1);
	rx_end(&x);
}

/* A damaged one fills no gap, but nothing old may take its place. */
static void test_old_copy_beside_a_damaged_one(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	rx_begin(&x);
	rx_many(&x, 1, 0, 10);
	p = rx_packet(&x, 1, 10);
	p.flip = 1;
	rx_receive(&x, &p);
	rx_many(&x, 1, 11, 3000);
	rx_arrive_late(&x, 1, 5, 9 * SP_NS_PER_S);
	assert_int_equal(x.granted.rx[0].corrupted, 1);
	assert_int_equal(x.granted.rx[0].duplicates, 1);
	assert_int_equal(rx_lost(&x.granted), 0);
	rx_end(&x);
}

/* ---- whose damage ---- */

static void test_damage_and_strangers(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	rx_begin(&x);
	/* Nobody is known yet: a stranger's. */
	p = rx_packet(&x, ID, 0);
	p.flip = 1;
	rx_receive(&x, &p);
	assert_int_equal(x.v.own.used, 1);
	assert_false(x.v.own.meta[0].stamped);
	rx_many(&x, 1, 0, 10);
	p = rx_packet(&x, 1, 10);
	p.flip = 1; /* the check */
	rx_receive(&x, &p);
	p.flip = 18; /* the magic */
	rx_receive(&x, &p);
	p.flip = 15; /* the flow id */
	rx_receive(&x, &p);
	assert_int_equal(x.granted.rx[0].corrupted, 3);
	assert_int_equal(x.granted.rx[0].rx, 13);
	/* Too short to have had a stamp. */
	p.flip = 0;
	p.len = 9;
	rx_receive(&x, &p);
	assert_int_equal(x.granted.rx[0].corrupted, 3);
	assert_int_equal(x.v.own.rx[0].rx, 2);
	rx_end(&x);
}

/* ---- a sender that begins again ---- */

/* ---- runs that were verified below ---- */

static void untimed(struct rx *x, uint32_t id, uint32_t seq, uint32_t run)
{
	struct sp_flow_tx tx = { .head = x->ops->head(id, 0), .seq = seq };
	uint8_t data[64] = { 0 };
	struct sp_msg m = { .data = data,
			    .len = sizeof data,
			    .stamp_off = (uint16_t)(sizeof data - x->ops->len),
			    .t_ns = START };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	x->ops->put(&b, 0, &tx, m.t_ns);
	m.t_ns += (uint32_t)(seq + (run ? run - 1 : 0) - x->zero) * MS;
	m.flags = (uint16_t)(SP_M_UNTIMED | (run ? SP_M_RUN : 0));
	m.flow = run;
	m.stamp_off = SP_NO_STAMP;
	sp_verify_burst(&x->v, &b, 0, NULL);
}

/* Runs, gaps, late ones and copies: the same counts as message by message. */
static void test_runs(void **state)
{
	struct sp_rng g;

	(void)state;
	sp_rng_init(&g, 3, "runs");
	for (unsigned round = 0; round < 20; round++) {
		const struct sp_flow_rx *f, *each;
		uint32_t seq = (uint32_t)sp_rng_u64(&g), n;
		struct rx x, y;

		rx_begin(&x);
		rx_begin(&y);
		x.zero = y.zero = seq - 1000;
		untimed(&x, ID, seq, 0);
		untimed(&y, ID, seq++, 0);
		for (unsigned i = 0; i < 60; i++) {
			n = 1 + (uint32_t)(sp_rng_u64(&g) % (i % 5 ? 40 : 4000));
			untimed(&x, ID, seq, n);
			for (uint32_t k = 0; k < n; k++)
				untimed(&y, ID, seq + k, 0);
			seq += n;
			if (sp_rng_u64(&g) & 1)
				seq += (uint32_t)(sp_rng_u64(&g) % 1500);
			n = seq - (uint32_t)(sp_rng_u64(&g) % 900);
			untimed(&x, ID, n, 0);
			untimed(&y, ID, n, 0);
			if (n == seq)
				seq++;
		}
		f = &x.v.own.rx[0];
		each = &y.v.own.rx[0];
		assert_int_equal(f->rx, each->rx);
		assert_int_equal(f->rx_bytes, each->rx_bytes);
		assert_int_equal(f->next, each->next);
		assert_int_equal(f->duplicates, each->duplicates);
		assert_int_equal(f->reordered, each->reordered);
		assert_int_equal(f->gaps, each->gaps);
		assert_int_equal(f->last_rx, each->last_rx);
		assert_memory_equal(f->win, each->win, sizeof f->win);
		assert_int_equal(x.v.own.meta[0].base, y.v.own.meta[0].base);
		assert_int_equal(x.v.own.meta[0].too_old, y.v.own.meta[0].too_old);
		assert_false(x.v.own.meta[0].has_time);
		assert_int_equal(x.v.tally[f->tally].gap_error.n, 0);
		rx_end(&x);
		rx_end(&y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_leave_times_alone),
		cmocka_unit_test(test_a_late_one),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_a_late_sender),
		cmocka_unit_test(test_wrap_of_due),
		cmocka_unit_test(test_wrap_of_seq),
		cmocka_unit_test(test_a_flow_begins_anywhere),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_bursts_of_loss),
		cmocka_unit_test(test_old_copy_beside_a_damaged_one),
		cmocka_unit_test(test_damage_and_strangers),
		cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
