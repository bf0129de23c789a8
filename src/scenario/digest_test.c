/* One request, one plan: the plain spelling, a URL and a targets file have the same digest. And the
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
#include "scenario/words.h"

#define ARGS_MAX 64

/* plain and url are command lines of send; file is what a targets file holds, and flags what then
 * stands on the command line. */
static const struct request {
	const char *sha256;
	const char *plain, *url;
	const char *file, *flags;
} requests[] = {
	{ "8d6d260ff6bf2d17e1007f5e799026b6daebe5d29604c1dc075646d20ebacef1", "-t 10.1.1.2",
	  "udp://10.1.1.2", "udp://10.1.1.2\n", "" },
	{ "b13249e2cb34b42d97e818e0301dffe8ada398141a0ef569d8c01a27c90c19ba",
	  "-t 10.1.1.2 -p 5555 -r 2Gbps --size 1400",
	  "udp://10.1.1.2:5555?rate=2Gbit/s&size=1400",
	  "# one\nudp://10.1.1.2:5555 # another\n", "--rate 2000Mbit/s --size 1.4k" },
	{ "a668481a78a4ba0272cd310e193ea33defd67a875c493bba05ccdd1e52a1a693",
	  "--target-ip fd99::2 --target-port 7 --count 5 --payload ab",
	  "udp://[fd99::2]:7?count=5&payload=ab", "udp://[FD99:0::2]:7?payload=ab\n",
	  "--count 5" },
	{ "b8f008edd3b468f3f2f6c0f8a80695707a6d56469a73475e474b5fe1a1ad7e03",
	  "-t host.example -D 2m -r max --no-stamp --bind 10.0.0.1%eth0",
	  "udp://host.example?duration=120s&rate=max&stamp=off --bind 10.0.0.1 --interface eth0",
	  "udp://host.example?stamp=off&rate=MAX\n", "-D 120 --bind 10.0.0.1%eth0" },
	{ "06b74f92734c17152caf5417e83c5fd064b3df2e543117a21228058daa53823f",
	  "-t 10.0.0.1 -t 10.0.0.2:9 --departure exponential --seed 42 --bytes 1Mi",
	  "udp://10.0.0.1 udp://10.0.0.2:9 --departure exponential --seed 42 --bytes 1048576",
	  "udp://10.0.0.1\n\nudp://10.0.0.2:9\n",
	  "--departure exponential --seed 42 --bytes 1024Ki" },
	{ "5db31614041b908fdd67dccd485ac0693787d3961733c2113cefe5d4a378060d",
	  "-t 10.0.0.1 --streams 3 --cores 2 --spin never --coalesce 20us --tally stream",
	  "udp://10.0.0.1?streams=3 --cores 2 --spin never --coalesce 0.02ms --tally stream",
	  "udp://10.0.0.1?streams=3\n",
	  "--cores 2 --spin never --coalesce 20000ns --tally stream" },
	{ "67fb75ef65a47bdff407918cdf995fb1179423d44eccda0f57f7af8e58bcc929",
	  "-t 10.0.0.1 --out f.pcap",
	  "udp://10.0.0.1 --transport pcap --set file=f.pcap --virtual", "udp://10.0.0.1\n",
	  "--out f.pcap" },
	{ "c4863fa7b5b60b0adcfc98c09e3d54cb6560b1b0be07b703a1c85af7fecdeafc",
	  "-t 10.0.0.1 --transport loop --set loss=1% --set delay=5ms --virtual",
	  "udp://10.0.0.1 --set loss=0.01 --set delay=5000us --transport loop --virtual",
	  "udp://10.0.0.1\n", "--transport loop --virtual --set delay=5ms --set loss=1%" },
	{ "604c3fa92d5cc4b3122f96e5abc580bda0d8bc2711ac882f6d384750479e2ca4",
	  "-t 10.0.0.1 --transport packet --interface eth0 --size 80 --stamp short",
	  "udp://10.0.0.1?stamp=short&size=80 --transport packet --interface eth0",
	  "udp://10.0.0.1?size=80\n", "--stamp short --transport packet --interface eth0" },
	{ "160fc895a28a60d9a5195ca078c0cc28509705d9ddd938015117bb2ad855c4b7",
	  "-t 10.0.0.1 --no-gso --no-control --best-effort --catch-up chase:3x --name n",
	  "udp://10.0.0.1 --set gso=no --no-control --best-effort --catch-up chase:3x --name n",
	  "udp://10.0.0.1\n",
	  "--no-gso --no-control --best-effort --catch-up chase:3x --name n" },
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
};

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
		wrong += check_file(&requests[i]);
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
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_recv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
