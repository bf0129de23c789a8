/* A comparison as JUnit XML: a case for each tested figure, failed when it got worse in B. */
#include <math.h>

#include "compare/compare.h"
#include "report/junit.h"

bool sp_compare_worse(const struct sp_comparison *c, unsigned metric)
{
	const struct sp_compared_metric *m = &c->m[metric];
	int better = sp_metrics[metric].better;

	return m->differs && better && (m->test.shift > 0) != (better > 0);
}

size_t sp_compare_worse_count(const struct sp_comparison *c)
{
	size_t n = 0;

	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++)
		n += sp_compare_worse(c, i);
	return n;
}

void sp_compare_junit(struct sp_str *out, const struct sp_comparison *c)
{
	const struct sp_junit_suite s = { .name = "spate compare",
					  .tests = c->tested,
					  .failures = sp_compare_worse_count(c) };
	struct sp_str why;

	sp_str_init(&why, out->mem);
	sp_junit_begin(out);
	sp_junit_suite(out, &s);
	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++) {
		if (isnan(c->m[i].p))
			continue;
		sp_str_clear(&why);
		if (sp_compare_worse(c, i))
			sp_compare_sentence(&why, c, i);
		sp_junit_case(out, &s, sp_metrics[i].title,
			      sp_compare_worse(c, i) ? SP_JUNIT_FAILED : SP_JUNIT_PASSED,
			      why.text);
	}
	sp_junit_suite_end(out);
	sp_junit_end(out);
	out->failed |= why.failed;
	sp_str_fini(&why);
}
