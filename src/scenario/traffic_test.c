#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/plan.h"
#include "scenario/traffic.h"
#include "scenario/words.h"

/* send -t 10.0.0.1 with these words, '_' being a blank in one. */
static int parse(const char *words, struct sp_words *w, struct sp_err *err)
{
	char text[800], *argv[20], *at = text, *word;
	int n = 0;

	argv[n++] = (char[]){ "-t" };
	argv[n++] = (char[]){ "10.0.0.1" };
	argv[n++] = (char[]){ "--seed" };
	argv[n++] = (char[]){ "1" };
	sp_strlcpy(text, words, sizeof text);
	while ((word = strsep(&at, " ")) != NULL) {
		for (char *p = word; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		if (*word)
			argv[n++] = word;
	}
	return sp_words_parse("send", n, argv, sp_mem_system(), &sp_catalog, w, err);
}

static struct sp_words good(const char *words)
{
	struct sp_err err = { 0 };
	struct sp_words w;

	if (parse(words, &w, &err))
		fail_msg("%s: %s", words, err.text);
	return w;
}

static void same(const char *a, const char *b)
{
	struct sp_words x = good(a), y = good(b);

	if (strcmp(x.plan->sha256, y.plan->sha256) != 0)
		fail_msg("'%s' and '%s' are different requests", a, b);
	sp_words_free(&x);
	sp_words_free(&y);
}

/* A plan with laws says them in its text, and is read back as it was. */
static void reads_back(const struct sp_plan *plan)
{
	struct sp_err err = { 0 };
	struct sp_plan *back;
	struct sp_str s;

	sp_str_init(&s, sp_mem_system());
	sp_plan_text(plan, &sp_catalog, &s);
	if (sp_plan_read(&back, s.text, s.len, true, sp_mem_system(), &sp_catalog, &err))
		fail_msg("%s", err.text);
	assert_string_equal(back->sha256, plan->sha256);
	sp_plan_free(back);
	sp_str_fini(&s);
}

/* D-ITG's figures: packets a second, and bytes, at least, at most and on average. */
static void models_are_ditgs(void **state)
{
	static const struct {
		const char *words;
		double pps, mean;
		uint64_t least, most;
	} rows[] = {
		{ "voip:G.711.1", 100, 92, 92, 92 },
		{ "voip:G.711.1,rtp", 100, 92, 92, 92 },
		{ "voip:G.711.1,crtp", 100, 82, 82, 82 },
		{ "voip:G.711.2,crtp", 50, 162, 162, 162 },
		{ "voip:G.711.2", 50, 172, 172, 172 },
		{ "voip:G.729.2,rtp,vad", 50, 25, 25, 25 },
		{ "voip:G.729.2", 50, 32, 32, 32 },
		{ "voip:g.729.3", 33, 42, 42, 42 },
		{ "voip:G.723.1", 26, 42, 42, 42 },
		{ "voip:G.711.2,vad", 50, 116, 116, 116 },
		{ "dns", 0.56, 210, 100, 320 },
		/* 19 (100 s^0.05 (1.1 ms)^0.95 - 1.1 ms), less what is above 100 s */
		{ "telnet", 62.152, 22.145, 21, 35 },
		{ "quake3", 1000 / (0.6 * 4.29 + 0.4 * 10.75), 64.15, 45, 83 },
		{ "cs-active", 1000 / 41.6994, 0.3732 * 34.84 + 0.6268 * 49.49, 18, 71 },
		{ "cs-idle", 1000 / 41.6858, 27.5804, 27, 35 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char words[80];
		struct sp_words w;
		const struct sp_plan_stream *s;
		double pps;

		snprintf(words, sizeof words, "--model %s", rows[i].words);
		w = good(words);
		s = w.plan->streams;
		pps = (double)s->top.micro / 1e6;
		if (fabs(pps / rows[i].pps - 1) > 1e-4)
			fail_msg("%s: %g pps", rows[i].words, pps);
		if (fabs(s->mean_size / rows[i].mean - 1) > 1e-3)
			fail_msg("%s: %g bytes", rows[i].words, s->mean_size);
		assert_int_equal(s->size_least, rows[i].least);
		assert_int_equal(s->size, rows[i].most);
		reads_back(w.plan);
		sp_words_free(&w);
	}
	same("--model voip:G.711.1", "--rate 100pps --packet-size constant(92)");
	same("--model dns", "--rate 0.56 --packet-size uniform(100,320)");
}

static void ditgs_letters_are_laws(void **state)
{
	static const char *const rows[][2] = {
		{ "--departure ditg(-C_1000)", "--rate 1kpps" },
		{ "--departure ditg(-E_50)", "--rate 50 --departure exponential" },
		{ "--departure ditg(-U_10_100)", "--departure uniform(min=10ms,max=100ms)" },
		{ "--departure ditg(-N_10_2)", "--departure normal(10ms,2ms,min=0)" },
		{ "--departure ditg(-O_100)", "--departure poisson(100,per=1s)" },
		{ "--departure ditg(-V_1.5_10)", "--departure pareto(1.5,10ms)" },
		{ "--departure ditg(-Y_10_1)", "--departure cauchy(10ms,1ms,0,1010ms)" },
		{ "--departure ditg(-G_2_10)", "--departure gamma(2,10ms)" },
		{ "--departure ditg(-W_10_100)", "--departure weibull(shape=10,scale=0.1s)" },
		{ "--departure ditg(W_10_100)", "--departure weibull(10,100ms)" },
		{ "--departure ditg(-C_100_-B_C_1000_W_1.5_200)",
		  "--departure onoff(on=1s,off=weibull(1.5,200ms),gap=10ms)" },
		{ "--packet-size ditg(-u_64_1400)", "--packet-size uniform(64,1400)" },
		{ "--packet-size ditg(-c_64)", "--packet-size 64" },
		{ "--packet-size ditg(-e_200)", "--packet-size exponential(200)" },
		{ "--packet-size ditg(-n_200_10)", "--packet-size normal(200,10)" },
		{ "--packet-size ditg(-o_200)", "--packet-size poisson(200)" },
		{ "--packet-size ditg(-v_1.5_80)", "--packet-size pareto(1.5,80)" },
		{ "--packet-size ditg(-y_200_10)", "--packet-size cauchy(200,10,0,64000)" },
		{ "--packet-size ditg(-g_2_80)", "--packet-size gamma(2,80)" },
		{ "--packet-size ditg(-w_2_80)", "--packet-size weibull(2,80)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		same(rows[i][0], rows[i][1]);
}

/* One way to write each law, whatever way it was written. */
static void laws_have_one_spelling(void **state)
{
	static const char *const rows[][2] = {
		{ "--departure weibull(0.7)", "--departure weibull(_shape_=_0.70_)" },
		{ "--departure exponential(mean=2ms)", "--departure exponential(2000us)" },
		{ "--departure mix(0.6*exponential(2ms)+0.4*10ms)",
		  "--departure mix(0.60*exponential(mean=2ms),0.4*constant(value=0.01s))" },
		{ "--packet-size values(27:0.8,28:0.2)",
		  "--packet-size values(of=27:0.8,28:0.2)" },
		{ "--packet-size 1.4K", "--packet-size constant(value=1400)" },
		{ "--packet-size mix(1e+0*40+1*60)", "--packet-size mix(40+60)" },
	};
	struct sp_words w;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		same(rows[i][0], rows[i][1]);
		w = good(rows[i][0]);
		reads_back(w.plan);
		sp_words_free(&w);
	}
}

static void what_is_wrong_is_said(void **state)
{
	static const char *const rows[][2] = {
		{ "--model foo", "no such model 'foo'; there are: voip:CODEC, telnet" },
		{ "--model voip", "needs a codec" },
		{ "--model voip:G.711", "did you mean 'G.711.1'" },
		{ "--model voip:G.711.1,vda", "did you mean 'vad'" },
		{ "--model dns --rate 5", "a model has its own rate; leave --rate out" },
		{ "--size 9 --model dns", "a model has its own size; leave --size out" },
		{ "--model dns --departure exponential", "its own departure" },
		{ "--departure ditg(-X_1)", "one of C U E" },
		{ "--departure ditg(-W_1)", "one of C U E" },
		{ "--departure ditg(-W_1_-2)", "above 0" },
		{ "--departure ditg(-W_1_2_3)", "one of C U E" },
		{ "--departure ditg(-C_5_-B_C_5)", "one of C U E" },
		{ "--size 9 --packet-size imix", "size and packet_size both" },
		{ "--packet-size exponential", "in bytes" },
		{ "--packet-size exponential(2ms)", "a number of bytes, not a time" },
		{
			"--stamp native --packet-size uniform(1,5)",
			"at most 5 bytes, but a unit has 18 at least",
		},
		{ "--departure imix", "a law of sizes, not of gaps" },
		{ "--departure weibull(0.7,2ms) --rate 5",
		  "has a mean of its own; leave the rate out" },
		{ "--departure weibull(shape=0)", "weibull: shape is 0" },
		{ "--departure weibull(shap=1)", "did you mean 'shape'" },
		{ "--departure weibull(1,2,3,4,5)", "one too many" },
		{ "--departure weibull(1,shape=2)", "'shape' is given twice" },
		{ "--departure weibull(1,2ms,max=3)", "some of its numbers are times" },
		{ "--departure constant(a=1)", "no such setting 'a'" },
		{ "--departure cauchy(1,0.1)", "it has no mean; give min and max" },
		{ "--departure cauchy(5,0.1,min=0,max=1)", "must hold 1 %" },
		{ "--departure pareto(shape=0.9)", "has no mean above zero" },
		{ "--departure student(1,0.1,1)", "has no mean above zero" },
		{ "--departure normal(1,1)", "below zero; give it min=0" },
		{ "--departure normal(1)", "no sd" },
		{ "--departure uniform(min=2)", "no max" },
		{ "--departure mix()", "mix(0.6*" },
		{ "--departure mix(x*exponential)", "'x' is not a weight" },
		{ "--departure mix(0*exponential)", "add up to 0" },
		{ "--departure mix(exponential+2ms)", "some of its numbers are times" },
		{ "--departure onoff(on=1ms)", "times and some are not" },
		{ "--departure onoff(on=1)", "no law of off" },
		{ "--departure onoff(5)", "say which law it is" },
		{ "--departure onoff(on=1,off=pareto(0.5))", "law of off has no mean" },
		{ "--departure onoff(on=1,on=2)", "'on' is given twice" },
		{ "--departure values(x)", "is not VALUE or VALUE:WEIGHT" },
		{ "--departure values(1:0)", "add up to 0" },
		{ "--departure poisson(mean=-1)", "mean is -1" },
		{ "--departure poisson(5,unit=1ms,per=1s)", "do not go together" },
		{ "--departure empirical", "no file is given" },
		{ "--departure empirical(file=/no/such)", "/no/such" },
		{ "--departure mix(mix(mix(mix(mix(mix(1))))))", "4 deep" },
		{ "--departure exponential)", "not opened" },
		{ "--departure exponential(1)x", "not of the form" },
		{ "--protocol tcp -r max --packet-size imix", "which has no sizes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err err = { 0 };
		struct sp_words w;

		if (!parse(rows[i][0], &w, &err))
			fail_msg("'%s' is taken", rows[i][0]);
		if (!strstr(err.text, rows[i][1]))
			fail_msg("%s: '%s' is not in: %s", rows[i][0], rows[i][1], err.text);
		assert_true(err.exit == SP_EXIT_USAGE || err.exit == SP_EXIT_NOINPUT);
	}
}

/* A file's values are in the plan: another host needs no file, and may not be told one. */
static void a_file_becomes_its_values(void **state)
{
	char name[] = "/tmp/traffic-test-XXXXXX", words[100];
	int fd = mkstemp(name);
	FILE *f = fdopen(fd, "w");
	struct sp_words w;

	(void)state;
	assert_non_null(f);
	fputs("# gaps\n2ms\n1ms 3\n\n2ms # again\n", f);
	fclose(f);
	snprintf(words, sizeof words, "--departure empirical(file=%s)", name);
	same(words, "--departure values(1000000:3,2000000:2,unit=1ns)");
	w = good(words);
	assert_true(fabs(w.plan->streams->own_gap_ns - 1.4e6) < 1);
	reads_back(w.plan);
	sp_words_free(&w);
	f = fopen(name, "w");
	assert_non_null(f);
	for (unsigned i = 0; i < 20000; i++) /* more than are kept apart */
		fprintf(f, "%u\n", 100 + i % 10000);
	fclose(f);
	snprintf(words, sizeof words, "--packet-size empirical(%s)", name);
	w = good(words);
	assert_true(fabs(w.plan->streams->mean_size / 5099.5 - 1) < 1e-3);
	assert_in_range(w.plan->streams->size_least, 100, 102);
	assert_in_range(w.plan->streams->size, 10097, 10099);
	sp_words_free(&w);
	remove(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_are_ditgs),
		cmocka_unit_test(ditgs_letters_are_laws),
		cmocka_unit_test(laws_have_one_spelling),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(a_file_becomes_its_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
