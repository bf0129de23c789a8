#include "doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const struct sp_doctor_row rows[] = {
	{ .name = "cpus", .use = "workers", .state = SP_DOCTOR_OK, .detail = "2 of 2" },
	{ .name = "receive-buffer",
	  .use = "receiving",
	  .state = SP_DOCTOR_LIMITED,
	  .detail = "small",
	  .fix = "enlarge \"it\"" },
	{ .name = "xdp", .use = "frames", .state = SP_DOCTOR_MISSING, .detail = "not built" },
};

static void test_text(void **state)
{
	struct sp_str out;

	(void)state;
	sp_str_init(&out, sp_mem_system());
	sp_doctor_text(&out, rows, 3);
	assert_string_equal(out.text, "cpus            ok       2 of 2\n"
				      "receive-buffer  limited  small\n"
				      "                         for: receiving\n"
				      "                         fix: enlarge \"it\"\n"
				      "xdp             missing  not built\n"
				      "                         for: frames\n");
	sp_str_fini(&out);
}

static void test_json(void **state)
{
	struct sp_str out;

	(void)state;
	sp_str_init(&out, sp_mem_system());
	sp_doctor_json(&out, rows, 3);
	json_t *doc = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(doc);
	const json_t *checks = json_object_get(doc, "checks");
	assert_int_equal(json_array_size(checks), 3);
	const json_t *row = json_array_get(checks, 1);
	assert_string_equal(json_string_value(json_object_get(row, "state")), "limited");
	assert_string_equal(json_string_value(json_object_get(row, "fix")), "enlarge \"it\"");
	assert_true(json_is_null(json_object_get(json_array_get(checks, 0), "fix")));
	json_decref(doc);
	sp_str_fini(&out);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (uint64_t n = 0;; n++) {
		struct sp_mem_test t;
		struct sp_str out;

		sp_mem_test_init(&t, n);
		sp_str_init(&out, &t.mem);
		sp_doctor_json(&out, rows, 3);
		bool failed = out.failed;
		sp_str_fini(&out);
		assert_int_equal(t.live, 0);
		if (!failed)
			return;
	}
}

/* Whatever this host can do, each row says something, and what is missing says why. */
static void test_probes(void **state)
{
	(void)state;
	assert_true(sp_doctor_count() >= 15);
	for (unsigned i = 0; i < sp_doctor_count(); i++) {
		struct sp_doctor_row r;

		sp_doctor_probe(i, &r);
		assert_true(r.name[0] && r.use[0]);
		assert_in_range(r.state, SP_DOCTOR_OK, SP_DOCTOR_MISSING);
		assert_true(r.detail[0]);
		if (r.state == SP_DOCTOR_OK)
			assert_string_equal(r.fix, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_probes),
	};

	return cmocka_run_group_tests_name("doctor/doctor", tests, NULL, NULL);
}
