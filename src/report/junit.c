#include "report/junit.h"

#include <stdio.h>

#include "base/err.h"
#include "report/fmt.h"

#define THE_RUN "the run"

/* Text that acts on nobody's terminal, with what XML wants escaped. */
static void put_text(struct sp_str *out, const char *text)
{
	struct sp_str safe;

	sp_str_init(&safe, out->mem);
	sp_fmt_safe(&safe, text ? text : "");
	for (const char *s = safe.text; *s; s++) {
		if (*s == '<')
			sp_str_puts(out, "&lt;");
		else if (*s == '>')
			sp_str_puts(out, "&gt;");
		else if (*s == '&')
			sp_str_puts(out, "&amp;");
		else if (*s == '"')
			sp_str_puts(out, "&quot;");
		else
			sp_str_put(out, s, 1);
	}
	out->failed |= safe.failed;
	sp_str_fini(&safe);
}

static void put_attribute(struct sp_str *out, const char *key, const char *value)
{
	sp_str_printf(out, " %s=\"", key);
	put_text(out, value);
	sp_str_puts(out, "\"");
}

/* ---- the document ---- */

void sp_junit_begin(struct sp_str *out)
{
	sp_str_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
}

void sp_junit_end(struct sp_str *out)
{
	sp_str_puts(out, "</testsuites>\n");
}

void sp_junit_suite(struct sp_str *out, const struct sp_junit_suite *s)
{
	sp_str_puts(out, "  <testsuite");
	put_attribute(out, "name", s->name);
	sp_str_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.3f\">\n",
		      s->tests, s->failures, s->errors, s->time_s);
}

void sp_junit_suite_end(struct sp_str *out)
{
	sp_str_puts(out, "  </testsuite>\n");
}

void sp_junit_case(struct sp_str *out, const struct sp_junit_suite *s, const char *name,
		   enum sp_junit_outcome outcome, const char *message)
{
	sp_str_puts(out, "    <testcase");
	put_attribute(out, "classname", s->name);
	put_attribute(out, "name", name);
	sp_str_printf(out, " time=\"%.3f\"", s->time_s);
	if (outcome == SP_JUNIT_PASSED) {
		sp_str_puts(out, "/>\n");
		return;
	}
	sp_str_printf(out, ">\n      <%s", outcome == SP_JUNIT_FAILED ? "failure" : "error");
	put_attribute(out, "message", message ? message : "");
	sp_str_puts(out, "/>\n    </testcase>\n");
}

/* ---- a run ---- */

static const char *suite_name(char *buf, size_t cap, const char *name, unsigned repeat)
{
	if (!repeat)
		return name;
	snprintf(buf, cap, "%s #%u", name, repeat);
	return buf;
}

static bool is_error(const struct sp_result *r)
{
	return r->exit_code != SP_EXIT_OK && r->exit_code != SP_EXIT_EXPECT;
}

static void put_remarks(struct sp_str *out, const struct sp_result *r)
{
	if (!r->n_remarks)
		return;
	sp_str_puts(out, "    <system-out>");
	for (size_t i = 0; i < r->n_remarks; i++) {
		sp_str_printf(out, "at %.1f s: ", (double)r->remarks[i].at_ns / 1e9);
		put_text(out, r->remarks[i].text);
		sp_str_puts(out, "\n");
	}
	sp_str_puts(out, "</system-out>\n");
}

void sp_report_junit(struct sp_str *out, const struct sp_result *r, unsigned repeat)
{
	char name[200], message[80];
	struct sp_junit_suite s = { .name = suite_name(name, sizeof name, r->name, repeat),
				    .tests = r->n_expectations + 1,
				    .errors = is_error(r),
				    .time_s = (double)r->duration_ns / 1e9 };

	for (size_t i = 0; i < r->n_expectations; i++)
		s.failures += !r->expectations[i].met;
	sp_junit_suite(out, &s);
	snprintf(message, sizeof message, "exit status %d, %s", r->exit_code,
		 sp_result_class_name[r->result]);
	sp_junit_case(out, &s, THE_RUN, is_error(r) ? SP_JUNIT_ERROR : SP_JUNIT_PASSED,
		      message);
	for (size_t i = 0; i < r->n_expectations; i++) {
		const struct sp_expectation *e = &r->expectations[i];

		sp_junit_case(out, &s, e->text, e->met ? SP_JUNIT_PASSED : SP_JUNIT_FAILED,
			      e->why);
	}
	put_remarks(out, r);
	sp_junit_suite_end(out);
}

void sp_report_junit_failed(struct sp_str *out, const char *name, unsigned repeat,
			    const char *why)
{
	char buf[200];
	const struct sp_junit_suite s = { .name = suite_name(buf, sizeof buf, name, repeat),
					  .tests = 1,
					  .errors = 1 };

	sp_junit_suite(out, &s);
	sp_junit_case(out, &s, THE_RUN, SP_JUNIT_ERROR, why);
	sp_junit_suite_end(out);
}
