#include "capio/reassembly.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"
#include "base/str.h"

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define ACK	0x10
#define STREAM	40000u
#define SECONDS 1000000000ll

/* What was told, as text: "+0 [hello] <3> [x] -0fin" */
struct told {
	struct sp_str text;
	struct sp_reassembly *r;
	uint64_t packets;
	int64_t now_ns;
	int fail; /* what bytes() returns */
};

static int on_begin(void *arg, struct sp_stream *s)
{
	struct told *t = arg;

	sp_str_printf(&t->text, "+%u%s ", s->number, s->begun ? "" : "?");
	return 0;
}

static int on_bytes(void *arg, struct sp_stream *s, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct told *t = arg;

	assert_int_equal(packet, t->packets);
	assert_int_equal(t_ns, t->now_ns);
	(void)s;
	sp_str_printf(&t->text, "[%.*s] ", (int)len, (const char *)data);
	return t->fail;
}

static int on_gap(void *arg, struct sp_stream *s, uint64_t missing, int64_t t_ns)
{
	struct told *t = arg;

	(void)s;
	(void)t_ns;
	sp_str_printf(&t->text, "<%llu> ", (unsigned long long)missing);
	return 0;
}

static int on_end(void *arg, struct sp_stream *s, enum sp_stream_end how, int64_t t_ns)
{
	static const char *const names[] = { "fin", "rst", "again", "file", "limit" };
	struct told *t = arg;

	(void)t_ns;
	sp_str_printf(&t->text, "-%u%s ", s->number, names[how]);
	return 0;
}

static int on_datagram(void *arg, const struct sp_cap_view *c, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	struct told *t = arg;

	assert_int_equal(packet, t->packets);
	(void)c;
	(void)t_ns;
	sp_str_printf(&t->text, "{%zu %.5s} ", len, (const char *)payload);
	return 0;
}

static const struct sp_reassembly_ops ops = { on_begin, on_bytes, on_gap, on_end, on_datagram };

static void start(struct told *t, const struct sp_reassembly_conf *conf)
{
	*t = (struct told){ 0 };
	sp_str_init(&t->text, sp_mem_system());
	assert_int_equal(sp_reassembly_new(&t->r, conf, &ops, t, sp_mem_system()), 0);
}

static void stop(struct told *t, const char *want)
{
	if (strcmp(t->text.text, want))
		fail_msg("told  '%s'\nwanted '%s'", t->text.text, want);
	sp_str_fini(&t->text);
	sp_reassembly_free(t->r);
}

/* from: 1 or 2, the two ends; more ends talk to 2 as 1 does. orig: with what was cut off. */
static int feed(struct told *t, unsigned from, uint8_t flags, uint32_t seq, const void *data,
		uint32_t len, uint32_t orig)
{
	struct sp_cap_packet p = { .number = ++t->packets,
				   .t_ns = t->now_ns,
				   .data = data ? data : (const uint8_t *)"",
				   .len = len,
				   .link = SP_LINK_RAW };
	struct sp_cap_view c = { .v = { .l4_off = 1,
					.payload_len = len,
					.proto = SP_PROTO_TCP,
					.tcp_flags = flags },
				 .payload_orig = orig,
				 .seq = seq,
				 .dissected = true };
	struct sp_endpoint a = { .addr = { .family = 4, .ip = { 10, 0, 0, 1 } }, .port = 1000 };
	struct sp_endpoint b = { .addr = { .family = 4, .ip = { 10, 0, 0, 2 } }, .port = 179 };

	if (from > 2)
		a.port = (uint16_t)(1000 + from);
	c.v.src = from == 2 ? b : a;
	c.v.dst = from == 2 ? a : b;
	return sp_reassembly_feed(t->r, &p, &c);
}

static void say(struct told *t, unsigned from, uint8_t flags, uint32_t seq, const char *text)
{
	assert_int_equal(
		feed(t, from, flags, seq, text, (uint32_t)strlen(text), (uint32_t)strlen(text)),
		0);
}

static const struct sp_reassembly_conf usual;

static void a_connection(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 2, SYN | ACK, 499, "");
	say(&t, 1, ACK, 100, "");
	say(&t, 1, ACK, 100, "hello");
	say(&t, 2, ACK, 500, "hi");
	say(&t, 1, ACK | FIN, 105, "");
	say(&t, 2, ACK | FIN, 502, "bye");
	say(&t, 1, ACK, 106, "");
	assert_int_equal(sp_reassembly_finish(t.r), 0);
	assert_int_equal(sp_reassembly_odd(t.r)->events, 0);
	stop(&t, "+0 +1 [hello] [hi] -0fin [bye] -1fin ");
}

static void order_and_repetition(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 1, SYN, 99, "");
	say(&t, 1, ACK, 105, "fgh");
	say(&t, 1, ACK, 102, "cdX");
	say(&t, 1, ACK, 102, "cdYf");
	say(&t, 1, ACK, 100, "ab");
	say(&t, 1, ACK, 100, "abcd");
	say(&t, 1, ACK, 106, "ghij");
	say(&t, 1, ACK, 109, "");  /* keep-alive */
	say(&t, 1, ACK, 109, "x"); /* with an octet */
	say(&t, 1, ACK, 110, "k");
	assert_int_equal(sp_reassembly_finish(t.r), 0);
	assert_int_equal(sp_reassembly_odd(t.r)->out_of_order, 3);
	assert_int_equal(sp_reassembly_odd(t.r)->differing, 1);
	assert_int_equal(sp_reassembly_odd(t.r)->retransmitted, 2);
	assert_int_equal(sp_reassembly_odd(t.r)->overlapping, 1);
	assert_int_equal(sp_reassembly_odd(t.r)->events, 7);
	stop(&t, "+0 [ab] [cdX] [fgh] [ij] [k] -0file ");
}

static void numbers_wrap(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, UINT32_MAX - 3, "");
	say(&t, 1, ACK, 1, "ef");
	say(&t, 1, ACK, UINT32_MAX - 2, "abcd");
	say(&t, 1, ACK, 3, "gh");
	stop(&t, "+0 [abcd] [ef] [gh] ");
}

static void octets_in_a_syn(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "hello");
	say(&t, 1, SYN, 99, "hello");
	say(&t, 1, ACK, 105, "there");
	/* A made one: the SYN took no number. */
	say(&t, 3, SYN, 1, "hello");
	say(&t, 3, ACK, 6, "there");
	say(&t, 3, ACK, 11, "!");
	stop(&t, "+0 [hello] [there] +1 [hello] [there] [!] ");
}

static void gaps(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 1, ACK, 100, "ab");
	say(&t, 1, ACK, 105, "fg");
	say(&t, 1, ACK, 110, "kl");
	assert_int_equal(sp_reassembly_finish(t.r), 0);
	assert_int_equal(sp_reassembly_odd(t.r)->gaps, 2);
	assert_int_equal(sp_reassembly_odd(t.r)->gap_bytes, 6);
	stop(&t, "+0 [ab] <3> [fg] <3> [kl] -0file ");

	/* Octets that the capture cut off, in order and waiting. */
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	assert_int_equal(feed(&t, 1, ACK, 100, "ab", 2, 10), 0);
	assert_int_equal(feed(&t, 1, ACK, 120, "xy", 2, 10), 0);
	assert_int_equal(feed(&t, 1, ACK, 110, "kl", 2, 10), 0);
	assert_int_equal(feed(&t, 1, ACK | FIN, 130, "z", 1, 2), 0);
	stop(&t, "+0 [ab] <8> [kl] <8> [xy] <8> [z] <1> -0fin ");

	/* A hole does not last for ever. */
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 1, ACK, 101, "b");
	t.now_ns = 29 * SECONDS;
	say(&t, 1, ACK, 102, "c");
	t.now_ns = 31 * SECONDS;
	say(&t, 1, ACK, 103, "d");
	stop(&t, "+0 <1> [b] [c] [d] ");
}

static void ends(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 1, ACK | FIN, 100, "ab");
	say(&t, 1, ACK, 103, "after");
	say(&t, 1, ACK | FIN, 100, "ab");
	assert_int_equal(sp_reassembly_odd(t.r)->after_end, 1);
	assert_int_equal(sp_reassembly_odd(t.r)->retransmitted, 1);
	stop(&t, "+0 [ab] -0fin ");

	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 2, SYN | ACK, 499, "");
	say(&t, 1, RST, 99u + (5u << 20), ""); /* of nobody who knows the numbers */
	say(&t, 1, ACK, 100, "ab");
	say(&t, 2, RST, 500, "");
	say(&t, 1, ACK, 102, "cd");
	assert_int_equal(sp_reassembly_odd(t.r)->outside, 1);
	stop(&t, "+0 +1 [ab] -1rst -0rst ");

	/* Refused, by somebody who was not heard before. */
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 2, RST | ACK, 0, "");
	stop(&t, "+0 -0rst ");

	/* FIN before what it follows. */
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 1, ACK | FIN, 102, "cd");
	say(&t, 1, ACK, 100, "ab");
	stop(&t, "+0 [ab] [cd] -0fin ");
}

static void the_same_endpoints_again(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 2, SYN | ACK, 9, "");
	say(&t, 1, ACK, 100, "one");
	say(&t, 1, SYN, 7000, "");
	say(&t, 2, SYN | ACK, 9999, "");
	say(&t, 1, ACK | FIN, 7001, "two");
	say(&t, 1, SYN, 1, "three");
	assert_int_equal(sp_reassembly_odd(t.r)->reused, 3);
	stop(&t, "+0 +1 [one] -0again +2 -1again +3 [two] -2fin +4 [three] ");
}

static void without_its_beginning(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, ACK, 100, ""); /* says nothing of where it stands */
	say(&t, 1, ACK, 101, "bc");
	say(&t, 1, ACK, 103, "de");
	say(&t, 2, RST, 5, "");
	stop(&t, "+0? [bc] [de] -0rst ");
}

static void strays_and_jumps(void **state)
{
	struct told t;
	uint32_t far = 100 + (3u << 20);

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN, 99, "");
	say(&t, 1, ACK, 100, "ab");
	say(&t, 1, ACK, far, "stray");
	say(&t, 1, ACK, 102, "cd");
	say(&t, 1, ACK, far, "left out");
	say(&t, 1, ACK, far + 8, "on");
	say(&t, 1, ACK, 90 - (3u << 20), "old");
	say(&t, 1, ACK, 93 - (3u << 20), "er");
	assert_int_equal(sp_reassembly_odd(t.r)->outside, 3);
	stop(&t, "+0 [ab] [cd] <3145732> [on] -0again +1? [er] ");
}

static void impossible_flags(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	say(&t, 1, SYN | FIN, 99, "evil");
	say(&t, 1, SYN, 99, "");
	say(&t, 1, SYN | RST, 99, "");
	say(&t, 1, 0, 100, "plain");
	assert_int_equal(sp_reassembly_odd(t.r)->flags, 3);
	stop(&t, "+0 [plain] ");
}

static void limits(void **state)
{
	static const struct sp_reassembly_conf few = { .max_streams = 2 };
	static const struct sp_reassembly_conf small = { .window = 260 };
	static const struct sp_reassembly_conf poor = { .memory = 300 };
	char text[101] = { 0 };
	struct told t;

	(void)state;
	memset(text, 'x', 100);
	start(&t, &few);
	say(&t, 3, SYN, 1, "");
	say(&t, 4, SYN, 1, "");
	say(&t, 3, ACK, 2, "a");
	say(&t, 5, SYN, 1, "");
	say(&t, 3, ACK | FIN, 3, "b");
	say(&t, 6, SYN, 1, "");
	assert_int_equal(sp_reassembly_odd(t.r)->pushed_out, 1);
	stop(&t, "+0 +1 [a] -1limit +2 [b] -0fin +3 ");

	/* What waits in one stream; the bookkeeping counts, too. */
	start(&t, &small);
	say(&t, 3, SYN, 1, "");
	say(&t, 3, ACK, 3, text);
	say(&t, 3, ACK, 203, text);
	sp_str_clear(&t.text);
	say(&t, 3, ACK, 104, "too much");
	assert_int_equal(strncmp(t.text.text, "<1> [x", 6), 0);
	assert_int_equal(sp_reassembly_odd(t.r)->gaps, 1);
	sp_str_clear(&t.text);
	stop(&t, "");

	/* And in all: the stream that has waited for longest gives way. */
	start(&t, &poor);
	say(&t, 3, SYN, 1, "");
	say(&t, 4, SYN, 1, "");
	say(&t, 5, SYN, 1, "");
	say(&t, 4, ACK, 3, text);
	say(&t, 3, ACK, 3, text);
	say(&t, 5, ACK, 3, text);
	sp_str_clear(&t.text);
	say(&t, 4, ACK, 103, "4");
	stop(&t, "[4] ");
}

static void a_failing_caller_is_heard(void **state)
{
	struct told t;

	(void)state;
	start(&t, &usual);
	t.fail = -EPIPE;
	assert_int_equal(feed(&t, 1, ACK, 1, "x", 1, 1), -EPIPE);
	stop(&t, "+0? [x] ");
}

/* ---- a stream that is cut, repeated and shuffled comes back ---- */

struct whole {
	uint8_t octets[STREAM];
	uint32_t got;
	bool ended;
};

static int whole_bytes(void *arg, struct sp_stream *s, const uint8_t *data, size_t len,
		       int64_t t_ns, uint64_t packet)
{
	struct whole *w = arg;

	(void)s;
	(void)t_ns;
	(void)packet;
	assert_true(w->got + len <= STREAM);
	assert_memory_equal(data, w->octets + w->got, len);
	w->got += (uint32_t)len;
	return 0;
}

static int whole_gap(void *arg, struct sp_stream *s, uint64_t missing, int64_t t_ns)
{
	(void)arg;
	(void)s;
	(void)t_ns;
	fail_msg("a gap of %llu", (unsigned long long)missing);
	return 0;
}

static int whole_end(void *arg, struct sp_stream *s, enum sp_stream_end how, int64_t t_ns)
{
	struct whole *w = arg;

	(void)s;
	(void)t_ns;
	assert_int_equal(how, SP_STREAM_FIN);
	w->ended = true;
	return 0;
}

struct cut {
	uint32_t from, len;
	uint64_t place;
};

static int by_place(const void *a, const void *b)
{
	uint64_t x = ((const struct cut *)a)->place, y = ((const struct cut *)b)->place;

	return x < y ? -1 : x > y;
}

/* Pieces that cover all, some twice, some wider than they should be; each at most so many places from
 * where it belongs. */
static unsigned make_cuts(struct sp_rng *r, struct cut *c, unsigned max)
{
	unsigned n = 0, displace = (unsigned)sp_rng_below(r, 40);
	uint32_t at = 0;

	while (at < STREAM) {
		uint32_t len = 1 + (uint32_t)sp_rng_below(r, 1400), back;

		len = len > STREAM - at ? STREAM - at : len;
		for (unsigned k = sp_rng_below(r, 4) ? 1 : 3; k && n < max; k--) {
			back = at < 700 ? at : (uint32_t)sp_rng_below(r, 700);
			back = sp_rng_below(r, 3) ? 0 : back;
			c[n] = (struct cut){ at - back, len + back,
					     n + sp_rng_below(r, displace + 1) };
			n++;
		}
		at += len;
	}
	qsort(c, n, sizeof *c, by_place);
	return n;
}

static void any_cut_comes_back(void **state)
{
	static const struct sp_reassembly_ops whole_ops = { NULL, whole_bytes, whole_gap,
							    whole_end, NULL };
	static struct cut c[STREAM];
	static struct whole w;
	struct sp_rng r;

	(void)state;
	sp_rng_init(&r, 5, "cuts");
	for (unsigned round = 0; round < 300; round++) {
		struct told t = { 0 };
		uint32_t isn = (uint32_t)sp_rng_u64(&r);
		unsigned n;

		w = (struct whole){ 0 };
		for (uint32_t i = 0; i < STREAM; i++)
			w.octets[i] = (uint8_t)sp_rng_u64(&r);
		if (round % 3 == 0)
			isn = (uint32_t)-sp_rng_below(&r, STREAM);
		assert_int_equal(
			sp_reassembly_new(&t.r, &usual, &whole_ops, &w, sp_mem_system()), 0);
		assert_int_equal(feed(&t, 1, SYN, isn, NULL, 0, 0), 0);
		n = make_cuts(&r, c, STREAM);
		for (unsigned i = 0; i < n; i++) {
			uint8_t fin = c[i].from + c[i].len == STREAM ? FIN : 0;

			assert_int_equal(feed(&t, 1, ACK | fin, isn + 1 + c[i].from,
					      w.octets + c[i].from, c[i].len, c[i].len),
					 0);
		}
		assert_int_equal(w.got, STREAM);
		assert_true(w.ended);
		assert_int_equal(sp_reassembly_odd(t.r)->differing, 0);
		sp_reassembly_free(t.r);
	}
}

/* ---- memory ---- */

static int run_short_of_memory(struct sp_mem_test *mem)
{
	static const struct sp_reassembly_conf conf = { .max_streams = 8 };
	struct told t = { 0 };
	int rc;

	sp_str_init(&t.text, sp_mem_system());
	rc = sp_reassembly_new(&t.r, &conf, &ops, &t, &mem->mem);
	if (!rc)
		rc = feed(&t, 1, SYN, 1, NULL, 0, 0);
	if (!rc)
		rc = feed(&t, 1, ACK, 5, "def", 3, 3);
	if (!rc)
		rc = feed(&t, 1, ACK, 10, "ij", 2, 4);
	if (!rc)
		rc = feed(&t, 1, ACK, 3, "bcdefghi", 8, 8);
	if (!rc)
		rc = sp_reassembly_finish(t.r);
	sp_reassembly_free(t.r);
	sp_str_fini(&t.text);
	return rc;
}

static void allocations_may_fail(void **state)
{
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc; i++) {
		struct sp_mem_test mem;

		sp_mem_test_init(&mem, i);
		rc = run_short_of_memory(&mem);
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_int_equal(mem.live, 0);
		assert_true(i > 5 || rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection),
		cmocka_unit_test(order_and_repetition),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(octets_in_a_syn),
		cmocka_unit_test(gaps),
		cmocka_unit_test(ends),
		cmocka_unit_test(the_same_endpoints_again),
		cmocka_unit_test(without_its_beginning),
		cmocka_unit_test(strays_and_jumps),
		cmocka_unit_test(impossible_flags),
		cmocka_unit_test(limits),
		cmocka_unit_test(a_failing_caller_is_heard),
		cmocka_unit_test(any_cut_comes_back),
		cmocka_unit_test(allocations_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
