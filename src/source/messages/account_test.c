#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/messages/account.h"
#include "source/messages/told.h"

/* ---- what became of units ---- */

static void sums(void **state)
{
	const struct sp_mem *mem = sp_mem_system();
	struct msg_account a;
	struct msg_sum s;

	(void)state;
	assert_int_equal(sp_msg_account_init(&a, 2, 3, mem), 0);
	sp_msg_account_filled(&a, 0, 0, 100, 1000);
	sp_msg_account_filled(&a, 1, 0, 50, 1000);
	sp_msg_account_filled(&a, 0, 0, 0, 0); /* a slot without a unit */
	sp_msg_account_filled(&a, 1, 2, 60, 2000);
	sp_msg_account_left(&a, 1, 1007);
	sp_msg_account_left(&a, 1, 0); /* refused */
	sp_msg_account_left(&a, 2, 2500);
	sp_msg_account_left(&a, 1, 9000); /* there is none */

	sp_msg_sum_read(&a.session[0], &s);
	assert_int_equal(s.asked, 1);
	assert_int_equal(s.left_bytes, 100);
	assert_int_equal(s.first_ns, 1007);
	assert_int_equal(s.first_late_ns, 7);
	sp_msg_sum_read(&a.session[1], &s);
	assert_int_equal(s.asked, 2);
	assert_int_equal(s.asked_bytes, 110);
	assert_int_equal(s.left, 1);
	assert_int_equal(s.left_bytes, 60);
	assert_int_equal(s.first_ns, 2500);
	sp_msg_sum_read(&a.play[0], &s);
	assert_int_equal(s.asked, 2);
	assert_int_equal(s.left, 1);
	assert_int_equal(s.last_ns, 1007);
	sp_msg_sum_read(&a.play[1], &s);
	assert_int_equal(s.asked + s.left + s.first_ns, 0);
	sp_msg_sum_read(&a.play[2], &s);
	assert_int_equal(s.first_late_ns, 500);
	sp_msg_account_fini(&a, mem);
}

static void account_memory(void **state)
{
	struct sp_mem_test t;
	struct msg_account a;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t i = 0; rc; i++) {
		sp_mem_test_init(&t, i);
		rc = sp_msg_account_init(&a, 3, 3, &t.mem);
		assert_true(!rc || rc == -ENOMEM);
		sp_msg_account_fini(&a, &t.mem);
		assert_int_equal(t.live, 0);
	}
}

/* ---- senders that are not in the map ---- */

struct said {
	unsigned n;
	char text[1000];
};

static void say(void *arg, const char *code, bool neutral, const char *text)
{
	struct said *s = arg;

	(void)code;
	assert_false(neutral);
	s->n++;
	snprintf(s->text, sizeof s->text, "%s", text);
}

static struct sp_addr address(uint32_t i)
{
	struct sp_addr a = { .family = 4 };

	a.ip[0] = 10;
	a.ip[1] = (uint8_t)(i >> 16);
	a.ip[2] = (uint8_t)(i >> 8);
	a.ip[3] = (uint8_t)i;
	return a;
}

static void begin(struct msg_strangers *x, const struct sp_mem *mem)
{
	sp_msg_strangers_init(x, mem);
}

static void end(struct msg_strangers *x, const struct sp_mem *mem)
{
	sp_msg_strangers_free(x, mem);
}

static int add(struct msg_strangers *x, uint32_t i, uint32_t capture, const struct sp_mem *mem)
{
	const struct sp_addr a = address(i);

	return sp_msg_strangers_add(x, &a, capture, mem);
}

static void tell(const struct msg_strangers *x, const uint32_t *plays, struct said *s)
{
	const struct sp_source_report r = { .say = say, .arg = s };

	*s = (struct said){ 0 };
	sp_msg_tell_strangers(x, plays, "ipfix", &r);
}

static void strangers(void **state)
{
	const struct sp_mem *mem = sp_mem_system();
	const uint32_t plays[] = { 3, 1 }, none[] = { 0, 1 };
	const struct sp_addr one = address(1);
	struct msg_strangers x;
	struct said s;

	(void)state;
	begin(&x, mem);
	tell(&x, plays, &s);
	assert_int_equal(s.n, 0);
	assert_int_equal(add(&x, 1, 0, mem), 0);
	tell(&x, plays, &s);
	assert_string_equal(s.text,
			    "ipfix: 3 packets of 1 sender that is not in network.map were "
			    "not played: 10.0.0.1 (3)");
	tell(&x, none, &s); /* its capture is not played */
	assert_int_equal(s.n, 0);
	assert_int_equal(add(&x, 1, 1, mem) + add(&x, 2, 1, mem), 0);
	tell(&x, plays, &s);
	assert_string_equal(s.text, "ipfix: 5 packets of 2 senders that are not in network.map "
				    "were not played: 10.0.0.1 (4), 10.0.0.2 (1)");
	sp_msg_strangers_collector(&x, &one);
	tell(&x, plays, &s);
	assert_string_equal(s.text,
			    "ipfix: 1 packet of 1 sender that is not in network.map was "
			    "not played: 10.0.0.2 (1)");
	end(&x, mem);
}

static void many_strangers(void **state)
{
	const struct sp_mem *mem = sp_mem_system();
	const uint32_t plays[] = { 2 };
	struct msg_strangers x;
	struct said s;

	(void)state;
	begin(&x, mem);
	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(add(&x, i % 250, 0, mem), 0);
	assert_int_equal(x.n, MSG_STRANGERS);
	assert_int_equal(x.more, 250 - MSG_STRANGERS);
	tell(&x, plays, &s);
	assert_non_null(strstr(s.text, "ipfix: 1000 packets of 250 senders"));
	assert_non_null(strstr(s.text, "10.0.0.7 (4), and 242 senders more (968)"));
	/* No number of them makes it larger. */
	for (uint32_t i = 0; i < 2 * MSG_STRANGERS_MOST; i++)
		assert_int_equal(add(&x, i, 0, mem), 0);
	tell(&x, plays, &s);
	assert_non_null(strstr(s.text, "and at least 65528 senders more"));
	end(&x, mem);
}

static void strangers_memory(void **state)
{
	struct sp_mem_test t;
	int rc = -ENOMEM;

	(void)state;
	for (uint64_t n = 0; rc; n++) {
		struct msg_strangers x;

		sp_mem_test_init(&t, n);
		begin(&x, &t.mem);
		rc = 0;
		for (uint32_t i = 0; i < MSG_STRANGERS + 2 && !rc; i++)
			rc = add(&x, i, 0, &t.mem);
		assert_true(!rc || rc == -ENOMEM);
		end(&x, &t.mem);
		assert_int_equal(t.live, 0);
	}
}

static void holes(void **state)
{
	struct said s = { 0 };
	const struct sp_source_report r = { .say = say, .arg = &s };

	(void)state;
	sp_msg_tell_holes(0, 0, "bgp", &r);
	assert_int_equal(s.n, 0);
	sp_msg_tell_holes(0, 9, "bgp", &r);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.text,
			    "bgp: 9 octets of streams are no whole message and were left out");
	sp_msg_tell_holes(1, 0, "bgp", &r);
	assert_string_equal(s.text, "bgp: 1 octet of streams is missing in the capture");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(account_memory),
		cmocka_unit_test(strangers),
		cmocka_unit_test(many_strangers),
		cmocka_unit_test(strangers_memory),
		cmocka_unit_test(holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
