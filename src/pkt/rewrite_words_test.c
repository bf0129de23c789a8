/* Words that are wrong, and no memory for those that are right. */
#include "pkt/rewrite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void wrong_words(void **state)
{
	static const char *const wrong[] = {
		"src-mac=1:2:3:4:5:6",
		"mac-map=02:00:00:00:00:01",
		"ip-map=10.0.0.0/8",
		"ip-map=10.0.0.1/8:11.0.0.0/8",
		"ip-map=10.0.0.0/33:11.0.0.0/8",
		"ip-map=10.0.0.0/8:[fd::/16]",
		"ip-map=10.0.0.0/8:11.0.0.0/8,",
		"endpoints=1.1.1.1",
		"endpoints=1.1.1.1:[::1]",
		"endpoints=1.1.1.0/24:2.2.2.2",
		"seed=x",
		"port-map=80",
		"port-map=80:",
		"port-map=:80",
		"port-map=80:65536",
		"port-map=70000:1",
		"port-map=4294967376:1",
		"port-map=80:4294967297",
		"port-map=1-3:1-2",
		"port-map=5-3:1",
		"port-map=1:2;3:4",
		"vlan=push",
		"vlan-id=4096",
		"vlan-priority=8",
		"vlan-dei=2",
		"vlan-type=1",
		"ttl=256",
		"ttl=00",
		"ttl=0x0",
		"ttl=--1",
		"ttl=",
		"ttl",
		"tos=-1",
		"dscp=64",
		"flow-label=0x100000",
		"inner=yes",
		"payload-at=4",
		"payload-at=4:",
		"payload-at=4:abc",
		"payload-at=:ab",
		"payload-replace=ab:abcd",
		"payload-replace=ab",
		"fix-csum=1",
		"fixcsum",
		"unique-ip=3",
		"skip",
		"=",
		"payload-at=99999:00",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sp_rewrite *r = NULL;
		struct sp_err err = { 0 };

		if (sp_rewrite_new(&r, wrong[i], SP_REWRITE_ALL, sp_mem_system(), &err) !=
		    -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
		assert_null(r);
		assert_int_equal(err.exit, SP_EXIT_USAGE);
		assert_true(*err.text);
	}
}

static void without_memory(void **state)
{
	(void)state;
	for (uint64_t n = 0;; n++) {
		struct sp_rewrite *r;
		struct sp_mem_test mem;
		struct sp_err err = { 0 };
		int rc;

		sp_mem_test_init(&mem, n);
		rc = sp_rewrite_new(&r, "port-map=1:2 payload-at=0:00 payload-replace=ab:cd",
				    SP_REWRITE_ALL, &mem.mem, &err);
		sp_rewrite_free(r);
		assert_int_equal(mem.live, 0);
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
