#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "engine/guard.h"

/* What the consent table says of an address; written down by hand, not computed. */
enum verdict { OWN, FOREIGN, NEVER, BROADCAST };

static const struct row {
	enum verdict verdict;
	const char *addr;
} rows[] = {
	/* loopback */
	{ OWN, "127.0.0.0" },
	{ OWN, "127.0.0.1" },
	{ OWN, "127.0.0.53" },
	{ OWN, "127.1.2.3" },
	{ OWN, "127.255.255.254" },
	{ OWN, "127.255.255.255" },
	{ OWN, "::1" },
	{ FOREIGN, "126.255.255.255" },
	{ FOREIGN, "128.0.0.0" },
	{ FOREIGN, "::2" },
	/* link-local */
	{ OWN, "169.254.0.0" },
	{ OWN, "169.254.0.1" },
	{ OWN, "169.254.169.254" },
	{ OWN, "169.254.255.255" },
	{ FOREIGN, "169.253.255.255" },
	{ FOREIGN, "169.255.0.0" },
	{ OWN, "fe80::1" },
	{ OWN, "fe80::ffff:ffff:ffff:ffff" },
	{ OWN, "fe90::1" },
	{ OWN, "febf:ffff::1" },
	{ FOREIGN, "fec0::1" },
	{ FOREIGN, "fe7f:ffff::1" },
	/* RFC 1918 */
	{ OWN, "10.0.0.0" },
	{ OWN, "10.0.0.1" },
	{ OWN, "10.1.1.2" },
	{ OWN, "10.99.0.1" },
	{ OWN, "10.255.255.255" },
	{ FOREIGN, "9.255.255.255" },
	{ FOREIGN, "11.0.0.0" },
	{ OWN, "172.16.0.0" },
	{ OWN, "172.16.0.1" },
	{ OWN, "172.20.10.5" },
	{ OWN, "172.31.255.255" },
	{ FOREIGN, "172.15.255.255" },
	{ FOREIGN, "172.32.0.0" },
	{ FOREIGN, "172.0.0.1" },
	{ FOREIGN, "172.217.16.142" },
	{ OWN, "192.168.0.0" },
	{ OWN, "192.168.0.1" },
	{ OWN, "192.168.1.254" },
	{ OWN, "192.168.255.255" },
	{ FOREIGN, "192.167.255.255" },
	{ FOREIGN, "192.169.0.0" },
	/* RFC 6598 */
	{ OWN, "100.64.0.0" },
	{ OWN, "100.64.0.1" },
	{ OWN, "100.100.100.100" },
	{ OWN, "100.127.255.255" },
	{ FOREIGN, "100.63.255.255" },
	{ FOREIGN, "100.128.0.0" },
	{ FOREIGN, "100.0.0.1" },
	/* RFC 2544 */
	{ OWN, "198.18.0.0" },
	{ OWN, "198.18.0.1" },
	{ OWN, "198.19.255.255" },
	{ FOREIGN, "198.17.255.255" },
	{ FOREIGN, "198.20.0.0" },
	/* RFC 5737 */
	{ OWN, "192.0.2.0" },
	{ OWN, "192.0.2.1" },
	{ OWN, "192.0.2.255" },
	{ FOREIGN, "192.0.1.255" },
	{ FOREIGN, "192.0.3.0" },
	{ FOREIGN, "192.0.0.1" },
	{ OWN, "198.51.100.0" },
	{ OWN, "198.51.100.77" },
	{ OWN, "198.51.100.255" },
	{ FOREIGN, "198.51.99.255" },
	{ FOREIGN, "198.51.101.0" },
	{ OWN, "203.0.113.0" },
	{ OWN, "203.0.113.9" },
	{ OWN, "203.0.113.255" },
	{ FOREIGN, "203.0.112.255" },
	{ FOREIGN, "203.0.114.0" },
	/* unique local and documentation, IPv6 */
	{ OWN, "fc00::" },
	{ OWN, "fc00::1" },
	{ OWN, "fd00::1" },
	{ OWN, "fd99::1" },
	{ OWN, "fd12:3456:789a::1" },
	{ OWN, "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ FOREIGN, "fbff::1" },
	{ FOREIGN, "fe00::1" },
	{ OWN, "2001:db8::" },
	{ OWN, "2001:db8::1" },
	{ OWN, "2001:db8:ffff:ffff::1" },
	{ FOREIGN, "2001:db7:ffff::1" },
	{ FOREIGN, "2001:db9::1" },
	/* public */
	{ FOREIGN, "1.0.0.0" },
	{ FOREIGN, "1.1.1.1" },
	{ FOREIGN, "4.4.4.4" },
	{ FOREIGN, "8.8.8.8" },
	{ FOREIGN, "9.9.9.9" },
	{ FOREIGN, "17.0.0.1" },
	{ FOREIGN, "23.1.2.3" },
	{ FOREIGN, "34.200.1.1" },
	{ FOREIGN, "52.95.110.1" },
	{ FOREIGN, "64.233.160.1" },
	{ FOREIGN, "80.80.80.80" },
	{ FOREIGN, "93.184.216.34" },
	{ FOREIGN, "104.16.0.1" },
	{ FOREIGN, "129.132.1.1" },
	{ FOREIGN, "130.59.1.1" },
	{ FOREIGN, "141.1.1.1" },
	{ FOREIGN, "151.101.1.69" },
	{ FOREIGN, "185.199.108.153" },
	{ FOREIGN, "193.0.14.129" },
	{ FOREIGN, "194.0.0.53" },
	{ FOREIGN, "199.7.83.42" },
	{ FOREIGN, "202.12.27.33" },
	{ FOREIGN, "208.67.222.222" },
	{ FOREIGN, "216.58.206.14" },
	{ FOREIGN, "223.255.255.254" },
	{ FOREIGN, "2000::1" },
	{ FOREIGN, "2001:500:2f::f" },
	{ FOREIGN, "2001:4860:4860::8888" },
	{ FOREIGN, "2001::1" },
	{ FOREIGN, "2002:a00:1::1" },
	{ FOREIGN, "2400:cb00:2048:1::c629:d7a2" },
	{ FOREIGN, "2606:4700:4700::1111" },
	{ FOREIGN, "2620:fe::fe" },
	{ FOREIGN, "2a00:1450:4001:81b::200e" },
	{ FOREIGN, "2a01:4f8::1" },
	{ FOREIGN, "3fff:ffff::1" },
	{ FOREIGN, "4000::1" },
	{ FOREIGN, "100::1" },
	{ FOREIGN, "e000::1" },
	/* multicast */
	{ OWN, "224.0.0.0" },
	{ OWN, "224.0.0.1" },
	{ OWN, "224.0.0.5" },
	{ OWN, "224.0.0.251" },
	{ OWN, "224.0.0.255" },
	{ FOREIGN, "224.0.1.0" },
	{ FOREIGN, "224.0.1.1" },
	{ FOREIGN, "224.1.1.1" },
	{ FOREIGN, "225.0.0.1" },
	{ FOREIGN, "232.1.1.1" },
	{ FOREIGN, "233.252.0.1" },
	{ FOREIGN, "234.1.2.3" },
	{ FOREIGN, "238.255.255.255" },
	{ OWN, "239.0.0.0" },
	{ OWN, "239.1.1.1" },
	{ OWN, "239.255.255.250" },
	{ OWN, "239.255.255.255" },
	{ OWN, "ff01::1" },
	{ OWN, "ff02::1" },
	{ OWN, "ff02::fb" },
	{ OWN, "ff03::1" },
	{ OWN, "ff04::1" },
	{ OWN, "ff05::2" },
	{ FOREIGN, "ff00::1" },
	{ FOREIGN, "ff06::1" },
	{ FOREIGN, "ff08::1" },
	{ FOREIGN, "ff0e::1" },
	{ FOREIGN, "ff0e::101" },
	{ FOREIGN, "ff12::1" },
	{ FOREIGN, "ff1e::1" },
	{ FOREIGN, "ff3e::1" },
	/* limited broadcast */
	{ BROADCAST, "255.255.255.255" },
	{ BROADCAST, "::ffff:255.255.255.255" },
	{ NEVER, "64:ff9b::255.255.255.255" },
	/* never a target */
	{ NEVER, "0.0.0.0" },
	{ NEVER, "0.0.0.1" },
	{ NEVER, "0.1.2.3" },
	{ NEVER, "0.255.255.255" },
	{ NEVER, "240.0.0.0" },
	{ NEVER, "240.0.0.1" },
	{ NEVER, "241.1.1.1" },
	{ NEVER, "250.250.250.250" },
	{ NEVER, "254.255.255.255" },
	{ NEVER, "255.0.0.0" },
	{ NEVER, "255.255.255.0" },
	{ NEVER, "255.255.255.254" },
	{ NEVER, "::" },
	/* mapped and NAT64 are judged as the IPv4 address inside */
	{ OWN, "::ffff:127.0.0.1" },
	{ OWN, "::ffff:10.0.0.1" },
	{ OWN, "::ffff:192.168.1.1" },
	{ OWN, "::ffff:172.16.0.1" },
	{ OWN, "::ffff:100.64.0.1" },
	{ OWN, "::ffff:198.18.0.1" },
	{ OWN, "::ffff:192.0.2.1" },
	{ OWN, "::ffff:169.254.1.1" },
	{ OWN, "::ffff:224.0.0.1" },
	{ OWN, "::ffff:239.1.1.1" },
	{ FOREIGN, "::ffff:8.8.8.8" },
	{ FOREIGN, "::ffff:1.1.1.1" },
	{ FOREIGN, "::ffff:172.32.0.1" },
	{ FOREIGN, "::ffff:224.0.1.1" },
	{ NEVER, "::ffff:0.0.0.0" },
	{ NEVER, "::ffff:0.0.0.1" },
	{ NEVER, "::ffff:240.0.0.1" },
	{ OWN, "64:ff9b::127.0.0.1" },
	{ OWN, "64:ff9b::10.0.0.1" },
	{ OWN, "64:ff9b::192.168.1.1" },
	{ OWN, "64:ff9b::203.0.113.1" },
	{ FOREIGN, "64:ff9b::8.8.8.8" },
	{ FOREIGN, "64:ff9b::1.1.1.1" },
	{ NEVER, "64:ff9b::0.0.0.1" },
	{ NEVER, "64:ff9b::240.1.1.1" },
	/* near them, but neither mapped nor NAT64: public */
	{ FOREIGN, "::10.0.0.1" },
	{ FOREIGN, "::fffe:10.0.0.1" },
	{ FOREIGN, "::ffff:0:10.0.0.1" },
	{ FOREIGN, "64:ff9b:1::10.0.0.1" },
	{ FOREIGN, "64:ff9c::10.0.0.1" },
};
#define N_ROWS (sizeof rows / sizeof *rows)

static struct sp_guard_ask ask_of(const char *addr, double pps, double bps)
{
	struct sp_guard_ask a = { .to.port = 5001, .pps = pps, .bps = bps };

	if (sp_addr_parse(addr, &a.to.addr))
		fail_msg("%s is not an address", addr);
	return a;
}

static int judge_n(const struct sp_guard_ask *a, unsigned n, const struct sp_guard_conf *conf,
		   struct sp_err *err)
{
	struct sp_permit permit;
	struct sp_arena arena;
	int rc;

	sp_arena_init(&arena, sp_mem_system());
	*err = (struct sp_err){ 0 };
	rc = sp_guard_judge(a, n, conf, &arena, &permit, err);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(sp_permit_allows(&permit, &a[i].to), rc == 0);
	if (rc) {
		assert_int_equal(rc, -EACCES);
		assert_int_equal(err->exit, SP_EXIT_PERM);
		assert_int_not_equal(permit.magic, SP_PERMIT_MAGIC);
	}
	sp_arena_fini(&arena);
	return rc;
}

static bool allowed(const struct sp_guard_ask *a, bool allow_broadcast)
{
	const struct sp_guard_conf conf = { .allow_broadcast = allow_broadcast };
	struct sp_err err;

	return judge_n(a, 1, &conf, &err) == 0;
}

static void check_row(const struct row *r, double pps, double bps, bool unbounded, bool flag)
{
	struct sp_guard_ask a = ask_of(r->addr, pps, bps);
	bool modest = pps <= 1000 && bps <= 1e7 && !unbounded;
	bool want = r->verdict == OWN	    ? true
		    : r->verdict == FOREIGN ? modest
		    : r->verdict == NEVER   ? false
					    : flag;

	a.unbounded = unbounded;
	if (allowed(&a, flag) != want)
		fail_msg("%s: %g pps, %g bps, unbounded %d, broadcast %d: expected %s", r->addr,
			 pps, bps, unbounded, flag, want ? "allowed" : "refused");
}

static void test_table(void **state)
{
	static const struct {
		double pps, bps;
	} rates[] = {
		{ 100, 819200 },   { 1000, 1e7 },	   { 1000.001, 8e6 },
		{ 999, 10000001 }, { INFINITY, INFINITY },
	};

	(void)state;
	assert_true(N_ROWS >= 200);
	for (size_t i = 0; i < N_ROWS; i++)
		for (size_t k = 0; k < sizeof rates / sizeof *rates; k++)
			for (int bits = 0; bits < 4; bits++)
				check_row(&rows[i], rates[k].pps, rates[k].bps, bits & 1,
					  bits & 2);
}

static void test_nothing_leaves(void **state)
{
	const struct sp_guard_conf conf = { .nothing_leaves = true };
	struct sp_err err;

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		struct sp_guard_ask a = ask_of(rows[i].addr, INFINITY, INFINITY);

		a.unbounded = true;
		assert_int_equal(judge_n(&a, 1, &conf, &err), 0);
	}
}

static void expect_text(const struct sp_guard_ask *a, unsigned n, const char *const *words)
{
	const struct sp_guard_conf conf = { 0 };
	struct sp_err err;

	assert_int_equal(judge_n(a, n, &conf, &err), -EACCES);
	assert_true(strlen(err.text) < SP_ERR_TEXT - 1);
	for (; *words; words++)
		if (!strstr(err.text, *words))
			fail_msg("'%s' is not in: %s", *words, err.text);
}

#define WORDS(...)                                                                             \
	(const char *const[])                                                                  \
	{                                                                                      \
		__VA_ARGS__, NULL                                                              \
	}

static void test_sentences(void **state)
{
	struct sp_guard_ask a = ask_of("8.8.8.8", 5000, 4e6);

	(void)state;
	expect_text(&a, 1,
		    WORDS("8.8.8.8", "public", "5000 packets/s", "1000 packets/s", "10 Mbit/s",
			  "consent", "lease", "spate key make", "--pair"));
	a = ask_of("8.8.8.8", 900, 11e6);
	expect_text(&a, 1, WORDS("11 Mbit/s", "consent"));
	a = ask_of("8.8.8.8", INFINITY, INFINITY);
	expect_text(&a, 1, WORDS("unlimited rate", "consent"));
	a = ask_of("8.8.8.8", NAN, NAN);
	expect_text(&a, 1, WORDS("8.8.8.8", "consent"));
	a = ask_of("2001:4860:4860::8888", 1, 8);
	a.unbounded = true;
	expect_text(&a, 1, WORDS("2001:4860:4860::8888", "without an end", "duration"));
	a = ask_of("8.8.4.4", 1, 8);
	a.foreign_source = true;
	expect_text(&a, 1, WORDS("8.8.4.4", "source address", "lease"));
	a = ask_of("255.255.255.255", 1, 8);
	expect_text(&a, 1, WORDS("255.255.255.255", "--allow-broadcast"));
	a = ask_of("240.1.1.1", 1, 8);
	expect_text(&a, 1, WORDS("240.1.1.1", "reserved", "nothing may be sent"));
	a = ask_of("0.0.0.0", 1, 8);
	expect_text(&a, 1, WORDS("0.0.0.0", "an unspecified address"));
}

static void test_total_over_all_targets(void **state)
{
	const struct sp_guard_conf conf = { 0 };
	struct sp_guard_ask a[3] = { ask_of("8.8.8.8", 500, 4e6), ask_of("1.1.1.1", 500, 6e6),
				     ask_of("10.0.0.1", 1e6, 1e9) };
	struct sp_err err;

	(void)state;
	assert_int_equal(judge_n(a, 3, &conf, &err), 0);
	a[1].pps = 501;
	expect_text(a, 3, WORDS("8.8.8.8 and 1 more", "1001 packets/s"));
	a[1].pps = 500;
	a[1].bps = 6e6 + 1;
	expect_text(a, 3, WORDS("10.000001 Mbit/s"));
}

static void test_own_host_and_subnets(void **state)
{
	struct sp_guard_ask a = ask_of("8.8.8.8", 1e6, 1e9);

	(void)state;
	a.own_host = true;
	a.unbounded = true;
	assert_true(allowed(&a, false));
	/* 10.1.1.255 of 10.1.1.0/24 */
	a = ask_of("10.1.1.255", 1e6, 1e9);
	a.subnet_broadcast = true;
	assert_false(allowed(&a, false));
	assert_true(allowed(&a, true));
	/* a public subnet's broadcast: the flag is not enough */
	a = ask_of("8.8.8.255", 1, 8);
	a.subnet_broadcast = true;
	assert_false(allowed(&a, false));
	assert_false(allowed(&a, true));
	/* nor for the limited one where a public network hears it */
	a = ask_of("255.255.255.255", 1, 8);
	a.public_link = true;
	assert_false(allowed(&a, true));
	expect_text(&a, 1, WORDS("255.255.255.255", "--allow-broadcast"));
}

/* Among the targets of recorded frames, which have no address of their own to go to. */
static void test_broadcast_among_many(void **state)
{
	struct sp_guard_range range[2] = { 0 };
	struct sp_guard_ask a = {
		.no_ip = true, .own_link = true, .range = range, .n_ranges = 2, .pps = 1
	};

	(void)state;
	range[0].first = range[0].last = ask_of("10.1.1.1", 1, 8).to.addr;
	range[1].first = range[1].last = ask_of("255.255.255.255", 1, 8).to.addr;
	assert_false(allowed(&a, false));
	assert_true(allowed(&a, true));
	a.public_link = true;
	assert_false(allowed(&a, true));
	range[1] = range[0];
	assert_true(allowed(&a, false));
}

/* With somebody who can ask, what was refused waits for the far end's word. */
static void test_leases(void **state)
{
	const struct sp_guard_conf conf = { .may_lease = true };
	struct sp_guard_ask a[4] = { ask_of("8.8.8.8", 1e6, 1e9), ask_of("10.0.0.1", 1e6, 1e9),
				     ask_of("8.8.8.8", 500.5, 8),
				     ask_of("1.1.1.1", INFINITY, 8) };
	struct sp_permit permit;
	struct sp_arena arena;
	struct sp_err err = { 0 };

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_guard_judge(a, 4, &conf, &arena, &permit, &err), 0);
	assert_int_equal(permit.n_leases, 2);
	assert_int_equal(permit.lease[0].pps, 1000501);
	assert_true(permit.lease[1].pps == UINT64_MAX);
	assert_false(sp_permit_allows(&permit, &a[0].to));
	assert_true(sp_permit_allows(&permit, &a[1].to));
	permit.lease[0].until_ns = 1;
	assert_true(sp_permit_allows(&permit, &a[0].to));
	assert_false(sp_permit_allows(&permit, &a[3].to));
	/* within the limits none is needed */
	a[0] = ask_of("8.8.8.8", 500, 8);
	assert_int_equal(sp_guard_judge(a, 3, &conf, &arena, &permit, &err), 0);
	assert_int_equal(permit.n_leases, 1); /* 1000.5 in all */
	assert_int_equal(sp_guard_judge(a, 2, &conf, &arena, &permit, &err), 0);
	assert_int_equal(permit.n_leases, 0);
	assert_true(sp_permit_allows(&permit, &a[0].to));
	/* a source of somebody else's needs one at any rate; no end needs an end; never is never */
	a[0].foreign_source = true;
	assert_int_equal(sp_guard_judge(a, 1, &conf, &arena, &permit, &err), 0);
	assert_int_equal(permit.n_leases, 1);
	a[0].unbounded = true;
	assert_int_equal(sp_guard_judge(a, 1, &conf, &arena, &permit, &err), -EACCES);
	a[0] = ask_of("240.0.0.1", 1, 8);
	assert_int_equal(sp_guard_judge(a, 1, &conf, &arena, &permit, &err), -EACCES);
	sp_arena_fini(&arena);
}

static void test_taking_from_a_lease(void **state)
{
	struct sp_lease l = { .until_ns = 1000, .packets = 3 };

	(void)state;
	assert_true(sp_guard_lease_take(&l, 0, 1));
	assert_true(sp_guard_lease_take(&l, 999, 1));
	assert_false(sp_guard_lease_take(&l, 1000, 1));
	assert_true(sp_guard_lease_take(&l, 500, 1));
	assert_false(sp_guard_lease_take(&l, 500, 1));
	l.packets = 4;
	assert_true(sp_guard_lease_take(&l, 500, 1));
	assert_int_equal(l.used, 4);
	assert_int_equal(l.refused, 2);
	/* Of a byte stream's several packets all or none. */
	l.packets = 10;
	assert_false(sp_guard_lease_take(&l, 500, 7));
	assert_true(sp_guard_lease_take(&l, 500, 6));
	assert_int_equal(l.used, 10);
	assert_int_equal(l.refused, 3);
}

static void test_bytes_of_a_stream(void **state)
{
	struct sp_lease l = { .until_ns = 1000, .packets = 48 };
	struct sp_guard_stream leased = { .lease = &l }, metered = { .metered = true },
			       own = { 0 };
	static struct sp_guard_meter m;

	(void)state;
	assert_true(sp_guard_bytes_take(&leased, &m, 0, 65536));
	assert_int_equal(l.used, 47);
	assert_false(sp_guard_bytes_take(&leased, &m, 0, 1400));
	assert_true(sp_guard_bytes_take(&leased, &m, 0, 1399));
	assert_int_equal(m.n, 0);
	assert_false(sp_guard_stream_over(&leased, 999));
	assert_true(sp_guard_stream_over(&leased, 1000));
	for (unsigned i = 0; i < SP_GUARD_PUBLIC_PPS; i++)
		assert_true(sp_guard_bytes_take(&metered, &m, 5, 100));
	assert_false(sp_guard_bytes_take(&metered, &m, 5, 100));
	assert_true(sp_guard_bytes_take(&own, &m, 5, 1u << 30));
	assert_false(sp_guard_stream_over(&metered, SP_NEVER));
}

/* Into a test segment: no limits but the segment's own, sources as one likes. */
static void test_segments(void **state)
{
	const struct sp_guard_conf conf = { 0 };
	const struct sp_segment seg = { .pps = 10000, .interface = "eth3", .place = "a file" };
	struct sp_guard_ask a[3] = { ask_of("8.8.8.8", 6000, 1e9), ask_of("1.1.1.1", 4000, 1e9),
				     ask_of("9.9.9.9", 1000, 8) };
	struct sp_permit permit;
	struct sp_arena arena;
	struct sp_err err = { 0 };

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	a[0].segment = a[1].segment = &seg;
	a[0].foreign_source = a[1].unbounded = true;
	assert_int_equal(sp_guard_judge(a, 3, &conf, &arena, &permit, &err), 0);
	assert_int_equal(permit.n_leases, 2);
	assert_ptr_equal(permit.lease[1].segment, &seg);
	assert_false(sp_guard_is_metered(&a[0], &conf));
	assert_true(sp_guard_needs_segment(&a[0], &conf));
	assert_true(sp_guard_is_metered(&a[2], &conf));
	a[1].pps = 4000.5;
	assert_int_equal(sp_guard_judge(a, 3, &conf, &arena, &permit, &err), -EACCES);
	assert_non_null(strstr(err.text, "its ceiling of 10000"));
	a[1].pps = 1;
	a[2].pps = 1001;
	assert_int_equal(sp_guard_judge(a, 3, &conf, &arena, &permit, &err), -EACCES);
	sp_arena_fini(&arena);
}

static void test_is_metered(void **state)
{
	const struct sp_guard_conf sent = { 0 }, kept = { .nothing_leaves = true };

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		struct sp_guard_ask a = ask_of(rows[i].addr, 1, 8);

		if (rows[i].verdict == OWN || rows[i].verdict == FOREIGN)
			assert_int_equal(sp_guard_is_metered(&a, &sent),
					 rows[i].verdict == FOREIGN);
		assert_false(sp_guard_is_metered(&a, &kept));
		a.own_host = true;
		assert_false(sp_guard_is_metered(&a, &sent));
	}
}

static void test_permit(void **state)
{
	enum { N = 50000 };
	const struct sp_guard_conf conf = { .listen = true, .allow_broadcast = true };
	struct sp_guard_ask *a = sp_alloc_array(sp_mem_system(), N, sizeof *a);
	struct sp_endpoint other = { .port = 5001 };
	struct sp_permit permit;
	struct sp_arena arena;

	(void)state;
	assert_non_null(a);
	for (unsigned i = 0; i < N; i++) {
		a[i] = ask_of("10.0.0.1", 10, 1e4);
		a[i].to.port = (uint16_t)(5001 + i % 1000);
	}
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_guard_judge(a, N, &conf, &arena, &permit, NULL), 0);
	assert_int_equal(permit.n_to, 1000);
	assert_true(permit.listen && permit.broadcast);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(sp_permit_allows(&permit, &a[i].to));
	assert_int_equal(sp_addr_parse("10.0.0.2", &other.addr), 0);
	assert_false(sp_permit_allows(&permit, &other));
	/* A receiver asks for no target. */
	assert_int_equal(sp_guard_judge(NULL, 0, &conf, &arena, &permit, NULL), 0);
	assert_int_equal(permit.magic, SP_PERMIT_MAGIC);
	assert_false(sp_permit_allows(&permit, &a[0].to));
	sp_arena_fini(&arena);
	sp_free(sp_mem_system(), a);
}

static void test_no_memory(void **state)
{
	const struct sp_guard_conf conf = { 0 };
	struct sp_guard_ask a = ask_of("10.0.0.1", 1, 8);

	(void)state;
	for (uint64_t i = 0;; i++) {
		struct sp_permit permit;
		struct sp_mem_test mem;
		struct sp_arena arena;
		int rc;

		sp_mem_test_init(&mem, i);
		sp_arena_init(&arena, &mem.mem);
		rc = sp_guard_judge(&a, 1, &conf, &arena, &permit, NULL);
		assert_int_equal(sp_permit_allows(&permit, &a.to), rc == 0);
		sp_arena_fini(&arena);
		assert_int_equal(mem.live, 0);
		if (!rc) {
			assert_true(i >= 2);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

/* How many units of a 1,000.0 pps stream pass, each late by something under 0.1 ms. */
static void test_meter_lets_the_limit_pass(void **state)
{
	struct sp_guard_meter m = { 0 };
	unsigned passed = 0;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		passed += sp_guard_meter_take(
			&m, 5 * SP_NS_PER_S + i * SP_NS_PER_MS + i * 7919 % 100000, 1000);
	assert_int_equal(passed, 10000);
}

/* What a stall has left comes in a burst: no window of a second holds more than its share. */
static void test_meter_slides(void **state)
{
	struct sp_guard_meter m = { 0 };
	uint64_t sent[8000], t = 5 * SP_NS_PER_S;
	unsigned n = 0, first = 0;

	(void)state;
	for (unsigned i = 0; i < 8000; i++) {
		t += i % 2000 < 1000 ? SP_NS_PER_MS : i % 2000 == 1999 ? SP_NS_PER_S / 3 : 1000;
		if (sp_guard_meter_take(&m, t, 64))
			sent[n++] = t;
		while (n && sent[n - 1] - sent[first] >= SP_GUARD_WINDOW_NS)
			first++;
		assert_true(n - first <= SP_GUARD_PUBLIC_PPS);
	}
	assert_in_range(n, 4000, 8000);
}

/* Ten megabits a second of large units are not a whole number of them. */
static void test_meter_large_units(void **state)
{
	struct sp_guard_meter m = { 0 };
	unsigned passed = 0;

	(void)state;
	for (uint64_t i = 0; i < 2000; i++)
		passed += sp_guard_meter_take(&m, SP_NS_PER_S + i * 48 * SP_NS_PER_MS, 60000);
	assert_int_equal(passed, 2000);
}

static void test_meter_stops_more(void **state)
{
	struct sp_guard_meter packets = { 0 }, bits = { 0 };
	unsigned a = 0, b = 0;

	(void)state;
	for (uint64_t i = 0; i < 50000; i++) {
		a += sp_guard_meter_take(&packets, SP_NS_PER_S + i * 100000, 64);
		b += sp_guard_meter_take(&bits, SP_NS_PER_S + i * 100000, 12500);
	}
	assert_in_range(a, 5000, 6000); /* 5 s, at most 6 windows */
	assert_in_range(b, 500, 600);
	/* After a silence of any length there is one window's room, not more. */
	a = 0;
	for (uint64_t i = 0; i < 5000; i++)
		a += sp_guard_meter_take(&packets, 3600 * SP_NS_PER_S + i, 64);
	assert_int_equal(a, 1000);
}

/* ---- crafted packets ---- */

static struct sp_guard_range range_of(const char *first, const char *last)
{
	struct sp_guard_range r;

	assert_int_equal(sp_addr_parse(first, &r.first), 0);
	assert_int_equal(sp_addr_parse(last, &r.last), 0);
	return r;
}

static void ranges_are_judged_whole(void **state)
{
	static const struct {
		const char *first, *last;
		double pps;
		bool foreign, syn, may_lease, broadcast, allowed;
		const char *says;
	} cases[] = {
		{ "10.0.0.0", "10.255.255.255", INFINITY, true, true, false, false, true,
		  NULL },
		{ "10.0.0.0", "11.0.0.0", 100, false, false, false, false, true, NULL },
		{ "10.0.0.0", "11.0.0.0", 2000, false, false, false, false, false,
		  "11.0.0.0: a public address" },
		{ "10.0.0.0", "11.0.0.0", 2000, false, false, true, false, false, "limit" },
		{ "10.0.0.0", "11.0.0.0", 1, true, false, true, false, false, "11.0.0.0" },
		{ "10.0.0.0", "11.0.0.0", 1, false, true, true, false, false, "handshake" },
		{ "10.0.0.0", "255.255.255.254", 1, false, false, true, false, false,
		  "240.0.0.0" },
		{ "0.0.0.0", "0.0.0.0", 1, false, false, true, false, false, "unspecified" },
		{ "255.255.255.255", "255.255.255.255", 1, false, false, false, false, false,
		  "broadcast" },
		{ "fd99::", "fd99::ffff", INFINITY, true, true, false, false, true, NULL },
		{ "fd99::", "fe00::", 1, true, false, false, false, false, "fe00::" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sp_guard_range r = range_of(cases[i].first, cases[i].last);
		struct sp_guard_ask a = ask_of(cases[i].first, cases[i].pps, 1000);
		struct sp_guard_conf conf = { .may_lease = cases[i].may_lease,
					      .allow_broadcast = cases[i].broadcast };
		struct sp_err err;
		int rc;

		a.range = &r;
		a.n_ranges = 1;
		a.foreign_source = cases[i].foreign;
		a.syn = cases[i].syn;
		rc = judge_n(&a, 1, &conf, &err);
		if (!rc != cases[i].allowed)
			fail_msg("%s-%s: %s", cases[i].first, cases[i].last, err.text);
		if (cases[i].says && !strstr(err.text, cases[i].says))
			fail_msg("'%s' is not in: %s", cases[i].says, err.text);
	}
}

static void syns_are_for_the_own_network(void **state)
{
	struct sp_guard_ask own = ask_of("10.0.0.2", INFINITY, INFINITY);
	struct sp_guard_ask public = ask_of("8.8.8.8", 1, 1);
	struct sp_guard_conf conf = { .nothing_leaves = false };
	struct sp_err err;

	(void)state;
	own.syn = public.syn = true;
	assert_int_equal(judge_n(&own, 1, &conf, &err), 0);
	assert_int_equal(judge_n(&public, 1, &conf, &err), -EACCES);
	assert_non_null(strstr(err.text, "SYNs"));
	assert_non_null(strstr(err.text, "lease"));
	conf.nothing_leaves = true;
	assert_int_equal(judge_n(&public, 1, &conf, &err), 0);
}

/* Frames of another kind (MPLS) may have targets inside. */
static void frames_without_ip_may_go_far(void **state)
{
	struct sp_guard_range inside = { .first = { .family = 4, .ip = { 10, 0, 0, 1 } },
					 .last = { .family = 4, .ip = { 10, 0, 0, 9 } } };
	struct sp_guard_ask a = {
		.no_ip = true, .own_link = true, .range = &inside, .n_ranges = 1, .pps = 2000
	};
	struct sp_guard_conf conf = { .may_lease = true };
	struct sp_permit permit;
	struct sp_arena arena;
	struct sp_err err;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), 0);
	inside.first.ip[0] = inside.last.ip[0] = 8;
	assert_true(sp_guard_is_metered(&a, &conf) && sp_guard_needs_segment(&a, &conf));
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), -EACCES);
	assert_non_null(strstr(err.text, "8.0.0.1: a public"));
	a.pps = 10;
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), 0);
	a.unbounded = true;
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), -EACCES);
	assert_non_null(strstr(err.text, "8.0.0.1"));
	a.unbounded = false;
	a.syn = true;
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), -EACCES);
	assert_non_null(strstr(err.text, "handshake"));
	sp_arena_fini(&arena);
}

static void frames_without_ip_stay_at_home(void **state)
{
	struct sp_guard_ask a = { .no_ip = true, .pps = INFINITY, .bps = INFINITY };
	struct sp_guard_conf conf = { .nothing_leaves = false };
	struct sp_segment segment = { .interface = "eth3", .pps = UINT64_MAX };
	struct sp_permit permit;
	struct sp_arena arena;
	struct sp_err err;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	assert_true(sp_guard_needs_segment(&a, &conf));
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), -EACCES);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(err.text, "without an IP header"));
	a.own_link = true;
	assert_false(sp_guard_needs_segment(&a, &conf));
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), 0);
	a.own_link = false;
	a.segment = &segment;
	assert_int_equal(sp_guard_judge(&a, 1, &conf, &arena, &permit, &err), 0);
	sp_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nothing_leaves),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_total_over_all_targets),
		cmocka_unit_test(test_own_host_and_subnets),
		cmocka_unit_test(test_broadcast_among_many),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_taking_from_a_lease),
		cmocka_unit_test(test_bytes_of_a_stream),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_is_metered),
		cmocka_unit_test(test_permit),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_meter_lets_the_limit_pass),
		cmocka_unit_test(test_meter_slides),
		cmocka_unit_test(test_meter_large_units),
		cmocka_unit_test(test_meter_stops_more),
		cmocka_unit_test(ranges_are_judged_whole),
		cmocka_unit_test(syns_are_for_the_own_network),
		cmocka_unit_test(frames_without_ip_stay_at_home),
		cmocka_unit_test(frames_without_ip_may_go_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
