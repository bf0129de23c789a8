/* Generated tables: every message is one that BGP's own check takes, all prefixes differ, and the truth
 * says what is there. And the two machines that tell them, without a socket. */
#include "proto/routes_gen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/clock.h"
#include "plugin/codec.h"
#include "plugin/proto.h"

extern const struct sp_proto_ops sp_proto_bgp, sp_proto_bmp;
extern const struct sp_codec_ops sp_codec_bmp;

static struct sp_routes_conf conf(uint64_t prefixes, int family)
{
	return (struct sp_routes_conf){ .prefixes = prefixes,
					.family = family,
					.per_update = 8,
					.path_min = 1,
					.path_max = 6,
					.communities = 3,
					.next_hop = "192.0.2.1",
					.next_hop6 = "2001:db8::1" };
}

static struct sp_routes make(const struct sp_routes_conf *c)
{
	struct sp_routes r;
	struct sp_err err = { 0 };

	assert_int_equal(sp_routes_init(&r, c, 7, &err), 0);
	return r;
}

static void messages_are_whole(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 3, 63, 64, 65, 1000 };
	const struct sp_routes_speaker by[] = { { 64496, false }, { 64496, true } };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int family = SP_ROUTES_4; family <= SP_ROUTES_BOTH; family++) {
			struct sp_routes_conf c = conf(sizes[i], family);
			struct sp_routes r = make(&c);

			for (uint64_t u = 0; u < r.table + 20; u++) {
				uint8_t m[SP_BGP_MOST];
				struct sp_wr w = sp_wr_of(m, sizeof m);
				struct sp_bgp_open open = { .seen = true };

				sp_routes_put(&r, u, &by[u % 2], &w);
				assert_false(w.bad);
				assert_int_equal(sp_bgp_boundary(m, sizeof m), w.p - m);
				assert_null(sp_bgp_check(m, (size_t)(w.p - m), &open));
				assert_int_equal(m[18], SP_BGP_UPDATE);
			}
		}
}

static void the_largest_fit(void **state)
{
	struct sp_routes_conf c = conf(10000, SP_ROUTES_BOTH);
	const struct sp_routes_speaker by = { 4200000000u, false };
	struct sp_routes r;

	(void)state;
	c.per_update = 64;
	c.path_min = c.path_max = 32;
	c.communities = 16;
	r = make(&c);
	for (uint64_t u = 0; u < r.table; u++) {
		uint8_t m[SP_BGP_MOST];
		struct sp_wr w = sp_wr_of(m, sizeof m);

		sp_routes_put(&r, u, &by, &w);
		assert_false(w.bad);
	}
}

struct taken {
	char *line[3000];
	unsigned n, gone;
};

static int take(void *arg, const char *text, size_t len)
{
	struct taken *t = arg;

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = (size_t)(end - text);

		assert_true(end && t->n < 3000);
		t->line[t->n] = strndup(text, n);
		t->gone += strstr(t->line[t->n++], "withdrawn") != NULL;
		text += n + 1;
		len -= n + 1;
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget(struct taken *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->line[i]);
	*t = (struct taken){ .n = 0 };
}

static void truth_follows_the_messages(void **state)
{
	struct sp_routes_conf c = conf(1000, SP_ROUTES_BOTH);
	const struct sp_routes_speaker by = { 64496, false };
	struct sp_routes r = make(&c);
	static struct taken t;
	const struct sp_truth truth = { take, &t };

	(void)state;
	assert_int_equal(sp_routes_truth(&r, r.table, &by, NULL, &truth), 0);
	assert_int_equal(t.n, 2000);
	qsort(t.line, t.n, sizeof *t.line, by_text);
	for (unsigned i = 1; i < t.n; i++)
		assert_int_not_equal(strcmp(t.line[i - 1], t.line[i]), 0);
	forget(&t);
	assert_int_equal(sp_routes_truth(&r, 0, &by, NULL, &truth), 0);
	assert_int_equal(t.n, 0);
	/* Groups of 1, 1, 2, 2: six prefixes. */
	assert_int_equal(sp_routes_truth(&r, 4, &by, "192.0.2.9", &truth), 0);
	assert_int_equal(t.n, 6);
	assert_non_null(strstr(t.line[0], "\"peer\":\"192.0.2.9\",\"family\":4,"
					  "\"prefix\":\"1.0.0.0/16\""));
	forget(&t);
	/* Withdrawn, and announced again. */
	assert_int_equal(sp_routes_truth(&r, r.table + 1, &by, NULL, &truth), 0);
	assert_true(t.n == 2000 && t.gone > 0);
	forget(&t);
	assert_int_equal(sp_routes_truth(&r, r.table + 2, &by, NULL, &truth), 0);
	assert_true(t.n == 2000 && t.gone == 0);
	forget(&t);
}

/* ---- machines ---- */

struct rig {
	const struct sp_proto_ops *ops;
	struct sp_proto *proto;
	void *st;
	struct sp_wish w;
	uint64_t now, conf[64];
	uint8_t out[1 << 20];
	size_t n_out;
	unsigned sent, done, failed;
	struct sp_arena arena;
};

static void settle(struct rig *r)
{
	struct sp_txn t;
	unsigned done = r->w.done;

	r->sent += r->w.sent;
	for (unsigned i = 0; i < done; i++) {
		r->ops->outcome(r->st, &t);
		r->done++;
		r->failed += t.why != SP_WHY_NONE;
	}
	r->w.sent = r->w.done = 0;
}

/* Writes in pieces, starts units as long as they are taken. */
static void drive(struct rig *r, unsigned units)
{
	for (;;) {
		settle(r);
		if (r->w.n_out) {
			size_t n = r->w.out[0].iov_len < 700 ? r->w.out[0].iov_len : 700;

			assert_true(r->n_out + n <= sizeof r->out);
			memcpy(r->out + r->n_out, r->w.out[0].iov_base, n);
			r->n_out += n;
			r->ops->on_wrote(r->st, n, r->now, &r->w);
		} else if (r->w.flags & SP_WISH_READY && units) {
			const struct sp_token t = { .intended_ns = r->now };

			units--;
			assert_int_equal(r->ops->start(r->st, &t, r->now, &r->w), 0);
		} else {
			return;
		}
	}
}

static void open_rig(struct rig *r, const struct sp_proto_ops *ops, const char *prefixes)
{
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT, .conf = r->conf, .seed = 3 };

	memset(r, 0, sizeof *r);
	r->ops = ops;
	r->now = SP_NS_PER_S;
	assert_true(ops->conf_size <= sizeof r->conf);
	sp_arena_init(&r->arena, sp_mem_system());
	assert_int_equal(sp_opts_default(ops->opts, r->conf, &r->arena, NULL), 0);
	assert_int_equal(
		sp_opts_set(ops->opts, r->conf, "prefixes", prefixes, "", &r->arena, NULL), 0);
	assert_int_equal(ops->check(r->conf, NULL), 0);
	assert_int_equal(ops->open(&r->proto, &args, sp_mem_system(), NULL), 0);
	r->st = sp_alloc(sp_mem_system(), ops->state_size);
	ops->init(r->st, r->proto, r->now, &r->w);
}

static void close_rig(struct rig *r)
{
	r->ops->close(r->proto);
	sp_free(sp_mem_system(), r->st);
	sp_arena_fini(&r->arena);
}

/* The peer's side: OPEN, KEEPALIVE or whatever type, from a body. */
static void hear(struct rig *r, uint8_t type, const void *body, size_t len)
{
	uint8_t m[SP_BGP_MOST];
	struct sp_wr w = sp_wr_of(m, sizeof m);

	sp_bgp_begin(&w, type);
	sp_wr_bytes(&w, body, len);
	sp_bgp_end(&w, m);
	assert_int_equal(r->ops->on_bytes(r->st, m, (size_t)(w.p - m), r->now, &r->w), w.p - m);
}

static void hear_open(struct rig *r, uint32_t as, uint16_t hold_s)
{
	uint8_t m[200];
	struct sp_wr w = sp_wr_of(m, sizeof m);

	sp_bgp_put_open(&w, as, hold_s, 0x0a000001);
	/* In two pieces: nothing is taken of the first. */
	assert_int_equal(r->ops->on_bytes(r->st, m, 20, r->now, &r->w), 0);
	assert_int_equal(r->ops->on_bytes(r->st, m, (size_t)(w.p - m), r->now, &r->w), w.p - m);
}

static unsigned count(const struct rig *r, uint8_t type)
{
	unsigned n = 0;

	for (size_t at = 0; at < r->n_out; at += sp_get_be16(r->out + at + 16)) {
		assert_true(sp_bgp_boundary(r->out + at, r->n_out - at) > 0);
		n += r->out[at + 18] == type;
	}
	return n;
}

static unsigned lines_of(struct rig *r)
{
	static struct taken t;
	const struct sp_truth truth = { take, &t };
	unsigned n;

	assert_int_equal(r->ops->truth(r->proto, &truth), 0);
	n = t.n;
	forget(&t);
	return n;
}

static void bgp_waits_tells_and_stays(void **state)
{
	static struct rig r;

	(void)state;
	open_rig(&r, &sp_proto_bgp, "500");
	drive(&r, 1000);
	assert_int_equal(count(&r, SP_BGP_OPEN), 1);
	assert_int_equal(count(&r, SP_BGP_UPDATE), 0);
	assert_int_equal(lines_of(&r), 0);
	hear_open(&r, 65001, 30);
	drive(&r, 1000);
	assert_int_equal(count(&r, SP_BGP_KEEPALIVE), 1);
	assert_int_equal(count(&r, SP_BGP_UPDATE), 0);
	hear(&r, SP_BGP_KEEPALIVE, NULL, 0);
	drive(&r, 1000);
	assert_int_equal(lines_of(&r), 500);
	assert_int_equal(count(&r, SP_BGP_UPDATE), r.sent);
	assert_int_equal(r.sent, r.done);
	assert_int_equal(r.failed, 0);
	assert_false(r.w.flags & SP_WISH_READY);
	/* A third of the agreed 30 s, again and again, as long as the peer is heard. */
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(r.w.timer_ns, r.now + 10 * SP_NS_PER_S);
		r.now = r.w.timer_ns;
		r.ops->on_timer(r.st, r.now, &r.w);
		drive(&r, 0);
		hear(&r, SP_BGP_KEEPALIVE, NULL, 0);
		drive(&r, 0);
	}
	assert_int_equal(count(&r, SP_BGP_KEEPALIVE), 6);
	r.ops->on_end(r.st, r.now, &r.w);
	assert_true(r.w.flags & SP_WISH_CLOSE);
	drive(&r, 0);
	assert_int_equal(count(&r, SP_BGP_NOTIFICATION), 1);
	assert_int_equal(r.out[r.n_out - 2], 6);
	close_rig(&r);
}

static void lost_because(const struct rig *r, const char *text)
{
	struct sp_loss l = { 0 };

	r->ops->loss(r->st, &l);
	assert_int_not_equal(l.why, SP_WHY_NONE);
	assert_string_equal(l.text, text);
}

static void bgp_ends_what_goes_wrong(void **state)
{
	static struct rig r;
	static const uint8_t old[] = { 4, 0xfd, 0xe9, 0, 30, 10, 0, 0, 1, 0 };

	(void)state;
	/* No capability at all. */
	open_rig(&r, &sp_proto_bgp, "5");
	drive(&r, 1);
	hear(&r, SP_BGP_OPEN, old, sizeof old);
	assert_true(r.w.flags & SP_WISH_CLOSE);
	drive(&r, 0);
	assert_int_equal(count(&r, SP_BGP_NOTIFICATION), 1);
	lost_because(&r, "the peer has no AS numbers of 4 octets (RFC 6793)");
	assert_int_equal(r.done, 0);
	close_rig(&r);
	/* Silence beyond the hold time. */
	open_rig(&r, &sp_proto_bgp, "5");
	hear_open(&r, 65001, 3);
	drive(&r, 0);
	hear(&r, SP_BGP_KEEPALIVE, NULL, 0);
	drive(&r, 100);
	assert_int_equal(lines_of(&r), 5);
	r.now += 3 * SP_NS_PER_S;
	r.ops->on_timer(r.st, r.now, &r.w);
	drive(&r, 0);
	assert_int_equal(count(&r, SP_BGP_NOTIFICATION), 1);
	assert_true(r.w.flags & SP_WISH_CLOSE);
	lost_because(&r, "the peer was silent for the hold time");
	assert_int_equal(lines_of(&r), 0);
	close_rig(&r);
	/* Nonsense. */
	open_rig(&r, &sp_proto_bgp, "5");
	assert_int_equal(r.ops->on_bytes(r.st, (const uint8_t *)"HTTP/1.1 400 Bad Request\r\n",
					 26, r.now, &r.w),
			 26);
	assert_true(r.w.flags & SP_WISH_CLOSE);
	close_rig(&r);
}

/* In its own words, and nothing of a session that was lost is true. */
static void bgp_names_what_the_peer_says(void **state)
{
	static struct rig r;

	(void)state;
	open_rig(&r, &sp_proto_bgp, "5");
	drive(&r, 1);
	hear(&r, SP_BGP_NOTIFICATION, "\2\2\xfd\xe9", 4);
	assert_true(r.w.flags & SP_WISH_CLOSE);
	drive(&r, 0);
	lost_because(&r,
		     "the peer refused: NOTIFICATION Open Message Error / Bad Peer AS (2/2)");
	close_rig(&r);
	/* Units that are not written yet fail with it. */
	open_rig(&r, &sp_proto_bgp, "5");
	hear_open(&r, 65001, 3);
	drive(&r, 0);
	hear(&r, SP_BGP_KEEPALIVE, NULL, 0);
	drive(&r, 2);
	assert_int_equal(r.sent, 2);
	r.ops->start(r.st, &(struct sp_token){ r.now, 0 }, r.now, &r.w);
	hear(&r, SP_BGP_NOTIFICATION, "\6\2\4gone", 7);
	assert_int_equal(r.w.n_out, 0);
	drive(&r, 0);
	lost_because(&r, "the peer ended the session: NOTIFICATION Cease / Administrative "
			 "Shutdown (6/2): gone");
	assert_int_equal(r.failed, 1);
	assert_int_equal(lines_of(&r), 0);
	close_rig(&r);
	/* A text that is longer than its message, codes that nobody knows. */
	open_rig(&r, &sp_proto_bgp, "5");
	hear(&r, SP_BGP_NOTIFICATION, "\6\x63\x09gone", 7);
	lost_because(&r, "the peer refused: NOTIFICATION Cease (6/99)");
	close_rig(&r);
	open_rig(&r, &sp_proto_bgp, "5");
	hear(&r, SP_BGP_NOTIFICATION, "", 0);
	lost_because(&r, "the peer refused: NOTIFICATION (0/0)");
	close_rig(&r);
	open_rig(&r, &sp_proto_bgp, "5");
	r.now += 7 * SP_NS_PER_S;
	r.ops->on_end(r.st, r.now, &r.w);
	drive(&r, 0);
	lost_because(&r, "the peer did not answer OPEN within 7 s");
	close_rig(&r);
}

/* Several at a time are one output, each with its own outcome. */
static void units_share_a_write(void **state)
{
	static struct rig r;
	const struct sp_token t = { .intended_ns = SP_NS_PER_S };
	size_t whole = 0;
	unsigned n = 0;

	(void)state;
	open_rig(&r, &sp_proto_bmp, "2000");
	drive(&r, 0);
	for (; r.w.flags & SP_WISH_READY; n++)
		assert_int_equal(r.ops->start(r.st, &t, r.now, &r.w), 0);
	assert_true(n >= 32);
	assert_int_equal(r.ops->start(r.st, &t, r.now, &r.w), -EAGAIN);
	assert_int_equal(r.w.n_out, 1);
	whole = r.w.out[0].iov_len;
	r.ops->on_wrote(r.st, whole - 1, r.now, &r.w);
	assert_int_equal(r.w.sent, n - 1);
	settle(&r);
	r.ops->on_close(r.st, SP_WHY_RESET, NULL, r.now, &r.w);
	settle(&r);
	assert_int_equal(r.done, n);
	assert_int_equal(r.failed, 1);
	lost_because(&r, "the collector reset the connection");
	assert_int_equal(lines_of(&r), 0);
	close_rig(&r);
}

/* Types of the messages, in order, each whole. */
static unsigned bmp_count(const struct rig *r, uint8_t type)
{
	unsigned n = 0;

	for (size_t at = 0; at < r->n_out; at += sp_get_be32(r->out + at + 1)) {
		assert_int_equal(r->out[at], 3);
		assert_true(at + sp_get_be32(r->out + at + 1) <= r->n_out);
		n += r->out[at + 5] == type;
	}
	return n;
}

/* The codec finds nothing odd. */
static void each_is_sound(const struct rig *r)
{
	void *st = sp_codec_bmp.open(sp_mem_system());

	assert_non_null(st);
	for (size_t at = 0; at < r->n_out;) {
		struct sp_codec_note note = { 0 };
		ptrdiff_t n = sp_codec_bmp.boundary(r->out + at, r->n_out - at);

		assert_true(n > 0);
		sp_codec_bmp.read(st, r->out + at, (size_t)n, &note);
		if (note.reason)
			fail_msg("a message of type %u at %zu: %s", note.type, at, note.reason);
		at += (size_t)n;
	}
	sp_codec_bmp.close(st);
}

static void bmp_tells_and_ends(void **state)
{
	static struct rig r;

	(void)state;
	open_rig(&r, &sp_proto_bmp, "300");
	assert_int_equal(sp_opts_set(r.ops->opts, r.conf, "peers", "3", "", &r.arena, NULL), 0);
	r.ops->close(r.proto);
	assert_int_equal(r.ops->open(&r.proto,
				     &(struct sp_proto_args){ .conf = r.conf, .seed = 3 },
				     sp_mem_system(), NULL),
			 0);
	r.ops->init(r.st, r.proto, r.now, &r.w);
	drive(&r, 10);
	assert_int_equal(bmp_count(&r, 4), 1);
	assert_int_equal(bmp_count(&r, 3), 1);
	assert_true(lines_of(&r) < 300);
	drive(&r, 100000);
	assert_int_equal(bmp_count(&r, 3), 3);
	assert_int_equal(bmp_count(&r, 0), r.sent);
	assert_int_equal(lines_of(&r), 900);
	r.now = r.w.timer_ns;
	r.ops->on_timer(r.st, r.now, &r.w);
	drive(&r, 0);
	assert_int_equal(bmp_count(&r, 1), 3);
	r.ops->on_end(r.st, r.now, &r.w);
	drive(&r, 0);
	assert_int_equal(bmp_count(&r, 2), 3);
	assert_int_equal(bmp_count(&r, 5), 1);
	each_is_sound(&r);
	assert_true(r.w.flags & SP_WISH_CLOSE);
	assert_int_equal(r.failed, 0);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_whole),
		cmocka_unit_test(the_largest_fit),
		cmocka_unit_test(truth_follows_the_messages),
		cmocka_unit_test(bgp_waits_tells_and_stays),
		cmocka_unit_test(bgp_ends_what_goes_wrong),
		cmocka_unit_test(bgp_names_what_the_peer_says),
		cmocka_unit_test(units_share_a_write),
		cmocka_unit_test(bmp_tells_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
