#include "plugin/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

extern const struct sp_source_ops sp_source_payload;
static const struct sp_source_ops *const ops = &sp_source_payload;

#define SIZE 100u

struct text {
	struct sp_rows rows;
	uint8_t bytes[2048];
};

static struct sp_source *source(struct text *t, const char *fill, uint32_t size,
				uint8_t stamp_len)
{
	struct sp_source_args args = { .size = size, .stamp_len = stamp_len, .rows = &t->rows };
	struct sp_env env = { .mem = sp_mem_system() };
	struct sp_err err = { .code = 0 };
	struct sp_source *s = NULL;

	t->rows = (struct sp_rows){ .bytes = t->bytes, .n = 1, .len = size };
	for (uint32_t i = 0; i < size; i++)
		t->bytes[i] = (uint8_t)fill[i % strlen(fill)];
	assert_int_equal(ops->open(&s, &args, &env, &err), 0);
	return s;
}

static void repeats_its_text(void **state)
{
	struct text t;
	struct sp_source *s = source(&t, "abc", SIZE, 18);
	uint8_t data[2][SIZE + 1];
	struct sp_msg m[2] = { { .data = data[0], .len = SIZE },
			       { .data = data[1], .len = 20 } };
	struct sp_batch b = { .n = 2, .cap = 2, .m = m };

	(void)state;
	memset(data, '-', sizeof data);
	ops->fill(s, &b, 0);
	for (uint32_t i = 0; i < SIZE; i++)
		assert_int_equal(data[0][i], "abc"[i % 3]);
	assert_int_equal(data[0][SIZE], '-');
	assert_int_equal(data[1][19], "abc"[19 % 3]);
	assert_int_equal(data[1][20], '-');
	assert_int_equal(m[0].stamp_off, SIZE - 18);
	assert_int_equal(m[1].stamp_off, 2);
	assert_int_equal(ops->len(s, 77), 77);
	ops->close(s);
}

static void leaves_held_slots_alone(void **state)
{
	struct text t;
	struct sp_source *s = source(&t, "X", SIZE, 0);
	uint8_t data[3][SIZE];
	struct sp_msg m[3];
	struct sp_batch b = { .n = 3, .cap = 3, .m = m };

	(void)state;
	memset(data, '-', sizeof data);
	for (int i = 0; i < 3; i++)
		m[i] = (struct sp_msg){ .data = data[i], .len = SIZE };
	m[1].flags = SP_M_HELD;
	ops->fill(s, &b, 1);
	assert_int_equal(data[0][0], '-'); /* before from */
	assert_int_equal(data[1][0], '-'); /* held */
	assert_int_equal(data[2][0], 'X');
	assert_int_equal(m[1].stamp_off, SP_NO_STAMP);
	assert_int_equal(m[2].stamp_off, SP_NO_STAMP);
	ops->close(s);
}

static void too_short_for_a_stamp(void **state)
{
	struct text t;
	struct sp_source *s = source(&t, "X", SIZE, 18);
	uint8_t data[SIZE];
	struct sp_msg m[3] = { { .data = data, .len = 17 },
			       { .data = data, .len = 18 },
			       { .data = data, .len = 0 } };
	struct sp_batch b = { .n = 3, .cap = 3, .m = m };

	(void)state;
	ops->fill(s, &b, 0);
	assert_int_equal(m[0].stamp_off, SP_NO_STAMP);
	assert_int_equal(m[1].stamp_off, 0);
	assert_int_equal(m[2].stamp_off, SP_NO_STAMP);
	ops->close(s);
}

static void equal_bytes_have_one_template(void **state)
{
	struct text t[4];
	struct sp_source *a = source(&t[0], "X", 64, 18), *b = source(&t[1], "XX", 64, 18);
	struct sp_source *c = source(&t[2], "Y", 64, 18), *d = source(&t[3], "X", 64, 0);

	(void)state;
	assert_int_equal(ops->template_id(a), ops->template_id(b));
	assert_int_not_equal(ops->template_id(a), ops->template_id(c));
	assert_int_not_equal(ops->template_id(a), ops->template_id(d));
	assert_int_not_equal(ops->template_id(a), 0);
	ops->close(a);
	ops->close(b);
	ops->close(c);
	ops->close(d);
}

static void rows_follow_each_other(void **state)
{
	struct text t;
	struct sp_source *s = source(&t, "ab", 40, 0);
	uint8_t data[20];
	struct sp_msg m = { .data = data, .len = sizeof data };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	(void)state;
	t.rows.n = 2;
	t.rows.len = 20;
	memset(t.bytes + 20, 'z', 20);
	for (unsigned i = 0; i < 6; i++) {
		ops->fill(s, &b, 0);
		m.flags = SP_M_HELD; /* it holds another row */
		assert_int_equal(data[0], i % 2 ? 'z' : 'a');
	}
	ops->close(s);
}

static void survives_lack_of_memory(void **state)
{
	struct sp_rows rows = { .n = 1 };
	struct sp_source_args args = { .size = SIZE, .rows = &rows };

	(void)state;
	for (uint64_t fail = 0; fail < 1; fail++) {
		struct sp_mem_test t;
		struct sp_err err = { .code = 0 };
		struct sp_source *s;
		struct sp_env env = { .mem = &t.mem };

		sp_mem_test_init(&t, fail);
		assert_int_equal(ops->open(&s, &args, &env, &err), -ENOMEM);
		assert_int_equal(t.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_its_text),
		cmocka_unit_test(leaves_held_slots_alone),
		cmocka_unit_test(too_short_for_a_stamp),
		cmocka_unit_test(equal_bytes_have_one_template),
		cmocka_unit_test(rows_follow_each_other),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
