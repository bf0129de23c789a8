/* Machines that answer: their words, what goes through IP and UDP (the bytes were made by Scapy), how
 * long an answer may be, and what is counted. The transport is in memory. */
#include "base/hex_test.h"
#include "engine/reply.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "engine/plan_build.h"
#include "engine/reply_words.h"

#define ROOM 1514u

static const struct {
	const char *what, *question, *answer;
} rows[] = {
	/* clang-format off */
	{ "IPv4",
	  "02000000000502000000000108004500002000010000401166c70a0000010a0000050fa00007000cfd587069"
	  "6e67",
	  "02000000000102000000000508004500002000004000401126c80a0000050a00000100070fa0000cfd587069"
	  "6e67" },
	{ "IPv4 without a checksum",
	  "02000000000502000000000108004500002000010000401166c70a0000010a0000050fa00007000c00007069"
	  "6e67",
	  "02000000000102000000000508004500002000004000401126c80a0000050a00000100070fa0000cfd587069"
	  "6e67" },
	{ "IPv6",
	  "02000000000502000000000186dd60000000000c114020010db800000000000000000000000120010db80000"
	  "000000000000000000050fa00007000cb5e670696e67",
	  "02000000000102000000000586dd60000000000c114020010db800000000000000000000000520010db80000"
	  "0000000000000000000100070fa0000cb5e670696e67" },
	{ "in a VLAN",
	  "0200000000050200000000018100000908004500002000010000401166c70a0000010a0000050fa00007000c"
	  "fd5870696e67",
	  "0200000000010200000000058100000908004500002000004000401126c80a0000050a00000100070fa0000c"
	  "fd5870696e67" },
	{ "padded",
	  "02000000000502000000000108004500001e00010000401166c90a0000010a0000050fa00007000a7acb6162"
	  "00000000000000000000000000000000",
	  "02000000000102000000000508004500001e00004000401126ca0a0000050a00000100070fa0000a7acb6162" },
	{ "from the number that it asks",
	  "02000000000502000000000108004500002000010000401166c70a0000010a00000500070007000c0cf27069"
	  "6e67",
	  "" },
	{ "from number 0",
	  "02000000000502000000000108004500002000010000401166c70a0000010a00000500000007000c0cf97069"
	  "6e67",
	  "" },
	{ "to another number",
	  "02000000000502000000000108004500002000010000401166c70a0000010a0000050fa00008000cfd577069"
	  "6e67",
	  "" },
	{ "to another address",
	  "02000000000502000000000108004500002000010000401166c60a0000010a0000060fa00007000cfd577069"
	  "6e67",
	  "" },
	{ "to all",
	  "ffffffffffff02000000000108004500002000010000401166c70a0000010a0000050fa00007000cfd587069"
	  "6e67",
	  "" },
	{ "with a wrong checksum",
	  "02000000000502000000000108004500002000010000401166c70a0000010a0000050fa00007000c00017069"
	  "6e67",
	  "" },
	{ "longer than its packet",
	  "02000000000502000000000108004500002000010000401166c70a0000010a0000050fa000070064fd007069"
	  "6e67",
	  "" },
	/* clang-format on */
};
#define N_ROWS (sizeof rows / sizeof *rows)

/* ---- a transport that keeps what it is given ---- */

struct sp_queue {
	uint8_t slots[SP_REPLY_BURST][ROOM];
	uint8_t sent[256][ROOM];
	uint32_t len[256], ep[256], n;
	uint32_t takes; /* so many more, then no more */
	struct sp_endpoint peer;
};

static uint32_t lend(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
		     uint32_t tmpl)
{
	assert_int_equal(tmpl, 0);
	assert_true(len <= ROOM && n <= SP_REPLY_BURST);
	for (uint32_t i = 0; i < n; i++)
		b->m[i] = (struct sp_msg){ .data = q->slots[i], .len = len };
	b->n = n;
	return n;
}

static uint32_t take(struct sp_queue *q, const struct sp_batch *b, uint32_t from)
{
	uint32_t i = from;

	for (; i < b->n && q->takes; i++, q->takes--, q->n++) {
		assert_true(q->n < 256);
		memcpy(q->sent[q->n], b->m[i].data, b->m[i].len);
		q->len[q->n] = b->m[i].len;
		q->ep[q->n] = b->m[i].ep;
	}
	return i - from;
}

static int burst(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	uint32_t n = take(q, b, from);

	assert_false(join);
	return n ? (int)n : -EAGAIN;
}

static uint32_t answer(struct sp_queue *q, const struct sp_batch *b)
{
	return take(q, b, 0);
}

static int peer(const struct sp_queue *q, uint32_t ep, struct sp_endpoint *remote,
		struct sp_endpoint *local)
{
	(void)ep;
	*remote = q->peer;
	*local = (struct sp_endpoint){ .port = 53 };
	return 0;
}

static const struct sp_transport_ops frames = { .name = "frames",
						.tx_slots = lend,
						.tx_burst = burst };
static const struct sp_transport_ops sockets = { .name = "sockets",
						 .peer = peer,
						 .answer = answer };

/* ---- one machine on it ---- */

struct rig {
	struct sp_queue *q;
	struct sp_replies p;
	struct sp_reply_own own;
	struct sp_proto *proto;
	const struct sp_proto_ops *ops;
};

static int begin(struct rig *r, const char *machine, bool on_frames, const struct sp_mem *mem)
{
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER };
	struct sp_err err = { 0 };
	struct sp_wish w;
	int rc;

	*r = (struct rig){ .own = { .mac = { 2, 0, 0, 0, 0, 5 } },
			   .ops = sp_catalog_proto(&sp_catalog, machine) };
	sp_prefixes_add(&r->own.at, "10.0.0.5");
	sp_prefixes_add(&r->own.at, "2001:db8::5");
	r->q = calloc(1, sizeof *r->q);
	assert_true(r->q && r->ops);
	r->q->takes = UINT32_MAX;
	r->p = (struct sp_replies){ .transport = on_frames ? &frames : &sockets,
				    .q = r->q,
				    .frames = on_frames,
				    .max_len = ROOM };
	rc = sp_replies_init(&r->p, mem, 1);
	if (rc)
		return rc;
	args.own = &r->own;
	assert_int_equal(r->ops->open(&r->proto, &args, sp_mem_system(), &err), 0);
	r->p.r[0] = (struct sp_responder){ .ops = r->ops,
					   .st = sp_alloc(mem, r->ops->state_size),
					   .own = &r->own,
					   .first = r->ops->port,
					   .last = r->ops->port };
	assert_non_null(r->p.r[0].st);
	r->ops->init(r->p.r[0].st, r->proto, 1, &w);
	return 0;
}

static void finish(struct rig *r, const struct sp_mem *mem)
{
	sp_replies_fini(&r->p, mem);
	if (r->proto)
		r->ops->close(r->proto);
	free(r->q);
}

static void show(struct rig *r, const uint8_t *data, uint32_t len, uint32_t times)
{
	struct sp_msg m[200];
	struct sp_batch b = { .m = m, .n = times, .cap = 200 };
	uint8_t copy[ROOM];

	memcpy(copy, data, len);
	for (uint32_t i = 0; i < times; i++)
		m[i] = (struct sp_msg){ .data = copy, .len = len, .ep = 7 };
	sp_replies_burst(&r->p, &b, 1);
	assert_memory_equal(copy, data, len); /* what is counted after this is as it came */
}

static void test_echo_through_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		uint8_t in[200], want[200];
		uint32_t n = bytes(rows[i].question, in), w = bytes(rows[i].answer, want);
		struct rig r;

		assert_int_equal(begin(&r, "echo", true, sp_mem_system()), 0);
		show(&r, in, n, 1);
		if (r.q->n != (w > 0))
			fail_msg("%s: %u answers", rows[i].what, r.q->n);
		if (w && (r.q->len[0] != w || memcmp(r.q->sent[0], want, w) != 0))
			fail_msg("%s: another answer", rows[i].what);
		assert_int_equal(r.p.r[0].replies, w > 0);
		finish(&r, sp_mem_system());
	}
}

/* Each is answered once; what the transport does not take is dropped and counted. */
static void test_counts(void **state)
{
	uint8_t in[200];
	uint32_t n = bytes(rows[0].question, in);
	struct rig r;

	(void)state;
	assert_int_equal(begin(&r, "echo", true, sp_mem_system()), 0);
	show(&r, in, n, 150);
	assert_int_equal(r.q->n, 150);
	r.q->takes = 10;
	show(&r, in, n, 100);
	assert_int_equal(r.q->n, 160);
	assert_int_equal(r.p.r[0].replies, 160);
	assert_int_equal(r.p.r[0].bytes, 160 * r.q->len[0]);
	assert_int_equal(r.p.r[0].refused, 90);
	finish(&r, sp_mem_system());
}

/* a.b/A without EDNS: the answer is 16 bytes longer than the question. */
static const uint8_t query[] = { 0, 1, 1,   0, 0,   1, 0, 0, 0, 0, 0,
				 0, 1, 'a', 1, 'b', 0, 0, 1, 0, 1 };

static void ask_from(const char *address, uint16_t port, bool truncated, uint32_t answers)
{
	struct rig r;

	assert_int_equal(begin(&r, "dns", false, sp_mem_system()), 0);
	assert_int_equal(sp_addr_parse(address, &r.q->peer.addr), 0);
	r.q->peer.port = port;
	show(&r, query, sizeof query, 3);
	assert_int_equal(r.q->n, 3 * answers);
	if (answers) {
		assert_int_equal(r.q->len[0], truncated ? sizeof query : sizeof query + 16);
		assert_int_equal(!!(r.q->sent[0][2] & 2), truncated);
		assert_int_equal(r.q->ep[0], 7);
	}
	finish(&r, sp_mem_system());
}

static void test_no_reflector(void **state)
{
	(void)state;
	ask_from("10.1.2.3", 4000, false, 1);
	ask_from("fd00::1", 4000, false, 1);
	ask_from("127.0.0.1", 4000, false, 1);
	ask_from("192.0.2.1", 4000, false, 1);
	ask_from("9.9.9.9", 4000, true, 1);
	ask_from("2600::1", 4000, true, 1);
	ask_from("::ffff:9.9.9.9", 4000, true, 1);
	ask_from("10.1.2.3", 53, false, 0); /* another server: they would talk for ever */
	ask_from("10.1.2.3", 0, false, 0);
}

/* ---- words ---- */

static int read_words(const char *text, struct sp_reply_words *w, char *sentence)
{
	struct sp_err err = { 0 };
	struct sp_arena arena;
	int rc;

	sp_arena_init(&arena, sp_mem_system());
	rc = sp_reply_words(text, &sp_catalog, "--reply", &arena, w, &err);
	if (sentence)
		snprintf(sentence, SP_ERR_TEXT, "%s", err.text);
	sp_arena_fini(&arena);
	return rc;
}

static void test_words(void **state)
{
	struct sp_reply_words w;

	(void)state;
	assert_int_equal(
		read_words("arp, echo(port=7-9,10.0.0.0/24, 10.1.0.5),tcp(greet=\"a,b\")", &w,
			   NULL),
		0);
	assert_int_equal(w.n, 3);
	assert_string_equal(w.w[1].ops->name, "echo");
	assert_int_equal(w.w[1].first, 7);
	assert_int_equal(w.w[1].last, 9);
	assert_int_equal(w.w[1].at.n, 2);
	assert_true(sp_reply_needs_frames(&w));
	assert_int_equal(read_words("echo,dns(ttl=5)", &w, NULL), 0);
	assert_false(sp_reply_needs_frames(&w));
}

static void test_wrong_words(void **state)
{
	static const struct {
		const char *text, *want;
	} wrong[] = {
		{ "", "not of the form" },
		{ "arp,", "not of the form" },
		{ "apr", "did you mean 'arp'" },
		{ "http", "nothing answers as 'http'" },
		{ "arp(10.0.0.1/24)", "10.0.0.1/24" },
		{ "arp(x)", "'x' is not an address" },
		{ "arp(port=5)", "no port numbers" },
		{ "echo(port=0)", "port '0'" },
		{ "echo(port=9-7)", "port '9-7'" },
		{ "echo(port=70000)", "port '70000'" },
		{ "echo(a=b)", "no setting 'a'" },
		{ "dns(zoen=x)", "zone" },
		{ "dns(synth=::/0)", "synth" },
		{ "tcp(first=9,last=8)", "backwards" },
		{ "tcp(end=never)", "end" },
		{ "arp(", "bracket" },
		{ "arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp,arp",
		  "more than 16" },
	};
	char sentence[SP_ERR_TEXT];
	struct sp_reply_words w;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (!read_words(wrong[i].text, &w, sentence))
			fail_msg("'%s' was taken", wrong[i].text);
		if (!strstr(sentence, wrong[i].want) || strncmp(sentence, "--reply", 7) != 0)
			fail_msg("'%s': %s", wrong[i].text, sentence);
	}
}

/* Nor inside of a text. */
static void test_peers_name_no_files(void **state)
{
	static const char text[] =
		"{\"plan\":1,\"run\":{},\"ports\":[{\"name\":\"rx0\",\"port\":\"5353\"}],\"recvs\":["
		"{\"name\":\"rx0\",\"reply\":\"echo,dns(zone=/etc/x)\"}]}";
	struct sp_err err = { 0 };
	struct sp_plan *p = NULL;

	(void)state;
	assert_int_not_equal(
		sp_plan_read(&p, text, strlen(text), true, sp_mem_system(), &sp_catalog, &err),
		0);
	assert_non_null(strstr(err.text, "a peer may not name a file of this host"));
	if (sp_plan_read(&p, text, strlen(text), false, sp_mem_system(), &sp_catalog, &err))
		fail_msg("%s", err.text);
	sp_plan_free(p);
}

static void test_allocations_that_fail(void **state)
{
	struct sp_mem_test t;
	struct rig r;
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc && n < 10; n++) {
		/* The machine's state is one more than what begin makes by itself. */
		sp_mem_test_init(&t, n < 3 ? n : UINT64_MAX);
		rc = begin(&r, "echo", false, &t.mem);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		finish(&r, &t.mem);
		assert_int_equal(t.live, 0);
	}
	assert_int_equal(rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers_name_no_files),
		cmocka_unit_test(test_echo_through_frames),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_no_reflector),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_allocations_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
