#include "forward/impair.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

#define US SP_NS_PER_US
#define MS SP_NS_PER_MS

/* A sender of frames number 0, 1, 2 ... and what came out: number and time. */
struct rig {
	struct sp_impair im;
	uint32_t next;
	uint32_t n, id[40000];
	uint64_t t_ns[40000];
	uint32_t damaged;
};

#define COPY 0x80000000u

static void start(struct rig *r, const struct sp_impair_conf *c)
{
	struct sp_err err = { 0 };

	r->next = r->n = r->damaged = 0;
	assert_int_equal(sp_impair_init(&r->im, c, 7, "l1 there", sp_mem_system(), &err), 0);
}

static void deliver(struct rig *r, uint64_t now_ns)
{
	uint64_t next;
	uint32_t id;

	while ((next = sp_impair_next(&r->im)) <= now_ns) {
		/* Never before its time. */
		if (next)
			assert_false(sp_impair_take(&r->im, next - 1, &id));
		assert_true(sp_impair_take(&r->im, next, &id));
		r->id[r->n] = id;
		r->t_ns[r->n++] = next;
	}
}

static void offer_as(struct rig *r, uint64_t now_ns, uint32_t bytes, uint32_t flow, bool meant)
{
	uint32_t id = r->next++;

	deliver(r, now_ns);
	struct sp_impair_verdict v = sp_impair_judge(&r->im, bytes, meant);
	if (v.fate == SP_IMPAIR_GONE)
		return;
	r->damaged += v.fate == SP_IMPAIR_DAMAGED;
	sp_impair_enter(&r->im, now_ns, bytes, flow, id, v.fate);
	if (v.fate == SP_IMPAIR_TWICE)
		sp_impair_enter_copy(&r->im, now_ns, bytes, id | COPY);
}

static void offer(struct rig *r, uint64_t now_ns, uint32_t bytes)
{
	offer_as(r, now_ns, bytes, 1, true);
}

static void finish(struct rig *r)
{
	const struct sp_impair_counts *c = &r->im.counts;

	deliver(r, SP_NEVER - 1);
	assert_int_equal(r->n, c->frames_out);
	assert_int_equal(c->frames_in + c->duplicated,
			 c->frames_out + c->lost + c->down + c->overflow);
	sp_impair_fini(&r->im);
}

static struct rig rig;

static struct sp_impair_conf wire(void)
{
	struct sp_impair_conf c = { 0 };
	struct sp_arena arena;

	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_opts_default(sp_impair_opts, &c, &arena, NULL), 0);
	sp_arena_fini(&arena);
	return c;
}

static void test_wire(void **state)
{
	struct sp_impair_conf c = wire();

	(void)state;
	assert_true(sp_impair_is_wire(&c));
	start(&rig, &c);
	for (uint64_t k = 0; k < 1000; k++)
		offer(&rig, k * 10, 60);
	finish(&rig);
	assert_int_equal(rig.n, 1000);
	for (uint32_t k = 0; k < 1000; k++) {
		assert_int_equal(rig.id[k], k);
		assert_int_equal(rig.t_ns[k], k * 10);
	}
}

static void test_every(void **state)
{
	struct sp_impair_conf c = wire();
	uint32_t lost = 0;

	(void)state;
	c.loss_every = 10;
	assert_false(sp_impair_is_wire(&c));
	start(&rig, &c);
	for (uint64_t k = 0; k < 1005; k++)
		offer(&rig, k, 60);
	finish(&rig);
	assert_int_equal(rig.im.counts.lost, 100);
	/* Frames 9, 19, 29 ... */
	for (uint32_t k = 0; k < rig.n; k++) {
		assert_int_not_equal(rig.id[k] % 10, 9);
		lost += k && rig.id[k] != rig.id[k - 1] + 1;
	}
	assert_int_equal(lost, 100);
}

/* The stages come one after another, and what one struck the later ones do not see. */
static void test_all_stages(void **state)
{
	struct sp_impair_conf c = wire();
	uint32_t n = 10000, lost, corrupted, twice, reordered;

	(void)state;
	c.loss_every = 10;
	c.corrupt_every = 7;
	c.duplicate_every = 5;
	c.reorder_every = 3;
	c.delay_ns = 5 * MS;
	start(&rig, &c);
	for (uint64_t k = 0; k < n; k++)
		offer(&rig, k * 100 * US, 60);
	finish(&rig);
	lost = n / 10;
	corrupted = (n - lost) / 7;
	twice = (n - lost - corrupted) / 5;
	reordered = (n - lost - corrupted - twice) / 3;
	assert_int_equal(rig.im.counts.lost, lost);
	assert_int_equal(rig.im.counts.corrupted, corrupted);
	assert_int_equal(rig.damaged, corrupted);
	assert_int_equal(rig.im.counts.duplicated, twice);
	assert_int_equal(rig.im.counts.reordered, reordered);
	assert_int_equal(rig.n, n - lost + twice);
	/* Everything takes 5 ms, and what was overtaken leaves with the one that overtook it. */
	uint32_t late = 0, highest = 0, copies = 0;
	for (uint32_t k = 0; k < rig.n; k++) {
		uint32_t id = rig.id[k] & ~COPY;
		uint64_t took_ns = rig.t_ns[k] - id * 100 * US;

		copies += rig.id[k] != id;
		if (rig.id[k] == id && id < highest) {
			late++;
			assert_true(took_ns > 5 * MS && took_ns <= 6 * MS);
		} else {
			assert_int_equal(took_ns, 5 * MS);
		}
		highest = id > highest ? id : highest;
	}
	assert_int_equal(late, reordered);
	assert_int_equal(copies, twice);
}

static void test_only(void **state)
{
	struct sp_impair_conf c = wire();

	(void)state;
	c.loss_every = 2;
	c.down = false;
	start(&rig, &c);
	for (uint64_t k = 0; k < 100; k++)
		offer_as(&rig, k, 60, 1, k % 4 == 0);
	finish(&rig);
	assert_int_equal(rig.im.counts.lost, 12);
	assert_int_equal(rig.n, 88);
}

static double chance(double *conf, struct sp_impair_conf *c, uint64_t *count)
{
	uint32_t n = 30000;

	*conf = 0.1;
	start(&rig, c);
	for (uint64_t k = 0; k < n; k++)
		offer(&rig, k, 60);
	finish(&rig);
	*conf = 0;
	return (double)*count / n;
}

static void test_chance(void **state)
{
	struct sp_impair_conf c = wire();
	const struct sp_impair_counts *n = &rig.im.counts;
	uint32_t first[100];

	(void)state;
	/* Five standard deviations of 30,000 draws. */
	const double near = 5 * sqrt(0.1 * 0.9 / 30000);
	assert_true(fabs(chance(&c.loss, &c, &rig.im.counts.lost) - 0.1) < near);
	memcpy(first, rig.id, sizeof first);
	assert_true(fabs(chance(&c.corrupt, &c, &rig.im.counts.corrupted) - 0.1) < near);
	assert_true(fabs(chance(&c.duplicate, &c, &rig.im.counts.duplicated) - 0.1) < near);
	assert_true(fabs(chance(&c.reorder, &c, &rig.im.counts.reordered) - 0.1) < near);
	/* The same seed loses the same frames. */
	chance(&c.loss, &c, &rig.im.counts.lost);
	assert_memory_equal(first, rig.id, sizeof first);
	assert_true(n->lost > 0);
}

static void test_delay(void **state)
{
	struct sp_impair_conf c = wire();
	uint64_t least = SP_NEVER, most = 0;

	(void)state;
	c.delay_ns = 20 * MS;
	c.jitter_ns = 2 * MS;
	start(&rig, &c);
	for (uint64_t k = 0; k < 5000; k++)
		offer(&rig, k * 10 * MS, 60);
	finish(&rig);
	for (uint32_t k = 0; k < rig.n; k++) {
		uint64_t took_ns = rig.t_ns[k] - k * 10 * MS;

		assert_int_equal(rig.id[k], k);
		least = took_ns < least ? took_ns : least;
		most = took_ns > most ? took_ns : most;
	}
	assert_true(least >= 18 * MS && least < 18 * MS + 20 * US);
	assert_true(most <= 22 * MS && most > 22 * MS - 20 * US);
	/* Close together the order stays. */
	start(&rig, &c);
	for (uint64_t k = 0; k < 5000; k++)
		offer(&rig, k * 10 * US, 60);
	finish(&rig);
	for (uint32_t k = 1; k < rig.n; k++) {
		assert_int_equal(rig.id[k], k);
		assert_true(rig.t_ns[k] >= rig.t_ns[k - 1]);
	}
}

static void test_rate(void **state)
{
	struct sp_impair_conf c = wire();

	(void)state;
	/* 7 Mbit/s: 1000 bytes take 1142857 1/7 ns. */
	assert_int_equal(sp_parse_rate("7Mbit/s", &c.rate), 0);
	c.queue_bytes = 100000000;
	start(&rig, &c);
	for (uint64_t k = 0; k < 7000; k++)
		offer(&rig, k * 100 * US, 1000);
	finish(&rig);
	assert_int_equal(rig.n, 7000);
	for (uint32_t k = 0; k < rig.n; k++)
		assert_int_equal(rig.t_ns[k], (uint64_t)(k + 1) * 8000000 / 7);
	/* After a pause it begins anew, and an idle link hoards nothing. */
	start(&rig, &c);
	offer(&rig, 0, 1000);
	offer(&rig, 10 * MS, 1000);
	offer(&rig, 10 * MS, 1000);
	finish(&rig);
	assert_int_equal(rig.t_ns[1], 10 * MS + 8000000 / 7);
	assert_int_equal(rig.t_ns[2], 10 * MS + 16000000 / 7);
}

static void test_bucket(void **state)
{
	struct sp_impair_conf c = wire();

	(void)state;
	assert_int_equal(sp_parse_rate("8Mbit/s", &c.rate), 0); /* 1000 bytes a millisecond */
	c.burst_bytes = 3000;
	start(&rig, &c);
	for (uint64_t k = 0; k < 6; k++)
		offer(&rig, 50 * MS, 1000);
	finish(&rig);
	for (uint32_t k = 0; k < 6; k++)
		assert_int_equal(rig.t_ns[k], 50 * MS + (k < 3 ? 0 : k - 2) * MS);
}

static void test_queue(void **state)
{
	struct sp_impair_conf c = wire();

	(void)state;
	assert_int_equal(sp_parse_rate("8Mbit/s", &c.rate), 0);
	c.queue_bytes = 5000;
	start(&rig, &c);
	for (uint64_t k = 0; k < 20; k++)
		offer(&rig, 0, 1000);
	/* A frame leaves, one more has room. */
	offer(&rig, 1 * MS, 1000);
	offer(&rig, 1 * MS, 1000);
	finish(&rig);
	assert_int_equal(rig.n, 6);
	assert_int_equal(rig.im.counts.overflow, 16);
	/* 100 ms unless said otherwise, and at least 32 KiB. */
	c.queue_bytes = 0;
	start(&rig, &c);
	for (uint64_t k = 0; k < 300; k++)
		offer(&rig, 0, 1000);
	finish(&rig);
	assert_int_equal(rig.n, 100);
	assert_int_equal(sp_parse_rate("80kbit/s", &c.rate), 0);
	start(&rig, &c);
	for (uint64_t k = 0; k < 300; k++)
		offer(&rig, 0, 1000);
	finish(&rig);
	assert_int_equal(rig.n, 32);
}

static void test_set(void **state)
{
	struct sp_impair_conf c = wire(), d;

	(void)state;
	c.delay_ns = 10 * MS;
	c.loss_every = 4;
	start(&rig, &c);
	for (uint64_t k = 0; k < 3; k++)
		offer(&rig, k * MS, 60);
	d = c;
	d.down = true;
	sp_impair_set(&rig.im, &d);
	offer(&rig, 5 * MS, 60);
	/* Up again and faster: nobody is overtaken, and the fourth that counts is lost. */
	c.delay_ns = 1 * MS;
	sp_impair_set(&rig.im, &c);
	for (uint64_t k = 6; k < 20; k++)
		offer(&rig, k * MS, 60);
	finish(&rig);
	assert_int_equal(rig.im.counts.down, 1);
	assert_int_equal(rig.im.counts.lost, 4);
	assert_int_equal(rig.t_ns[2], 12 * MS);
	for (uint32_t k = 1; k < rig.n; k++)
		assert_true(rig.t_ns[k] >= rig.t_ns[k - 1]);
	assert_int_equal(rig.t_ns[rig.n - 1], 20 * MS);
}

static void test_reorder(void **state)
{
	struct sp_impair_conf c = wire();
	static const uint32_t swapped[] = { 0, 2, 1, 3, 5, 4, 6, 8, 7 };

	(void)state;
	c.reorder_every = 2;
	start(&rig, &c);
	for (uint64_t k = 0; k < 9; k++)
		offer_as(&rig, k * MS, 60, 1, k % 3 != 2);
	finish(&rig);
	for (uint32_t k = 0; k < 9; k++)
		assert_int_equal(rig.id[k], swapped[k]);
	/* Another flow does not count as passing, and nobody waits for ever. */
	c.reorder_every = 1;
	start(&rig, &c);
	offer_as(&rig, 0, 60, 1, true);
	offer_as(&rig, 1 * MS, 60, 2, false);
	finish(&rig);
	assert_int_equal(rig.im.counts.reordered, 0);
	assert_int_equal(rig.id[0], 1);
	assert_int_equal(rig.t_ns[1], 100 * MS);
	/* More than can be held go on as they came. */
	c.reorder_by = 1000;
	start(&rig, &c);
	for (uint64_t k = 0; k < 200; k++)
		offer(&rig, k, 60);
	finish(&rig);
	assert_int_equal(rig.n, 200);
	assert_int_equal(rig.im.counts.reordered, SP_IMPAIR_HELD);
}

static void test_full_ring(void **state)
{
	struct sp_impair_conf c = wire();
	struct sp_err err = { 0 };
	struct sp_impair im;
	uint32_t taken = 0, id;

	(void)state;
	c.delay_ns = 1 * MS;
	assert_int_equal(sp_impair_init(&im, &c, 1, "x", sp_mem_system(), &err), 0);
	for (uint32_t k = 0; k < SP_IMPAIR_RING + 10; k++) {
		sp_impair_judge(&im, 60, true);
		taken += sp_impair_enter(&im, 0, 60, 1, k, SP_IMPAIR_PASS);
	}
	assert_int_equal(taken, SP_IMPAIR_RING);
	assert_int_equal(im.counts.overflow, 10);
	for (uint32_t k = 0; k < taken; k++) {
		assert_true(sp_impair_take(&im, 1 * MS, &id));
		assert_int_equal(id, k);
	}
	assert_int_equal(sp_impair_next(&im), SP_NEVER);
	sp_impair_fini(&im);
}

static void test_check(void **state)
{
	struct sp_impair_conf c = wire();
	struct sp_err err = { 0 };
	const char *key;

	(void)state;
	assert_int_equal(sp_impair_check(&c, &key, &err), 0);
	sp_parse_rate("100pps", &c.rate);
	assert_int_equal(sp_impair_check(&c, &key, &err), -EINVAL);
	assert_non_null(strstr(err.text, "10Mbit/s"));
	sp_parse_rate("999bit/s", &c.rate);
	assert_int_equal(sp_impair_check(&c, &key, &err), -EINVAL);
	sp_parse_rate("max", &c.rate);
	c.jitter_ns = 2;
	c.delay_ns = 1;
	assert_int_equal(sp_impair_check(&c, &key, &err), -EINVAL);
	assert_string_equal(key, "jitter");
}

static void test_no_memory(void **state)
{
	struct sp_impair_conf c = wire();
	struct sp_mem_test t;
	struct sp_impair im;
	struct sp_err err = { 0 };

	(void)state;
	sp_mem_test_init(&t, 0);
	assert_int_equal(sp_impair_init(&im, &c, 1, "x", &t.mem, &err), -ENOMEM);
	assert_int_equal(t.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire),	   cmocka_unit_test(test_every),
		cmocka_unit_test(test_all_stages), cmocka_unit_test(test_only),
		cmocka_unit_test(test_chance),	   cmocka_unit_test(test_delay),
		cmocka_unit_test(test_rate),	   cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_queue),	   cmocka_unit_test(test_set),
		cmocka_unit_test(test_reorder),	   cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_check),	   cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("forward/impair", tests, NULL, NULL);
}
