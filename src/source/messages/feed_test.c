/* Units that are read ahead of the player are those that would be in memory, in the same order, at the
 * same times; memory is bounded; and what was not judged does not come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <glob.h>

#include "source/messages/play.h"
#include "source/messages/testing.h"

#define SMALL 2048u /* octets that are read ahead: less than any of the captures has */

/* One way of playing captures. */
struct way {
	struct sp_arena arena;
	struct msg_sections sections;
	struct msg_load load;
	struct sp_clock clock;
	struct msg_store store;
	struct msg_feed *feed;
	struct msg_play play;
	struct sp_err err;
};

struct what {
	const char *paths[4];
	uint32_t n_paths;
	uint32_t order[12];
	uint32_t n_order;
	const char *sections, *own;
	uint32_t exporters;
	uint64_t spread_ns;
	bool sync;
};

static int open_way(struct way *w, const struct what *what, uint64_t ahead,
		    const struct sp_mem *mem)
{
	struct msg_feed_conf feed = { .store = &w->store,
				      .load = &w->load,
				      .order = what->order,
				      .n = what->n_order,
				      .clock = &w->clock };
	struct msg_play_conf play = { .store = &w->store,
				      .order = what->order,
				      .n = what->n_order,
				      .factor = { 1, 2 },
				      .sync = what->sync,
				      .exporters = what->exporters,
				      .spread_ns = what->spread_ns };
	int rc;

	*w = (struct way){ .sections.arena = &w->arena };
	sp_arena_init(&w->arena, sp_mem_system());
	sp_clock_init_real(&w->clock);
	assert_int_equal(sp_msg_sections_parse(&w->sections, what->sections, &sp_catalog, NULL),
			 0);
	w->load = (struct msg_load){ .paths = what->paths,
				     .n_paths = what->n_paths,
				     .sections = &w->sections,
				     .own = sp_msg_section_find(&w->sections, what->own),
				     .senders = { .rest = true, .only = true, .target = "it" },
				     .most = 65507,
				     .preload = !ahead,
				     .ahead = ahead };
	w->load.senders.tcp = w->sections.at[w->load.own].tcp;
	rc = sp_msg_store_load(&w->store, &w->load, mem, &w->err);
	if (!rc)
		rc = sp_msg_feed_new(&w->feed, &feed, mem, &w->err);
	play.feed = w->feed;
	if (!rc)
		rc = sp_msg_play_init(&w->play, &play, mem);
	if (!rc)
		sp_msg_play_begin(&w->play, 1000, 1700000000123456789);
	return rc;
}

static void close_way(struct way *w)
{
	sp_msg_play_fini(&w->play);
	sp_msg_feed_free(w->feed);
	sp_msg_store_free(&w->store);
	sp_arena_fini(&w->arena);
}

static void same_unit(const struct msg_due *a, const struct msg_due *b)
{
	assert_int_equal(a->due_ns, b->due_ns);
	assert_int_equal(a->exporter, b->exporter);
	assert_int_equal(a->unit.session, b->unit.session);
	assert_int_equal(a->unit.item, b->unit.item);
	assert_int_equal(a->unit.t_ns, b->unit.t_ns);
	assert_int_equal(a->unit.recorded_ns, b->unit.recorded_ns);
	assert_int_equal(a->unit.len, b->unit.len);
	assert_memory_equal(a->unit.data, b->unit.data, a->unit.len);
}

#define LAG 70u /* units that are given before the first of them is done, as lanes do */

/* Both ways give the same; returns how many units. */
static uint64_t play_both(struct way *a, struct way *b)
{
	static struct msg_due x[LAG], y[LAG];
	uint64_t n = 0;

	for (; sp_msg_play_next(&a->play, &x[n % LAG]); n++) {
		assert_true(sp_msg_play_next(&b->play, &y[n % LAG]));
		same_unit(&x[n % LAG], &y[n % LAG]);
		if (n + 1 < LAG)
			continue;
		/* What was given first is still there. */
		assert_memory_equal(x[(n + 1) % LAG].unit.data, y[(n + 1) % LAG].unit.data,
				    x[(n + 1) % LAG].unit.len);
		sp_msg_play_done(&a->play, &x[(n + 1) % LAG]);
		sp_msg_play_done(&b->play, &y[(n + 1) % LAG]);
	}
	assert_false(sp_msg_play_next(&b->play, &y[n % LAG]));
	assert_int_equal(sp_msg_feed_stop(b->feed, &b->err), 0);
	return n;
}

/* With a thread that reads, or without. */
static uint64_t compare(const struct what *what, bool thread)
{
	struct way a, b;
	uint64_t n;

	assert_int_equal(open_way(&a, what, 0, sp_mem_system()), 0);
	assert_int_equal(open_way(&b, what, SMALL, sp_mem_system()), 0);
	assert_true(a.store.whole);
	assert_int_equal(b.store.whole, b.store.bytes <= SMALL);
	assert_int_equal(a.store.n, b.store.n);
	assert_int_equal(a.store.senders.n_sessions, b.store.senders.n_sessions);
	for (uint32_t i = 0; i < what->n_paths; i++)
		assert_memory_equal(&a.store.captures[i].counts, &b.store.captures[i].counts,
				    sizeof a.store.captures[i].counts);
	if (thread)
		assert_int_equal(sp_msg_feed_run(b.feed, &b.err), 0);
	n = play_both(&a, &b);
	close_way(&a);
	close_way(&b);
	return n;
}

/* ---- captures ---- */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

static const char *text_of(uint32_t *seed)
{
	static char text[232];
	uint32_t len = draw(seed, sizeof text);

	for (uint32_t i = 0; i < len; i++)
		text[i] = (char)('a' + draw(seed, 26));
	text[len] = '\0';
	return text;
}

/* Datagrams of six senders and segments of as many connections, two of each sender; out of order, lost,
 * repeated; times that stand still, step back and are set. */
static void generate(struct rig *r, uint32_t seed, uint32_t packets)
{
	uint32_t seq[6] = { 0 };

	rig_open(r);
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t s = draw(&seed, 6);
		const char *text = text_of(&seed);

		r->usec = draw(&seed, 1000000);
		r->sec -= draw(&seed, 20) < 15; /* the same second */
		r->sec += draw(&seed, 400) ? 0 : 100000;
		if (draw(&seed, 2)) { /* of the first one's datagrams each has a port */
			r->sport = (uint16_t)(s ? 1000 + s % 2 * draw(&seed, 3) : i);
			put_udp(r, (uint8_t)(s + 1), 5, text, 0);
			continue;
		}
		if (draw(&seed, 15)) /* else it is lost */
			put_tcp(r, (uint8_t)(s / 2 + 1), (uint16_t)(2000 + s),
				1 + seq[s] + (draw(&seed, 8) ? 0 : 300), 24, text, 0);
		if (draw(&seed, 10)) /* else it comes again */
			seq[s] += (uint32_t)strlen(text);
	}
	fclose(r->f);
}

static struct rig made[2];

static int make(void **state)
{
	(void)state;
	generate(&made[0], 1, 900);
	generate(&made[1], 2, 1400);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	unlink(made[0].path);
	unlink(made[1].path);
	return 0;
}

static struct what of_made(const char *own)
{
	return (struct what){ .paths = { made[0].path, made[1].path },
			      .n_paths = 2,
			      .order = { 0, 1, 1, 0, 1 },
			      .n_order = 5,
			      .sections = "udp_generic udp.dport=5;tcp_generic tcp.dport=179",
			      .own = own };
}

/* ---- tests ---- */

/* What came before the damage is played, whichever way. */
static void same_of_damaged(void **state)
{
	struct what w = of_made("tcp_generic");
	struct rig r;

	(void)state;
	generate(&r, 3, 500);
	assert_int_equal(truncate(r.path, 40003), 0);
	w.paths[0] = r.path;
	assert_true(compare(&w, false) > 1500);
	unlink(r.path);
}

static void same_octets(void **state)
{
	struct what w = of_made("udp_generic");

	(void)state;
	assert_true(compare(&w, false) > 3000);
	assert_true(compare(&w, true) > 3000);
	w.sync = true;
	assert_true(compare(&w, false) > 3000);
	w = of_made("tcp_generic");
	assert_true(compare(&w, false) > 2000);
	assert_true(compare(&w, true) > 2000);
}

static void same_of_exporters(void **state)
{
	static const uint32_t exporters[] = { 1, 4, 9, 50 };
	static const uint64_t spreads[] = { 0, SP_NS_PER_S, 900 * SP_NS_PER_S };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 3; k++) {
			struct what w = of_made(i % 2 ? "udp_generic" : "tcp_generic");

			w.exporters = exporters[i];
			w.spread_ns = spreads[k];
			assert_true(compare(&w, i == 3) > 300);
		}
}

/* Exporters alone: the times of each are those of its source, so much later. */
static void exporters_are_behind(void **state)
{
	struct what w = of_made("udp_generic");
	uint64_t last = 0, n[8] = { 0 };
	struct way a;
	struct msg_due d;

	(void)state;
	w.exporters = 8;
	w.spread_ns = 8 * SP_NS_PER_S;
	assert_int_equal(open_way(&a, &w, SMALL, sp_mem_system()), 0);
	while (sp_msg_play_next(&a.play, &d)) {
		uint32_t source = a.store.senders.sessions[d.unit.session].source;
		uint64_t gap = (uint64_t)(d.unit.t_ns -
					  a.store.captures[w.order[d.unit.item]].first_ns);

		assert_true(d.due_ns >= last);
		last = d.due_ns;
		n[d.exporter]++;
		assert_int_equal(source, d.exporter % 6);
		assert_int_equal(d.due_ns, a.play.start_ns[d.unit.item] + gap / 2 +
						   d.exporter * SP_NS_PER_S);
		sp_msg_play_done(&a.play, &d);
	}
	assert_int_equal(n[0], n[6]);
	assert_int_equal(n[1], n[7]);
	close_way(&a);
}

/* The captures that the tests have, as each protocol. */
static void same_of_data(void **state)
{
	static const char *const folders[] = { "tests/data/traffic-reproducer/*/*.pcap",
					       "tests/data/traffic-reproducer/*/*/*.pcap",
					       "tests/data/pmacct-tests/*/*.pcap",
					       "tests/data/malformed/*/*.pcap*" };
	static const char *const own[] = { "ipfix", "bmp", "bgp", "udp_generic",
					   "tcp_generic" };
	uint64_t units = 0;

	(void)state;
	for (size_t f = 0; f < 4; f++) {
		glob_t files;

		assert_int_equal(glob(folders[f], 0, NULL, &files), 0);
		for (size_t i = 0; i < files.gl_pathc; i++)
			for (size_t k = 0; k < 5; k++) {
				struct what w = { .paths = { files.gl_pathv[i] },
						  .n_paths = 1,
						  .n_order = 2,
						  .sections = own[k],
						  .own = own[k] };
				struct way probe;
				/* Some are no captures at all: then neither way is one. */
				int rc = open_way(&probe, &w, SMALL, sp_mem_system());

				close_way(&probe);
				if (rc)
					continue;
				units += compare(&w, false);
			}
		globfree(&files);
	}
	assert_true(units > 1000);
}

/* Much more than there is memory for. */
static void bounded_memory(void **state)
{
	enum { LIMIT = 20 << 20, PACKETS = 160000 };
	struct sp_mem_limit limit;
	struct rig r;
	struct what w = { .paths = { r.path },
			  .n_paths = 1,
			  .n_order = 1,
			  .sections = "udp_generic",
			  .own = "udp_generic" };
	char text[200];
	struct msg_due d;
	struct way a;
	uint32_t n = 0;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	rig_open(&r);
	for (uint32_t i = 0; i < PACKETS; i++) {
		r.sec -= i % 2;
		put_udp(&r, (uint8_t)(i % 200 + 1), 5, text, 0);
	}
	fclose(r.f);
	sp_mem_limit_init(&limit, sp_mem_system(), LIMIT);
	assert_int_equal(open_way(&a, &w, 0, &limit.mem), -ENOMEM);
	close_way(&a);
	assert_int_equal(limit.used, 0);
	assert_int_equal(open_way(&a, &w, 65536, &limit.mem), 0);
	for (; sp_msg_play_next(&a.play, &d); n++)
		sp_msg_play_done(&a.play, &d);
	assert_int_equal(n, PACKETS);
	assert_int_equal(sp_msg_feed_stop(a.feed, NULL), 0);
	close_way(&a);
	/* Exporters take no more than the spread covers: 50 s of 80,000. */
	w.exporters = 200;
	w.spread_ns = 50 * SP_NS_PER_S;
	assert_int_equal(open_way(&a, &w, 65536, &limit.mem), 0);
	for (n = 0; sp_msg_play_next(&a.play, &d); n++)
		sp_msg_play_done(&a.play, &d);
	assert_int_equal(n, PACKETS);
	assert_false(a.play.failed);
	close_way(&a);
	assert_int_equal(limit.used, 0);
	unlink(r.path);
}

/* Two senders, a second apart; the first packet's address is at octet 24 + 16 + 12. */
static void small_capture(struct rig *r)
{
	rig_open(r);
	for (uint32_t i = 0; i < 200; i++)
		put_udp(r, (uint8_t)(i % 2 + 1), 5, "the same length", 0);
}

#define RECORD (16 + 20 + 8 + 15)

static void put_at(const struct rig *r, long at, uint8_t octet)
{
	FILE *f = fopen(r->path, "r+b");

	fseek(f, at, SEEK_SET);
	fputc(octet, f);
	fclose(f);
}

/* So many leave of what was changed after it was judged. */
static uint32_t play_changed(struct rig *r, void (*change)(struct rig *), int expected)
{
	struct what w = { .paths = { r->path },
			  .n_paths = 1,
			  .n_order = 2,
			  .sections = "udp_generic udp.dport=5",
			  .own = "udp_generic" };
	struct way a;
	struct msg_due d;
	uint32_t n = 0;

	small_capture(r);
	fclose(r->f);
	assert_int_equal(open_way(&a, &w, SMALL, sp_mem_system()), 0);
	change(r);
	for (; sp_msg_play_next(&a.play, &d); n++)
		sp_msg_play_done(&a.play, &d);
	assert_int_equal(sp_msg_feed_stop(a.feed, &a.err), expected);
	if (expected) {
		assert_int_equal(a.err.exit, SP_EXIT_PERM);
		assert_non_null(strstr(a.err.text, "it has changed since"));
		assert_non_null(strstr(a.err.text, r->path));
	}
	close_way(&a);
	unlink(r->path);
	return n;
}

static void new_sender(struct rig *r)
{
	put_at(r, 24 + 100 * RECORD + 16 + 15, 77);
}

static void another_time(struct rig *r)
{
	put_at(r, 24 + 100 * RECORD + 2, 9); /* more than half an hour later */
}

static void other_port(struct rig *r)
{
	put_at(r, 24 + 100 * RECORD + 16 + 23, 6); /* it is no unit of this section any more */
}

static void grown(struct rig *r)
{
	r->f = fopen(r->path, "ab");
	put_udp(r, 3, 5, "by somebody who was not there", 0);
	fclose(r->f);
}

static void shorter(struct rig *r)
{
	assert_int_equal(truncate(r->path, 24 + 120 * RECORD), 0);
}

static void changed_captures(void **state)
{
	struct rig r;

	(void)state;
	assert_int_equal(play_changed(&r, new_sender, -EACCES), 100);
	assert_int_equal(play_changed(&r, another_time, -EACCES), 100);
	assert_int_equal(play_changed(&r, other_port, -EACCES), 199);
	assert_int_equal(play_changed(&r, shorter, -EACCES), 120);
	/* What was there when it was judged, twice, and no more. */
	assert_int_equal(play_changed(&r, grown, 0), 400);
}

static void no_memory(void **state)
{
	struct what w = of_made("tcp_generic");
	struct sp_mem_test t;
	struct msg_due d;
	struct way a;
	uint64_t n = 0, all = 0;
	int rc = -ENOMEM;

	(void)state;
	w.exporters = 3;
	w.n_order = 1;
	assert_int_equal(open_way(&a, &w, SMALL, sp_mem_system()), 0);
	for (; sp_msg_play_next(&a.play, &d); all++)
		sp_msg_play_done(&a.play, &d);
	close_way(&a);
	/* Each of the first ones, then now and then one: a segment takes some. */
	for (uint64_t i = 0; rc; i += i < 300 ? 1 : i / 8) {
		sp_mem_test_init(&t, i);
		rc = open_way(&a, &w, SMALL, &t.mem);
		assert_true(rc == 0 || rc == -ENOMEM);
		for (n = 0; !rc && sp_msg_play_next(&a.play, &d); n++)
			sp_msg_play_done(&a.play, &d);
		if (!rc && a.play.failed)
			rc = -ENOMEM;
		if (!rc)
			rc = sp_msg_feed_stop(a.feed, &a.err);
		assert_true(rc == 0 || rc == -ENOMEM);
		close_way(&a);
		assert_int_equal(t.live, 0);
	}
	assert_int_equal(n, all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_octets),	  cmocka_unit_test(same_of_exporters),
		cmocka_unit_test(same_of_data),	  cmocka_unit_test(exporters_are_behind),
		cmocka_unit_test(bounded_memory), cmocka_unit_test(changed_captures),
		cmocka_unit_test(no_memory),	  cmocka_unit_test(same_of_damaged),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
