/* JUnit XML, as continuous integration reads it. */
#ifndef SP_REPORT_JUNIT_H
#define SP_REPORT_JUNIT_H

#include "base/str.h"
#include "core/result.h"

/* The document: begin, suites, end. */
void sp_junit_begin(struct sp_str *out);
void sp_junit_end(struct sp_str *out);

struct sp_junit_suite {
	const char *name;
	size_t tests, failures, errors;
	double time_s;
};
/* A suite's head; its cases follow. */
void sp_junit_suite(struct sp_str *out, const struct sp_junit_suite *);
void sp_junit_suite_end(struct sp_str *out);

enum sp_junit_outcome { SP_JUNIT_PASSED, SP_JUNIT_FAILED, SP_JUNIT_ERROR };
/* message: why it did not pass; NULL: it did. */
void sp_junit_case(struct sp_str *out, const struct sp_junit_suite *, const char *name,
		   enum sp_junit_outcome, const char *message);

/* The suite of a finished run: itself, which is an error when its exit code says more than that an
 * expectation was not met, and each expectation. Remarks stand in its output. repeat: its number
 * among several; 0: there is one. */
void sp_report_junit(struct sp_str *out, const struct sp_result *, unsigned repeat);
/* The suite of a run that could not begin. */
void sp_report_junit_failed(struct sp_str *out, const char *name, unsigned repeat,
			    const char *why);

#endif
