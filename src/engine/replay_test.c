/* Recorded packets as whole runs in virtual time: what is asked, what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/endian.h"
#include "engine/testing.h"

#define NULL_PORT "+port", "name=p", "transport=null"
#define RECORDED  "+stream", "name=s", "from=p", "protocol=capture"
#define PACKETS	  1000u

static char files_word[64]; /* "files=/tmp/..." */
static const char *path(void)
{
	return files_word + 6;
}

/* PACKETS frames of 60 octets, a millisecond apart. */
static int make_capture(void **state)
{
	static const uint32_t head[] = { 0xa1b23c4d, 0x00040002, 0, 0, 65535, 1 };
	static const uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	FILE *f;

	(void)state;
	strcpy(files_word, "files=/tmp/spate-recorded-XXXXXX");
	f = fdopen(mkstemp(files_word + 6), "w");
	if (!f)
		return -1;
	fwrite(head, sizeof head, 1, f);
	for (uint32_t i = 0; i < PACKETS; i++) {
		const uint32_t record[] = { 1700000000, 1000000 * (i % 1000), 60, 60 };

		fwrite(record, sizeof record, 1, f);
		fwrite(frame, sizeof frame, 1, f);
	}
	return fclose(f);
}

static int forget_capture(void **state)
{
	(void)state;
	return unlink(path());
}

static void test_all_of_it_at_its_times(void **state)
{
	const char *const words[] = { VIRTUAL, NULL_PORT, RECORDED, files_word, NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, asked_packets), PACKETS);
	assert_int_equal(COUNT(m, tx_packets), PACKETS);
	assert_int_equal(COUNT(m, tx_bytes), 60 * PACKETS);
	assert_int_equal(m->last_tx_ns - m->first_tx_ns, (PACKETS - 1) * SP_NS_PER_MS);
	assert_int_equal(m->late.max, 0);
	assert_int_equal(m->gap_error.max, 0);
	sim_end(&s);
}

static void test_the_first_limit_ends_it(void **state)
{
	static const struct {
		const char *limit;
		unsigned want;
	} cases[] = { { "count=7", 7 },
		      { "duration=20ms", 20 },
		      { "bytes=301", 5 },
		      { "limit=9", 9 },
		      { "loops=3", 3 * PACKETS } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const words[] = { VIRTUAL,	  NULL_PORT,	  RECORDED,
					      files_word, cases[i].limit, NULL };
		struct sim s;
		const struct sp_measure *m = sim_run(&s, words, 0);

		assert_int_equal(COUNT(m, tx_packets), cases[i].want);
		assert_int_equal(COUNT(m, asked_packets), cases[i].want);
		sim_end(&s);
	}
}

/* As fast as may be it is over at once, and ends by itself. */
static void test_as_fast_as_may_be(void **state)
{
	const char *const words[] = { VIRTUAL,	  NULL_PORT,  RECORDED, files_word,
				      "pace=max", "loops=20", NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 20 * PACKETS);
	assert_int_equal(COUNT(m, asked_packets), 20 * PACKETS);
	sim_end(&s);
}

static void test_two_streams_of_one_capture(void **state)
{
	const char *const words[] = { VIRTUAL,	  NULL_PORT,	RECORDED,
				      files_word, "pace=2kpps", "+stream",
				      "name=t",	  "from=p",	"protocol=capture",
				      files_word, "start=5s",	NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 2 * PACKETS);
	assert_int_equal(m->last_tx_ns - m->first_tx_ns,
			 5 * SP_NS_PER_S + (PACKETS - 1) * SP_NS_PER_MS);
	sim_end(&s);
}

static void test_a_stop_ends_what_has_no_end(void **state)
{
	const char *const words[] = {
		VIRTUAL, NULL_PORT, RECORDED, files_word, "loops=0", NULL
	};
	struct sim s;

	(void)state;
	sim_start(&s, UINT64_MAX);
	s.stop_after_ns = 10 * SP_NS_PER_S;
	assert_int_equal(sim_execute(&s, words, 0), 0);
	assert_int_equal(s.violations, 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_INTR);
	assert_in_range(sp_run_result(s.run)->total.c.v[SP_C_tx_packets], 9 * PACKETS,
			12 * PACKETS);
	sim_end(&s);
}

static void *stop_soon(void *arg)
{
	const struct timespec moment = { .tv_nsec = 30 * (long)SP_NS_PER_MS };

	nanosleep(&moment, NULL);
	sp_run_request_stop(arg, true);
	return NULL;
}

/* Virtual time stands still while it sends: a stop ends it all the same. */
static void test_a_stop_ends_what_takes_no_time(void **state)
{
	const char *const words[] = { VIRTUAL,
				      NULL_PORT,
				      RECORDED,
				      files_word,
				      "pace=max",
				      "loops=0",
				      "limit=1000000000000",
				      NULL };
	struct sim s;
	uint64_t t0_ns;
	pthread_t thread;

	(void)state;
	sim_start(&s, UINT64_MAX);
	assert_int_equal(sim_build(&s, words, 0), 0);
	assert_int_equal(sim_arm(&s, &t0_ns), 0);
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, s.run), 0);
	while (sp_run_step(s.run, -1) == 0)
		;
	pthread_join(thread, NULL);
	assert_int_equal(s.violations, 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_INTR);
	sim_end(&s);
}

static void test_a_stage_stops_it(void **state)
{
	const char *const words[] = { VIRTUAL,	  NULL_PORT,  RECORDED,	 files_word, "+stage",
				      "at=100ms", "stream=s", "do=stop", NULL };
	struct sim s;
	const struct sp_measure *m = sim_run(&s, words, 0);

	(void)state;
	assert_int_equal(COUNT(m, tx_packets), 100);
	sim_end(&s);
}

static void test_what_it_has_not(void **state)
{
	static const char *const more[][3] = {
		{ "rate=5pps", NULL, NULL },
		{ "size=100", NULL, NULL },
		{ "stamp=native", NULL, NULL },
		{ "packet_size=imix", NULL, NULL },
		{ "departure=exponential", NULL, NULL },
		{ "mode=burst", NULL, NULL },
		{ "deal_of=2", NULL, NULL },
		{ "files=", NULL, NULL },
		{ "pace=max", "loops=0", "duration=1s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		const char *const words[] = { VIRTUAL,	  NULL_PORT,  RECORDED,	  files_word,
					      more[i][0], more[i][1], more[i][2], NULL };
		struct sim s;

		sim_start(&s, UINT64_MAX);
		assert_int_equal(sim_build(&s, words, 0), -EINVAL);
		assert_int_equal(s.err.exit, SP_EXIT_USAGE);
		sim_end(&s);
	}
}

static void test_stages_that_it_cannot_follow(void **state)
{
	static const char *const does[] = { "do=start", "do=set" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const words[] = { VIRTUAL,	  NULL_PORT, RECORDED,
					      files_word, "+stage",  "at=100ms",
					      "stream=s", does[i],   i ? "rate=5pps" : NULL,
					      NULL };
		struct sim s;

		sim_start(&s, UINT64_MAX);
		assert_int_equal(sim_build(&s, words, 0), -EINVAL);
		assert_non_null(strstr(s.err.text, "recorded"));
		sim_end(&s);
	}
}

static void test_memory_fails(void **state)
{
	const char *const words[] = { VIRTUAL, NULL_PORT, RECORDED, files_word, NULL };
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		struct sim s;

		sim_start(&s, n);
		rc = sim_execute(&s, words, 0);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		sim_end(&s);
	}
}

/* A message of 100,000 octets, which no datagram holds, among short ones: it is refused, and those
 * behind it leave. */
static void test_a_unit_that_is_too_long_is_refused(void **state)
{
	static const uint32_t file[] = { 0xa1b23c4d, 0x00040002, 0, 0, 262144, 101 };
	static const uint16_t lens[] = { 6, 50000, 50000, 6 };
	uint8_t *packet = calloc(1, 50040);
	char word[] = "files=/tmp/spate-recorded-XXXXXX";
	const char *const words[] = {
		VIRTUAL,	  NULL_PORT,   "+stream",
		"name=s",	  "from=p",    "protocol=messages",
		"host=127.0.0.1", "port=1790", "sections=bmp tcp.dport=1790",
		"section=bmp",	  word,	       NULL
	};
	const struct sp_measure *m;
	FILE *f = fdopen(mkstemp(word + 6), "w");
	uint32_t seq = 1;
	struct sim s;

	(void)state;
	assert_non_null(packet);
	assert_non_null(f);
	fwrite(file, sizeof file, 1, f);
	for (uint32_t i = 0; i < 4; i++) {
		const uint32_t len = 40u + lens[i];
		const uint32_t record[] = { 1700000000, 1000000 * i, len, len };
		static const uint8_t head[40] = { 0x45, [8] = 64, 6,	[12] = 192,  0,	  2,
						  1,	192,	  0,	2,	     9,	  4,
						  0,	6,	  0xfe, [32] = 0x50, 0x18 };

		memset(packet, 0, 50040);
		memcpy(packet, head, sizeof head);
		sp_put_be16(packet + 2, (uint16_t)len);
		sp_put_be32(packet + 24, seq);
		seq += lens[i];
		if (i != 2) { /* its second half has no head */
			packet[40] = 3;
			sp_put_be32(packet + 41, i == 1 ? 100000 : 6);
			packet[45] = 4;
		}
		fwrite(record, sizeof record, 1, f);
		fwrite(packet, len, 1, f);
	}
	fclose(f);
	free(packet);
	m = sim_run(&s, words, 0);
	assert_int_equal(COUNT(m, asked_packets), 3);
	assert_int_equal(COUNT(m, tx_packets), 2);
	assert_int_equal(COUNT(m, tx_refused), 1);
	assert_int_equal(COUNT(m, error_too_big), 1);
	sim_end(&s);
	unlink(word + 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_at_its_times),
		cmocka_unit_test(test_the_first_limit_ends_it),
		cmocka_unit_test(test_as_fast_as_may_be),
		cmocka_unit_test(test_two_streams_of_one_capture),
		cmocka_unit_test(test_a_stop_ends_what_has_no_end),
		cmocka_unit_test(test_a_stop_ends_what_takes_no_time),
		cmocka_unit_test(test_a_stage_stops_it),
		cmocka_unit_test(test_what_it_has_not),
		cmocka_unit_test(test_stages_that_it_cannot_follow),
		cmocka_unit_test(test_a_unit_that_is_too_long_is_refused),
		cmocka_unit_test(test_memory_fails),
	};

	return cmocka_run_group_tests(tests, make_capture, forget_capture);
}
