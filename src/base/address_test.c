#include "base/address.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct case_class {
	enum sp_addr_class class;
	bool own;
	const char *list; /* blank between */
};

/* Of each range the first and last address, something inside, and the neighbours outside. */
static const struct case_class classes[] = {
	{ SP_ADDR_LOOPBACK, true,
	  "127.0.0.0 127.0.0.1 127.0.0.53 127.1.2.3 127.128.0.1 127.255.255.254 "
	  "127.255.255.255 "
	  "::1 ::ffff:127.0.0.1 ::ffff:127.255.255.255 64:ff9b::127.0.0.1" },
	{ SP_ADDR_LINK_LOCAL, true,
	  "169.254.0.0 169.254.0.1 169.254.169.254 169.254.255.255 "
	  "fe80:: fe80::1 fe8f::1 fe80::ffff:ffff:ffff:ffff fe90::1 fea0::1 febf::1 "
	  "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:169.254.1.1 64:ff9b::a9fe:101" },
	{ SP_ADDR_PRIVATE, true,
	  "10.0.0.0 10.0.0.1 10.1.1.2 10.99.0.1 10.255.255.255 "
	  "172.16.0.0 172.16.0.1 172.20.1.1 172.31.255.255 "
	  "192.168.0.0 192.168.1.1 192.168.122.1 192.168.255.255 "
	  "100.64.0.0 100.64.0.1 100.100.100.100 100.127.255.255 "
	  "fc00:: fc00::1 fcff::1 fd00::1 fd99::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "::ffff:10.0.0.1 ::ffff:172.16.0.1 ::ffff:192.168.0.1 ::ffff:100.64.0.1 "
	  "::ffff:a00:1 64:ff9b::10.1.1.1 64:ff9b::c0a8:101" },
	{ SP_ADDR_DOCUMENTATION, true,
	  "192.0.2.0 192.0.2.1 192.0.2.255 198.51.100.0 198.51.100.7 198.51.100.255 "
	  "203.0.113.0 203.0.113.9 203.0.113.128 203.0.113.255 198.18.0.0 198.18.0.1 "
	  "198.19.0.1 "
	  "198.19.255.255 2001:db8:: 2001:db8::1 2001:db8:ffff::1 "
	  "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:192.0.2.1 ::ffff:198.18.0.1 "
	  "64:ff9b::203.0.113.1" },
	{ SP_ADDR_MULTICAST_OWN, true,
	  "224.0.0.0 224.0.0.1 224.0.0.251 224.0.0.255 239.0.0.0 239.1.2.3 239.255.255.250 "
	  "239.255.255.255 ff01::1 ff02:: ff02::1 ff02::1:ff00:1 ff03::1 ff04::1 ff05::1 "
	  "ff05:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:224.0.0.1 64:ff9b::239.1.1.1" },
	{ SP_ADDR_MULTICAST, false,
	  "224.0.1.0 224.0.1.1 224.1.0.0 225.0.0.1 232.1.1.1 233.252.0.1 234.0.0.1 "
	  "238.255.255.255 ff00::1 ff06::1 ff08::1 ff0e::1 ff0f::1 ff10::1 ff12::1 ff15::1 "
	  "ff1e::1 ff3e::1 ffff::1 ::ffff:224.0.1.0 ::ffff:232.1.1.1 64:ff9b::225.0.0.1" },
	{ SP_ADDR_BROADCAST, false, "255.255.255.255 ::ffff:255.255.255.255" },
	{ SP_ADDR_UNSPECIFIED, false, "0.0.0.0 :: ::ffff:0.0.0.0 64:ff9b::0.0.0.0" },
	{ SP_ADDR_NEVER, false,
	  "0.0.0.1 0.0.0.255 0.1.2.3 0.255.255.255 240.0.0.0 240.0.0.1 247.1.1.1 250.1.2.3 "
	  "255.0.0.0 255.255.255.0 255.255.255.254 ::ffff:0.0.0.1 ::ffff:240.0.0.1 "
	  "64:ff9b::0.1.1.1 64:ff9b::250.0.0.1" },
	{ SP_ADDR_PUBLIC, false,
	  "1.0.0.0 1.1.1.1 8.8.4.4 8.8.8.8 9.255.255.255 11.0.0.0 11.1.1.1 64.0.0.1 100.0.0.1 "
	  "100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 128.0.0.1 169.253.255.255 "
	  "169.255.0.0 172.0.0.1 172.15.255.255 172.32.0.0 172.217.1.1 191.255.255.255 "
	  "192.0.0.1 192.0.1.255 192.0.3.0 192.88.99.1 192.167.255.255 192.169.0.0 "
	  "198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 "
	  "20.2.2.100 223.255.255.255 "
	  "::2 ::8.8.8.8 ::127.0.0.1 ::10.0.0.1 ::fffe:10.0.0.1 ::1:ffff:10.0.0.1 "
	  "64:ff9a::10.0.0.1 64:ff9b:0:0:0:1:a00:1 64:ff9b:1::10.0.0.1 64:ff9c::10.0.0.1 "
	  "100::1 1::1 2000::1 2001::1 2001:db7:ffff::1 2001:db9::1 2001:4860:4860::8888 "
	  "2002:a00:1::1 2606:4700::1111 3fff::1 fbff:ffff::1 fe00::1 fe7f:ffff::1 fec0::1 "
	  "feff::1 ::ffff:8.8.8.8 ::ffff:11.0.0.1 ::ffff:172.32.0.1 64:ff9b::8.8.8.8 "
	  "64:ff9b::1.1.1.1" },
};

static void test_consent_table(void **state)
{
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		char copy[2048], *save = NULL;
		struct sp_addr a;

		snprintf(copy, sizeof copy, "%s", classes[i].list);
		for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
			n++;
			if (sp_addr_parse(w, &a))
				fail_msg("%s does not parse", w);
			if (sp_addr_class(&a) != classes[i].class)
				fail_msg("%s is %s, not %s", w,
					 sp_addr_class_name(sp_addr_class(&a)),
					 sp_addr_class_name(classes[i].class));
			assert_int_equal(sp_addr_is_own(&a), classes[i].own);
		}
	}
	assert_true(n >= 200);
	assert_int_equal(sp_addr_class(&(struct sp_addr){ 0 }), SP_ADDR_NEVER);
	assert_false(sp_addr_is_own(&(struct sp_addr){ 0 }));
}

/* Every /16 of IPv4, judged by a second formulation of the table. */
static void test_v4_sweep(void **state)
{
	(void)state;
	for (uint32_t hi = 0; hi < 0x10000; hi++) {
		uint32_t ip = hi << 16 | 0x4d4d, top = hi >> 8, mid = hi & 0xff;
		bool own = top == 10 || top == 127 || top == 239 || hi == 0xa9fe ||
			   hi == 0xc0a8 || (top == 172 && mid >= 16 && mid <= 31) ||
			   (top == 100 && mid >= 64 && mid <= 127) ||
			   (top == 198 && (mid == 18 || mid == 19));
		bool never = top == 0 || top >= 240;
		struct sp_addr a = { .family = 4 };

		ip = htonl(ip);
		memcpy(a.ip, &ip, 4);
		assert_int_equal(sp_addr_is_own(&a), own);
		assert_int_equal(sp_addr_class(&a) == SP_ADDR_NEVER, never);
	}
}

static void test_class_names(void **state)
{
	(void)state;
	for (int i = SP_ADDR_LOOPBACK; i <= SP_ADDR_PUBLIC; i++)
		for (int k = i + 1; k <= SP_ADDR_PUBLIC; k++)
			assert_string_not_equal(sp_addr_class_name((enum sp_addr_class)i),
						sp_addr_class_name((enum sp_addr_class)k));
}

static void test_parse_and_format(void **state)
{
	static const char *const pairs[][2] = {
		{ "10.1.1.2", "10.1.1.2" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::", "::" },
		{ "[::1]", "::1" },
		{ "fd99:0:0::0:1", "fd99::1" },
		{ "FE80::1%3", "fe80::1%3" },
		{ "[fe80::1%7]", "fe80::1%7" },
		{ "ff02::1%2", "ff02::1%2" },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	static const char *const wrong[] = {
		"",
		"[",
		"[]",
		"]",
		"10.1.1",
		"10.1.1.256",
		"10.1.1.2.3",
		"010.1.1.2",
		" 10.1.1.2",
		"10.1.1.2 ",
		"[10.1.1.2]",
		"10.1.1.2:80",
		"10.1.1.2%lo",
		"::1%lo",
		"fd99::1%1",
		"fe80::1%",
		"fe80::1%0",
		"fe80::1%no-such-if",
		"fe80::1%4294967296",
		"fe80::1%99999999999999999999",
		"[::1",
		"::1]",
		"[::1]x",
		":::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"g::1",
		"localhost",
	};
	struct sp_addr a, before;
	char buf[64], loop[80], longest[200] = "fe80::1%";

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_int_equal(sp_addr_parse(pairs[i][0], &a), 0);
		assert_string_equal(sp_addr_format(buf, sizeof buf, &a), pairs[i][1]);
	}
	memset(&before, 0x5a, sizeof before);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memcpy(&a, &before, sizeof a);
		if (sp_addr_parse(wrong[i], &a) != -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
		assert_memory_equal(&a, &before, sizeof a);
	}
	assert_string_equal(sp_addr_format(buf, sizeof buf, &(struct sp_addr){ 0 }), "none");
	memset(longest + 8, '1', sizeof longest - 9);
	assert_int_equal(sp_addr_parse(longest, &a), -EINVAL);

	/* An interface by name; every host has one of index 1. */
	if (if_indextoname(1, buf)) {
		snprintf(loop, sizeof loop, "fe80::1%%%s", buf);
		assert_int_equal(sp_addr_parse(loop, &a), 0);
		assert_int_equal(a.scope, 1);
	}
}

static void test_macs(void **state)
{
	static const uint8_t want[6] = { 2, 0, 0x5e, 0x1a, 0xB0, 0xff };
	static const char *const wrong[] = { "02:00:5e:1a:b0:f",  "02:00:5e:1a:b0:fff",
					     "02:00:5e:1a:b0:fg", "02.00.5e.1a.b0.ff",
					     "2:0:5e:1a:b0:ff",	  "" };
	uint8_t mac[6];

	(void)state;
	assert_int_equal(sp_mac_parse("02:00:5E:1a:B0:ff, and more", 17, mac), 0);
	assert_memory_equal(mac, want, 6);
	assert_int_equal(sp_mac_parse("02-00-5e-1a-b0-ff", 17, mac), 0);
	assert_memory_equal(mac, want, 6);
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(sp_mac_parse(wrong[i], strlen(wrong[i]), mac), -EINVAL);
	assert_int_equal(sp_mac_parse("02:00:5e:1a:b0\0:f", 17, mac), -EINVAL);
}

static void test_endpoints(void **state)
{
	static const char *const texts[] = { "10.1.1.2",       "10.1.1.3",  "::1",
					     "fd99::1",	       "fe80::1%3", "fe80::1%4",
					     "::ffff:10.1.1.2" };
	static const uint16_t ports[] = { 0, 1, 80, 5001, 65535 };
	struct sp_endpoint all[35], back;
	struct sockaddr_in6 room;
	struct sockaddr *sa = (struct sockaddr *)&room;
	size_t n = 0;
	char buf[72];

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		for (size_t k = 0; k < 5; k++, n++) {
			all[n] = (struct sp_endpoint){ .port = ports[k] };
			assert_int_equal(sp_addr_parse(texts[i], &all[n].addr), 0);
			assert_int_equal(sp_endpoint_to_sockaddr(&all[n], sa),
					 i < 2 ? sizeof(struct sockaddr_in) : sizeof room);
			assert_int_equal(sp_endpoint_from_sockaddr(&back, sa), 0);
			assert_true(sp_endpoint_eq(&all[n], &back));
			assert_int_equal(sp_endpoint_hash(&all[n]), sp_endpoint_hash(&back));
		}
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(sp_endpoint_eq(&all[i], &all[k]), i == k);
			if (i != k)
				assert_int_not_equal(sp_endpoint_hash(&all[i]),
						     sp_endpoint_hash(&all[k]));
		}
	}
	assert_string_equal(sp_endpoint_format(buf, sizeof buf, &all[3]), "10.1.1.2:5001");
	assert_string_equal(sp_endpoint_format(buf, sizeof buf, &all[13]), "[::1]:5001");
	assert_string_equal(sp_endpoint_format(buf, sizeof buf, &all[23]), "[fe80::1%3]:5001");
	sa->sa_family = AF_UNIX;
	assert_int_equal(sp_endpoint_from_sockaddr(&back, sa), -EAFNOSUPPORT);
	assert_int_equal(sp_endpoint_to_sockaddr(&(struct sp_endpoint){ 0 }, sa), 0);
}

/* What lies behind the four bytes of a v4 address has no meaning. */
static void test_v4_ignores_the_rest(void **state)
{
	struct sp_endpoint a = { .addr = { .family = 4, .ip = { 10, 0, 0, 1 } }, .port = 9 };
	struct sp_endpoint b = a;

	(void)state;
	b.addr.ip[9] = 77;
	assert_true(sp_endpoint_eq(&a, &b));
	assert_int_equal(sp_endpoint_hash(&a), sp_endpoint_hash(&b));
}

static void check_run(const char *from, enum sp_addr_class class, const char *to)
{
	struct sp_addr a, last;
	char text[64];

	assert_int_equal(sp_addr_parse(from, &a), 0);
	assert_int_equal(sp_addr_class_run(&a, &last), class);
	assert_string_equal(sp_addr_format(text, sizeof text, &last), to);
}

static void classes_go_on_for_a_while(void **state)
{
	struct sp_addr a, b;

	(void)state;
	check_run("10.0.0.0", SP_ADDR_PRIVATE, "10.255.255.255");
	check_run("10.3.0.0", SP_ADDR_PRIVATE, "10.255.255.255");
	check_run("9.0.0.0", SP_ADDR_PUBLIC, "9.255.255.255");
	check_run("0.0.0.0", SP_ADDR_UNSPECIFIED, "0.0.0.0");
	check_run("0.0.0.1", SP_ADDR_NEVER, "0.255.255.255");
	check_run("255.255.255.0", SP_ADDR_NEVER, "255.255.255.254");
	check_run("255.255.255.255", SP_ADDR_BROADCAST, "255.255.255.255");
	check_run("::", SP_ADDR_UNSPECIFIED, "::");
	check_run("::1", SP_ADDR_LOOPBACK, "::1");
	check_run("2001:db8::", SP_ADDR_DOCUMENTATION,
		  "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
	check_run("::ffff:10.0.0.0", SP_ADDR_PRIVATE, "::ffff:10.255.255.255");
	check_run("64:ff9b::a00:0", SP_ADDR_PRIVATE, "64:ff9b::aff:ffff");
	sp_addr_parse("10.0.255.255", &a);
	assert_true(sp_addr_next(&a));
	sp_addr_parse("10.1.0.0", &b);
	assert_int_equal(sp_addr_compare(&a, &b), 0);
	sp_addr_parse("255.255.255.255", &a);
	assert_int_equal(sp_addr_compare(&a, &b), 1);
	assert_false(sp_addr_next(&a));
}

/* Whoever goes from run to run sees every address's class: at each end of a run and behind it. */
static void runs_are_whole(void **state)
{
	struct sp_addr a = { .family = 4 }, last, before = { .family = 4 };
	unsigned n = 0;

	(void)state;
	for (bool more = true; more; n++) {
		enum sp_addr_class class = sp_addr_class_run(&a, &last);

		assert_true(sp_addr_compare(&a, &last) <= 0);
		assert_int_equal(sp_addr_class(&last), class);
		before = a;
		for (unsigned i = 0; i < 200; i++) {
			before.ip[3] = (uint8_t)(before.ip[3] + 7);
			before.ip[1] = (uint8_t)(before.ip[1] + 41);
			if (sp_addr_compare(&before, &a) >= 0 &&
			    sp_addr_compare(&before, &last) <= 0)
				assert_int_equal(sp_addr_class(&before), class);
		}
		a = last;
		more = sp_addr_next(&a);
	}
	assert_in_range(n, 20, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consent_table),
		cmocka_unit_test(test_v4_sweep),
		cmocka_unit_test(test_class_names),
		cmocka_unit_test(test_parse_and_format),
		cmocka_unit_test(test_macs),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_v4_ignores_the_rest),
		cmocka_unit_test(classes_go_on_for_a_while),
		cmocka_unit_test(runs_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
