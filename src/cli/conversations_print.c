#include "cli/conversations_print.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "capture/conversations_result.h"

#define SHOWN	 10u /* that were not equal, for people */
#define SHOWN_AT 8u  /* octets of each side, from the first that differs on */

/* ---- the first difference ---- */

/* Where it is: a step of the conversation, and what was recorded there from its offset on. */
struct place {
	bool recorded; /* false: what came is beyond all that was */
	uint32_t message;
	uint64_t packet, off, len;
	const uint8_t *want;
	size_t n_want;
};

static bool find_place(struct sp_book *b, const struct sp_book_conversation *c, struct place *p)
{
	const struct sp_book_step *s;

	*p = (struct place){ .message = c->differ_step + 1, .off = c->differ_off };
	if (c->differ_step > c->steps)
		return false;
	if (c->differ_step == c->steps)
		return true;
	s = &sp_book_steps(b)[c->first + c->differ_step];
	p->recorded = true;
	p->packet = s->packet;
	p->len = s->len;
	p->want = sp_book_octets(b) + s->at + c->differ_off;
	p->n_want = (size_t)(s->len - c->differ_off);
	return true;
}

static void put_octets(struct sp_str *out, const uint8_t *p, size_t n)
{
	bool text = n > 0;
	size_t shown = n < SHOWN_AT ? n : SHOWN_AT;

	for (size_t i = 0; i < shown; i++) {
		sp_str_printf(out, "%02x", p[i]);
		text &= isprint(p[i]) && p[i] != '"';
	}
	if (text)
		sp_str_printf(out, " \"%.*s\"", (int)shown, (const char *)p);
	if (n > shown)
		sp_str_puts(out, " ...");
	if (!n)
		sp_str_puts(out, "nothing");
}

static void put_difference(struct sp_str *out, const struct sp_book_conversation *c,
			   const struct place *p)
{
	if (!p->recorded) {
		sp_str_puts(out, "more came than was recorded: ");
		put_octets(out, c->shown, c->n_shown);
		return;
	}
	sp_str_printf(out,
		      "message %" PRIu32 " (packet %" PRIu64 " of the capture), offset %" PRIu64
		      " of %" PRIu64 ": expected ",
		      p->message, p->packet, p->off, p->len);
	put_octets(out, p->want, p->n_want);
	sp_str_puts(out, ", got ");
	put_octets(out, c->shown, c->n_shown);
}

/* ---- for people ---- */

/* The first recorded answer that did not come. */
static void put_missing(struct sp_str *out, struct sp_book *b,
			const struct sp_book_conversation *c)
{
	const struct sp_book_step *s = &sp_book_steps(b)[c->first];

	sp_str_printf(out, "%" PRIu32 " of %" PRIu32 " answers did not come", c->missing,
		      sp_conversation_answers(b, c));
	if (c->late)
		sp_str_printf(out, ", %" PRIu32 " came too late", c->late);
	for (uint32_t i = 0; i < c->steps; i++)
		if (s[i].by_server && s[i].answer == SP_ANSWER_MISSING) {
			sp_str_printf(out,
				      "; the first missing one is message %" PRIu32
				      " (packet %" PRIu64 " of the capture)",
				      i + 1, s[i].packet);
			return;
		}
}

static void put_unanswered(struct sp_str *out, struct sp_book *b,
			   const struct sp_book_conversation *c)
{
	struct place p;

	if (b->datagrams)
		put_missing(out, b, c);
	else if (c->state == SP_BOOK_FAILED)
		sp_str_puts(out, sp_conversation_why(c));
	else if (find_place(b, c, &p) && p.recorded)
		sp_str_printf(out,
			      "of message %" PRIu32 " (packet %" PRIu64
			      " of the capture) %" PRIu64 " of %" PRIu64 " octets came",
			      p.message, p.packet, p.off, p.len);
	else
		sp_str_printf(out, "%" PRIu64 " of %" PRIu64 " octets came", c->got, c->want);
}

static void put_different(struct sp_str *out, struct sp_book *b,
			  const struct sp_book_conversation *c)
{
	struct place p;

	if (find_place(b, c, &p))
		put_difference(out, c, &p);
	if (b->datagrams)
		sp_str_printf(out,
			      "; answers: %" PRIu32 " recorded, %" PRIu32 " alike, %" PRIu32
			      " differ, %" PRIu32 " missing, %" PRIu32 " more than recorded",
			      sp_conversation_answers(b, c), c->alike, c->differing, c->missing,
			      c->extra);
	else if (c->got != c->want)
		sp_str_printf(out, "; %" PRIu64 " octets came, %" PRIu64 " were recorded",
			      c->got, c->want);
}

/* between: the conversation's name, and what became of it. */
static void put_one(struct sp_str *out, struct sp_book *b, const struct sp_book_conversation *c,
		    const char *between)
{
	enum sp_conversation_result r = sp_conversation_result(c);
	char from[80], to[80];

	sp_str_printf(out, "%s %s to %s (from packet %" PRIu64 " on): %s",
		      b->datagrams ? "UDP" : "TCP",
		      sp_endpoint_format(from, sizeof from, &c->client),
		      sp_endpoint_format(to, sizeof to, &c->server), c->packet,
		      sp_conversation_result_name(r));
	if (r != SP_CONVERSATION_NOT_PLAYED)
		sp_str_puts(out, between);
	if (r == SP_CONVERSATION_DIFFERENT)
		put_different(out, b, c);
	else if (r == SP_CONVERSATION_UNANSWERED)
		put_unanswered(out, b, c);
	else if (r == SP_CONVERSATION_CUT)
		sp_str_printf(out, "%s; %" PRIu64 " of %" PRIu64 " octets of the server came",
			      sp_conversation_why(c), c->got, c->want);
	else if (r == SP_CONVERSATION_REFUSED)
		sp_str_puts(out, sp_conversation_why(c));
	sp_str_puts(out, "\n");
}

static void put_left_out(const struct sp_conversations *all, struct sp_str *out)
{
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{ all->begun_before, "that began before the capture" },
		{ all->holes, "with holes in the capture" },
		{ all->silent, "in which the client says nothing" },
		{ all->others, "that were not asked for" },
		{ all->unasked, "datagrams of servers before the first question" },
		{ all->groups, "datagrams to groups" },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!rows[i].n)
			continue;
		sp_str_printf(out, "%s%" PRIu64 " %s", any ? ", " : "left out: ", rows[i].n,
			      rows[i].what);
		any = true;
	}
	if (any)
		sp_str_puts(out, "\n");
}

static void put_sum(struct sp_str *out, const struct sp_conversations_sum *s)
{
	sp_str_printf(out,
		      "conversations %" PRIu64 " (%" PRIu64 " TCP, %" PRIu64 " UDP): ", s->all,
		      s->tcp, s->udp);
	for (unsigned r = 1; r < SP_CONVERSATION_RESULTS; r++)
		sp_str_printf(out, "%" PRIu64 " %s, ", s->of[r],
			      sp_conversation_result_name((enum sp_conversation_result)r));
	sp_str_printf(out, "%" PRIu64 " not played\n", s->of[SP_CONVERSATION_NOT_PLAYED]);
	if (s->udp)
		sp_str_printf(out,
			      "UDP answers: %" PRIu64 " recorded, %" PRIu64 " alike, %" PRIu64
			      " differ, %" PRIu64 " missing, %" PRIu64 " late, %" PRIu64
			      " more than recorded\n",
			      s->answers, s->alike, s->differing, s->missing, s->late,
			      s->extra);
}

/* Those that were not equal, the first few; before, between: what stands there in each. */
static void put_unequal(const struct sp_conversations *all, uint64_t n, struct sp_str *out,
			const char *before, const char *between)
{
	uint64_t shown = 0;

	for (uint32_t i = 0; i < all->n; i++) {
		struct sp_book *b = all->books[i].book;

		for (uint32_t k = 0; k < b->conversations && shown < SHOWN; k++) {
			const struct sp_book_conversation *c = &sp_book_conversations(b)[k];

			if (sp_conversation_result(c) == SP_CONVERSATION_EQUAL)
				continue;
			sp_str_puts(out, before);
			put_one(out, b, c, between);
			shown++;
		}
	}
	if (n > shown)
		sp_str_printf(out, "%sand %" PRIu64 " more; --json has all\n", before,
			      n - shown);
}

static void put_all(const struct sp_conversations *all, struct sp_str *out, const char *before,
		    const char *between)
{
	struct sp_conversations_sum s;

	sp_conversations_sum(all, &s);
	put_sum(out, &s);
	put_unequal(all, s.all - s.of[SP_CONVERSATION_EQUAL], out, before, between);
	put_left_out(all, out);
}

void sp_conversations_text(const struct sp_conversations *all,
			   const struct sp_conversations_run *run, struct sp_str *out)
{
	put_all(all, out, "  ", "\n    ");
	if (*run->remarks)
		sp_str_printf(out, "remarks:\n%s", run->remarks);
}

void sp_conversations_lines(const struct sp_conversations *all, struct sp_str *out)
{
	put_all(all, out, "", ": ");
}

/* ---- for programs ---- */

static void json_octets(struct sp_json *j, const char *key, const uint8_t *p, size_t n)
{
	char hex[2 * SP_BOOK_SHOWN + 1] = "";

	for (size_t i = 0; i < n && i < SP_BOOK_SHOWN; i++)
		snprintf(hex + 2 * i, 3, "%02x", p[i]);
	sp_json_str(j, key, hex);
}

static void json_difference(struct sp_json *j, struct sp_book *b,
			    const struct sp_book_conversation *c)
{
	struct place p;

	if (!find_place(b, c, &p)) {
		sp_json_null(j, "difference");
		return;
	}
	sp_json_open(j, "difference", '{');
	if (p.recorded) {
		sp_json_u64(j, "message", p.message);
		sp_json_u64(j, "packet", p.packet);
		sp_json_u64(j, "offset", p.off);
	} else {
		sp_json_null(j, "message");
		sp_json_null(j, "packet");
		sp_json_null(j, "offset");
	}
	json_octets(j, "expected", p.want, p.n_want);
	json_octets(j, "got", c->shown, c->n_shown);
	sp_json_close(j, '}');
}

static void json_answers(struct sp_json *j, uint64_t recorded, const uint64_t v[5])
{
	static const char *const keys[5] = { "alike", "differing", "missing", "late", "extra" };

	sp_json_open(j, "answers", '{');
	sp_json_u64(j, "recorded", recorded);
	for (unsigned i = 0; i < 5; i++)
		sp_json_u64(j, keys[i], v[i]);
	sp_json_close(j, '}');
}

static void json_one(struct sp_json *j, struct sp_book *b, const struct sp_book_conversation *c)
{
	enum sp_conversation_result r = sp_conversation_result(c);
	char text[80];

	sp_json_open(j, NULL, '{');
	sp_json_str(j, "protocol", b->datagrams ? "udp" : "tcp");
	sp_json_str(j, "client", sp_endpoint_format(text, sizeof text, &c->client));
	sp_json_str(j, "server", sp_endpoint_format(text, sizeof text, &c->server));
	sp_json_u64(j, "packet", c->packet);
	sp_json_str(j, "result", sp_conversation_result_key(r));
	sp_json_str(j, "why", c->state == SP_BOOK_FAILED ? sp_conversation_why(c) : NULL);
	if (c->differ_at == SP_BOOK_NEVER)
		sp_json_null(j, "differs_at");
	else
		sp_json_u64(j, "differs_at", c->differ_at);
	sp_json_u64(j, "answer_bytes", c->got);
	sp_json_u64(j, "recorded_bytes", c->want);
	if (b->datagrams)
		json_answers(j, sp_conversation_answers(b, c),
			     (const uint64_t[5]){ c->alike, c->differing, c->missing, c->late,
						  c->extra });
	else
		sp_json_null(j, "answers");
	json_difference(j, b, c);
	sp_json_close(j, '}');
}

static void json_left_out(struct sp_json *j, const struct sp_conversations *all)
{
	sp_json_open(j, "left_out", '{');
	sp_json_u64(j, "begun_before", all->begun_before);
	sp_json_u64(j, "holes", all->holes);
	sp_json_u64(j, "silent", all->silent);
	sp_json_u64(j, "others", all->others);
	sp_json_u64(j, "unasked_datagrams", all->unasked);
	sp_json_u64(j, "group_datagrams", all->groups);
	sp_json_close(j, '}');
}

static void json_remarks(struct sp_json *j, const char *remarks)
{
	char line[512];

	sp_json_open(j, "remarks", '[');
	while (*remarks) {
		size_t n = 0;

		while (remarks[n] && remarks[n] != '\n')
			n++;
		snprintf(line, sizeof line, "%.*s", (int)n, remarks);
		sp_json_str(j, NULL, line);
		remarks += n + (remarks[n] == '\n');
	}
	sp_json_close(j, ']');
}

void sp_conversations_json(const struct sp_conversations *all,
			   const struct sp_conversations_run *run, struct sp_str *out)
{
	struct sp_conversations_sum s;
	struct sp_json j;

	sp_conversations_sum(all, &s);
	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "conversations", s.all);
	sp_json_u64(&j, "tcp", s.tcp);
	sp_json_u64(&j, "udp", s.udp);
	sp_json_u64(&j, "played", s.all - s.of[SP_CONVERSATION_NOT_PLAYED]);
	for (unsigned r = 0; r < SP_CONVERSATION_RESULTS; r++)
		sp_json_u64(&j, sp_conversation_result_key((enum sp_conversation_result)r),
			    s.of[r]);
	json_answers(&j, s.answers,
		     (const uint64_t[5]){ s.alike, s.differing, s.missing, s.late, s.extra });
	json_left_out(&j, all);
	sp_json_str(&j, "damage", *all->damage ? all->damage : NULL);
	json_remarks(&j, run->remarks);
	sp_json_i64(&j, "exit_code", run->exit_code);
	sp_json_open(&j, "each", '[');
	for (uint32_t i = 0; i < all->n; i++)
		for (uint32_t k = 0; k < all->books[i].book->conversations; k++)
			json_one(&j, all->books[i].book,
				 &sp_book_conversations(all->books[i].book)[k]);
	sp_json_close(&j, ']');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
