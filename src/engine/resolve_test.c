#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/resolve.h"

static const struct sp_resolve_conf any = { 0 };

static void expect_addr(const char *host, const struct sp_resolve_conf *conf, const char *want)
{
	struct sp_endpoint e = { 0 };
	struct sp_err err = { 0 };
	char text[72];

	if (sp_resolve(host, 5001, conf, &e, &err))
		fail_msg("%s: %s", host, err.text);
	assert_string_equal(sp_endpoint_format(text, sizeof text, &e), want);
}

static void expect_error(const char *host, const struct sp_resolve_conf *conf,
			 enum sp_exit code, const char *fragment)
{
	struct sp_endpoint e = { 0 };
	struct sp_err err = { 0 };

	if (!sp_resolve(host, 5001, conf, &e, &err))
		fail_msg("%s resolves", host);
	assert_int_equal(err.exit, code);
	if (!strstr(err.text, fragment))
		fail_msg("%s: '%s' is not in: %s", host, fragment, err.text);
	assert_int_equal(e.addr.family, 0);
}

static void test_numeric(void **state)
{
	const struct sp_resolve_conf v4 = { .family = 4 }, v6 = { .family = 6 };

	(void)state;
	expect_addr("10.1.1.2", &any, "10.1.1.2:5001");
	expect_addr("10.1.1.2", &v4, "10.1.1.2:5001");
	expect_addr("fd99::2", &any, "[fd99::2]:5001");
	expect_addr("fd99::2", &v6, "[fd99::2]:5001");
	expect_error("fd99::2", &v4, SP_EXIT_USAGE, "own address is an IPv4 one");
	expect_error("10.1.1.2", &v6, SP_EXIT_USAGE, "own address is an IPv6 one");
}

static void test_link_local(void **state)
{
	const struct sp_resolve_conf lo = { .interface = "lo" },
				     none = { .interface = "nosuch0" };
	struct sp_endpoint e;

	(void)state;
	expect_error("fe80::1", &any, SP_EXIT_USAGE, "on which interface");
	expect_error("fe80::1", &none, SP_EXIT_PERM, "no interface nosuch0");
	expect_error("fe80::1%nosuch0", &any, SP_EXIT_PERM, "no interface nosuch0");
	assert_int_equal(sp_resolve("fe80::1", 1, &lo, &e, NULL), 0);
	assert_int_equal(e.addr.scope, if_nametoindex("lo"));
	assert_int_equal(sp_resolve("fe80::1%lo", 1, &any, &e, NULL), 0);
	assert_int_equal(e.addr.scope, if_nametoindex("lo"));
}

static void test_names(void **state)
{
	const struct sp_resolve_conf v4 = { .family = 4 };

	(void)state;
	expect_addr("localhost", &v4, "127.0.0.1:5001");
	/* RFC 6761: never resolves, whatever the resolver. */
	expect_error("no-such-name.invalid", &any, SP_EXIT_UNAVAIL, "no-such-name.invalid");
}

static bool is_own(const struct sp_local *l, const char *text)
{
	struct sp_addr a;

	assert_int_equal(sp_addr_parse(text, &a), 0);
	return sp_local_is_own(l, &a);
}

static void test_local(void **state)
{
	struct sp_addr public;
	struct sp_local *l;

	(void)state;
	assert_int_equal(sp_local_new(&l, sp_mem_system(), NULL), 0);
	assert_true(is_own(l, "127.0.0.1"));
	assert_true(is_own(l, "127.9.9.9"));
	assert_true(is_own(l, "::1"));
	assert_true(is_own(l, "::ffff:127.0.0.1"));
	assert_false(is_own(l, "8.8.8.8"));
	assert_false(is_own(l, "2001:4860:4860::8888"));
	assert_int_equal(sp_addr_parse("8.8.8.8", &public), 0);
	assert_false(sp_local_is_broadcast(l, &public));
	sp_local_free(l);
}

/* Every subnet that this host has: first and last address, and neither its own nor others. */
static void test_broadcast_of_interfaces(void **state)
{
	struct ifaddrs *list;
	struct sp_local *l;

	(void)state;
	assert_int_equal(getifaddrs(&list), 0);
	assert_int_equal(sp_local_new(&l, sp_mem_system(), NULL), 0);
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct sockaddr_in in, mask;
		struct sp_endpoint e;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask ||
		    !(i->ifa_flags & IFF_BROADCAST) || !(i->ifa_flags & IFF_UP))
			continue;
		memcpy(&in, i->ifa_addr, sizeof in);
		memcpy(&mask, i->ifa_netmask, sizeof mask);
		if (ntohl(~mask.sin_addr.s_addr) < 3)
			continue;
		assert_int_equal(sp_endpoint_from_sockaddr(&e, (struct sockaddr *)&in), 0);
		assert_false(sp_local_is_broadcast(l, &e.addr));
		assert_true(sp_local_is_own(l, &e.addr));
		in.sin_addr.s_addr |= ~mask.sin_addr.s_addr;
		assert_int_equal(sp_endpoint_from_sockaddr(&e, (struct sockaddr *)&in), 0);
		assert_true(sp_local_is_broadcast(l, &e.addr));
		in.sin_addr.s_addr &= mask.sin_addr.s_addr;
		assert_int_equal(sp_endpoint_from_sockaddr(&e, (struct sockaddr *)&in), 0);
		assert_true(sp_local_is_broadcast(l, &e.addr));
	}
	sp_local_free(l);
	freeifaddrs(list);
}

static void test_no_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_local *l;

	(void)state;
	sp_mem_test_init(&mem, 0);
	assert_int_equal(sp_local_new(&l, &mem.mem, NULL), -ENOMEM);
	assert_null(l);
	assert_int_equal(mem.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numeric),
		cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_broadcast_of_interfaces),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
