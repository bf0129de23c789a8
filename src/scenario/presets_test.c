#include "scenario/presets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "pkt/packet.h"
#include "plugin/catalog.h"

static void words_are_expressions(void **state)
{
	static const struct {
		const char *word;
		struct sp_preset_args args;
		const char *packet;
		uint32_t size;
	} rows[] = {
		{ "icmp", { 0 }, "ip/icmp(id=4660,seq=0..65535)/raw(len=56)", 0 },
		{ "icmp", { .v6 = true }, "ipv6/icmp6(id=4660,seq=0..65535)/raw(len=56)", 0 },
		{ "arp", { 0 }, "eth(dst=ff:ff:ff:ff:ff:ff)/arp(op=1)", 0 },
		{ "eth", { 0 }, "eth(dst=ff:ff:ff:ff:ff:ff,type=0x88b5)/raw(len=50)", 0 },
		{ "eth",
		  { .ether_type = 0x800 },
		  "eth(dst=ff:ff:ff:ff:ff:ff,type=0x0800)/raw(len=50)",
		  0 },
		{ "syn", { 0 }, "ip/tcp(sport=40000,dport=80..65535,flags=S)", 0 },
		{ "syn",
		  { .port_first = 7, .port_last = 9, .v6 = true },
		  "ipv6/tcp(sport=40000,dport=7..9,flags=S)",
		  0 },
		{ "udp",
		  { .source_first = 8001,
		    .source_last = 8200,
		    .port_first = 5,
		    .port_last = 5 },
		  "ip/udp(sport=8001..8200,dport=5)",
		  1024 },
		{ "tcp",
		  { .source_first = 1, .source_last = 2 },
		  "ip/tcp(sport=1..2,dport=5001,flags=PA)",
		  1024 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_preset p;
		struct sp_packet *packet;
		struct sp_arena arena;
		struct sp_err err;

		sp_arena_init(&arena, sp_mem_system());
		assert_int_equal(sp_preset_of(rows[i].word, &rows[i].args, &arena, &p), 0);
		assert_string_equal(p.packet, rows[i].packet);
		assert_int_equal(p.size, rows[i].size);
		if (sp_packet_parse(&packet, p.packet, "preset", sp_catalog.hdr,
				    sp_mem_system(), &err))
			fail_msg("%s", err.text);
		sp_packet_free(packet);
		sp_arena_fini(&arena);
	}
	assert_true(sp_preset_is("syn") && !sp_preset_is("udp") && !sp_preset_is("http"));
}

static void others_are_none(void **state)
{
	const struct sp_preset_args args = { .v6 = false };
	struct sp_mem_test mem;
	struct sp_preset p;
	struct sp_arena arena;

	(void)state;
	sp_mem_test_init(&mem, 0);
	sp_arena_init(&arena, &mem.mem);
	assert_int_equal(sp_preset_of("http", &args, &arena, &p), -ENOENT);
	assert_int_equal(sp_preset_of("syn", &args, &arena, &p), -ENOMEM);
	sp_arena_fini(&arena);
	assert_int_equal(mem.live, 0);
}

static void ports_are_one_or_a_range(void **state)
{
	static const char *const bad[] = { "",	    "0",       "x",	"1-", "-1", "5-4",
					   "65536", "1-65536", "1-2-3", "1 ", NULL };
	uint16_t first, last;
	struct sp_err err;

	(void)state;
	assert_int_equal(sp_ports_parse("80", "-p", &first, &last, &err), 0);
	assert_true(first == 80 && last == 80);
	assert_int_equal(sp_ports_parse("1-65535", "-p", &first, &last, &err), 0);
	assert_true(first == 1 && last == 65535);
	for (const char *const *b = bad; *b; b++) {
		assert_int_equal(sp_ports_parse(*b, "-p", &first, &last, &err), -EINVAL);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_memory_equal(err.text, "-p: ", 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_expressions),
		cmocka_unit_test(others_are_none),
		cmocka_unit_test(ports_are_one_or_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
