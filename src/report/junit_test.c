#include "report/junit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "report/sample.h"

static const char golden[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<testsuites>\n"
	"  <testsuite name=\"sample #2\" tests=\"3\" failures=\"1\" errors=\"0\" "
	"time=\"10.000\">\n"
	"    <testcase classname=\"sample #2\" name=\"the run\" time=\"10.000\"/>\n"
	"    <testcase classname=\"sample #2\" name=\"loss &lt; 1%\" time=\"10.000\"/>\n"
	"    <testcase classname=\"sample #2\" name=\"lost == 0\" time=\"10.000\">\n"
	"      <failure message=\"it is 5 &amp; more\"/>\n"
	"    </testcase>\n"
	"  </testsuite>\n"
	"  <testsuite name=\"other\" tests=\"1\" failures=\"0\" errors=\"1\" "
	"time=\"0.000\">\n"
	"    <testcase classname=\"other\" name=\"the run\" time=\"0.000\">\n"
	"      <error message=\"no such &quot;host&quot;\"/>\n"
	"    </testcase>\n"
	"  </testsuite>\n"
	"</testsuites>\n";

static void begin(struct sp_sample *s, struct sp_str *out, const struct sp_mem *mem)
{
	sp_sample_init(s, 1);
	s->result.exit_code = SP_EXIT_OK;
	s->result.n_remarks = 0;
	sp_str_init(out, mem);
	sp_junit_begin(out);
}

static void test_runs(void **state)
{
	static const struct sp_expectation all[] = {
		{ .text = "loss < 1%", .met = true, .known = true, .why = "it is 0 %" },
		{ .text = "lost == 0", .known = true, .value = 5, .why = "it is 5 & more" },
	};
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	begin(&s, &out, sp_mem_system());
	s.result.expectations = all;
	s.result.n_expectations = 2;
	s.result.exit_code = SP_EXIT_EXPECT;
	sp_report_junit(&out, &s.result, 2);
	sp_report_junit_failed(&out, "other", 0, "no such \"host\"");
	sp_junit_end(&out);
	assert_string_equal(out.text, golden);
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void test_a_run_that_went_wrong(void **state)
{
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	begin(&s, &out, sp_mem_system());
	s.result.exit_code = SP_EXIT_AGENTS;
	s.result.n_remarks = 1;
	s.remarks[0] = (struct sp_remark){ .at_ns = 1500000000, .text = SP_SAMPLE_HOSTILE };
	s.result.name = SP_SAMPLE_HOSTILE;
	sp_report_junit(&out, &s.result, 0);
	sp_junit_end(&out);
	assert_non_null(strstr(out.text, "errors=\"1\""));
	assert_non_null(strstr(out.text, "<error message=\"exit status 6, valid"));
	assert_non_null(strstr(out.text, "<system-out>at 1.5 s: "));
	assert_null(strstr(out.text, "</script>"));
	sp_sample_assert_harmless(out.text, false);
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void test_no_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_sample s;
	struct sp_str out;
	bool failed = true;

	(void)state;
	for (uint64_t n = 0; failed; n++) {
		assert_true(n < 100);
		sp_mem_test_init(&mem, n);
		begin(&s, &out, &mem.mem);
		sp_report_junit(&out, &s.result, 0);
		sp_junit_end(&out);
		failed = out.failed;
		sp_str_fini(&out);
		assert_int_equal(mem.live, 0);
		sp_sample_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_a_run_that_went_wrong),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
