/* Machines that answer frames: what goes in, and what comes out, byte for byte. The bytes were made
 * by Scapy, questions and answers alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex_test.h"
#include "plugin/proto.h"

extern const struct sp_proto_ops sp_proto_arp, sp_proto_nd, sp_proto_icmp, sp_proto_icmp6;

static const struct {
	const char *machine, *what, *question, *answer;
} rows[] = {
	/* clang-format off */
	{ "arp", "a request",
	  "ffffffffffff020000000001080600010800060400010200000000010a0000010000000000000a000005",
	  "020000000001020000000005080600010800060400020200000000050a0000050200000000010a000001" },
	{ "arp", "padded to 60 bytes",
	  "ffffffffffff020000000001080600010800060400010200000000010a0000010000000000000a0000050000"
	  "00000000000000000000000000000000",
	  "020000000001020000000005080600010800060400020200000000050a0000050200000000010a000001" },
	{ "arp", "in two VLANs",
	  "ffffffffffff0200000000018100000581000006080600010800060400010200000000010a00000100000000"
	  "00000a000005",
	  "0200000000010200000000058100000581000006080600010800060400020200000000050a00000502000000"
	  "00010a000001" },
	{ "arp", "a probe from nobody",
	  "ffffffffffff02000000000108060001080006040001020000000001000000000000000000000a000005",
	  "020000000001020000000005080600010800060400020200000000050a00000502000000000100000000" },
	{ "arp", "for another address",
	  "ffffffffffff020000000001080600010800060400010200000000010a0000010000000000000a000006",
	  "" },
	{ "arp", "gratuitous",
	  "ffffffffffff020000000001080600010800060400010200000000010a0000050000000000000a000005",
	  "" },
	{ "arp", "an answer",
	  "ffffffffffff020000000001080600010800060400020200000000010a0000010000000000000a000005",
	  "" },
	{ "arp", "from a group",
	  "ffffffffffff030000000001080600010800060400010200000000010a0000010000000000000a000005",
	  "" },
	{ "arp", "cut short",
	  "ffffffffffff020000000001080600010800060400010200000000010a0000010000000000000a0000",
	  "" },
	{ "nd", "to the group",
	  "3333ff00000502000000000186dd6000000000203aff20010db8000000000000000000000001ff0200000000"
	  "000000000001ff00000587001c210000000020010db80000000000000000000000050101020000000001",
	  "02000000000102000000000586dd6000000000203aff20010db800000000000000000000000520010db80000"
	  "0000000000000000000188008a686000000020010db80000000000000000000000050201020000000005" },
	{ "nd", "to the address, without option",
	  "02000000000502000000000186dd6000000000183aff20010db800000000000000000000000120010db80000"
	  "000000000000000000058700ef760000000020010db8000000000000000000000005",
	  "02000000000102000000000586dd6000000000183aff20010db800000000000000000000000520010db80000"
	  "0000000000000000000188008e766000000020010db8000000000000000000000005" },
	{ "nd", "from a link-local address",
	  "3333ff00000502000000000186dd6000000000203afffe800000000000000000000000000001ff0200000000"
	  "000000000001ff00000587004b590000000020010db80000000000000000000000050101020000000001",
	  "02000000000102000000000586dd6000000000203aff20010db8000000000000000000000005fe8000000000"
	  "000000000000000000018800b9a06000000020010db80000000000000000000000050201020000000005" },
	{ "nd", "duplicate address detection",
	  "3333ff00000502000000000186dd6000000000183aff00000000000000000000000000000000ff0200000000"
	  "000000000001ff00000587004ce50000000020010db8000000000000000000000005",
	  "" },
	{ "nd", "from behind a router",
	  "3333ff00000502000000000186dd6000000000203afe20010db8000000000000000000000001ff0200000000"
	  "000000000001ff00000587001c210000000020010db80000000000000000000000050101020000000001",
	  "" },
	{ "nd", "for another address",
	  "3333ff00000502000000000186dd6000000000203aff20010db8000000000000000000000001ff0200000000"
	  "000000000001ff00000587001c200000000020010db80000000000000000000000060101020000000001",
	  "" },
	{ "nd", "with a wrong checksum",
	  "3333ff00000502000000000186dd6000000000203aff20010db8000000000000000000000001ff0200000000"
	  "000000000001ff000005870000010000000020010db80000000000000000000000050101020000000001",
	  "" },
	{ "nd", "with an option of length 0",
	  "02000000000502000000000186dd6000000000203aff20010db800000000000000000000000120010db80000"
	  "000000000000000000058700ee6e0000000020010db80000000000000000000000050100000000000000",
	  "" },
	{ "icmp", "a request",
	  "02000000000502000000000108004500002100010000400166d60a0000010a0000050800b41d000700096865"
	  "6c6c6f",
	  "02000000000102000000000508004500002100004000400126d70a0000050a0000010000bc1d000700096865"
	  "6c6c6f" },
	{ "icmp", "with IP options",
	  "02000000000502000000000108004600002600010000400163cf0a0000010a000005010101010800b3fc0007"
	  "000968656c6c6f21",
	  "02000000000102000000000508004500002200004000400126d60a0000050a0000010000bbfc000700096865"
	  "6c6c6f21" },
	{ "icmp", "empty, padded",
	  "02000000000502000000000108004500001c00010000400166db0a0000010a0000050800f7ef000700090000"
	  "00000000000000000000000000000000",
	  "02000000000102000000000508004500001c00004000400126dc0a0000050a0000010000ffef00070009" },
	{ "icmp", "for another address",
	  "02000000000502000000000108004500001c00010000400166da0a0000010a0000060800f7ff00000000",
	  "" },
	{ "icmp", "to all",
	  "ffffffffffff02000000000108004500001c00010000400166db0a0000010a0000050800f7ff00000000",
	  "" },
	{ "icmp", "from a group",
	  "02000000000502000000000108004500001c00010000400190dae00000010a0000050800f7ff00000000",
	  "" },
	{ "icmp", "from loopback",
	  "02000000000502000000000108004500001c000100004001f1da7f0000010a0000050800f7ff00000000",
	  "" },
	{ "icmp", "a reply",
	  "02000000000502000000000108004500001c00010000400166db0a0000010a0000050000ffff00000000",
	  "" },
	{ "icmp", "a fragment",
	  "02000000000502000000000108004500002400012000400146d30a0000010a0000050800161e000000007878"
	  "787878787878",
	  "" },
	{ "icmp", "with a wrong checksum",
	  "02000000000502000000000108004500001c00010000400166db0a0000010a0000050800000100000000",
	  "" },
	{ "icmp", "with a wrong IP checksum",
	  "02000000000502000000000108004500001c00010000400100010a0000010a0000050800f7ff00000000",
	  "" },
	{ "icmp6", "a request",
	  "02000000000502000000000186dd60000000000d3a4020010db800000000000000000000000120010db80000"
	  "000000000000000000058000e05d0007000968656c6c6f",
	  "02000000000102000000000586dd60000000000d3a4020010db800000000000000000000000520010db80000"
	  "000000000000000000018100df5d0007000968656c6c6f" },
	{ "icmp6", "to a group",
	  "33330000000102000000000186dd6000000000083a4020010db8000000000000000000000001ff0200000000"
	  "00000000000000000001800052ff00000000",
	  "" },
	{ "icmp6", "a reply",
	  "02000000000502000000000186dd6000000000083a4020010db800000000000000000000000120010db80000"
	  "000000000000000000058100234500000000",
	  "" },
	/* clang-format on */
};
#define N_ROWS (sizeof rows / sizeof *rows)

static const struct sp_proto_ops *machine(const char *name)
{
	const struct sp_proto_ops *all[] = { &sp_proto_arp, &sp_proto_nd, &sp_proto_icmp,
					     &sp_proto_icmp6 };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	fail_msg("no machine %s", name);
	return NULL;
}

static struct sp_reply_own own(void)
{
	struct sp_reply_own o = { .mac = { 2, 0, 0, 0, 0, 5 } };

	assert_int_equal(sp_prefixes_add(&o.at, "10.0.0.5"), 0);
	assert_int_equal(sp_prefixes_add(&o.at, "2001:db8::5"), 0);
	return o;
}

/* Room for an answer is as much as came. */
static void test_rows(void **state)
{
	struct sp_reply_own o = own();
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER, .own = &o };

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct sp_proto_ops *ops = machine(rows[i].machine);
		uint8_t in[256], want[256], got[256];
		struct sp_msg m = { .data = in }, reply = { .data = got };
		void *st = calloc(1, ops->state_size);
		struct sp_proto *p = NULL;
		struct sp_err err = { 0 };
		struct sp_wish w;
		uint32_t n;
		int says;

		assert_non_null(st);
		assert_int_equal(ops->open(&p, &args, sp_mem_system(), &err), 0);
		ops->init(st, p, 1, &w);
		m.len = reply.len = bytes(rows[i].question, in);
		n = bytes(rows[i].answer, want);
		says = ops->on_msg(st, &m, &reply, 1);
		if (says != (n > 0))
			fail_msg("%s, %s: answers %d", rows[i].machine, rows[i].what, says);
		if (says && (reply.len != n || memcmp(got, want, n) != 0))
			fail_msg("%s, %s: another answer", rows[i].machine, rows[i].what);
		/* A byte less is no room. */
		reply.len = n ? n - 1 : 0;
		assert_int_equal(ops->on_msg(st, &m, &reply, 1), 0);
		ops->close(p);
		free(st);
	}
}

/* Cut anywhere, nothing is read beyond, and what was cut is not answered. */
static void test_cut(void **state)
{
	struct sp_reply_own o = own();
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER, .own = &o };

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct sp_proto_ops *ops = machine(rows[i].machine);
		uint8_t in[256], got[256];
		uint32_t n = bytes(rows[i].question, in);
		uint64_t st[4] = { 0 };
		struct sp_proto *p = NULL;
		struct sp_err err = { 0 };
		struct sp_wish w;

		assert_true(ops->state_size <= sizeof st);
		assert_int_equal(ops->open(&p, &args, sp_mem_system(), &err), 0);
		ops->init(st, p, 1, &w);
		for (uint32_t len = 0; len < n && len < 42; len++) {
			uint8_t *cut = malloc(len ? len : 1);
			struct sp_msg m = { .data = cut, .len = len };
			struct sp_msg reply = { .data = got, .len = sizeof got };

			assert_non_null(cut);
			memcpy(cut, in, len);
			assert_int_equal(ops->on_msg(st, &m, &reply, 1), 0);
			free(cut);
		}
		ops->close(p);
	}
}

static void test_out_of_memory(void **state)
{
	const struct sp_proto_ops *ops = machine("arp");
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER };
	struct sp_proto *p = NULL;
	struct sp_err err = { 0 };
	struct sp_mem_test t;

	(void)state;
	sp_mem_test_init(&t, 0);
	assert_true(ops->open(&p, &args, &t.mem, &err) < 0);
	assert_int_equal(t.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
