#include "plugin/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "pkt/udpframe.h"
#include "pkt/view.h"

extern const struct sp_source_ops sp_source_packet;
static const struct sp_source_ops *const ops = &sp_source_packet;

#define SIZE  400u
#define STAMP 18u

/* What a source borrows until it is closed. */
struct given {
	struct sp_source_args args;
	struct sp_template tmpl;
	struct sp_endpoint from, to;
	struct sp_rows rows;
	uint8_t bytes[65536];
};

static void arguments(struct given *g, int family)
{
	static const struct sp_addr four = { .family = 4, .ip = { 10, 1, 1, 2 } };
	static const struct sp_addr six = { .family = 6, .ip = { 0xfd, 0x99, [15] = 2 } };

	memset(g->bytes, 'X', sizeof g->bytes);
	g->to = (struct sp_endpoint){ .addr = family == 4 ? four : six, .port = 5001 };
	g->from = g->to;
	g->from.addr.ip[family == 4 ? 3 : 15] = 1;
	g->from.port = 1234;
	g->rows = (struct sp_rows){ .bytes = g->bytes, .n = 1, .len = sizeof g->bytes };
	assert_int_equal(sp_udp_template(&g->tmpl, &g->from, &g->to, sp_mem_system()), 0);
	g->args = (struct sp_source_args){
		.size = SIZE,
		.burst = 1,
		.stamp_len = STAMP,
		.tmpl = &g->tmpl,
		.rows = &g->rows,
		.link = { .src_mac = { 2, 0, 0, 0, 0, 1 },
			  .dst_mac = { 2, 0, 0, 0, 0, 2 },
			  .mtu = 1500 },
	};
}

static void forget(struct given *g)
{
	sp_template_free(&g->tmpl);
}

static int try_open(struct sp_source **s, const struct given *g)
{
	struct sp_env env = { .mem = sp_mem_system() };
	struct sp_err err = { .code = 0 };
	int r = ops->open(s, &g->args, &env, &err);

	assert_true(r == 0 || (err.code == r && err.text[0]));
	return r;
}

static struct sp_source *source(const struct given *g)
{
	struct sp_source *s = NULL;

	assert_int_equal(try_open(&s, g), 0);
	return s;
}

/* One frame of len, its stamp random; what the dissector says about it. */
static struct sp_view make(struct sp_source *s, uint8_t *data, uint32_t len, uint16_t flags,
			   struct sp_rng *rng)
{
	struct sp_msg m = { .data = data, .len = len, .flags = flags };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	struct sp_view v;

	ops->fill(s, &b, 0);
	for (uint32_t i = m.stamp_off; i < len; i++)
		data[i] = (uint8_t)sp_rng_u64(rng);
	ops->finish(s, &b, 0);
	assert_int_equal(sp_view(data, len, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.payload_off + v.payload_len, len);
	if (v.payload_len >= STAMP)
		assert_int_equal(m.stamp_off, len - STAMP);
	else
		assert_int_equal(m.stamp_off, SP_NO_STAMP);
	return v;
}

static void checksums_are_right_at_every_length(void **state)
{
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "frames");
	for (int family = 4; family <= 6; family += 2) {
		struct given a;
		struct sp_source *s;

		arguments(&a, family);
		s = source(&a);
		for (uint32_t len = ops->len(s, 0); len <= SIZE; len++) {
			uint8_t data[SIZE];
			struct sp_view v = make(s, data, len, 0, &rng);

			assert_int_equal(v.l4_csum, SP_CSUM_OK);
			for (uint32_t i = 0; i + STAMP < v.payload_len; i++)
				assert_int_equal(data[v.payload_off + i], 'X');
			/* The same slot again: only the stamp is new. */
			v = make(s, data, len, SP_M_HELD, &rng);
			assert_int_equal(v.l4_csum, SP_CSUM_OK);
		}
		ops->close(s);
		forget(&a);
	}
}

static void headers_are_those_asked_for(void **state)
{
	struct given a;
	struct sp_source *s;
	uint8_t data[60];
	struct sp_view v;
	struct sp_rng rng;

	(void)state;
	arguments(&a, 4);
	s = source(&a);
	sp_rng_init(&rng, 1, "frames");
	v = make(s, data, sizeof data, 0, &rng);
	assert_memory_equal(data, a.args.link.dst_mac, 6);
	assert_memory_equal(data + 6, a.args.link.src_mac, 6);
	assert_true(sp_endpoint_eq(&v.src, &a.from));
	assert_true(sp_endpoint_eq(&v.dst, &a.to));
	ops->close(s);
	forget(&a);
}

/* With a link header of its own a template gets no other. */
static void a_link_header_is_kept(void **state)
{
	static uint8_t octets[60] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xb5 };
	struct sp_template t = { .octets = octets,
				 .len = 60,
				 .l3_off = 14,
				 .payload_off = 14,
				 .link = true,
				 .fixed = true };
	struct given a;
	struct sp_source *s;
	uint8_t data[60] = { 0 };
	struct sp_msg m = { .data = data, .len = 60 };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	(void)state;
	arguments(&a, 4);
	a.args.tmpl = &t;
	assert_int_equal(try_open(&s, &a), -EINVAL); /* it cannot grow */
	a.args.size = 60;
	s = source(&a);
	ops->fill(s, &b, 0);
	assert_memory_equal(data, octets, sizeof data);
	assert_int_equal(m.stamp_off, SP_NO_STAMP);
	assert_int_equal(ops->len(s, 10), 60);
	ops->close(s);
	forget(&a);
}

static void a_row_for_each_unit(void **state)
{
	struct given a;
	struct sp_source *s;
	uint8_t data[50];
	struct sp_msg m = { .data = data, .len = sizeof data };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	struct sp_view v;

	(void)state;
	arguments(&a, 4);
	a.rows.n = 4;
	a.rows.len = 1000;
	for (uint32_t i = 0; i < 4; i++)
		memset(a.bytes + i * 1000, 'a' + (int)i, 1000);
	a.args.stamp_len = 0;
	s = source(&a);
	for (uint32_t i = 0; i < 12; i++) {
		ops->fill(s, &b, 0);
		m.flags = SP_M_HELD;
		assert_int_equal(sp_view(data, sizeof data, true, SP_CSUM_UNKNOWN, &v), 0);
		assert_int_equal(v.l4_csum, SP_CSUM_OK);
		for (uint32_t k = 42; k < sizeof data; k++)
			assert_int_equal(data[k], 'a' + i % 4);
	}
	ops->close(s);
	forget(&a);
}

/* 0 says "no checksum", so a sum that comes out as 0 is sent as 0xffff: two bytes of stamp run
 * through all values, one of which makes it so. */
static void a_checksum_is_never_zero(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct given a;
		struct sp_source *s;
		uint8_t data[100] = { 0 };
		struct sp_msg m = { .data = data };
		struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
		uint32_t all_ones = 0;

		arguments(&a, family);
		s = source(&a);
		m.len = ops->len(s, 0) + 21; /* an odd place */
		for (uint32_t v = 0; v <= 0xffff; v++) {
			const uint8_t *csum = data + ops->len(s, 0) - 2;

			m.flags = v ? SP_M_HELD : 0;
			ops->fill(s, &b, 0);
			memset(data + m.stamp_off, 0, STAMP);
			data[m.stamp_off] = (uint8_t)(v >> 8);
			data[m.stamp_off + 1] = (uint8_t)v;
			ops->finish(s, &b, 0);
			assert_true(csum[0] || csum[1]);
			all_ones += csum[0] == 0xff && csum[1] == 0xff;
		}
		assert_true(all_ones > 0);
		ops->close(s);
		forget(&a);
	}
}

static void unstamped_frames_need_no_finish(void **state)
{
	struct given a;
	struct sp_source *s;
	struct sp_view v;
	uint8_t data[81];
	struct sp_msg m = { .data = data, .len = sizeof data };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	(void)state;
	arguments(&a, 6);
	a.args.stamp_len = 0;
	s = source(&a);
	ops->fill(s, &b, 0);
	assert_int_equal(m.stamp_off, SP_NO_STAMP);
	assert_int_equal(sp_view(data, sizeof data, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_OK);
	ops->finish(s, &b, 0);
	assert_int_equal(sp_view(data, sizeof data, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_OK);
	ops->close(s);
	forget(&a);
}

static void sizes_have_bounds(void **state)
{
	struct given a;
	struct sp_source *s;

	(void)state;
	arguments(&a, 4);
	a.args.size = 41;
	assert_int_equal(try_open(&s, &a), -EINVAL);
	a.args.size = 1515;
	assert_int_equal(try_open(&s, &a), -EMSGSIZE);
	a.args.size = 1514;
	s = source(&a);
	assert_int_equal(ops->len(s, 10), 42);
	assert_int_equal(ops->len(s, 1000), 1000);
	assert_int_equal(ops->len(s, 2000), 1514);
	ops->close(s);
	a.args.link.mtu = 0;
	a.args.size = 65535;
	s = source(&a);
	ops->close(s);
	a.args.size = 65536;
	assert_int_equal(try_open(&s, &a), -EMSGSIZE);
	forget(&a);
	arguments(&a, 6);
	a.args.size = 61;
	assert_int_equal(try_open(&s, &a), -EINVAL);
	forget(&a);
}

static void templates_differ_by_target(void **state)
{
	struct given a, b;
	struct sp_source *sa, *sb, *sc;

	(void)state;
	arguments(&a, 4);
	arguments(&b, 4);
	sa = source(&a);
	sc = source(&a);
	b.tmpl.octets[19]++;
	sb = source(&b);
	assert_int_not_equal(ops->template_id(sa), ops->template_id(sb));
	assert_int_equal(ops->template_id(sa), ops->template_id(sc));
	ops->close(sa);
	ops->close(sb);
	ops->close(sc);
	forget(&a);
	forget(&b);
}

static void survives_lack_of_memory(void **state)
{
	struct given a;
	int rc = -ENOMEM;

	(void)state;
	arguments(&a, 4);
	for (uint64_t fail = 0; rc; fail++) {
		struct sp_mem_test t;
		struct sp_err err = { .code = 0 };
		struct sp_source *s = NULL;
		struct sp_env env = { .mem = &t.mem };

		sp_mem_test_init(&t, fail);
		rc = ops->open(&s, &a.args, &env, &err);
		assert_true(rc == 0 || (rc == -ENOMEM && err.text[0]));
		if (s)
			ops->close(s);
		assert_int_equal(t.live, 0);
	}
	forget(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_are_right_at_every_length),
		cmocka_unit_test(headers_are_those_asked_for),
		cmocka_unit_test(a_checksum_is_never_zero),
		cmocka_unit_test(a_link_header_is_kept),
		cmocka_unit_test(a_row_for_each_unit),
		cmocka_unit_test(unstamped_frames_need_no_finish),
		cmocka_unit_test(sizes_have_bounds),
		cmocka_unit_test(templates_differ_by_target),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
