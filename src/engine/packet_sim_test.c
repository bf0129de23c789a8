/* Crafted packets and kinds of payload as whole runs in virtual time, through memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "engine/testing.h"

#define CRAFTED                                                                                \
	"+stream", "name=s", "from=p", "protocol=packet", "rate=1kpps", "size=100",            \
		"packet=ip(dst=127.0.0.1,src=10.0.0.0/24)/udp(sport=1..300,dport=5001)"

static void test_crafted_packets_add_up(void **state)
{
	static const char *const words[] = { VIRTUAL, LOOP,    "delay=5ms",    "loss_every=100",
					     BOTH,    CRAFTED, "duration=10s", NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 10000);
	assert_int_equal(COUNT(m, tx_bytes), 1000000);
	assert_int_equal(COUNT(m, rx_unique), 9900);
	assert_int_equal(COUNT(m, lost), 100);
	assert_int_equal(COUNT(m, corrupted), 0);
	assert_int_equal(m->delay.min, 5 * SP_NS_PER_MS);
	assert_int_equal(m->late.max, 0);
	sim_end(&s);
}

static void test_kinds_of_payload_carry_stamps(void **state)
{
	static const char *const words[] = {
		VIRTUAL,       LOOP,	     BOTH,	STREAM("1kpps"), "fill=random",
		"duration=5s", "+stream",    "name=t",	"from=p",	 "host=127.0.0.1",
		"port=5001",   "rate=1kpps", "size=40", "fill=letters",	 "duration=5s",
		NULL
	};
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 10000);
	assert_int_equal(COUNT(m, rx_unique), 10000);
	assert_int_equal(COUNT(m, corrupted), 0);
	sim_end(&s);
}

/* Workers share nothing: each counts the units of its own streams. */
static void test_several_workers(void **state)
{
	static const char *const words[] = { VIRTUAL,
					     "cores=2",
					     "+port",
					     "name=p",
					     "transport=null",
					     CRAFTED,
					     "count=7",
					     "+stream",
					     "name=t",
					     "from=p",
					     "protocol=packet",
					     "rate=1kpps",
					     "count=9",
					     "packet=ip(dst=10.0.0.1)/tcp(dport=1..9)",
					     NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 16);
	assert_int_equal(COUNT(m, tx_bytes), 7 * 100 + 9 * 54);
	sim_end(&s);
}

static void test_memory_fails(void **state)
{
	static const char *const words[] = { VIRTUAL, LOOP, BOTH, CRAFTED, "count=5", NULL };
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		struct sim s;

		sim_start(&s, n);
		rc = sim_execute(&s, words, 0);
		assert_true(rc == 0 || rc == -ENOMEM);
		sim_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crafted_packets_add_up),
		cmocka_unit_test(test_kinds_of_payload_carry_stamps),
		cmocka_unit_test(test_several_workers),
		cmocka_unit_test(test_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
