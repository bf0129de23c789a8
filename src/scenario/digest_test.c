/* One request, one plan: the plain spelling, a URL, a targets file and a scenario have the same digest. And the
 * digests themselves, so that nobody changes the canonical plan without noticing: runs that were
 * recorded by an older version are told apart by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/plan.h"
#include "engine/plan_build.h"
#include "scenario/scenario.h"
#include "scenario/words.h"

#define ARGS_MAX 64

/* plain and url are command lines of send; file is what a targets file holds, and flags what then
 * stands on the command line. */
static const struct request {
	const char *sha256;
	const char *plain, *url;
	const char *file, *flags;
} requests[] = {
	{ "74814ccb2ff12c581846a09c3418dd1e577d9f7ba7706ebd3ef92798abfefa78", "-t 10.1.1.2",
	  "udp://10.1.1.2", "udp://10.1.1.2\n", "" },
	{ "14d6f961eeac5cdcacbffa559a68841bbfbd22aebd9274055a642c94a8574c94",
	  "-t 10.1.1.2 -p 5555 -r 2Gbps --size 1400",
	  "udp://10.1.1.2:5555?rate=2Gbit/s&size=1400",
	  "# one\nudp://10.1.1.2:5555 # another\n", "--rate 2000Mbit/s --size 1.4k" },
	{ "4f198f1d96390b9c20febe0442a3366ad68721afda097c514a90dab4a22a4cc0",
	  "--target-ip fd99::2 --target-port 7 --count 5 --payload ab",
	  "udp://[fd99::2]:7?count=5&payload=ab", "udp://[FD99:0::2]:7?payload=ab\n",
	  "--count 5" },
	{ "61b262c3af572d68a386a4f190053d29f9b5329a584b58c0178ada5c94c8431a",
	  "-t host.example -D 2m -r max --no-stamp --bind 10.0.0.1%eth0",
	  "udp://host.example?duration=120s&rate=max&stamp=off --bind 10.0.0.1 --interface eth0",
	  "udp://host.example?stamp=off&rate=MAX\n", "-D 120 --bind 10.0.0.1%eth0" },
	{ "ea6168af21fc7861e2c6d6a732506c661725073635648353530c58c941598cad",
	  "-t 10.0.0.1 -t 10.0.0.2:9 --departure exponential --seed 42 --bytes 1Mi",
	  "udp://10.0.0.1 udp://10.0.0.2:9 --departure exponential --seed 42 --bytes 1048576",
	  "udp://10.0.0.1\n\nudp://10.0.0.2:9\n",
	  "--departure exponential --seed 42 --bytes 1024Ki" },
	{ "d9498946d0571938464fc4d25297c6ed4e47cb5228732fa7ea619339499cb32b",
	  "-t 10.0.0.1 --streams 3 --cores 2 --spin never --coalesce 20us --tally stream",
	  "udp://10.0.0.1?streams=3 --cores 2 --spin never --coalesce 0.02ms --tally stream",
	  "udp://10.0.0.1?streams=3\n",
	  "--cores 2 --spin never --coalesce 20000ns --tally stream" },
	{ "cbea739c795e42bfcb7581085b92e01a3bba50ae6909558a9a88d13ec0867d45",
	  "-t 10.0.0.1 --out f.pcap",
	  "udp://10.0.0.1 --transport pcap --set file=f.pcap --virtual", "udp://10.0.0.1\n",
	  "--out f.pcap" },
	{ "5c55459e54fb8feca7a3afcf297406de2ca7c13bc3d463573a0a176d259a4aec",
	  "-t 10.0.0.1 --transport loop --set loss=1% --set delay=5ms --virtual",
	  "udp://10.0.0.1 --set loss=0.01 --set delay=5000us --transport loop --virtual",
	  "udp://10.0.0.1\n", "--transport loop --virtual --set delay=5ms --set loss=1%" },
	{ "e1d952925301a8077f5d13ed319a8b023834b8288cde55c712fe90925eb10f04",
	  "-t 10.0.0.1 --transport packet --interface eth0 --size 80 --stamp short",
	  "udp://10.0.0.1?stamp=short&size=80 --transport packet --interface eth0",
	  "udp://10.0.0.1?size=80\n", "--stamp short --transport packet --interface eth0" },
	{ "6518a5aa3c4f828ef2d9d2d4fd56c2d527864118ad89373d6a11d5e7b6b250b9",
	  "-t 10.0.0.1 --no-gso --no-control --best-effort --catch-up chase:3x --name n",
	  "udp://10.0.0.1 --set gso=no --no-control --best-effort --catch-up chase:3x --name n",
	  "udp://10.0.0.1\n",
	  "--no-gso --no-control --best-effort --catch-up chase:3x --name n" },
	{ "ccdbfc0dd19b65bdf23f152451baa0e0468685e0152d33da823c2fd8dba7b674",
	  "-t 10.0.0.1 -p 80 --protocol tcp -r 10 --size 64 --per-message",
	  "tcp://10.0.0.1:80?rate=10&size=64 --per-message", "tcp://10.0.0.1:80?size=64\n",
	  "-r 10 --per-message" },
	{ "4182a9376ecfc0f8d8054be8006abacc0522428bc78e59d82731263dfccc44b1",
	  "-t 10.0.0.1 --protocol tcp -r max --congestion cubic --nagle --mss 1000",
	  "tcp://10.0.0.1?rate=max --set congestion=cubic --set nodelay=no --set mss=1000",
	  "tcp://10.0.0.1\n", "--rate max --congestion cubic --nagle --mss 1k" },
	{ "5bc34efe33b3de16e91151154eccf88e4d1aef2b7b35e5de17b88a3be55a8f7f",
	  "-t 10.0.0.1 -p 80 --protocol http -r 100 -D 10 --size 1024",
	  "http://10.0.0.1?rate=100&size=1024&duration=10000ms", "http://10.0.0.1:80/\n",
	  "--rate 100 --size 1024" },
	{ "db307bf6e92fec2b8ae95df7f80723b03af5dd99ca14fc42956d046d83ccf2a4",
	  "-t 10.0.0.1 --protocol https --path /a/b --close --insecure --no-resume --connections 5",
	  "https://10.0.0.1:443/a/b --close --insecure --no-resume --connections 5",
	  "https://10.0.0.1/a/b\n", "--insecure --no-resume --connections 5 --close" },
	{ "70ad99e2ad3645b2123e94d26b0ebf34e991fd5129dfde0f5af9fad4d6bd39aa",
	  "-t 10.0.0.1 -p 9 --protocol mixed -r 50 --size 200 -D 5",
	  "mixed://10.0.0.1:9?rate=50&size=200&duration=5s", "mixed://10.0.0.1:9?size=200\n",
	  "-r 50 -D 5" },
	{ "671c2bc5a75c255169d17accae8b3173750510ba346f2e7da537c0f2533efc25",
	  "-t 10.0.0.1 --protocol udp:50,tcp:30,http:20 --departure exponential --seed 3 --path "
	  "/x --close",
	  "-t 10.0.0.1 --protocol udp:5,tcp:3,http:2 --departure exponential --seed 3 --path "
	  "/x --close",
	  NULL, NULL },
	{ "d2a8a385327f03314793429f7cd5f2cd495558d43bc48a506e5b2a1511affed4",
	  "-t 10.0.0.1 --protocol tcp -r 2Gbit/s --no-control",
	  "tcp://10.0.0.1?rate=2000Mbit/s --no-control", "tcp://10.0.0.1:5001\n",
	  "--rate 2Gbps --no-control" },
	{ "6d11e4e050d1b73e10bad54bd632b887b62048f203f9ef1fdf5cc684a7bb5aa0",
	  "-t 10.0.0.1 --protocol http --transport loop-tcp --virtual --path /x",
	  "http://10.0.0.1/x --transport loop-tcp --virtual", "http://10.0.0.1/x\n",
	  "--transport loop-tcp --virtual" },
	{ "f6716c43b7258f0bd50c1d7b76bd669c8d7c3d7cc3974c780cbf3619d45addea",
	  "-t http://10.0.0.1:8080/a -t tcp://10.0.0.2 -t 10.0.0.3 --method POST",
	  "http://10.0.0.1:8080/a tcp://10.0.0.2 udp://10.0.0.3 --method POST",
	  "http://10.0.0.1:8080/a\ntcp://10.0.0.2\nudp://10.0.0.3\n", "--method POST" },
};

/* Receivers have no targets. */
static const struct {
	const char *sha256, *plain, *url;
} receivers[] = {
	{ "8c9189fde9f7dd71618a86181c70c31dc54435f066e27d53f0e30881e1aeaf17", "",
	  "udp://:5001" },
	{ "c830c482f0a48733753d7f03600da89a375515a44c56db561daf70a4abef5e99",
	  "-p 5001-5010 -D 5 --max-flows 20", "udp://:5001-5010 -D 5000ms --max-flows 20" },
	{ "225b7779d6fe04eb5142b0d308e471cce8fa895e1dc8c2961956e751a0fa3cd3",
	  "--bind ::1 -p 77 --count 9 --verify full",
	  "udp://[::1]:77 --count 9 --verify full" },
	{ "45c0f0c8948e7cf9fee775960c093fa9d6a7af1e742ad0e8f1931f288b80c8a8",
	  "-p 7 --protocol mixed --rcvbuf 1Mi", "udp://:7 tcp://:7 --set rcvbuf=1048576" },
	{ "664b229f625252638eab64bd7963bfb8987501df48e3f371ba9abf58493f6fe3",
	  "-p 8080 --protocol http --body 1k --delay 20ms --status 201",
	  "http://:8080 --status 201 --delay 0.02s --body 1000" },
	{ "212258913ca7ab9fd9c909f5151d71938b5ff724dabed6693b5cf3492c42f923",
	  "--protocol https --bind 10.0.0.1 --cert a --cert-key b --tls 1.3",
	  "https://10.0.0.1:443 --cert a --cert-key b --tls 1.3" },
	{ "3d86f9a1144251d871dbbf8124ce441eaf5821abbfa703d508dad67616d43fe9",
	  "-p 7 --protocol mixed --rcvbuf 1Mi -D 9",
	  "udp://:7 tcp://:7 --set rcvbuf=1048576 -D 9" },
	{ "90afc8aef8d5a393fbedf28ce480a23678c19f7b43b1cd5fbca30f67dafe9cd8",
	  "--protocol http --body 1k --delay 20ms --status 201 -D 9",
	  "http://:80 --status 201 --delay 0.02s --body 1000 -D 9" },
	{ "2b8130b25e80ae7c88b5b7e030749861edffbd11be7a8e128cecdc1eca61ec51",
	  "--protocol https --bind 10.0.0.1 --cert a --cert-key b --tls 1.3 -D 9",
	  "https://10.0.0.1 --cert a --cert-key b --tls 1.3 -D 9" },
	{ "2f3f516c4c3bda4c8b1360ac28e38dca49dd539bb8ce09be52346e8d927c495d",
	  "--protocol tcp,http -D 9 --close", "tcp://:5001 http://:80 --close -D 9" },
};

#define HEAD	"spate: 1\nname: send\n"
#define TARGET	"streams: [{name: s1, target: \"udp://10.0.0.1\"}]\n"
#define STREAMS "streams:\n"

/* The third way to say the requests above, one each, in their order. */
static const char *const files[] = {
	HEAD "streams: [{target: 10.1.1.2}]\n",
	HEAD
	"streams: [{target: \"udp://10.1.1.2:5555\", size: 1400, profile: {rate: 2Gbit/s}}]\n",
	HEAD "streams:\n- target: '[fd99::2]:7'\n  count: 5\n  payload: ab\n",
	HEAD
	"ports: {tx0: {bind: 10.0.0.1, interface: eth0}}\nstreams:\n- target: host.example\n"
	"  profile: {duration: 2m, rate: max}\n  stamp: off\n",
	HEAD
	"seed: 42\nstreams:\n- &one {target: 10.0.0.1, departure: exponential, bytes: 1Mi}\n"
	"- {target: 10.0.0.2:9, profile: {departure: {exponential: {}}, bytes: 1024Ki}}\n",
	NULL, /* a file has no word for many streams of one target */
	HEAD "run: {virtual: yes}\nports: {tx0: {transport: pcap, file: f.pcap}}\n" TARGET,
	HEAD
	"run: {virtual: on}\nports:\n  tx0: {transport: loop, loss: 1%, delay: 5ms}\n" TARGET,
	HEAD "ports: {tx0: {transport: packet, interface: eth0}}\n"
	     "streams: [{target: 10.0.0.1, size: 80, stamp: short}]\n",
	"spate: 1\nname: n\nrun: {control: no, best_effort: yes, catch_up: chase:3x}\n"
	"hosts: {me: {local: true}}\nports: {tx0: {host: me, gso: no}}\n" TARGET,
	HEAD
	"ports: {tx0: {transport: tcp}}\n"
	"streams: [{target: \"tcp://10.0.0.1:80\", size: 64, rate: 10, per_message: yes}]\n",
	HEAD "ports: {tx0: {congestion: cubic, nodelay: no, mss: 1k}}\n"
	     "streams: [{target: \"tcp://10.0.0.1\", rate: max}]\n",
	HEAD "streams: [{target: 10.0.0.1, protocol: http, size: 1024}]\n",
	HEAD
	"ports: {tx0: {}}\nstreams:\n- {close: yes, insecure: yes, resume: no, connections: 5,\n"
	"   target: \"https://10.0.0.1/a/b\"}\n",
	HEAD "groups:\n- profile: {rate: 50, duration: 5s, size: 200}\n  target: 10.0.0.1:9\n"
	     "  streams: [{protocol: udp}, {protocol: tcp}]\n",
	HEAD "seed: 3\nstreams:\n- {target: 10.0.0.1, protocol: 'udp:50,tcp:30,http:20',\n"
	     "   path: /x, close: yes, profile: {departure: exponential}}\n",
	HEAD "run: {control: no}\nstreams: [{protocol: tcp, target: 10.0.0.1, profile: {rate: "
	     "2Gbps}}]\n",
	HEAD "run: {virtual: yes}\nports: {tx0: {transport: loop-tcp}}\n"
	     "streams: [{target: 10.0.0.1, protocol: http, path: /x}]\n",
	HEAD "streams:\n- {target: \"http://10.0.0.1:8080/a\", method: POST}\n"
	     "- {target: \"tcp://10.0.0.2\"}\n- {target: 10.0.0.3}\n",
};
_Static_assert(sizeof files / sizeof *files == sizeof requests / sizeof *requests, "one each");

static const char *const receiver_files[] = {
	NULL,
	"spate: 1\nname: recv\nrun: {duration: 5s, max_flows: 20}\n"
	"ports: {rx0: {port: 5001, port_last: 5010}}\nreceivers: [{from: rx0}]\n",
	"spate: 1\nname: recv\nrun: {count: 9, verify: full}\n"
	"ports: {rx0: {bind: '[::1]:77'}}\nreceivers: [{from: rx0, name: rx0}]\n",
	NULL, /* without an end */
	NULL,
	NULL,
	"spate: 1\nname: recv\nrun: {duration: 9s}\n"
	"ports: {rx0: {port: 7, rcvbuf: 1Mi}, rx1: {port: 7, rcvbuf: 1Mi}}\n"
	"receivers: [{from: rx0}, {from: rx1, protocol: tcp}]\n",
	"spate: 1\nname: recv\nrun: {duration: 9s}\n"
	"receivers: [{protocol: http, body: 1k, delay: 20ms, status: 201}]\n",
	"spate: 1\nname: recv\nrun: {duration: 9s}\nports: {rx0: {bind: 10.0.0.1}}\n"
	"receivers: [{key: b, cert: a, version: 1.3, protocol: https}]\n",
	"spate: 1\nname: recv\nrun: {duration: 9s}\n"
	"receivers: [{protocol: 'tcp,http', close: yes}]\n",
};
_Static_assert(sizeof receiver_files / sizeof *receiver_files ==
		       sizeof receivers / sizeof *receivers,
	       "one each");

/* Agents read the text: it is the same plan. */
static unsigned check_again(const struct sp_str *text, const char *sha256)
{
	struct sp_plan *plan;
	struct sp_err err = { 0 };
	unsigned wrong;

	if (sp_plan_read(&plan, text->text, text->len, false, sp_mem_system(), &sp_catalog,
			 &err))
		fail_msg("%s\n%s", text->text, err.text);
	wrong = strcmp(plan->sha256, sha256) != 0;
	if (wrong)
		print_error("read again it is %s\n%s\n", plan->sha256, text->text);
	sp_plan_free(plan);
	return wrong;
}

static unsigned check_scenario(const char *text, const char *sha256)
{
	const struct sp_scenario_conf conf = { .mem = sp_mem_system(), .catalog = &sp_catalog };
	struct sp_scenario s;
	struct sp_err err = { 0 };
	struct sp_str plan;
	unsigned wrong;

	if (sp_scenario_parse(&s, "test.yaml", text, strlen(text), &conf, &err))
		fail_msg("%s\n%s", text, err.text);
	assert_int_equal(s.n_parts, 1);
	wrong = strcmp(s.sha256, sha256) != 0;
	sp_str_init(&plan, sp_mem_system());
	sp_scenario_plan_text(&s.parts[0], &plan);
	if (wrong)
		print_error("%sis %s,\nnot %s\n%s\n", text, s.sha256, sha256, plan.text);
	wrong += check_again(&plan, s.sha256);
	sp_str_fini(&plan);
	sp_scenario_free(&s);
	return wrong;
}

/* The plan of "COMMAND WORDS..."; fails the test if it has none. */
static void parse(const char *command, const char *words, struct sp_words *w)
{
	char line[1024], *argv[ARGS_MAX];
	struct sp_err err = { 0 };
	int n = 0;

	assert_true(strlen(words) < sizeof line);
	memcpy(line, words, strlen(words) + 1);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[n++] = word;
	if (sp_words_parse(command, n, argv, sp_mem_system(), &sp_catalog, w, &err))
		fail_msg("%s %s: %s", command, words, err.text);
}

static unsigned check(const char *command, const char *words, const char *sha256)
{
	struct sp_words w;
	struct sp_str text;
	unsigned wrong;

	parse(command, words, &w);
	wrong = strcmp(w.plan->sha256, sha256) != 0;
	sp_str_init(&text, sp_mem_system());
	sp_plan_text(w.plan, &sp_catalog, &text);
	if (wrong)
		print_error("%s %s\nis %s,\nnot %s\n%.*s\n", command, words, w.plan->sha256,
			    sha256, (int)text.len, text.text);
	wrong += check_again(&text, w.plan->sha256);
	sp_str_fini(&text);
	sp_words_free(&w);
	return wrong;
}

static unsigned check_file(const struct request *q)
{
	char path[] = "/tmp/spate-digest-XXXXXX", line[1024];
	int fd = mkstemp(path);
	unsigned wrong;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, q->file, strlen(q->file)), strlen(q->file));
	close(fd);
	snprintf(line, sizeof line, "--targets %s %s", path, q->flags);
	wrong = check("send", line, q->sha256);
	unlink(path);
	return wrong;
}

static void test_send(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		wrong += check("send", requests[i].plain, requests[i].sha256);
		wrong += check("send", requests[i].url, requests[i].sha256);
		if (requests[i].file) /* a line of a file has one protocol */
			wrong += check_file(&requests[i]);
		if (files[i])
			wrong += check_scenario(files[i], requests[i].sha256);
	}
	assert_int_equal(wrong, 0);
}

static void test_recv(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof receivers / sizeof *receivers; i++) {
		wrong += check("recv", receivers[i].plain, receivers[i].sha256);
		wrong += check("recv", receivers[i].url, receivers[i].sha256);
		/* A file must say when it ends. */
		if (receiver_files[i])
			wrong += check_scenario(receiver_files[i], receivers[i].sha256);
	}
	assert_int_equal(wrong, 0);
}

/* One schedule for several streams: a protocol of shares, or a group that says each by itself. */
static void test_groups(void **state)
{
	static const char mixed[] = "-t 10.0.0.1 -p 9 --protocol mixed -r 50 --size 200 -D 5";
	static const char shares[] = "-t 10.0.0.1 --protocol udp:50,tcp:30,http:20 --departure "
				     "exponential --seed 3 --path /x --close";
	static const char *const rows[][2] = {
		{ mixed, HEAD "streams: [{target: \"mixed://10.0.0.1:9\", size: 200, rate: 50, "
			      "duration: 5s}]\n" },
		{ mixed,
		  HEAD "streams:\n- {protocol: mixed, target: 10.0.0.1:9, profile: {rate: "
		       "50, size: 200, duration: 5s}}\n" },
		{ mixed, HEAD "ports: {tx0: {}, tx1: {}}\ngroups:\n- name: s1\n"
			      "  profile: {rate: 50, duration: 5s}\n  size: 200\n"
			      "  streams:\n"
			      "  - {from: tx0, target: \"udp://10.0.0.1:9\", share: 50%}\n"
			      "  - {from: tx1, target: \"tcp://10.0.0.1:9\", share: 50%}\n" },
		{ shares, HEAD
		  "seed: 3\ngroups:\n- {name: s1, target: 10.0.0.1, departure: exponential,\n"
		  "   streams: [{protocol: udp, share: 5}, {protocol: tcp, share: 3},\n"
		  "     {protocol: http, share: 2, path: /x, close: yes}]}\n" },
		{ shares, HEAD
		  "seed: 3\ngroups:\n- {target: 10.0.0.1, departure: exponential, path: /x,\n"
		  "   close: yes, streams: [{name: s1-udp, share: 500},\n"
		  "     {protocol: tcp, share: 300}, {protocol: http, share: 200}]}\n" },
	};
	unsigned wrong = 0;
	struct sp_words w;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		parse("send", rows[i][0], &w);
		wrong += check_scenario(rows[i][1], w.plan->sha256);
		sp_words_free(&w);
	}
	assert_int_equal(wrong, 0);
}

/* Streams that share a schedule: one target, one number, one entry. */
static void test_shares(void **state)
{
	struct sp_words w;
	const struct sp_plan_stream *s;

	(void)state;
	parse("send", "-t 10.0.0.1 -p 9 --protocol mixed -r 100 --size 99", &w);
	s = w.plan->streams;
	assert_int_equal(w.plan->n_streams, 2);
	assert_int_equal(w.plan->n_ports, 2);
	assert_string_equal(s[0].protocol, "udp");
	assert_string_equal(s[1].protocol, "tcp");
	assert_string_equal(s[0].entry, s[1].entry);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(s[i].port, 9);
		assert_int_equal(s[i].size, 99);
		assert_int_equal(s[i].deal_of, 2);
		assert_int_equal(s[i].deal_at, i);
		assert_int_equal(s[i].deal_n, 1);
	}
	sp_words_free(&w);
	parse("send", "-t 10.0.0.1 --protocol tcp:30,udp:50 --streams 2", &w);
	s = w.plan->streams;
	assert_int_equal(w.plan->n_streams, 4);
	assert_string_equal(s[0].protocol, "tcp");
	assert_int_equal(s[0].deal_n, 3);
	assert_int_equal(s[1].deal_n, 5);
	assert_int_equal(s[1].deal_at, 3);
	assert_int_equal(s[1].deal_of, 8);
	assert_string_not_equal(s[0].entry, s[2].entry);
	sp_words_free(&w);
	/* Each protocol has its own number by default, and its own settings. */
	parse("send", "-t 10.0.0.1 --protocol udp:50,tcp:30,http:20 --close --path /x", &w);
	s = w.plan->streams;
	assert_int_equal(w.plan->n_streams, 3);
	assert_int_equal(w.plan->n_ports, 2);
	assert_int_equal(s[0].port, 5001);
	assert_int_equal(s[1].port, 5001);
	assert_int_equal(s[2].port, 80);
	assert_int_equal(s[2].deal_n, 2);
	assert_int_equal(s[2].deal_of, 10);
	sp_words_free(&w);
	parse("recv", "udp://:5001 http://:80 --body 9", &w);
	assert_int_equal(w.plan->n_recvs, 2);
	sp_words_free(&w);
}

static void test_wrong_http(void **state)
{
	static const char *const rows[][3] = {
		{ "send", "udp://a --close", "--close: no protocol here has such a setting" },
		{ "send", "-t a --protocol udp:1,http:1 --insecure",
		  "--insecure: no protocol" },
		{ "recv", "tcp://:9 --status 200", "--status: no protocol here" },
		{ "recv", "http://:9 --status 99", "--status: must be at least 200" },
		{ "recv", "http://:9/x", "a listener has no path" },
		{ "send", "http://a --per-message", "per_message is tcp's" },
		{ "send", "http://a --method FETCH", "'FETCH' is none of auto, GET" },
		{ "send", "http://a --header Host:x", "--host-header sets it" },
		{ "send", "http://a --header x", "is not a header line" },
		{ "send", "http://a --path c", "the path must begin with /" },
		{ "send", "http://a -r 1Mbit/s", "has no meaning with size 0" },
		{ "send", "http://a --transport udp", "goes over connections" },
		{ "send", "http://a --stamp native", "no stamp fits there" },
		{ "send", "https://a --tls 1.1", "'1.1' is none of" },
		{ "send", "htp://a", "did you mean 'http'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char line[256], *argv[ARGS_MAX];
		struct sp_err err = { 0 };
		struct sp_words w;
		int argc = 0;

		snprintf(line, sizeof line, "%s", rows[i][1]);
		for (char *p = strtok(line, " "); p; p = strtok(NULL, " "))
			argv[argc++] = p;
		if (!sp_words_parse(rows[i][0], argc, argv, sp_mem_system(), &sp_catalog, &w,
				    &err))
			fail_msg("%s %s: was taken", rows[i][0], rows[i][1]);
		if (!strstr(err.text, rows[i][2]) || err.exit != SP_EXIT_USAGE)
			fail_msg("%s %s: %s", rows[i][0], rows[i][1], err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send),	   cmocka_unit_test(test_recv),
		cmocka_unit_test(test_groups),	   cmocka_unit_test(test_shares),
		cmocka_unit_test(test_wrong_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
