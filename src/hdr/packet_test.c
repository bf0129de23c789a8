/* Expression to template, with the headers of this build. */
#include "pkt/packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/csum.h"
#include "plugin/catalog.h"

static struct sp_packet *parsed(const char *text)
{
	struct sp_err err = { 0 };
	struct sp_packet *p;

	if (sp_packet_parse(&p, text, "test", sp_catalog.hdr, sp_mem_system(), &err))
		fail_msg("%s: %s", text, err.text);
	return p;
}

static struct sp_template compiled(const char *text)
{
	struct sp_packet *p = parsed(text);
	struct sp_err err = { 0 };
	struct sp_template t;

	if (sp_packet_compile(p, &t, &err))
		fail_msg("%s: %s", text, err.text);
	sp_packet_free(p);
	return t;
}

static void refused(const char *text, const char *sentence)
{
	struct sp_err err = { 0 };
	struct sp_packet *p;
	struct sp_template t;

	if (!sp_packet_parse(&p, text, "test", sp_catalog.hdr, sp_mem_system(), &err)) {
		assert_int_equal(sp_packet_compile(p, &t, &err), -EINVAL);
		sp_template_free(&t);
		sp_packet_free(p);
	}
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	if (!strstr(err.text, sentence))
		fail_msg("%s: \"%s\" is not in \"%s\"", text, sentence, err.text);
}

static void syn_is_as_on_the_wire(void **state)
{
	static const uint8_t want[] = {
		0x45, 0,  0,	0x3c, 0,    1, 0x40, 0,	   5,  6, 0x61, 0xba, 10, 0,	0,
		0,    10, 0,	0,    2,    4, 0,    0,	   80, 0, 0,	0,    0,  0,	0,
		0,    0,  0xa0, 2,    0x20, 0, 0x0f, 0xae, 0,  0, 2,	4,    5,  0xb4, 1,
		3,    3,  7,	4,    2,    8, 10,   0,	   0,  0, 1,	0,    0,  0,	0,
	};
	struct sp_template t = compiled(
		"ip(src=10.0.0.0,dst=10.0.0.2,ttl=5,flags=DF)/tcp(sport=1024,dport=80,flags=S,"
		"options=[MSS=1460,NOP,WScale=7,SAckOK,Timestamp=(1,0)])");

	(void)state;
	assert_int_equal(t.len, sizeof want);
	assert_memory_equal(t.octets, want, sizeof want);
	assert_int_equal(t.units, 1);
	sp_template_free(&t);
}

static void template_says_what_depends_on_size(void **state)
{
	struct sp_template t = compiled("eth()/vlan(vlan=5)/ip()/udp()/\"hello\"");

	(void)state;
	assert_true(t.link && !t.fixed && t.payload_given);
	assert_int_equal(t.l3_off, 18);
	assert_int_equal(t.ether_type, 0x0800);
	assert_int_equal(t.payload_off, 18 + 20 + 8);
	assert_int_equal(t.n_lengths, 2);
	assert_int_equal(t.length[0].off, 18 + 2);
	assert_int_equal(t.length[0].less, 18);
	assert_int_equal(t.length[1].off, 18 + 20 + 4);
	assert_int_equal(t.length[1].less, 18 + 20);
	assert_int_equal(t.n_sums, 2);
	assert_int_equal(t.sum[0].kind, SP_SUM_UDP);
	assert_int_equal(t.sum[0].off, 18 + 20 + 6);
	assert_int_equal(t.sum[0].src, 18 + 12);
	assert_int_equal(t.sum[0].dst, 18 + 16);
	assert_int_equal(t.sum[0].proto, 17);
	assert_int_equal(t.sum[0].to, 0);
	assert_int_equal(t.sum[1].kind, SP_SUM_INET);
	assert_int_equal(t.sum[1].to, 18 + 20);
	sp_template_free(&t);
}

static void what_may_grow(void **state)
{
	static const struct {
		const char *text;
		uint32_t payload;
		bool given, fixed;
	} rows[] = {
		{ "ip()/udp()", 28, false, false },
		{ "ip()/udp()/raw(len=9)", 28, false, false },
		{ "ip()/udp()/raw(len=9,load=\"ab\")", 28, true, false },
		{ "ip()/udp()/\"x\"/padding(len=4)", 28, true, true },
		{ "ip()/udp(len=9)/\"x\"", 28, true, true },
		{ "ip()/udp()/dns()", 40, false, true },
		{ "arp()", 28, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_template t = compiled(rows[i].text);

		assert_int_equal(t.payload_off, rows[i].payload);
		assert_int_equal(t.payload_given, rows[i].given);
		assert_int_equal(t.fixed, rows[i].fixed);
		sp_template_free(&t);
	}
}

/* Value k of a place, as template.h says. */
static uint64_t value(const struct sp_place *p, uint64_t k)
{
	uint64_t v = 0;

	if (p->how == SP_VARY_WALK)
		return (p->first + k * p->step) & (p->mask >> p->shift);
	for (unsigned i = 0; i < p->bytes; i++)
		v = v << 8 | p->table[k * p->bytes + i];
	return v >> p->shift;
}

static void walks_and_tables(void **state)
{
	struct sp_template t = compiled("ip(flags=[DF,MF],frag=8000..0/1000)/"
					"tcp(dport=[80,443,1000..1002],flags=(1,3))");

	(void)state;
	assert_int_equal(t.n_places, 4);
	assert_int_equal(t.units, 2 * 9 * 5 * 3);
	assert_string_equal(t.place[0].field, "ip.flags");
	assert_int_equal(t.place[0].off, 6);
	assert_int_equal(t.place[0].shift, 5);
	assert_int_equal(t.place[0].mask, 0xe0);
	assert_int_equal(t.place[0].every, 9 * 5 * 3);
	assert_int_equal(value(&t.place[0], 0), 2);
	assert_int_equal(value(&t.place[0], 1), 1);
	assert_int_equal(t.place[1].count, 9);
	assert_int_equal(value(&t.place[1], 0), 8000);
	assert_int_equal(value(&t.place[1], 8), 0);
	assert_int_equal(t.place[2].count, 5);
	assert_int_equal(value(&t.place[2], 4), 1002);
	assert_int_equal(t.place[2].every, 3);
	assert_int_equal(t.place[3].mask, 0x1ff);
	assert_int_equal(t.place[3].every, 1);
	sp_template_free(&t);
}

static void written_order_decides(void **state)
{
	struct sp_template t = compiled("ip(dst=10.0.0.0/30,src=10.1.0.0/31)");

	(void)state;
	assert_string_equal(t.place[0].field, "ip.dst");
	assert_int_equal(t.place[0].every, 2);
	assert_string_equal(t.place[1].field, "ip.src");
	assert_int_equal(t.place[1].every, 1);
	sp_template_free(&t);
}

static void wide_addresses(void **state)
{
	struct sp_template t = compiled("ipv6(src=2001:db8::1..2001:db8::9/2,"
					"dst=[2001:db8::,2001:db9::1])/udp()");

	(void)state;
	assert_int_equal(t.n_places, 3);
	assert_int_equal(t.units, 10);
	assert_int_equal(t.place[0].off, 16);
	assert_int_equal(t.place[0].bytes, 8);
	assert_int_equal(t.place[0].every, 2);
	assert_int_equal(value(&t.place[0], 4), 9);
	assert_int_equal(t.place[1].off, 24);
	assert_int_equal(t.place[2].off, 32);
	assert_int_equal(t.place[1].every, 1);
	assert_int_equal(t.place[2].every, 1);
	assert_int_equal(value(&t.place[1], 1), 0x20010db900000000);
	assert_int_equal(value(&t.place[2], 1), 1);
	sp_template_free(&t);

	t = compiled("ipv6(src=random(2001:db8::/32),dst=2001:db8::/32)");
	assert_int_equal(t.n_places, 3);
	assert_int_equal(t.place[0].count, (uint64_t)1 << 32);
	assert_int_equal(t.place[1].count, 0);
	assert_int_equal(t.place[2].count, UINT64_MAX);
	sp_template_free(&t);
	refused("ipv6(src=2001:db8::1..2001:db9::1/65536)", "stays within its first 64 bits");
}

static void lists_of_octets(void **state)
{
	struct sp_template t = compiled(
		"udp(sport=[1,2,3])/raw(load=[\"0123456789\",\"abcdefghij\"])");

	(void)state;
	assert_int_equal(t.n_places, 3);
	assert_int_equal(t.units, 6);
	assert_true(t.fixed);
	assert_int_equal(t.place[0].every, 2);
	assert_int_equal(t.place[1].off, 8);
	assert_int_equal(t.place[1].bytes, 8);
	assert_int_equal(t.place[1].every, 1);
	assert_memory_equal(t.place[1].table, "01234567abcdefgh", 16);
	assert_int_equal(t.place[2].off, 16);
	assert_int_equal(t.place[2].bytes, 2);
	assert_int_equal(t.place[2].every, 1);
	assert_memory_equal(t.place[2].table, "89ij", 4);
	sp_template_free(&t);
	refused("raw(load=[\"a\",\"bc\"])", "one length, 1 octets, not 2");
	refused("raw(len=9,load=[\"a\",\"b\"])", "a list has its own length");
	refused("dns(qd=[([\"a.b\",\"a.bc\"])])", "one length");
}

static void front_ends_ask_and_set(void **state)
{
	struct sp_packet *p = parsed("eth()/ip(dst=10.0.0.2)/udp()");
	struct sp_node *ip = sp_packet_node(p, "ip", 0);
	struct sp_err err = { 0 };
	uint8_t buf[64];
	size_t len;

	(void)state;
	assert_null(sp_packet_node(p, "ip", 1));
	assert_true(sp_node_given(ip, "dst") && !sp_node_given(ip, "src"));
	assert_int_equal(sp_packet_set(p, ip, "src", "10.9.8.7", &err), 0);
	assert_int_equal(sp_packet_set(p, ip, "src", "10.9.8.7.6", &err), -EINVAL);
	assert_int_equal(sp_packet_set(p, ip, "src", "::1", &err), -EINVAL);
	assert_int_equal(sp_packet_set(p, ip, "src", "10.9.8.7 x", &err), -EINVAL);
	assert_int_equal(sp_packet_set(p, ip, "source", "10.9.8.7", &err), -EINVAL);
	assert_int_equal(sp_packet_set(p, ip, "src", "10.9.8.7", &err), 0);
	assert_int_equal(sp_packet_encode(p, buf, sizeof buf, &len, &err), 0);
	assert_int_equal(sp_get_be32(buf + 14 + 12), 0x0a090807);
	assert_int_equal(sp_packet_encode(p, buf, 41, &len, &err), -EMSGSIZE);
	sp_packet_free(p);
}

static void names_of_scapy_and_others(void **state)
{
	static const char *const pairs[][2] = {
		{ "IP(dst=\"10.0.0.1\")/TCP(dport=80)", "ip(dst=10.0.0.1)/tcp(dport=80)" },
		{ "Ether()/Dot1Q(vlan=5)/IPv6()", "eth()/vlan(id=5)/ipv6()" },
		{ "ip(iplen=9,ipflags=DF,ipchksum=7)", "ip(len=9,flags=2,chksum=0x7)" },
		{ "ip(dst=2001:db8::1,ttl=9,tos=1)", "ipv6(dst=2001:db8::1,hlim=9,tc=1)" },
		{ "ip()/icmp(type=echo-reply)", "ip() / icmp ( type = 0 )" },
		{ "ICMPv6ND_NS(tgt=::1)", "icmp6(type=135,tgt=::1)" },
		{ "ip()/\"a\\x41\\n\"", "ip()/0x61410a" },
		{ "tcp(options=[SAck=(1,2,3,4)])", "tcp(options=[SAck=[(1,2),(3,4)]])" },
		{ "tcp(options=[('MSS', 5),('NOP',None),(\"SAckOK\",''),('Timestamp',(1,2))])",
		  "tcp(options=[MSS=5,NOP,SAckOK,Timestamp=(1,2)])" },
		{ "tcp(options=MSS=5)", "tcp(options=[MSS(mss=5)])" },
		{ "dns(qd=DNSQR(qname=\"a\"))", "dns(qd=[\"a\"])" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct sp_template a = compiled(pairs[i][0]), b = compiled(pairs[i][1]);

		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.octets, b.octets, a.len);
		sp_template_free(&a);
		sp_template_free(&b);
	}
}

static void mistakes_are_named(void **state)
{
	(void)state;
	refused("ip()/tcp(sprt=5)", "test:10: tcp has no field 'sprt'; did you mean 'sport'?");
	refused("ip(ttl=256)", "test:8: ip.ttl has 8 bits: 256 is above 255");
	refused("ip(src=10.0.0.0/33)", "test:17: ip.src: a prefix has at most 32 bits");
	refused("udp(sport=1..)", "udp.sport has no value");
	refused("udp(sport=1..5/0)", "the step of a range is at least 1");
	refused("udp(sport=[1,2)", "',' or ']' is expected");
	refused("udp(sport=random(9..1))", "random takes first..last");
	refused("udp(sport=[1..65535,0..9])", "test:21: a list holds at most 65536 values");
	refused("udp(sport=@ports)",
		"test:11: udp.sport: a file of values cannot be read from here");
	refused("\"\\q\"", "test:2: '\\q' is no escape");
	refused("tcp(options=[[[[", "there is no TCP option");
	refused("dns(qd=[\"a..b\"])", "DNSQR.qname is a domain name");
	refused("ip()/", "test:6: a header is expected");
	refused("ip()/raw(len=65536)", "beyond 65535 octets");
	refused("eth()/raw(len=65530)", "beyond 65535 octets");
	refused("tcp(options=[MSS=1,MSS=1,MSS=1,MSS=1,MSS=1,MSS=1,MSS=1,MSS=1,MSS=1,MSS=1,MSS=1])",
		"tcp.dataofs holds at most 15");
}

/* Whatever fails for want of memory says so and leaves nothing behind. */
static void memory_runs_out(void **state)
{
	static const char text[] =
		"eth()/ip(src=10.0.0.0/24,options=[RR=[1.1.1.1],NOP])/tcp(dport=[1,2,3],"
		"options=[MSS=5,SAck=[(1,2)]])/raw(load=[\"ab\",\"cd\"])/padding(len=3)";
	uint8_t octets[256];
	size_t len;
	struct sp_packet *p = parsed(text);
	uint64_t n = 0;
	int rc;

	(void)state;
	assert_int_equal(sp_packet_encode(p, octets, sizeof octets, &len, NULL), 0);
	sp_packet_free(p);
	do {
		struct sp_mem_test mem;
		struct sp_template t = { 0 };
		struct sp_err err = { 0 };

		sp_mem_test_init(&mem, n++);
		rc = sp_packet_parse(&p, text, "test", sp_catalog.hdr, &mem.mem, &err);
		if (!rc) {
			rc = sp_packet_compile(p, &t, &err);
			sp_template_free(&t);
		}
		sp_packet_free(p);
		if (!rc) {
			rc = sp_packet_decode(&p, octets, len, "eth", sp_catalog.hdr, &mem.mem,
					      &err);
			sp_packet_free(p);
		}
		assert_true(!rc || (rc == -ENOMEM && err.text[0]));
		assert_int_equal(mem.live, 0);
	} while (rc);
	assert_true(n > 6);
}

static void decoding_takes_all_sizes(void **state)
{
	static const uint8_t one[] = { 0x45 };
	static uint8_t big[SP_PACKET_MAX + 1];
	struct sp_packet *p;
	struct sp_str s;

	(void)state;
	assert_int_equal(
		sp_packet_decode(&p, one, 0, NULL, sp_catalog.hdr, sp_mem_system(), NULL),
		-EINVAL);
	assert_int_equal(sp_packet_decode(&p, big, sizeof big, "eth", sp_catalog.hdr,
					  sp_mem_system(), NULL),
			 -EINVAL);
	assert_int_equal(sp_packet_decode(&p, big, SP_PACKET_MAX, "eth", sp_catalog.hdr,
					  sp_mem_system(), NULL),
			 0);
	sp_packet_free(p);
	assert_int_equal(
		sp_packet_decode(&p, one, 1, NULL, sp_catalog.hdr, sp_mem_system(), NULL), 0);
	sp_str_init(&s, sp_mem_system());
	sp_packet_print(p, &s);
	assert_string_equal(s.text, "\"E\"");
	sp_str_fini(&s);
	sp_packet_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syn_is_as_on_the_wire),
		cmocka_unit_test(template_says_what_depends_on_size),
		cmocka_unit_test(what_may_grow),
		cmocka_unit_test(walks_and_tables),
		cmocka_unit_test(written_order_decides),
		cmocka_unit_test(wide_addresses),
		cmocka_unit_test(lists_of_octets),
		cmocka_unit_test(front_ends_ask_and_set),
		cmocka_unit_test(names_of_scapy_and_others),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(decoding_takes_all_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
