/* A plan's text read back is the same plan; anything else is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/plan.h"
#include "engine/plan_build.h"
#include "engine/test_catalog.h"
#include "plugin/catalog.h"

static struct sp_plan *build(const char *const *words)
{
	static const char *const items[] = { "+run", "+port", "+stream", "+recv", "+stage" };
	struct sp_plan_build *b;
	struct sp_plan *plan = NULL;
	struct sp_err err = { 0 };
	int rc = 0;

	assert_int_equal(sp_plan_build_new(&b, sp_mem_system(), &test_catalog), 0);
	for (; *words && !rc; words++) {
		const char *eq = strchr(*words, '=');
		char key[40];

		for (unsigned i = 0; i < SP_PLAN_ITEMS && !eq; i++)
			if (strcmp(*words, items[i]) == 0)
				rc = sp_plan_add(b, (enum sp_plan_item)i, NULL, &err);
		if (!eq)
			continue;
		snprintf(key, sizeof key, "%.*s", (int)(eq - *words), *words);
		rc = sp_plan_set(b, key, eq + 1, NULL, &err);
	}
	if (rc || sp_plan_seal(b, &plan, &err))
		fail_msg("%s", err.text);
	sp_plan_build_free(b);
	return plan;
}

#define PORT   "+port", "name=tx0"
#define STREAM "+stream", "name=s", "host=10.1.1.2"

static const char *const plans[][32] = {
	{ PORT, STREAM },
	{ "+run",
	  "name=x",
	  "seed=18446744073709551615",
	  "duration=1500ms",
	  "control=no",
	  "verify=full",
	  "tally=stream",
	  "catch_up=chase:2.5x",
	  PORT,
	  "bind=[fd99::1]:77",
	  "interface=eth0",
	  "gso=no",
	  STREAM,
	  "rate=2.5Gbit/s@l2",
	  "departure=exponential",
	  "payload=\"\\\xc3\xa9",
	  "stamp=short",
	  "count=7",
	  "bytes=1Mi",
	  "duration=0" },
	{ PORT, "bind=fe80::1%eth1", STREAM, "rate=max", "size=9000", "+stream", "name=t",
	  "host=host.example", "start=2ms", "+stage", "at=3s", "stream=t", "rate=1.5kpps",
	  "+stage", "at=1s", "stream=s", "do=stop" },
	{ "+port", "name=rx0", "port=5001", "port_last=5010", "+recv", "name=rx0", "from=rx0" },
};

static void test_the_same_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		struct sp_plan *a = build(plans[i]), *b;
		struct sp_err err = { 0 };
		char text[16384];

		test_plan_text(a, &test_catalog, text);
		if (sp_plan_read(&b, text, strlen(text), true, sp_mem_system(), &test_catalog,
				 &err))
			fail_msg("plan %zu: %s", i, err.text);
		assert_string_equal(a->sha256, b->sha256);
		assert_int_equal(a->n_stages, b->n_stages);
		sp_plan_free(a);
		sp_plan_free(b);
	}
}

#define P "{\"plan\":1,\"ports\":[{\"name\":\"tx0\"}],"
#define T "\"streams\":[{\"name\":\"s\",\"host\":\"10.0.0.1\""

static const struct {
	const char *text, *fragment;
} wrong[] = {
	{ "", "the plan: 1:0" },
	{ "[]", "it is not a plan" },
	{ "{}", "it is not a plan" },
	{ "{\"plan\":2}", "plans of version 1" },
	{ "{\"plan\":1}", "nothing to do" },
	{ "{\"plan\":1,\"plan\":1}", "duplicate" },
	{ "{\"plan\":1,\"hosts\":[]}", "hosts: a plan has no such part" },
	{ "{\"plan\":1,\"run\":[]}", "run: an object is expected" },
	{ "{\"plan\":1,\"ports\":{}}", "ports: a list is expected" },
	{ "{\"plan\":1,\"ports\":[7]}", "ports[0]: an object is expected" },
	{ "{\"plan\":1,\"run\":{\"sead\":1}}", "did you mean 'seed'" },
	{ "{\"plan\":1,\"run\":{\"seed\":-1}}", "run.seed: a text, a number" },
	{ "{\"plan\":1,\"run\":{\"seed\":[]}}", "run.seed: a text, a number" },
	{ "{\"plan\":1,\"run\":{\"name\":\"a\\u0000b\"}}", "u0000 is not allowed" },
	{ "{\"plan\":1,\"run\":{\"name\":7}} x", "end of file expected" },
	{ P T ",\"rate\":\"fast\"}]}", "streams[0].rate: 'fast' is not a rate" },
	{ P T ",\"rate\":1e400}]}", "real number overflow" },
	{ P T ",\"size\":99999999999999999999}]}", "too big integer" },
	{ P T ",\"from\":\"tx1\"}]}", "no such port 'tx1'; did you mean 'tx0'" },
	{ P T "},{\"name\":\"s\",\"host\":\"::1\"}]}", "two streams are called 's'" },
	{ P T "}],\"stages\":[{\"stream\":\"x\",\"rate\":1}]}", "no such stream 'x'" },
	{ P T "}],\"stages\":[{\"rate\":1}]}", "the stage names no stream" },
	{ P T "}],\"stages\":[{\"stream\":\"s\"}]}", "what is to be set?" },
	{ P T "}],\"stages\":[{\"stream\":\"s\",\"do\":\"stop\",\"rate\":1}]}",
	  "a rate goes with set, not with stop" },
	{ P T ",\"departure\":\"exponential\"}],\"stages\":[{\"stream\":\"s\","
	      "\"rate\":\"max\"}]}",
	  "rate max leaves no gaps" },
	{ P T "}],\"stages\":[{\"stream\":\"s\",\"do\":\"strat\"}]}", "did you mean 'start'" },
	{ P T "}],\"stages\":[{\"stream\":\"s\",\"dx\":\"stop\"}]}", "no such setting 'dx'" },
};

static void test_wrong_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sp_err err = { 0 };
		struct sp_plan *p;

		if (!sp_plan_read(&p, wrong[i].text, strlen(wrong[i].text), true,
				  sp_mem_system(), &test_catalog, &err))
			fail_msg("taken: %s", wrong[i].text);
		assert_null(p);
		if (err.exit != SP_EXIT_DATA || !strstr(err.text, wrong[i].fragment))
			fail_msg("%s: exit %d, '%s' is not in: %s", wrong[i].text, err.exit,
				 wrong[i].fragment, err.text);
	}
}

static void test_peers_name_no_files(void **state)
{
	static const char text[] = "{\"plan\":1,\"ports\":[{\"name\":\"tx0\",\"transport\":"
				   "\"pcap\",\"settings\":{\"file\":\"/etc/x\"}}]," T "}]}";
	struct sp_err err = { 0 };
	struct sp_plan *p;

	(void)state;
	assert_int_not_equal(sp_plan_read(&p, text, strlen(text), true, sp_mem_system(),
					  &test_catalog, &err),
			     0);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(err.text, "a peer may not name a file of this host"));
	if (sp_plan_read(&p, text, strlen(text), false, sp_mem_system(), &test_catalog, &err))
		fail_msg("%s", err.text);
	sp_plan_free(p);
}

/* The item before may lack the text that this one has. */
static void test_texts_that_come_second(void **state)
{
	static const char *const texts[] = {
		"{\"plan\":1,\"ports\":[{\"name\":\"a\",\"port\":5001},{\"name\":\"b\","
		"\"port\":5002}],\"recvs\":[{\"name\":\"r1\",\"from\":\"a\"},{\"name\":\"r2\","
		"\"from\":\"b\",\"reply\":\"echo\"}]}",
		"{\"plan\":1,\"ports\":[{\"name\":\"a\"}]," T "},{\"name\":\"t\",\"host\":"
		"\"10.0.0.1\",\"port\":5,\"rate\":\"1pps\",\"packet_size\":\"imix\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sp_err err = { 0 };
		struct sp_plan *p = NULL;

		/* Taken or not: it ends. */
		sp_plan_read(&p, texts[i], strlen(texts[i]), true, sp_mem_system(), &sp_catalog,
			     &err);
		sp_plan_free(p);
	}
}

/* Nor by settings of protocols and of the layer under them. */
static void test_no_files_of_protocols(void **state)
{
	static const struct {
		const char *protocol, *key;
	} rows[] = {
		{ "dns", "domains" }, { "https", "ca" }, { "https", "cert" }, { "https", "key" }
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned named = 0; named < 2; named++) {
			struct sp_err err = { 0 };
			struct sp_plan *p = NULL;
			int rc;

			snprintf(
				text, sizeof text,
				"{\"plan\":1,\"ports\":[{\"name\":\"tx0\",\"transport\":"
				"\"%s\"}],\"streams\":[{\"name\":\"s\",\"host\":\"10.0.0.1\","
				"\"port\":53,\"rate\":\"1pps\",\"count\":1,\"protocol\":\"%s\","
				"\"settings\":{\"%s\":\"%s\"}}]}",
				i ? "tcp" : "udp", rows[i].protocol, rows[i].key,
				named ? "/etc/hostname" : "");
			rc = sp_plan_read(&p, text, strlen(text), true, sp_mem_system(),
					  &sp_catalog, &err);
			if (named)
				assert_non_null(strstr(
					err.text, "a peer may not name a file of this host"));
			else if (rc)
				fail_msg("%s: %s", rows[i].key, err.text);
			sp_plan_free(p);
		}
}

/* What the payload is may be a file, too, by its kind alone. */
static void test_no_payload_from_files(void **state)
{
	static const char text[] =
		"{\"plan\":1,\"ports\":[{\"name\":\"tx0\"}],\"streams\":[{\"name\":\"s\","
		"\"host\":\"10.0.0.1\",\"payload\":\"/etc/passwd\",\"fill\":\"file\"}]}";
	struct sp_err err;
	struct sp_plan *p;

	(void)state;
	assert_int_not_equal(
		sp_plan_read(&p, text, strlen(text), true, sp_mem_system(), &sp_catalog, &err),
		0);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	if (sp_plan_read(&p, text, strlen(text), false, sp_mem_system(), &sp_catalog, &err))
		fail_msg("%s", err.text);
	assert_string_equal(p->streams[0].fill, "file");
	sp_plan_free(p);
}

/* The canonical text of crafted packets is read as the same plan. */
static void test_packets_are_read_back(void **state)
{
	static const char text[] =
		"{\"plan\":1,\"ports\":[{\"name\":\"tx0\",\"transport\":\"packet\"}],"
		"\"streams\":[{\"name\":\"s\",\"protocol\":\"packet\",\"packet\":\"ip(dst=10.0.0.0/30,"
		"src=10.1.0.0/16)/tcp(flags=S,dport=80)\"}]}";
	struct sp_plan *a, *b;
	struct sp_err err;
	struct sp_str s;

	(void)state;
	if (sp_plan_read(&a, text, strlen(text), true, sp_mem_system(), &sp_catalog, &err))
		fail_msg("%s", err.text);
	assert_string_equal(a->streams[0].host, "10.0.0.0");
	assert_int_equal(a->streams[0].port, 80);
	assert_int_equal(a->streams[0].size, 54);
	sp_str_init(&s, sp_mem_system());
	sp_plan_text(a, &sp_catalog, &s);
	if (sp_plan_read(&b, s.text, s.len, true, sp_mem_system(), &sp_catalog, &err))
		fail_msg("%s", err.text);
	assert_string_equal(a->sha256, b->sha256);
	assert_int_equal(a->streams[0].packet_head, b->streams[0].packet_head);
	sp_str_fini(&s);
	sp_plan_free(a);
	sp_plan_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_again),
		cmocka_unit_test(test_wrong_texts),
		cmocka_unit_test(test_peers_name_no_files),
		cmocka_unit_test(test_no_payload_from_files),
		cmocka_unit_test(test_no_files_of_protocols),
		cmocka_unit_test(test_texts_that_come_second),
		cmocka_unit_test(test_packets_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
