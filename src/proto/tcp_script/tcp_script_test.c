/* Scripted TCP, segment by segment: what a client says, what is said back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/ask.h"
#include "pkt/tcpseg.h"
#include "plugin/proto.h"

extern const struct sp_proto_ops sp_proto_tcp;

#define ROOM 1514u

struct rig {
	struct sp_reply_own own;
	struct sp_arena arena;
	struct sp_proto *proto;
	void *st, *conf;
	uint8_t answer[ROOM];
	uint32_t asked; /* bytes of the last question */
	struct sp_tcp_seg got;
	struct sp_answer_to client;
	uint32_t seq, ack; /* the client's next, and what it has heard */
};

/* settings: pairs, NULL ends. */
static void begin(struct rig *r, const char *const settings[])
{
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER, .secret = { 3, 4 } };
	struct sp_err err = { 0 };
	struct sp_wish w;

	*r = (struct rig){ .own = { .mac = { 2, 0, 0, 0, 0, 5 } }, .seq = 0xfffffff0u };
	sp_prefixes_add(&r->own.at, "10.0.0.5");
	sp_arena_init(&r->arena, sp_mem_system());
	r->conf = sp_arena_alloc(&r->arena, sp_proto_tcp.conf_size);
	assert_int_equal(sp_opts_default(sp_proto_tcp.opts, r->conf, &r->arena, &err), 0);
	for (; settings && *settings; settings += 2)
		assert_int_equal(sp_opts_set(sp_proto_tcp.opts, r->conf, settings[0],
					     settings[1], "test", &r->arena, &err),
				 0);
	args.conf = r->conf;
	args.own = &r->own;
	assert_int_equal(sp_proto_tcp.open(&r->proto, &args, sp_mem_system(), &err), 0);
	r->st = calloc(1, sp_proto_tcp.state_size);
	assert_non_null(r->st);
	sp_proto_tcp.init(r->st, r->proto, 1, &w);
	memcpy(r->client.src_mac, "\2\0\0\0\0\1", 6);
	memcpy(r->client.dst_mac, r->own.mac, 6);
	sp_addr_parse("10.0.0.1", &r->client.src);
	sp_addr_parse("10.0.0.5", &r->client.dst);
}

static void finish(struct rig *r)
{
	sp_proto_tcp.close(r->proto);
	free(r->st);
	sp_arena_fini(&r->arena);
}

/* One segment there; true: one came back, into got, whole and with good checksums. */
static bool tell(struct rig *r, uint8_t flags, const char *data)
{
	struct sp_tcp_seg s = { .sport = 4000,
				.dport = 80,
				.seq = r->seq,
				.ack = flags & SP_TCP_ACK ? r->ack : 0,
				.window = 65535,
				.flags = flags,
				.mss = flags & SP_TCP_SYN ? 1460 : 0 };
	uint32_t len = data ? (uint32_t)strlen(data) : 0, n;
	uint8_t frame[ROOM];
	struct sp_msg m = { .data = frame }, reply = { .data = r->answer, .len = ROOM };
	struct sp_ask a;

	n = sp_tcp_seg_put(&s, frame + 34);
	if (len)
		memcpy(frame + 34 + n, data, len);
	m.len = r->asked = sp_answer_seal_to(&r->client, SP_ASK_TCP, 64, frame, n + len,
					     SP_TCP_CSUM);
	if (!sp_proto_tcp.on_msg(r->st, &m, &reply, 1))
		return false;
	assert_int_equal(sp_ask_read(r->answer, reply.len, &a), 0);
	assert_true(sp_ask_intact(&a, 0));
	assert_true(sp_addr_eq(&a.src, &r->client.dst) && sp_addr_eq(&a.dst, &r->client.src));
	assert_int_equal(sp_tcp_seg_read(a.l4, a.l4_len, &r->got), 0);
	assert_int_equal(r->got.sport, 80);
	assert_int_equal(r->got.dport, 4000);
	if (r->got.flags & SP_TCP_SYN || !(r->got.flags & SP_TCP_ACK))
		assert_true(reply.len <= r->asked);
	return true;
}

/* What the client said was heard, and it hears what was said. */
static void heard(struct rig *r, uint32_t said)
{
	r->seq += said;
	assert_int_equal(r->got.ack, r->seq);
	if (r->got.flags & SP_TCP_SYN)
		r->ack = r->got.seq;
	assert_int_equal(r->got.seq, r->ack);
	r->ack += sp_tcp_seg_space(&r->got);
}

static void open_it(struct rig *r)
{
	assert_true(tell(r, SP_TCP_SYN, NULL));
	assert_int_equal(r->got.flags, SP_TCP_SYN | SP_TCP_ACK);
	assert_int_equal(r->got.mss, 1460);
	heard(r, 1);
}

static void says(const struct rig *r, const char *text)
{
	assert_int_equal(r->got.len, strlen(text));
	assert_memory_equal(r->got.data, text, strlen(text));
}

static void test_a_conversation(void **state)
{
	static const char *const words[] = {
		"greet", "hello", "data", "bye", "end", "fin", NULL
	};
	struct rig r;

	(void)state;
	begin(&r, words);
	open_it(&r);
	assert_true(tell(&r, SP_TCP_ACK, NULL));
	says(&r, "hello");
	heard(&r, 0);
	assert_false(tell(&r, SP_TCP_ACK, NULL));
	assert_true(tell(&r, SP_TCP_ACK | SP_TCP_PSH, "what is it"));
	says(&r, "bye");
	assert_true(r.got.flags & SP_TCP_FIN);
	heard(&r, 10);
	/* Said again: heard again, and confirmed, though our answer came. */
	r.seq -= 10;
	assert_true(tell(&r, SP_TCP_ACK, "what is it"));
	assert_int_equal(r.got.ack, r.seq + 10);
	r.seq += 10;
	assert_true(tell(&r, SP_TCP_ACK | SP_TCP_FIN, NULL));
	assert_int_equal(r.got.ack, r.seq + 1);
	assert_int_equal(r.got.len, 0);
	finish(&r);
}

/* The answer was lost: the client says again what it had said, and gets it again. */
static void test_lost_answers(void **state)
{
	static const char *const words[] = { "greet", "hello", "data", "bye", NULL };
	struct rig r;

	(void)state;
	begin(&r, words);
	open_it(&r);
	assert_true(tell(&r, SP_TCP_ACK, NULL)); /* lost */
	assert_true(tell(&r, SP_TCP_ACK, "x"));	 /* and so is this */
	says(&r, "bye");
	assert_true(tell(&r, SP_TCP_ACK, "x"));
	says(&r, "hellobye");
	heard(&r, 1);
	/* A gap: what is missing is asked for, and what is behind it is not confirmed. */
	r.seq += 5;
	assert_true(tell(&r, SP_TCP_ACK, "later"));
	assert_int_equal(r.got.ack, r.seq - 5);
	finish(&r);
}

/* A SYN that was on its way for long does no harm; a new one begins anew. */
static void test_late_syn(void **state)
{
	static const char *const words[] = { "data", "bye", NULL };
	uint32_t seq;
	struct rig r;

	(void)state;
	begin(&r, words);
	open_it(&r);
	assert_true(tell(&r, SP_TCP_ACK, "x"));
	heard(&r, 1);
	seq = r.seq;
	r.seq = 0xfffffff0u;
	assert_true(tell(&r, SP_TCP_SYN, NULL));
	assert_int_equal(r.got.flags, SP_TCP_ACK);
	assert_int_equal(r.got.ack, seq);
	r.seq = seq;
	assert_true(tell(&r, SP_TCP_ACK, "y"));
	assert_int_equal(r.got.ack, seq + 1);
	r.seq = 5;
	open_it(&r);
	finish(&r);
}

static void test_long_script(void **state)
{
	char text[3001];
	const char *words[] = { "greet", text, NULL };
	uint32_t n = 0;
	struct rig r;

	(void)state;
	memset(text, 'a', 3000);
	text[3000] = '\0';
	begin(&r, words);
	open_it(&r);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(tell(&r, SP_TCP_ACK, NULL));
		n += r.got.len;
		heard(&r, 0);
	}
	assert_int_equal(n, 3000);
	assert_false(tell(&r, SP_TCP_ACK, NULL));
	finish(&r);
}

/* Who does not know our number is refused, and nothing is kept of him. */
static void test_unproven(void **state)
{
	static const char *const words[] = { "greet", "hello", NULL };
	struct rig r;

	(void)state;
	begin(&r, words);
	assert_true(tell(&r, SP_TCP_ACK, "blind"));
	assert_true(r.got.flags & SP_TCP_RST);
	assert_int_equal(r.got.len, 0);
	open_it(&r);
	r.ack++;
	assert_true(tell(&r, SP_TCP_ACK, NULL));
	assert_true(r.got.flags & SP_TCP_RST);
	r.ack--;
	assert_true(tell(&r, SP_TCP_ACK, NULL));
	says(&r, "hello");
	r.ack += 1000; /* of what was never said */
	assert_false(tell(&r, SP_TCP_ACK, NULL));
	finish(&r);
}

static void test_refuse_drop_reset(void **state)
{
	static const char *const refuse[] = { "syn", "refuse", NULL };
	static const char *const drop[] = { "syn", "drop", NULL };
	static const char *const rst[] = { "end", "rst", NULL };
	static const char *const high[] = { "first", "81", NULL };
	struct rig r;

	(void)state;
	begin(&r, refuse);
	assert_true(tell(&r, SP_TCP_SYN, NULL));
	assert_int_equal(r.got.flags, SP_TCP_RST | SP_TCP_ACK);
	assert_int_equal(r.got.ack, r.seq + 1);
	finish(&r);
	begin(&r, drop);
	assert_false(tell(&r, SP_TCP_SYN, NULL));
	finish(&r);
	begin(&r, high);
	assert_false(tell(&r, SP_TCP_SYN, NULL));
	finish(&r);
	begin(&r, rst);
	open_it(&r);
	assert_true(tell(&r, SP_TCP_ACK, "x"));
	assert_true(r.got.flags & SP_TCP_RST);
	finish(&r);
}

/* 5,000 clients, of which it remembers the last 1,024: each of those that it has forgotten is told
 * so, and none is confused with another. */
static void test_many(void **state)
{
	static const char *const words[] = { "data", "y", NULL };
	unsigned known = 0, refused = 0;
	uint32_t *numbers = calloc(5000, sizeof *numbers);
	struct rig r;

	(void)state;
	assert_non_null(numbers);
	begin(&r, words);
	for (unsigned i = 0; i < 5000; i++) {
		r.client.src.ip[1] = (uint8_t)(1 + i / 200);
		r.client.src.ip[3] = (uint8_t)(1 + i % 200);
		r.seq = i;
		assert_true(tell(&r, SP_TCP_SYN, NULL));
		r.seq = i + 1;
		numbers[i] = r.ack = r.got.seq + 1;
		assert_false(tell(&r, SP_TCP_ACK, NULL));
		assert_true(tell(&r, SP_TCP_ACK, "x"));
		says(&r, "y");
	}
	for (unsigned i = 0; i < 5000; i++) {
		r.client.src.ip[1] = (uint8_t)(1 + i / 200);
		r.client.src.ip[3] = (uint8_t)(1 + i % 200);
		r.seq = i + 2;
		r.ack = numbers[i] + 1;
		assert_true(tell(&r, SP_TCP_ACK, "z"));
		known += r.got.flags == SP_TCP_ACK;
		refused += (r.got.flags & SP_TCP_RST) != 0;
	}
	assert_int_equal(known + refused, 5000);
	assert_in_range(known, 512, 1024);
	free(numbers);
	finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_conversation), cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_late_syn),       cmocka_unit_test(test_long_script),
		cmocka_unit_test(test_unproven),       cmocka_unit_test(test_refuse_drop_reset),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
