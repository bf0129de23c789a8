#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "source/messages/play.h"

#define S ((int64_t)SP_NS_PER_S)

/* Two captures: at second 10 of a minute with units after 0, 1, 1, 2 s of two sources; at
 * second 5 with one. */
static struct msg_unit units[] = {
	{ .t_ns = 70 * S, .len = 1, .session = 0 }, { .t_ns = 71 * S, .len = 2, .session = 1 },
	{ .t_ns = 71 * S, .len = 3, .session = 0 }, { .t_ns = 72 * S, .len = 4, .session = 1 },
	{ .t_ns = 5 * S, .len = 5, .session = 0 },
};
static struct msg_capture captures[] = {
	{ .first = 0, .n = 4, .first_ns = 70 * S, .last_ns = 72 * S },
	{ .first = 4, .n = 1, .first_ns = 5 * S, .last_ns = 5 * S },
};
static struct msg_session sessions[] = { { .source = 0 }, { .source = 1 } };
static struct msg_store store = { .whole = true,
				  .units = units,
				  .n = 5,
				  .captures = captures,
				  .n_captures = 2,
				  .senders = { .sessions = sessions, .n_sources = 2 } };

struct rig {
	struct msg_feed *feed;
	struct msg_play p;
};

static int begin(struct rig *r, struct msg_play_conf conf, const struct sp_mem *mem)
{
	const struct msg_feed_conf feed = { .store = &store, .order = conf.order, .n = conf.n };
	int rc = sp_msg_feed_new(&r->feed, &feed, mem, NULL);

	conf.store = &store;
	conf.feed = r->feed;
	r->p = (struct msg_play){ 0 };
	return rc ? rc : sp_msg_play_init(&r->p, &conf, mem);
}

static void end(struct rig *r)
{
	sp_msg_play_fini(&r->p);
	sp_msg_feed_free(r->feed);
}

static void expect(struct msg_play *p, uint32_t unit, uint64_t due_ns)
{
	struct msg_due d;

	assert_true(sp_msg_play_next(p, &d));
	assert_int_equal(d.unit.len, unit + 1);
	assert_int_equal(d.due_ns, due_ns);
	sp_msg_play_done(p, &d);
}

static void in_order(void **state)
{
	static const uint32_t order[] = { 0, 1, 0 };
	const struct msg_play_conf conf = { .factor = { 1, 2 }, .order = order, .n = 3 };
	const uint64_t half = SP_NS_PER_S / 2;
	struct rig r;
	struct msg_due d;

	(void)state;
	assert_int_equal(begin(&r, conf, sp_mem_system()), 0);
	sp_msg_play_begin(&r.p, 1000, 0);
	expect(&r.p, 0, 1000);
	expect(&r.p, 1, 1000 + half);
	expect(&r.p, 2, 1000 + half);
	expect(&r.p, 3, 1000 + 2 * half);
	expect(&r.p, 4, 1000 + 2 * half); /* the next capture follows at once */
	expect(&r.p, 0, 1000 + 2 * half);
	expect(&r.p, 1, 1000 + 3 * half);
	expect(&r.p, 2, 1000 + 3 * half);
	expect(&r.p, 3, 1000 + 4 * half);
	assert_false(sp_msg_play_next(&r.p, &d));
	end(&r);
}

static void at_their_second(void **state)
{
	static const uint32_t order[] = { 0, 1, 0 };
	const struct msg_play_conf conf = {
		.factor = { 1, 1 }, .order = order, .n = 3, .sync = true
	};
	/* At t0 it is 7.5 s past a minute. */
	const uint64_t t0 = 100 * SP_NS_PER_S, minute = t0 - 75 * SP_NS_PER_S / 10;
	struct rig r;

	(void)state;
	assert_int_equal(begin(&r, conf, sp_mem_system()), 0);
	sp_msg_play_begin(&r.p, t0, (int64_t)(3600 * SP_NS_PER_S + 75 * SP_NS_PER_S / 10));
	expect(&r.p, 0, minute + 10 * SP_NS_PER_S);
	expect(&r.p, 1, minute + 11 * SP_NS_PER_S);
	expect(&r.p, 2, minute + 11 * SP_NS_PER_S);
	expect(&r.p, 3, minute + 12 * SP_NS_PER_S);
	expect(&r.p, 4, minute + 65 * SP_NS_PER_S);
	expect(&r.p, 0, minute + 70 * SP_NS_PER_S);
	end(&r);
}

static void exporters(void **state)
{
	static const uint32_t order[] = { 0, 1 };
	const struct msg_play_conf conf = {
		.factor = { 1, 1 }, .order = order, .n = 2, .exporters = 3, .spread_ns = 3
	};
	struct rig r;
	struct msg_due d;
	uint32_t seen[3] = { 0 };
	uint64_t last = 0;

	(void)state;
	assert_int_equal(begin(&r, conf, sp_mem_system()), 0);
	sp_msg_play_begin(&r.p, 0, 0);
	while (sp_msg_play_next(&r.p, &d)) {
		assert_true(d.due_ns >= last);
		last = d.due_ns;
		assert_int_equal(d.unit.session, d.exporter % 2);
		if (!seen[d.exporter])
			assert_int_equal(d.due_ns,
					 d.exporter + (d.exporter == 1) * SP_NS_PER_S);
		seen[d.exporter]++;
		sp_msg_play_done(&r.p, &d);
	}
	assert_int_equal(seen[0], 3); /* source 0: three units */
	assert_int_equal(seen[1], 2);
	assert_int_equal(seen[2], 3);
	end(&r);
}

static void no_memory(void **state)
{
	static const uint32_t order[] = { 0 };
	const struct msg_play_conf conf = {
		.factor = { 1, 1 }, .order = order, .n = 1, .exporters = 3
	};
	struct sp_mem_test t;
	struct rig r;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc; i++) {
		sp_mem_test_init(&t, i);
		rc = begin(&r, conf, &t.mem);
		assert_true(rc == 0 || rc == -ENOMEM);
		end(&r);
		assert_int_equal(t.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(at_their_second),
		cmocka_unit_test(exporters),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
