#include "pkt/patch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"
#include "pkt/crc32c.h"
#include "pkt/csum.h"

#define MOST  512u
#define STAMP 18u
#define BATCH 7u

/* A template with all that it points to. */
struct made {
	struct sp_template t;
	uint8_t octets[MOST];
	struct sp_place place[8];
	struct sp_sum sum[4];
	struct sp_length length[4];
	uint8_t table[64 * 8];
	uint8_t row[8 * MOST];
	struct sp_rows rows;
	struct sp_patch_conf conf;
	uint8_t prefix[14];
};

static uint64_t below(struct sp_rng *rng, uint64_t n)
{
	return sp_rng_below(rng, n);
}

static void random_octets(struct sp_rng *rng, uint8_t *at, size_t n)
{
	while (n--)
		*at++ = (uint8_t)sp_rng_u64(rng);
}

/* Places do not lie on sums and lengths: those have octets of their own, before `from`. */
static void random_place(struct made *m, struct sp_rng *rng, struct sp_place *p, uint32_t from,
			 uint32_t to)
{
	*p = (struct sp_place){ .bytes = (uint8_t)(1 + below(rng, 8)),
				.how = (uint8_t)below(rng, 3),
				.first = sp_rng_u64(rng),
				.step = below(rng, 2) ? 1 : sp_rng_u64(rng),
				.count = 1 + below(rng, 64),
				.every = 1 + below(rng, 5) * below(rng, 2),
				.table = m->table };
	p->off = (uint16_t)(from + below(rng, to - from - p->bytes));
	p->mask = below(rng, 2) ? UINT64_MAX : sp_rng_u64(rng);
	p->shift = (uint8_t)below(rng, 8);
	if (p->bytes < 8)
		p->mask &= (1ull << 8 * p->bytes) - 1;
	if (p->how == SP_VARY_RANDOM && below(rng, 2))
		p->count = 0;
}

static bool is_across(const struct sp_place *p, uint32_t border)
{
	return p->off < border && p->off + p->bytes > border;
}

/* No bit of a packet is written by two places, octets may be. */
static bool takes_free_bits(const struct made *m, uint32_t index)
{
	uint8_t taken[2][MOST] = { { 0 } };
	const struct sp_place *p = &m->place[index];

	/* Ends of addresses and of what is summed up. */
	if (is_across(p, 36) || is_across(p, 50) || is_across(p, 52) || is_across(p, 104) ||
	    is_across(p, 100) || is_across(p, 108))
		return false;
	for (uint32_t i = 0; i <= index; i++)
		for (uint32_t k = 0; k < m->place[i].bytes; k++)
			taken[i == index][m->place[i].off + k] |=
				(uint8_t)(m->place[i].mask >> 8 * (m->place[i].bytes - 1 - k));
	for (uint32_t i = 0; i < MOST; i++)
		if (taken[0][i] & taken[1][i])
			return false;
	return true;
}

/* An outer packet with sums over an inner one's: headers of 120 octets, each with 16 that hold
 * checksums and lengths at their beginning. */
static void random_template(struct made *m, struct sp_rng *rng, bool crc)
{
	struct sp_template *t = &m->t;
	uint32_t odd = (uint32_t)below(rng, 2);

	memset(m, 0, sizeof *m);
	random_octets(rng, m->octets, sizeof m->octets);
	random_octets(rng, m->table, sizeof m->table);
	random_octets(rng, m->row, sizeof m->row);
	random_octets(rng, m->prefix, sizeof m->prefix);
	m->sum[0] = (struct sp_sum){ .off = (uint16_t)(62 + odd),
				     .from = (uint16_t)(60 + odd),
				     .kind = crc ? SP_SUM_CRC32C : SP_SUM_UDP,
				     .addr_len = crc ? 0 : 16,
				     .proto = 17,
				     .src = 20,
				     .dst = 36 };
	m->sum[1] = (struct sp_sum){ .off = 8, .from = 6, .to = 50, .kind = SP_SUM_INET };
	m->sum[2] = (struct sp_sum){ .off = 4,
				     .from = 4,
				     .kind = SP_SUM_INET,
				     .addr_len = 4,
				     .proto = 6,
				     .src = 100,
				     .dst = 104 };
	m->length[0] = (struct sp_length){ .off = 10, .less = 6, .bytes = 2, .unit = 1 };
	m->length[1] = (struct sp_length){ .off = 12, .less = 2, .bytes = 4, .unit = 4 };
	m->length[2] = (struct sp_length){ .off = 16, .less = 0, .bytes = 1, .unit = 8 };
	t->n_places = (uint32_t)below(rng, 8);
	for (uint32_t i = 0; i < t->n_places; i++) {
		bool first = below(rng, 2);

		do
			random_place(m, rng, &m->place[i], first ? 20 : 70, first ? 60 : 120);
		while (!takes_free_bits(m, i));
	}
	t->octets = m->octets;
	t->len = 130;
	t->payload_off = 120;
	t->place = m->place;
	t->sum = m->sum;
	t->n_sums = 3;
	t->length = m->length;
	t->n_lengths = 3;
	t->seed = sp_rng_u64(rng);
	m->conf = (struct sp_patch_conf){
		.prefix = m->prefix,
		.prefix_len = (uint32_t)below(rng, sizeof m->prefix + 1),
		.max_len = 400,
		.keep = (uint32_t)below(rng, 3) * 7,
		.stamp_len = below(rng, 2) ? STAMP : 0,
		.max_batch = BATCH,
		.rows = &m->rows,
	};
	m->rows = (struct sp_rows){ .bytes = m->row,
				    .n = 1 + (uint32_t)below(rng, 2) * 7,
				    .len = 300,
				    .drawn = below(rng, 2),
				    .seed = 5 };
}

/* ---- the same, from the words of template.h ---- */

static uint64_t get(const uint8_t *at, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *at++;
	return v;
}

static void put(uint8_t *at, unsigned n, uint64_t v)
{
	for (; n--; v >>= 8)
		at[n] = (uint8_t)v;
}

static uint64_t nth(const struct made *m, uint32_t index, uint64_t unit)
{
	const struct sp_place *p = &m->place[index];
	uint64_t k = unit / p->every, r;

	if (p->how == SP_VARY_RANDOM) {
		r = sp_draw(m->t.seed, index, k);
		if (p->count)
			r = p->first +
			    (uint64_t)((unsigned __int128)r * p->count >> 64) * p->step;
		return r << p->shift;
	}
	k %= p->count;
	if (p->how == SP_VARY_TABLE)
		return get(m->table + k * p->bytes, p->bytes);
	return (p->first + k * p->step) << p->shift;
}

static void full_sum(uint8_t *pkt, uint32_t len, const struct sp_sum *s)
{
	uint32_t to = s->to ? s->to : len, n = to - s->from;
	uint64_t sum = 0;
	uint32_t crc;
	uint16_t field;

	if (s->kind == SP_SUM_CRC32C) {
		memset(pkt + s->off, 0, 4);
		crc = sp_crc32c(pkt + s->from, n);
		for (unsigned i = 0; i < 4; i++)
			pkt[s->off + i] = (uint8_t)(crc >> 8 * i);
		return;
	}
	memset(pkt + s->off, 0, 2);
	if (s->addr_len == 4)
		sum = sp_csum_pseudo4(pkt + s->src, pkt + s->dst, s->proto, (uint16_t)n);
	if (s->addr_len == 16)
		sum = sp_csum_pseudo6(pkt + s->src, pkt + s->dst, s->proto, n);
	sum = sp_csum_add(sum, pkt + s->from, n);
	field = s->kind == SP_SUM_UDP ? sp_csum_finish_udp(sum) : sp_csum_finish(sum);
	memcpy(pkt + s->off, &field, sizeof field);
}

/* Unit number `unit` of len octets from scratch: stamp NULL where there is none. */
static void from_scratch(const struct made *m, uint64_t unit, uint32_t len,
			 const uint8_t *stamp, uint8_t *out)
{
	const struct sp_patch_conf *c = &m->conf;
	uint32_t whole = len - c->prefix_len, tail = whole - 120;
	uint8_t *pkt = out + c->prefix_len;
	uint64_t row = unit % m->rows.n;

	if (m->rows.drawn && m->rows.n > 1)
		row = (uint64_t)((unsigned __int128)sp_draw(m->rows.seed, UINT32_MAX, unit) *
					 m->rows.n >>
				 64);
	memcpy(out, m->prefix, c->prefix_len);
	memcpy(pkt, m->octets, 120);
	memcpy(pkt + 120, m->row + row * m->rows.len, tail);
	for (uint32_t i = 0; i < m->t.n_places; i++) {
		const struct sp_place *p = &m->place[i];

		put(pkt + p->off, p->bytes,
		    (get(pkt + p->off, p->bytes) & ~p->mask) | (nth(m, i, unit) & p->mask));
	}
	for (uint32_t i = 0; i < m->t.n_lengths; i++) {
		const struct sp_length *l = &m->length[i];

		put(pkt + l->off, l->bytes, (whole - l->less) / l->unit);
	}
	if (stamp)
		memcpy(out + len - STAMP, stamp, STAMP);
	for (uint32_t i = 0; i < m->t.n_sums; i++)
		full_sum(pkt, whole, &m->sum[i]);
}

/* ---- tests ---- */

static struct sp_patch *patch_of(const struct made *m)
{
	struct sp_patch *p = NULL;

	assert_int_equal(sp_patch_new(&p, &m->t, &m->conf, sp_mem_system()), 0);
	return p;
}

static bool is_stamped(const struct made *m, const struct sp_patch *p, uint32_t len)
{
	return m->conf.stamp_len && len - sp_patch_head(p) >= m->conf.keep + m->conf.stamp_len;
}

/* One batch of units from `unit` on, of len[i] each; slots hold earlier units where held says so. */
static void check_batch(const struct made *m, struct sp_patch *p, struct sp_rng *rng,
			uint64_t unit, const uint32_t *len, uint8_t slots[BATCH][MOST],
			bool held)
{
	struct sp_msg msg[BATCH];
	struct sp_batch b = { .n = BATCH, .cap = BATCH, .m = msg };
	uint8_t expected[MOST];

	for (uint32_t i = 0; i < BATCH; i++)
		msg[i] = (struct sp_msg){ .data = slots[i],
					  .len = len[i],
					  .flags = held ? SP_M_HELD : 0 };
	sp_patch_fill(p, &b, 0);
	/* A refused burst is stamped and finished anew. */
	for (uint32_t tries = 0; tries < 2; tries++) {
		uint32_t from = tries * 3;

		for (uint32_t i = from; i < BATCH; i++)
			if (is_stamped(m, p, len[i]))
				random_octets(rng, slots[i] + msg[i].stamp_off, STAMP);
		sp_patch_finish(p, &b, from);
	}
	for (uint32_t i = 0; i < BATCH; i++) {
		bool stamped = is_stamped(m, p, len[i]);

		assert_int_equal(msg[i].stamp_off, stamped ? len[i] - STAMP : SP_NO_STAMP);
		from_scratch(m, unit + i, len[i], stamped ? slots[i] + len[i] - STAMP : NULL,
			     expected);
		assert_memory_equal(slots[i], expected, len[i]);
	}
}

static void check_template(const struct made *m, struct sp_rng *rng)
{
	struct sp_patch *p = patch_of(m);
	uint32_t least = sp_patch_head(p);
	uint8_t slots[BATCH][MOST];
	uint64_t unit = 0;

	assert_int_equal(least, m->conf.prefix_len + 120);
	for (uint32_t round = 0; round < 6; round++) {
		bool mixed = round > 3;
		uint32_t len[BATCH];

		for (uint32_t i = 0; i < BATCH; i++)
			len[i] = i && !mixed ? len[0]
					     : least + (uint32_t)below(rng, m->conf.max_len -
										    least + 1);
		random_octets(rng, slots[0], sizeof slots);
		if (round == 3) {
			unit = sp_rng_u64(rng) >> 8;
			sp_patch_seek(p, unit);
		}
		for (uint32_t again = 0; again < 3; again++, unit += BATCH)
			check_batch(m, p, rng, unit, len, slots, again > 0);
	}
	sp_patch_free(p);
}

static void what_is_patched_is_what_is_built(void **state)
{
	static struct made m;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 4, "templates");
	for (uint32_t i = 0; i < 2000; i++) {
		random_template(&m, &rng, i % 3 == 0);
		check_template(&m, &rng);
	}
}

/* Of UDP a sum that comes out as 0 is written as 0xffff. */
static void a_udp_sum_is_never_zero(void **state)
{
	static struct made m;
	struct sp_patch *p;
	uint8_t data[MOST];
	struct sp_msg msg = { .data = data, .len = 130 };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &msg };
	uint32_t all_ones = 0;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 9, "zero");
	random_template(&m, &rng, false);
	m.conf.prefix_len = m.conf.stamp_len = 0;
	m.rows.n = 1;
	m.t.n_places = 1;
	m.place[0] = (struct sp_place){
		.off = 80, .bytes = 2, .mask = 0xffff, .step = 1, .count = 65536, .every = 1
	};
	p = patch_of(&m);
	for (uint32_t i = 0; i < 65536; i++) {
		sp_patch_fill(p, &b, 0);
		msg.flags = SP_M_HELD;
		assert_true(get(data + m.sum[0].off, 2) != 0);
		all_ones += get(data + m.sum[0].off, 2) == 0xffff;
	}
	/* 0 and 0xffff are one number to such sums. */
	assert_true(all_ones == 1 || all_ones == 2);
	sp_patch_free(p);
}

/* Several fields walk through all their combinations, the last written fastest. */
static void walks_are_odometers(void **state)
{
	static struct made m;
	uint8_t seen[12] = { 0 }, data[MOST];
	struct sp_msg msg = { .data = data, .len = 140 };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &msg };
	struct sp_patch *p;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 9, "walk");
	random_template(&m, &rng, false);
	m.conf.prefix_len = 0;
	m.t.n_places = 2;
	m.place[0] = (struct sp_place){
		.off = 80, .bytes = 1, .mask = 255, .step = 4, .count = 3, .every = 4
	};
	m.place[1] = (struct sp_place){
		.off = 81, .bytes = 1, .mask = 255, .step = 1, .count = 4, .every = 1
	};
	p = patch_of(&m);
	for (uint32_t i = 0; i < 24; i++) {
		sp_patch_fill(p, &b, 0);
		assert_int_equal(data[80] + data[81], i % 12);
		seen[i % 12]++;
	}
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(seen[i], 2);
	sp_patch_free(p);
}

static void a_random_range_is_even(void **state)
{
	uint32_t seen[16] = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 16000; i++)
		seen[(unsigned __int128)sp_draw(7, 3, i) * 16 >> 64]++;
	for (uint32_t i = 0; i < 16; i++)
		assert_in_range(seen[i], 850, 1150);
	assert_true(sp_draw(7, 3, 0) != sp_draw(7, 4, 0));
	assert_true(sp_draw(7, 3, 0) != sp_draw(8, 3, 0));
}

static void unsound_templates_are_refused(void **state)
{
	static struct made m, good;
	struct sp_patch *p;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 1, "unsound");
	random_template(&good, &rng, false);
#define REFUSED(change)                                                                        \
	do {                                                                                   \
		m = good;                                                                      \
		m.t.n_places = 1;                                                              \
		m.place[0] = (struct sp_place){ .off = 80, .bytes = 2, .count = 1 };           \
		m.t.place = m.place;                                                           \
		m.t.sum = m.sum;                                                               \
		m.t.length = m.length;                                                         \
		m.t.octets = m.octets;                                                         \
		m.conf.rows = &m.rows;                                                         \
		change;                                                                        \
		assert_int_equal(sp_patch_new(&p, &m.t, &m.conf, sp_mem_system()), -EINVAL);   \
		assert_null(p);                                                                \
	} while (0)
	REFUSED(m.place[0].bytes = 9);
	REFUSED(m.place[0].bytes = 0);
	REFUSED(m.place[0].off = 200);
	REFUSED((m.place[0].how = SP_VARY_WALK, m.place[0].count = 0));
	REFUSED((m.place[0].how = SP_VARY_TABLE, m.place[0].count = 1,
		 m.place[0].table = NULL));
	REFUSED(m.sum[1].off = 119);
	REFUSED(m.sum[1].to = 300);
	REFUSED(m.sum[0].dst = 110);
	REFUSED(m.length[1].off = 118);
	REFUSED(m.t.payload_off = 131);
	REFUSED(m.place[0].off = 99);
	REFUSED(m.conf.max_len = 100);
	REFUSED(m.conf.max_len = 70000);
	REFUSED(m.rows.len = 20);
	REFUSED(m.conf.rows = NULL);
	REFUSED(m.t.fixed = true);
}

static void survives_a_lack_of_memory(void **state)
{
	static struct made m;
	struct sp_rng rng;
	int rc = -ENOMEM;

	(void)state;
	sp_rng_init(&rng, 2, "memory");
	random_template(&m, &rng, false);
	for (uint64_t n = 0; rc; n++) {
		struct sp_mem_test test;
		struct sp_patch *p;

		sp_mem_test_init(&test, n);
		rc = sp_patch_new(&p, &m.t, &m.conf, &test.mem);
		assert_true(rc == 0 || rc == -ENOMEM);
		sp_patch_free(p);
		assert_int_equal(test.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_patched_is_what_is_built),
		cmocka_unit_test(a_udp_sum_is_never_zero),
		cmocka_unit_test(walks_are_odometers),
		cmocka_unit_test(a_random_range_is_even),
		cmocka_unit_test(unsound_templates_are_refused),
		cmocka_unit_test(survives_a_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
