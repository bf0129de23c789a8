/* What needs a namespace is skipped where none can be made; labs are tested in tests/. */
#include "lab/link.h"
#include "lab/space.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int answer(void *arg)
{
	return *(int *)arg;
}

static void try_or_skip(int (*fn)(void *), void *arg, int want)
{
	struct sp_err err = { 0 };
	int rc = sp_space_try(fn, arg, &err);

	if (err.text[0]) {
		assert_int_equal(err.exit, SP_EXIT_PERM);
		skip();
	}
	assert_int_equal(rc, want);
}

static void test_try(void **state)
{
	(void)state;
	try_or_skip(answer, &(int){ 0 }, 0);
	try_or_skip(answer, &(int){ -ENODEV }, -ENODEV);
	try_or_skip(answer, &(int){ -70000 }, -255);
}

/* Returns the number of the first thing that went wrong, negative. */
static int build(void *arg)
{
	struct sp_link_veth v = { .name = "a0", .peer = "b0", .peer_pid = getpid() };
	const uint8_t v4[4] = { 10, 99, 0, 1 }, v6[16] = { 0xfd, 0x99, [15] = 1 };
	struct mnl_socket *nl = sp_link_open();

	(void)arg;
	v.mac[0] = v.peer_mac[0] = 2;
	v.peer_mac[5] = 1;
	if (!nl)
		return -1;
	if (if_nametoindex("eth0"))
		return -2; /* not a namespace of our own */
	if (sp_link_add_bridge(nl, "br0"))
		return -3;
	v.master = if_nametoindex("br0");
	if (!v.master || sp_link_add_veth(nl, &v) || !if_nametoindex("a0"))
		return -4;
	if (sp_link_add_veth(nl, &v) != -EEXIST)
		return -5;
	if (sp_link_up(nl, if_nametoindex("b0")) || sp_link_up(nl, 4711) != -ENODEV)
		return -6;
	if (sp_link_add_addr(nl, if_nametoindex("b0"), v4, sizeof v4, 24))
		return -7;
	int rc = sp_link_add_addr(nl, if_nametoindex("b0"), v6, sizeof v6, 64);
	if (rc && rc != -EOPNOTSUPP)
		return -8;
	sp_link_close(nl);
	return 0;
}

static void test_links(void **state)
{
	(void)state;
	try_or_skip(build, NULL, 0);
	assert_int_equal(if_nametoindex("a0"), 0);
}

static void test_why_not(void **state)
{
	char text[256] = "";

	(void)state;
	sp_space_why_not(EPERM, text, sizeof text);
	assert_non_null(strstr(text, "root"));
	sp_space_why_not(EPERM, text, 8);
	assert_true(strlen(text) < 8);
}

static void test_caps(void **state)
{
	(void)state;
	assert_false(sp_space_has_cap(64));
	if (geteuid())
		assert_false(sp_space_has_cap(CAP_SYS_MODULE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_try),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_why_not),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests_name("lab/space", tests, NULL, NULL);
}
