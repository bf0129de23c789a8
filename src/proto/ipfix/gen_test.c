#include "proto/ipfix/gen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/clock.h"
#include "plugin/source.h"

extern const struct sp_source_ops sp_source_ipfix, sp_source_netflow9, sp_source_netflow5;

#define NOW_NS INT64_C(1767225600500000000)
#define ROOM   65536u

static struct sp_ipfix_gen_conf conf(void)
{
	return (struct sp_ipfix_gen_conf){ .cardinality = 1000,
					   .sources = "10.0.0.0/16",
					   .destinations = "192.0.2.0/24",
					   .interfaces = 8,
					   .as_numbers = 16,
					   .sampling = 1,
					   .template_packets = 20,
					   .domain = 7,
					   .domains = 1 };
}

static struct sp_ipfix_gen make(const struct sp_ipfix_gen_conf *c, uint16_t version)
{
	struct sp_ipfix_gen g;
	struct sp_err err = { 0 };

	assert_int_equal(sp_ipfix_gen_init(&g, c, version, 42, &err), 0);
	g.boot_ns = NOW_NS - 3600 * INT64_C(1000000000);
	return g;
}

static uint32_t put(const struct sp_ipfix_gen *g, uint64_t unit, bool templates,
		    uint8_t out[ROOM])
{
	struct sp_wr w = sp_wr_of(out, sp_ipfix_gen_longest(g));

	sp_ipfix_gen_put(g, unit, NOW_NS, templates, &w);
	assert_false(w.bad);
	return (uint32_t)(w.p - out);
}

/* Cisco's layout, octet by octet. */
static void v5_has_its_layout(void **state)
{
	struct sp_ipfix_gen_conf c = conf();
	struct sp_ipfix_gen_flow f;
	struct sp_ipfix_gen g;
	static uint8_t m[ROOM];
	uint32_t len;

	(void)state;
	c.flows = 3;
	c.sampling = 100;
	g = make(&c, 5);
	len = put(&g, 4, false, m);
	assert_int_equal(len, 24 + 3 * 48);
	assert_int_equal(sp_get_be16(m), 5);
	assert_int_equal(sp_get_be16(m + 2), 3);
	assert_int_equal(sp_get_be32(m + 4), 3600 * 1000);
	assert_int_equal(sp_get_be32(m + 8), NOW_NS / 1000000000);
	assert_int_equal(sp_get_be32(m + 12), 500000000);
	assert_int_equal(sp_get_be32(m + 16), 12); /* flows before */
	assert_int_equal(m[21], 7);
	assert_int_equal(sp_get_be16(m + 22), 0x4000 | 100);
	sp_ipfix_gen_flow(&g.model, 4 * 3 + 1, &f);
	assert_memory_equal(m + 24 + 48, f.src.ip, 4);
	assert_memory_equal(m + 24 + 48 + 4, f.dst.ip, 4);
	assert_int_equal(sp_get_be32(m + 24 + 48 + 16), f.packets);
	assert_int_equal(sp_get_be32(m + 24 + 48 + 20), f.bytes);
	assert_int_equal(sp_get_be32(m + 24 + 48 + 24), 3600 * 1000 - f.begin_ms);
	assert_int_equal(sp_get_be16(m + 24 + 48 + 32), f.src_port);
	assert_int_equal(m[24 + 48 + 38], f.proto);
}

/* Walks the sets of a message; the record's octets from a template that was read on the way. */
static void follow_sets(const struct sp_ipfix_gen *g, uint64_t unit, bool templates)
{
	static uint8_t m[ROOM];
	uint32_t len = put(g, unit, templates, m), header = g->version == 9 ? 20 : 16;
	uint32_t record = 0, records = 0, seen = 0;

	for (uint32_t at = header; at < len;) {
		uint16_t id = sp_get_be16(m + at), size = sp_get_be16(m + at + 2);

		assert_true(size >= 4 && at + size <= len);
		assert_int_equal(size % 4, 0);
		if (id == (g->version == 9 ? 0 : 2)) {
			uint16_t n = sp_get_be16(m + at + 6);

			assert_int_equal(size, 8 + 4 * n);
			for (uint16_t i = 0; i < n; i++)
				record += sp_get_be16(m + at + 8 + 4 * i + 2);
		}
		if (id == 256 || id == 257)
			records = record ? (size - 4) / record : g->flows;
		seen |= id < 4 ? 1u << id : id == 512 ? 1u << 4 : 1u << 5;
		at += size;
	}
	assert_int_equal(records, g->flows);
	assert_true(seen & 1u << 5);
	assert_int_equal(!!(seen & 1u << (g->version == 9 ? 0 : 2)), templates);
	if (g->version == 10)
		assert_int_equal(sp_get_be16(m + 2), len);
}

static void sets_are_whole(void **state)
{
	(void)state;
	for (uint16_t version = 9; version <= 10; version++)
		for (unsigned six = 0; six < 2; six++)
			for (unsigned sampled = 0; sampled < 2; sampled++) {
				struct sp_ipfix_gen_conf c = conf();
				struct sp_ipfix_gen g;

				c.sampling = sampled ? 1000 : 1;
				c.sources = six ? "2001:db8::/64" : c.sources;
				c.destinations = six ? "2001:db8:1::/64" : c.destinations;
				g = make(&c, version);
				for (uint64_t u = 0; u < 45; u++)
					follow_sets(&g, u, sp_ipfix_gen_templates_due(&g, u));
				assert_true(sp_ipfix_gen_longest(&g) <= 1452);
			}
}

/* v9 counts messages, IPFIX data records (RFC 7011 3.1: options data too), each domain its own. */
static void sequence_numbers_count_what_they_should(void **state)
{
	static uint8_t m[ROOM];
	struct sp_ipfix_gen_conf c = conf();

	(void)state;
	c.flows = 5;
	c.domains = 2;
	c.template_packets = 3;
	for (unsigned sampled = 0; sampled < 2; sampled++) {
		uint32_t records[2] = { 0 }, messages[2] = { 0 };
		struct sp_ipfix_gen g;

		c.sampling = sampled ? 10 : 1;
		for (uint64_t u = 0; u < 40; u++) {
			unsigned d = u % 2;

			g = make(&c, 10);
			put(&g, u, sp_ipfix_gen_templates_due(&g, u), m);
			assert_int_equal(sp_get_be32(m + 8), records[d]);
			assert_int_equal(sp_get_be32(m + 12), 7 + d);
			records[d] += 5u + (sampled && sp_ipfix_gen_templates_due(&g, u));
			g = make(&c, 9);
			put(&g, u, sp_ipfix_gen_templates_due(&g, u), m);
			assert_int_equal(sp_get_be32(m + 12), messages[d]++);
			assert_int_equal(sp_get_be32(m + 16), 7 + d);
		}
	}
}

/* As many 5-tuples as asked for, each once in so many records. */
static void cardinality_is_exact(void **state)
{
	static uint8_t seen[64512 / 8];
	struct sp_ipfix_gen_conf c = conf();
	struct sp_ipfix_gen_flow f, again;
	struct sp_ipfix_gen g;

	(void)state;
	c.sources = "10.0.0.1";
	c.cardinality = 64512; /* all ports of one address */
	g = make(&c, 10);
	memset(seen, 0, sizeof seen);
	for (uint64_t r = 0; r < c.cardinality; r++) {
		unsigned k;

		sp_ipfix_gen_flow(&g.model, r, &f);
		assert_true(f.src_port >= 1024);
		assert_true(f.packets >= 1 && f.packets <= 65536 && f.bytes >= 40 * f.packets);
		assert_true(f.begin_ms >= f.end_ms);
		k = f.src_port - 1024u;
		assert_false(seen[k / 8] & 1u << k % 8);
		seen[k / 8] = (uint8_t)(seen[k / 8] | 1u << k % 8);
	}
	sp_ipfix_gen_flow(&g.model, c.cardinality + 5, &again);
	sp_ipfix_gen_flow(&g.model, 5, &f);
	assert_int_equal(f.src_port, again.src_port);
	assert_memory_equal(&f.dst, &again.dst, sizeof f.dst);
	assert_int_not_equal(f.bytes, again.bytes);
}

static void says_what_cannot_be(void **state)
{
	static const struct {
		const char *src, *dst;
		uint64_t flows, cardinality, sampling, domains;
		uint16_t version;
		const char *says;
	} rows[] = {
		{ "10.0.0.0/33", "192.0.2.0/24", 0, 10, 1, 1, 10, "is no prefix" },
		{ "10.0.0.0/24", "x", 0, 10, 1, 1, 10, "destinations 'x'" },
		{ "10.0.0.0/24", "2001:db8::/64", 0, 10, 1, 1, 10, "two families" },
		{ "10.0.0.1", "192.0.2.0/24", 0, 64513, 1, 1, 10, "64512 ports" },
		{ "2001:db8::/64", "2001:db8::/64", 0, 10, 1, 1, 5, "no IPv6" },
		{ "10.0.0.0/24", "192.0.2.0/24", 31, 10, 1, 1, 5, "at most 30" },
		{ "10.0.0.0/24", "192.0.2.0/24", 1399, 10, 1, 1, 10, "flows 1399" },
		{ "10.0.0.0/24", "192.0.2.0/24", 0, 10, 20000, 1, 5, "16383" },
		{ "10.0.0.0/24", "192.0.2.0/24", 0, 10, 1, 300, 5, "8 bits" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_ipfix_gen_conf c = conf();
		struct sp_ipfix_gen g;
		struct sp_err err = { 0 };

		c.sources = rows[i].src;
		c.destinations = rows[i].dst;
		c.flows = rows[i].flows;
		c.cardinality = rows[i].cardinality;
		c.sampling = rows[i].sampling;
		c.domains = rows[i].domains;
		assert_true(sp_ipfix_gen_init(&g, &c, rows[i].version, 1, &err) < 0);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

/* ---- the source ---- */

static struct sp_source *open_it(const struct sp_source_ops *ops, struct sp_ipfix_gen_conf *c,
				 struct sp_arena *arena, struct sp_clock *clock)
{
	struct sp_source_args args = { .conf = c, .seed = 9 };
	struct sp_env env = { .mem = sp_mem_system(), .clock = clock };
	struct sp_source *s = NULL;

	sp_arena_init(arena, sp_mem_system());
	sp_clock_init_virtual(clock, 1000);
	assert_int_equal(sp_opts_default(ops->opts, c, arena, NULL), 0);
	assert_int_equal(ops->open(&s, &args, &env, NULL), 0);
	return s;
}

struct taken {
	struct sp_str text;
	uint64_t lines;
	int fail;
};

static int take(void *arg, const char *text, size_t len)
{
	struct taken *t = arg;

	for (size_t i = 0; i < len; i++)
		t->lines += text[i] == '\n';
	sp_str_put(&t->text, text, len);
	return t->fail;
}

/* Refused units are made again, with the same numbers. */
static void units_have_no_gaps(void **state)
{
	static uint8_t room[4][ROOM];
	const struct sp_source_ops *ops = &sp_source_netflow9;
	struct sp_ipfix_gen_conf c = { 0 };
	struct sp_clock clock;
	struct sp_arena arena;
	struct sp_source *s = open_it(ops, &c, &arena, &clock);
	struct sp_msg m[4];
	struct sp_batch b = { .n = 4, .cap = 4, .m = m };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		m[i] = (struct sp_msg){ .data = room[i], .t_ns = 5000 + i };
	ops->fill(s, &b, 0);
	assert_int_equal(ops->unit(s), 4);
	assert_int_equal(sp_get_be32(room[3] + 12), 3);
	assert_true(m[0].len > m[1].len); /* templates in front */
	/* The first has not left: what follows it takes its place, templates and all. */
	ops->seek(s, 0);
	ops->fill(s, &b, 1);
	assert_int_equal(sp_get_be32(room[1] + 12), 0);
	assert_int_equal(sp_get_be32(room[3] + 12), 2);
	assert_int_equal(sp_get_be16(room[1] + 20), 0);
	ops->close(s);
	sp_arena_fini(&arena);
}

static void truth_is_what_left(void **state)
{
	const struct sp_source_ops *all[] = { &sp_source_ipfix, &sp_source_netflow9,
					      &sp_source_netflow5 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct sp_ipfix_gen_conf c = { 0 };
		struct sp_clock clock;
		struct sp_arena arena;
		struct sp_source *s = open_it(all[i], &c, &arena, &clock);
		struct taken t = { .lines = 0 };
		struct sp_truth truth = { take, &t };

		sp_str_init(&t.text, sp_mem_system());
		assert_int_equal(all[i]->truth(s, 0, &truth), 0);
		assert_int_equal(t.lines, 0);
		assert_int_equal(all[i]->truth(s, 200, &truth), 0);
		assert_int_equal(t.lines % 200, 0);
		assert_true(t.lines >= 200 * 10);
		assert_non_null(strstr(t.text.text, "{\"kind\":\"flow\",\"exporter\":1,"));
		t.fail = -ENOSPC;
		assert_int_equal(all[i]->truth(s, 200, &truth), -ENOSPC);
		sp_str_fini(&t.text);
		all[i]->close(s);
		sp_arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v5_has_its_layout),
		cmocka_unit_test(sets_are_whole),
		cmocka_unit_test(sequence_numbers_count_what_they_should),
		cmocka_unit_test(cardinality_is_exact),
		cmocka_unit_test(says_what_cannot_be),
		cmocka_unit_test(units_have_no_gaps),
		cmocka_unit_test(truth_is_what_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
