/* Scenarios: what becomes of a good one, and what is said of a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "engine/plan.h"
#include "scenario/scenario.h"

/* ---- a lab that has h1 and h2, and a link l1 ---- */

static int lab(void *arg, const struct sp_yaml *doc, const struct sp_yaml_node *node,
	       struct sp_err *err)
{
	(void)arg;
	return sp_yaml_get(node, "hosts") ? 0 : sp_yaml_fail(doc, node, err, "no hosts");
}

static const char *lab_address(void *arg, const char *host, const char *from)
{
	(void)from;
	(void)arg;
	return !strcmp(host, "h1") ? "10.9.0.1" : !strcmp(host, "h2") ? "10.9.0.2" : NULL;
}

static int lab_link(void *arg, const struct sp_yaml *doc, const struct sp_scenario_link *l,
		    struct sp_err *err)
{
	(void)arg;
	return strcmp(l->link, "l1") ? sp_yaml_fail(doc, l->change, err,
						    "the lab has no link "
						    "'%s'",
						    l->link)
				     : 0;
}

static int parse(const struct sp_mem *mem, const char *text, size_t len, struct sp_scenario *s,
		 struct sp_err *err)
{
	const struct sp_scenario_conf conf = { .mem = mem,
					       .catalog = &sp_catalog,
					       .lab = lab,
					       .lab_address = lab_address,
					       .lab_link = lab_link };

	return sp_scenario_parse(s, "t.yaml", text, len, &conf, err);
}

static void good(const char *text, struct sp_scenario *s)
{
	struct sp_err err = { 0 };

	if (parse(sp_mem_system(), text, strlen(text), s, &err))
		fail_msg("%s", err.text);
}

static const char whole[] =
	"spate: 1\n"
	"name: whole\n"
	"seed: 9\n"
	"repeats: 2\n"
	"on_loss: abort\n"
	"run: {verify: full}\n"
	"lab: {hosts: [h1, h2]}\n"
	"hosts: {tx: {lab: h1}, rx: {lab: h2}, me: {local: true}, ns: {netns: blue}}\n"
	"ports:\n"
	"  tx0: {host: tx}\n"
	"  tx1: {host: rx, bind: 10.9.0.2}\n"
	"  rx0: {host: rx, port: 6000}\n"
	"  rx1: {host: tx}\n"
	"  t0: {host: tx}\n"
	"  web: {host: rx}\n"
	"  sink: {host: rx, port: 777}\n"
	"  ns0: {host: ns, bind: '10.7.7.7:99'}\n"
	"streams:\n"
	"  - {name: a, from: tx0, to: rx0, profile: {rate: 1kpps, duration: 3s}}\n"
	"  - {name: b, from: tx1, to: rx1}\n"
	"  - {name: c, from: tx0, to: ns0, size: 100}\n"
	"  - {name: w, from: t0, to: web, rate: max, connections: 3, profile: {path: /x}}\n"
	"groups:\n"
	"  - name: g\n"
	"    profile: {rate: 90, duration: 4s}\n"
	"    to: sink\n"
	"    streams:\n"
	"      - {share: 2, from: t0, per_message: yes}\n"
	"      - {share: 1, from: t0, to: web, method: PUT, size: 7}\n"
	"receivers:\n"
	"  - {from: web, protocol: http, status: 404}\n"
	"  - {from: sink, protocol: tcp}\n"
	"stages:\n"
	"  - {at: 2s, set: {g: {rate: 50}}, stop: [w]}\n"
	"  - {at: 2s, set: {a: {rate: 2kpps}}, link: {l1: {down: false}}}\n"
	"  - {at: 1s, link: {l1: {down: true}}, stop: [b], start: [c]}\n"
	"expect: ['loss of a < 0.1%', p99(delay) <= 5ms]\n";

/* Streams over connections: the port's transport and number, the receiver, the group. */
static void check_conns(const struct sp_scenario *s, const struct sp_plan *p)
{
	const struct sp_plan *rx = s->parts[1].plan;

	assert_string_equal(p->ports[1].transport, "tcp");
	assert_string_equal(p->ports[0].transport, "udp");
	assert_string_equal(p->streams[2].protocol, "http");
	assert_int_equal(p->streams[2].port, 80);
	assert_string_equal(p->streams[3].name, "g-tcp");
	assert_string_equal(p->streams[3].entry, "g");
	assert_int_equal(p->streams[3].port, 777);
	assert_int_equal(p->streams[3].deal_n, 2);
	assert_string_equal(p->streams[4].protocol, "http");
	assert_int_equal(p->streams[4].duration_ns, 4000000000);
	assert_int_equal(p->streams[4].deal_at, 2);
	assert_int_equal(rx->n_recvs, 3);
	assert_string_equal(rx->recvs[0].protocol, "http");
	assert_string_equal(rx->ports[1].transport, "tcp");
	assert_int_equal(rx->ports[1].port, 80);
	assert_string_equal(rx->recvs[1].protocol, "tcp");
}

static void test_whole(void **state)
{
	struct sp_scenario s;
	const struct sp_plan *p;

	(void)state;
	good(whole, &s);
	assert_string_equal(s.name, "whole");
	assert_true(s.seed == 9 && s.repeats == 2 && s.abort_on_loss);
	assert_int_equal(s.n_hosts, 4);
	assert_string_equal(s.hosts[3].where, "blue");
	/* Receivers come first: tx, rx, ns; then the senders tx, rx. */
	assert_int_equal(s.n_parts, 5);
	assert_false(s.parts[2].sends);
	assert_true(s.parts[3].sends && s.parts[4].sends);
	p = s.parts[3].plan;
	assert_int_equal(p->n_streams, 5);
	assert_string_equal(p->streams[0].host, "10.9.0.2");
	assert_int_equal(p->streams[0].port, 6000);
	assert_int_equal(p->streams[0].duration_ns, 3000000000);
	assert_string_equal(p->streams[1].host, "10.7.7.7");
	assert_int_equal(p->streams[1].port, 99);
	assert_true(p->streams[1].waits && !p->streams[0].waits);
	check_conns(&s, p);
	assert_int_equal(p->n_stages, 5);
	assert_int_equal(p->stages[0].at_ns, 1000000000);
	assert_int_equal(s.parts[4].plan->n_stages, 1);
	assert_string_equal(s.parts[4].plan->streams[0].host, "10.9.0.1");
	assert_int_equal(s.parts[1].plan->ports[0].port, 6000);
	assert_int_equal(s.parts[0].plan->ports[0].port, 5001);
	assert_int_equal(s.parts[0].plan->run.verify, SP_VERIFY_FULL);
	assert_int_equal(s.n_links, 2);
	assert_int_equal(s.links[0].at_ns, 1000000000);
	assert_int_equal(s.n_expects, 2);
	assert_int_equal(strlen(s.sha256), 64);
	sp_scenario_free(&s);
}

/* ---- wrong files ---- */

#define S	   "spate: 1\n"
#define T	   "streams: [{target: 10.0.0.1}]\n"
#define TX(more)   S "streams: [{target: 10.0.0.1, " more "}]\n"
#define PX(more)   S "ports: {p: {" more "}}\n" T
#define G(members) S "groups: [{name: g, target: a, streams: [" members "]}]\n"
#define L	   "lab: {hosts: [h1, h2]}\n"

static const struct {
	const char *text, *place, *fragment;
} wrong[] = {
	{ "", "1:1", "a scenario: a map" },
	{ "# nothing\n", "1:1", "a scenario: a map" },
	{ "just text\n", "1:1", "a scenario: a map" },
	{ "- a\n- b\n", "1:1", "a scenario: a map" },
	{ T, "1:1", "begin with 'spate: 1'" },
	{ "spate: 2\n" T, "1:8", "version 1 only" },
	{ "spate: one\n" T, "1:8", "'one' is not a count" },
	{ "spate: 1.5\n" T, "1:8", "'1.5' is not a count" },
	{ "spate: [1]\n" T, "1:8", "spate: a value" },
	{ S, "1:1", "nothing to do" },
	{ S "steams: []\n", "2:1", "did you mean 'streams'" },
	{ S "spate: 1\n" T, "2:1", "spate" },
	{ S "streams: {}\n", "2:10", "streams: a list" },
	{ S "streams: []\n", "1:1", "nothing to do" },
	{ S "streams: [7]\n", "2:11", "a stream: a map" },
	{ S "streams: [{}]\n", "2:11", "where to?" },
	{ S "streams: [{name: a}]\n", "2:11", "where to?" },
	{ TX("rate: fast"), "2:", "'fast' is not a rate" },
	{ TX("rate: -5"), "2:", "'-5' is not a rate" },
	{ TX("mode: busrt"), "2:", "did you mean 'burst'" },
	{ TX("mode: random"), "2:", "'random' is none of" },
	{ TX("mode: burst, rate: 5"), "2:", "bursts have no rate" },
	{ TX("profile: {burst_count: 5, steps: [5@0]}"), "2:", "is a setting of the mode" },
	{ TX("steps: [5@1]"), "2:", "not at 0" },
	{ TX("steps: [[5@1]]"), "2:", "a step: a value" },
	{ TX("trace: x"), "2:", "read no files" },
	{ G("{mode: burst}, {rate: 5pps}"), "2:", "one schedule for all" },
	{ TX("rate: .nan"), "2:", "'.nan' is not a rate" },
	{ TX("rate: .inf"), "2:", "'.inf' is not a rate" },
	{ TX("rate: 99999999999999999999pps"), "2:", "too large" },
	{ TX("rate: 5kbps@l9"), "2:", "is not a rate" },
	{ TX("rate: [1, 2]"), "2:", "rate: a value" },
	{ TX("rate: "), "2:", "rate: a value" },
	{ TX("rate: 0"), "2:", "rate" },
	{ TX("size: -1"), "2:", "'-1' is not a size" },
	{ TX("size: NaN"), "2:", "'NaN' is not a size" },
	{ TX("size: 70000"), "2:", "at most 65507" },
	{ TX("size: 12 parsecs"), "2:", "is not a size" },
	{ TX("duration: -3s"), "2:", "'-3s' is not a time" },
	{ TX("duration: 3 fortnights"), "2:", "is not a time" },
	{ TX("duration: 1e9"), "2:", "'1e9' is not a time" },
	{ TX("count: many"), "2:", "'many' is not a count" },
	{ TX("departure: gaussian"), "2:", "gaussian" },
	{ TX("departure: {exponential: {shape: 1}}"), "2:", "no such setting 'shape'" },
	{ TX("departure: {a: {}, b: {}}"), "2:", "one at a time" },
	{ TX("departure: exponential, rate: max"), "2:", "rate max leaves no gaps" },
	{ TX("stamp: big"), "2:", "'big' is none of" },
	{ TX("sise: 5"), "2:30", "did you mean 'size'" },
	{ S "streams: [{target: 10.0.0.1, profile: {name: x}}]\n", "2:40", "stands beside" },
	{ S "streams: [{target: 10.0.0.1, host: x}]\n", "2:30", "unknown key 'host'" },
	{ S "streams: [{target: 10.0.0.1, profile: {entry: x}}]\n", "2:40",
	  "unknown key 'entry'" },
	{ TX("protocol: tpc"), "2:", "'tpc' is not supported" },
	{ TX("host: 10.0.0.2"), "2:30", "unknown key 'host'" },
	{ TX("name: 'a b'"), "2:", "holds a blank" },
	{ TX("payload: ''"), "2:", "the payload is empty" },
	{ TX("profile: 5"), "2:", "profile: a map" },
	{ TX("profile: {rat: 5}"), "2:", "did you mean 'rate'" },
	{ TX("rate: 5, profile: {rate: 6}"), "2:", "given twice" },
	{ S "streams: [{target: 10.0.0.1, target: 10.0.0.2}]\n", "2:", "target" },
	{ S "streams: [{target: 10.0.0.300}]\n", "2:20", "10.0.0.300" },
	{ S "streams: [{target: 'http//x:7'}]\n", "2:20", "http//x" },
	{ S "streams: [{target: '10.0.0.1:99999'}]\n", "2:20", "99999" },
	{ S "streams: [{target: 'udp://10.0.0.1?rate=5'}]\n", "2:20", "it is written HOST" },
	{ S "streams:\n- {name: a, target: 1.2.3.4}\n- {name: a, target: 1.2.3.4}\n", "4:10",
	  "two streams are called 'a'" },
	{ S "streams: [{from: tx1, target: 1.2.3.4}]\n", "2:18",
	  "there is no port 'tx1'; did you mean 'tx0'" },
	{ S "ports: {a: {}, b: {}}\n" T, "3:11", "from which port?" },
	{ S "ports: []\n" T, "2:8", "ports: a map" },
	{ PX("transport: upd"), "2:", "did you mean 'udp'" },
	{ PX("gsoo: yes"), "2:", "did you mean 'gso'" },
	{ PX("gso: perhaps"), "2:", "'perhaps' is not yes or no" },
	{ PX("port: 70000"), "2:", "at most 65535" },
	{ PX("port: 5, port_last: 4"), "2:", "runs backwards" },
	{ PX("bind: nowhere:x"), "2:", "nowhere" },
	{ PX("host: b"), "2:", "there is no host 'b'" },
	{ PX("name: q"), "2:", "a port's name is the key" },
	{ S "ports: {p: {}}\nstreams: [{to: p}]\n", "2:9", "sends and receives" },
	{ S "hosts: [a]\n" T, "2:8", "hosts: a map" },
	{ S "hosts: {a: {}}\n" T, "2:12", "it is one of" },
	{ S "hosts: {a: {ssh: b}}\n" T, "2:13", "unknown key 'ssh'" },
	{ S "hosts: {a: {local: true, netns: x}}\n" T, "2:12", "it is one of" },
	{ S "hosts: {a: {local: false}}\n" T, "2:20", "it is 'true'" },
	{ S "hosts: {a: {lab: h1}}\n" T, "2:18", "the file has no lab" },
	{ S L "hosts: {a: {lab: h3}}\n" T, "3:18", "the lab has no host 'h3'" },
	{ S "lab: []\n" T, "2:6", "lab: a map" },
	{ S "lab: {}\n" T, "2:6", "no hosts" },
	{ S "hosts: {a: {local: true}, b: {local: true}}\nports: {p: {}}\n" T, "3:9",
	  "on which host?" },
	{ S "hosts: {a: {netns: x}, b: {local: true}}\nports: {p: {host: b}, q: {host: a}}\n"
	    "streams: [{from: p, to: q}]\n",
	  "3:23", "the address of its host is not known" },
	{ S "stages: 5\n" T, "2:9", "stages: a list" },
	{ S "stages: [5]\n" T, "2:10", "a stage: a map" },
	{ S "stages: [{start: [s1]}]\n" T, "2:10", "when?" },
	{ S "stages: [{at: 1s}]\n" T, "2:10", "what happens then?" },
	{ S "stages: [{at: soon, start: [s1]}]\n" T, "2:15", "'soon' is not a time" },
	{ S "stages: [{at: 1s, start: s1}]\n" T, "2:26", "start: a list" },
	{ S "stages: [{at: 1s, start: [s2]}]\n" T, "2:27", "there is no stream 's2'" },
	{ S "stages: [{at: 1s, set: {s1: {size: 5}}}]\n" T, "2:30", "unknown key 'size'" },
	{ S "stages: [{at: 1s, set: {s1: {rate: x}}}]\n" T, "2:36", "'x' is not a rate" },
	{ S "stages: [{at: 1s, link: {l1: {down: true}}}]\n" T, "2:25", "the file has no lab" },
	{ S L "stages: [{at: 1s, link: {l2: {down: true}}}]\n" T, "3:30", "no link 'l2'" },
	{ S "expect: loss < 1%\n" T, "2:9", "expect: a list" },
	{ S "expect: [los < 1%]\n" T, "2:10", "did you mean 'loss'" },
	{ S "expect: [loss 1%]\n" T, "2:10", "there is no < <=" },
	{ S "expect: [loss < 1ms]\n" T, "2:10", "the value does not fit" },
	{ S "expect: [p50(delay) < 1%]\n" T, "2:10", "the value does not fit" },
	{ S "expect: [p101(delay) < 1ms]\n" T, "2:10", "write pNN" },
	{ S "expect: [p50(delai) < 1ms]\n" T, "2:10", "write pNN" },
	{ S "expect: [loss of nobody < 1%]\n" T, "2:10", "there is no stream 'nobody'" },
	{ S "expect: [loss for s1 < 1%]\n" T, "2:10", "'of STREAM'" },
	{ S "expect: [lost =< 1]\n" T, "2:10", "there is no < <=" },
	{ S "expect: [lost < -1]\n" T, "2:10", "the value does not fit" },
	{ S "repeats: 0\n" T, "2:10", "1 to 1000" },
	{ S "repeats: 100000\n" T, "2:10", "1 to 1000" },
	{ S "repeats: NaN\n" T, "2:10", "'NaN' is not a count" },
	{ S "on_loss: panic\n" T, "2:10", "'panic' is none of continue, abort" },
	{ S "seed: -1\n" T, "2:7", "'-1' is not a count" },
	{ S "seed: 99999999999999999999999\n" T, "2:7", "too large" },
	{ S "name: 'a/b'\n" T, "2:7", "'/'" },
	{ S "name: [a]\n" T, "2:7", "name: a value" },
	{ S "run: {sped: 5}\n" T, "2:7", "unknown key 'sped'" },
	{ S "run: {cores: 0}\n" T, "2:", "at least 1" },
	{ S "run: {name: x}\n" T, "2:7", "unknown key 'name'" },
	{ S "run: {virtual: yes}\n" T, "1:1", "virtual time is not possible over 'udp'" },
	{ S "receivers: [{}]\n", "1:1", "nothing ends the run" },
	{ S "receivers: [{from: rx0}]\n", "1:1", "nothing ends the run" },
	{ S "receivers: [{from: tx0}]\n", "2:20", "there is no port 'tx0'" },
	{ S "run: {duration: 1s}\nreceivers: [{from: rx0}, {from: rx0}]\n", "3:33",
	  "has a receiver already" },
	{ S T "capture: {}\n", "3:", "capture: a list" },
	{ S T "capture: [x]\n", "3:11", "a capture: a map" },
	{ S T "capture: [{file: a.pcap}]\n", "3:11", "add 'interface: NAME'" },
	{ S T "capture: [{interface: lo}]\n", "3:11", "add 'file: NAME.pcap'" },
	{ S T "capture: [{interface: lo, file: a.pcapnx}]\n", "3:33", "ends in .pcap" },
	{ S T "capture: [{interface: lo, file: ../a.pcap}]\n", "3:33", "without a folder" },
	{ S T "capture: [{interface: lo, file: .pcap}]\n", "3:33", "ends in .pcap" },
	{ S T "capture: [{interfac: lo, file: a.pcap}]\n", "3:12", "did you mean 'interface'" },
	{ S T "capture: [{interface: lo, file: a.pcap, host: nobody}]\n", "3:47",
	  "there is no host 'nobody'" },
	{ S T "capture: [{interface: lo, file: a.pcap, filter: no}]\n", "3:49", "filter 'no'" },
	{ S T "capture: [{interface: lo, file: a.pcap}, {interface: eth0, file: a.pcap}]\n",
	  "3:66", "two captures write to 'a.pcap'" },
	/* Over connections. */
	{ TX("protocol: http, methd: GET"), "2:46", "did you mean 'method'" },
	{ TX("method: GET"), "2:30", "unknown key 'method'" },
	{ S "streams: [{methd: GET, target: 'https://a'}]\n", "2:12", "did you mean 'method'" },
	{ S "streams: [{target: 'http://a', profile: {insecure: yes}}]\n", "2:42",
	  "unknown key 'insecure'" },
	{ S "streams: [{target: 'http://a/b', path: /c}]\n", "2:40", "both name a path" },
	{ S "streams: [{target: 'http://a', protocol: http}]\n", "2:20", "leave one out" },
	{ S "streams: [{target: 'udp://a/b'}]\n", "2:20", "path" },
	{ S "streams: [{target: 'htp://a'}]\n", "2:20", "did you mean 'http'" },
	{ S "streams: [{target: 'http://a', method: FETCH}]\n", "2:40", "'FETCH' is none of" },
	{ S "streams: [{target: 'https://a', version: 1.1}]\n", "2:42", "'1.1' is none of" },
	{ S "streams: [{target: 'http://a', deal_n: 2}]\n", "2:32", "unknown key 'deal_n'" },
	{ S "ports: {p: {}}\nstreams:\n- {target: 'udp://a'}\n- {target: 'tcp://a'}\n", "5:3",
	  "stream s2 goes over tcp, but port p is one of udp, because of stream s1" },
	{ S "ports: {p: {transport: udp}}\nstreams: [{target: 'tcp://a'}]\n", "3:11",
	  "goes over connections" },
	{ S "ports: {p: {congestion: cubic}}\n" T, "2:25", "the transport 'udp' has no" },
	{ S "ports: {p: {}, q: {}}\nstreams:\n- {from: p, to: q, protocol: tcp}\n"
	    "- {from: p, to: q, protocol: http}\n",
	  "5:17", "stream s2 speaks http, but port q is to receive tcp" },
	{ S "ports: {p: {}, q: {}, o: {}}\nstreams:\n- {from: p, to: q, protocol: tcp}\n"
	    "- {from: o, to: q}\n",
	  "5:17", "stream s2 goes over udp, but port q is one of tcp" },
	{ S "receivers: [{protocol: ftp}]\n", "2:24", "'ftp' is not supported" },
	{ S "receivers: [{protocol: http, stauts: 1}]\n", "2:30", "did you mean 'status'" },
	{ S "receivers: [{protocol: tcp, status: 200}]\n", "2:29", "unknown key 'status'" },
	{ S "receivers: [{protocol: http, status: 99}]\n", "2:38", "at least 200" },
	/* Groups. */
	{ TX("protocol: 'udp:0,tcp:1'"), "2:40", "a share is not a number" },
	{ TX("protocol: 'udp:1,udp:1'"), "2:40", "a protocol is named twice" },
	{ TX("protocol: mixed, close: yes"), "2:47", "unknown key 'close'" },
	{ TX("protocol: mixed, rate: max"), "2:11", "rate max has no schedule" },
	{ S "ports: {p: {}}\n"
	    "streams: [{protocol: mixed, target: a}]\n",
	  "3:11", "stream s1-tcp goes over tcp, but port p" },
	{ S "groups: {}\n", "2:9", "groups: a list" },
	{ S "groups: [5]\n", "2:10", "a group: a map" },
	{ S "groups: [{name: g}]\n", "2:10", "2 to 8 streams" },
	{ S "groups: [{name: g, streams: [{target: a}]}]\n", "2:29", "2 to 8 streams" },
	{ G("{share: 2}, {protocol: tcp}"), "2:53", "have a share" },
	{ G("{share: 50%}, {protocol: tcp, share: 50}"), "2:78", "in the same way" },
	{ G("{share: 50%}, {protocol: tcp, share: 40%}"), "2:40", "90 % together" },
	{ G("{share: 0}, {protocol: tcp, share: 1}"), "2:49", "from 1 to 1000" },
	{ G("{share: 1.5}, {protocol: tcp, share: 1}"), "2:49", "from 1 to 1000" },
	{ G("{share: 999}, {protocol: tcp, share: 1000}"), "2:40", "more than 1000" },
	{ G("{rate: 5}, {protocol: tcp}"), "2:48", "'rate' is the group's" },
	{ G("{profile: {duration: 5s}}, {protocol: tcp}"), "2:", "'duration' is the group's" },
	{ G("{protocol: mixed}, {protocol: tcp}"), "2:52", "speaks one protocol" },
	{ G("{}, {protocol: udp}"), "2:45", "two streams are called 'g-udp'" },
	{ G("{}, {protocol: tcp, shar: 1}"), "2:61", "did you mean 'share'" },
	{ S "groups: [{name: g, rate: 1Mbit/s, target: a, streams: [{size: 9}, {size: 99}]}]\n",
	  "2:26", "different sizes" },
	{ G("{}, {protocol: tcp}") "streams: [{name: g, target: a}]\n", "2:", "" },
	{ G("{}, {protocol: tcp}") "stages: [{at: 1s, stop: [g-udp]}]\n", "3:26",
	  "has a part of the schedule of 'g'" },
	{ G("{}, {protocol: tcp}") "expect: [loss of g < 1%]\n", "3:10",
	  "there is no stream 'g'" },
	{ S "streams: [{target: *nobody}]\n", "2:", "nobody" },
	{ S "a: &a [*a]\n" T, "2:", "a" },
	{ S "streams: !!seq []\n", "2:", "tag" },
	{ S "streams: [\n", "3:", "" },
	{ S "streams: '\n", "", "" },
	{ S "\tstreams: []\n", "2:1", "" },
	{ S "name: \xff\xfe\n" T, "2:", "UTF-8" },
	{ S "---\n" S T, "", "document" },
	{ S "include: other.yaml\n" T, "2:10", "this text is no file" },
	{ S "<<: {seed: 1}\n" T, "2:1", "unknown key '<<'" },
};

/* 1: not as it should be. */
static unsigned check_wrong(const char *text, size_t len, const char *place,
			    const char *fragment)
{
	struct timespec a, b;
	struct sp_scenario s;
	struct sp_err err = { 0 };
	char opening[40];

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	if (!parse(sp_mem_system(), text, len, &s, &err))
		fail_msg("taken: %s", text);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	snprintf(opening, sizeof opening, "t.yaml:%s", place);
	/* Of this thread's own time: a loaded machine does not fail the test. */
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 100);
	if (err.exit == SP_EXIT_DATA && !strncmp(err.text, opening, strlen(opening)) &&
	    strstr(err.text, fragment))
		return 0;
	print_error("%.200s\nexit %d, %s ... %s is not: %s\n", text, (int)err.exit, opening,
		    fragment, err.text);
	return 1;
}

static void test_wrong(void **state)
{
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		n += check_wrong(wrong[i].text, strlen(wrong[i].text), wrong[i].place,
				 wrong[i].fragment);
	assert_int_equal(n, 0);
}

static void test_bombs(void **state)
{
	struct sp_str s;
	unsigned n = 0;

	(void)state;
	sp_str_init(&s, sp_mem_system());
	/* Deep. */
	sp_str_puts(&s, S "streams: ");
	for (unsigned i = 0; i < 100000; i++)
		sp_str_puts(&s, "[");
	n += check_wrong(s.text, s.len, "", "");
	/* A billion laughs. */
	sp_str_clear(&s);
	sp_str_puts(&s, S "a: &a0 [x, x]\n");
	for (unsigned i = 1; i < 40; i++)
		sp_str_printf(&s, "a%u: &a%u [*a%u, *a%u, *a%u]\n", i, i, i - 1, i - 1, i - 1);
	n += check_wrong(s.text, s.len, "", "");
	/* Large: beyond what a file may hold, and just many things of a kind. */
	sp_str_clear(&s);
	sp_str_puts(&s, S "name: ");
	for (unsigned i = 0; i < 2000000; i++)
		sp_str_puts(&s, "x");
	n += check_wrong(s.text, s.len, "", "");
	sp_str_clear(&s);
	sp_str_puts(&s, S "hosts:\n");
	for (unsigned i = 0; i < 100; i++)
		sp_str_printf(&s, "  h%u: {local: true}\n", i);
	n += check_wrong(s.text, s.len, "3:3", "1 to 64");
	/* A NUL in the middle. */
	n += check_wrong("spate: 1\0\n", 10, "1:", "");
	assert_int_equal(n, 0);
	sp_str_fini(&s);
}

static void test_no_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_scenario s;
	struct sp_err err = { 0 };
	int rc;

	(void)state;
	for (uint64_t n = 0;; n++) {
		sp_mem_test_init(&mem, n);
		rc = parse(&mem.mem, whole, strlen(whole), &s, &err);
		if (!rc)
			sp_scenario_free(&s);
		assert_int_equal(mem.live, 0);
		if (mem.count <= n)
			break;
		assert_int_not_equal(rc, 0);
		assert_int_equal(err.exit, SP_EXIT_FAILED);
	}
	assert_int_equal(rc, 0);
}

/* ---- expectations ---- */

static void give_stream(const void *arg, size_t i, struct sp_stream_result *out)
{
	*out = ((const struct sp_stream_result *)arg)[i];
}

static void check_expect(const struct sp_result *r, const char *text, int met)
{
	struct sp_arena arena;
	struct sp_expect e;
	struct sp_expectation out;
	struct sp_err err = { 0 };

	sp_arena_init(&arena, sp_mem_system());
	if (sp_expect_parse(&e, text, &arena, &err))
		fail_msg("%s", err.text);
	sp_expect_check(&e, r, &arena, &out);
	if (out.known != (met >= 0) || out.met != (met > 0))
		fail_msg("%s: known %d, met %d: %s", text, out.known, out.met, out.why);
	assert_non_null(out.why);
	sp_arena_fini(&arena);
}

static void test_expectations(void **state)
{
	struct sp_hist *late = calloc(1, sizeof *late);
	const struct sp_result_parts parts = { .stream = give_stream };
	struct sp_stream_result one = { .name = "a" };
	struct sp_named_hist hist = { "late", late };
	struct sp_result r = {
		.parts = &parts, .parts_arg = &one, .n_streams = 1, .hists = &hist, .n_hists = 1
	};
	struct sp_measure *t = &r.total;

	(void)state;
	for (int v = 1; v <= 1000; v++)
		sp_hist_add(late, v * 1000);
	sp_hist_summary(late, &t->late);
	sp_counts_set(&t->c, SP_C_tx_packets, 1000);
	sp_counts_set(&t->c, SP_C_lost, 1);
	sp_counts_set(&t->c, SP_C_error_refused, 0);
	t->tx_pps = 999.5;
	t->rx_bps = 2e9;
	t->jitter_ns = NAN;
	sp_counts_set(&one.m.c, SP_C_tx_packets, 7);
	check_expect(&r, "tx_packets == 1000", 1);
	check_expect(&r, "tx_packets==1k", 1);
	check_expect(&r, " tx_packets  of  a  <=  7 ", 1);
	check_expect(&r, "tx_packets of a != 7", 0);
	check_expect(&r, "tx_packets of b > 0", -1);
	check_expect(&r, "refused == 0", 1);
	check_expect(&r, "loss <= 0.1%", 1);
	check_expect(&r, "loss < 0.001", 0);
	check_expect(&r, "loss of a < 1%", -1);
	check_expect(&r, "rx_unique > 0", -1);
	check_expect(&r, "tx_pps >= 0.99kpps", 1);
	check_expect(&r, "tx_pps > 1000", 0);
	check_expect(&r, "rx_bps >= 2Gbit/s", 1);
	check_expect(&r, "jitter < 1ms", -1);
	check_expect(&r, "jitter_ns < 1ms", -1);
	check_expect(&r, "max(late) == 1ms", 1);
	check_expect(&r, "min(late) == 1us", 1);
	check_expect(&r, "mean(late) < 501us", 1);
	check_expect(&r, "p99(late) < 1ms", 1);
	check_expect(&r, "p99.9(late) > 990us", 1);
	check_expect(&r, "p999(late) > 990us", 1);
	check_expect(&r, "p25(late) > 245us", 1);
	check_expect(&r, "p25(late) < 255us", 1);
	check_expect(&r, "p99(delay) < 1s", -1);
	free(late);
}

/* ---- the schema ---- */

/* Every key of a map is a property of the schema's object, and so on below. */
static void check_against(const json_t *schema, const struct sp_yaml_node *node)
{
	const json_t *props = json_object_get(schema, "properties");
	const json_t *any = json_object_get(schema, "additionalProperties");

	assert_non_null(schema);
	for (const struct sp_yaml_item *i = node->kind == SP_YAML_SCALAR ? NULL : node->items;
	     i; i = i->next) {
		const json_t *below = json_object_get(schema, "items");

		if (i->key)
			below = props ? json_object_get(props, i->key->text) : any;
		if (!below && i->key)
			fail_msg("the schema has no '%s'", i->key->text);
		if (json_object_get(below, "properties") || json_object_get(below, "items") ||
		    json_is_object(json_object_get(below, "additionalProperties")))
			check_against(below, i->value);
	}
}

static void test_schema(void **state)
{
	struct sp_scenario s;
	struct sp_str text;
	json_error_t why;
	json_t *schema;

	(void)state;
	sp_str_init(&text, sp_mem_system());
	sp_scenario_schema(&text);
	schema = json_loads(text.text, JSON_REJECT_DUPLICATES, &why);
	if (!schema)
		fail_msg("%d: %s", why.line, why.text);
	good(whole, &s);
	check_against(schema, s.doc.root);
	assert_int_equal(json_object_size(json_object_get(schema, "properties")), 16);
	sp_scenario_free(&s);
	json_decref(schema);
	sp_str_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	     cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_bombs),	     cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_expectations), cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
