#include "cli/conversations_print.h"

#include <inttypes.h>

#include "base/json.h"

#define SHOWN 20u /* that were not equal, for people */

static const char *const states[] = { "not played", "not played", "equal",
				      "different",  "timeout",	  "failed" };

static uint32_t state_of(const struct sp_book_conversation *c)
{
	return c->state <= SP_BOOK_FAILED ? c->state : SP_BOOK_WAITS;
}

void sp_conversations_sum(const struct sp_conversations *all, struct sp_conversations_sum *s)
{
	uint64_t n[SP_BOOK_FAILED + 1] = { 0 };

	for (uint32_t i = 0; i < all->n; i++) {
		struct sp_book *b = all->books[i].book;

		for (uint32_t k = 0; k < b->conversations; k++)
			n[state_of(&sp_book_conversations(b)[k])]++;
	}
	*s = (struct sp_conversations_sum){
		.equal = n[SP_BOOK_EQUAL],
		.different = n[SP_BOOK_DIFFERENT],
		.timeout = n[SP_BOOK_TIMEOUT],
		.failed = n[SP_BOOK_FAILED],
		.not_played = n[SP_BOOK_WAITS] + n[SP_BOOK_PLAYS],
	};
	s->all = s->equal + s->different + s->timeout + s->failed + s->not_played;
}

static void put_one(struct sp_str *out, const struct sp_book_conversation *c)
{
	sp_str_printf(out, "  the one from packet %" PRIu64 " on: ", c->packet);
	if (state_of(c) == SP_BOOK_DIFFERENT || c->differ_at != SP_BOOK_NEVER)
		sp_str_printf(out,
			      "%s, the server's octets differ from byte %" PRIu64
			      " on (%" PRIu64 " came, %" PRIu64 " were recorded)\n",
			      states[state_of(c)], c->differ_at, c->got, c->want);
	else
		sp_str_printf(out, "%s (%" PRIu64 " octets came, %" PRIu64 " were recorded)\n",
			      states[state_of(c)], c->got, c->want);
}

static void put_left_out(const struct sp_conversations *all, struct sp_str *out)
{
	if (all->begun_before + all->holes + all->silent + all->datagrams == 0)
		return;
	sp_str_printf(out,
		      "left out: %" PRIu64 " that began before the capture, %" PRIu64
		      " with holes, %" PRIu64 " in which the client says nothing, %" PRIu64
		      " datagrams\n",
		      all->begun_before, all->holes, all->silent, all->datagrams);
}

void sp_conversations_text(const struct sp_conversations *all, struct sp_str *out)
{
	struct sp_conversations_sum s;
	unsigned shown = 0;

	sp_conversations_sum(all, &s);
	sp_str_printf(out,
		      "conversations %" PRIu64 ": %" PRIu64 " equal, %" PRIu64
		      " different, %" PRIu64 " without an answer in time, %" PRIu64
		      " failed, %" PRIu64 " not played\n",
		      s.all, s.equal, s.different, s.timeout, s.failed, s.not_played);
	for (uint32_t i = 0; i < all->n; i++) {
		struct sp_book *b = all->books[i].book;

		for (uint32_t k = 0; k < b->conversations && shown < SHOWN; k++) {
			const struct sp_book_conversation *c = &sp_book_conversations(b)[k];

			if (c->state == SP_BOOK_EQUAL)
				continue;
			put_one(out, c);
			shown++;
		}
	}
	if (shown == SHOWN)
		sp_str_puts(out, "  ... --json has all\n");
	put_left_out(all, out);
}

static void json_one(struct sp_json *j, const struct sp_conversation_book *book,
		     const struct sp_book_conversation *c)
{
	sp_json_open(j, NULL, '{');
	sp_json_u64(j, "packet", c->packet);
	sp_json_u64(j, "port", book->port);
	sp_json_str(j, "result", states[state_of(c)]);
	if (c->differ_at == SP_BOOK_NEVER)
		sp_json_null(j, "differs_at");
	else
		sp_json_u64(j, "differs_at", c->differ_at);
	sp_json_u64(j, "answer_bytes", c->got);
	sp_json_u64(j, "recorded_bytes", c->want);
	sp_json_close(j, '}');
}

void sp_conversations_json(const struct sp_conversations *all, struct sp_str *out)
{
	struct sp_conversations_sum s;
	struct sp_json j;

	sp_conversations_sum(all, &s);
	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "conversations", s.all);
	sp_json_u64(&j, "completed", s.equal + s.different);
	sp_json_u64(&j, "equal", s.equal);
	sp_json_u64(&j, "different", s.different);
	sp_json_u64(&j, "timeout", s.timeout);
	sp_json_u64(&j, "failed", s.failed);
	sp_json_u64(&j, "not_played", s.not_played);
	sp_json_open(&j, "left_out", '{');
	sp_json_u64(&j, "begun_before", all->begun_before);
	sp_json_u64(&j, "holes", all->holes);
	sp_json_u64(&j, "silent", all->silent);
	sp_json_u64(&j, "datagrams", all->datagrams);
	sp_json_close(&j, '}');
	sp_json_open(&j, "each", '[');
	for (uint32_t i = 0; i < all->n; i++)
		for (uint32_t k = 0; k < all->books[i].book->conversations; k++)
			json_one(&j, &all->books[i],
				 &sp_book_conversations(all->books[i].book)[k]);
	sp_json_close(&j, ']');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
