#include "capture/score.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n"
#define TAIL "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,2,3,4,5,6\n"
#define FLOW(port, packets, bytes)                                                             \
	"{\"kind\":\"flow\",\"exporter\":1,\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\","         \
	"\"src_port\":" #port ",\"dst_port\":80,\"proto\":6,\"tos\":0,\"flags\":27,"           \
	"\"packets\":" #packets ",\"bytes\":" #bytes ",\"sampling\":10}\n"
#define ROW(port, packets, bytes)                                                              \
	"a,b,c,10.0.0.1,10.0.0.2," #port ",80,TCP,...AP.SF," #packets "," #bytes "\n"
#define JSON(port, packets, bytes)                                                             \
	"{\"event_type\":\"purge\",\"ip_src\":\"10.0.0.1\",\"port_src\":" #port                \
	",\"ip_proto\":\"tcp\",\"packets\":" #packets ",\"bytes\":" #bytes "}\n"
#define ROUTE(peer, prefix, path, state)                                                       \
	"{\"kind\":\"route\",\"peer\":" peer ",\"family\":4,\"prefix\":\"" prefix              \
	"\",\"next_hop\":\"192.0.2.1\",\"as_path\":\"" path                                    \
	"\",\"communities\":\"1:2 3:4\",\"state\":\"" state "\"}\n"
#define LOG(type, prefix, path, communities)                                                   \
	"{\"log_type\":\"" type "\",\"event_type\":\"log\",\"peer_ip\":\"10.0.0.9\","          \
	"\"ip_prefix\":\"" prefix "\",\"bgp_nexthop\":\"192.0.2.1\",\"as_path\":" path         \
	",\"comms\":" communities "}\n"

struct files {
	char truth[40], output[40];
};

static void write_file(char path[40], const char *text)
{
	int fd;

	strcpy(path, "/tmp/spate-score-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int score(struct sp_score *s, struct sp_score_conf conf, const char *truth,
		 const char *output, const struct sp_mem *mem, struct sp_err *err)
{
	struct files f;
	int rc;

	write_file(f.truth, truth);
	write_file(f.output, output);
	conf.truth = f.truth;
	conf.output = f.output;
	*err = (struct sp_err){ 0 };
	if (!conf.entries)
		conf.entries = 1000;
	rc = sp_score_run(s, &conf, mem, err);
	unlink(f.truth);
	unlink(f.output);
	return rc;
}

struct want {
	const char *truth, *output;
	uint64_t expected, right, missing, extra, wrong;
	const char *by;
	bool renormalized;
};

static void check(const struct want *w, uint32_t entries)
{
	struct sp_score_conf c = { .by = w->by,
				   .renormalized = w->renormalized,
				   .entries = entries };
	struct sp_score s;
	struct sp_err err;

	assert_int_equal(score(&s, c, w->truth, w->output, sp_mem_system(), &err), 0);
	assert_int_equal(s.expected, w->expected);
	assert_int_equal(s.right, w->right);
	assert_int_equal(s.of[SP_SCORE_MISSING], w->missing);
	assert_int_equal(s.of[SP_SCORE_EXTRA], w->extra);
	assert_int_equal(s.of[SP_SCORE_WRONG], w->wrong);
	assert_int_equal(s.complete, w->expected == w->right && !w->extra);
	sp_score_free(&s);
}

/* The same in one pass, and with room for few records. */
static void counts_each_kind(void **state)
{
	static const struct want rows[] = {
		{ FLOW(1, 2, 80), HEAD ROW(1, 2, 80) TAIL, 1, 1, 0, 0, 0, NULL, false },
		{ FLOW(1, 2, 80) FLOW(1, 2, 80), HEAD ROW(1, 2, 80), 2, 1, 1, 0, 0, NULL,
		  false },
		{ FLOW(1, 2, 80) FLOW(2, 2, 80), HEAD ROW(2, 2, 80), 2, 1, 1, 0, 0, NULL,
		  false },
		{ FLOW(1, 2, 80), HEAD ROW(1, 2, 80) ROW(3, 1, 40), 1, 1, 0, 1, 0, NULL,
		  false },
		{ FLOW(1, 2, 80) FLOW(1, 3, 90), HEAD ROW(1, 2, 80) ROW(1, 3, 91), 2, 1, 0, 0,
		  1, NULL, false },
		{ FLOW(1, 2, 80) FLOW(1, 3, 90) FLOW(1, 4, 99), HEAD ROW(1, 9, 9), 3, 0, 2, 0,
		  1, NULL, false },
		{ FLOW(1, 2, 80), HEAD "No matched flows\n" TAIL, 1, 0, 1, 0, 0, NULL, false },
		{ FLOW(1, 2, 80) FLOW(2, 3, 90), HEAD ROW(2, 2, 80) ROW(1, 3, 90), 1, 1, 0, 0,
		  0, "src,dst", false },
		{ FLOW(1, 2, 80), HEAD ROW(1, 20, 800), 1, 1, 0, 0, 0, NULL, true },
		{ FLOW(1, 2, 80) FLOW(1, 3, 90), JSON(1, 5, 170), 1, 1, 0, 0, 0, NULL, false },
		{ FLOW(1, 2, 80) FLOW(1, 3, 90), JSON(1, 2, 80) JSON(1, 3, 90), 1, 1, 0, 0, 0,
		  NULL, false },
		{ FLOW(1, 2, 80) FLOW(2, 3, 90), JSON(1, 2, 81) JSON(3, 1, 1), 2, 0, 1, 1, 1,
		  NULL, false },
		{ FLOW(1, 2, 80), "", 1, 0, 1, 0, 0, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check(&rows[i], 0);
		check(&rows[i], 4);
	}
}

static void routes_have_a_final_state(void **state)
{
	static const struct want rows[] = {
		/* Lists and texts are the same; communities are a set. */
		{ ROUTE("\"10.0.0.9\"", "10.1.0.0/16", "1 2", "announced"),
		  LOG("update", "10.1.0.0/16", "[\"1\",\"2\"]", "[\"3:4\",\"1:2\"]"), 1, 1, 0,
		  0, 0, NULL, false },
		{ ROUTE("null", "10.1.0.0/16", "1 2", "announced"),
		  LOG("update", "10.1.0.0/16", "\"9\"", "\"1:2 3:4\"")
			  LOG("update", "10.1.0.0/16", "\"1 2\"", "\"3:4 1:2\""),
		  1, 1, 0, 0, 0, NULL, false },
		{ ROUTE("null", "10.1.0.0/16", "1 2", "announced"),
		  LOG("update", "10.1.0.0/16", "\"2 1\"", "\"1:2 3:4\""), 1, 0, 0, 0, 1, NULL,
		  false },
		{ ROUTE("null", "10.1.0.0/16", "1 2", "announced"),
		  LOG("update", "10.1.0.0/16", "\"1 2\"", "\"1:2 3:4\"")
			  LOG("withdraw", "10.1.0.0/16", "null", "null"),
		  1, 0, 1, 0, 0, NULL, false },
		/* The end of the session says nothing about what was heard. */
		{ ROUTE("null", "10.1.0.0/16", "1 2", "announced"),
		  LOG("update", "10.1.0.0/16", "\"1 2\"", "\"1:2 3:4\"")
			  LOG("delete", "10.1.0.0/16", "null", "null"),
		  1, 1, 0, 0, 0, NULL, false },
		{ ROUTE("null", "10.1.0.0/16", "1 2", "withdrawn"),
		  LOG("update", "10.1.0.0/16", "\"1 2\"", "\"1:2 3:4\""), 0, 0, 0, 1, 0, NULL,
		  false },
		{ ROUTE("null", "10.1.0.0/16", "1 2", "withdrawn"),
		  LOG("withdraw", "10.1.0.0/16", "null", "null"), 0, 0, 0, 0, 0, NULL, false },
		{ ROUTE("\"10.0.0.8\"", "10.1.0.0/16", "1 2", "announced"),
		  LOG("update", "10.1.0.0/16", "\"1 2\"", "\"1:2 3:4\""), 1, 0, 1, 1, 0, NULL,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check(&rows[i], 0);
		check(&rows[i], 1);
	}
}

/* Forty keys in a table of eight. */
static void reads_again_what_does_not_fit(void **state)
{
	struct sp_score_conf c = { .entries = 8 };
	char truth[40 * 300] = "", output[40 * 120] = HEAD;
	struct sp_score s;
	struct sp_err err;

	(void)state;
	for (unsigned i = 1; i <= 40; i++) {
		char line[300];

		snprintf(
			line, sizeof line,
			"{\"kind\":\"flow\",\"src\":\"10.0.0.%u\",\"packets\":1,\"bytes\":40}\n",
			i);
		strcat(truth, line);
		snprintf(line, sizeof line, "a,b,c,10.0.0.%u,10.0.0.2,1,80,TCP,........,1,40\n",
			 i);
		if (i != 7)
			strcat(output, line);
	}
	assert_int_equal(score(&s, c, truth, output, sp_mem_system(), &err), 0);
	assert_true(s.passes >= 5);
	assert_int_equal(s.expected, 40);
	assert_int_equal(s.right, 39);
	assert_int_equal(s.of[SP_SCORE_MISSING], 1);
	assert_non_null(strstr(s.list[SP_SCORE_MISSING].text, "src 10.0.0.7\""));
	assert_string_equal(s.fields, "src");
	sp_score_free(&s);
}

static void names_what_is_wrong(void **state)
{
	struct sp_score_conf c = { .all = false };
	struct sp_score s;
	struct sp_str out;
	struct sp_err err;

	(void)state;
	assert_int_equal(score(&s, c, FLOW(1, 2, 80) FLOW(2, 3, 90),
			       HEAD ROW(1, 2, 81) ROW(4, 7, 700), sp_mem_system(), &err),
			 0);
	sp_str_init(&out, sp_mem_system());
	sp_score_text(&s, &out);
	assert_non_null(strstr(out.text, "missing  src 10.0.0.1 dst 10.0.0.2 src_port 2 "));
	assert_non_null(strstr(out.text, "packets 2 bytes 80, not packets 2 bytes 81\n"));
	assert_non_null(strstr(out.text, "extra    src 10.0.0.1 dst 10.0.0.2 src_port 4 "));
	sp_str_clear(&out);
	sp_score_json(&s, &out);
	assert_non_null(strstr(out.text, "\"expected\":2,\"found\":0,\"missing\":1,\"extra\":1,"
					 "\"wrong\":1,"));
	sp_str_fini(&out);
	sp_score_free(&s);
}

static void refuses_bad_data_with_its_place(void **state)
{
	static const struct {
		const char *truth, *output, *by, *says;
		int exit;
	} rows[] = {
		{ "x\n", HEAD, NULL, ":1: ", SP_EXIT_DATA },
		{ "", HEAD, NULL, "this truth is empty", SP_EXIT_DATA },
		{ FLOW(1, 1, 1) "{}\n", HEAD, NULL, ":2: this is no line of a truth",
		  SP_EXIT_DATA },
		{ FLOW(1, 1, 1), ROW(1, 1, 1), NULL, ":1: this is no header", SP_EXIT_DATA },
		{ FLOW(1, 1, 1), HEAD ROW(1, 1, 1) "1,2\n", NULL, ":3: it has not as many",
		  SP_EXIT_DATA },
		{ FLOW(1, 1, 1), HEAD ROW(1, x, 1), NULL, ":2: column 10", SP_EXIT_DATA },
		{ FLOW(1, 1, 1), JSON(1, 1, 1) "{\"a\":1\n", NULL, ":2: ", SP_EXIT_DATA },
		{ FLOW(1, 1, 1), JSON(1, -1, 1), NULL, ":1: a value", SP_EXIT_DATA },
		{ FLOW(1, 1, 1), LOG("update", "10.0.0.0/8", "\"1\"", "\"\""), NULL,
		  "they cannot be compared", SP_EXIT_DATA },
		{ FLOW(1, 1, 1), HEAD ROW(1, 1, 1), "src,x", "no such field", SP_EXIT_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_score_conf c = { .by = rows[i].by };
		struct sp_score s;
		struct sp_err err;

		assert_true(score(&s, c, rows[i].truth, rows[i].output, sp_mem_system(), &err) <
			    0);
		assert_int_equal(err.exit, rows[i].exit);
		assert_non_null(strstr(err.text, rows[i].says));
		sp_score_free(&s);
	}
}

static void survives_without_memory(void **state)
{
	(void)state;
	for (uint64_t at = 0;; at++) {
		struct sp_score_conf c = { .all = true };
		struct sp_mem_test mem;
		struct sp_score s;
		struct sp_err err;
		int rc;

		sp_mem_test_init(&mem, at);
		rc = score(&s, c, FLOW(1, 2, 80) FLOW(2, 2, 80), HEAD ROW(3, 2, 80), &mem.mem,
			   &err);
		sp_score_free(&s);
		assert_int_equal(mem.live, 0);
		if (!rc) {
			assert_true(at > 3);
			return;
		}
		assert_true(rc == -ENOMEM || rc == -E2BIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_each_kind),
		cmocka_unit_test(routes_have_a_final_state),
		cmocka_unit_test(reads_again_what_does_not_fit),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(refuses_bad_data_with_its_place),
		cmocka_unit_test(survives_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
