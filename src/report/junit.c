#include "report/junit.h"

#include "base/err.h"

/* XML 1.0 knows no control characters, not even escaped. */
static void put_text(struct sp_str *out, const char *s)
{
	for (; s && *s;) {
		size_t n = sp_utf8_len(s);

		if (*s == '<')
			sp_str_puts(out, "&lt;");
		else if (*s == '>')
			sp_str_puts(out, "&gt;");
		else if (*s == '&')
			sp_str_puts(out, "&amp;");
		else if (*s == '"')
			sp_str_puts(out, "&quot;");
		else if (!n || ((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			sp_str_puts(out, "?");
		else
			sp_str_put(out, s, n);
		s += n ? n : 1;
	}
}

static void put_attribute(struct sp_str *out, const char *key, const char *value)
{
	sp_str_printf(out, " %s=\"", key);
	put_text(out, value);
	sp_str_puts(out, "\"");
}

static void put_case(struct sp_str *out, const struct sp_result *r, const char *name)
{
	sp_str_puts(out, "  <testcase");
	put_attribute(out, "classname", r->name);
	put_attribute(out, "name", name);
	sp_str_printf(out, " time=\"%.3f\"", (double)r->duration_ns / 1e9);
}

static bool is_error(const struct sp_result *r)
{
	return r->exit_code != SP_EXIT_OK && r->exit_code != SP_EXIT_EXPECT;
}

void sp_report_junit(struct sp_str *out, const struct sp_result *r)
{
	size_t failures = 0;

	for (size_t i = 0; i < r->n_expectations; i++)
		failures += !r->expectations[i].met;
	sp_str_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite");
	put_attribute(out, "name", r->name);
	sp_str_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\" time=\"%.3f\">\n",
		      r->n_expectations + 1, failures, is_error(r),
		      (double)r->duration_ns / 1e9);
	put_case(out, r, "the run");
	if (is_error(r)) {
		sp_str_printf(out,
			      ">\n    <error message=\"exit code %d, %s\"/>\n"
			      "  </testcase>\n",
			      r->exit_code, sp_result_class_name[r->result]);
	} else {
		sp_str_puts(out, "/>\n");
	}
	for (size_t i = 0; i < r->n_expectations; i++) {
		const struct sp_expectation *e = &r->expectations[i];

		put_case(out, r, e->text);
		if (e->met) {
			sp_str_puts(out, "/>\n");
			continue;
		}
		sp_str_puts(out, ">\n    <failure");
		put_attribute(out, "message", e->why);
		sp_str_puts(out, "/>\n  </testcase>\n");
	}
	sp_str_puts(out, "</testsuite>\n");
}
