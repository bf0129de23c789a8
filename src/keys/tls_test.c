/* Two sides in one process over a socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keys/tls.h"

struct side {
	struct sp_key *key;
	struct sp_tls_ctx *ctx;
	struct sp_tls *tls;
	const struct sp_pubkey *wants; /* NULL: anybody */
	int fd, result;
};

struct pair {
	struct sp_mem_test mem;
	struct side client, server;
};

static bool accepts(void *arg, const struct sp_pubkey *key)
{
	const struct side *s = arg;

	return !s->wants || sp_pubkey_eq(s->wants, key);
}

static void open_side(struct side *s, const struct sp_mem *mem, int fd, bool server)
{
	struct sp_tls_conf conf = { .fd = fd, .server = server, .accept = accepts, .arg = s };

	s->fd = fd;
	assert_int_equal(sp_key_make(&s->key, mem, NULL), 0);
	assert_int_equal(sp_tls_ctx_new(&s->ctx, s->key, mem, NULL), 0);
	s->tls = sp_tls_new(s->ctx, &conf);
	assert_non_null(s->tls);
}

static void open_pair(struct pair *p)
{
	int fds[2];

	memset(p, 0, sizeof *p);
	sp_mem_test_init(&p->mem, UINT64_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	open_side(&p->client, &p->mem.mem, fds[0], false);
	open_side(&p->server, &p->mem.mem, fds[1], true);
}

static void close_side(struct side *s)
{
	sp_tls_free(s->tls);
	sp_tls_ctx_free(s->ctx);
	sp_key_free(s->key);
	if (s->fd >= 0)
		close(s->fd);
}

static void close_pair(struct pair *p)
{
	close_side(&p->client);
	close_side(&p->server);
	assert_int_equal(p->mem.live, 0);
}

/* Until both are done or one has failed. */
static void shake(struct pair *p)
{
	p->client.result = p->server.result = 0;
	for (int i = 0; i < 20; i++) {
		if (p->client.result == 0)
			p->client.result = sp_tls_handshake(p->client.tls);
		if (p->server.result == 0)
			p->server.result = sp_tls_handshake(p->server.tls);
	}
}

static void test_two_that_know_each_other(void **state)
{
	uint8_t a[SP_PAIR_BINDING], b[SP_PAIR_BINDING];
	struct pair p;
	char buf[64];

	(void)state;
	open_pair(&p);
	p.client.wants = sp_key_public(p.server.key);
	p.server.wants = sp_key_public(p.client.key);
	shake(&p);
	assert_int_equal(p.client.result, 1);
	assert_int_equal(p.server.result, 1);
	assert_true(sp_pubkey_eq(sp_tls_peer(p.client.tls), p.client.wants));
	assert_true(sp_pubkey_eq(sp_tls_peer(p.server.tls), p.server.wants));
	assert_int_equal(sp_tls_binding(p.client.tls, a), 0);
	assert_int_equal(sp_tls_binding(p.server.tls, b), 0);
	assert_memory_equal(a, b, sizeof a);
	assert_int_equal(sp_tls_read(p.server.tls, buf, sizeof buf), -EAGAIN);
	assert_int_equal(sp_tls_write(p.client.tls, "hello", 5), 5);
	assert_int_equal(sp_tls_read(p.server.tls, buf, 2), 2);
	assert_int_equal(sp_tls_buffered(p.server.tls), 3);
	assert_int_equal(sp_tls_read(p.server.tls, buf + 2, 60), 3);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(sp_tls_buffered(p.server.tls), 0);
	sp_tls_bye(p.client.tls);
	assert_int_equal(sp_tls_read(p.server.tls, buf, sizeof buf), 0);
	close_pair(&p);
}

static void test_wrong_keys(void **state)
{
	struct sp_key *other;
	struct pair p;
	char c;

	(void)state;
	assert_int_equal(sp_key_make(&other, sp_mem_system(), NULL), 0);
	open_pair(&p);
	p.client.wants = sp_key_public(other);
	shake(&p);
	assert_int_equal(p.client.result, -EACCES);
	assert_true(p.server.result < 0);
	close_pair(&p);
	/* The client is done before the server has seen its key: it learns at its first read. */
	open_pair(&p);
	p.server.wants = sp_key_public(other);
	shake(&p);
	assert_int_equal(p.server.result, -EACCES);
	if (p.client.result == 1)
		assert_true(sp_tls_read(p.client.tls, &c, 1) < 0);
	else
		assert_true(p.client.result < 0);
	close_pair(&p);
	sp_key_free(other);
}

/* Who relays has two sessions with different bindings, whatever keys it shows. */
static void test_who_is_in_the_middle(void **state)
{
	uint8_t a[SP_PAIR_BINDING], b[SP_PAIR_BINDING];
	struct pair left, right;

	(void)state;
	open_pair(&left);
	open_pair(&right);
	shake(&left);
	shake(&right);
	assert_int_equal(left.server.result, 1);
	assert_int_equal(right.server.result, 1);
	assert_int_equal(sp_tls_binding(left.client.tls, a), 0);
	assert_int_equal(sp_tls_binding(right.server.tls, b), 0);
	assert_memory_not_equal(a, b, sizeof a);
	close_pair(&left);
	close_pair(&right);
}

static void test_garbage(void **state)
{
	static const char *const texts[] = {
		"GET / HTTP/1.0\r\n\r\n",
		"\x16\x03\x01\x00\x05hello",
		"\x16\x03\x01\xff\xff",
		"\x15\x03\x03\x00\x02\x02\x28",
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	};
	static const size_t lens[] = { 18, 10, 5, 7, 12 };
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		open_pair(&p);
		assert_int_equal(send(p.client.fd, texts[i], lens[i], 0), lens[i]);
		close(p.client.fd);
		p.client.fd = -1;
		for (int k = 0; k < 5 && !p.server.result; k++)
			p.server.result = sp_tls_handshake(p.server.tls);
		assert_true(p.server.result < 0);
		/* It stays failed, and does no harm. */
		assert_true(sp_tls_handshake(p.server.tls) < 0);
		sp_tls_bye(p.server.tls);
		close_pair(&p);
	}
}

/* Half a hello is waited for without a word; a peer that goes away raises no signal. */
static void test_half_a_hello(void **state)
{
	uint8_t hello[4096];
	struct pair p;
	ssize_t n;
	char c;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	open_pair(&p);
	assert_int_equal(sp_tls_handshake(p.client.tls), 0);
	n = recv(p.server.fd, hello, sizeof hello, 0);
	assert_true(n > 100);
	assert_int_equal(send(p.client.fd, hello, (size_t)n / 2, 0), n / 2);
	assert_int_equal(sp_tls_handshake(p.server.tls), 0);
	assert_int_equal(sp_tls_handshake(p.server.tls), 0);
	assert_false(sp_tls_wants_write(p.server.tls));
	assert_int_equal(recv(p.client.fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(send(p.client.fd, hello + n / 2, (size_t)(n - n / 2), 0), n - n / 2);
	close(p.client.fd);
	p.client.fd = -1;
	assert_true(sp_tls_handshake(p.server.tls) < 0);
	close_pair(&p);
}

static void test_without_memory(void **state)
{
	struct sp_mem_test mem;
	struct sp_tls_ctx *ctx;
	struct sp_tls_conf conf = { .fd = -1 };
	struct sp_key *k;

	(void)state;
	assert_int_equal(sp_key_make(&k, sp_mem_system(), NULL), 0);
	sp_mem_test_init(&mem, 0);
	assert_int_equal(sp_tls_ctx_new(&ctx, k, &mem.mem, NULL), -ENOMEM);
	assert_int_equal(mem.live, 0);
	sp_mem_test_init(&mem, 1);
	assert_int_equal(sp_tls_ctx_new(&ctx, k, &mem.mem, NULL), 0);
	assert_null(sp_tls_new(ctx, &conf));
	sp_tls_ctx_free(ctx);
	assert_int_equal(mem.live, 0);
	sp_key_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_that_know_each_other),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_who_is_in_the_middle),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_half_a_hello),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
