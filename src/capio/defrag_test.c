#include "capio/defrag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"

#define SECONDS 1000000000ll

/* A datagram of UDP, 8 octets of header and a pattern. */
#define LONG	4000u

struct maker {
	uint8_t datagram[65536];
	struct sp_defrag *d;
	uint64_t packets;
	int64_t now_ns;
	struct sp_cap_packet out;
	struct sp_cap_view view;
};

static void begin(struct maker *m, size_t memory, uint32_t len)
{
	*m = (struct maker){ 0 };
	for (uint32_t i = 0; i < len; i++)
		m->datagram[i] = (uint8_t)(i * 7 + i / 251);
	sp_put_be16(m->datagram, 1000);
	sp_put_be16(m->datagram + 2, 2000);
	sp_put_be16(m->datagram + 4, (uint16_t)len);
	assert_int_equal(sp_defrag_new(&m->d, memory, sp_mem_system()), 0);
}

/* Octets from .. from + len of a datagram of an IP packet with that number. */
static int put(struct maker *m, unsigned family, uint16_t id, uint32_t from, uint32_t len,
	       bool more)
{
	static uint8_t octets[65536 + 64];
	struct sp_cap_packet p = { .number = ++m->packets, .t_ns = m->now_ns, .link = 101 };
	struct sp_cap_view c;
	uint8_t *h = octets;

	memset(octets, 0, 64);
	if (family == 4) {
		h[0] = 0x45;
		sp_put_be16(h + 2, (uint16_t)(20 + len));
		sp_put_be16(h + 4, id);
		sp_put_be16(h + 6, (uint16_t)((more ? 0x2000 : 0) | from / 8));
		h[8] = 64;
		h[9] = 17;
		memcpy(h + 12, "\12\0\0\1\12\0\0\2", 8);
		h += 20;
	} else {
		h[0] = 0x60;
		sp_put_be16(h + 4, (uint16_t)(8 + len));
		h[6] = 44;
		h[7] = 64;
		h[8] = h[24] = 0x20;
		h[23] = 1;
		h[39] = 2;
		h[40] = 17;
		sp_put_be16(h + 42, (uint16_t)(from | more));
		sp_put_be16(h + 46, id);
		h += 48;
	}
	memcpy(h, m->datagram + from, len);
	p.data = octets;
	p.len = p.orig_len = (uint32_t)(h - octets) + len;
	sp_cap_view(&p, &c);
	assert_true(c.v.fragment);
	return sp_defrag_put(m->d, &p, &c, &m->out, &m->view);
}

static void is_whole(const struct maker *m, unsigned family, uint32_t len)
{
	const struct sp_view *v = &m->view.v;

	assert_null(m->view.odd);
	assert_false(v->fragment);
	assert_int_equal(v->src.addr.family, family);
	assert_int_equal(v->src.port, 1000);
	assert_int_equal(v->payload_len, len - 8);
	assert_memory_equal(m->out.data + v->payload_off, m->datagram + 8, len - 8);
	assert_int_equal(m->out.number, m->packets);
}

static void end(struct maker *m, uint64_t lost, uint64_t overlapping, uint64_t too_long)
{
	sp_defrag_finish(m->d);
	assert_int_equal(sp_defrag_odd(m->d)->lost, lost);
	assert_int_equal(sp_defrag_odd(m->d)->overlapping, overlapping);
	assert_int_equal(sp_defrag_odd(m->d)->too_long, too_long);
	sp_defrag_free(m->d);
}

static void any_order(void **state)
{
	struct sp_rng r;

	(void)state;
	sp_rng_init(&r, 3, NULL);
	for (unsigned round = 0; round < 200; round++) {
		static struct maker m;
		uint32_t from[LONG / 8], n = 0, at = 0;
		unsigned family = round % 2 ? 4 : 6;
		int whole = 0;

		begin(&m, 0, LONG);
		while (at < LONG) {
			from[n++] = at;
			at += 8 * (1 + (uint32_t)sp_rng_below(&r, 60));
		}
		for (uint32_t i = n; i > 1; i--) {
			uint32_t k = (uint32_t)sp_rng_below(&r, i), t = from[k];

			from[k] = from[i - 1];
			from[i - 1] = t;
		}
		for (uint32_t i = 0; i < n; i++) {
			uint32_t to = LONG;

			for (uint32_t k = 0; k < n; k++)
				if (from[k] > from[i] && from[k] < to)
					to = from[k];
			assert_int_equal(whole, 0);
			whole = put(&m, family, 77, from[i], to - from[i], to < LONG);
		}
		assert_int_equal(whole, 1);
		is_whole(&m, family, LONG);
		end(&m, 0, 0, 0);
	}
}

static void twice_and_between_others(void **state)
{
	static struct maker m;

	(void)state;
	begin(&m, 0, 64);
	assert_int_equal(put(&m, 4, 1, 0, 32, true), 0);
	assert_int_equal(put(&m, 4, 2, 32, 32, false), 0);
	assert_int_equal(put(&m, 6, 1, 0, 32, true), 0);
	assert_int_equal(put(&m, 4, 1, 0, 32, true), 0);
	assert_int_equal(put(&m, 4, 1, 32, 32, false), 1);
	is_whole(&m, 4, 64);
	assert_int_equal(put(&m, 6, 1, 32, 32, false), 1);
	is_whole(&m, 6, 64);
	end(&m, 1, 0, 0);
}

static void overlaps_are_given_up(void **state)
{
	static struct maker m;

	(void)state;
	begin(&m, 0, 64);
	assert_int_equal(put(&m, 4, 1, 0, 32, true), 0);
	assert_int_equal(put(&m, 4, 1, 24, 40, false), 0);
	assert_int_equal(put(&m, 4, 1, 32, 32, false), 0); /* it stays so */
	assert_int_equal(put(&m, 4, 2, 32, 24, false), 0);
	assert_int_equal(put(&m, 4, 2, 32, 32, false), 0); /* two ends */
	end(&m, 5, 2, 0);
}

static void no_packet_is_longer_than_ip_can_say(void **state)
{
	static struct maker m;

	(void)state;
	begin(&m, 0, 64);
	assert_int_equal(put(&m, 4, 1, 65488, 32, false), 0);
	assert_int_equal(put(&m, 4, 1, 0, 64, true), 0);
	end(&m, 2, 0, 1);
}

static void bounds(void **state)
{
	static struct maker m;

	(void)state;
	/* Time. */
	begin(&m, 0, 64);
	assert_int_equal(put(&m, 4, 1, 0, 32, true), 0);
	m.now_ns = 61 * SECONDS;
	assert_int_equal(put(&m, 4, 1, 32, 32, false), 0);
	end(&m, 2, 0, 0);
	/* Packets. */
	begin(&m, 0, 64);
	for (unsigned i = 0; i <= SP_DEFRAG_PACKETS; i++)
		assert_int_equal(put(&m, 4, (uint16_t)i, 0, 32, true), 0);
	assert_int_equal(put(&m, 4, SP_DEFRAG_PACKETS, 32, 32, false), 1);
	assert_int_equal(put(&m, 4, 0, 32, 32, false), 0);
	end(&m, SP_DEFRAG_PACKETS + 1, 0, 0);
	/* Memory. */
	begin(&m, 5000, LONG);
	assert_int_equal(put(&m, 4, 1, 0, 3000, true), 0);
	assert_int_equal(put(&m, 4, 2, 0, 3000, true), 0);
	assert_int_equal(put(&m, 4, 2, 3000, 1000, false), 1);
	assert_int_equal(put(&m, 4, 1, 3000, 1000, false), 0);
	end(&m, 2, 0, 0);
}

static void allocations_may_fail(void **state)
{
	static struct maker m;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc < 0; i++) {
		struct sp_mem_test mem;

		begin(&m, 0, 64);
		sp_defrag_free(m.d);
		sp_mem_test_init(&mem, i);
		rc = sp_defrag_new(&m.d, 0, &mem.mem);
		if (!rc)
			rc = put(&m, 4, 1, 0, 32, true);
		if (!rc)
			rc = put(&m, 4, 1, 32, 32, false);
		assert_true(rc == 1 || rc == -ENOMEM);
		sp_defrag_free(m.d);
		assert_int_equal(mem.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),
		cmocka_unit_test(twice_and_between_others),
		cmocka_unit_test(overlaps_are_given_up),
		cmocka_unit_test(no_packet_is_longer_than_ip_can_say),
		cmocka_unit_test(bounds),
		cmocka_unit_test(allocations_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
