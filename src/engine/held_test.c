/* Sessions that generators hold, in virtual time over streams in memory: how often a peer that refuses
 * is tried, when a run ends whose peer says nothing, and what the report says of either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing.h"

#define TCP_PORT "+port", "name=p", "transport=loop-tcp", "port=5001"
#define SINK	 "+recv", "name=r", "from=p", "protocol=tcp"
#define WEB	 "+recv", "name=r", "from=p", "protocol=http"
#define BGP	 "+stream", "name=s", "from=p", "protocol=bgp", "host=127.0.0.1", "prefixes=100"
#define BMP	 "+stream", "name=s", "from=p", "protocol=bmp", "host=127.0.0.1", "prefixes=100"
#define HTTP	 "+stream", "name=s", "from=p", "protocol=http", "host=127.0.0.1"

static uint64_t connections(const struct sim *s)
{
	struct sp_stream_result out;

	sp_result_stream(sp_run_result(s->run), 0, &out);
	return out.way.connections;
}

static const char *remark(const struct sim *s, const char *code)
{
	const struct sp_result *r = sp_run_result(s->run);

	for (size_t i = 0; i < r->n_remarks; i++)
		if (!strcmp(r->remarks[i].code, code))
			return r->remarks[i].text;
	return "";
}

static int count_lines(void *arg, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*(unsigned *)arg += text[i] == '\n';
	return 0;
}

static unsigned truth(const struct sim *s)
{
	unsigned n = 0;

	assert_int_equal(sp_run_truth(s->run, &(struct sp_truth){ count_lines, &n }), 0);
	return n;
}

static void says(const struct sim *s, const char *code, const char *what)
{
	if (!strstr(remark(s, code), what))
		fail_msg("%s: \"%s\" is not in \"%s\"", code, what, remark(s, code));
}

/* It takes the connection and all that is said, and says nothing. */
static void a_silent_peer_ends_at_its_time(void **state)
{
	struct sim s;

	(void)state;
	sim_run(&s, (const char *[]){ VIRTUAL, TCP_PORT, SINK, BGP, "duration=40s", NULL }, 0);
	assert_int_equal(sp_run_result(s.run)->duration_ns, 40 * SP_NS_PER_S);
	assert_int_equal(connections(&s), 1);
	says(&s, "session-failed", "the peer did not answer OPEN within 40 s");
	assert_int_equal(sp_run_result(s.run)->result, SP_VALID_REMARKS);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	assert_int_equal(truth(&s), 0);
	sim_end(&s);
}

/* At 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3, 21.3, 26.3 s and no more; each ends at once. */
static void a_session_backs_off(void **state)
{
	static const char *const peers[][2] = {
		{ "protocol=bgp", "the peer's message is none" },
		{ "protocol=bmp", "the collector closed the connection" },
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct sim s;

		sim_run(&s,
			(const char *[]){ VIRTUAL, TCP_PORT, WEB, BGP, peers[i][0],
					  "duration=30s", NULL },
			0);
		assert_int_equal(sp_run_result(s.run)->duration_ns, 30 * SP_NS_PER_S);
		assert_int_equal(connections(&s), 11);
		says(&s, "session-failed", peers[i][1]);
		says(&s, "session-failed", "11 connections failed or were lost");
		says(&s, "session-down", peers[i][1]);
		assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
		assert_int_equal(truth(&s), 0);
		sim_end(&s);
	}
}

/* And a port where nobody listens, whatever asks: the same times for a session, and for a closed loop
 * 0, 10, 30, 70, ... 1270 ms, and each second from there. */
static void nobody_listens(void **state)
{
	struct sim s;

	(void)state;
	sim_run(&s, (const char *[]){ VIRTUAL, TCP_PORT, BGP, "duration=30s", NULL }, 0);
	assert_int_equal(connections(&s), 11);
	says(&s, "session-failed", "the connection was refused: nobody listens there");
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	sim_end(&s);
	sim_run(&s,
		(const char *[]){ VIRTUAL, TCP_PORT, HTTP, "rate=max", "connections=1",
				  "duration=10s", NULL },
		0);
	assert_int_equal(connections(&s), 8 + 8);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	sim_end(&s);
}

/* Without an end in time it is given up when it would wait the longest: the try at 6.3 s is the last. */
static void a_count_does_not_wait_for_ever(void **state)
{
	struct sim s;

	(void)state;
	sim_run(&s, (const char *[]){ VIRTUAL, TCP_PORT, WEB, BGP, "count=5", NULL }, 0);
	assert_int_equal(sp_run_result(s.run)->duration_ns, 6300 * SP_NS_PER_MS);
	assert_int_equal(connections(&s), 7);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	sim_end(&s);
	sim_run(&s, (const char *[]){ VIRTUAL, TCP_PORT, SINK, BMP, "count=5", NULL }, 0);
	assert_int_equal(COUNT(&sp_run_result(s.run)->total, tx_packets), 5);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_OK);
	sim_end(&s);
}

/* One that stands is left in order, at its time, and its truth is whole. */
static void a_session_that_stands(void **state)
{
	struct sim s;

	(void)state;
	sim_run(&s, (const char *[]){ VIRTUAL, TCP_PORT, SINK, BMP, "duration=40s", NULL }, 0);
	assert_int_equal(sp_run_result(s.run)->duration_ns, 40 * SP_NS_PER_S);
	assert_int_equal(connections(&s), 1);
	assert_string_equal(remark(&s, "session-failed"), "");
	assert_string_equal(remark(&s, "session-lost"), "");
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_OK);
	assert_int_equal(truth(&s), 100);
	sim_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_peer_ends_at_its_time),
		cmocka_unit_test(a_session_backs_off),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(a_count_does_not_wait_for_ever),
		cmocka_unit_test(a_session_that_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
