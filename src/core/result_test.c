#include "core/result.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sp_result_class_name[SP_VALID], "valid");
	assert_string_equal(sp_result_class_name[SP_VALID_REMARKS], "valid with remarks");
	assert_string_equal(sp_result_class_name[SP_NOT_TRUSTED], "not trusted");
	assert_string_equal(sp_bound_name[SP_BOUND_NONE], "none");
	assert_string_equal(sp_bound_name[SP_BOUND_SENDER_CPU], "sender_cpu");
	assert_string_equal(sp_bound_name[SP_BOUND_TRANSPORT], "transport");
	assert_string_equal(sp_bound_name[SP_BOUND_PATH], "path");
	assert_string_equal(sp_bound_name[SP_BOUND_RECEIVER_CPU], "receiver_cpu");
	assert_string_equal(sp_bound_name[SP_BOUND_RECEIVER_BUFFER], "receiver_buffer");
	assert_string_equal(sp_bound_name[SP_BOUND_UNKNOWN], "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
