#include "ctl/agent_join.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/measure.h"
#include "engine/verify.h"

#define OWN SP_FLOW_OWN_ID

static struct sp_stream_result stream(const char *name, uint64_t tx)
{
	struct sp_stream_result s = { .name = name };

	sp_measure_clear(&s.m);
	sp_measure_forget_rx(&s.m.c);
	sp_counts_set(&s.m.c, SP_C_tx_packets, tx);
	return s;
}

static struct sp_flow_result sent(const char *name, uint32_t id, uint64_t tx)
{
	struct sp_flow_result f = { .stream = name, .id = OWN + id };

	f.m = stream(name, tx).m;
	return f;
}

static struct sp_flow_result received(uint32_t id, uint64_t unique, uint64_t corrupted)
{
	struct sp_flow_result f = { .stream = "rx0", .id = OWN + id };

	sp_measure_clear(&f.m);
	sp_measure_forget_tx(&f.m.c);
	sp_counts_set(&f.m.c, SP_C_rx_packets, unique + corrupted);
	sp_counts_set(&f.m.c, SP_C_rx_unique, unique);
	sp_counts_set(&f.m.c, SP_C_corrupted, corrupted);
	f.m.jitter_ns = 7;
	return f;
}

static void finds_flows_by_id(void **state)
{
	struct sp_stream_result s[2] = { stream("a", 100), stream("b", 50) };
	struct sp_flow_result f[2] = { sent("a", 8, 100), sent("b", 9, 50) };
	struct sp_flow_result r[3] = { received(9, 50, 0), received(8, 90, 3),
				       received(77, 5, 0) };
	unsigned open;

	(void)state;
	assert_int_equal(sp_agent_join(s, 2, f, 2, r, 3, &open), 2);
	assert_int_equal(open, 0);
	assert_int_equal(s[0].m.c.v[SP_C_rx_packets], 93);
	assert_int_equal(s[0].m.c.v[SP_C_rx_unique], 90);
	assert_int_equal(s[0].m.c.v[SP_C_lost], 7);
	assert_int_equal(s[1].m.c.v[SP_C_lost], 0);
	assert_true(sp_counts_has(&f[0].m.c, SP_C_lost));
	assert_true(s[0].m.jitter_ns == 7);
}

/* One seed gives several hosts the same ids: then nobody knows whose it was. */
static void leaves_open_what_is_not_sure(void **state)
{
	struct sp_stream_result s[3] = { stream("a", 100), stream("b", 50), stream("c", 10) };
	struct sp_flow_result f[3] = { sent("a", 8, 100), sent("b", 8, 50), sent("c", 10, 10) };
	struct sp_flow_result r[3] = { received(8, 50, 0), received(10, 5, 0),
				       received(10, 5, 0) };
	unsigned open;

	(void)state;
	assert_int_equal(sp_agent_join(s, 3, f, 3, r, 3, &open), 0);
	assert_int_equal(open, 3);
	assert_false(sp_counts_has(&s[0].m.c, SP_C_rx_packets));
	assert_false(sp_counts_has(&s[2].m.c, SP_C_lost));
}

/* What a session should have told and did not stays its affair. */
static void leaves_granted_ids_alone(void **state)
{
	struct sp_stream_result s = stream("a", 100);
	struct sp_flow_result f = sent("a", 8, 100), r = received(8, 90, 0);
	unsigned open;

	(void)state;
	f.id = r.id = 8;
	assert_int_equal(sp_agent_join(&s, 1, &f, 1, &r, 1, &open), 0);
	assert_int_equal(open, 1);
}

/* A flow without stamps has no id of its own. */
static void takes_only_stamped_flows(void **state)
{
	struct sp_stream_result s = stream("a", 100);
	struct sp_flow_result f = sent("a", 0, 100), r = received(0, 0, 0);
	unsigned open;

	(void)state;
	sp_counts_forget(&r.m.c, SP_C_rx_unique);
	assert_int_equal(sp_agent_join(&s, 1, &f, 1, &r, 1, &open), 0);
	assert_int_equal(open, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_flows_by_id),
		cmocka_unit_test(leaves_open_what_is_not_sure),
		cmocka_unit_test(takes_only_stamped_flows),
		cmocka_unit_test(leaves_granted_ids_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
