#include "capture/conversations_result.h"

#include <stddef.h>

#include "plugin/proto.h"

static const struct {
	const char *name, *key;
} words[SP_CONVERSATION_RESULTS] = {
	[SP_CONVERSATION_NOT_PLAYED] = { "not played", "not_played" },
	[SP_CONVERSATION_EQUAL] = { "equal", "equal" },
	[SP_CONVERSATION_DIFFERENT] = { "different", "different" },
	[SP_CONVERSATION_UNANSWERED] = { "unanswered", "unanswered" },
	[SP_CONVERSATION_CUT] = { "cut", "cut" },
	[SP_CONVERSATION_REFUSED] = { "refused", "refused" },
};

const char *sp_conversation_result_name(enum sp_conversation_result r)
{
	return words[r].name;
}

const char *sp_conversation_result_key(enum sp_conversation_result r)
{
	return words[r].key;
}

enum sp_conversation_result sp_conversation_result(const struct sp_book_conversation *c)
{
	switch (c->state) {
	case SP_BOOK_EQUAL:
		return SP_CONVERSATION_EQUAL;
	case SP_BOOK_DIFFERENT:
		return SP_CONVERSATION_DIFFERENT;
	case SP_BOOK_TIMEOUT:
		return SP_CONVERSATION_UNANSWERED;
	case SP_BOOK_FAILED:
		return c->why == SP_WHY_REFUSED || c->why == SP_WHY_UNREACHABLE
			       ? SP_CONVERSATION_REFUSED
		       : c->why == SP_WHY_TIMEOUT ? SP_CONVERSATION_UNANSWERED
						  : SP_CONVERSATION_CUT;
	default:
		return SP_CONVERSATION_NOT_PLAYED;
	}
}

const char *sp_conversation_why(const struct sp_book_conversation *c)
{
	switch (c->why) {
	case SP_WHY_REFUSED:
		return "nobody listens there";
	case SP_WHY_UNREACHABLE:
		return "there is no way to the target";
	case SP_WHY_RESET:
		return "the server ended it before all was said and answered";
	case SP_WHY_TIMEOUT:
		return "there was no connection within 5 s";
	case SP_WHY_STOPPED:
		return "the run was stopped";
	default:
		return "the connection broke";
	}
}

uint32_t sp_conversation_answers(struct sp_book *b, const struct sp_book_conversation *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; b->datagrams && i < c->steps; i++)
		n += sp_book_steps(b)[c->first + i].by_server;
	return n;
}

static void add(struct sp_conversations_sum *s, struct sp_book *b,
		const struct sp_book_conversation *c)
{
	s->all++;
	s->udp += b->datagrams;
	s->tcp += !b->datagrams;
	s->of[sp_conversation_result(c)]++;
	s->answers += sp_conversation_answers(b, c);
	s->alike += c->alike;
	s->differing += c->differing;
	s->missing += c->missing;
	s->late += c->late;
	s->extra += c->extra;
}

void sp_conversations_sum(const struct sp_conversations *all, struct sp_conversations_sum *s)
{
	*s = (struct sp_conversations_sum){ .all = 0 };
	for (uint32_t i = 0; i < all->n; i++) {
		struct sp_book *b = all->books[i].book;

		for (uint32_t k = 0; k < b->conversations; k++)
			add(s, b, &sp_book_conversations(b)[k]);
	}
}
