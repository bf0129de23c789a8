#include "compare/compare.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

struct fixture {
	char dir[64];
	struct sp_mem_test mem;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->dir, "/tmp/spate-compare-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	sp_mem_test_init(&f->mem, UINT64_MAX);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];

	assert_int_equal(f->mem.live, 0);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	free(f);
	return 0;
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	return f;
}

static void put(const char *path, const char *text)
{
	FILE *f = create(path);

	fputs(text, f);
	fclose(f);
}

/* A document with the figures that tests look at. */
static void document(char *path, const char *dir, int i, double rx_pps, int delay_p99)
{
	FILE *f;

	sprintf(path, "%s/%d.json", dir, i);
	f = create(path);
	fprintf(f,
		"{\"spate\": \"0.1.0\", \"name\": \"n\", \"started\": \"2026-01-01T00:00:00Z\","
		"\"plan_sha256\": \"abc\", \"verdict\": {\"result\": \"valid\"}, \"host\": "
		"{\"kernel\": \"k\", \"cpu\": \"c\"}, \"total\": {\"rx_pps\": %.3f, \"tx_packets\": "
		"1000, \"lost\": %d, \"tx_pps\": null, \"delay_ns\": {\"p99\": %d}}}",
		rx_pps, i, delay_p99);
	fclose(f);
}

static unsigned metric(const char *name)
{
	for (unsigned i = 0; i < SP_COMPARE_METRICS && sp_metrics[i].name; i++)
		if (strcmp(sp_metrics[i].name, name) == 0)
			return i;
	fail_msg("no metric %s", name);
	return 0;
}

static void test_sets_of_runs(void **state)
{
	struct fixture *f = *state;
	struct sp_compared_run run[12];
	struct sp_comparison c;
	struct sp_err err = { 0 };
	struct sp_str out;
	char path[128];

	for (int i = 0; i < 12; i++) {
		document(path, f->dir, i, 1000 + i % 6 + (i >= 6 ? 100 : 0), 5000 + i % 6);
		assert_int_equal(sp_compare_load(&run[i], path, &f->mem.mem, &err), 0);
	}
	assert_int_equal(sp_compare(&c, &f->mem.mem, run, 6, run + 6, 6), 0);
	assert_false(c.by_seconds);
	/* received pps, loss and delay p99 are there on both sides; the loss counts up */
	assert_int_equal(c.tested, 3);
	assert_int_equal(c.different, 2);
	assert_true(c.m[metric("rx_pps")].differs);
	assert_true(c.m[metric("loss")].differs);
	assert_false(c.m[metric("delay_p99")].differs);
	assert_true(fabs(c.m[metric("rx_pps")].test.shift - 100) < 1e-6);
	assert_true(fabs(c.m[metric("rx_pps")].p - 3 * 2.0 / 924) < 1e-9);
	assert_true(fabs(c.m[metric("loss")].a - 0.0025) < 1e-9);
	assert_true(isnan(c.m[metric("tx_pps")].a));
	sp_str_init(&out, &f->mem.mem);
	sp_compare_sentences(&out, &c);
	assert_non_null(strstr(out.text,
			       "received pps is 9.98 % higher in B than in A (95 % interval "
			       "9.68 % to 10.3 %, p = 0.0065), which is better."));
	assert_non_null(strstr(out.text, "loss is 0.6 % higher in B than in A"));
	assert_non_null(
		strstr(out.text, "In the other tested figures no difference was shown."));
	sp_compare_text(&out, &c);
	sp_compare_json(&out, &c);
	assert_false(out.failed);
	sp_str_fini(&out);
	for (int i = 0; i < 12; i++)
		sp_compare_unload(&run[i], &f->mem.mem);
}

/* n seconds of events at about pps; killed: no report.json, and half a line at the end. */
static void folder(char *path, const char *dir, const char *name, int n, double pps,
		   bool killed)
{
	char file[160];
	struct sp_rng rng;
	double sum = 0;
	FILE *f;

	sprintf(path, "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(file, sizeof file, "%s/plan.json", path);
	f = create(file);
	fprintf(f, "{\"plan\": 1, \"streams\": [{\"name\": \"s1\", \"rate\": \"%gpps\"}]}",
		pps);
	fclose(f);
	snprintf(file, sizeof file, "%s/events.jsonl", path);
	f = create(file);
	fprintf(f, "{\"event\": \"start\", \"name\": \"n\", \"plan_sha256\": \"p%g\"}\n", pps);
	sp_rng_init(&rng, (uint64_t)pps, name);
	for (int i = 1; i <= n; i++) {
		sum += pps * (0.99 + 0.02 * sp_rng_unit(&rng));
		fprintf(f,
			"{\"event\": \"interval\", \"t_ns\": %d000000000, \"total\": "
			"{\"tx_packets\": %.0f, \"rx_unique\": null}}\n",
			i, sum);
	}
	if (killed)
		fputs("{\"event\": \"interv", f);
	fclose(f);
	if (killed)
		return;
	snprintf(file, sizeof file, "%s/report.json", path);
	f = create(file);
	fprintf(f, "{\"spate\": \"0.1.0\", \"total\": {\"tx_pps\": %.1f}}", sum / n);
	fclose(f);
}

static void test_seconds_of_two_runs(void **state)
{
	struct fixture *f = *state;
	struct sp_compared_run a, b;
	struct sp_comparison c;
	struct sp_err err = { 0 };
	struct sp_str out;
	char path[128];
	unsigned tx = metric("tx_pps");

	folder(path, f->dir, "a", 301, 1000, false);
	assert_int_equal(sp_compare_load(&a, path, &f->mem.mem, &err), 0);
	folder(path, f->dir, "b", 40, 1010, true);
	assert_int_equal(sp_compare_load(&b, path, &f->mem.mem, &err), 0);
	assert_true(a.ended && !b.ended);
	assert_int_equal(a.series[tx].n, 300);
	assert_int_equal(b.series[tx].n, 39);
	assert_true(fabs(b.value[tx] - 1010) < 3);
	assert_int_equal(sp_compare(&c, &f->mem.mem, &a, 1, &b, 1), 0);
	assert_true(c.by_seconds);
	assert_int_equal(c.tested, 1);
	assert_int_equal(c.m[tx].na, SP_COMPARE_BATCHES);
	assert_true(c.m[tx].differs);
	sp_str_init(&out, &f->mem.mem);
	sp_compare_text(&out, &c);
	assert_non_null(strstr(out.text, "streams[0].rate: 1000pps | 1010pps"));
	assert_non_null(strstr(out.text, "a run has no end"));
	assert_non_null(strstr(out.text, "its seconds stand for repeats"));
	sp_str_fini(&out);
	sp_compare_unload(&a, &f->mem.mem);
	sp_compare_unload(&b, &f->mem.mem);
}

struct wrong {
	const char *text;
	int exit;
	const char *says;
};

static void test_wrong_files(void **state)
{
	static const struct wrong rows[] = {
		{ "{\"spate\": \"0.1.0\", \"total\": {}, }", SP_EXIT_DATA, ":1:" },
		{ "[1, 2]", SP_EXIT_DATA, "not the document of a run" },
		{ "{\"spate\": 1, \"total\": {}}", SP_EXIT_DATA, "not the document of a run" },
		{ "", SP_EXIT_DATA, ":1:" },
		{ "{\"a\": 1, \"a\": 2}", SP_EXIT_DATA, "duplicate" },
	};
	struct fixture *f = *state;
	struct sp_compared_run run;
	char path[128], file[160];

	snprintf(path, sizeof path, "%s/wrong.json", f->dir);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err err = { 0 };

		put(path, rows[i].text);
		assert_true(sp_compare_load(&run, path, &f->mem.mem, &err) < 0);
		assert_int_equal(err.exit, rows[i].exit);
		assert_non_null(strstr(err.text, rows[i].says));
		sp_compare_unload(&run, &f->mem.mem);
	}
	struct sp_err err = { 0 };
	assert_true(sp_compare_load(&run, "/nowhere/at all", &f->mem.mem, &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_true(sp_compare_load(&run, f->dir, &f->mem.mem, &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	snprintf(file, sizeof file, "%s/events.jsonl", f->dir);
	put(file, "{\"event\": \"start\"}\n{\"event\": }\n");
	assert_true(sp_compare_load(&run, f->dir, &f->mem.mem, &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(err.text, "events.jsonl:2:"));
	sp_compare_unload(&run, &f->mem.mem);
}

static void test_no_memory(void **state)
{
	struct fixture *f = *state;
	struct sp_mem_test mem;
	char path[128];
	int rc = -1;

	folder(path, f->dir, "m", 9, 1000, false);
	for (uint64_t n = 0; rc; n++) {
		struct sp_compared_run run;
		struct sp_comparison c;
		struct sp_err err = { 0 };

		sp_mem_test_init(&mem, n);
		rc = sp_compare_load(&run, path, &mem.mem, &err);
		if (rc == 0)
			rc = sp_compare(&c, &mem.mem, &run, 1, &run, 1);
		sp_compare_unload(&run, &mem.mem);
		assert_int_equal(mem.live, 0);
		assert_true(n < 60);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sets_of_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seconds_of_two_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
