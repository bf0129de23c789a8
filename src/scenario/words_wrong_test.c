/* Wrong command lines: each gets one sentence that names the thing, and its exit code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/test_catalog.h"
#include "scenario/words.h"

#define ARGS_MAX 8

static const struct row {
	const char *fragment;
	const char *argv[ARGS_MAX]; /* the command first */
} rows[] = {
	/* targets */
	{ "no target is given", { "send" } },
	{ "no target is given", { "send", "-r", "5" } },
	{ "neither an option nor a URL", { "send", "10.1.1.2" } },
	{ "neither an option nor a URL", { "send", "udp" } },
	{ "is empty", { "send", "-t", "" } },
	{ "neither an option nor a URL", { "send", "" } },
	{ "no host is given", { "send", "udp://:5001" } },
	{ "range of ports is for recv", { "send", "udp://10.1.1.2:5001-5010" } },
	{ "range of ports is for recv", { "send", "-t", "a", "-p", "5-9" } },
	{ "'70000' is not a port number", { "send", "udp://10.1.1.2:70000" } },
	{ "'0' is not a port number", { "send", "udp://10.1.1.2:0" } },
	{ "-p: '0' is not a port number", { "send", "-t", "a", "-p", "0" } },
	{ "-p: '65536' is not a port", { "send", "-t", "a", "-p", "65536" } },
	{ "--port: '-1' is not a port", { "send", "-t", "a", "--port", "-1" } },
	{ "'5k' is not a port number", { "send", "-t", "a", "-p", "5k" } },
	{ "'' is not a port number", { "send", "-t", "a", "-p", "" } },
	{ "'5001 ' is not a port", { "send", "-t", "a", "-p", "5001 " } },
	{ "each has a port number of its own", { "send", "udp://a:5", "-p", "6" } },
	{ "not an IPv4 address", { "send", "-t", "300.1.1.1" } },
	{ "not an IPv4 address", { "send", "udp://10.1:5" } },
	{ "']'", { "send", "udp://[::1:5" } },
	{ "IPv6 address goes into brackets", { "send", "udp://::1:5001" } },
	{ "not an IPv6 address", { "send", "udp://[::g]:5001" } },
	{ "path has no meaning", { "send", "udp://10.1.1.2:5001/x" } },
	{ "user name has no meaning", { "send", "udp://me@host:5" } },
	{ "--interface", { "send", "-t", "10.1.1.2%eth0" } },
	/* protocols */
	{ "'sctp' is not supported; works: udp, tcp",
	  { "send", "-t", "a", "--protocol", "sctp" } },
	{ "'http' is not supported; works: udp, tcp",
	  { "send", "-t", "a", "--protocol", "http" } },
	{ "'igmp' is not supported; works: udp", { "send", "-t", "a", "--protocol=igmp" } },
	{ "'dns' is not supported; works: udp", { "send", "dns://10.1.1.2" } },
	{ "'sctp' is not supported; works: udp, tcp", { "send", "sctp://10.1.1.2:80" } },
	{ "did you mean 'udp'", { "send", "-t", "a", "--protocol", "upd" } },
	{ "'sctp' is not supported; works: udp, tcp", { "recv", "sctp://:5001" } },
	{ "'sctp' is not supported; works: udp, tcp", { "recv", "--protocol", "sctp" } },
	/* queries */
	{ "did you mean 'rate'", { "send", "udp://a?raet=5" } },
	{ "no setting 'host'", { "send", "udp://a?host=b" } },
	{ "key=value is expected", { "send", "udp://a?rate" } },
	{ "key=value is expected", { "send", "udp://a?=5" } },
	{ "'rate' is given twice", { "send", "udp://a?rate=5&rate=6" } },
	{ "rate: 'x' is not a rate", { "send", "udp://a?rate=x" } },
	{ "hex digits", { "send", "udp://a?name=%zz" } },
	{ "%00", { "send", "udp://a?name=%00" } },
	{ "is not a number of streams", { "send", "udp://a?streams=0" } },
	{ "not UTF-8", { "send", "udp://a?payload=%ff" } },
	/* rates */
	{ "-r: rate: 'abc' is not a rate", { "send", "-t", "a", "-r", "abc" } },
	{ "--rate: 'nan' is not a rate", { "send", "-t", "a", "--rate", "nan" } },
	{ "'inf' is not a rate", { "send", "-t", "a", "--rate", "inf" } },
	{ "'-5' is not a rate", { "send", "-t", "a", "--rate", "-5" } },
	{ "'0' is not a rate", { "send", "-t", "a", "--rate", "0" } },
	{ "'1e3' is not a rate", { "send", "-t", "a", "--rate", "1e3" } },
	{ "'5 apples' is not a rate", { "send", "-t", "a", "--rate", "5 apples" } },
	{ "too large", { "send", "-t", "a", "--rate", "99999999999999999999" } },
	{ "needs a value", { "send", "-t", "a", "--rate", "" } },
	{ "--rate: needs a value", { "send", "-t", "a", "--rate" } },
	{ "no gaps", { "send", "-t", "a", "-r", "max", "--departure", "exponential" } },
	/* sizes, limits, times */
	{ "'-1' is not a size", { "send", "-t", "a", "--size", "-1" } },
	{ "at most 65507", { "send", "-t", "a", "--size", "65508" } },
	{ "at most 65507", { "send", "-t", "a", "--size", "1M" } },
	{ "too large", { "send", "-t", "a", "--size", "99999999999999999999999" } },
	{ "no meaning with size 0", { "send", "-t", "a", "--size", "0", "-r", "1Mbps" } },
	{ "needs size 18", { "send", "-t", "a", "--size", "17", "--stamp", "native" } },
	{ "none of auto, native, short, off", { "send", "-t", "a", "--stamp", "long" } },
	{ "less than one packet", { "send", "-t", "a", "--bytes", "10" } },
	{ "'1.5' is not a count", { "send", "-t", "a", "--count", "1.5" } },
	{ "'-3' is not a time", { "send", "-t", "a", "-D", "-3" } },
	{ "'10x' is not a time", { "send", "-t", "a", "-D", "10x" } },
	{ "too large", { "send", "-t", "a", "-D", "99999999999h" } },
	{ "not a number of streams", { "send", "-t", "a", "--streams", "0" } },
	{ "not a number of streams", { "send", "-t", "a", "--streams", "1000001" } },
	{ "more than 1000000 streams", { "send", "udp://a", "udp://b", "--streams", "600k" } },
	{ "payload is empty", { "send", "-t", "a", "--payload", "" } },
	{ "did you mean 'exponential'", { "send", "-t", "a", "--departure", "exponental" } },
	{ "bracket is not closed", { "send", "-t", "a", "--departure", "shaped(shape=1" } },
	{ "did you mean 'shape'", { "send", "-t", "a", "--departure", "shaped(shap=1)" } },
	/* transports */
	{ "did you mean 'loop'", { "send", "-t", "a", "--transport", "lop" } },
	{ "did you mean 'loss'",
	  { "send", "-t", "a", "--transport", "loop", "--set", "los=1%" } },
	{ "is not KEY=VALUE", { "send", "-t", "a", "--set", "loss" } },
	{ "is not KEY=VALUE", { "send", "-t", "a", "--set", "=1" } },
	{ "'loop' has no setting 'gso'",
	  { "send", "-t", "a", "--transport", "loop", "--no-gso" } },
	{ "virtual time is not possible over 'udp'", { "send", "-t", "a", "--virtual" } },
	{ "cannot go with --transport loop",
	  { "send", "-t", "a", "--out", "f", "--transport", "loop" } },
	{ "no file", { "send", "-t", "a", "--transport", "pcap" } },
	{ "'a/b' is not the name of an interface",
	  { "send", "-t", "a", "--interface", "a/b" } },
	{ "bind", { "send", "-t", "a", "--bind", "10.1" } },
	/* engine */
	{ "at least 1", { "send", "-t", "a", "--cores", "0" } },
	{ "at most 1024", { "send", "-t", "a", "--cores", "5000" } },
	{ "did you mean 'never'", { "send", "-t", "a", "--spin", "nevr" } },
	{ "--catch-up: 'fast' is no way", { "send", "-t", "a", "--catch-up", "fast" } },
	{ "'nan'", { "send", "-t", "a", "--seed", "nan" } },
	{ "'-1'", { "send", "-t", "a", "--seed", "-1" } },
	{ "too large", { "send", "-t", "a", "--seed", "18446744073709551616" } },
	{ "at most 1s", { "send", "-t", "a", "--coalesce", "2s" } },
	{ "at least 1", { "recv", "--max-flows", "0" } },
	{ "none of stamp, full", { "recv", "--verify", "all" } },
	/* output */
	{ "--json and --csv do not go together", { "send", "-t", "a", "--json", "--csv" } },
	{ "--json and --plain do not go", { "recv", "--json", "--plain" } },
	{ "-v and --quiet do not go together", { "recv", "-v", "--quiet" } },
	{ "--run-dir and --no-run-dir", { "recv", "--run-dir", "x", "--no-run-dir" } },
	{ "the folder has no name", { "recv", "--run-dir", "" } },
	{ "holds a blank", { "recv", "--name", "a b" } },
	{ "a '/'", { "recv", "--name", "../../etc" } },
	{ "at most 64",
	  { "recv", "--name",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
	{ "--json: takes no value", { "recv", "--json=yes" } },
	/* flags */
	{ "did you mean --rate", { "send", "-t", "a", "--raet", "5" } },
	{ "no such option", { "send", "-t", "a", "-Z" } },
	{ "did you mean --duration", { "send", "-t", "a", "--dur", "5" } },
	{ "no such option", { "recv", "--rate", "5" } },
	/* listeners */
	{ "neither an option nor a URL", { "recv", "5001" } },
	{ "runs backwards", { "recv", "-p", "9-5" } },
	{ "runs backwards", { "recv", "udp://:9-5" } },
	{ "not a port number", { "recv", "-p", "5-" } },
	{ "not a port number", { "recv", "-p", "5-6-7" } },
	{ "not a port number", { "recv", "-p", "5,6" } },
	{ "takes no settings", { "recv", "udp://:5?rate=1" } },
	{ "listened on twice", { "recv", "udp://:5", "udp://:5" } },
	{ "listened on twice", { "recv", "udp://:5-9", "udp://10.0.0.1:9" } },
	{ "and --bind another one", { "recv", "udp://10.0.0.1:5", "--bind", "10.0.0.2" } },
	{ "bind names port 7", { "recv", "-p", "5", "--bind", "10.0.0.2:7" } },
	{ "'abc' is not a time", { "recv", "-D", "abc" } },
	{ "no such command", { "sned" } },
};

static int length(const char *const argv[])
{
	int n = 0;

	while (n < ARGS_MAX && argv[n])
		n++;
	return n;
}

static void check(const struct row *r)
{
	char copy[ARGS_MAX][160], *argv[ARGS_MAX];
	struct sp_err err = { 0 };
	struct sp_mem_test mem;
	struct sp_words w;
	int n = length(r->argv);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(r->argv[i]);

		assert_true(len < sizeof copy[i]);
		memcpy(copy[i], r->argv[i], len + 1);
		argv[i] = copy[i];
	}
	sp_mem_test_init(&mem, UINT64_MAX);
	if (!sp_words_parse(argv[0], n - 1, argv + 1, &mem.mem, &test_catalog, &w, &err))
		fail_msg("taken, though expected: %s", r->fragment);
	if (!strstr(err.text, r->fragment))
		fail_msg("'%s' is not in: %s", r->fragment, err.text);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	assert_null(w.plan);
	assert_null(strchr(err.text, '\n'));
	assert_int_equal(mem.live, 0);
}

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wrong) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
