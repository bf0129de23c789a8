#include "plugin/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "pkt/view.h"

extern const struct sp_source_ops sp_source_frame;
static const struct sp_source_ops *const ops = &sp_source_frame;

#define SIZE  400u
#define STAMP 18u

static struct sp_source_args arguments(int family)
{
	struct sp_source_args a = {
		.size = SIZE,
		.stamp_len = STAMP,
		.fill_csum = true,
		.from = { .port = 1234 },
		.to = { .addr = { .family = 4, .ip = { 10, 1, 1, 2 } }, .port = 5001 },
		.link = { .src_mac = { 2, 0, 0, 0, 0, 1 },
			  .dst_mac = { 2, 0, 0, 0, 0, 2 },
			  .src = { .family = 4, .ip = { 192, 0, 2, 1 } },
			  .mtu = 1500 },
	};

	if (family == 6) {
		a.to.addr = (struct sp_addr){ .family = 6, .ip = { 0xfd, 0x99, [15] = 2 } };
		a.link.src = (struct sp_addr){ .family = 6, .ip = { 0xfd, 0x99, [15] = 1 } };
	}
	return a;
}

static int try_open(struct sp_source **s, const struct sp_source_args *a)
{
	struct sp_env env = { .mem = sp_mem_system() };
	struct sp_err err = { .code = 0 };
	int r = ops->open(s, a, &env, &err);

	assert_true(r == 0 || (err.code == r && err.text[0]));
	return r;
}

static struct sp_source *source(const struct sp_source_args *a)
{
	struct sp_source *s = NULL;

	assert_int_equal(try_open(&s, a), 0);
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
		struct sp_source_args a = arguments(family);
		struct sp_source *s = source(&a);

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
	}
}

static void headers_are_those_asked_for(void **state)
{
	struct sp_source_args a = arguments(4);
	struct sp_source *s = source(&a);
	uint8_t data[60];
	struct sp_view v;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "frames");
	v = make(s, data, sizeof data, 0, &rng);
	assert_memory_equal(data, a.link.dst_mac, 6);
	assert_memory_equal(data + 6, a.link.src_mac, 6);
	assert_true(sp_addr_eq(&v.src.addr, &a.link.src)); /* from has none of its own */
	assert_int_equal(v.src.port, 1234);
	assert_true(sp_endpoint_eq(&v.dst, &a.to));
	ops->close(s);
	a.from.addr = (struct sp_addr){ .family = 4, .ip = { 10, 9, 9, 9 } };
	s = source(&a);
	v = make(s, data, sizeof data, 0, &rng);
	assert_true(sp_endpoint_eq(&v.src, &a.from));
	ops->close(s);
}

/* 0 says "no checksum", so a sum that comes out as 0 is sent as 0xffff: two bytes of stamp run
 * through all values, one of which makes it so. */
static void a_checksum_is_never_zero(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct sp_source_args a = arguments(family);
		struct sp_source *s = source(&a);
		uint32_t len = ops->len(s, 0) + 21; /* an odd place */
		uint8_t data[100] = { 0 };
		struct sp_msg m = { .data = data, .len = len };
		struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
		uint32_t all_ones = 0;

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
	}
}

static void left_to_the_transport_on_request(void **state)
{
	struct sp_source_args a = arguments(4);
	struct sp_source *s;
	struct sp_view v;
	struct sp_rng rng;
	uint8_t data[80];

	(void)state;
	sp_rng_init(&rng, 1, "frames");
	a.fill_csum = false;
	s = source(&a);
	v = make(s, data, sizeof data, 0, &rng);
	assert_int_equal(v.l4_csum, SP_CSUM_ABSENT);
	ops->close(s);
}

static void unstamped_frames_need_no_finish(void **state)
{
	struct sp_source_args a = arguments(6);
	struct sp_source *s;
	struct sp_view v;
	uint8_t data[81];
	struct sp_msg m = { .data = data, .len = sizeof data };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	(void)state;
	a.stamp_len = 0;
	s = source(&a);
	ops->fill(s, &b, 0);
	assert_int_equal(m.stamp_off, SP_NO_STAMP);
	assert_int_equal(sp_view(data, sizeof data, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_OK);
	ops->finish(s, &b, 0);
	assert_int_equal(sp_view(data, sizeof data, true, SP_CSUM_UNKNOWN, &v), 0);
	assert_int_equal(v.l4_csum, SP_CSUM_OK);
	ops->close(s);
}

static void sizes_have_bounds(void **state)
{
	struct sp_source_args a = arguments(4);
	struct sp_source *s;

	(void)state;
	a.size = 41;
	assert_int_equal(try_open(&s, &a), -EINVAL);
	a.size = 1515;
	assert_int_equal(try_open(&s, &a), -EMSGSIZE);
	a.size = 1514;
	s = source(&a);
	assert_int_equal(ops->len(s, 10), 42);
	assert_int_equal(ops->len(s, 1000), 1000);
	ops->close(s);
	a.link.mtu = 0;
	a.size = 65549;
	s = source(&a);
	ops->close(s);
	a.size = 65550;
	assert_int_equal(try_open(&s, &a), -EMSGSIZE);
	a = arguments(6);
	a.size = 61;
	assert_int_equal(try_open(&s, &a), -EINVAL);
	a = arguments(6);
	a.link.src.family = 4;
	assert_int_equal(try_open(&s, &a), -EINVAL);
}

static void templates_differ_by_target(void **state)
{
	struct sp_source_args a = arguments(4), b = arguments(4), c = arguments(4);
	struct sp_source *sa, *sb, *sc;

	(void)state;
	b.to.port++;
	c.size = 100;
	sa = source(&a);
	sb = source(&b);
	sc = source(&c);
	assert_int_not_equal(ops->template_id(sa), ops->template_id(sb));
	assert_int_equal(ops->template_id(sa), ops->template_id(sc));
	ops->close(sa);
	ops->close(sb);
	ops->close(sc);
}

static void survives_lack_of_memory(void **state)
{
	struct sp_source_args a = arguments(4);

	(void)state;
	for (uint64_t fail = 0; fail < 3; fail++) {
		struct sp_mem_test t;
		struct sp_err err = { .code = 0 };
		struct sp_source *s;
		struct sp_env env = { .mem = &t.mem };

		sp_mem_test_init(&t, fail);
		assert_int_equal(ops->open(&s, &a, &env, &err), -ENOMEM);
		assert_int_equal(t.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_are_right_at_every_length),
		cmocka_unit_test(headers_are_those_asked_for),
		cmocka_unit_test(a_checksum_is_never_zero),
		cmocka_unit_test(left_to_the_transport_on_request),
		cmocka_unit_test(unstamped_frames_need_no_finish),
		cmocka_unit_test(sizes_have_bounds),
		cmocka_unit_test(templates_differ_by_target),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
