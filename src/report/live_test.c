#include "report/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/sample.h"

/* ---- as much of a terminal as the live table needs ---- */

#define MAX_ROWS 60u
#define MAX_COLS 200u

struct screen {
	unsigned rows, cols, y, x;
	char cell[MAX_ROWS][MAX_COLS + 1];
	bool wrapped; /* a line was longer than the terminal */
};

static void blank(struct screen *t, unsigned row, unsigned from)
{
	memset(t->cell[row] + from, ' ', t->cols - from);
	t->cell[row][t->cols] = '\0';
}

static void screen_init(struct screen *t, unsigned rows, unsigned cols)
{
	*t = (struct screen){ .rows = rows, .cols = cols };
	for (unsigned i = 0; i < rows; i++)
		blank(t, i, 0);
}

static void line_feed(struct screen *t)
{
	t->x = 0;
	if (t->y + 1 < t->rows) {
		t->y++;
		return;
	}
	memmove(t->cell[0], t->cell[1], sizeof t->cell[0] * (t->rows - 1));
	blank(t, t->rows - 1, 0);
}

static const char *control(struct screen *t, const char *p)
{
	unsigned n;
	char *end;

	assert_int_equal(p[1], '[');
	n = (unsigned)strtoul(p + 2, &end, 10);
	switch (*end) {
	case 'F':
		/* drawing over what has left the screen would leave the old picture there */
		assert_true(n <= t->y);
		t->y -= n;
		t->x = 0;
		break;
	case 'K':
		blank(t, t->y, t->x);
		break;
	case 'J':
		blank(t, t->y, t->x);
		for (unsigned i = t->y + 1; i < t->rows; i++)
			blank(t, i, 0);
		break;
	default:
		assert_int_equal(*end, 'm');
	}
	return end + 1;
}

static void feed(struct screen *t, const char *p)
{
	while (*p) {
		if (*p == '\033') {
			p = control(t, p);
			continue;
		}
		if (*p == '\n') {
			line_feed(t);
		} else if (*p == '\r') {
			t->x = 0;
		} else {
			if (t->x >= t->cols) {
				t->wrapped = true;
				line_feed(t);
			}
			t->cell[t->y][t->x++] = *p;
		}
		p++;
	}
}

static unsigned lines_with(const struct screen *t, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->rows; i++)
		n += strstr(t->cell[i], text) != NULL;
	return n;
}

/* ---- a run, shown ---- */

struct show {
	struct sp_sample s;
	struct sp_live *live;
	struct sp_str out;
	struct screen t;
};

static void begin(struct show *w, unsigned streams, bool terminal, unsigned rows, unsigned cols)
{
	struct sp_live_conf conf = { .terminal = terminal, .rows = rows, .cols = cols };

	sp_sample_init(&w->s, streams);
	sp_str_init(&w->out, sp_mem_system());
	assert_int_equal(sp_live_new(&w->live, &conf, sp_mem_system()), 0);
	screen_init(&w->t, rows ? rows : 24, cols ? cols : 80);
}

static void put(struct show *w, const struct sp_event *ev)
{
	sp_str_clear(&w->out);
	sp_live_event(w->live, ev, &w->out);
	assert_false(w->out.failed);
	feed(&w->t, w->out.text);
}

static void at(struct show *w, double s)
{
	sp_sample_at(&w->s, s);
	if (s == 0)
		w->s.event.kind = SP_EVENT_START;
	put(w, &w->s.event);
}

static void end(struct show *w)
{
	sp_live_free(w->live);
	sp_str_fini(&w->out);
	sp_sample_fini(&w->s);
}

static void the_table_is_drawn_over_itself(void **state)
{
	static struct show w;
	struct sp_event remark;

	(void)state;
	begin(&w, 2, true, 24, 80);
	feed(&w.t, "$ spate send\n");
	for (unsigned i = 0; i <= 3; i++)
		at(&w, i);
	remark = w.s.event;
	remark.kind = SP_EVENT_REMARK;
	remark.remark = &w.s.remarks[1];
	put(&w, &remark);
	for (unsigned i = 4; i <= 9; i++)
		at(&w, i);
	assert_string_equal(w.t.cell[0] + 12, w.t.cell[23] + 12); /* blanks */
	assert_non_null(strstr(w.t.cell[1], "   3.0 s  note: UDP_SEGMENT was not used"));
	assert_non_null(strstr(w.t.cell[2], "9.0 of 10.0 s, 90 %, 1 s left  [======"));
	assert_non_null(strstr(
		w.t.cell[3], "stream     asked pps    sent pps    Mbit/s    recv pps      lost"
			     " late p99"));
	assert_non_null(strstr(
		w.t.cell[5], "udp-2          1,000       1,000      8.19       1,000         0"
			     "   210 ns"));
	assert_non_null(strstr(w.t.cell[6], "total          2,000       2,000      16.4"));
	assert_int_equal(w.t.y, 7);
	at(&w, 10);
	assert_non_null(strstr(w.t.cell[2], "finished after 10.0 s  "));
	assert_null(strstr(w.t.cell[2], "="));
	assert_int_equal(w.t.y, 7);
	assert_int_equal(lines_with(&w.t, "total"), 1);
	end(&w);
}

/* At T0 nothing is known and everything is 0: the first second has its rates, in the total, too.
 * What only the end tells has no figure until then. */
static void the_first_second_has_rates(void **state)
{
	static struct show w;
	struct sp_measure *m;

	(void)state;
	begin(&w, 2, true, 24, 80);
	sp_sample_at(&w.s, 0);
	w.s.event.kind = SP_EVENT_START;
	w.s.result.total.c = (struct sp_counts){ .known = 0 };
	put(&w, &w.s.event);
	for (unsigned i = 1; i <= 10; i += 9) {
		sp_sample_at(&w.s, i);
		m = &w.s.result.total;
		for (unsigned k = 0; k < 3; k++, m = &w.s.streams[k - 1].m)
			sp_counts_forget(&m->c, SP_C_lost);
		put(&w, &w.s.event);
		if (i == 1) {
			assert_int_equal(lines_with(&w.t, "unknown"), 0);
			assert_int_equal(lines_with(&w.t,
						    "total          2,000       2,000      "
						    "16.4       2,000         -"),
					 1);
		}
	}
	assert_int_equal(lines_with(&w.t, "unknown"), 3);
	end(&w);
}

static void it_is_drawn_at_most_once_a_second(void **state)
{
	static struct show w;

	(void)state;
	begin(&w, 1, true, 24, 80);
	at(&w, 1);
	assert_true(w.out.len > 0);
	at(&w, 1.5);
	assert_int_equal(w.out.len, 0);
	at(&w, 1.96);
	assert_true(w.out.len > 0);
	end(&w);
}

static void every_size_is_survived(void **state)
{
	static const unsigned sizes[][2] = { { 1, 1 },	 { 1, 80 },  { 2, 3 },	 { 4, 20 },
					     { 5, 30 },	 { 24, 10 }, { 24, 40 }, { 10, 60 },
					     { 24, 79 }, { 24, 80 }, { 60, 200 } };
	static struct show w;

	(void)state;
	for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		begin(&w, 100, true, sizes[k][0], sizes[k][1]);
		for (unsigned i = 0; i <= 10; i++) {
			at(&w, i);
			assert_false(w.t.wrapped);
			assert_true(lines_with(&w.t, "total  ") <= 1);
			assert_true(lines_with(&w.t, "sent pps") <= 1);
			assert_true(w.t.rows < 4 || lines_with(&w.t, "0") > 0);
		}
		end(&w);
	}
}

/* A terminal may make anything of what was on it: then the next picture goes below. */
static void a_new_size_is_followed(void **state)
{
	static struct show w;

	(void)state;
	begin(&w, 100, true, 24, 80);
	at(&w, 1);
	assert_int_equal(lines_with(&w.t, "udp-"), 19);
	sp_live_resize(w.live, 24, 50);
	screen_init(&w.t, 24, 50);
	at(&w, 2);
	assert_false(w.t.wrapped);
	assert_null(strstr(w.out.text, "F"));
	assert_null(strstr(w.out.text, "late p99"));
	sp_live_resize(w.live, 40, 120);
	screen_init(&w.t, 40, 120);
	feed(&w.t, w.out.text);
	at(&w, 3);
	assert_int_equal(lines_with(&w.t, "total"), 1);
	assert_int_equal(lines_with(&w.t, "udp-"), 35);
	sp_live_resize(w.live, 0, 0); /* not known: 24 x 80 */
	screen_init(&w.t, 24, 80);
	at(&w, 4);
	assert_false(w.t.wrapped);
	end(&w);
}

static void the_busiest_of_many_are_shown(void **state)
{
	static struct show w;

	(void)state;
	begin(&w, 10000, true, 10, 80);
	at(&w, 1);
	sp_sample_at(&w.s, 2);
	w.s.streams[7777].m.c.v[SP_C_tx_packets] += 500;
	w.s.streams[123].m.c.v[SP_C_tx_packets] += 400;
	put(&w, &w.s.event);
	assert_non_null(strstr(w.t.cell[6], "udp-7778"));
	assert_int_equal(lines_with(&w.t, "udp-124 "), 1);
	assert_int_equal(lines_with(&w.t, "udp-"), 5);
	assert_non_null(strstr(w.t.cell[7], "9,995 more, the busiest are shown"));
	assert_non_null(strstr(w.t.cell[8], "total"));
	end(&w);
}

static void without_a_terminal_there_are_lines(void **state)
{
	static struct show w;

	(void)state;
	begin(&w, 1, false, 0, 0);
	at(&w, 0);
	assert_string_equal(w.out.text, "");
	at(&w, 3);
	assert_string_equal(
		w.out.text,
		"   3.0 s  sent 1,000 pps  8.19 Mbit/s  received 1,000 pps  lost 0  "
		"pending 0\n");
	sp_sample_at(&w.s, 4);
	sp_counts_forget(&w.s.result.total.c, SP_C_rx_packets);
	sp_counts_forget(&w.s.result.total.c, SP_C_rx_unique);
	sp_counts_forget(&w.s.result.total.c, SP_C_lost);
	put(&w, &w.s.event);
	assert_string_equal(w.out.text,
			    "   4.0 s  sent 1,000 pps  8.19 Mbit/s  received unknown  "
			    "pending 0\n");
	sp_sample_at(&w.s, 5);
	sp_sample_recv(&w.s);
	put(&w, &w.s.event);
	assert_string_equal(w.out.text, "   5.0 s  received 8.19 Mbit/s  reordered 0\n");
	w.s.event.kind = SP_EVENT_END; /* at the same time: said already */
	put(&w, &w.s.event);
	assert_string_equal(w.out.text, "");
	end(&w);
}

/* What the kernel says of connections stands in a line of its own, and only if there are any. */
static void connections_have_a_line(void **state)
{
	static struct show w;

	(void)state;
	begin(&w, 3, true, 24, 80);
	at(&w, 1);
	assert_int_equal(lines_with(&w.t, "retransmits"), 0);
	w.s.streams[0].way = (struct sp_way_result){
		.known = true, .retransmits = 1200, .rtt_ns = 148000, .cwnd_bytes = 65000
	};
	at(&w, 2);
	assert_int_equal(lines_with(&w.t, "retransmits 1,200  rtt 148 us  cwnd 65,000"), 1);
	w.s.streams[2].way = (struct sp_way_result){
		.known = true, .retransmits = 1, .rtt_ns = 2000000, .cwnd_bytes = 70000
	};
	at(&w, 3);
	assert_int_equal(
		lines_with(&w.t, "retransmits 1,201  rtt up to 2.00 ms  cwnd from 65,000"), 1);
	end(&w);
	begin(&w, 1, false, 0, 0);
	w.s.streams[0].way = (struct sp_way_result){ .known = true, .rtt_ns = 1000 };
	at(&w, 1);
	assert_non_null(strstr(w.out.text, "  retransmits 0  rtt 1.00 us  cwnd 0\n"));
	end(&w);
}

static void hostile_names_do_nothing(void **state)
{
	static struct show w;
	struct sp_event remark;

	(void)state;
	begin(&w, 2, true, 24, 80);
	w.s.streams[0].name = SP_SAMPLE_HOSTILE;
	w.s.streams[1].name = NULL;
	w.s.remarks[0].text = SP_SAMPLE_HOSTILE;
	at(&w, 1);
	sp_sample_assert_harmless(w.out.text, true);
	assert_int_equal(lines_with(&w.t, "total"), 1);
	remark = w.s.event;
	remark.kind = SP_EVENT_REMARK;
	remark.remark = &w.s.remarks[0];
	put(&w, &remark);
	for (char *p = w.out.text; (p = strchr(p, '\r')) != NULL;)
		*p = ' '; /* the one of our own */
	sp_sample_assert_harmless(w.out.text, true);
	assert_int_equal(lines_with(&w.t, "total"), 1);
	end(&w);
}

static void colour_is_a_choice(void **state)
{
	(void)state;
	assert_true(sp_live_color(true, NULL, "xterm"));
	assert_true(sp_live_color(true, "", "xterm"));
	assert_false(sp_live_color(true, "1", "xterm"));
	assert_false(sp_live_color(false, NULL, "xterm"));
	assert_false(sp_live_color(true, NULL, "dumb"));
	assert_false(sp_live_color(true, NULL, NULL));
}

static void failed_allocations_leak_nothing(void **state)
{
	struct sp_live_conf conf = { .terminal = true, .rows = 24, .cols = 80 };
	struct sp_sample s;

	(void)state;
	sp_sample_init(&s, 3);
	for (uint64_t n = 0; n < 20; n++) {
		struct sp_mem_test mem;
		struct sp_live *live;
		struct sp_str out;

		sp_mem_test_init(&mem, n);
		sp_str_init(&out, sp_mem_system());
		if (!sp_live_new(&live, &conf, &mem.mem)) {
			for (unsigned i = 1; i <= 3; i++) {
				sp_sample_at(&s, i);
				sp_live_event(live, &s.event, &out);
			}
			sp_live_free(live);
		}
		sp_str_fini(&out);
		assert_int_equal(mem.live, 0);
	}
	sp_sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_drawn_over_itself),
		cmocka_unit_test(the_first_second_has_rates),
		cmocka_unit_test(it_is_drawn_at_most_once_a_second),
		cmocka_unit_test(every_size_is_survived),
		cmocka_unit_test(a_new_size_is_followed),
		cmocka_unit_test(the_busiest_of_many_are_shown),
		cmocka_unit_test(without_a_terminal_there_are_lines),
		cmocka_unit_test(hostile_names_do_nothing),
		cmocka_unit_test(connections_have_a_line),
		cmocka_unit_test(colour_is_a_choice),
		cmocka_unit_test(failed_allocations_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
