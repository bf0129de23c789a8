/* Expectations as JUnit XML, as continuous integration reads it: a test case each; a run whose exit
 * code says more than an expectation that was not met is an error. */
#ifndef SP_REPORT_JUNIT_H
#define SP_REPORT_JUNIT_H

#include "base/str.h"
#include "core/result.h"

void sp_report_junit(struct sp_str *out, const struct sp_result *);

#endif
