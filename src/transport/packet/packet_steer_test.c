/* Several receiving workers: what comes from one source comes to one of them, in order. */
#include "transport/packet/rig_test.h"

#define WORKERS 3u
#define SOURCES 30u
#define EACH	20u

struct seen {
	unsigned by;	/* 1 + the worker */
	uint32_t count; /* of frames, which are numbered */
};

static void open_workers(struct rig *r, struct sp_queue *q[WORKERS])
{
	r->rx.workers = WORKERS;
	OK(r, T->open(&r->rp, &r->rx, &r->permit, &r->env, &r->err));
	for (unsigned w = 0; w < WORKERS; w++)
		OK(r, T->queue(r->rp, w, &q[w], &r->err));
	OK(r, T->open(&r->tp, &r->tx, &r->permit, &r->env, &r->err));
	OK(r, T->queue(r->tp, 0, &r->tq, &r->err));
}

/* Number i of source s: s / 10 chooses the address, s % 10 the port number; every fifth source
 * sends fragments, each of its frames being one. */
static void send_from(struct rig *r, uint32_t s, uint32_t i)
{
	uint8_t *f;

	assert_int_equal(T->tx_slots(r->tq, &r->tb, 1, 60, 1), 1);
	f = r->tm[0].data;
	put_frame(f, 60, 5001, i);
	f[28] = (uint8_t)(s / 10);
	sp_put_be16(f + 34, (uint16_t)(2000 + s % 10));
	sp_put_be16(f + 20, s % 5 ? 0 : 0x2000);
	send_batch(r);
}

/* By what the frame says, not by the index that the transport gave. */
static void check(struct rig *r, unsigned worker, uint32_t n, struct seen *seen)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *f = r->rm[i].data;
		uint32_t s = f[28] * 10u + sp_get_be16(f + 34) - 2000u;

		assert_true(s < SOURCES);
		if (!seen[s].by)
			seen[s].by = 1 + worker;
		assert_int_equal(seen[s].by, 1 + worker);
		assert_int_equal(sp_get_be32(f + 42), seen[s].count++);
	}
}

static void test_one_source_one_worker(void **state)
{
	struct seen seen[SOURCES] = { 0 };
	struct sp_queue *q[WORKERS];
	uint32_t of[WORKERS] = { 0 }, got = 0;
	struct sp_tcaps caps;
	struct rig r;

	rig_init(&r, RING(state));
	open_workers(&r, q);
	T->caps(r.rp, &caps);
	assert_true(caps.bits & SP_T_STEER);
	send_from(&r, 0, 7); /* nobody has it before all can */
	assert_int_equal(T->steer(r.rp, WORKERS + 1), -EINVAL);
	assert_int_equal(T->steer(r.rp, WORKERS), 0);
	for (uint32_t i = 0; i < EACH; i++)
		for (uint32_t s = 0; s < SOURCES; s++)
			send_from(&r, s, i);
	for (unsigned idle = 0; got < SOURCES * EACH && idle < 400; idle++) {
		for (unsigned w = 0; w < WORKERS; w++) {
			int n = T->rx_burst(q[w], &r.rb);

			assert_true(n >= 0);
			check(&r, w, (uint32_t)n, seen);
			got += (uint32_t)n;
			of[w] += (uint32_t)n;
			T->rx_release(q[w], &r.rb);
		}
		usleep(2000);
	}
	assert_int_equal(got, SOURCES * EACH);
	for (unsigned w = 0; w < WORKERS; w++)
		assert_true(of[w] >= got / 10);
	rig_close(&r);
}

/* Numbers in a row go to workers in a row. */
static void test_numbers_in_a_row(void **state)
{
	unsigned used = 0;
	struct sp_queue *q[WORKERS];
	struct rig r;

	rig_init(&r, RING(state));
	open_workers(&r, q);
	assert_int_equal(T->steer(r.rp, WORKERS), 0);
	for (uint32_t s = 1; s <= WORKERS; s++)
		send_from(&r, s, 0);
	usleep(20000);
	for (unsigned w = 0; w < WORKERS; w++) {
		used += T->rx_burst(q[w], &r.rb) == 1;
		T->rx_release(q[w], &r.rb);
	}
	assert_int_equal(used, WORKERS);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_BOTH(test_one_source_one_worker),
		BY_BOTH(test_numbers_in_a_row),
	};

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
