/* Frames made by hand: what a sender of echo requests takes of them. */
#include "engine/echo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/endian.h"
#include "pkt/csum.h"
#include "plugin/catalog.h"

#define FIRST	7u
#define STREAMS 3u
#define ETH	14u

struct echo {
	struct sp_echo e;
	struct sp_addr to[STREAMS];
	uint64_t errors[STREAMS];
};

static void begin(struct echo *x)
{
	*x = (struct echo){ .e = { .native = sp_catalog_stamp(&sp_catalog, "native"),
				   .shorter = sp_catalog_stamp(&sp_catalog, "short"),
				   .first_id = FIRST,
				   .n = STREAMS } };
	for (unsigned i = 0; i < STREAMS; i++)
		x->to[i] = (struct sp_addr){ .family = 4,
					     .ip = { 10, 0, 0, (uint8_t)(9 + i) } };
	x->e.to = x->to;
	x->e.errors = x->errors;
}

static void fix_sum(uint8_t *at, uint32_t len, uint32_t field)
{
	uint16_t sum;

	memset(at + field, 0, 2);
	sum = sp_csum_finish(sp_csum_add(0, at, len));
	memcpy(at + field, &sum, sizeof sum);
}

/* IPv4 and ICMP of a type at `at`, with room bytes behind; returns how many there are in all. */
static uint32_t put_packet(uint8_t *at, uint8_t type, uint8_t to, uint32_t room)
{
	uint8_t h[20] = { 0x45, [8] = 64, 1, [12] = 10, 0, 0, 2, 10, 0, 0, to };

	sp_put_be16(h + 2, (uint16_t)(28 + room));
	memcpy(at, h, sizeof h);
	fix_sum(at, 20, 10);
	memset(at + 20, 0, 8);
	at[20] = type;
	fix_sum(at + 20, 8 + room, 2);
	return 28 + room;
}

static void put_stamp(const struct sp_stamp_ops *ops, uint8_t *payload, uint32_t len,
		      uint32_t id)
{
	struct sp_flow_tx tx = { .head = ops->head(id, 0), .seq = 5 };
	struct sp_msg m = { .data = payload,
			    .len = len,
			    .stamp_off = (uint16_t)(len - ops->len) };
	const struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	ops->put(&b, 0, &tx, 0);
}

static struct sp_msg message(uint8_t *frame, uint32_t len)
{
	sp_put_be16(frame + 12, 0x0800);
	return (struct sp_msg){ .data = frame, .len = len, .ep = 77, .stamp_off = SP_NO_STAMP };
}

static void test_replies_are_narrowed(void **state)
{
	uint8_t frame[120] = { 0 };
	struct sp_msg m;
	struct echo x;

	(void)state;
	begin(&x);
	m = message(frame, ETH + put_packet(frame + ETH, 0, 1, 40));
	assert_true(sp_echo_take(&x.e, &m));
	assert_int_equal(m.len, 40);
	assert_ptr_equal(m.data, frame + ETH + 28);
	assert_int_equal(m.stamp_off, ETH + 28);
	assert_int_equal(m.ep, 0);
	assert_false(m.flags & SP_M_CSUM_BAD);
	/* Padding is not what came back. */
	m = message(frame, ETH + put_packet(frame + ETH, 0, 1, 4) + 14);
	assert_true(sp_echo_take(&x.e, &m));
	assert_int_equal(m.len, 4);
	m = message(frame, ETH + put_packet(frame + ETH, 0, 1, 40));
	frame[60] ^= 1;
	assert_true(sp_echo_take(&x.e, &m));
	assert_true(m.flags & SP_M_CSUM_BAD);
}

static void test_all_else_is_nothing(void **state)
{
	static const uint8_t types[] = { 8, 3, 5, 11, 13 };
	uint8_t frame[120] = { 0 };
	struct sp_msg m;
	struct echo x;

	(void)state;
	begin(&x);
	for (size_t i = 0; i < sizeof types; i++) {
		m = message(frame, ETH + put_packet(frame + ETH, types[i], 1, 40));
		assert_false(sp_echo_take(&x.e, &m));
	}
	m = message(frame, ETH + put_packet(frame + ETH, 0, 1, 40));
	frame[ETH + 9] = 17;
	assert_false(sp_echo_take(&x.e, &m));
	for (unsigned i = 0; i < STREAMS; i++)
		assert_int_equal(x.errors[i], 0);
}

/* An error from some router, about an echo request to `to` of which it quotes so many bytes. */
static void error_about(struct echo *x, uint8_t to, uint32_t id, uint32_t quoted)
{
	uint8_t frame[200] = { 0 }, *inner = frame + ETH + 28;
	struct sp_msg m;

	put_packet(inner, 8, to, 40);
	put_stamp(x->e.native, inner + 28, 40, id);
	put_packet(frame + ETH, 11, 1, quoted);
	fix_sum(frame + ETH + 20, 8 + quoted, 2);
	m = message(frame, ETH + 28 + quoted);
	assert_false(sp_echo_take(&x->e, &m));
}

static void test_errors_find_their_stream(void **state)
{
	struct echo x;

	(void)state;
	begin(&x);
	error_about(&x, 200, FIRST + 2, 68); /* whole: the stamp knows better than the target */
	assert_int_equal(x.errors[2], 1);
	error_about(&x, 10, FIRST + 2, 67); /* cut: the target must do */
	assert_int_equal(x.errors[1], 1);
	error_about(&x, 9, FIRST + STREAMS, 68); /* nobody's stamp */
	assert_int_equal(x.errors[0], 1);
	error_about(&x, 200, FIRST + STREAMS, 28); /* somebody else's */
	error_about(&x, 9, FIRST, 27);		   /* too short to say anything */
	assert_int_equal(x.errors[0] + x.errors[1] + x.errors[2], 3);
}

/* ---- without a stamp ---- */

struct plain {
	struct echo x;
	struct sp_mem_test mem;
	struct sp_echo_plain p;
	struct sp_flow_rx rx;
	struct sp_flow_meta meta;
	struct sp_tally_rx *tally;
};

static void begin_plain(struct plain *y)
{
	*y = (struct plain){ .p = { .stream = 0 } };
	begin(&y->x);
	sp_mem_test_init(&y->mem, UINT64_MAX);
	y->p.key = sp_alloc_array(&y->mem.mem, SP_ECHO_KEYS, sizeof *y->p.key);
	y->tally = sp_alloc_array(&y->mem.mem, 1, sizeof *y->tally);
	assert_true(y->p.key && y->tally);
	y->p.rx = &y->rx;
	y->p.meta = &y->meta;
	y->p.tally = y->tally;
	y->x.e.plain = &y->p;
	y->x.e.n_plain = 1;
}

static void end_plain(struct plain *y)
{
	sp_free(&y->mem.mem, y->p.key);
	sp_free(&y->mem.mem, y->tally);
	assert_int_equal(y->mem.live, 0);
}

/* A request from 10.0.0.2 to 10.0.0.`host`, or the reply to it. */
static struct sp_msg echo_of(uint8_t *frame, uint8_t type, uint8_t host, uint16_t id,
			     uint16_t seq, uint64_t t_ns)
{
	uint32_t len = ETH + put_packet(frame + ETH, type, host, 4);
	struct sp_msg m = message(frame, len);

	if (type == 0) {
		memcpy(frame + ETH + 12, (uint8_t[]){ 10, 0, 0, host, 10, 0, 0, 2 }, 8);
		fix_sum(frame + ETH, 20, 10);
	}
	sp_put_be16(frame + ETH + 24, id);
	sp_put_be16(frame + ETH + 26, seq);
	fix_sum(frame + ETH + 20, 12, 2);
	m.t_ns = t_ns;
	return m;
}

static void ask(struct plain *y, uint8_t host, uint16_t id, uint16_t seq, uint64_t t_ns)
{
	uint8_t frame[80] = { 0 };
	const struct sp_msg m = echo_of(frame, 8, host, id, seq, t_ns);

	sp_echo_plain_put(&y->p, &m);
	sp_echo_plain_sent(&y->p, &m, t_ns + 3);
}

static void answer(struct plain *y, uint8_t host, uint16_t id, uint16_t seq, uint64_t t_ns)
{
	uint8_t frame[80] = { 0 };
	struct sp_msg m = echo_of(frame, 0, host, id, seq, t_ns);

	(void)sp_echo_take(&y->x.e, &m);
}

static void test_without_a_stamp(void **state)
{
	struct plain y;

	(void)state;
	begin_plain(&y);
	for (uint16_t seq = 0; seq < 100; seq++)
		ask(&y, 9, 4, seq, 1000u * seq);
	for (uint16_t seq = 100; seq-- > 10;)
		answer(&y, 9, 4, seq, 1000u * seq + 50);
	assert_int_equal(y.rx.rx, 90);
	assert_int_equal(y.rx.duplicates, 0);
	assert_int_equal(y.tally->delay.n, 90);
	assert_int_equal(y.tally->delay.min, 50);
	assert_int_equal(y.tally->delay_actual.max, 47);
	answer(&y, 9, 4, 50, 60000); /* once more */
	assert_int_equal(y.rx.rx, 91);
	assert_int_equal(y.rx.duplicates, 1);
	answer(&y, 9, 5, 5, 60000); /* somebody else's */
	answer(&y, 8, 4, 5, 60000);
	answer(&y, 9, 4, 200, 60000);
	assert_int_equal(y.rx.rx, 91);
	end_plain(&y);
}

/* All alike: as many as were asked are answers, and only one alone has a time. */
static void test_all_alike(void **state)
{
	struct plain y;

	(void)state;
	begin_plain(&y);
	ask(&y, 9, 0, 0, 1000);
	answer(&y, 9, 0, 0, 1020);
	for (unsigned i = 0; i < 5; i++)
		ask(&y, 9, 0, 0, 2000 + i);
	for (unsigned i = 0; i < 6; i++)
		answer(&y, 9, 0, 0, 3000 + i);
	assert_int_equal(y.rx.rx, 7);
	assert_int_equal(y.rx.duplicates, 1);
	assert_int_equal(y.rx.next, 6);
	assert_int_equal(y.tally->delay.n, 2);
	end_plain(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies_are_narrowed),
		cmocka_unit_test(test_all_else_is_nothing),
		cmocka_unit_test(test_errors_find_their_stream),
		cmocka_unit_test(test_without_a_stamp),
		cmocka_unit_test(test_all_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
