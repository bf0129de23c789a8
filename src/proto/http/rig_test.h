/* The smallest lane: shows bytes to a machine in any pieces, writes what it wants, and keeps a log
 * in words, so that two ways of cutting the same bytes can be compared. Included by tests. */
#ifndef SP_PROTO_HTTP_RIG_TEST_H
#define SP_PROTO_HTTP_RIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/clock.h"
#include "proto/http/machine.h"

extern const struct sp_proto_ops sp_proto_http;

#define RIG_T0 SP_NS_PER_S

struct rig {
	const struct sp_proto_ops *ops;
	struct sp_proto *proto;
	union {
		uint8_t bytes[256];
		uint64_t align;
	} st;
	struct sp_wish w;
	uint64_t now;
	uint8_t kept[70000];
	size_t n_kept;
	char out[70000]; /* written; of long ones the first bytes */
	size_t n_out;
	uint64_t written;
	char log[4096]; /* an outcome a line */
	struct sp_txn last;
	unsigned sent, done;
	size_t take; /* most bytes that a write takes; 0: the far end reads nothing */
};

static inline struct sp_http_conf rig_conf(void)
{
	struct sp_http_conf c = { 0 };
	struct sp_arena arena;

	sp_arena_init(&arena, sp_mem_system());
	assert_int_equal(sp_opts_default(sp_http_opts, &c, &arena, NULL), 0);
	c.path = "/";
	sp_arena_fini(&arena);
	return c;
}

static inline __attribute__((format(printf, 2, 3))) void rig_log(struct rig *r, const char *fmt,
								 ...)
{
	size_t n = strlen(r->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->log + n, sizeof r->log - n, fmt, ap);
	va_end(ap);
}

/* "200+5", "400 reason", "- reason": the status, then the body's bytes or what was wrong. */
static inline void rig_outcome(struct rig *r)
{
	struct sp_txn t;

	memset(&t, 0x5a, sizeof t);
	r->ops->outcome(&r->st, &t);
	assert_true(t.start_ns && t.end_ns >= t.start_ns);
	if (t.status)
		rig_log(r, "%u", t.status);
	else
		rig_log(r, "-");
	if (t.flags & SP_TXN_WHOLE)
		rig_log(r, "+%llu", (unsigned long long)t.body_bytes);
	if (t.why != SP_WHY_NONE && t.why != SP_WHY_STATUS)
		rig_log(r, " %s", t.reason ? t.reason : "?");
	rig_log(r, "%s;", t.flags & SP_TXN_RETRY ? " retry" : "");
	r->last = t;
	r->done++;
}

static inline void rig_took(struct rig *r)
{
	assert_true(r->w.done <= 1);
	assert_true(r->w.n_out <= SP_WISH_OUT);
	r->sent += r->w.sent;
	if (r->w.done)
		rig_outcome(r);
}

/* Writes all that the far end takes. */
static inline void rig_write(struct rig *r)
{
	while (r->w.n_out && r->take && !(r->w.flags & SP_WISH_RESET)) {
		size_t n = 0;

		for (unsigned i = 0; i < r->w.n_out && n < r->take; i++) {
			size_t len = r->w.out[i].iov_len;

			assert_true(len > 0);
			if (len > r->take - n)
				len = r->take - n;
			if (r->n_out + len < sizeof r->out)
				memcpy(r->out + r->n_out, r->w.out[i].iov_base, len);
			r->n_out += len;
			n += len;
		}
		r->written += n;
		r->ops->on_wrote(&r->st, n, r->now, &r->w);
		rig_took(r);
	}
}

static inline bool rig_closed(const struct rig *r)
{
	return r->w.flags & SP_WISH_RESET || (r->w.flags & SP_WISH_CLOSE && !r->w.n_out);
}

/* Shows what is kept until the machine wants no more of it. */
static inline void rig_show(struct rig *r)
{
	while (r->n_kept && !(r->w.flags & SP_WISH_HOLD) && !rig_closed(r)) {
		/* A block of its exact size, so that a sanitizer sees each byte too far. */
		uint8_t *exact = malloc(r->n_kept);
		unsigned done = r->done;
		size_t n;

		memcpy(exact, r->kept, r->n_kept);
		n = r->ops->on_bytes(&r->st, exact, r->n_kept, r->now, &r->w);
		free(exact);
		assert_true(n <= r->n_kept);
		r->n_kept -= n;
		memmove(r->kept, r->kept + n, r->n_kept);
		rig_took(r);
		rig_write(r);
		if (!n && done == r->done && !(r->w.flags & SP_WISH_HOLD)) {
			assert_true(r->n_kept <= r->ops->keep_max);
			break;
		}
	}
}

static inline void rig_feed(struct rig *r, const void *data, size_t len)
{
	assert_true(r->n_kept + len <= sizeof r->kept);
	memcpy(r->kept + r->n_kept, data, len);
	r->n_kept += len;
	rig_show(r);
}

static inline void rig_eof(struct rig *r)
{
	if (rig_closed(r))
		return;
	r->ops->on_eof(&r->st, r->n_kept, r->now, &r->w);
	rig_took(r);
	rig_write(r);
}

/* Time passes; timers that are due by then fire at their time. */
static inline void rig_wait(struct rig *r, uint64_t ns)
{
	uint64_t until = r->now + ns;

	while (r->w.timer_ns <= until && !rig_closed(r)) {
		if (r->w.timer_ns > r->now)
			r->now = r->w.timer_ns;
		r->ops->on_timer(&r->st, r->now, &r->w);
		rig_took(r);
		rig_write(r);
		rig_show(r);
	}
	r->now = until;
}

static inline void rig_start(struct rig *r, uint32_t size)
{
	struct sp_token t = { .intended_ns = r->now - 5, .size = size };

	assert_int_equal(r->ops->start(&r->st, &t, r->now, &r->w), 0);
	rig_took(r);
	rig_write(r);
}

/* A new connection of the same stream. */
static inline void rig_connect(struct rig *r)
{
	memset(&r->st, 0x5a, sizeof r->st);
	r->n_kept = r->n_out = 0;
	r->written = 0;
	r->log[0] = '\0';
	r->sent = r->done = 0;
	r->now = RIG_T0;
	r->ops->init(&r->st, r->proto, r->now, &r->w);
	rig_took(r);
}

static inline struct rig *rig_new(const struct sp_proto_args *args)
{
	struct rig *r = calloc(1, sizeof *r);
	struct sp_err err = { 0 };

	assert_non_null(r);
	r->ops = &sp_proto_http;
	r->take = sizeof r->out;
	assert_true(r->ops->state_size <= sizeof r->st);
	if (r->ops->open(&r->proto, args, sp_mem_system(), &err))
		fail_msg("%s", err.text);
	rig_connect(r);
	return r;
}

static inline void rig_free(struct rig *r)
{
	r->ops->close(r->proto);
	free(r);
}

/* The bytes in pieces of one size, or of random ones of this mean. */
static inline void rig_pieces(struct rig *r, const char *data, size_t len, size_t piece,
			      struct sp_rng *rng)
{
	for (size_t at = 0; at < len;) {
		size_t n = rng ? 1 + (size_t)sp_rng_below(rng, 2 * piece) : piece;

		n = n < len - at ? n : len - at;
		rig_feed(r, data + at, n);
		at += n;
	}
}

#endif
