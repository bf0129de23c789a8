#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "core/clock.h"
#include "plugin/conversation.h"
#include "plugin/proto.h"

extern const struct sp_proto_ops sp_proto_conversation;
static const struct sp_proto_ops *const ops = &sp_proto_conversation;

/* A conversation as it is written here: a line each, "> text" of the client, "< text" of the
 * server; a digit in front of the arrow is the pause before it, in seconds. */
#define STEPS 12u
#define TEXT  400u
struct rig {
	int fd;
	size_t size;
	struct sp_proto *p;
	struct sp_book *book;
	void *st;
	struct sp_wish w;
	uint64_t now_ns;
};

static size_t write_book(struct sp_book *b, const char *const *lines)
{
	struct sp_book_step s[STEPS] = { 0 };
	struct sp_book_conversation c = { .differ_at = SP_BOOK_NEVER };
	char text[TEXT];
	uint64_t t_ns = 0, before = 0;

	*b = (struct sp_book){ .magic = SP_BOOK_MAGIC, .conversations = 1, .datagrams = 1 };
	for (; lines[b->steps]; b->steps++) {
		const char *line = lines[b->steps];
		uint64_t pause = 0;

		if (*line >= '0' && *line <= '9')
			pause = (unsigned)(*line++ - '0') * SP_NS_PER_S;
		t_ns += pause;
		s[b->steps] = (struct sp_book_step){ .at = b->octets,
						     .len = strlen(line + 2),
						     .before = before,
						     .pause_ns = pause,
						     .t_ns = t_ns,
						     .by_server = *line == '<' };
		before += *line == '<';
		c.want += *line == '<' ? strlen(line + 2) : 0;
		memcpy(text + b->octets, line + 2, strlen(line + 2));
		b->octets += strlen(line + 2);
	}
	c.steps = b->steps;
	b->size = sp_book_size(1, b->steps, b->octets);
	*sp_book_conversations(b) = c;
	memcpy(sp_book_steps(b), s, b->steps * sizeof *s);
	memcpy(sp_book_octets(b), text, b->octets);
	return b->size;
}

static void set(void *conf, const char *words, struct sp_arena *arena)
{
	char key[16];
	struct sp_err err = { 0 };
	size_t n = strcspn(words, "=");

	if (!*words)
		return;
	assert_true(n < sizeof key);
	memcpy(key, words, n);
	key[n] = '\0';
	assert_int_equal(sp_opts_set(ops->opts, conf, key, words + n + 1, key, arena, &err), 0);
}

static void begin(struct rig *x, const char *const *lines, const char *words,
		  const char *words2)
{
	static const struct sp_token token = { SP_NS_PER_S, 0 };
	uint64_t room[1024];
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT };
	void *conf = calloc(1, ops->conf_size);
	struct sp_err err = { 0 };
	struct sp_arena arena;
	char path[40];

	*x = (struct rig){ .now_ns = SP_NS_PER_S };
	x->size = write_book((void *)room, lines);
	assert_true(x->size <= sizeof room);
	x->fd = memfd_create("book", 0);
	assert_int_equal(write(x->fd, room, x->size), x->size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", x->fd);
	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_opts_default(ops->opts, conf, &arena, &err), 0);
	assert_int_equal(sp_opts_set(ops->opts, conf, "book", path, "book", &arena, &err), 0);
	set(conf, words, &arena);
	set(conf, words2, &arena);
	args.conf = conf;
	assert_int_equal(ops->open(&x->p, &args, sp_mem_system(), &err), 0);
	sp_arena_fini(&arena);
	free(conf);
	x->book = mmap(NULL, x->size, PROT_READ, MAP_SHARED, x->fd, 0);
	assert_ptr_not_equal(x->book, MAP_FAILED);
	x->st = calloc(1, ops->state_size);
	ops->init(x->st, x->p, x->now_ns, &x->w);
	assert_int_equal(ops->start(x->st, &token, x->now_ns, &x->w), 0);
}

static const struct sp_book_conversation *ended(struct rig *x, enum sp_book_state state)
{
	const struct sp_book_conversation *c = sp_book_conversations(x->book);
	struct sp_txn t;

	assert_int_equal(x->w.done, 1);
	assert_int_equal(x->w.flags, SP_WISH_CLOSE);
	ops->outcome(x->st, &t);
	assert_int_equal(c->state, state);
	assert_int_equal(t.flags, state == SP_BOOK_EQUAL || state == SP_BOOK_DIFFERENT
					  ? SP_TXN_WHOLE
					  : 0);
	return c;
}

static void end(struct rig *x)
{
	munmap(x->book, x->size);
	ops->close(x->p);
	close(x->fd);
	free(x->st);
}

static void says(struct rig *x, const char *text)
{
	size_t len = strlen(text), all = 2;
	const uint8_t *head = x->w.out[0].iov_base;

	assert_int_equal(x->w.n_out, len ? 2 : 1);
	assert_int_equal(x->w.out[0].iov_len, 2);
	assert_int_equal(sp_get_be16(head), len);
	if (len) {
		assert_int_equal(x->w.out[1].iov_len, len);
		assert_memory_equal(x->w.out[1].iov_base, text, len);
		all += len;
	}
	ops->on_wrote(x->st, all, x->now_ns, &x->w);
}

static void is_quiet(const struct rig *x)
{
	assert_int_equal(x->w.n_out, 0);
	assert_int_equal(x->w.done, 0);
}

static void hears(struct rig *x, const char *text)
{
	size_t len = strlen(text);
	uint8_t bytes[2 + TEXT];

	sp_put_be16(bytes, (uint16_t)len);
	memcpy(bytes + 2, text, len);
	assert_int_equal(ops->on_bytes(x->st, bytes, 2 + len, x->now_ns, &x->w), 2 + len);
}

static void waits(struct rig *x, uint64_t ns)
{
	x->now_ns += ns;
	ops->on_timer(x->st, x->now_ns, &x->w);
}

static const char *const asks[] = { "> a?", "< a=1", "> b?", "< b=2", NULL };

static void equal(void **state)
{
	struct rig x;
	const struct sp_book_conversation *c;

	(void)state;
	begin(&x, asks, "", "");
	says(&x, "a?");
	is_quiet(&x);
	hears(&x, "a=1");
	says(&x, "b?");
	hears(&x, "b=2");
	is_quiet(&x);
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_EQUAL);
	assert_int_equal(c->alike, 2);
	assert_int_equal(c->got, 6);
	assert_int_equal(c->differ_step, UINT32_MAX);
	end(&x);
}

static void other_octet(void **state)
{
	static const struct {
		const char *words;
		enum sp_book_state state;
		uint32_t differing;
	} rows[] = { { "", SP_BOOK_DIFFERENT, 1 },
		     { "compare=length", SP_BOOK_EQUAL, 0 },
		     { "compare=none", SP_BOOK_EQUAL, 0 } };
	const struct sp_book_conversation *c;
	struct rig x;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		begin(&x, asks, rows[i].words, "");
		says(&x, "a?");
		hears(&x, "a=1");
		says(&x, "b?");
		hears(&x, "b=7");
		waits(&x, SP_NS_PER_S);
		c = ended(&x, rows[i].state);
		assert_int_equal(c->differing, rows[i].differing);
		if (rows[i].differing) {
			assert_int_equal(c->differ_step, 3);
			assert_int_equal(c->differ_off, 2);
			assert_int_equal(c->n_shown, 1);
			assert_int_equal(c->shown[0], '7');
		}
		end(&x);
	}
}

static void other_length(void **state)
{
	const struct sp_book_conversation *c;
	struct rig x;

	(void)state;
	begin(&x, asks, "compare=length", "");
	says(&x, "a?");
	hears(&x, "a=11");
	says(&x, "b?");
	hears(&x, "b=");
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_DIFFERENT);
	assert_int_equal(c->differing, 2);
	assert_int_equal(c->differ_step, 1);
	assert_int_equal(c->differ_off, 3);
	end(&x);
}

/* The client goes on without it, and it is counted. */
static void missing(void **state)
{
	const struct sp_book_conversation *c;
	struct rig x;

	(void)state;
	begin(&x, asks, "timeout=2s", "");
	says(&x, "a?");
	waits(&x, 2 * SP_NS_PER_S - 1);
	is_quiet(&x);
	waits(&x, 1);
	says(&x, "b?");
	hears(&x, "b=2");
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_TIMEOUT);
	assert_int_equal(c->alike, 1);
	assert_int_equal(c->missing, 1);
	assert_int_equal(c->differing, 0);
	end(&x);
	/* One that comes after all is no answer to what was asked since. */
	begin(&x, asks, "timeout=2s", "");
	says(&x, "a?");
	waits(&x, 2 * SP_NS_PER_S);
	says(&x, "b?");
	hears(&x, "a=1");
	is_quiet(&x);
	hears(&x, "b=2");
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_TIMEOUT);
	assert_int_equal(c->alike, 2);
	assert_int_equal(c->missing, 0);
	assert_int_equal(c->late, 1);
	end(&x);
	/* Nobody answers at all. */
	begin(&x, asks, "timeout=2s", "");
	says(&x, "a?");
	waits(&x, 2 * SP_NS_PER_S);
	says(&x, "b?");
	waits(&x, 2 * SP_NS_PER_S);
	is_quiet(&x);
	waits(&x, SP_NS_PER_S);
	assert_int_equal(ended(&x, SP_BOOK_TIMEOUT)->missing, 2);
	end(&x);
}

static void twice(void **state)
{
	const struct sp_book_conversation *c;
	struct rig x;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin(&x, asks, i ? "compare=none" : "", "");
		says(&x, "a?");
		hears(&x, "a=1");
		says(&x, "b?");
		if (!i) { /* with none any datagram is as good as the next */
			hears(&x, "a=1");
			is_quiet(&x);
		}
		hears(&x, "b=2");
		hears(&x, "b=2");
		waits(&x, SP_NS_PER_S);
		c = ended(&x, i ? SP_BOOK_EQUAL : SP_BOOK_DIFFERENT);
		assert_int_equal(c->alike, 2);
		assert_int_equal(c->differing, 0);
		assert_int_equal(c->extra, i ? 1 : 2);
		assert_int_equal(c->differ_step, i ? UINT32_MAX : 4);
		end(&x);
	}
}

static const char *const both[] = { "> 1a?", "> 2b?", "< 1a=1", "< 2b=2", NULL };

/* In another order they are the same answers. */
static void order(void **state)
{
	const struct sp_book_conversation *c;
	struct rig x;

	(void)state;
	begin(&x, both, "", "");
	says(&x, "1a?");
	says(&x, "2b?");
	hears(&x, "2b=2");
	hears(&x, "1a=1");
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_EQUAL);
	assert_int_equal(c->alike, 2);
	end(&x);
	/* One that is another is compared with the one that begins most alike. */
	begin(&x, both, "", "");
	says(&x, "1a?");
	says(&x, "2b?");
	hears(&x, "2b=9");
	hears(&x, "1a=1");
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_DIFFERENT);
	assert_int_equal(c->alike, 1);
	assert_int_equal(c->differing, 1);
	assert_int_equal(c->differ_step, 3);
	assert_int_equal(c->differ_off, 3);
	end(&x);
	/* A stray is not taken for an answer that comes after all. */
	begin(&x, both, "", "");
	says(&x, "1a?");
	says(&x, "2b?");
	hears(&x, "zzzz");
	hears(&x, "1a=1");
	hears(&x, "2b=2");
	waits(&x, SP_NS_PER_S);
	c = ended(&x, SP_BOOK_DIFFERENT);
	assert_int_equal(c->alike, 2);
	assert_int_equal(c->differing, 0);
	assert_int_equal(c->extra, 1);
	end(&x);
	/* An early answer does not let the client go on twice. */
	begin(&x, both, "", "");
	says(&x, "1a?");
	hears(&x, "1a=1");
	says(&x, "2b?");
	is_quiet(&x);
	hears(&x, "2b=2");
	waits(&x, SP_NS_PER_S);
	ended(&x, SP_BOOK_EQUAL);
	end(&x);
}

static const char *const tells[] = { "> x", "2> x", "> ", "3< ok", "4> y", NULL };

/* Its own datagrams keep their distance, whatever the times are; the same twice is two. */
static void pauses(void **state)
{
	struct rig x;

	(void)state;
	begin(&x, tells, "", "");
	says(&x, "x");
	is_quiet(&x);
	assert_true(x.w.timer_ns == x.now_ns + 2 * SP_NS_PER_S);
	waits(&x, 2 * SP_NS_PER_S + 7);
	says(&x, "x");
	x.now_ns += 100;
	says(&x, ""); /* an empty one is one, too */
	is_quiet(&x);
	hears(&x, "ok");
	says(&x, "y");
	waits(&x, SP_NS_PER_S);
	ended(&x, SP_BOOK_EQUAL);
	end(&x);
	begin(&x, tells, "times=recorded", "timeout=1s");
	says(&x, "x");
	waits(&x, 2 * SP_NS_PER_S); /* longer than an answer may take, and none is waited for */
	says(&x, "x");
	says(&x, "");
	hears(&x, "ok");
	is_quiet(&x);
	waits(&x, 4 * SP_NS_PER_S);
	says(&x, "y");
	end(&x);
}

static void waits_for_nothing(void **state)
{
	struct rig x;

	(void)state;
	begin(&x, tells, "await=none", "");
	says(&x, "x");
	waits(&x, 2 * SP_NS_PER_S);
	says(&x, "x");
	says(&x, "");
	is_quiet(&x);
	waits(&x, 7 * SP_NS_PER_S); /* as it was recorded, though nothing has come */
	says(&x, "y");
	is_quiet(&x);
	hears(&x, "ok");
	waits(&x, SP_NS_PER_S);
	ended(&x, SP_BOOK_EQUAL);
	end(&x);
}

static void refused(void **state)
{
	static const char *const one_way[] = { "> x", NULL };
	struct rig x;

	(void)state;
	begin(&x, asks, "", "");
	says(&x, "a?");
	ops->on_close(x.st, SP_WHY_REFUSED, NULL, x.now_ns, &x.w);
	assert_int_equal(x.w.done, 1);
	assert_int_equal(sp_book_conversations(x.book)->state, SP_BOOK_FAILED);
	assert_int_equal(sp_book_conversations(x.book)->why, SP_WHY_REFUSED);
	end(&x);
	begin(&x, one_way, "", "");
	says(&x, "x");
	is_quiet(&x); /* all was said, but the network may have something to say */
	ops->on_close(x.st, SP_WHY_REFUSED, NULL, x.now_ns, &x.w);
	assert_int_equal(sp_book_conversations(x.book)->state, SP_BOOK_FAILED);
	end(&x);
}

/* Several at once, and one in pieces. */
static void pieces(void **state)
{
	static const uint8_t bytes[] = { 0, 3, 'a', '=', '1', 0, 0, 0, 3, 'b', '=' };
	static const uint8_t rest[] = { 0, 3, 'b', '=', '2' };
	struct rig x;

	(void)state;
	begin(&x, asks, "", "");
	says(&x, "a?");
	assert_int_equal(ops->on_bytes(x.st, bytes, 1, x.now_ns, &x.w), 0);
	assert_int_equal(ops->on_bytes(x.st, bytes, sizeof bytes, x.now_ns, &x.w), 7);
	assert_int_equal(sp_book_conversations(x.book)->extra, 0);
	says(&x, "b?");
	assert_int_equal(ops->on_bytes(x.st, rest, sizeof rest, x.now_ns, &x.w), 5);
	waits(&x, SP_NS_PER_S);
	/* The empty one was taken for what was awaited, until that came. */
	assert_int_equal(ended(&x, SP_BOOK_DIFFERENT)->extra, 1);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal),	cmocka_unit_test(other_octet),
		cmocka_unit_test(other_length), cmocka_unit_test(missing),
		cmocka_unit_test(twice),	cmocka_unit_test(order),
		cmocka_unit_test(pauses),	cmocka_unit_test(waits_for_nothing),
		cmocka_unit_test(refused),	cmocka_unit_test(pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
