#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "compat/reproducer/table.h"
#include "core/result.h"

#define MS 1000000ull

static struct sp_stream_result streams[2];

static void give_stream(const void *arg, size_t i, struct sp_stream_result *out)
{
	(void)arg;
	*out = streams[i];
}

static void begin(struct sp_result *r)
{
	static const struct sp_result_parts parts = { .stream = give_stream };

	memset(streams, 0, sizeof streams);
	for (size_t i = 0; i < 2; i++) {
		streams[i].name = i ? "bmp-v6" : "ipfix";
		streams[i].recorded.known = true;
		streams[i].recorded.next_ns = UINT64_MAX;
	}
	*r = (struct sp_result){ .parts = &parts, .n_streams = 2 };
}

static bool prints(struct sp_repro_table *t, const struct sp_result *r, enum sp_event_kind kind,
		   uint64_t t_ns, struct sp_str *out)
{
	const struct sp_event e = { .kind = kind, .t_ns = t_ns, .result = r };

	sp_str_clear(out);
	sp_repro_table(t, &e, out);
	return out->len > 0;
}

/* Every two seconds from the first on, whatever a stall does to one of them. */
static void times(void **state)
{
	static const struct {
		unsigned ms;
		bool prints;
	} rows[] = { { 1001, true }, { 2000, false }, { 3000, true },	{ 4002, false },
		     { 5700, true }, { 6001, false }, { 7001, true },	{ 7999, false },
		     { 8999, true }, { 13400, true }, { 14000, false }, { 15000, true } };
	struct sp_repro_table t = { .on = true };
	struct sp_result r;
	struct sp_str out;

	(void)state;
	begin(&r);
	sp_str_init(&out, sp_mem_system());
	assert_false(prints(&t, &r, SP_EVENT_START, 0, &out));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (prints(&t, &r, SP_EVENT_INTERVAL, rows[i].ms * MS, &out) != rows[i].prints)
			fail_msg("at %u ms", rows[i].ms);
	assert_true(prints(&t, &r, SP_EVENT_END, 15001 * MS, &out));
	assert_non_null(strstr(out.text, "Elapsed time: 15.001s"));
	sp_str_fini(&out);
}

static void figures(void **state)
{
	struct sp_repro_table t = { .on = true };
	struct sp_result r;
	struct sp_str out;

	(void)state;
	begin(&r);
	sp_str_init(&out, sp_mem_system());
	streams[0].m.c.v[SP_C_asked_packets] = 12;
	streams[0].m.c.v[SP_C_tx_packets] = 10;
	streams[0].recorded.filtered = 20;
	streams[0].recorded.unknown_peer = 3;
	streams[0].recorded.unknown_proto = 7;
	streams[1].m.c.v[SP_C_asked_packets] = 5;
	streams[1].m.c.v[SP_C_tx_packets] = 5;
	streams[1].recorded.filtered = 6;
	streams[1].recorded.unknown_peer = 1;
	streams[1].recorded.unknown_proto = 7;	/* of the same packets */
	streams[1].recorded.next_ns = 500 * MS; /* half a second late */
	assert_true(prints(&t, &r, SP_EVENT_INTERVAL, 1000 * MS, &out));
	assert_non_null(
		strstr(out.text, "| Packet sent     |            10 |             5 |"));
	assert_non_null(
		strstr(out.text, "| Packet filtered |            20 |             6 |"));
	assert_non_null(strstr(out.text, "|             4 |             7 |\n"));
	assert_non_null(strstr(out.text, "Delay: [Current: -0.500s]"));
	assert_non_null(strstr(out.text, "Queue size: [Current: 2 pkt]"));
	/* Without -v only what is too slow is told. */
	t = (struct sp_repro_table){ .on = false };
	assert_false(prints(&t, &r, SP_EVENT_INTERVAL, 1000 * MS, &out));
	assert_true(prints(&t, &r, SP_EVENT_INTERVAL, 3000 * MS, &out));
	assert_string_equal(out.text, "spate: warning: Too slow! Current delay: -2.500s\n");
	sp_str_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
