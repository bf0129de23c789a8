#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/plan.h"
#include "engine/test_catalog.h"
#include "scenario/words.h"

#define ARGS_MAX 64

/* Cuts a command line at blanks; '_' stands for a blank inside a word. */
static int cut(char *line, char *argv[])
{
	int n = 0;

	for (char *w = strtok(line, " "); w && n < ARGS_MAX; w = strtok(NULL, " ")) {
		for (char *p = w; *p; p++)
			if (*p == '_')
				*p = ' ';
		argv[n++] = w;
	}
	return n;
}

static int parse(const struct sp_mem *mem, const char *text, struct sp_words *w,
		 struct sp_err *err)
{
	char line[1024], *argv[ARGS_MAX], *command;
	int n;

	assert_true(strlen(text) < sizeof line);
	memcpy(line, text, strlen(text) + 1);
	n = cut(line, argv);
	command = argv[0];
	return sp_words_parse(command, n - 1, argv + 1, mem, &test_catalog, w, err);
}

static struct sp_words good(const char *text)
{
	struct sp_words w;
	struct sp_err err = { 0 };

	if (parse(sp_mem_system(), text, &w, &err))
		fail_msg("%s: %s", text, err.text);
	return w;
}

static void same(const char *a, const char *b)
{
	struct sp_words x = good(a), y = good(b);
	char x_text[16384], y_text[16384];

	test_plan_text(x.plan, &test_catalog, x_text);
	test_plan_text(y.plan, &test_catalog, y_text);
	if (strcmp(x_text, y_text) != 0)
		fail_msg("%s\n%s\n%s\n%s", a, x_text, b, y_text);
	assert_string_equal(x.plan->sha256, y.plan->sha256);
	sp_words_free(&x);
	sp_words_free(&y);
}

static void differ(const char *a, const char *b)
{
	struct sp_words x = good(a), y = good(b);

	assert_string_not_equal(x.plan->sha256, y.plan->sha256);
	sp_words_free(&x);
	sp_words_free(&y);
}

static void test_defaults_of_send(void **state)
{
	struct sp_words w = good("send -t 10.1.1.2");
	const struct sp_plan *p = w.plan;
	const struct sp_plan_stream *s = &p->streams[0];

	(void)state;
	assert_int_equal(p->n_streams, 1);
	assert_int_equal(p->n_ports, 1);
	assert_int_equal(p->n_recvs, 0);
	assert_string_equal(s->host, "10.1.1.2");
	assert_int_equal(s->port, 5001);
	assert_string_equal(s->protocol, "udp");
	assert_int_equal(s->rate.kind, SP_RATE_PPS);
	assert_int_equal(s->rate.micro, 100 * 1000000);
	assert_int_equal(s->size, 1024);
	assert_int_equal(s->duration_ns, 10 * SP_NS_PER_S);
	assert_string_equal(s->payload, "X");
	assert_string_equal(p->ports[0].transport, "udp");
	assert_string_equal(p->run.name, "send");
	assert_string_equal(w.out.name, "send");
	assert_int_equal(w.out.live, SP_LIVE_AUTO);
	assert_false(w.out.json || w.out.csv || w.out.plain || w.out.dry_run || w.out.verbose ||
		     w.out.quiet || w.out.no_run_dir || w.out.seed_drawn);
	assert_null(w.out.run_dir);
	assert_null(w.out.out_pcap);
	sp_words_free(&w);
}

static void test_spellings(void **state)
{
	static const char *const spellings[] = {
		"send udp://10.1.1.2:5555 --rate 2Gbit/s --size 1400",
		"send -t 10.1.1.2 -p 5555 -r 2_Gbit/s --size 1.4k",
		"send --target 10.1.1.2 --port 5555 --rate 2000Mbps --size 1400",
		"send --target-ip=10.1.1.2 --target-port=5555 --rate=2gbit/s --size=1400",
		"send -t10.1.1.2 -p5555 -r2Gbit/s --size 1400B",
		"send -t 10.1.1.2:5555 --protocol udp -r 2Gbps --size 1400 -D 10",
		"send -t udp://10.1.1.2:5555 -r 2Gbps --size 1400 -D 10s",
		"send -t udp://10.1.1.2 -p 5555 -r 2Gbps --size 1400 -D 10000ms",
		"send udp://10.1.1.2:5555?rate=2Gbit/s&size=1400",
		"send UDP://10.1.1.2:5555?rate=2Gbit%2fs&size=1400 --stamp native",
		"send --size 1400 -r 2Gbps udp://10.1.1.2:5555",
		"send -r 1 -r 2Gbps --size 1 --size 1400 udp://10.1.1.2:5555",
		"send -r 1 --size 1400 udp://10.1.1.2:5555?rate=2Gbps",
		"send -p 5555 -r 2Gbps --size 1400 -- udp://10.1.1.2",
		"send udp://10.1.1.2:5555 -r 2Gbps --size 1400 --json --no-run-dir",
		"send udp://10.1.1.2:5555 -r 2Gbps --size 1400 --seed 1 --cores 1 --name send",
	};

	(void)state;
	for (size_t i = 1; i < sizeof spellings / sizeof *spellings; i++)
		same(spellings[0], spellings[i]);
	same("send -t fd99::2", "send udp://[fd99::2]:5001");
	same("send -t fd99::2", "send udp://[FD99:0::2]");
	same("send -t [fd99::2]:7", "send udp://[fd99::2] -p 7");
	same("send -t some.Host", "send udp://some.host:5001");
	same("send -t 10.1.1.2 --bind 10.1.1.1%eth0:99",
	     "send -t 10.1.1.2 --bind 10.1.1.1:99 --interface eth0");
	same("send -t a --no-stamp", "send -t a --stamp off");
	same("send -t a --out x.pcap",
	     "send -t a --transport pcap --set file=x.pcap --virtual");
	same("send -t a --no-gso", "send -t a --set gso=off");
	same("send -t a --streams 3", "send udp://a?streams=3");
	same("recv", "recv udp://:5001");
	same("recv", "recv -p 5001");
	same("recv -p 5001-5010", "recv udp://:5001-5010");
	same("recv -p 5001 -p 7", "recv udp://:5001 udp://:7");
	same("recv --bind 10.0.0.2", "recv udp://10.0.0.2");
	same("recv --bind 10.0.0.2:77", "recv udp://10.0.0.2:77");
	same("recv --bind 10.0.0.2 -p 77-78", "recv udp://10.0.0.2:77-78");
	same("recv --bind [::1] -p 77", "recv udp://[::1]:77 -D 0 --count 0");
	same("recv --bind ::1 -p 77", "recv udp://[::1]:77 --protocol udp");
}

static void test_what_makes_a_difference(void **state)
{
	static const char *const flags[] = {
		"-p 5002",
		"-r 101",
		"--size 1023",
		"-D 11",
		"--count 5",
		"--bytes 5k",
		"--streams 2",
		"--departure exponential",
		"--payload Y",
		"--stamp short",
		"--no-stamp",
		"--bind 10.1.1.1",
		"--interface eth0",
		"--transport packet",
		"--no-gso",
		"--seed 2",
		"--cores 2",
		"--spin never",
		"--coalesce 1ms",
		"--catch-up burst",
		"--no-control",
		"--best-effort",
		"--allow-broadcast",
		"--max-flows 9",
		"--tally stream",
		"--verify full",
		"--name x",
		"--out f.pcap",
		"--transport loop",
		"--transport loop --virtual",
		"--transport loop --set loss=1%",
	};
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		snprintf(line, sizeof line, "send -t 10.1.1.2 %s", flags[i]);
		differ("send -t 10.1.1.2", line);
	}
	differ("recv", "recv -D 5");
	differ("recv", "recv --count 5");
	differ("recv", "recv --no-gro");
}

static void test_several_targets(void **state)
{
	struct sp_words w = good(
		"send udp://10.0.0.1:7?rate=5&name=first -t 10.0.0.2 -p 9 -r 3 "
		"udp://10.0.0.3?streams=2&name=b&payload=a%20b%26 --size 64");
	const struct sp_plan_stream *s = w.plan->streams;

	(void)state;
	assert_int_equal(w.plan->n_streams, 4);
	assert_string_equal(s[0].name, "first");
	assert_int_equal(s[0].port, 7);
	assert_int_equal(s[0].rate.micro, 5000000);
	assert_string_equal(s[0].entry, "t1");
	assert_string_equal(s[1].name, "s2");
	assert_int_equal(s[1].port, 9);
	assert_int_equal(s[1].rate.micro, 3000000);
	assert_string_equal(s[1].entry, "t2");
	assert_string_equal(s[2].name, "b-1");
	assert_string_equal(s[3].name, "b-2");
	assert_int_equal(s[3].port, 9);
	assert_string_equal(s[3].payload, "a b&");
	assert_string_equal(s[3].entry, "t3");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(s[i].size, 64);
	sp_words_free(&w);
}

static void test_output(void **state)
{
	struct sp_words w = good("send -t a --json --live --dry-run -v --run-dir /x/y "
				 "--out o.pcap --name my-run");

	(void)state;
	assert_true(w.out.json && w.out.dry_run && w.out.verbose);
	assert_int_equal(w.out.live, SP_LIVE_ON);
	assert_string_equal(w.out.run_dir, "/x/y");
	assert_string_equal(w.out.out_pcap, "o.pcap");
	assert_string_equal(w.out.name, "my-run");
	assert_true(w.plan->run.is_virtual);
	assert_string_equal(w.plan->ports[0].transport, "pcap");
	sp_words_free(&w);
	w = good("recv --csv --no-live -q --no-run-dir");
	assert_true(w.out.csv && w.out.quiet && w.out.no_run_dir);
	assert_int_equal(w.out.live, SP_LIVE_OFF);
	assert_string_equal(w.out.name, "recv");
	sp_words_free(&w);
	w = good("recv --plain --no-live --live");
	assert_true(w.out.plain);
	assert_int_equal(w.out.live, SP_LIVE_ON);
	sp_words_free(&w);
}

static void test_recv(void **state)
{
	struct sp_words w = good("recv udp://10.0.0.2:5001 udp://[::1%lo]:6001-6010 "
				 "udp://:7001 -D 2m --count 1k --cores 2 --no-control");
	const struct sp_plan *p = w.plan;

	(void)state;
	assert_int_equal(p->n_recvs, 3);
	assert_int_equal(p->n_ports, 3);
	assert_int_equal(p->n_streams, 0);
	assert_string_equal(p->ports[0].bind, "10.0.0.2");
	assert_string_equal(p->ports[1].bind, "::1");
	assert_string_equal(p->ports[1].interface, "lo");
	assert_int_equal(p->ports[1].port, 6001);
	assert_int_equal(p->ports[1].port_last, 6010);
	assert_string_equal(p->ports[2].bind, "");
	assert_int_equal(p->recvs[2].from_port, 2);
	assert_int_equal(p->run.duration_ns, 120 * SP_NS_PER_S);
	assert_int_equal(p->run.count, 1000);
	assert_int_equal(p->run.cores, 2);
	assert_false(p->run.control);
	sp_words_free(&w);
	w = good("recv --interface eth0 --transport packet");
	assert_string_equal(w.plan->ports[0].interface, "eth0");
	assert_string_equal(w.plan->ports[0].transport, "packet");
	assert_int_equal(w.plan->run.duration_ns, 0);
	sp_words_free(&w);
}

static void test_seed(void **state)
{
	char text[16384];
	struct sp_words a = good("send -t a --departure exponential");
	struct sp_words b = good("send udp://a?departure=exponential");

	(void)state;
	assert_true(a.out.seed_drawn && b.out.seed_drawn);
	assert_int_not_equal(a.plan->run.seed, b.plan->run.seed);
	assert_non_null(strstr(test_plan_text(a.plan, &test_catalog, text), "\"seed\":"));
	sp_words_free(&a);
	sp_words_free(&b);
	same("send -t a --departure exponential --seed 9",
	     "send udp://a?departure=exponential --seed 9");
	same("send -t a --departure constant", "send udp://a");
}

/* ---- files ---- */

struct temp {
	char path[64];
};

static struct temp write_temp(const char *text, size_t len)
{
	struct temp t;
	int fd;

	snprintf(t.path, sizeof t.path, "/tmp/words-test-XXXXXX");
	fd = mkstemp(t.path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	return t;
}

static void test_file(void **state)
{
	static const char text[] = "# targets\n\n  udp://10.0.0.1:7?rate=5 # one\r\n"
				   "udp://10.0.0.2\n\tudp://[fd99::3]:8?name=c";
	struct temp t = write_temp(text, sizeof text - 1);
	char line[128];
	struct sp_words w;

	(void)state;
	snprintf(line, sizeof line, "send udp://10.9.9.9 --targets %s -p 9", t.path);
	w = good(line);
	assert_int_equal(w.plan->n_streams, 4);
	assert_string_equal(w.plan->streams[1].host, "10.0.0.1");
	assert_int_equal(w.plan->streams[1].rate.micro, 5000000);
	assert_int_equal(w.plan->streams[2].port, 9);
	assert_string_equal(w.plan->streams[3].host, "fd99::3");
	assert_string_equal(w.plan->streams[3].name, "c");
	sp_words_free(&w);
	unlink(t.path);
}

static void expect_file(const char *text, size_t len, const char *flags, enum sp_exit code,
			const char *fragment, bool at_path)
{
	struct temp t = write_temp(text, len);
	struct sp_err err = { 0 };
	struct sp_words w;
	char line[256], want[160];

	snprintf(line, sizeof line, "send --targets %s %s", t.path, flags);
	snprintf(want, sizeof want, "%s%s", at_path ? t.path : "", fragment);
	if (!parse(sp_mem_system(), line, &w, &err))
		fail_msg("taken: %s", text);
	if (!strstr(err.text, want))
		fail_msg("'%s' is not in: %s", want, err.text);
	assert_int_equal(err.exit, code);
	unlink(t.path);
}

static void test_bad_files(void **state)
{
	char huge[2000];
	struct sp_err err = { 0 };
	struct sp_words w;

	(void)state;
#define FILE_OF(text) text, sizeof(text) - 1, ""
	expect_file(FILE_OF(""), SP_EXIT_DATA, ": the file names no target", true);
	expect_file(FILE_OF("# only\n"), SP_EXIT_DATA, ": the file names no target", true);
	expect_file(FILE_OF("udp://a\n\nfoo\n"), SP_EXIT_DATA, ":3: a target is written", true);
	expect_file(FILE_OF("udp://a\nudp://a:0\n"), SP_EXIT_DATA, ":2: udp://a:0: ", true);
	expect_file(FILE_OF("udp://a?rate=x"), SP_EXIT_DATA, ":1: rate: 'x'", true);
	expect_file(FILE_OF("udp://a?raet=1"), SP_EXIT_DATA, "did you mean 'rate'", false);
	expect_file(FILE_OF("\nudp://a?size=70000"), SP_EXIT_DATA, ":2: size", true);
	expect_file(FILE_OF("udp://a?size=65530"), SP_EXIT_DATA, ":1: size 65530", true);
	expect_file(FILE_OF("udp://a?name=x\nudp://b?name=x"), SP_EXIT_DATA,
		    ":2: two streams are called 'x'", true);
	expect_file(FILE_OF("sctp://a"), SP_EXIT_DATA, ":1: protocol 'sctp'", true);
	expect_file(FILE_OF("udp://a\nudp:\0//b"), SP_EXIT_DATA, ":2: a byte is 0", true);
	expect_file("udp://a", 7, "--rate x", SP_EXIT_USAGE, "--rate: 'x'", false);
	memset(huge, 'a', sizeof huge);
	expect_file(huge, sizeof huge, "", SP_EXIT_DATA, ":1: the line is too long", true);
	assert_true(parse(sp_mem_system(), "send --targets /no/such/file", &w, &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_string_equal(err.text, "--targets: cannot read /no/such/file: No such file or "
				      "directory; check the path");
	assert_true(parse(sp_mem_system(), "send --targets /", &w, &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
}

static void test_many(void **state)
{
	enum { N = 20000 };
	char *text = malloc(N * 64), line[128];
	struct temp t;
	struct sp_words w;
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < N; i++)
		len += (size_t)sprintf(text + len, "udp://10.%u.%u.1:5001?rate=%u\n", i / 200,
				       i % 200, i + 1);
	t = write_temp(text, len);
	snprintf(line, sizeof line, "send --targets %s", t.path);
	w = good(line);
	unlink(t.path);
	free(text);
	assert_int_equal(w.plan->n_streams, N);
	assert_int_equal(w.plan->streams[N - 1].rate.micro, N * 1000000ull);
	/* So many targets share one entry: histograms are large. */
	assert_string_equal(w.plan->streams[N - 1].entry, "send");
	sp_words_free(&w);
	w = good("send udp://10.0.0.1 --streams 100k -r 1");
	assert_int_equal(w.plan->n_streams, 100000);
	assert_string_equal(w.plan->streams[99999].entry, "t1");
	sp_words_free(&w);
}

static void no_memory(const char *line)
{
	for (uint64_t i = 0;; i++) {
		struct sp_mem_test mem;
		struct sp_err err = { 0 };
		struct sp_words w;
		int rc;

		sp_mem_test_init(&mem, i);
		rc = parse(&mem.mem, line, &w, &err);
		sp_words_free(&w);
		assert_int_equal(mem.live, 0);
		if (!rc) {
			assert_true(i > 5);
			return;
		}
		if (rc != -ENOMEM)
			fail_msg("allocation %u: %s", (unsigned)i, err.text);
		assert_true(i < 1000);
	}
}

static void test_no_memory(void **state)
{
	static const char text[] = "udp://10.0.0.1:7?rate=5\nudp://10.0.0.2\n";
	struct temp t = write_temp(text, sizeof text - 1);
	char line[200];

	(void)state;
	snprintf(line, sizeof line,
		 "send udp://a udp://b?size=70 --targets %s -p 7 -r 5 --out o", t.path);
	no_memory(line);
	unlink(t.path);
	no_memory("recv udp://:5001 udp://10.0.0.1:5002-5009 --run-dir x --count 5");
}

static void test_flag_tables(void **state)
{
	(void)state;
	assert_non_null(sp_words_flags("send"));
	assert_non_null(sp_words_flags("recv"));
	assert_null(sp_words_flags("sned"));
	for (int k = 0; k < 2; k++) {
		const struct sp_flag *f = sp_words_flags(k ? "recv" : "send");

		for (; f->spell; f++) {
			assert_non_null(f->key);
			assert_non_null(f->group);
			assert_non_null(f->help);
			assert_int_equal(f->arg == SP_FLAG_VALUE, f->meta != NULL);
			assert_int_equal(f->arg == SP_FLAG_NONE, f->value != NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_of_send),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_what_makes_a_difference),
		cmocka_unit_test(test_several_targets),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_recv),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_flag_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
