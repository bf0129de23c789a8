#include "transport/utcp/tcb.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

/* Two ends over a path in memory, in virtual time: what is lost, late or doubled is drawn. The far
 * end is the same machine, put into the state that a listener's would have. */
#define MS	UINT64_C(1000000)
#define ROOM	65536u
#define IN_PATH 4096u
#define MSS	1460u
#define PAYLOAD (MSS + 64u)

struct flying {
	uint64_t at_ns;
	struct sp_tcp_seg s;
	uint8_t data[PAYLOAD];
	unsigned to;
	bool used;
};

struct world {
	struct sp_tcb end[2]; /* 0: the one that opens */
	uint8_t snd[2][ROOM], rcv[2][ROOM];
	struct flying *path;
	uint64_t now_ns, delay_ns;
	struct sp_rng rng;
	double loss, doubled, reordered;
	uint64_t sent, lost;
	uint32_t iss; /* of the far end */
	bool deaf;    /* the far end does not exist */
};

static struct sp_tcb_ring ring(uint8_t *at)
{
	return (struct sp_tcb_ring){ at, ROOM };
}

static void begin(struct world *w, double loss)
{
	struct sp_tcb_conf c;

	memset(w, 0, sizeof *w);
	w->path = calloc(IN_PATH, sizeof *w->path);
	assert_non_null(w->path);
	w->now_ns = 5 * MS;
	w->delay_ns = 10 * MS;
	w->loss = loss;
	w->iss = 0xffffff00u; /* numbers wrap soon */
	sp_rng_init(&w->rng, 7, "path");
	c = (struct sp_tcb_conf){ .sport = 61000,
				  .dport = 80,
				  .mss = MSS,
				  .iss = 0xfffff000u,
				  .snd = ring(w->snd[0]),
				  .rcv = ring(w->rcv[0]) };
	sp_tcb_connect(&w->end[0], &c);
}

static void finish(struct world *w)
{
	free(w->path);
}

static void fly(struct world *w, const struct sp_tcp_seg *s, unsigned to)
{
	uint64_t at = w->now_ns + w->delay_ns;
	unsigned copies = 1;

	w->sent++;
	if (sp_rng_unit(&w->rng) < w->loss) {
		w->lost++;
		return;
	}
	if (sp_rng_unit(&w->rng) < w->doubled)
		copies = 2;
	for (unsigned k = 0; k < copies; k++) {
		struct flying *f = w->path;

		while (f < w->path + IN_PATH && f->used)
			f++;
		assert_true(f < w->path + IN_PATH);
		*f = (struct flying){ .at_ns = at, .s = *s, .to = to, .used = true };
		if (sp_rng_unit(&w->rng) < w->reordered)
			f->at_ns += sp_rng_below(&w->rng, 15 * MS);
		assert_true(s->len <= PAYLOAD);
		if (s->len)
			memcpy(f->data, s->data, s->len);
		f->s.data = f->data;
		w->now_ns += 1; /* what leaves later arrives later, unless it is drawn */
		at++;
	}
}

/* The listener's answer, each time that a SYN comes. */
static void answer_syn(struct world *w, const struct sp_tcp_seg *s)
{
	struct sp_tcb *t = &w->end[1];
	struct sp_tcp_seg out = { .sport = s->dport,
				  .dport = s->sport,
				  .seq = w->iss,
				  .ack = s->seq + 1,
				  .window = 65535,
				  .mss = MSS,
				  .flags = SP_TCP_SYN | SP_TCP_ACK };

	if (t->state == SP_TCB_CLOSED)
		*t = (struct sp_tcb){ .state = SP_TCB_OPEN,
				      .sport = s->dport,
				      .dport = s->sport,
				      .mss = MSS,
				      .own_mss = MSS,
				      .snd = ring(w->snd[1]),
				      .rcv = ring(w->rcv[1]),
				      .una = w->iss + 1,
				      .nxt = w->iss + 1,
				      .max = w->iss + 1,
				      .wnd = s->window,
				      .wl1 = s->seq,
				      .wl2 = w->iss + 1,
				      .rcv_nxt = s->seq + 1,
				      .cwnd = 10 * MSS,
				      .ssthresh = UINT32_MAX,
				      .rto_ns = 1000 * MS,
				      .timer_ns = UINT64_MAX };
	fly(w, &out, 0);
}

static void flush(struct world *w)
{
	uint8_t data[PAYLOAD];
	struct sp_tcp_seg s;

	for (unsigned i = 0; i < 2; i++)
		while (sp_tcb_output(&w->end[i], w->now_ns, &s, data))
			fly(w, &s, !i);
}

static void arrive(struct world *w, struct flying *f)
{
	f->used = false;
	if (f->to == 1 && w->deaf)
		return;
	if (f->to == 1 && f->s.flags & SP_TCP_SYN)
		answer_syn(w, &f->s);
	else
		sp_tcb_input(&w->end[f->to], &f->s, w->now_ns);
}

/* Moves to the next thing that happens; false: nothing will. */
static bool step(struct world *w)
{
	struct flying *first = NULL;
	uint64_t at = UINT64_MAX;

	flush(w);
	for (struct flying *f = w->path; f < w->path + IN_PATH; f++)
		if (f->used && (!first || f->at_ns < first->at_ns))
			first = f;
	for (unsigned i = 0; i < 2; i++)
		if (w->end[i].state != SP_TCB_CLOSED && w->end[i].timer_ns < at)
			at = w->end[i].timer_ns;
	if (first && first->at_ns <= at) {
		w->now_ns = first->at_ns > w->now_ns ? first->at_ns : w->now_ns;
		arrive(w, first);
	} else if (at != UINT64_MAX) {
		w->now_ns = at > w->now_ns ? at : w->now_ns;
		for (unsigned i = 0; i < 2; i++)
			sp_tcb_tick(&w->end[i], w->now_ns);
	} else {
		return false;
	}
	flush(w);
	return true;
}

static uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 131 + (i >> 8) * 7 + (i >> 16));
}

/* So many bytes from one end to the other, and the end of both directions. */
static void transfer(struct world *w, unsigned from, uint64_t bytes, uint64_t slow_reader)
{
	struct sp_tcb *a = &w->end[from], *b = &w->end[!from];
	uint64_t put = 0, got = 0, steps = 0;
	bool over = false;
	uint8_t buf[3000];
	ssize_t n;

	while (!over) {
		for (; put < bytes;) {
			struct iovec iov = { buf, 0 };

			while (iov.iov_len < sizeof buf && put + iov.iov_len < bytes) {
				buf[iov.iov_len] = pattern(put + iov.iov_len);
				iov.iov_len++;
			}
			n = sp_tcb_write(a, &iov, 1);
			if (n < 0)
				break;
			put += (uint64_t)n;
			if (put == bytes)
				sp_tcb_finish(a);
		}
		if (b->state != SP_TCB_CLOSED && (!slow_reader || steps % slow_reader == 0))
			while ((n = sp_tcb_read(b, buf, sizeof buf)) > 0) {
				for (ssize_t i = 0; i < n; i++)
					if (buf[i] != pattern(got + (uint64_t)i))
						fail_msg("byte %llu is wrong",
							 (unsigned long long)got);
				got += (uint64_t)n;
			}
		if (b->got_fin && !b->n_rcv && !b->fin_wanted)
			sp_tcb_finish(b);
		assert_true(steps++ < 3000000);
		over = !step(w) && !b->n_rcv && b->fin_wanted;
	}
	assert_int_equal(got, bytes);
	assert_int_equal(a->error, 0);
	assert_int_equal(a->state, SP_TCB_CLOSED);
}

static void test_open_and_close(void **state)
{
	struct world w;
	uint8_t c;

	(void)state;
	begin(&w, 0);
	while (w.end[0].state != SP_TCB_OPEN)
		assert_true(step(&w));
	assert_true(w.end[0].events & SP_TCB_OUT);
	assert_int_equal(w.end[0].mss, MSS);
	assert_in_range(w.end[0].srtt_ns, 20 * MS, 21 * MS);
	assert_int_equal(sp_tcb_read(&w.end[0], &c, 1), -EAGAIN);
	sp_tcb_finish(&w.end[0]);
	while (!w.end[1].got_fin)
		assert_true(step(&w));
	assert_int_equal(sp_tcb_read(&w.end[1], &c, 1), 0);
	sp_tcb_finish(&w.end[1]);
	while (step(&w))
		;
	assert_int_equal(w.end[0].state, SP_TCB_CLOSED);
	assert_int_equal(w.end[1].state, SP_TCB_CLOSED);
	assert_int_equal(w.end[0].error | w.end[1].error, 0);
	assert_int_equal(w.end[0].retransmits, 0);
	finish(&w);
}

static void test_a_megabyte_arrives(void **state)
{
	static const struct {
		double loss, doubled, reordered;
	} rows[] = { { 0, 0, 0 },
		     { 0.01, 0, 0 },
		     { 0, 0, 0.3 },
		     { 0.05, 0.1, 0.2 },
		     { 0.2, 0.1, 0.5 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned from = 0; from < 2; from++) {
			struct world w;

			begin(&w, rows[i].loss);
			w.doubled = rows[i].doubled;
			w.reordered = rows[i].reordered;
			while (w.end[0].state == SP_TCB_SYN_SENT)
				assert_true(step(&w));
			assert_int_equal(w.end[0].state, SP_TCB_OPEN);
			transfer(&w, from, 1u << 20, 0);
			if (rows[i].loss > 0)
				assert_true(w.lost > 0 && w.end[from].retransmits > 0);
			else if (!(rows[i].reordered > 0))
				assert_int_equal(w.end[from].retransmits, 0);
			finish(&w);
		}
}

/* The window shuts and opens again; the words about it are lost, too. */
static void test_slow_reader(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0.02);
	while (w.end[0].state == SP_TCB_SYN_SENT)
		assert_true(step(&w));
	transfer(&w, 0, 400000, 97);
	finish(&w);
}

static void test_nobody_answers(void **state)
{
	struct world w;
	uint64_t begun;

	(void)state;
	begin(&w, 0);
	w.deaf = true;
	begun = w.now_ns;
	while (step(&w))
		;
	assert_int_equal(w.end[0].error, -ETIMEDOUT);
	/* 1, 2, 4, 8, 16, 32 and 60 s: RFC 6298, 5.5 */
	assert_int_equal(w.sent, 7);
	assert_in_range(w.now_ns - begun, 123000 * MS, 124000 * MS);
	finish(&w);
}

static void test_refused(void **state)
{
	struct world w;
	struct sp_tcp_seg rst = { .flags = SP_TCP_RST | SP_TCP_ACK };
	uint8_t c;

	(void)state;
	begin(&w, 0);
	w.deaf = true;
	flush(&w);
	/* One that knows nothing of our numbers is not believed. */
	rst.ack = w.end[0].una;
	sp_tcb_input(&w.end[0], &rst, w.now_ns);
	assert_int_equal(w.end[0].state, SP_TCB_SYN_SENT);
	rst.ack = w.end[0].nxt;
	sp_tcb_input(&w.end[0], &rst, w.now_ns);
	assert_int_equal(w.end[0].error, -ECONNREFUSED);
	assert_int_equal(sp_tcb_read(&w.end[0], &c, 1), -ECONNREFUSED);
	finish(&w);
}

static void test_reset(void **state)
{
	struct sp_tcp_seg rst = { .flags = SP_TCP_RST };
	struct sp_tcp_seg out;
	uint8_t data[PAYLOAD];
	struct world w;

	(void)state;
	begin(&w, 0);
	while (w.end[0].state != SP_TCB_OPEN)
		assert_true(step(&w));
	/* In the window, but not where it begins: asks first (RFC 5961). */
	rst.seq = w.end[0].rcv_nxt + 5;
	sp_tcb_input(&w.end[0], &rst, w.now_ns);
	assert_int_equal(w.end[0].state, SP_TCB_OPEN);
	assert_true(sp_tcb_output(&w.end[0], w.now_ns, &out, data));
	assert_int_equal(out.flags, SP_TCP_ACK);
	/* Outside of it: nothing. */
	rst.seq = w.end[0].rcv_nxt - 1;
	sp_tcb_input(&w.end[0], &rst, w.now_ns);
	assert_false(sp_tcb_output(&w.end[0], w.now_ns, &out, data));
	rst.seq = w.end[0].rcv_nxt;
	sp_tcb_input(&w.end[0], &rst, w.now_ns);
	assert_int_equal(w.end[0].error, -ECONNRESET);
	/* Ours, on abort, is one that the far end believes. */
	sp_tcb_abort(&w.end[1]);
	assert_true(sp_tcb_output(&w.end[1], w.now_ns, &out, data));
	assert_true(out.flags & SP_TCP_RST);
	assert_int_equal(out.seq, w.end[0].rcv_nxt);
	assert_false(sp_tcb_output(&w.end[1], w.now_ns, &out, data));
	finish(&w);
}

/* A FIN from before the window or from behind it is nobody's: the true one still counts. */
static void test_forged_end(void **state)
{
	static const int32_t off[] = { -1, -70000, (int32_t)ROOM, -0x7fffffff };
	struct sp_tcp_seg fin = { .flags = SP_TCP_FIN | SP_TCP_ACK, .window = 65535 }, out;
	uint8_t data[PAYLOAD];
	struct world w;

	(void)state;
	begin(&w, 0);
	while (w.end[0].state != SP_TCB_OPEN)
		assert_true(step(&w));
	while (step(&w))
		;
	fin.ack = w.end[0].una;
	for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
		fin.seq = w.end[0].rcv_nxt + (uint32_t)off[i] - (i == 0);
		sp_tcb_input(&w.end[0], &fin, w.now_ns);
		assert_false(w.end[0].fin_seen);
		/* And is answered once at most. */
		sp_tcb_output(&w.end[0], w.now_ns, &out, data);
		assert_false(sp_tcb_output(&w.end[0], w.now_ns, &out, data));
	}
	fin.seq = w.end[0].rcv_nxt;
	sp_tcb_input(&w.end[0], &fin, w.now_ns);
	assert_true(w.end[0].got_fin);
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_close),
		cmocka_unit_test(test_a_megabyte_arrives),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_forged_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
