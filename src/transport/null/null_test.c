#include "plugin/transport.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern const struct sp_transport_ops sp_transport_null;
static const struct sp_transport_ops *const ops = &sp_transport_null;

#define CAP 32u

static const struct sp_endpoint target = { .addr = { .family = 4, .ip = { 10, 1, 1, 2 } },
					   .port = 5001 };
static const struct sp_permit permit = { .magic = SP_PERMIT_MAGIC, .to = &target, .n_to = 1 };
static const struct sp_port_conf port_conf = { .name = "n", .workers = 2, .tx = true };

static void counts_and_forgets(void **state)
{
	struct sp_clock clock;
	struct sp_env env = { .mem = sp_mem_system(), .clock = &clock };
	struct sp_endpoint remote, other = target;
	struct sp_err err = { .code = 0 };
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_port *port;
	struct sp_queue *q;
	struct sp_tstats s;
	uint32_t ep;

	(void)state;
	other.port++;
	sp_clock_init_virtual(&clock, 0);
	assert_int_equal(ops->open(&port, &port_conf, &permit, &env, &err), 0);
	assert_int_equal(ops->queue(port, 1, &q, &err), 0);
	assert_int_equal(ops->endpoint(q, &other, &ep, &err), -EACCES);
	assert_int_equal(ops->endpoint(q, &target, &ep, &err), 0);
	assert_int_equal(ops->peer(q, ep, &remote, NULL), 0);
	assert_true(sp_endpoint_eq(&remote, &target));
	assert_int_equal(ops->tx_slots(q, &b, 20, 64, 1), 20);
	assert_int_equal(m[19].flags, 0);
	assert_int_equal(ops->tx_burst(q, &b, 5, true), 15);
	assert_int_equal(ops->tx_slots(q, &b, 21, 64, 1), 21);
	assert_int_equal(m[19].flags, SP_M_HELD);
	assert_int_equal(m[20].flags, 0);
	m[3].len = 65508;
	assert_int_equal(ops->tx_burst(q, &b, 0, false), 3);
	assert_int_equal(ops->tx_burst(q, &b, 3, false), -EMSGSIZE);
	ops->stats(q, &s);
	assert_int_equal(s.tx_msgs, 18);
	assert_int_equal(s.tx_bytes, 18 * 64);
	assert_int_equal(s.tx_calls, 2);
	assert_int_equal(ops->rx_burst(q, &b), 0);
	assert_true(ops->next_ns(q) == SP_NEVER);
	assert_int_equal(ops->flush(q), 0);
	ops->close(port);
}

static void refuses_to_receive(void **state)
{
	struct sp_clock clock;
	struct sp_env env = { .mem = sp_mem_system(), .clock = &clock };
	struct sp_port_conf conf = port_conf;
	struct sp_err err = { .code = 0 };
	struct sp_port *port;

	(void)state;
	sp_clock_init_virtual(&clock, 0);
	conf.rx = true;
	assert_int_equal(ops->open(&port, &conf, &permit, &env, &err), -EOPNOTSUPP);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	assert_int_equal(ops->open(&port, &port_conf, NULL, &env, &err), -EACCES);
}

static void survives_lack_of_memory(void **state)
{
	struct sp_clock clock;
	struct sp_env env = { .clock = &clock };
	uint64_t fail = 0;
	bool ok = false;

	(void)state;
	sp_clock_init_virtual(&clock, 0);
	for (; !ok && fail < 50; fail++) {
		struct sp_mem_test t;
		struct sp_err err = { .code = 0 };
		struct sp_port *port;
		struct sp_queue *q;

		sp_mem_test_init(&t, fail);
		env.mem = &t.mem;
		if (ops->open(&port, &port_conf, &permit, &env, &err) == 0) {
			ok = ops->queue(port, 0, &q, &err) == 0;
			ops->close(port);
		}
		assert_true(ok || err.code == -ENOMEM);
		assert_int_equal(t.live, 0);
	}
	assert_true(ok && fail > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_forgets),
		cmocka_unit_test(refuses_to_receive),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
