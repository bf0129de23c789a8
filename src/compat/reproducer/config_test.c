#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compat/reproducer/config.h"
#include "compat/reproducer/plan.h"

#define HEAD "pcap: a.pcap\n"
#define TAIL "ipfix:\n  collector: {ip: localhost, port: 9991}\n"

static int parse(struct sp_repro *r, const char *text, bool for_replay, struct sp_err *err)
{
	return sp_repro_parse(r, "x.yml", text, strlen(text), for_replay, &sp_catalog,
			      sp_mem_system(), err);
}

static void fill(char *out, size_t cap, const char *file, const char *key, const char *value)
{
	const char *first = strstr(file, "%s"), *second = strstr(first + 2, "%s");

	snprintf(out, cap, "%.*s%s%.*s%s%s", (int)(first - file), file, key,
		 (int)(second - first - 2), first + 2, value, second + 2);
}

static void every_key(void **state)
{
	static const char text[] =
		"pcap: [a.pcap, b.pcap, c.pcap]\n"
		"repeat: {count: [1, 3, 2], pattern: round-robin}\n"
		"time_factor: 0.25\nkeep_open: true\nno_sync: yes\n"
		"optimize:\n  threading: true\n  preload: false\n"
		"  network: {so_sndbuf: 65536, so_rcvbuf: null}\n"
		"network:\n  map:\n  - {src_ip: 192.0.2.1, repro_ip: 127.0.0.2}\n"
		"  - {src_ip: '2001:db8::1', repro_ip: ''}\n  interface: vrf1\n"
		"udp_generic: {collector: {ip: 127.0.0.1, port: 1}}\n"
		"ipfix:\n  select:\n    ip: {src: [192.0.2.1]}\n    udp: {dport: [9991, 9992]}\n"
		"    ipfix_h: {version: [9, 10]}\n"
		"  collector: {ip: '::1', port: 9991}\n";
	struct sp_repro r;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(parse(&r, text, true, &err), 0);
	assert_int_equal(r.n_pcaps, 3);
	assert_int_equal(r.pcaps[1].count, 3);
	assert_false(r.bulk);
	assert_string_equal(r.time_factor, "0.25");
	assert_true(r.keep_open && r.no_sync && r.threading && !r.preload);
	assert_int_equal(r.sndbuf, 65536);
	assert_int_equal(r.rcvbuf, 0);
	assert_string_equal(r.interface, "vrf1");
	assert_int_equal(r.n_map, 2);
	assert_int_equal(r.map[0].to.family, 4);
	assert_int_equal(r.map[1].from.family, 6);
	assert_int_equal(r.map[1].to.family, 0);
	/* Not the file's order: packets are offered to the generic ones last. */
	assert_int_equal(r.n_sections, 2);
	assert_string_equal(r.sections[0].name, "ipfix");
	assert_false(r.sections[0].tcp);
	assert_string_equal(r.sections[0].host, "::1");
	assert_string_equal(r.sections[0].words.text,
			    " ip.src=192.0.2.1 udp.dport=9991|9992 ipfix_h.version=9|10");
	assert_string_equal(r.sections[1].name, "udp_generic");
	assert_int_equal(r.sections[1].place, 7);
	assert_int_equal(r.remarks.len, 0);
	sp_repro_free(&r);
}

static void defaults(void **state)
{
	struct sp_repro r;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(parse(&r, HEAD TAIL, true, &err), 0);
	assert_string_equal(r.time_factor, "1");
	assert_false(r.keep_open || r.no_sync || r.threading || r.preload || r.mapped);
	assert_null(r.interface);
	assert_int_equal(r.pcaps[0].count, 1);
	sp_repro_free(&r);
}

static void remarks(void **state)
{
	static const struct {
		const char *text, *remark;
	} rows[] = {
		{ HEAD "pcap_processing: {tcp_payload_size: 1}\n" TAIL,
		  "x.yml:2:19: unknown key 'pcap_processing.tcp_payload_size' has no effect; did "
		  "you mean 'desired_tcp_payload_size'?" },
		{ HEAD "keepopen: true\n" TAIL,
		  "x.yml:2:1: unknown key 'keepopen' has no effect; "
		  "did you mean 'keep_open'?" },
		{ HEAD "network: {maps: []}\n" TAIL, "did you mean 'map'?" },
		{ HEAD "optimize: {network: {sndbuf: 1}}\n" TAIL, "did you mean 'so_sndbuf'?" },
		{ HEAD "ipfix: {selects: {}, collector: {ip: a, port: 1}}\n",
		  "did you mean 'select'?" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1, prot: 2}}\n",
		  "did you mean 'port'?" },
		{ HEAD "ipfix: {select: {udp: {dport: 9}}, collector: {ip: a, port: 1}}\n",
		  "one value instead of a list" },
		{ HEAD "network: {map: {src_ip: 1.2.3.4, repro_ip: ''}}\n" TAIL,
		  "one pair instead of a list" },
		{ HEAD "repeat: {count: 2}\n" TAIL, "one number instead of a list" },
	};
	struct sp_repro r;
	struct sp_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse(&r, rows[i].text, true, &err), 0);
		if (!strstr(r.remarks.text, rows[i].remark))
			fail_msg("%s in %s", rows[i].remark, r.remarks.text);
		sp_repro_free(&r);
	}
}

static void wrong(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "", "x.yml:1:1: the file: a map" },
		{ "- a\n", "the file: a map" },
		{ TAIL, "pcap: no capture is given" },
		{ "pcap: []\n" TAIL, "the list is empty" },
		{ "pcap: {a: b}\n" TAIL, "x.yml:1:7: pcap: a value" },
		{ HEAD HEAD TAIL, "x.yml:2:1:" },
		{ HEAD, "no protocol is given" },
		{ HEAD "time_factor: 0\n" TAIL, "x.yml:2:14: time_factor: gaps cannot" },
		{ HEAD "time_factor: -1\n" TAIL, "gaps cannot be multiplied by -1" },
		{ HEAD "time_factor: fast\n" TAIL, "'fast' is not a number" },
		{ HEAD "time_factor: [1]\n" TAIL, "time_factor: a value is expected" },
		{ HEAD "keep_open: 7\n" TAIL, "x.yml:2:12:" },
		{ HEAD "no_sync: {}\n" TAIL, "no_sync: a value is expected" },
		{ HEAD "no_sync: ''\n" TAIL, "x.yml:2:10: no_sync: '' is not yes or no" },
		{ HEAD "network: {interface: 'a/b'}\n" TAIL,
		  "x.yml:2:22: network.interface: 'a/b'" },
		{ HEAD "network: {interface: averyveryverylong}\n" TAIL,
		  "at most 15 characters" },
		{ HEAD "optimize: {network: {so_rcvbuf: 2Gi}}\n" TAIL,
		  "x.yml:2:33: optimize.network.so_rcvbuf: a buffer has at most" },
		{ HEAD "pcap_processing: {initial_delay: x}\n" TAIL,
		  "pcap_processing.initial_delay: 'x' is not a time" },
		{ HEAD "pcap_processing: {desired_tcp_payload_size: 0}\n" TAIL,
		  "at least 1 byte" },
		{ HEAD "pcap_processing: {output_folder: ''}\n" TAIL, "that is no path" },
		{ HEAD "optimize: 3\n" TAIL, "optimize: a map" },
		{ HEAD "optimize: {network: {so_sndbuf: big}}\n" TAIL, "so_sndbuf" },
		{ HEAD "repeat: {count: [1, 2]}\n" TAIL,
		  "repeat.count has 2 numbers, but there is "
		  "1 capture" },
		{ HEAD "repeat: {count: [0]}\n" TAIL, "nothing would be played" },
		{ HEAD "repeat: {count: [100001]}\n" TAIL, "more than 100000 times" },
		{ HEAD "repeat: {count: [-1]}\n" TAIL, "x.yml:2:18:" },
		{ HEAD "repeat: {pattern: bulk}\n" TAIL, "repeat.count: how often" },
		{ HEAD "repeat: {count: [1], pattern: rounds}\n" TAIL, "'rounds' is neither" },
		{ HEAD "network: {map: [{repro_ip: 127.0.0.1}]}\n" TAIL, "src_ip is missing" },
		{ HEAD "network: {map: [{src_ip: 1.2.3}]}\n" TAIL,
		  "'1.2.3' is not an address" },
		{ HEAD "network: {map: [{src_ip: 1.2.3.4, repro_ip: lo}]}\n" TAIL,
		  "'lo' is not an address" },
		{ HEAD "network: {map: [{src_ip: 1.2.3.4}, {src_ip: 1.2.3.4}]}\n" TAIL,
		  "1.2.3.4 is there twice" },
		{ HEAD "ipfix:\n", "ipfix.collector: where the messages go is missing: ip and "
				   "port" },
		{ HEAD "ipfix: {collector: {ip: a}}\n", "missing: port" },
		{ HEAD "ipfix: {collector: {ip: a, port: 70000}}\n",
		  "x.yml:2:34: ipfix.collector.port: '70000' is not a port number from 1 to 65535" },
		{ HEAD "ipfix: {collector: {ip: a, port: 0}}\n", "'0' is not a port number" },
		{ HEAD "ipfix: {collector: {ip: a, port: -1}}\n", "'-1' is not a port number" },
		{ HEAD "ipfix: {collector: {ip: a, port: abc}}\n",
		  "'abc' is not a port number" },
		{ HEAD "ipfix: {collector: {ip: a, port: 9k}}\n", "'9k' is not a port number" },
		{ HEAD "ipfix: {collector: {ip: a, port: ''}}\n", "'' is not a port number" },
		{ HEAD "ipfix: {collector: {ip: [a], port: 1}}\n",
		  "x.yml:2:25: ipfix.collector.ip: a value" },
		{ HEAD "ipfix: {collector: {ip: '1.2.3', port: 1}}\n",
		  "x.yml:2:25: ipfix.collector.ip: '1.2.3' is not an address" },
		{ HEAD "ipfix: {collector: {ip: 'a b', port: 1}}\n",
		  "'a b' is not an address" },
		{ HEAD "ipfix: {collector: {ip: '[::1]', port: 1}}\n", "'[::1]' is not" },
		{ HEAD "ipfix: {collector: {ip: '', port: 1}}\n", "'' is not an address" },
		{ HEAD "ipfix: {collector: {ip: 'fe80::1', port: 1}}\n", "is link-local" },
		{ HEAD "ipfix: {collector: {ip: '::', port: 1}}\n", "address of no collector" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {ipfix_h: {vers: [5]}}}\n",
		  "x.yml:2:64: ipfix.select: ipfix_h.vers: messages of ipfix have no such field "
		  "(there is version, count, " },
		{ HEAD
		  "ipfix: {collector: {ip: a, port: 1}, select: {ipfix_h: {version: [x]}}}\n",
		  "x.yml:2:67: ipfix.select.ipfix_h.version: 'x' is not a number" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {udp: {dprot: [1]}}}\n",
		  "did you mean 'dport'?" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {udp: {dport: [x]}}}\n",
		  "udp.dport: 'x' is not" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {upd: {dport: [1]}}}\n",
		  "did you mean 'udp'?" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {bgp_h: {type: [1]}}}\n",
		  "'bgp_h' is no header to select by" },
		{ HEAD "bgp: {collector: {ip: a, port: 1}, select: {bgp_h: {typ: [1]}}}\n",
		  "bgp_h.typ: messages of bgp have no such field (there is len, type); did you mean 'type'?" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {ip: {ident: [1]}}}\n",
		  "ip.ident: ip has no such field" },
		{ HEAD "ipfix: {collector: {ip: a, port: 1}, select: {udp: {dport: {}}}}\n",
		  "a list of values is expected" },
		{ HEAD "network: {map: [{src_ip: 1.2.3.4, repro_ip: <MISSING_PARAM>}]}\n"
		       "bgp: {collector: {ip: <MISSING_PARAM>, port: <MISSING_PARAM>}}\n",
		  "network.map.repro_ip (line 2), bgp.collector.ip (line 3), bgp.collector.port "
		  "(line 3)" },
		{ HEAD "network:\n  map:\n  - {src_ip: 1.2.3.4, repro_ip: <MISSING_PARAM>}\n"
		       "  - {src_ip: 1.2.3.5, repro_ip: <MISSING_PARAM>}\n"
		       "  - {src_ip: <MISSING_PARAM>, repro_ip: 127.0.0.1}\n",
		  "network.map.repro_ip (line 4, 5), network.map.src_ip (line 6)" },
	};
	struct sp_repro r;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err err = { 0 };

		if (!parse(&r, rows[i].text, true, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		if (!strstr(err.text, rows[i].sentence))
			fail_msg("'%s' is not in '%s'", rows[i].sentence, err.text);
	}
}

/* Every key of the file, as PEERS.md 1.2 and 1.4 list them: what it takes, what it does not, and what it is
 * not called. %s: the value, or the key's name with a letter too many. */
static void key_by_key(void **state)
{
	static const struct {
		const char *file, *key, *right, *wrong, *sentence;
	} rows[] = {
#define ROW(file, key, right, wrong, sentence) { file, key, right, wrong, sentence }
		ROW("%s: %s\n" TAIL, "pcap", "a.pcap", "{a: 1}", "pcap: a value is expected"),
		ROW(HEAD "%s: %s\n" TAIL, "repeat", "{count: [2]}", "[2]", "repeat: a map"),
		ROW(HEAD "repeat: {%s: %s}\n" TAIL, "count", "[2]", "[two]",
		    "repeat.count: 'two'"),
		ROW(HEAD "repeat: {count: [1], %s: %s}\n" TAIL, "pattern", "bulk", "[bulk]",
		    "repeat.pattern: a value"),
		ROW(HEAD "%s: %s\n" TAIL, "time_factor", "0.01", "[1]", "time_factor: a value"),
		ROW(HEAD "%s: %s\n" TAIL, "keep_open", "true", "3",
		    "keep_open: '3' is not yes or no"),
		ROW(HEAD "%s: %s\n" TAIL, "no_sync", "false", "often",
		    "no_sync: 'often' is not yes"),
		ROW(HEAD "%s: %s\n" TAIL, "optimize", "{}", "fast", "optimize: a map"),
		ROW(HEAD "optimize: {%s: %s}\n" TAIL, "threading", "true", "4",
		    "threading: '4' is"),
		ROW(HEAD "optimize: {%s: %s}\n" TAIL, "preload", "no", "[]",
		    "preload: a value"),
		ROW(HEAD "optimize: {%s: %s}\n" TAIL, "network", "null", "1",
		    "optimize.network: a map"),
		ROW(HEAD "optimize: {network: {%s: %s}}\n" TAIL, "so_sndbuf", "212992", "big",
		    "optimize.network.so_sndbuf: 'big'"),
		ROW(HEAD "optimize: {network: {%s: %s}}\n" TAIL, "so_rcvbuf", "null", "-1",
		    "optimize.network.so_rcvbuf: '-1'"),
		ROW(HEAD "%s: %s\n" TAIL, "network", "{map: []}", "lo", "network: a map"),
		ROW(HEAD "network: {%s: %s}\n" TAIL, "map", "[{src_ip: 1.2.3.4, repro_ip: ''}]",
		    "all", "network.map: a list"),
		ROW(HEAD "network: {map: [{src_ip: 1.2.3.4, %s: %s}]}\n" TAIL, "repro_ip",
		    "127.0.0.1", "lo", "network.map.repro_ip: 'lo' is not an address"),
		ROW(HEAD "network: {%s: %s}\n" TAIL, "interface", "vrf1", "[vrf1]",
		    "network.interface: a value"),
		ROW(HEAD "%s: %s\n", "ipfix", "{collector: {ip: a, port: 1}}", "9991",
		    "ipfix: a map"),
		ROW(HEAD "%s: %s\n", "bmp", "{collector: {ip: a, port: 1}}", "[]",
		    "bmp: a map"),
		ROW(HEAD "%s: %s\n", "bgp", "{collector: {ip: a, port: 1}}", "yes",
		    "bgp: a map"),
		ROW(HEAD "%s: %s\n", "udp_generic", "{collector: {ip: a, port: 1}}", "1",
		    "udp_generic: a map"),
		ROW(HEAD "%s: %s\n", "tcp_generic", "{collector: {ip: a, port: 1}}", "1",
		    "tcp_generic: a map"),
		ROW(HEAD "ipfix: {collector: {ip: a, port: 1}, %s: %s}\n", "select",
		    "{udp: {dport: [9991]}}", "udp", "ipfix.select: a map"),
		ROW(HEAD "ipfix: {%s: %s}\n", "collector", "{ip: a, port: 1}", "a",
		    "ipfix.collector: a map"),
		ROW(HEAD "ipfix: {collector: {port: 1, %s: %s}}\n", "ip", "'::1'", "1.2",
		    "ipfix.collector.ip: '1.2'"),
		ROW(HEAD "ipfix: {collector: {ip: a, %s: %s}}\n", "port", "'9991'", "any",
		    "ipfix.collector.port: 'any'"),
		ROW(HEAD "%s: %s\n" TAIL, "pcap_processing", "{}", "yes",
		    "pcap_processing: a map"),
		ROW(HEAD "pcap_processing: {%s: %s}\n" TAIL, "initial_delay", "5", "soon",
		    "pcap_processing.initial_delay: 'soon'"),
		ROW(HEAD "pcap_processing: {%s: %s}\n" TAIL, "inter_packet_delay", "0.001",
		    "[1]", "pcap_processing.inter_packet_delay: a value"),
		ROW(HEAD "pcap_processing: {%s: %s}\n" TAIL, "inter_protocol_delay", "1", "-1",
		    "pcap_processing.inter_protocol_delay: '-1'"),
		ROW(HEAD "pcap_processing: {%s: %s}\n" TAIL, "output_folder", "out", "[out]",
		    "pcap_processing.output_folder: a value"),
		ROW(HEAD "pcap_processing: {%s: %s}\n" TAIL, "desired_tcp_payload_size", "1424",
		    "much", "pcap_processing.desired_tcp_payload_size: 'much'"),
		ROW(HEAD "pcap_processing: {%s: %s}\n" TAIL, "exit", "false", "later",
		    "pcap_processing.exit: 'later'"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[300], name[40], remark[120];
		struct sp_err err = { 0 };
		struct sp_repro r;

		fill(text, sizeof text, rows[i].file, rows[i].key, rows[i].right);
		if (parse(&r, text, true, &err))
			fail_msg("%s: %s", text, err.text);
		if (r.remarks.len)
			fail_msg("%s: %s", text, r.remarks.text);
		sp_repro_free(&r);
		fill(text, sizeof text, rows[i].file, rows[i].key, rows[i].wrong);
		if (!parse(&r, text, true, &err))
			fail_msg("taken: %s", text);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		if (!strstr(err.text, rows[i].sentence) || strncmp(err.text, "x.yml:", 6) != 0)
			fail_msg("'%s' is not in '%s'", rows[i].sentence, err.text);
		/* A name that nobody knows: told, unless what is missing then is an error. */
		snprintf(name, sizeof name, "%sx", rows[i].key);
		snprintf(remark, sizeof remark, "did you mean '%s'?", rows[i].key);
		fill(text, sizeof text, rows[i].file, name, rows[i].right);
		if (parse(&r, text, true, &err))
			continue;
		if (!r.remarks.text || !strstr(r.remarks.text, remark))
			fail_msg("%s: %s", text, r.remarks.text ? r.remarks.text : "no remark");
		sp_repro_free(&r);
	}
}

/* Of pre-processing nothing need be known of the collector. */
static void processing(void **state)
{
	static const char text[] =
		"pcap: a.pcap\npcap_processing:\n  initial_delay: 2\n  inter_packet_delay: 0.001\n"
		"  desired_tcp_payload_size: 200\n  output_folder: out\n  exit: false\n"
		"bgp:\n  select:\n    bgp_h: {type: [1, 2]}\n";
	struct sp_repro r;
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(parse(&r, text, false, &err), 0);
	assert_true(r.processing.given && r.processing.go_on);
	assert_true(r.processing.initial_given && r.processing.inter_packet_given);
	assert_false(r.processing.inter_protocol_given);
	assert_int_equal(r.processing.initial_ns, 2000000000);
	assert_int_equal(r.processing.inter_packet_ns, 1000000);
	assert_int_equal(r.processing.payload_size, 200);
	assert_string_equal(r.processing.folder, "out");
	assert_true(r.sections[0].tcp);
	assert_int_equal(r.sections[0].fields->n, 2);
	sp_repro_free(&r);
}

static void plan_of(const char *text, const struct sp_repro_words *w, struct sp_str *out)
{
	struct sp_repro r;
	struct sp_err err = { 0 };

	assert_int_equal(parse(&r, text, true, &err), 0);
	sp_str_clear(out);
	if (sp_repro_plan_text(out, &r, w, &err))
		fail_msg("%s", err.text);
	sp_repro_free(&r);
}

static void plans(void **state)
{
	static const struct sp_repro_words plain = { .name = "replay" };
	static const struct sp_repro_words words = { .name = "replay",
						     .no_sync = true,
						     .keep_open = true };
	struct sp_str out;

	(void)state;
	sp_str_init(&out, sp_mem_system());
	plan_of("pcap: [a, b]\nrepeat: {count: [1, 3]}\n"
		"network: {map: [{src_ip: 1.1.1.1, repro_ip: 127.0.0.2}, "
		"{src_ip: 2.2.2.2, repro_ip: '::1'}]}\n" TAIL,
		&plain, &out);
	/* Both families, to the same name: two streams. */
	assert_non_null(strstr(out.text, "\"name\":\"ipfix\""));
	assert_non_null(strstr(out.text, "\"name\":\"ipfix-v6\""));
	assert_non_null(strstr(out.text, "\"order\":\"0,1,1,1\""));
	assert_non_null(strstr(out.text, "\"sync\":true"));
	assert_non_null(strstr(out.text, "\"host\":\"::1\""));
	plan_of(HEAD "keep_open: false\n" TAIL, &words, &out);
	assert_non_null(strstr(out.text, "\"sync\":false"));
	assert_non_null(strstr(out.text, "\"keep_open\":true"));
	assert_null(strstr(out.text, "ipfix-v6"));
	plan_of("pcap: [a, b]\nrepeat: {count: [2, 2], pattern: round-robin}\n" TAIL, &plain,
		&out);
	assert_non_null(strstr(out.text, "\"order\":\"0,1,0,1\""));
	plan_of("pcap: [a, b]\nrepeat: {count: [2, 2], pattern: bulk}\n" TAIL, &plain, &out);
	assert_non_null(strstr(out.text, "\"order\":\"0,0,1,1\""));
	sp_str_fini(&out);
}

static void no_memory(void **state)
{
	static const char text[] = HEAD
		"network: {map: [{src_ip: 1.1.1.1, repro_ip: 127.0.0.2}]}\nkeepopen: 1\n"
		"ipfix: {select: {udp: {dport: [1]}, ipfix_h: {version: [9]}}, "
		"collector: {ip: a, port: 1}}\n";
	struct sp_mem_test t;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc; i++) {
		struct sp_err err = { 0 };
		struct sp_repro r;

		sp_mem_test_init(&t, i);
		rc = sp_repro_parse(&r, "x.yml", text, sizeof text - 1, true, &sp_catalog,
				    &t.mem, &err);
		if (rc == 0)
			sp_repro_free(&r);
		else
			assert_int_equal(rc, -ENOMEM);
		assert_int_equal(t.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),  cmocka_unit_test(defaults),
		cmocka_unit_test(remarks),    cmocka_unit_test(wrong),
		cmocka_unit_test(processing), cmocka_unit_test(plans),
		cmocka_unit_test(no_memory),  cmocka_unit_test(key_by_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
