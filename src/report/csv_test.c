#include "report/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/sample.h"

#define COLS 160

/* Rows and cells; quotes as RFC 4180 has them. Cells point into text, which is changed. */
struct table {
	unsigned rows, cols;
	char *cell[100][COLS];
};

static char *read_cell(char **at)
{
	char *p = *at, *out = p, *cell = p;
	bool quoted = *p == '"';

	if (quoted)
		p++;
	for (; *p; p++) {
		if (quoted && p[0] == '"' && p[1] != '"')
			quoted = false;
		else if (!quoted && (*p == ',' || *p == '\n'))
			break;
		else
			*out++ = (quoted && *p == '"') ? *p++ : *p;
	}
	*at = p;
	if (out != p)
		*out = '\0';
	return cell;
}

static void read_table(char *text, struct table *t)
{
	unsigned col = 0;

	memset(t, 0, sizeof *t);
	while (*text) {
		char end;

		assert_true(t->rows < 100 && col < COLS);
		t->cell[t->rows][col++] = read_cell(&text);
		end = *text;
		assert_true(end == ',' || end == '\n');
		*text++ = '\0';
		if (end == ',')
			continue;
		if (!t->rows)
			t->cols = col;
		assert_int_equal(col, t->cols);
		col = 0;
		t->rows++;
	}
}

static const char *get(const struct table *t, unsigned row, const char *name)
{
	for (unsigned i = 0; i < t->cols; i++)
		if (!strcmp(t->cell[0][i], name))
			return t->cell[row][i];
	fail_msg("no column %s", name);
	return NULL;
}

static long long num(const struct table *t, unsigned row, const char *name)
{
	return atoll(get(t, row, name));
}

static void rows_are_periods_and_add_up(void **state)
{
	static struct table t;
	struct sp_sample s;
	struct sp_str out;
	struct sp_csv csv;
	long long sum = 0;

	(void)state;
	sp_sample_init(&s, 2);
	sp_csv_init(&csv, sp_mem_system());
	sp_str_init(&out, sp_mem_system());
	sp_sample_at(&s, 0);
	s.event.kind = SP_EVENT_START;
	sp_csv_event(&csv, &s.event, &out);
	for (unsigned i = 1; i <= 9; i++) {
		sp_sample_at(&s, i);
		sp_csv_event(&csv, &s.event, &out);
	}
	sp_sample_at(&s, 10);
	sp_csv_event(&csv, &s.event, &out);
	read_table(out.text, &t);
	assert_int_equal(t.rows, 1 + 10 * 3 + 3);
	for (unsigned r = 1; r < 31; r++) {
		assert_string_equal(get(&t, r, "kind"), "interval");
		assert_string_equal(get(&t, r, "period_s"), "1.000000");
		assert_string_equal(get(&t, r, "delay_p99_ns"), "");
		if (!strcmp(get(&t, r, "scope"), "total"))
			sum += num(&t, r, "tx_packets");
		else
			assert_string_equal(get(&t, r, "tx_pps"), "1000.000");
	}
	assert_string_equal(get(&t, 33, "kind"), "final");
	assert_string_equal(get(&t, 33, "scope"), "total");
	assert_string_equal(get(&t, 33, "stream"), "");
	assert_int_equal(num(&t, 33, "tx_packets"), sum);
	assert_int_equal(sum, 20000);
	assert_int_equal(num(&t, 33, "delay_p99_ns"), 21000);
	assert_int_equal(num(&t, 33, "delay_clock_error_ns"), 1200);
	assert_string_equal(get(&t, 33, "rtt_p99_ns"), "");
	assert_string_equal(get(&t, 32, "stream"), "udp-2");
	assert_string_equal(get(&t, 33, "time"), "2026-01-01T00:00:10.000000Z");
	sp_str_fini(&out);
	sp_csv_fini(&csv);
	sp_sample_fini(&s);
}

static void gauges_stay_and_losses_may_be_taken_back(void **state)
{
	static struct table t;
	struct sp_sample s;
	struct sp_str out;
	struct sp_csv csv;

	(void)state;
	sp_sample_init(&s, 0);
	sp_csv_init(&csv, sp_mem_system());
	sp_str_init(&out, sp_mem_system());
	sp_sample_at(&s, 1);
	s.result.total.c.v[SP_C_lost] = 5;
	s.result.total.c.v[SP_C_in_flight] = 9;
	sp_csv_event(&csv, &s.event, &out);
	sp_sample_at(&s, 2);
	s.result.total.c.v[SP_C_lost] = 3;
	s.result.total.c.v[SP_C_in_flight] = 9;
	sp_counts_forget(&s.result.total.c, SP_C_reordered);
	sp_csv_event(&csv, &s.event, &out);
	read_table(out.text, &t);
	assert_int_equal(num(&t, 1, "lost"), 5);
	assert_int_equal(num(&t, 2, "lost"), -2);
	assert_int_equal(num(&t, 2, "in_flight"), 9);
	assert_string_equal(get(&t, 2, "reordered"), "");
	sp_str_fini(&out);
	sp_csv_fini(&csv);
	sp_sample_fini(&s);
}

/* Where flows have left the list others stand in their rows: one interval is unknown. */
static void rows_that_moved_are_not_compared(void **state)
{
	static struct table t;
	struct sp_sample s;
	struct sp_str out;
	struct sp_csv csv;

	(void)state;
	sp_sample_init(&s, 2);
	sp_csv_init(&csv, sp_mem_system());
	sp_str_init(&out, sp_mem_system());
	for (unsigned i = 1; i <= 4; i++) {
		sp_sample_at(&s, i);
		s.result.relisted = i >= 3;
		sp_csv_event(&csv, &s.event, &out);
	}
	read_table(out.text, &t);
	assert_int_equal(t.rows, 1 + 4 * 3);
	for (unsigned r = 1; r < 13; r++) {
		bool total = !strcmp(get(&t, r, "scope"), "total");

		if (r >= 7 && r <= 9 && !total)
			assert_string_equal(get(&t, r, "rx_packets"), "");
		else
			assert_int_equal(num(&t, r, "rx_packets"), total ? 2000 : 1000);
	}
	sp_str_fini(&out);
	sp_csv_fini(&csv);
	sp_sample_fini(&s);
}

static void names_are_cells_and_no_formulas(void **state)
{
	static struct table t;
	struct sp_sample s;
	struct sp_str out;
	struct sp_csv csv;

	(void)state;
	sp_sample_init(&s, 2);
	s.streams[0].name = "a,\"b\"";
	s.streams[1].name = SP_SAMPLE_HOSTILE;
	sp_csv_init(&csv, sp_mem_system());
	sp_str_init(&out, sp_mem_system());
	sp_csv_event(&csv, &s.event, &out);
	sp_sample_assert_harmless(out.text, false);
	read_table(out.text, &t);
	assert_string_equal(get(&t, 1, "stream"), "a,\"b\"");
	assert_int_equal(get(&t, 2, "stream")[0], '\'');
	sp_str_fini(&out);
	sp_csv_fini(&csv);
	sp_sample_fini(&s);
}

static void failed_allocations_leak_nothing(void **state)
{
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 2);
	for (uint64_t n = 0; n < 40; n++) {
		struct sp_mem_test mem;
		struct sp_csv csv;
		struct sp_str out;

		sp_mem_test_init(&mem, n);
		sp_csv_init(&csv, &mem.mem);
		sp_str_init(&out, &mem.mem);
		for (unsigned i = 1; i <= 3; i++) {
			sp_sample_at(&s, i);
			sp_csv_event(&csv, &s.event, &out);
		}
		assert_true(n < mem.count || !out.failed);
		sp_str_fini(&out);
		sp_csv_fini(&csv);
		assert_int_equal(mem.live, 0);
	}
	sp_sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_periods_and_add_up),
		cmocka_unit_test(rows_that_moved_are_not_compared),
		cmocka_unit_test(gauges_stay_and_losses_may_be_taken_back),
		cmocka_unit_test(names_are_cells_and_no_formulas),
		cmocka_unit_test(failed_allocations_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
