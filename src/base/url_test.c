#include "base/address.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

static void test_good(void **state)
{
	static const struct {
		const char *text, *scheme, *host;
		uint16_t port, last;
		const char *query;
	} rows[] = {
		{ "udp://10.1.1.2:5555?rate=10kpps&size=100", "udp", "10.1.1.2", 5555, 5555,
		  "rate=10kpps&size=100" },
		{ "udp://[::1]:5001", "udp", "::1", 5001, 5001, "" },
		{ "udp://:5001", "udp", "", 5001, 5001, "" },
		{ "udp://:5001-5010", "udp", "", 5001, 5010, "" },
		{ "udp://:1-65535", "udp", "", 1, 65535, "" },
		{ "udp://10.0.0.1%eth0:5001", "udp", "10.0.0.1%eth0", 5001, 5001, "" },
		{ "udp://[fe80::1%eth0.7]:5001", "udp", "fe80::1%eth0.7", 5001, 5001, "" },
		{ "udp://%eth0:5001", "udp", "%eth0", 5001, 5001, "" },
		{ "UDP://Sensor-A.example.:53", "udp", "Sensor-A.example.", 53, 53, "" },
		{ "udp://host_1", "udp", "host_1", 0, 0, "" },
		{ "udp://host?", "udp", "host", 0, 0, "" },
		{ "udp://host:9?to=udp://x", "udp", "host", 9, 9, "to=udp://x" },
		{ "udp://h?x=%2f%41", "udp", "h", 0, 0, "x=%2f%41" },
		{ "10.1.1.2", "", "10.1.1.2", 0, 0, "" },
		{ "10.1.1.2:80", "", "10.1.1.2", 80, 80, "" },
		{ "host:80", "", "host", 80, 80, "" },
		{ "3com.example", "", "3com.example", 0, 0, "" },
		{ "[fd99::2]:5001", "", "fd99::2", 5001, 5001, "" },
		{ "[fd99::2]", "", "fd99::2", 0, 0, "" },
		{ "fd99::2", "", "fd99::2", 0, 0, "" },
		{ "fe80::2%eth1", "", "fe80::2%eth1", 0, 0, "" },
		{ ":5001", "", "", 5001, 5001, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err e = { 0 };
		struct sp_url u;

		if (sp_url_parse(rows[i].text, &u, &e))
			fail_msg("%s", e.text);
		assert_string_equal(u.scheme, rows[i].scheme);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_int_equal(u.port_last, rows[i].last);
		assert_string_equal(u.query, rows[i].query);
	}
}

static void test_paths(void **state)
{
	static const char *const rows[][3] = {
		{ "http://h/", "/", "" },
		{ "https://h:8443/a/b?c=d%20e&f", "/a/b?c=d%20e&f", "" },
		{ "http://[::1]:80/x", "/x", "" },
		{ "http://h/?rate=5", "/?rate=5", "" },
		{ "http://h?rate=5", "", "rate=5" },
		{ "http://h?to=a/b", "", "to=a/b" },
		{ "http://h", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err e = { 0 };
		struct sp_url u;

		if (sp_url_parse(rows[i][0], &u, &e))
			fail_msg("%s", e.text);
		assert_string_equal(u.path, rows[i][1]);
		assert_string_equal(u.query, rows[i][2]);
	}
}

static void test_sentences(void **state)
{
	static const char *const rows[][2] = {
		{ "", "a target is empty; write it as udp://10.1.1.2:5001" },
		{ "udp://", "udp://: neither an address nor a port number is given" },
		{ "?a=b", "?a=b: neither an address nor a port number is given" },
		{ "://h:1", "://h:1: before '://' the protocol is expected, such as udp://" },
		{ "1 2://h", "1 2://h: '1 2' is not the name of a protocol" },
		{ "udp://h:", "udp://h:: after the last ':' a port number is expected" },
		{ "udp://h:0", "udp://h:0: '0' is not a port number (1 to 65535, or a range "
			       "5001-5010)" },
		{ "h:65536", "h:65536: '65536' is not a port number (1 to 65535, or a range "
			     "5001-5010)" },
		{ "h:+5",
		  "h:+5: '+5' is not a port number (1 to 65535, or a range 5001-5010)" },
		{ "h:5-",
		  "h:5-: '5-' is not a port number (1 to 65535, or a range 5001-5010)" },
		{ "h:5-4", "h:5-4: the range 5-4 runs backwards" },
		{ "udp://h:80/", "udp://h:80/: a path has no meaning here; end at the port "
				 "number" },
		{ "udp://h/x",
		  "udp://h/x: a path has no meaning here; end at the host or port" },
		{ "http://h/a b",
		  "http://h/a b: after '/' stands a character that is written as %20" },
		{ "http://h/a#b",
		  "http://h/a#b: after '/' stands a character that is written as %23" },
		{ "http://h/%zz",
		  "http://h/%zz: after '/' a '%' is not followed by two hex digits" },
		{ "http:///x", "http:///x: neither an address nor a port number is given" },
		{ "udp://me@h", "udp://me@h: a user name has no meaning here" },
		{ "udp://::1:5001",
		  "udp://::1:5001: an IPv6 address goes into brackets, such as "
		  "[fd99::2]:5001" },
		{ "udp://[::1:5001", "udp://[::1:5001: the ']' after the IPv6 address is "
				     "missing" },
		{ "udp://[::1]5001",
		  "udp://[::1]5001: after ']' only ':' and a port number may "
		  "follow" },
		{ "udp://[10.1.1.2]:1",
		  "udp://[10.1.1.2]:1: '10.1.1.2' is not an IPv6 address" },
		{ "udp://10.1.1:5", "udp://10.1.1:5: '10.1.1' is not an IPv4 address" },
		{ "udp://5001",
		  "udp://5001: '5001' is not an IPv4 address; a port number alone is "
		  "written :5001" },
		{ "udp://a..b",
		  "udp://a..b: 'a..b' is not a host name (a part of it is empty)" },
		{ "udp://-oProxy",
		  "udp://-oProxy: '-oProxy' is not a host name (a part of it is "
		  "led by '-')" },
		{ "udp://a b", "udp://a b: 'a b' is not a host name" },
		{ "udp://h%:5", "udp://h%:5: '' is not the name of an interface" },
		{ "h%abcdefghijklmnop",
		  "h%abcdefghijklmnop: 'abcdefghijklmnop' is not the name of "
		  "an interface" },
		{ "udp://h%a/b:5", "udp://h%a/b:5: 'a/b' is not the name of an interface" },
		{ "h?a b", "h?a b: after '?' stands a character that is written as %20" },
		{ "h?a#b", "h?a#b: after '?' stands a character that is written as %23" },
		{ "h?a=%g0", "h?a=%g0: after '?' a '%' is not followed by two hex digits" },
		{ "h?a=%2", "h?a=%2: after '?' a '%' is not followed by two hex digits" },
		{ "udp://h\x1b[2J", "udp://h\\x1b[2J: 'h\\x1b[2J' is not a host name" },
		{ "udp://b\xc3\xbc"
		  "ro",
		  "udp://b\xc3\xbc"
		  "ro: write the name 'b\xc3\xbc"
		  "ro' in its xn-- form" },
	};
	struct sp_url u, before;

	(void)state;
	memset(&before, 0x5a, sizeof before);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err e = { 0 };

		memcpy(&u, &before, sizeof u);
		assert_int_equal(sp_url_parse(rows[i][0], &u, &e), -EINVAL);
		assert_string_equal(e.text, rows[i][1]);
		assert_int_equal(e.exit, SP_EXIT_USAGE);
		assert_memory_equal(&u, &before, sizeof u);
	}
}

static void test_lengths(void **state)
{
	char text[1024];
	struct sp_url u;

	(void)state;
	for (size_t n = 1; n < sizeof text; n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		assert_int_equal(sp_url_parse(text, &u, NULL), n <= 253 ? 0 : -EINVAL);
		if (n < 3)
			continue;
		memcpy(text, "h?", 2);
		assert_int_equal(sp_url_parse(text, &u, NULL), n - 2 <= 511 ? 0 : -EINVAL);
	}
}

/* Pieces that mean something, and bytes that do not: no text may crash it, what it takes ends
 * inside its arrays, and a refusal always has a sentence. */
static void test_random_bytes(void **state)
{
	static const char *const pieces[] = { "udp",  "://",	 "[",	  "]",	     ":",
					      "::",   "fd99::1", "%",	  "%eth0",   "10.1.1.2",
					      "5001", "-",	 "?",	  "a=b",     "/",
					      ".",    "host",	 "99999", "\xc3\xbc" };
	struct sp_rng r;
	unsigned taken = 0;

	(void)state;
	sp_rng_init(&r, 20240511, "url");
	for (int round = 0; round < 60000; round++) {
		size_t n = sp_rng_below(&r, 12), at = 0;
		struct sp_err e = { 0 };
		struct sp_url u;
		char text[160];

		for (size_t i = 0; i < n; i++) {
			if (sp_rng_below(&r, 4)) {
				const char *p = pieces[sp_rng_below(&r, 19)];

				memcpy(text + at, p, strlen(p));
				at += strlen(p);
			} else {
				text[at++] = (char)(1 + sp_rng_below(&r, 255));
			}
		}
		text[at] = '\0';
		if (sp_url_parse(text, &u, &e)) {
			assert_int_equal(e.code, -EINVAL);
			assert_true(strlen(e.text) > 10);
			continue;
		}
		taken++;
		assert_true(memchr(u.scheme, 0, sizeof u.scheme) != NULL);
		assert_true(memchr(u.host, 0, sizeof u.host) != NULL);
		assert_true(memchr(u.query, 0, sizeof u.query) != NULL);
		assert_true(u.port <= u.port_last);
		assert_true(*u.host || u.port);
	}
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_sentences),    cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
