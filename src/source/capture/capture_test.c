/* The source as the engine uses it: departures asked for, and filled. */
#include "plugin/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "source/capture/testing.h"
#include "source/store.h"

extern const struct sp_source_ops sp_source_capture;
static const struct sp_source_ops *const ops = &sp_source_capture;

#define S  UINT64_C(1000000000)
#define T0 (UINT64_C(1700000000) * S)
#define AT 12345u /* when it begins */

struct rig {
	struct sp_mem_test mem;
	struct sp_arena arena;
	struct sp_env env;
	struct sp_clock clock;
	struct sp_err err;
	void *conf;
	struct sp_source *source;
	sp_source_judge *judge;
	uint8_t room[4096];
};

static void start(struct rig *r)
{
	memset(r, 0, sizeof *r);
	sp_mem_test_init(&r->mem, UINT64_MAX);
	sp_arena_init(&r->arena, sp_mem_system());
	r->env.mem = &r->mem.mem;
	sp_clock_init_real(&r->clock);
	r->env.clock = &r->clock;
	r->conf = sp_arena_alloc(&r->arena, ops->conf_size);
	assert_int_equal(sp_opts_default(ops->opts, r->conf, &r->arena, NULL), 0);
}

static void set(struct rig *r, const char *key, const char *value)
{
	assert_int_equal(sp_opts_set(ops->opts, r->conf, key, value, key, &r->arena, &r->err),
			 0);
}

static int try_open(struct rig *r, uint32_t mtu)
{
	struct sp_source_args args = { .size = 65536,
				       .conf = r->conf,
				       .judge = r->judge,
				       .judge_arg = ops,
				       .link = { .src_mac = { 2, 0, 0, 0, 0, 1 },
						 .mtu = mtu } };
	int rc = ops->check(r->conf, &r->err);

	r->source = NULL;
	if (!rc)
		rc = ops->open(&r->source, &args, &r->env, &r->err);
	if (!rc)
		ops->begin(r->source, AT);
	return rc;
}

static void open_it(struct rig *r, uint32_t mtu)
{
	if (try_open(r, mtu))
		fail_msg("%s", r->err.text);
}

static void end(struct rig *r)
{
	if (r->source)
		ops->close(r->source);
	sp_arena_fini(&r->arena);
	assert_int_equal(r->mem.live, 0);
}

/* Fills the departure that next() gave. */
static void fill(struct rig *r, uint64_t due_ns, uint32_t size)
{
	struct sp_msg m = { .data = r->room, .t_ns = due_ns, .len = size };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	ops->fill(r->source, &b, 0);
	assert_int_equal(m.len, size);
	assert_int_equal(m.stamp_off, SP_NO_STAMP);
}

/* The next departure is due then, so long, and begins with this octet. */
static void expect(struct rig *r, uint64_t due_ns, uint32_t size, uint8_t first)
{
	uint64_t at = 0;
	uint32_t n = 0;

	assert_int_equal(ops->schedule->next(r->source, &at, &n), 0);
	assert_int_equal(at, AT + due_ns);
	assert_int_equal(n, size);
	fill(r, at, n);
	assert_int_equal(r->room[0], first);
}

static void expect_end(struct rig *r)
{
	uint64_t at = 0;
	uint32_t n = 0;

	assert_int_equal(ops->schedule->next(r->source, &at, &n), 1);
	assert_int_equal(ops->schedule->next(r->source, &at, &n), 1);
}

/* n frames, a second apart, of 60, 61, ... octets that begin with 0, 1, ... */
static void make(struct capture_file *c, unsigned n)
{
	capture_begin(c, 1);
	for (unsigned i = 0; i < n; i++) {
		uint8_t first = (uint8_t)i;

		capture_add(c, T0 + i * S, &first, 1, 60 + i, 60 + i);
	}
	capture_end(c);
}

static void test_as_recorded(void **state)
{
	struct capture_file c;
	struct rig r;

	(void)state;
	make(&c, 5);
	start(&r);
	set(&r, "files", c.path);
	open_it(&r, 1500);
	for (uint8_t i = 0; i < 5; i++)
		expect(&r, i * S, 60u + i, i);
	expect_end(&r);
	end(&r);
	unlink(c.path);
}

static void test_loops_with_pauses(void **state)
{
	struct capture_file c;
	struct rig r;

	(void)state;
	make(&c, 3);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "multiplier", "2");
	set(&r, "loops", "3");
	set(&r, "loop_delay", "100ms");
	open_it(&r, 1500);
	for (uint64_t loop = 0; loop < 3; loop++)
		for (uint8_t i = 0; i < 3; i++)
			expect(&r, loop * (S + S / 10) + i * S / 2, 60u + i, i);
	expect_end(&r);
	end(&r);
	unlink(c.path);
}

static void test_two_files_and_a_limit(void **state)
{
	struct capture_file a, b;
	char both[160];
	struct rig r;

	(void)state;
	make(&a, 2);
	make(&b, 3);
	start(&r);
	snprintf(both, sizeof both, "%s\n%s", a.path, b.path);
	set(&r, "files", both);
	set(&r, "loops", "0");
	set(&r, "limit", "7");
	set(&r, "pace", "1kpps");
	open_it(&r, 1500);
	for (uint64_t i = 0; i < 7; i++) {
		uint8_t k = (uint8_t)((i % 5) < 2 ? i % 5 : i % 5 - 2);

		expect(&r, i * S / 1000, 60u + k, k);
	}
	expect_end(&r);
	end(&r);
	unlink(a.path);
	unlink(b.path);
}

/* More than a ring holds, in virtual time: read by the sender's hand; loops begin again. */
static void test_more_than_fits(void **state)
{
	const unsigned n = SP_STORE_UNITS + 100;
	struct capture_file c;
	struct rig r;

	(void)state;
	capture_begin(&c, 1);
	for (unsigned i = 0; i < n; i++) {
		uint8_t first = (uint8_t)(i % 251);

		capture_add(&c, T0 + i * 1000u, &first, 1, 60, 60);
	}
	capture_end(&c);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "3");
	open_it(&r, 1500);
	for (uint64_t i = 0; i < 3 * n; i++)
		expect(&r, i / n * (n - 1) * 1000u + i % n * 1000u, 60, (uint8_t)(i % n % 251));
	expect_end(&r);
	end(&r);
	unlink(c.path);
}

/* The same by a thread that reads ahead, while large frames make the ring small. */
static void test_read_ahead(void **state)
{
	const unsigned n = 20000;
	struct capture_file c;
	struct rig r;

	(void)state;
	capture_begin(&c, 1);
	for (unsigned i = 0; i < n; i++) {
		uint8_t first = (uint8_t)(i % 251);

		capture_add(&c, T0 + i * 1000u, &first, 1, 1500, 1500);
	}
	capture_end(&c);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "2");
	open_it(&r, 1500);
	assert_int_equal(ops->run(r.source, &r.err), 0);
	for (uint64_t i = 0; i < 2 * n; i++)
		expect(&r, i / n * (n - 1) * 1000u + i % n * 1000u, 1500,
		       (uint8_t)(i % n % 251));
	expect_end(&r);
	end(&r);
	/* And one that nobody asks for the rest. */
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "0");
	open_it(&r, 1500);
	assert_int_equal(ops->run(r.source, &r.err), 0);
	expect(&r, 0, 1500, 0);
	end(&r);
	unlink(c.path);
}

/* Departures that were given up are not filled: those that are get what is theirs. */
static void test_departures_that_are_left_out(void **state)
{
	struct capture_file c;
	struct rig r;
	uint64_t at[6];
	uint32_t n[6];

	(void)state;
	make(&c, 6);
	start(&r);
	set(&r, "files", c.path);
	open_it(&r, 1500);
	for (int i = 0; i < 6; i++)
		assert_int_equal(ops->schedule->next(r.source, &at[i], &n[i]), 0);
	fill(&r, at[1], n[1]);
	assert_int_equal(r.room[0], 1);
	fill(&r, at[4], n[4]);
	assert_int_equal(r.room[0], 4);
	fill(&r, at[5], n[5]);
	assert_int_equal(r.room[0], 5);
	end(&r);
	unlink(c.path);
}

static void test_so_many_left_out_that_nobody_knows_them(void **state)
{
	struct capture_file c;
	struct rig r;
	uint64_t at = 0;
	uint32_t n = 0;

	(void)state;
	make(&c, 6);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "100000");
	open_it(&r, 1500);
	for (unsigned i = 0; i < 6 * 99999u + 3; i++)
		assert_int_equal(ops->schedule->next(r.source, &at, &n), 0);
	fill(&r, at, n);
	assert_int_equal(r.room[0], 2);
	end(&r);
	unlink(c.path);
}

static void test_as_fast_as_may_be(void **state)
{
	struct capture_file c;
	struct rig r;

	(void)state;
	make(&c, 3);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "pace", "max");
	set(&r, "loops", "2");
	open_it(&r, 1500);
	assert_true(ops->at_once(r.source));
	for (uint8_t i = 0; i < 6; i++) {
		assert_int_equal(ops->schedule->size(r.source), 60 + i % 3);
		fill(&r, 999, 60u + i % 3);
		assert_int_equal(r.room[0], i % 3);
	}
	assert_int_equal(ops->schedule->size(r.source), SP_PACE_OVER);
	end(&r);
	unlink(c.path);
}

/* ---- what is no frame, or too long, or not whole ---- */

struct said {
	char codes[400];
};

static void say(void *arg, const char *code, bool neutral, const char *text)
{
	struct said *s = arg;

	(void)neutral;
	assert_true(*text);
	snprintf(s->codes + strlen(s->codes), sizeof s->codes - strlen(s->codes), "%s ", code);
}

static int report(struct rig *r, struct said *s)
{
	struct sp_source_report to = { .say = say, .arg = s };

	*s = (struct said){ "" };
	return ops->report(r->source, &to, &r->err);
}

static void test_sizes_that_do_not_fit(void **state)
{
	static const uint8_t tagged[] = { 9, 0, 0, 0,	 0, 2, 2, 0, 0,
					  0, 0, 1, 0x81, 0, 0, 5, 8, 0 };
	struct capture_file c;
	struct said said;
	struct rig r;

	(void)state;
	capture_begin(&c, 1);
	capture_add(&c, T0, tagged, sizeof tagged, 1518, 1518);
	capture_add(&c, T0 + 1, "\1", 1, 1514, 1514);
	capture_add(&c, T0 + 2, "\2", 1, 1515, 1515);
	capture_add(&c, T0 + 3, "\3", 1, 13, 13);
	capture_add(&c, T0 + 4, "\4", 1, 40, 90);
	capture_end(&c);
	start(&r);
	set(&r, "files", c.path);
	open_it(&r, 1500);
	expect(&r, 0, 1518, 9);
	expect(&r, 1, 1514, 1);
	expect(&r, 4, 40, 4);
	expect_end(&r);
	assert_int_equal(report(&r, &said), 0);
	assert_string_equal(said.codes, "too-long too-short not-whole ");
	end(&r);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "oversize", "cut");
	set(&r, "pad", "yes");
	open_it(&r, 1500);
	expect(&r, 0, 1518, 9);
	expect(&r, 1, 1514, 1);
	expect(&r, 2, 1514, 2);
	memset(r.room, 0xff, sizeof r.room);
	expect(&r, 4, 90, 4);
	for (int i = 40; i < 90; i++)
		assert_int_equal(r.room[i], 0);
	assert_int_equal(r.room[90], 0xff);
	expect_end(&r);
	assert_int_equal(report(&r, &said), 0);
	assert_string_equal(said.codes, "too-short mtu-cut not-whole ");
	end(&r);
	unlink(c.path);
}

/* Frames of 60 octets, or (mark '-') of 2000, which no MTU of 1500 takes. */
static void make_mixed(struct capture_file *c, const char *marks)
{
	capture_begin(c, 1);
	for (unsigned i = 0; marks[i]; i++) {
		uint8_t first = (uint8_t)(2 * i);
		uint32_t len = marks[i] == '-' ? 2000 : 60;

		capture_add(c, T0 + i * S, &first, 1, len, len);
	}
	capture_end(c);
}

/* What was met and cannot leave is told, pass by pass, as far as the limit asks for it. */
static void test_what_does_not_fit_is_counted(void **state)
{
	static const struct {
		const char *marks, *loops, *limit;
		unsigned sent, unfit;
	} rows[] = {
		{ "x-x--x", "1", "0", 3, 3 },	{ "x-x--x", "4", "0", 12, 12 },
		{ "-x-", "3", "0", 3, 6 },	{ "x-x--x", "3", "10", 5, 5 },
		{ "x-x--x", "1", "4", 2, 2 },	{ "x-x--x", "0", "18", 9, 9 },
		{ "----", "1", "0", 0, 4 },	{ "----", "0", "0", 0, 4 },
		{ "xx----", "9", "16", 6, 10 }, { "xx", "2", "0", 4, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct capture_file c;
		struct rig r;
		uint64_t due;
		uint32_t size;
		unsigned sent = 0;

		make_mixed(&c, rows[i].marks);
		start(&r);
		set(&r, "files", c.path);
		set(&r, "loops", rows[i].loops);
		set(&r, "limit", rows[i].limit);
		open_it(&r, 1500);
		while (!ops->schedule->next(r.source, &due, &size)) {
			fill(&r, due, size);
			sent++;
		}
		assert_int_equal(sent, rows[i].sent);
		assert_int_equal(ops->unfit(r.source), rows[i].unfit);
		end(&r);
		unlink(c.path);
	}
}

/* The same of more than a ring holds, which is full of them before a frame comes. */
static void test_a_ring_of_what_does_not_fit(void **state)
{
	struct capture_file c;
	struct rig r;
	uint64_t due;
	uint32_t size;
	unsigned sent = 0;

	(void)state;
	capture_begin(&c, 1);
	for (unsigned i = 0; i < 120000; i++) {
		bool fits = i < 40000 ? i % 2 == 0 : i >= 110000;
		uint32_t len = fits ? 60 : 13;

		capture_add(&c, T0 + i, "x", 1, len, len);
	}
	capture_end(&c);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "2");
	open_it(&r, 1500);
	assert_int_equal(ops->run(r.source, &r.err), 0);
	while (!ops->schedule->next(r.source, &due, &size)) {
		fill(&r, due, size);
		sent++;
	}
	assert_int_equal(sent, 2 * 30000);
	assert_int_equal(ops->unfit(r.source), 2 * 90000);
	end(&r);
	unlink(c.path);
}

/* Each kind of link that is no Ethernet, with an IPv4 packet of 20 octets behind it. */
static void test_other_links(void **state)
{
	static const uint8_t ip[20] = { 0x45, 0, 0, 20 };
	static const struct {
		uint32_t link, head;
		uint8_t bytes[20];
	} links[] = { { 101, 0, { 0 } },
		      { 228, 0, { 0 } },
		      { 0, 4, { 2, 0, 0, 0 } },
		      { 108, 4, { 0, 0, 0, 2 } },
		      { 113, 16, { [14] = 8, [15] = 0 } },
		      { 276, 20, { 8, 0 } } };
	static const uint8_t want[] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };

	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct capture_file c;
		uint8_t packet[40];
		struct said said;
		struct rig r;

		memcpy(packet, links[i].bytes, links[i].head);
		memcpy(packet + links[i].head, ip, sizeof ip);
		capture_begin(&c, links[i].link);
		capture_add(&c, T0, packet, sizeof packet, links[i].head + 20,
			    links[i].head + 20);
		capture_end(&c);
		start(&r);
		set(&r, "files", c.path);
		set(&r, "dst_mac", "02:00:00:00:00:09");
		open_it(&r, 1500);
		expect(&r, 0, 34, 2);
		assert_memory_equal(r.room, want, sizeof want);
		expect_end(&r);
		assert_int_equal(report(&r, &said), 0);
		assert_string_equal(said.codes, "dressed ");
		end(&r);
		/* Nobody says where they go. */
		start(&r);
		set(&r, "files", c.path);
		assert_int_equal(try_open(&r, 1500), -EINVAL);
		assert_int_equal(r.err.exit, SP_EXIT_USAGE);
		assert_non_null(strstr(r.err.text, "--dst-mac"));
		end(&r);
		unlink(c.path);
	}
}

static void test_links_of_another_kind(void **state)
{
	struct capture_file c;
	struct rig r;

	(void)state;
	capture_begin(&c, 105);
	capture_add(&c, T0, "\1", 1, 60, 60);
	capture_end(&c);
	start(&r);
	set(&r, "files", c.path);
	assert_int_equal(try_open(&r, 1500), -ENOTSUP);
	assert_int_equal(r.err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(r.err.text, "packet 1 at byte 24"));
	end(&r);
	unlink(c.path);
}

/* What is good before the damage leaves, once. */
static void test_damage(void **state)
{
	struct capture_file c;
	struct said said;
	struct rig r;

	(void)state;
	make(&c, 3);
	assert_int_equal(truncate(c.path, 24 + 16 + 60 + 16 + 61 + 16 + 10), 0);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "5");
	open_it(&r, 1500);
	expect(&r, 0, 60, 0);
	expect(&r, S, 61, 1);
	expect_end(&r);
	assert_int_equal(report(&r, &said), -EBADMSG);
	assert_int_equal(r.err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(r.err.text, "packet 3 at byte 177"));
	end(&r);
	unlink(c.path);
}

static void test_settings_that_contradict(void **state)
{
	static const char *const wrong[][4] = {
		{ "files", "x", "multiplier", "0" },
		{ "files", "x", "split", "sideways" },
		{ "files", "x", "dst_mac", "02:00" },
		{ "files", "", "loops", "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct rig r;

		start(&r);
		set(&r, wrong[i][0], wrong[i][1]);
		set(&r, wrong[i][2], wrong[i][3]);
		assert_int_equal(try_open(&r, 1500), -EINVAL);
		assert_int_equal(r.err.exit, SP_EXIT_USAGE);
		end(&r);
	}
}

/* Two readers, each with one side's packets, at the places of all. */
static void test_two_sides(void **state)
{
	uint8_t frame[60] = {
		2,    0, 0, 0,	0,	   2,	      2,	 0, 0, 0, 0,  1, 8, 0,
		0x45, 0, 0, 46, [22] = 64, [23] = 17, [26] = 10, 0, 0, 1, 10, 0, 0, 2
	};
	struct capture_file c;
	struct rig r;

	(void)state;
	capture_begin(&c, 1);
	for (unsigned i = 0; i < 10; i++) {
		bool answer = i % 3 == 1;
		uint16_t from = answer ? 53 : 40000, to = answer ? 40000 : 53;

		frame[0] = (uint8_t)(2 * i);
		memcpy(frame + 34,
		       (uint8_t[]){ (uint8_t)(from >> 8), (uint8_t)from, (uint8_t)(to >> 8),
				    (uint8_t)to, 0, 26 },
		       6);
		capture_add(&c, T0 + i * S, frame, 60, 60, 60);
	}
	capture_end(&c);
	for (int side = 0; side < 2; side++) {
		start(&r);
		set(&r, "files", c.path);
		set(&r, "part", side ? "server" : "client");
		set(&r, "loops", "2");
		set(&r, "limit", "15");
		open_it(&r, 1500);
		for (unsigned k = 0; k < 15; k++)
			if ((k % 10 % 3 == 1) == (side == 1))
				expect(&r, (k / 10 * 9 + k % 10) * S, 60,
				       (uint8_t)(k % 10 * 2));
		expect_end(&r);
		end(&r);
	}
	unlink(c.path);
}

struct seen {
	unsigned n, stop_at;
	uint64_t last_ns;
};

static int see(void *arg, const char *file, uint64_t number, const uint8_t *frame, uint32_t len,
	       uint64_t due_ns)
{
	struct seen *s = arg;

	assert_non_null(strstr(file, "spate-capture"));
	assert_int_equal(number, ++s->n);
	assert_int_equal(len, 59 + number);
	assert_int_equal(frame[0], number - 1);
	s->last_ns = due_ns;
	return s->n == s->stop_at ? -EACCES : 0;
}

static void test_a_look_before(void **state)
{
	struct seen all = { 0 }, some = { .stop_at = 2 };
	struct capture_file c;
	struct rig r;

	(void)state;
	make(&c, 4);
	start(&r);
	set(&r, "files", c.path);
	assert_int_equal(ops->look(r.conf, r.env.mem, see, &all, &r.err), 0);
	assert_int_equal(all.n, 4);
	assert_int_equal(all.last_ns, 3 * S);
	assert_int_equal(ops->look(r.conf, r.env.mem, see, &some, &r.err), -EACCES);
	set(&r, "files", "/nonexistent/file");
	assert_int_equal(ops->look(r.conf, r.env.mem, see, &some, &r.err), -ENOENT);
	assert_int_equal(r.err.exit, SP_EXIT_NOINPUT);
	end(&r);
	unlink(c.path);
}

static int see_mac(void *arg, const char *file, uint64_t number, const uint8_t *frame,
		   uint32_t len, uint64_t due_ns)
{
	(void)file, (void)number, (void)due_ns;
	assert_true(len > 12);
	memcpy(arg, frame, 12);
	return 0;
}

/* Of a capture without Ethernet the header that it will get is shown, as far as it is known. */
static void test_a_look_at_hardware_addresses(void **state)
{
	static const uint8_t ip[20] = { 0x45 }, given[6] = { 2, 0, 0, 0, 0, 0x63 }, none[6];
	struct capture_file c;
	uint8_t seen[12];
	struct rig r;

	(void)state;
	capture_begin(&c, 101);
	capture_add(&c, T0, ip, sizeof ip, 40, 40);
	capture_end(&c);
	start(&r);
	set(&r, "files", c.path);
	memset(seen, 1, sizeof seen);
	assert_int_equal(ops->look(r.conf, r.env.mem, see_mac, seen, &r.err), 0);
	assert_memory_equal(seen, none, 6);
	set(&r, "dst_mac", "02:00:00:00:00:63");
	assert_int_equal(ops->look(r.conf, r.env.mem, see_mac, seen, &r.err), 0);
	assert_memory_equal(seen, given, 6);
	end(&r);
	unlink(c.path);
}

static int refuse_third(const void *arg, const char *file, uint64_t number,
			const uint8_t *frame, uint32_t len, struct sp_err *err)
{
	assert_ptr_equal(arg, ops);
	assert_non_null(strstr(file, "spate-capture"));
	assert_int_equal(len, 59 + number);
	assert_int_equal(frame[0], number - 1);
	return number == 3 ? sp_fail(err, -EACCES, SP_EXIT_PERM, "not this one") : 0;
}

/* What is read to be sent is judged again; what was good before it leaves. */
static void test_judged_as_it_is_read(void **state)
{
	struct said said = { 0 };
	struct capture_file c;
	struct rig r;

	(void)state;
	make(&c, 5);
	start(&r);
	set(&r, "files", c.path);
	set(&r, "loops", "3");
	r.judge = refuse_third;
	open_it(&r, 1500);
	expect(&r, 0, 60, 0);
	expect(&r, S, 61, 1);
	expect_end(&r);
	assert_int_equal(report(&r, &said), -EACCES);
	assert_int_equal(r.err.exit, SP_EXIT_PERM);
	end(&r);
	unlink(c.path);
}

static void test_memory_fails(void **state)
{
	struct capture_file c;
	uint64_t fails = 0;

	(void)state;
	make(&c, 3);
	for (uint64_t n = 0;; n++) {
		struct rig r;
		int rc;

		start(&r);
		sp_mem_test_init(&r.mem, n);
		r.env.mem = &r.mem.mem;
		set(&r, "files", c.path);
		set(&r, "part", "client");
		rc = try_open(&r, 1500);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		end(&r);
		if (!rc)
			break;
		fails++;
	}
	assert_true(fails > 5);
	unlink(c.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_recorded),
		cmocka_unit_test(test_loops_with_pauses),
		cmocka_unit_test(test_two_files_and_a_limit),
		cmocka_unit_test(test_more_than_fits),
		cmocka_unit_test(test_read_ahead),
		cmocka_unit_test(test_departures_that_are_left_out),
		cmocka_unit_test(test_so_many_left_out_that_nobody_knows_them),
		cmocka_unit_test(test_as_fast_as_may_be),
		cmocka_unit_test(test_sizes_that_do_not_fit),
		cmocka_unit_test(test_what_does_not_fit_is_counted),
		cmocka_unit_test(test_a_ring_of_what_does_not_fit),
		cmocka_unit_test(test_other_links),
		cmocka_unit_test(test_links_of_another_kind),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_settings_that_contradict),
		cmocka_unit_test(test_two_sides),
		cmocka_unit_test(test_a_look_before),
		cmocka_unit_test(test_a_look_at_hardware_addresses),
		cmocka_unit_test(test_judged_as_it_is_read),
		cmocka_unit_test(test_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
