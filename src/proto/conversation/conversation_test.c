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

#include "core/clock.h"
#include "plugin/conversation.h"
#include "plugin/proto.h"

extern const struct sp_proto_ops sp_proto_conversation;
static const struct sp_proto_ops *const ops = &sp_proto_conversation;

/* "hello" > "HI THERE" < "bye" > "BYE" < */
struct book {
	struct sp_book head;
	struct sp_book_conversation c[1];
	struct sp_book_step s[4];
	char octets[19];
} __attribute__((packed));

static const struct book sample = {
	.head = { SP_BOOK_MAGIC, sizeof(struct book), 1, 4, 19, 0, 0 },
	.c = { { .steps = 4, .want = 11, .differ_at = SP_BOOK_NEVER } },
	.s = { { .at = 0, .len = 5 },
	       { .at = 5, .len = 8, .by_server = 1 },
	       { .at = 13,
		 .len = 3,
		 .before = 8,
		 .pause_ns = SP_NS_PER_S,
		 .t_ns = 3 * SP_NS_PER_S },
	       { .at = 16, .len = 3, .by_server = 1, .before = 8 } },
	.octets = { 'h', 'e', 'l', 'l', 'o', 'H', 'I', ' ', 'T', 'H', 'E', 'R', 'E', 'b', 'y',
		    'e', 'B', 'Y', 'E' },
};

struct played {
	int fd;
	struct sp_proto *p;
	struct sp_book *book;
	void *st;
	struct sp_wish w;
	uint64_t now_ns;
};

static int open_book(struct played *x, const void *book, size_t len, const char *words)
{
	struct sp_arena arena;
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT };
	struct sp_err err = { 0 };
	void *conf = calloc(1, ops->conf_size);
	char path[40], key[16];
	int rc;

	*x = (struct played){ .now_ns = SP_NS_PER_S };
	sp_arena_init(&arena, sp_mem_system());
	x->fd = memfd_create("book", 0);
	assert_int_equal(write(x->fd, book, len), len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", x->fd);
	assert_int_equal(sp_opts_default(ops->opts, conf, &arena, &err), 0);
	assert_int_equal(sp_opts_set(ops->opts, conf, "book", path, "book", &arena, &err), 0);
	if (*words) {
		size_t n = strcspn(words, "=");

		assert_true(n < sizeof key);
		memcpy(key, words, n);
		key[n] = '\0';
		assert_int_equal(sp_opts_set(ops->opts, conf, key, strchr(words, '=') + 1, key,
					     &arena, &err),
				 0);
	}
	args.conf = conf;
	rc = ops->open(&x->p, &args, sp_mem_system(), &err);
	sp_arena_fini(&arena);
	free(conf);
	return rc;
}

static void begin(struct played *x, const char *words)
{
	const struct sp_token t = { SP_NS_PER_S, 0 };

	assert_int_equal(open_book(x, &sample, sizeof sample, words), 0);
	x->book = mmap(NULL, sizeof sample, PROT_READ, MAP_SHARED, x->fd, 0);
	assert_ptr_not_equal(x->book, MAP_FAILED);
	x->st = calloc(1, ops->state_size);
	ops->init(x->st, x->p, x->now_ns, &x->w);
	assert_int_equal(x->w.flags, SP_WISH_READY);
	assert_int_equal(ops->start(x->st, &t, x->now_ns, &x->w), 0);
}

static void end(struct played *x)
{
	munmap(x->book, sizeof sample);
	ops->close(x->p);
	close(x->fd);
	free(x->st);
}

static void says(struct played *x, const char *text)
{
	assert_int_equal(x->w.n_out, 1);
	assert_int_equal(x->w.out[0].iov_len, strlen(text));
	assert_memory_equal(x->w.out[0].iov_base, text, strlen(text));
	ops->on_wrote(x->st, strlen(text), x->now_ns, &x->w);
}

static void hears(struct played *x, const char *text)
{
	assert_int_equal(
		ops->on_bytes(x->st, (const uint8_t *)text, strlen(text), x->now_ns, &x->w),
		strlen(text));
}

static struct sp_txn over(struct played *x, enum sp_book_state state)
{
	struct sp_txn t;

	assert_int_equal(x->w.done, 1);
	assert_int_equal(x->w.flags, SP_WISH_CLOSE);
	ops->outcome(x->st, &t);
	assert_int_equal(sp_book_conversations(x->book)->state, state);
	return t;
}

static uint64_t differs_at(const struct played *x)
{
	return sp_book_conversations(x->book)->differ_at;
}

static void equal(void **state)
{
	struct played x;
	struct sp_txn t;

	(void)state;
	begin(&x, "");
	says(&x, "hello");
	assert_int_equal(x.w.n_out, 0);
	hears(&x, "HI T");
	assert_int_equal(x.w.n_out, 0); /* not before all of the answer has come */
	hears(&x, "HERE");
	says(&x, "bye");
	assert_int_equal(x.w.sent, 1);
	hears(&x, "BYE");
	assert_int_equal(x.w.flags, SP_WISH_SHUT);
	ops->on_eof(x.st, 0, x.now_ns, &x.w);
	t = over(&x, SP_BOOK_EQUAL);
	assert_int_equal(t.status, 1);
	assert_int_equal(t.flags, SP_TXN_WHOLE);
	assert_int_equal(t.tx_bytes, 8);
	assert_int_equal(t.rx_bytes, 11);
	assert_true(differs_at(&x) == SP_BOOK_NEVER);
	end(&x);
}

static void other_octets(void **state)
{
	static const struct {
		const char *words;
		enum sp_book_state state;
		uint64_t at;
	} rows[] = { { "", SP_BOOK_DIFFERENT, 9 },
		     { "compare=length", SP_BOOK_EQUAL, SP_BOOK_NEVER },
		     { "compare=none", SP_BOOK_EQUAL, SP_BOOK_NEVER } };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct played x;

		begin(&x, rows[i].words);
		says(&x, "hello");
		hears(&x, "HI THEREB"); /* what comes early counts for the next answer */
		says(&x, "bye");
		hears(&x, "UY");
		x.now_ns += SP_NS_PER_S;
		ops->on_timer(x.st, x.now_ns, &x.w);
		over(&x, rows[i].state);
		assert_true(differs_at(&x) == rows[i].at);
		end(&x);
	}
}

static void other_lengths(void **state)
{
	struct played x;

	(void)state;
	begin(&x, "compare=length");
	says(&x, "hello");
	hears(&x, "HI THERE");
	says(&x, "bye");
	hears(&x, "BYE!!");
	ops->on_eof(x.st, 0, x.now_ns, &x.w);
	over(&x, SP_BOOK_DIFFERENT);
	assert_int_equal(differs_at(&x), 11);
	end(&x);
	begin(&x, "");
	says(&x, "hello");
	hears(&x, "HI THERE");
	says(&x, "bye");
	hears(&x, "B");
	ops->on_eof(x.st, 0, x.now_ns, &x.w);
	over(&x, SP_BOOK_DIFFERENT);
	assert_int_equal(differs_at(&x), 9);
	end(&x);
}

static void no_answer(void **state)
{
	struct played x;

	(void)state;
	begin(&x, "timeout=2s");
	says(&x, "hello");
	hears(&x, "HI");
	x.now_ns += 2 * SP_NS_PER_S - 1;
	ops->on_timer(x.st, x.now_ns, &x.w);
	assert_int_equal(x.w.done, 0);
	ops->on_timer(x.st, x.now_ns + 1, &x.w);
	assert_int_equal(over(&x, SP_BOOK_TIMEOUT).why, SP_WHY_TIMEOUT);
	assert_int_equal(differs_at(&x), 2);
	end(&x);
	begin(&x, "");
	says(&x, "hello");
	ops->on_eof(x.st, 0, x.now_ns, &x.w);
	over(&x, SP_BOOK_FAILED);
	end(&x);
	begin(&x, "");
	ops->on_close(x.st, SP_WHY_REFUSED, NULL, x.now_ns, &x.w);
	assert_int_equal(over(&x, SP_BOOK_FAILED).why, SP_WHY_REFUSED);
	assert_int_equal(sp_book_conversations(x.book)->why, SP_WHY_REFUSED);
	end(&x);
}

static void recorded_pauses(void **state)
{
	struct played x;

	(void)state;
	begin(&x, "times=recorded");
	says(&x, "hello");
	hears(&x, "HI THERE");
	assert_int_equal(x.w.n_out, 0);
	assert_true(x.w.timer_ns == x.now_ns + SP_NS_PER_S);
	x.now_ns += SP_NS_PER_S;
	ops->on_timer(x.st, x.now_ns, &x.w);
	says(&x, "bye");
	end(&x);
}

/* Answers of other lengths than were recorded, shorter and longer, hold nobody up. */
static void server_pauses(void **state)
{
	static const struct {
		const char *first, *last;
		uint64_t at;
	} rows[] = { { "HI", "B", 2 }, { "HI THERE, FRIEND", "BYE", 8 } };
	struct played x;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin(&x, "await=pause");
		says(&x, "hello");
		hears(&x, rows[i].first);
		if (!i) {
			assert_int_equal(x.w.n_out, 0);
			assert_true(x.w.timer_ns == x.now_ns + 200 * SP_NS_PER_MS);
			x.now_ns = x.w.timer_ns;
			ops->on_timer(x.st, x.now_ns, &x.w);
		}
		says(&x, "bye");
		assert_int_equal(x.w.n_out, 0);
		assert_int_equal(x.w.flags, 0); /* what came for the first counts no more */
		hears(&x, rows[i].last);
		x.now_ns += 200 * SP_NS_PER_MS;
		ops->on_timer(x.st, x.now_ns, &x.w);
		assert_int_equal(x.w.flags, SP_WISH_SHUT);
		ops->on_eof(x.st, 0, x.now_ns, &x.w);
		over(&x, SP_BOOK_DIFFERENT);
		assert_int_equal(differs_at(&x), rows[i].at);
		end(&x);
	}
	/* Silence is no pause. */
	begin(&x, "await=pause");
	says(&x, "hello");
	x.now_ns += SP_NS_PER_S;
	ops->on_timer(x.st, x.now_ns, &x.w);
	assert_int_equal(x.w.n_out, 0);
	assert_int_equal(x.w.done, 0);
	end(&x);
	/* All as it was: nobody waits for a pause. */
	begin(&x, "await=pause");
	says(&x, "hello");
	hears(&x, "HI THERE");
	says(&x, "bye");
	hears(&x, "BYE");
	assert_int_equal(x.w.flags, SP_WISH_SHUT);
	ops->on_eof(x.st, 0, x.now_ns, &x.w);
	over(&x, SP_BOOK_EQUAL);
	end(&x);
	begin(&x, "await=none");
	says(&x, "hello");
	says(&x, "bye");
	hears(&x, "HI THEREBYE");
	ops->on_eof(x.st, 0, x.now_ns, &x.w);
	over(&x, SP_BOOK_EQUAL);
	end(&x);
}

static void only_once(void **state)
{
	const struct sp_token t = { SP_NS_PER_S, 0 };
	struct played x;

	(void)state;
	begin(&x, "");
	ops->init(x.st, x.p, x.now_ns, &x.w);
	assert_int_equal(ops->start(x.st, &t, x.now_ns, &x.w), -EAGAIN); /* the book is over */
	end(&x);
}

static void damaged(void **state)
{
	uint8_t bytes[sizeof sample];
	struct played x;

	(void)state;
	for (size_t n = 0; n < sizeof sample; n++) {
		assert_int_not_equal(open_book(&x, &sample, n, ""), 0);
		close(x.fd);
	}
	for (size_t i = 0; i < sizeof sample - sizeof sample.octets; i++) {
		memcpy(bytes, &sample, sizeof sample);
		bytes[i] ^= 0x80;
		if (!open_book(&x, bytes, sizeof bytes, ""))
			ops->close(x.p); /* it was a result, a time or a count of octets */
		close(x.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal),	   cmocka_unit_test(other_octets),
		cmocka_unit_test(other_lengths),   cmocka_unit_test(no_answer),
		cmocka_unit_test(recorded_pauses), cmocka_unit_test(server_pauses),
		cmocka_unit_test(only_once),	   cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
