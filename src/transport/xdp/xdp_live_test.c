/* Live frames over a veth pair, as they arrive. */
#include "transport/xdp/rig_test.h"

/* Every field of unit i, and nothing but them. */
static void check_unit(const struct sp_msg *m, uint32_t i)
{
	struct sp_msg stamped = *m;
	struct sp_batch b = { .n = 1, .cap = 1, .m = &stamped };
	struct sp_stamp s;
	int8_t good;
	uint8_t same[LIVE_LEN];

	assert_int_equal(m->len, LIVE_LEN);
	assert_int_equal(sp_get_be32(m->data + 26), 0x0a630000 + i % 60000);
	assert_int_equal(sp_get_be16(m->data + 34), 1024 + 3 * (i % 1000));
	stamped.stamp_off = 42;
	sp_stamp_native.get(&b, 42, &s, &good);
	assert_int_equal(good, SP_STAMP_GOOD);
	assert_int_equal(s.seq, i);
	assert_int_equal(s.flow, 0x123456);
	memcpy(same, m->data, LIVE_LEN);
	live_sums(same);
	assert_memory_equal(same, m->data, LIVE_LEN);
}

static void test_live_frames(void **state)
{
	struct sp_repeat run = { .n = 3000, .end_ns = SP_NEVER };
	struct sp_repeat_call call = { .run = &run, .head = sp_stamp_native.head(0x123456, 0) };
	struct sp_tstats s;
	struct live l;
	uint32_t got = 0;
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	live_init(&l);
	live_sums(l.frame);
	OK(&r, T->repeat(r.tq, &l.form, &r.err));
	for (unsigned round = 0; round < 5; round++) {
		uint64_t before = sp_clock_now(&r.clock);

		call.seq = call.unit = 3000 * round;
		assert_int_equal(T->tx_repeat(r.tq, &call), 0);
		assert_int_equal(call.made, 3000);
		assert_int_equal(call.left, 3000);
		assert_true(call.first_ns > before && call.first_ns <= call.last_ns &&
			    call.last_ns <= sp_clock_now(&r.clock));
		while (got < 3000 * (round + 1)) {
			uint32_t k = burst(&r);

			assert_true(k > 0);
			for (uint32_t i = 0; i < k; i++)
				check_unit(&r.rm[i], got + i);
			got += k;
			T->rx_release(r.rq, &r.rb);
		}
	}
	T->stats(r.tq, &s);
	assert_int_equal(s.tx_msgs, 15000);
	assert_int_equal(got, 15000);
	/* the time is over: nothing leaves, and nothing is counted */
	run.end_ns = sp_clock_now(&r.clock);
	assert_int_equal(T->tx_repeat(r.tq, &call), 0);
	assert_int_equal(call.made, 0);
	assert_int_equal(T->rx_burst(r.rq, &r.rb), 0);
	rig_close(&r);
}

/* What the interface does not take was made and did not leave; when it is gone, nothing is made. */
static void test_live_interface_goes(void **state)
{
	struct sp_repeat run = { .n = 640, .end_ns = SP_NEVER };
	struct sp_repeat_call call = { .run = &run };
	struct live l;
	struct rig r;

	(void)state;
	system("ip link del g0 2> /dev/null");
	run_command(
		"ip link add g0 type veth peer name g1 && ip link set g0 up && ip link set g1 up");
	rig_init(&r);
	r.tx.interface = "g0";
	r.rx.interface = "g1";
	rig_open(&r);
	live_init(&l);
	live_sums(l.frame);
	OK(&r, T->repeat(r.tq, &l.form, &r.err));
	assert_int_equal(T->tx_repeat(r.tq, &call), 0);
	assert_int_equal(call.left, 640);
	assert_true(netns_up("g0", false));
	(void)T->tx_repeat(r.tq, &call);
	assert_int_equal(call.made, 640);
	assert_int_equal(call.left, 0);
	run_command("ip link del g0");
	(void)T->tx_repeat(r.tq, &call);
	assert_int_equal(call.left, 0);
	assert_int_equal(call.made, 0);
	rig_close(&r);
}

/* Without XDP at the far end of a veth nobody takes redirected frames. */
static void test_live_not_taken(void **state)
{
	struct live l;
	struct rig r;

	(void)state;
	rig_init(&r);
	open_tx(&r);
	live_init(&l);
	live_sums(l.frame);
	assert_int_equal(T->repeat(r.tq, &l.form, &r.err), -ENOTSUP);
	assert_non_null(strstr(r.err.text, "interface w0 takes none"));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_frames),
		cmocka_unit_test(test_live_interface_goes),
		cmocka_unit_test(test_live_not_taken),
	};

	RIG_RUN("xdp live", tests);
}
