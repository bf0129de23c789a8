/* Frames that are counted in XDP, over a veth pair. */
#include "transport/xdp/rig_test.h"

#define COUNT_FLOWS 3u
#define COUNT_MOST  20000u

struct counted {
	struct rig *r;
	uint32_t sent[COUNT_FLOWS][COUNT_MOST];
	uint32_t n_sent[COUNT_FLOWS], n_got[COUNT_FLOWS], up, bad, got_bad;
};

/* seq of flow k; bad: its check is wrong */
static void count_send(struct counted *c, uint32_t k, uint32_t seq, uint32_t len, uint8_t kind,
		       bool bad)
{
	struct sp_flow_tx f = { .head = sp_stamp_native.head(0x1000 + k, kind), .seq = seq };
	uint8_t frame[200];
	struct sp_msg m = { .data = frame, .len = len, .stamp_off = (uint16_t)(len - 18) };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	put_frame(frame, len, 5001, k);
	sp_stamp_native.put(&b, 0, &f, 5);
	if (bad)
		frame[len - 1] ^= 1;
	assert_int_equal(send(c->r->raw, frame, len, 0), len);
	if (bad)
		c->bad++;
	else
		c->sent[k][c->n_sent[k]++] = seq;
}

static void count_one(struct counted *c, uint32_t k, uint32_t seq)
{
	uint32_t i = c->n_got[k]++;

	assert_true(i < c->n_sent[k]);
	assert_int_equal(seq, c->sent[k][i]);
}

/* All that comes, runs unfolded, is what was sent, flow by flow in order. */
static void count_receive(struct counted *c)
{
	struct rig *r = c->r;

	for (unsigned quiet = 0; quiet < 8; quiet++) {
		int n = T->rx_burst(r->rq, &r->rb);

		assert_true(n >= 0);
		for (int i = 0; i < n; i++) {
			struct sp_msg m = r->rm[i];
			struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
			struct sp_stamp s;
			int8_t check;

			assert_true(m.flags & SP_M_UNTIMED);
			m.stamp_off = (uint16_t)(m.len - 18);
			sp_stamp_native.get(&b, m.stamp_off, &s, &check);
			assert_in_range(s.flow, 0x1000, 0x1000 + COUNT_FLOWS - 1);
			if (!(m.flags & SP_M_RUN)) {
				if (check == SP_STAMP_GOOD)
					count_one(c, s.flow - 0x1000, s.seq);
				else
					c->got_bad++;
				c->up++;
				continue;
			}
			assert_int_equal(check, SP_STAMP_GOOD);
			for (uint32_t k = 0; k < m.flow; k++)
				count_one(c, s.flow - 0x1000, s.seq + k);
		}
		if (n > 0)
			quiet = 0;
		T->rx_release(r->rq, &r->rb);
		usleep(n > 0 ? 0 : 3000);
	}
}

static uint32_t some(uint32_t *x, uint32_t n)
{
	*x = *x * 1664525u + 1013904223u;
	return (*x >> 8) % n;
}

static void test_counted(void **state)
{
	struct xdp_conf conf = { .frames = 8192, .rx = XDP_RX_COUNT };
	struct counted *c = calloc(1, sizeof *c);
	uint32_t next[COUNT_FLOWS] = { 0, 0xffffffe0u, 77 }, x = 5;
	struct sp_tstats s;
	struct rig r;

	(void)state;
	rig_init(&r);
	c->r = &r;
	r.rx.conf = &conf;
	r.rx.bind = at("10.98.0.2", 5001);
	open_rx(&r);
	open_raw(&r, "w0");
	for (uint32_t i = 0; i < 15000; i++) {
		uint32_t k = some(&x, COUNT_FLOWS), what = some(&x, 200), len = 60;

		if (k == 2)
			len = 80; /* octets before the stamp */
		if (what == 0)
			next[k] += some(&x, 50);
		if (what == 1)
			count_send(c, k, next[k] - 1 - some(&x, 9), len, 0, false);
		else if (what == 2)
			count_send(c, k, next[k]++, len + 1, 0, false);
		else if (what == 3)
			count_send(c, k, next[k], len, 0, true);
		else if (what == 4)
			count_send(c, k, next[k]++, len, SP_STAMP_LAST, false);
		else
			count_send(c, k, next[k]++, len, 0, false);
		if (i % 700 == 0)
			count_receive(c);
	}
	count_receive(c);
	for (uint32_t k = 0; k < COUNT_FLOWS; k++)
		assert_int_equal(c->n_got[k], c->n_sent[k]);
	assert_int_equal(c->got_bad, c->bad);
	assert_in_range(c->up, 100, 1500); /* the rest never came up */
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_msgs, 15000);
	assert_int_equal(s.rx_dropped, 0);
	rig_close(&r);
	free(c);
}

/* Frames that went up and found no room: no unit is missing but those. */
static void test_counted_and_dropped(void **state)
{
	struct xdp_conf conf = { .frames = 64, .rx = XDP_RX_COUNT };
	struct counted *c = calloc(1, sizeof *c);
	uint64_t units = 0;
	struct sp_tstats s;
	struct rig r;

	(void)state;
	rig_init(&r);
	c->r = &r;
	r.rx.conf = &conf;
	open_rx(&r);
	open_raw(&r, "w0");
	/* every tenth is a gap and goes up: 100 of 1,000 */
	for (uint32_t i = 0; i < 1000; i++)
		count_send(c, 0, i + i / 10, 60, 0, false);
	for (unsigned quiet = 0; quiet < 60; quiet++) {
		T->rx_burst(r.rq, &r.rb);
		for (uint32_t i = 0; i < r.rb.n; i++)
			units += r.rm[i].flags & SP_M_RUN ? r.rm[i].flow : 1;
		T->rx_release(r.rq, &r.rb);
		usleep(3000);
	}
	T->stats(r.rq, &s);
	assert_int_equal(s.rx_dropped, 36);
	assert_int_equal(units + s.rx_dropped, 1000);
	rig_close(&r);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_counted_and_dropped),
	};

	RIG_RUN("xdp count", tests);
}
