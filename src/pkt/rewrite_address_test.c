/* Addresses that are drawn or moved stay of their kind. */
#include "pkt/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/rewrite_impl.h"
#include "pkt/testing.h"

static struct sp_addr address(const char *text)
{
	struct sp_addr a;

	assert_int_equal(sp_addr_parse(text, &a), 0);
	return a;
}

static const char *const of_all_kinds[] = {
	"10.0.0.1",   "10.255.255.254",	 "172.16.3.4",	     "172.31.255.1",	"192.168.7.8",
	"100.64.9.9", "198.18.0.1",	 "192.0.2.77",	     "198.51.100.3",	"203.0.113.9",
	"8.8.8.8",    "93.184.216.34",	 "1.0.0.1",	     "223.255.254.9",	"127.0.0.1",
	"224.0.0.5",  "239.1.2.3",	 "0.0.0.0",	     "255.255.255.255", "169.254.3.4",
	"fd00::1",    "2001:db8::1",	 "2a00::1",	     "fe80::1",		"::1",
	"ff02::1",    "::ffff:10.0.0.1", "64:ff9b::808:808", "4000::1",		"f000::9",
};

/* Drawn and moved addresses are of the same class; of those that stay, the same. */
static void same_kind(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof of_all_kinds / sizeof *of_all_kinds; i++) {
		struct sp_addr was = address(of_all_kinds[i]), a;
		enum sp_addr_class class = sp_addr_class(&was);
		bool goes = class == SP_ADDR_PRIVATE || class == SP_ADDR_PUBLIC ||
			    class == SP_ADDR_DOCUMENTATION;
		unsigned others = 0;

		goes = goes && strncmp(of_all_kinds[i], "::ffff", 6) != 0 &&
		       strncmp(of_all_kinds[i], "64:", 3) != 0;
		for (uint64_t n = 1; n < 300; n++) {
			a = was;
			sp_rw_address_draw(&a, n);
			assert_int_equal(sp_addr_class(&a), class);
			others += !sp_addr_eq(&a, &was);
			a = was;
			sp_rw_address_move(&a, n);
			assert_int_equal(sp_addr_class(&a), class);
			if (goes && n < 254)
				assert_false(sp_addr_eq(&a, &was));
		}
		assert_true(goes ? others > 250 : others == 0);
	}
}

static void move_is_one_to_one(void **state)
{
	uint8_t seen[65536] = { 0 };
	struct sp_addr a;

	(void)state;
	for (uint64_t n = 0; n < 65024; n++) { /* all hosts of 192.168/16 */
		a = address("192.168.255.254");
		sp_rw_address_move(&a, n);
		assert_int_equal(sp_get_be16(a.ip), 0xc0a8);
		assert_true(a.ip[3] != 0 && a.ip[3] != 255);
		assert_int_equal(seen[sp_get_be16(a.ip + 2)]++, 0);
	}
	sp_rw_address_move(&a, 1);
	assert_int_equal(sp_get_be16(a.ip + 2), 0xfffe);
}

static void drawn(void **state)
{
	uint8_t seen[65536] = { 0 };
	struct frame f;
	struct sp_view v;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		struct sp_addr a = address("10.20.0.0");

		sp_put_be16(a.ip + 2, (uint16_t)i);
		sp_rw_address_draw(&a, 77);
		assert_int_equal(a.ip[0], 10);
		assert_int_equal(seen[sp_get_be16(a.ip + 2)]++, 0);
	}
	/* A map that takes the address is enough. */
	frame_of_tcp(&f, false);
	rewrite_frame(&f, "seed=5 src-ip-map=10.0.0.0/8:99.0.0.0/8", 0);
	expect_src(&f, "99.1.2.3");
	sp_view(f.b, f.len, true, SP_CSUM_UNKNOWN, &v);
	assert_true(v.l4_csum == SP_CSUM_OK && memcmp(v.dst.addr.ip, frame_dst4, 4) != 0);
}

static void may_become(void **state)
{
	static const struct {
		const char *from, *to;
		bool may;
	} rows[] = {
		{ "10.1.2.3", "10.200.0.63", true },	{ "10.1.2.3", "10.200.0.255", false },
		{ "10.1.2.3", "10.200.0.0", false },	{ "10.1.2.3", "11.1.2.3", false },
		{ "172.16.0.9", "172.31.9.127", true }, { "172.16.0.9", "172.32.9.127", false },
		{ "8.8.8.8", "8.8.8.127", true },	{ "8.8.8.8", "8.8.9.127", false },
		{ "127.0.0.1", "127.0.0.2", false },	{ "10.1.2.255", "10.1.2.3", false },
		{ "fd00::1", "fd00::2", false },
	};
	struct sp_addr from, to;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sp_addr_parse(rows[i].from, &from), 0);
		assert_int_equal(sp_addr_parse(rows[i].to, &to), 0);
		assert_int_equal(sp_rewrite_may_become(&from, &to), rows[i].may);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_kind),
		cmocka_unit_test(move_is_one_to_one),
		cmocka_unit_test(drawn),
		cmocka_unit_test(may_become),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
