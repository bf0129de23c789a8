/* What an expression is about to do, as consent wants to know it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "engine/packet.h"
#include "pkt/view.h"

static const struct sp_endpoint nobody = { .port = 0 };

struct looked {
	struct sp_arena arena;
	struct sp_packet_facts f;
};

static const struct sp_packet_facts *look(struct looked *l, const char *text, const char *to)
{
	struct sp_endpoint e = nobody;
	struct sp_err err = { 0 };

	if (to)
		assert_int_equal(sp_addr_parse(to, &e.addr), 0);
	sp_arena_init(&l->arena, sp_mem_system());
	if (sp_packet_look(text, "--packet", &e, &sp_catalog, &l->arena, &l->f, &err))
		fail_msg("%s: %s", text, err.text);
	return &l->f;
}

static void forget(struct looked *l)
{
	sp_arena_fini(&l->arena);
}

/* Ranges as "first-last first-last". */
static void check_ranges(const struct sp_guard_range *r, unsigned n, const char *expected)
{
	char text[400] = "", one[64];

	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(text);

		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "",
					sp_addr_format(one, sizeof one, &r[i].first));
		if (sp_addr_compare(&r[i].first, &r[i].last))
			snprintf(text + len, sizeof text - len, "-%s",
				 sp_addr_format(one, sizeof one, &r[i].last));
	}
	assert_string_equal(text, expected);
}

static void targets_are_all_that_vary(void **state)
{
	static const struct {
		const char *text, *to, *src;
	} rows[] = {
		{ "ip(dst=10.0.0.2)", "10.0.0.2", "" },
		{ "ip(dst=10.0.0.0/24)", "10.0.0.0-10.0.0.255", "" },
		{ "ip(dst=0.0.0.0/0)", "0.0.0.0-255.255.255.255", "" },
		{ "ip(dst=10.0.0.5..10.0.1.9)", "10.0.0.5-10.0.1.9", "" },
		{ "ip(dst=[10.0.0.1,8.8.8.8])", "10.0.0.1 8.8.8.8", "" },
		{ "ip(dst=10.0.0.1,src=10.9.0.0/16)", "10.0.0.1", "10.9.0.0-10.9.255.255" },
		{ "ip(dst=10.0.0.1,src=10.9.0.7)", "10.0.0.1", "10.9.0.7" },
		{ "eth/ip(dst=10.0.0.0/30)/udp", "10.0.0.0-10.0.0.3", "" },
		{ "ipv6(dst=fd99::/120)", "fd99::-fd99::ff", "" },
		{ "ipv6(dst=[fd99::1,2600::1])", "fd99::1 2600::1", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct looked l;
		const struct sp_packet_facts *f = look(&l, rows[i].text, NULL);

		assert_true(f->ip && f->dst_given);
		check_ranges(f->to, f->n_to, rows[i].to);
		check_ranges(f->src, f->n_src, rows[i].src);
		forget(&l);
	}
}

/* Whoever forwards it sends it on: source routes and tunnels have targets, too. */
static void targets_inside_are_targets(void **state)
{
#define IP4_TO_8888 "0x4500001400010000400400000102030408080808"
	static const struct {
		const char *text, *to, *src;
	} rows[] = {
		{ "ip(dst=10.0.0.2,options=[LSRR=[8.8.8.8,10.0.0.9]])/udp",
		  "10.0.0.2 8.8.8.8 10.0.0.9", "" },
		{ "ip(dst=10.0.0.2,options=[NOP,SSRR=8.8.8.8])/udp", "10.0.0.2 8.8.8.8", "" },
		{ "ip(dst=10.0.0.2,options=[RR=[8.8.8.8]])/udp", "10.0.0.2", "" },
		{ "ip(dst=10.0.0.2,options=[LSRR=[9.0.0.0/30]])/udp",
		  "10.0.0.2 9.0.0.0-9.0.0.3", "" },
		{ "ipv6(dst=fd99::1)/routing(type=0,addresses=[2600::1,fd99::2])/udp",
		  "fd99::1 2600::1 fd99::2", "" },
		{ "ipv6(dst=fd99::1)/routing(type=2,addresses=[2600::1])/udp",
		  "fd99::1 2600::1", "" },
		{ "ipv6(dst=fd99::1)/hopopts/srh(addresses=[2600::1,fd99::1])/udp",
		  "fd99::1 2600::1", "" },
		{ "ipv6(dst=fd99::1)/srh(addresses=[[2600::1,2600::9]])/udp",
		  "fd99::1 2600::1 2600::9", "" },
		{ "ip(dst=10.0.0.2)/ip(src=10.0.0.1,dst=8.8.8.8)/udp", "10.0.0.2 8.8.8.8",
		  "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/ip(src=10.0.0.1,dst=10.0.0.2)/udp", "10.0.0.2",
		  "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/ip(src=1.2.3.0/24,dst=8.0.0.0/8)/udp",
		  "10.0.0.2 8.0.0.0-8.255.255.255", "1.2.3.0-1.2.3.255" },
		{ "ip(dst=10.0.0.2)/ipv6(src=fd99::1,dst=2600::1)/udp", "10.0.0.2 2600::1",
		  "fd99::1" },
		{ "ipv6(dst=fd99::2)/ip(src=10.0.0.1,dst=[8.8.8.8,9.9.9.9])/udp",
		  "fd99::2 8.8.8.8 9.9.9.9", "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/gre/ip(src=10.0.0.1,dst=8.8.8.8)", "10.0.0.2 8.8.8.8",
		  "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/gre(key=1,seq=2)/mpls/ip(src=10.0.0.1,dst=8.8.8.8)",
		  "10.0.0.2 8.8.8.8", "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/udp/vxlan/eth/vlan/ip(src=10.0.0.1,dst=8.8.8.8)",
		  "10.0.0.2 8.8.8.8", "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/udp(dport=99)/vxlan/eth/ip(src=10.0.0.1,dst=8.8.8.8)",
		  "10.0.0.2 8.8.8.8", "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/udp/geneve(options=[0x010280=0x00000001])/ip(src=10.0.0.1,"
		  "dst=8.8.8.8)",
		  "10.0.0.2 8.8.8.8", "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/ip(src=10.0.0.1,dst=10.0.0.3)/ip(src=10.0.0.1,dst=8.8.8.8)",
		  "10.0.0.2 10.0.0.3 8.8.8.8", "10.0.0.1" },
		{ "ip(dst=10.0.0.2)/ip(src=10.0.0.1,dst=10.0.0.3,options=[LSRR=8.8.8.8])",
		  "10.0.0.2 10.0.0.3 8.8.8.8", "10.0.0.1" },
		/* As bare octets. */
		{ "ip(dst=10.0.0.2,proto=4)/" IP4_TO_8888, "10.0.0.2 8.8.8.8", "1.2.3.4" },
		{ "ip(dst=10.0.0.2,proto=0..9)/" IP4_TO_8888, "10.0.0.2 8.8.8.8", "1.2.3.4" },
		{ "ip(dst=10.0.0.2,proto=99)/" IP4_TO_8888, "10.0.0.2", "" },
		{ "ip(dst=10.0.0.2,proto=4)/\"text\"", "10.0.0.2", "" },
		{ "ipv6(dst=fd99::1,nh=41)/"
		  "0x6000000000003b40fd990000000000000000000000000001"
		  "26000000000000000000000000000001",
		  "fd99::1 2600::1", "fd99::1" },
		{ "ip(dst=10.0.0.2)/gre(proto=0x0800)/raw(load=" IP4_TO_8888 ")",
		  "10.0.0.2 8.8.8.8", "1.2.3.4" },
		{ "ip(dst=10.0.0.2)/udp(dport=4000..5000)/0x0800000000000100"
		  "02000000000202000000000108004500001400010000400400000102030408080808",
		  "10.0.0.2 8.8.8.8", "1.2.3.4" },
		{ "ip(dst=10.0.0.2)/udp(dport=1..65535)/raw(len=100)", "10.0.0.2", "" },
		/* What it gives is repeated where it grows. */
		{ "ip(dst=10.0.0.2,proto=4)/0x45000808", "10.0.0.2 69.0.8.8", "69.0.8.8" },
		/* Any number of headers in a row. */
		{ "ipv6(dst=fd99::1,nh=0..255)/0x00", "fd99::1", "" },
		{ "ip(dst=10.0.0.2)/raw(load=\"E\",len=1400)", "10.0.0.2", "" },
		/* A quotation goes nowhere. */
		{ "ip(dst=10.0.0.2)/icmp(type=3)/ip(src=10.0.0.2,dst=8.8.8.8)/udp", "10.0.0.2",
		  "" },
		/* Frames of another kind. */
		{ "eth(type=0x8847)/0x00001140" /* a label */
		  "4500001400010000400400000102030408080808",
		  "8.8.8.8", "1.2.3.4" },
		{ "eth(type=[0x88b5,0x0800])/" IP4_TO_8888, "8.8.8.8", "1.2.3.4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct looked l;
		const struct sp_packet_facts *f = look(&l, rows[i].text, NULL);

		check_ranges(f->to, f->n_to, rows[i].to);
		check_ranges(f->src, f->n_src, rows[i].src);
		forget(&l);
	}
}

static void syns_are_seen(void **state)
{
	static const struct {
		const char *text;
		bool syn;
	} rows[] = {
		{ "ip(dst=10.0.0.2)/tcp(flags=S)", true },
		{ "ip(dst=10.0.0.2)/tcp(flags=SEC)", true },
		{ "ip(dst=10.0.0.2)/tcp", true },
		{ "ip(dst=10.0.0.2)/tcp(flags=SA)", false },
		{ "ip(dst=10.0.0.2)/tcp(flags=PA)", false },
		{ "ip(dst=10.0.0.2)/tcp(flags=0..255)", true },
		{ "ip(dst=10.0.0.2)/udp", false },
		{ "ip(dst=10.0.0.2,proto=0..255)/udp", true },
		{ "ipv6(dst=fd99::1)/tcp(flags=S)", true },
		{ "ipv6(dst=fd99::1)/tcp(flags=A)", false },
		{ "ip(dst=10.0.0.2)/tcp(flags=[A,PA])", false },
		{ "ip(dst=10.0.0.2)/tcp(flags=[A,S])", true },
		{ "ip(dst=10.0.0.2,proto=[17,99])/udp", false },
		{ "ip(dst=10.0.0.2,proto=6)", true }, /* a payload makes it one */
		{ "ip(dst=10.0.0.2)/ip/tcp(flags=S)", true },
		{ "ip(dst=10.0.0.2)/ip/tcp(flags=A)", false },
		{ "ip(dst=10.0.0.2)/gre/ipv6/dstopts/tcp(flags=S)", true },
		{ "ip(dst=10.0.0.2)/udp/vxlan/eth/ip/tcp(flags=S)", true },
		{ "ip(dst=10.0.0.2)/icmp(type=3)/ip/tcp(flags=S)", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct looked l;

		if (look(&l, rows[i].text, NULL)->syn != rows[i].syn)
			fail_msg("%s", rows[i].text);
		forget(&l);
	}
}

static void lengths_and_who_is_meant(void **state)
{
	struct looked l;
	const struct sp_packet_facts *f = look(&l, "ip/udp(dport=9)/raw(len=100)", "10.1.1.1");

	(void)state;
	assert_false(f->dst_given || f->src_given || f->fixed || f->mac_given);
	assert_int_equal(f->len, 142);
	assert_int_equal(f->head, 42);
	assert_int_equal(f->dst.port, 9);
	assert_int_equal(f->dst.addr.ip[3], 1);
	forget(&l);
	f = look(&l, "eth(dst=02:00:00:00:00:02)/ip(dst=10.0.0.1)/udp/\"text\"", NULL);
	assert_true(f->mac_given);
	assert_int_equal(f->len, 46);
	assert_int_equal(f->head, 46); /* what was given stays */
	forget(&l);
	f = look(&l, "eth(type=0x88b5)/raw(len=50)", NULL);
	assert_true(!f->ip && f->mac_given);
	assert_int_equal(f->len, 64);
	forget(&l);
	f = look(&l, "ip(dst=10.0.0.1,len=30)/udp", NULL);
	assert_true(f->fixed);
	assert_int_equal(f->head, f->len);
	forget(&l);
}

/* Whoever writes IP as bare octets is judged by them. */
static void octets_are_read(void **state)
{
	struct looked l;
	struct sp_arena arena;
	struct sp_packet_facts f;
	struct sp_err err = { 0 };
	const struct sp_packet_facts *p = look(
		&l,
		"eth(type=0x0800)/0x45000028000100004006000001020304080808080007005000000000"
		"000000005002200000000000",
		NULL);

	(void)state;
	assert_true(p->ip && p->syn && p->src_given && p->mac_given);
	check_ranges(p->to, p->n_to, "8.8.8.8");
	check_ranges(p->src, p->n_src, "1.2.3.4");
	forget(&l);
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_packet_look("eth/udp/ip(dst=10.0.0.1)", "--packet", &nobody,
					&sp_catalog, &arena, &f, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "below ip"));
	sp_arena_fini(&arena);
}

/* What a payload would fill when it is sent, nobody has looked at. */
static void headers_are_not_left_to_payloads(void **state)
{
	static const struct {
		const char *text, *fragment;
	} rows[] = {
		{ "eth(type=0x0800)", "nobody could tell" },
		{ "eth(type=0x86dd)/raw()", "nobody could tell" },
		{ "eth(type=0x8100)", "nobody could tell" },
		{ "eth(type=[0x0801,0x0800])", "nobody could tell" },
		{ "eth(type=0x0700..0x0900)", "nobody could tell" },
		{ "eth/vlan(type=0x0800)", "nobody could tell" },
		{ "vlan(id=5)/ip(dst=10.0.0.1)/udp", "begins with eth" },
		{ "udp(dport=80)", "cannot begin with udp" },
		{ "ip(dst=10.0.0.1,proto=4)", "would be read as an IP header" },
		{ "eth(type=0x8847)", "would be read as an IP header" },
		{ "eth(type=0x88b5)", NULL },
		{ "eth/vlan(id=1..9,type=0x88b5)", NULL },
		{ "eth/ip(dst=10.0.0.1)", NULL },
		{ "ip(dst=10.0.0.1)/udp", NULL },
		{ "eth/arp(pdst=10.0.0.1)", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_packet_facts f;
		struct sp_arena arena;
		struct sp_err err = { 0 };
		int rc;

		sp_arena_init(&arena, sp_mem_system());
		rc = sp_packet_look(rows[i].text, "--packet", &nobody, &sp_catalog, &arena, &f,
				    &err);
		if (!rc != !rows[i].fragment || (rc && !strstr(err.text, rows[i].fragment)))
			fail_msg("%s: %d %s", rows[i].text, rc, err.text);
		sp_arena_fini(&arena);
	}
}

static void sources_that_vary_are_told(void **state)
{
	struct looked l;

	(void)state;
	assert_false(look(&l, "ip(dst=10.0.0.1,id=0..9)/udp(dport=1..9)", NULL)->src_varies);
	forget(&l);
	assert_true(look(&l, "ip(dst=10.0.0.1,src=10.0.0.0/8)", NULL)->src_varies);
	forget(&l);
	assert_true(look(&l, "ip(dst=10.0.0.1)/tcp(sport=1..9)", NULL)->src_varies);
	forget(&l);
}

static void what_is_open_is_the_links(void **state)
{
	const struct sp_link link = { .src_mac = { 2, 0, 0, 0, 0, 1 },
				      .dst_mac = { 2, 0, 0, 0, 0, 2 },
				      .src = { .family = 4, .ip = { 10, 0, 0, 7 } } };
	static const char *const texts[] = {
		"ip/udp",
		"eth/ip/udp",
		"eth(dst=02:00:00:00:00:09)/ip(src=10.1.1.1)/udp",
	};
	struct sp_endpoint to = { .addr = { .family = 4, .ip = { 10, 0, 0, 2 } } };
	struct sp_plan_port port = { .port = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sp_plan_stream s = { .packet = texts[i] };
		struct sp_template t;
		struct sp_view v;
		uint8_t frame[100] = { [12] = 8 };
		struct sp_err err;

		assert_int_equal(sp_packet_template(&t, &s, &port, &to, &link, &sp_catalog,
						    sp_mem_system(), &err),
				 0);
		memcpy(frame + (t.link ? 0 : 14), t.octets, t.len);
		assert_int_equal(
			sp_view(frame, (t.link ? 0 : 14) + t.len, true, SP_CSUM_UNKNOWN, &v),
			0);
		assert_true(sp_addr_eq(&v.dst.addr, &to.addr));
		assert_int_equal(v.src.addr.ip[3], i == 2 ? 1 : 7);
		if (t.link) {
			assert_int_equal(frame[5], i == 2 ? 9 : 2);
			assert_memory_equal(frame + 6, link.src_mac, 6);
		}
		sp_template_free(&t);
	}
}

static void wrong_families_are_named(void **state)
{
	struct sp_link link = { .src = { .family = 4 } };
	struct sp_endpoint six = { .addr = { .family = 6, .ip = { 0xfd } } };
	struct sp_plan_stream s = { .packet = "ip/udp" };
	struct sp_plan_port port = { .port = 0 };
	struct sp_packet_facts f;
	struct sp_template t;
	struct sp_arena arena;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(sp_packet_template(&t, &s, &port, &six, &link, &sp_catalog,
					    sp_mem_system(), &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "another family"));
	sp_template_free(&t);
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(
		sp_packet_look("ip/udp", "--packet", &six, &sp_catalog, &arena, &f, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "not of the family"));
	s.packet = "ipv6(dst=fd99::1)/udp";
	assert_int_equal(sp_packet_template(&t, &s, &port, &six, &link, &sp_catalog,
					    sp_mem_system(), &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "no IPv6 address to send from"));
	sp_template_free(&t);
	sp_arena_fini(&arena);
}

static void survives_a_lack_of_memory(void **state)
{
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		struct sp_packet_facts f;
		struct sp_mem_test test;
		struct sp_arena arena;
		struct sp_err err = { 0 };

		sp_mem_test_init(&test, n);
		sp_arena_init(&arena, &test.mem);
		rc = sp_packet_look("ip(dst=[10.0.0.1,10.0.0.9],src=10.0.0.0/8)/ip/\"text\"",
				    "--packet", &nobody, &sp_catalog, &arena, &f, &err);
		assert_true(rc == 0 || rc == -ENOMEM);
		sp_arena_fini(&arena);
		assert_int_equal(test.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_all_that_vary),
		cmocka_unit_test(targets_inside_are_targets),
		cmocka_unit_test(syns_are_seen),
		cmocka_unit_test(lengths_and_who_is_meant),
		cmocka_unit_test(octets_are_read),
		cmocka_unit_test(headers_are_not_left_to_payloads),
		cmocka_unit_test(sources_that_vary_are_told),
		cmocka_unit_test(what_is_open_is_the_links),
		cmocka_unit_test(wrong_families_are_named),
		cmocka_unit_test(survives_a_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
