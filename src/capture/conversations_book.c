#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capture/conversations_impl.h"

/* Those of one book. */
struct choice {
	uint16_t port; /* 0: any */
	bool udp;
};

static bool is_asked(const struct talk *t, const struct sp_conversations_conf *conf)
{
	return (t->udp ? conf->udp : conf->tcp) &&
	       (!conf->port || t->server.port == conf->port);
}

/* Only those that are asked for are counted as left out for another reason. */
static bool is_left_out(struct sp_conversations *out, const struct talk *t,
			const struct sp_conversations_conf *conf)
{
	if (!is_asked(t, conf))
		out->others++;
	else if (!t->begun)
		out->begun_before++;
	else if (t->hole)
		out->holes++;
	else if (!t->spoke)
		out->silent++;
	else
		return false;
	return true;
}

static bool belongs(const struct talk *t, const struct choice *c)
{
	return t->begun && !t->hole && t->spoke && t->udp == c->udp &&
	       (!c->port || t->server.port == c->port);
}

static uint64_t since(int64_t from, int64_t to)
{
	return to > from ? (uint64_t)(to - from) : 0;
}

static uint64_t count_octets(const struct conversations *r, const struct talk *t)
{
	uint64_t n = 0;

	for (uint32_t i = t->first; i != TALK_NONE; i = r->said[i].next)
		n += r->said[i].len;
	return n;
}

static int by_time(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

/* The most that went on at a time. Beginnings in order, each with the ends that were before it. */
static int at_once(const struct conversations *r, const struct choice *c, uint32_t *most)
{
	int64_t *begins = sp_alloc_array(r->mem, r->talks, 2 * sizeof *begins);
	int64_t *ends;
	uint32_t n = 0, over = 0;

	if (!begins)
		return -ENOMEM;
	ends = begins + r->talks;
	for (uint32_t i = 0; i < r->talks; i++)
		if (belongs(&r->talk[i], c)) {
			begins[n] = r->talk[i].start_ns;
			ends[n++] = r->talk[i].end_ns;
		}
	qsort(begins, n, sizeof *begins, by_time);
	qsort(ends, n, sizeof *ends, by_time);
	*most = 0;
	for (uint32_t i = 0; i < n; i++) {
		while (ends[over] < begins[i])
			over++;
		*most = i + 1 - over > *most ? i + 1 - over : *most;
	}
	sp_free(r->mem, begins);
	return 0;
}

/* A book while it is written: how far its parts are filled. */
struct writing {
	struct sp_book *b;
	uint32_t talk, step;
	uint64_t octet;
};

static void write_steps(const struct conversations *r, const struct talk *t, struct writing *w)
{
	int64_t last_ns = t->start_ns;

	for (uint32_t i = t->first; i != TALK_NONE; i = r->said[i].next) {
		const struct said *s = &r->said[i];

		sp_book_steps(w->b)[w->step++] = (struct sp_book_step){
			.at = w->octet,
			.len = s->len,
			.before = s->before,
			.pause_ns = since(last_ns, s->t_ns),
			.t_ns = since(t->start_ns, s->t_ns),
			.packet = s->packet,
			.by_server = s->by_server
		};
		if (s->len)
			memcpy(sp_book_octets(w->b) + w->octet, r->octets + s->at, s->len);
		w->octet += s->len;
		last_ns = s->end_ns;
	}
}

static void write_talk(const struct conversations *r, const struct talk *t, int64_t first_ns,
		       struct writing *w)
{
	sp_book_conversations(w->b)[w->talk++] = (struct sp_book_conversation){
		.client = t->client,
		.server = t->server,
		.first = w->step,
		.steps = t->steps,
		.start_ns = since(first_ns, t->start_ns),
		.want = t->want,
		.packet = t->packet,
		.differ_at = SP_BOOK_NEVER,
		.differ_step = UINT32_MAX
	};
	write_steps(r, t, w);
}

static int write_book(struct conversations *r, const struct choice *c,
		      struct sp_conversation_book *to)
{
	struct sp_book head = { .magic = SP_BOOK_MAGIC, .datagrams = c->udp };
	int64_t first_ns = INT64_MAX;
	struct writing w = { 0 };

	for (uint32_t i = 0; i < r->talks; i++) {
		const struct talk *t = &r->talk[i];

		if (!belongs(t, c))
			continue;
		head.conversations++;
		head.steps += t->steps;
		head.octets += count_octets(r, t);
		first_ns = t->start_ns < first_ns ? t->start_ns : first_ns;
	}
	head.size = sp_book_size(head.conversations, head.steps, head.octets);
	w.b = sp_alloc_array(r->mem, head.size, 1);
	if (!w.b)
		return -ENOMEM;
	*w.b = head;
	*to = (struct sp_conversation_book){ .port = c->port, .udp = c->udp, .book = w.b };
	for (uint32_t i = 0; i < r->talks; i++)
		if (belongs(&r->talk[i], c))
			write_talk(r, &r->talk[i], first_ns, &w);
	return at_once(r, c, &to->at_once);
}

static bool has_book(const struct sp_conversations *out, const struct choice *c)
{
	for (uint32_t i = 0; i < out->n; i++)
		if (out->books[i].port == c->port && out->books[i].udp == c->udp)
			return true;
	return false;
}

static int nothing(const struct conversations *r)
{
	const struct sp_conversations *out = r->out;

	return sp_fail(r->err, -ENOENT, SP_EXIT_DATA,
		       "%s: there is no whole TCP or UDP conversation in it that could be "
		       "played: %" PRIu64 " began before the capture, %" PRIu64
		       " have holes, in %" PRIu64 " the client says nothing, %" PRIu64
		       " were not asked for",
		       r->path, out->begun_before, out->holes, out->silent, out->others);
}

int sp_conversations_write(struct conversations *r, const struct sp_conversations_conf *conf)
{
	struct sp_conversations *out = r->out;
	int rc = 0;

	for (uint32_t i = 0; i < r->talks && !rc; i++) {
		const struct talk *t = &r->talk[i];
		struct choice c = { conf->one_book ? conf->port : t->server.port, t->udp };

		if (is_left_out(out, t, conf) || has_book(out, &c))
			continue;
		if (out->n == SP_CONVERSATION_BOOKS)
			return sp_fail(r->err, -E2BIG, SP_EXIT_DATA,
				       "%s: servers with more than %u port numbers; choose one "
				       "by --server-port, or give the target a port",
				       r->path, SP_CONVERSATION_BOOKS);
		rc = write_book(r, &c, &out->books[out->n++]);
	}
	return rc || out->n ? rc : nothing(r);
}
