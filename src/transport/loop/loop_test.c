#include "transport/loop/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"

extern const struct sp_transport_ops sp_transport_loop;
static const struct sp_transport_ops *const ops = &sp_transport_loop;

#define CAP	  64u
#define LEN	  100u
#define STAMP_OFF 82u
#define SEEN_MAX  100000u
#define MS	  SP_NS_PER_MS

static const struct sp_endpoint target = { .addr = { .family = 4, .ip = { 10, 1, 1, 2 } },
					   .port = 5001 };

/* A port with one queue, and what came out of it. */
struct rig {
	struct sp_clock clock;
	struct sp_env env;
	struct sp_endpoint to;
	struct sp_permit permit;
	struct sp_loop_conf conf;
	struct sp_port_conf port_conf;
	struct sp_arena arena;
	struct sp_port *port;
	struct sp_queue *q;
	uint32_t ep, sent;
	uint32_t n, damaged; /* received; with bytes that were not sent */
	uint32_t seq[SEEN_MAX];
	uint64_t t_ns[SEEN_MAX];
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof *r);
	sp_clock_init_virtual(&r->clock, 5 * MS);
	r->env = (struct sp_env){ .mem = sp_mem_system(), .clock = &r->clock, .seed = 42 };
	r->to = target;
	r->permit = (struct sp_permit){
		.magic = SP_PERMIT_MAGIC, .listen = true, .to = &r->to, .n_to = 1
	};
	sp_arena_init(&r->arena, sp_mem_system());
	assert_int_equal(sp_opts_default(ops->opts, &r->conf, &r->arena, NULL), 0);
	r->conf.queue = 1024;
	r->port_conf = (struct sp_port_conf){ .name = "p",
					      .workers = 1,
					      .tx = true,
					      .rx = true,
					      .max_endpoints = 4,
					      .conf = &r->conf };
}

static void rig_open(struct rig *r)
{
	struct sp_err err = { .code = 0 };

	assert_int_equal(ops->open(&r->port, &r->port_conf, &r->permit, &r->env, &err), 0);
	assert_int_equal(ops->queue(r->port, 0, &r->q, &err), 0);
	assert_int_equal(ops->endpoint(r->q, &r->to, &r->ep, &err), 0);
}

static void rig_close(struct rig *r)
{
	ops->close(r->port);
	sp_arena_fini(&r->arena);
}

static struct rig *rig_new(void)
{
	static struct rig r; /* too large for the stack; one at a time */

	rig_init(&r);
	return &r;
}

/* A message is its number four times and zeros. */
static void write_msg(uint8_t *data, uint32_t seq)
{
	memset(data, 0, LEN);
	for (unsigned i = 0; i < 4; i++)
		sp_put_be32(data + STAMP_OFF + i * 4, seq);
}

/* The number by majority, and how many bits differ from what was sent. */
static uint32_t read_msg(const uint8_t *data, uint32_t *bits, uint32_t *first_bad)
{
	uint32_t a = sp_get_be32(data + STAMP_OFF), b = sp_get_be32(data + STAMP_OFF + 4);
	uint32_t c = sp_get_be32(data + STAMP_OFF + 8);
	uint32_t seq = a == b || a == c ? a : b;
	uint8_t want[LEN];

	*bits = 0;
	*first_bad = LEN;
	write_msg(want, seq);
	for (uint32_t i = 0; i < LEN; i++) {
		*bits += (uint32_t)__builtin_popcount(want[i] ^ data[i]);
		if (want[i] != data[i] && *first_bad == LEN)
			*first_bad = i;
	}
	return seq;
}

static void send_flow(struct rig *r, uint32_t n, uint32_t flow)
{
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };

	for (; n; n -= b.n) {
		assert_true(ops->tx_slots(r->q, &b, n, LEN, 9) > 0);
		for (uint32_t i = 0; i < b.n; i++) {
			write_msg(m[i].data, r->sent++);
			m[i].ep = r->ep;
			m[i].flow = flow;
			m[i].stamp_off = STAMP_OFF;
		}
		assert_int_equal(ops->tx_burst(r->q, &b, 0, false), b.n);
	}
}

static void receive(struct rig *r)
{
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	uint32_t bits, first_bad;

	while (ops->rx_burst(r->q, &b) > 0) {
		for (uint32_t i = 0; i < b.n; i++) {
			assert_true(r->n < SEEN_MAX);
			assert_int_equal(m[i].len, LEN);
			assert_int_equal(m[i].ep, r->ep);
			assert_int_equal(m[i].stamp_off, SP_NO_STAMP);
			r->seq[r->n] = read_msg(m[i].data, &bits, &first_bad);
			assert_true(bits <= 1);
			if (bits && r->conf.corrupt_at == SP_LOOP_STAMP)
				assert_true(first_bad >= STAMP_OFF);
			r->damaged += bits;
			r->t_ns[r->n++] = m[i].t_ns;
		}
		ops->rx_release(r->q, &b);
	}
}

/* Lets time pass until everything has arrived. */
static void drain(struct rig *r)
{
	uint64_t next;

	for (receive(r); (next = ops->next_ns(r->q)) != SP_NEVER; receive(r)) {
		assert_true(next > sp_clock_now(&r->clock));
		sp_clock_advance(&r->clock, next);
	}
}

static struct sp_loop_truth truth(const struct rig *r)
{
	struct sp_loop_truth t;

	sp_loop_truth(r->q, &t);
	return t;
}

/* As RFC 4737 counts: arrivals behind a higher number. Duplicates are not counted. */
static uint32_t reordered(const struct rig *r)
{
	uint32_t n = 0, next = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		if (r->seq[i] >= next)
			next = r->seq[i] + 1;
		else if (i == 0 || r->seq[i] != r->seq[i - 1])
			n++;
	}
	return n;
}

static void comes_back_at_once(void **state)
{
	struct rig *r = rig_new();
	struct sp_tstats s;

	(void)state;
	rig_open(r);
	assert_true(ops->next_ns(r->q) == SP_NEVER);
	send_flow(r, 300, 0);
	assert_int_equal(ops->next_ns(r->q), 5 * MS);
	receive(r);
	assert_int_equal(r->n, 300);
	assert_int_equal(r->damaged, 0);
	for (uint32_t i = 0; i < r->n; i++) {
		assert_int_equal(r->seq[i], i);
		assert_int_equal(r->t_ns[i], 5 * MS);
	}
	ops->stats(r->q, &s);
	assert_int_equal(s.tx_msgs, 300);
	assert_int_equal(s.tx_bytes, 300 * LEN);
	assert_int_equal(s.rx_msgs, 300);
	assert_int_equal(s.rx_bytes, 300 * LEN);
	assert_int_equal(s.rx_dropped, 0);
	assert_true(s.rx_dropped_known);
	rig_close(r);
}

static void defaults_are_those_of_the_rows(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	/* Without settings a port holds back nothing, like one with the rows' defaults. */
	assert_int_equal(r->conf.reorder_by, 3);
	assert_int_equal(r->conf.reorder_hold_ns, 100 * MS);
	assert_true(r->conf.loss == 0 && r->conf.delay_ns == 0);
	r->port_conf.conf = NULL;
	rig_open(r);
	send_flow(r, 1000, 0);
	receive(r);
	assert_int_equal(r->n, 1000);
	rig_close(r);
}

static void asks_the_permit(void **state)
{
	struct rig *r = rig_new();
	struct sp_endpoint other = target, remote, local;
	struct sp_err err = { .code = 0 };
	uint32_t ep;

	(void)state;
	other.port++;
	r->permit.magic = 0;
	assert_int_equal(ops->open(&r->port, &r->port_conf, &r->permit, &r->env, &err),
			 -EACCES);
	assert_int_equal(ops->open(&r->port, &r->port_conf, NULL, &r->env, &err), -EACCES);
	r->permit.magic = SP_PERMIT_MAGIC;
	r->permit.listen = false;
	assert_int_equal(ops->open(&r->port, &r->port_conf, &r->permit, &r->env, &err),
			 -EACCES);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	r->permit.listen = true;
	rig_open(r);
	assert_int_equal(ops->endpoint(r->q, &other, &ep, &err), -EACCES);
	assert_int_equal(ops->endpoint(r->q, &target, &ep, &err), 0);
	assert_int_equal(ep, r->ep);
	assert_int_equal(ops->peer(r->q, ep, &remote, &local), 0);
	assert_true(sp_endpoint_eq(&local, &target));
	assert_int_equal(sp_addr_class(&remote.addr), SP_ADDR_LOOPBACK);
	assert_int_equal(ops->peer(r->q, 1, &remote, &local), -ENOENT);
	rig_close(r);
}

static void delay_is_exact(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	r->conf.delay_ns = 20 * MS;
	rig_open(r);
	send_flow(r, 2, 0);
	sp_clock_advance(&r->clock, 6 * MS);
	send_flow(r, 1, 0);
	assert_int_equal(ops->next_ns(r->q), 25 * MS);
	sp_clock_advance(&r->clock, 25 * MS - 1);
	receive(r);
	assert_int_equal(r->n, 0);
	sp_clock_advance(&r->clock, 25 * MS);
	receive(r);
	assert_int_equal(r->n, 2);
	assert_int_equal(ops->next_ns(r->q), 26 * MS);
	sp_clock_advance(&r->clock, 40 * MS);
	receive(r);
	assert_int_equal(r->n, 3);
	assert_int_equal(r->t_ns[1], 25 * MS);
	assert_int_equal(r->t_ns[2], 26 * MS); /* not when it was fetched */
	rig_close(r);
}

static void jitter_does_not_reorder(void **state)
{
	struct rig *r = rig_new();
	uint64_t start = sp_clock_now(&r->clock), last = 0, late = 0;

	(void)state;
	r->conf.delay_ns = 10 * MS;
	r->conf.jitter_ns = 5 * MS;
	rig_open(r);
	for (uint32_t i = 0; i < 500; i++) {
		sp_clock_advance(&r->clock, start + i * MS);
		send_flow(r, 1, 0);
		receive(r);
	}
	drain(r);
	assert_int_equal(r->n, 500);
	assert_int_equal(reordered(r), 0);
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t delay = r->t_ns[i] - (start + i * MS);

		assert_true(r->t_ns[i] >= last);
		assert_true(delay >= 10 * MS && delay <= 15 * MS);
		last = r->t_ns[i];
		late += delay > 11 * MS;
	}
	assert_true(late > 300 && late < 500);
	rig_close(r);
}

static void loses_each_nth(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	r->conf.loss_every = 10;
	rig_open(r);
	send_flow(r, 1000, 0);
	drain(r);
	assert_int_equal(r->n, 900);
	assert_int_equal(truth(r).lost, 100);
	for (uint32_t i = 0; i < r->n; i++)
		assert_true(r->seq[i] % 10 != 9);
	rig_close(r);
}

static void corrupts_one_bit_of_each_nth(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	r->conf.corrupt_every = 4;
	rig_open(r);
	for (int i = 0; i < 10; i++) {
		send_flow(r, 100, 0);
		drain(r);
	}
	assert_int_equal(r->n, 1000);
	assert_int_equal(r->damaged, 250);
	assert_int_equal(truth(r).corrupted, 250);
	rig_close(r);
}

static void corrupts_anywhere_on_request(void **state)
{
	struct rig *r = rig_new();
	struct sp_msg m[1];
	struct sp_batch b = { .cap = 1, .m = m };
	uint32_t in_payload = 0;

	(void)state;
	r->conf.corrupt = 1;
	r->conf.corrupt_at = SP_LOOP_ANY;
	rig_open(r);
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t bits, first_bad;

		send_flow(r, 1, 0);
		assert_int_equal(ops->rx_burst(r->q, &b), 1);
		read_msg(m[0].data, &bits, &first_bad);
		assert_int_equal(bits, 1);
		in_payload += first_bad < STAMP_OFF;
		ops->rx_release(r->q, &b);
	}
	assert_true(in_payload > 100 && in_payload < 200); /* 164 expected */
	rig_close(r);
}

static void corruption_leaves_the_slots_alone(void **state)
{
	struct rig *r = rig_new();
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	uint8_t want[LEN];

	(void)state;
	r->conf.corrupt = 1;
	r->conf.corrupt_at = SP_LOOP_ANY;
	rig_open(r);
	send_flow(r, 10, 0);
	ops->tx_slots(r->q, &b, 11, LEN, 9);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(m[i].flags, SP_M_HELD);
		write_msg(want, i);
		assert_memory_equal(m[i].data, want, LEN);
	}
	assert_int_equal(m[10].flags, 0);
	rig_close(r);
}

static void duplicates_each_nth(void **state)
{
	struct rig *r = rig_new();
	uint32_t twice = 0;

	(void)state;
	r->conf.duplicate_every = 5;
	rig_open(r);
	send_flow(r, 100, 0);
	drain(r);
	assert_int_equal(r->n, 120);
	assert_int_equal(truth(r).duplicated, 20);
	for (uint32_t i = 1; i < r->n; i++) {
		if (r->seq[i] == r->seq[i - 1]) {
			assert_int_equal(r->seq[i] % 5, 4);
			twice++;
		}
	}
	assert_int_equal(twice, 20);
	rig_close(r);
}

static void three_pass_a_held_one(void **state)
{
	static const uint32_t want[] = { 0, 1, 2, 3, 5, 6, 7, 4, 8, 10, 11, 12, 9, 13 };
	struct rig *r = rig_new();

	(void)state;
	r->conf.reorder_every = 5;
	r->conf.delay_ns = MS;
	rig_open(r);
	send_flow(r, 14, 0);
	drain(r);
	assert_int_equal(r->n, 14);
	assert_memory_equal(r->seq, want, sizeof want);
	assert_int_equal(truth(r).reordered, 2);
	assert_int_equal(reordered(r), 2);
	rig_close(r);
}

static void only_its_own_flow_passes_a_held_one(void **state)
{
	static const uint32_t want[] = { 0, 2, 4, 6, 1 };
	struct rig *r = rig_new();

	(void)state;
	r->conf.reorder_every = 2; /* the odd ones are held */
	r->conf.reorder_by = 2;
	rig_open(r);
	send_flow(r, 3, 7);
	send_flow(r, 3, 8); /* 4 passes 3, and none of these 1 */
	receive(r);
	assert_int_equal(r->n, 3);
	send_flow(r, 1, 7);
	receive(r);
	assert_int_equal(r->n, 5);
	assert_memory_equal(r->seq, want, sizeof want);
	assert_int_equal(truth(r).reordered, 1);
	rig_close(r);
}

static void a_held_one_is_let_go_in_time(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	r->conf.reorder_every = 2;
	r->conf.delay_ns = 2 * MS;
	r->conf.reorder_hold_ns = 10 * MS;
	rig_open(r);
	send_flow(r, 2, 0);
	drain(r);
	assert_int_equal(r->n, 2);
	assert_int_equal(r->t_ns[1], 17 * MS);
	assert_int_equal(truth(r).reordered, 0); /* nothing passed it */
	send_flow(r, 3, 0);			 /* 3 is held, 4 passes it */
	drain(r);
	assert_int_equal(r->seq[3], 4);
	assert_int_equal(r->seq[4], 3);
	assert_int_equal(r->t_ns[4], 29 * MS);
	assert_int_equal(truth(r).reordered, 1);
	assert_int_equal(reordered(r), 1);
	rig_close(r);
}

/* The figures that README.md promises, for all stages at once and several flows. */
static void all_at_once_is_exact(void **state)
{
	struct rig *r = rig_new();
	const uint32_t n = 40000;
	const uint32_t lost = n / 7, corrupted = (n - lost) / 11;
	const uint32_t duplicated = (n - lost - corrupted) / 13;
	const uint32_t held = (n - lost - corrupted - duplicated) / 17;
	struct sp_loop_truth t;

	(void)state;
	r->conf.loss_every = 7;
	r->conf.corrupt_every = 11;
	r->conf.duplicate_every = 13;
	r->conf.reorder_every = 17;
	r->conf.delay_ns = 3 * MS;
	r->conf.jitter_ns = MS;
	rig_open(r);
	for (uint32_t i = 0; i < n; i += 50) {
		send_flow(r, 50, 0);
		sp_clock_advance(&r->clock, sp_clock_now(&r->clock) + MS / 2);
		receive(r);
	}
	drain(r);
	t = truth(r);
	assert_int_equal(t.lost, lost);
	assert_int_equal(t.corrupted, corrupted);
	assert_int_equal(t.duplicated, duplicated);
	assert_in_range(t.reordered, held - 1, held); /* the last may have no followers */
	assert_int_equal(r->n, n - lost + duplicated);
	assert_int_equal(r->damaged, corrupted);
	rig_close(r);
}

static void chance_is_right_and_repeats(void **state)
{
	struct rig *r = rig_new();
	struct sp_loop_truth first = { 0 }, t;
	uint64_t checksum[3] = { 0 };

	(void)state;
	for (int run = 0; run < 3; run++) {
		r = rig_new();
		r->conf.loss = 0.02;
		r->conf.corrupt = 0.02;
		r->conf.duplicate = 0.02;
		r->conf.reorder = 0.02;
		r->env.seed = run == 2 ? 43 : 42;
		rig_open(r);
		for (int i = 0; i < 200; i++) {
			send_flow(r, 250, 0);
			receive(r);
		}
		drain(r);
		t = truth(r);
		/* 50,000 draws: 1,000 expected, sigma 31 */
		assert_in_range(t.lost, 850, 1150);
		assert_in_range(t.corrupted, 830, 1130);
		assert_in_range(t.duplicated, 810, 1110);
		assert_in_range(t.reordered, 790, 1090);
		if (run == 1)
			assert_memory_equal(&t, &first, sizeof t);
		first = t;
		for (uint32_t i = 0; i < r->n; i++)
			checksum[run] = checksum[run] * 31 + r->seq[i];
		rig_close(r);
	}
	assert_true(checksum[0] == checksum[1]);
	assert_true(checksum[0] != checksum[2]);
}

static void one_setting_does_not_move_the_hits_of_another(void **state)
{
	struct rig *r;
	uint64_t lost[2];

	(void)state;
	for (int run = 0; run < 2; run++) {
		r = rig_new();
		r->conf.loss = 0.1;
		r->conf.jitter_ns = run ? MS : 0;
		r->conf.duplicate = run ? 0.5 : 0;
		rig_open(r);
		send_flow(r, 500, 0);
		lost[run] = truth(r).lost;
		drain(r);
		rig_close(r);
	}
	assert_true(lost[0] == lost[1] && lost[0] > 0);
}

static void a_full_queue_drops_the_newest(void **state)
{
	struct rig *r = rig_new();
	struct sp_tstats s;

	(void)state;
	r->conf.queue = 100;
	rig_open(r);
	send_flow(r, 150, 0);
	receive(r);
	ops->stats(r->q, &s);
	assert_int_equal(r->n, 100);
	assert_int_equal(s.rx_dropped, 50);
	assert_int_equal(s.tx_msgs, 150);
	for (uint32_t i = 0; i < r->n; i++)
		assert_int_equal(r->seq[i], i);
	send_flow(r, 100, 0);
	receive(r);
	assert_int_equal(r->n, 200);
	rig_close(r);
}

static void too_long_is_refused(void **state)
{
	struct rig *r = rig_new();
	struct sp_msg m[2];
	struct sp_batch b = { .cap = 2, .m = m };
	struct sp_tcaps caps;

	(void)state;
	rig_open(r);
	ops->caps(r->port, &caps);
	assert_int_equal(ops->tx_slots(r->q, &b, 2, caps.max_len, 1), 2);
	m[1].len = caps.max_len + 1;
	assert_int_equal(ops->tx_burst(r->q, &b, 0, false), 1);
	assert_int_equal(ops->tx_burst(r->q, &b, 1, false), -EMSGSIZE);
	assert_int_equal(ops->tx_burst(r->q, &b, 2, false), 0);
	assert_int_equal(ops->rx_burst(r->q, &b), 1);
	assert_int_equal(m[0].len, caps.max_len);
	ops->rx_release(r->q, &b);
	rig_close(r);
}

static void workers_have_their_own_network(void **state)
{
	struct rig *r = rig_new();
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_queue *second, *again;
	struct sp_err err = { .code = 0 };

	(void)state;
	r->port_conf.workers = 2;
	rig_open(r);
	assert_int_equal(ops->queue(r->port, 1, &second, &err), 0);
	assert_int_equal(ops->queue(r->port, 1, &again, &err), -EINVAL);
	assert_int_equal(ops->queue(r->port, 2, &again, &err), -EINVAL);
	send_flow(r, 5, 0);
	assert_int_equal(ops->rx_burst(second, &b), 0);
	assert_int_equal(ops->rx_burst(r->q, &b), 5);
	ops->rx_release(r->q, &b);
	rig_close(r);
}

static void local_tells_the_bound_ports(void **state)
{
	struct rig *r = rig_new();
	struct sp_endpoint e;

	(void)state;
	r->port_conf.bind = (struct sp_endpoint){ .addr = { .family = 6, .ip = { [15] = 1 } },
						  .port = 7000 };
	r->port_conf.port_last = 7002;
	rig_open(r);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ops->local(r->port, i, &e), 0);
		assert_int_equal(e.port, 7000 + i);
		assert_int_equal(e.addr.family, 6);
	}
	assert_int_equal(ops->local(r->port, 3, &e), -ENOENT);
	rig_close(r);
}

static void survives_lack_of_memory(void **state)
{
	struct rig *r = rig_new();
	uint64_t fail = 0;
	bool ok = false;

	(void)state;
	r->conf.reorder_every = 2;
	for (; !ok && fail < 100; fail++) {
		struct sp_mem_test t;
		struct sp_err err = { .code = 0 };
		struct sp_port *port;
		struct sp_queue *q;

		sp_mem_test_init(&t, fail);
		r->env.mem = &t.mem;
		if (ops->open(&port, &r->port_conf, &r->permit, &r->env, &err) == 0) {
			ok = ops->queue(port, 0, &q, &err) == 0;
			ops->close(port);
		}
		assert_true(ok || (err.code == -ENOMEM && err.text[0]));
		assert_int_equal(t.live, 0);
	}
	assert_true(ok && fail > 5);
	sp_arena_fini(&r->arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_at_once),
		cmocka_unit_test(defaults_are_those_of_the_rows),
		cmocka_unit_test(asks_the_permit),
		cmocka_unit_test(delay_is_exact),
		cmocka_unit_test(jitter_does_not_reorder),
		cmocka_unit_test(loses_each_nth),
		cmocka_unit_test(corrupts_one_bit_of_each_nth),
		cmocka_unit_test(corrupts_anywhere_on_request),
		cmocka_unit_test(corruption_leaves_the_slots_alone),
		cmocka_unit_test(duplicates_each_nth),
		cmocka_unit_test(three_pass_a_held_one),
		cmocka_unit_test(only_its_own_flow_passes_a_held_one),
		cmocka_unit_test(a_held_one_is_let_go_in_time),
		cmocka_unit_test(all_at_once_is_exact),
		cmocka_unit_test(chance_is_right_and_repeats),
		cmocka_unit_test(one_setting_does_not_move_the_hits_of_another),
		cmocka_unit_test(a_full_queue_drops_the_newest),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(workers_have_their_own_network),
		cmocka_unit_test(local_tells_the_bound_ports),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
