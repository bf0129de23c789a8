#include "pkt/dns_name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void goes_there_and_back(void **state)
{
	static const struct {
		const char *in, *out;
		int len;
	} rows[] = {
		{ "www.example.com", "www.example.com.", 17 },
		{ "www.example.com.", "www.example.com.", 17 },
		{ ".", ".", 1 },
		{ "a", "a.", 3 },
		{ "a\\.b.c", "a\\.b.c.", 7 },
		{ "\\000\\255.x", "\\000\\255.x.", 6 },
	};
	uint8_t wire[SP_DNS_NAME_MAX];
	char text[SP_DNS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sp_dns_name_put(wire, rows[i].in), rows[i].len);
		assert_int_equal(sp_dns_name_get(text, wire, (size_t)rows[i].len, 0),
				 rows[i].len);
		assert_string_equal(text, rows[i].out);
	}
}

static void refuses_bad_text(void **state)
{
	static const char *const bad[] = { "",	  "..",	  "a..b",   ".a",
					   "a\\", "a\\1", "a\\256", "a\\12x" };
	uint8_t wire[SP_DNS_NAME_MAX];
	char label[80];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(sp_dns_name_put(wire, bad[i]), -EINVAL);
	memset(label, 'a', sizeof label);
	label[63] = '\0';
	assert_int_equal(sp_dns_name_put(wire, label), 65);
	label[63] = 'a';
	label[64] = '\0';
	assert_int_equal(sp_dns_name_put(wire, label), -ENAMETOOLONG);
}

static void holds_255_octets(void **state)
{
	uint8_t wire[SP_DNS_NAME_MAX];
	char name[300], text[SP_DNS_TEXT_MAX];

	(void)state;
	/* Three labels of 63 and one of 61: 3 * 64 + 62 + 1. */
	memset(name, 'a', sizeof name);
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	assert_int_equal(sp_dns_name_put(wire, name), 255);
	assert_int_equal(sp_dns_name_get(text, wire, 255, 0), 255);
	name[253] = 'a';
	name[254] = '\0';
	assert_int_equal(sp_dns_name_put(wire, name), -ENAMETOOLONG);
}

static void follows_pointers_backwards(void **state)
{
	/* "com" at 0, "x" and a pointer to it at 5, a pointer to that at 9. */
	static const uint8_t msg[] = { 3,    'c',  'o',	 'm',  0,    1,	   'x',
				       0xc0, 0x00, 0xc0, 0x05, 0xc0, 0x0b, 0xc0 };
	char text[SP_DNS_TEXT_MAX];

	(void)state;
	assert_int_equal(sp_dns_name_get(text, msg, sizeof msg, 5), 4);
	assert_string_equal(text, "x.com.");
	assert_int_equal(sp_dns_name_get(text, msg, sizeof msg, 9), 2);
	assert_string_equal(text, "x.com.");
	assert_int_equal(sp_dns_name_get(text, msg, sizeof msg, 11), -EBADMSG);
	assert_int_equal(sp_dns_name_get(text, msg, sizeof msg, 13), -EBADMSG);
	assert_int_equal(sp_dns_name_get(text, msg, sizeof msg, 14), -EBADMSG);
	assert_int_equal(sp_dns_name_get(text, msg, 3, 0), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_there_and_back),
		cmocka_unit_test(refuses_bad_text),
		cmocka_unit_test(holds_255_octets),
		cmocka_unit_test(follows_pointers_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
