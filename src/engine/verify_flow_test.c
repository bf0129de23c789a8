/* Whose a message is: of connections, of frames. */
#include "engine/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/endian.h"
#include "engine/verify_testing.h"

/* Over connections: whose a flow is, and that a place which was taken away is not counted into. */
static void test_flows_of_connections(void **state)
{
	const struct sp_addr a = { .family = 4, .ip = { 10, 0, 0, 1 } };
	const struct sp_addr b = { .family = 4, .ip = { 10, 0, 0, 2 } };
	struct sp_flow_rx *f, *g;
	struct sp_flow_meta *meta;
	struct rx x;

	(void)state;
	rx_begin(&x);
	assert_false(sp_verifier_granted(&x.v, 0, &f, &meta));
	assert_false(sp_verifier_granted(&x.v, 2, &f, &meta));
	assert_false(sp_verifier_granted(&x.v, SP_FLOW_OWN_ID, &f, &meta));
	assert_false(sp_verifier_claim(&x.v, 2, 0, SP_UNIT_BYTE, &a, &f, &meta));
	assert_true(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_BYTE, &a, &f, &meta));
	assert_int_equal(meta->unit, SP_UNIT_BYTE);
	assert_true(sp_addr_eq(&meta->from, &a));
	/* Another connection of the same host may go on with it, nobody else. */
	assert_true(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_BYTE, &a, &g, &meta));
	assert_ptr_equal(f, g);
	assert_false(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_MESSAGE, &a, &g, &meta));
	assert_false(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_BYTE, &b, &g, &meta));
	assert_true(sp_verifier_granted(&x.v, 1, &g, &meta));
	assert_ptr_equal(f, g);
	sp_flow_withdraw(&x.granted, 0);
	assert_false(sp_verifier_granted(&x.v, 1, &g, &meta));
	sp_verifier_clear(&x.v, false, 0);
	/* The same place under a later id is another flow. */
	sp_flow_grant(&x.granted, 1 + x.granted.mask + 1, 1, 1);
	assert_false(sp_verifier_granted(&x.v, 1, &g, &meta));
	assert_true(sp_verifier_claim(&x.v, 1 + x.granted.mask + 1, 0, SP_UNIT_MESSAGE, &b, &g,
				      &meta));
	assert_ptr_equal(f, g);
	/* What nobody was granted: one flow a source and queue. */
	assert_true(sp_verifier_plain(&x.v, 0, 1, &f, &meta));
	assert_true(sp_verifier_plain(&x.v, 0, 1, &g, &meta));
	assert_ptr_equal(f, g);
	assert_true(sp_verifier_plain(&x.v, 0, 2, &g, &meta));
	assert_ptr_not_equal(f, g);
	rx_end(&x);
}

/* ---- frames ---- */

/* A frame of UDP from 10.0.0.src:sport with so many bytes of payload, as the lane hands it over. */
static void frame_of(struct rx *x, uint8_t src, uint16_t sport, uint16_t flags,
		     const struct sp_stamp_ops *stamp, struct sp_flow_tx *tx)
{
	uint8_t f[14 + 20 + 8 + 40] = {
		[12] = 8, [14] = 0x45, [17] = 68, [22] = 64, [23] = 17
	};
	const struct sp_whole whole = { f, sizeof f };
	struct sp_msg m = { .data = f + 42, .len = 40, .t_ns = START, .flags = flags };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	memcpy(f + 26, (uint8_t[]){ 10, 0, 0, src, 10, 0, 0, 99 }, 8);
	sp_put_be16(f + 34, sport);
	sp_put_be16(f + 36, 8000);
	sp_put_be16(f + 38, 48);
	if (stamp) {
		m.stamp_off = (uint16_t)(m.len - stamp->len);
		stamp->put(&b, 0, tx, START);
	}
	m.stamp_off = 42;
	m.ep = SP_NO_FLOW;
	m.t_ns = START;
	sp_verify_burst(&x->v, &b, 0, &whole);
}

static void test_flows_by_5_tuple(void **state)
{
	struct rx x;

	(void)state;
	rx_begin(&x);
	assert_int_equal(sp_verifier_frames(&x.v), 0);
	for (unsigned i = 0; i < 30; i++)
		frame_of(&x, 1, (uint16_t)(1000 + i % 3), i < 2 ? SP_M_CSUM_BAD : 0, NULL,
			 NULL);
	frame_of(&x, 2, 1000, 0, NULL, NULL);
	assert_int_equal(x.v.own.used, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(x.v.own.rx[i].rx, 10);
		assert_int_equal(x.v.own.rx[i].rx_bytes, 10 * 82);
		assert_int_equal(x.v.own.rx[i].corrupted, i < 2);
		assert_int_equal(x.v.tuple[i].src.port, 1000 + i);
		assert_int_equal(x.v.tuple[i].dst.port, 8000);
		assert_int_equal(x.v.tuple[i].proto, 17);
	}
	assert_int_equal(x.v.tuple[3].src.addr.ip[3], 2);
	assert_int_equal(x.v.nameless, 0);
	/* Eight have room; the rest is counted together. */
	for (unsigned i = 0; i < 20; i++)
		frame_of(&x, 3, (uint16_t)(2000 + i), 0, NULL, NULL);
	assert_int_equal(x.v.own.used, 8);
	assert_int_equal(x.v.untracked, 16);
	/* A place is used again, and found by its new key alone. */
	sp_flow_withdraw(&x.v.own, 1);
	sp_verifier_clear(&x.v, true, 1);
	frame_of(&x, 3, 2010, 0, NULL, NULL);
	frame_of(&x, 3, 2010, 0, NULL, NULL);
	assert_int_equal(x.v.own.rx[1].rx, 2);
	assert_int_equal(x.v.tuple[1].src.port, 2010);
	frame_of(&x, 1, 1002, 0, NULL, NULL);
	assert_int_equal(x.v.own.rx[2].rx, 11);
	rx_end(&x);
}

/* A sender whose source address varies says so: its flow is the key. */
static void test_varying_sources(void **state)
{
	struct sp_flow_tx tx;
	struct rx x;

	(void)state;
	rx_begin(&x);
	assert_int_equal(sp_verifier_frames(&x.v), 0);
	tx = (struct sp_flow_tx){ .head = x.ops->head(ID, SP_STAMP_VARIES) };
	for (unsigned i = 0; i < 50; i++)
		frame_of(&x, (uint8_t)i, (uint16_t)(1000 + i), 0, x.ops, &tx);
	assert_int_equal(x.v.own.used, 1);
	assert_int_equal(x.v.own.rx[0].rx, 50);
	assert_int_equal(x.v.own.rx[0].next - x.v.own.meta[0].base, 50);
	assert_int_equal(x.v.own.rx[0].reordered, 0);
	rx_end(&x);
}

static void test_tuple_words(void **state)
{
	struct sp_tuple t = { .ether_type = 0x0806 };

	(void)state;
	assert_string_equal(sp_tuple_word(&t), "arp");
	t.ether_type = 0x1234;
	assert_string_equal(sp_tuple_word(&t), "ethernet");
	t.src.addr.family = 6;
	t.proto = 58;
	assert_string_equal(sp_tuple_word(&t), "icmpv6");
	t.proto = 201;
	assert_string_equal(sp_tuple_word(&t), "ip");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_of_connections),
		cmocka_unit_test(test_flows_by_5_tuple),
		cmocka_unit_test(test_varying_sources),
		cmocka_unit_test(test_tuple_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
