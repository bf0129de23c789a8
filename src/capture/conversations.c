#include "capture/conversations.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capio/reassembly.h"
#include "plugin/proto.h"

#define NONE	  UINT32_MAX
#define STEP_MOST (16u << 20)

/* What was said, in the order in which it was complete. */
struct said {
	uint64_t at, len; /* in octets */
	uint64_t before;  /* of the server */
	int64_t t_ns;
	uint32_t next; /* of the same conversation; NONE: it is the last */
	bool by_server;
};

struct talk {
	uint32_t first, last; /* said */
	uint32_t steps;
	uint16_t port;
	uint64_t want, packet;
	int64_t start_ns, end_ns;
	bool begun, hole, spoke; /* spoke: the client did */
};

struct reading {
	const struct sp_mem *mem;
	struct sp_conversations *out;
	struct talk *talk;
	uint32_t talks, talk_cap;
	struct said *said;
	uint32_t n_said, said_cap;
	uint8_t *octets;
	uint64_t n_octets, octets_cap;
	uint32_t *of; /* talk + 1 of each stream */
	uint32_t streams, of_cap;
	const char *path;
	struct sp_err *err;
};

/* Room for one more of size octets. */
static int grow(const struct reading *r, void *array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 256;
	void *old, *bigger;

	if (n < *cap)
		return 0;
	memcpy(&old, array, sizeof old);
	bigger = sp_alloc_array(r->mem, more, size);
	if (!bigger)
		return -ENOMEM;
	if (n)
		memcpy(bigger, old, n * size);
	sp_free(r->mem, old);
	memcpy(array, &bigger, sizeof bigger);
	*cap = more;
	return 0;
}

static int too_much(const struct reading *r)
{
	return sp_fail(
		r->err, -E2BIG, SP_EXIT_DATA,
		"%s: its conversations have more than 256 MiB; take a part of them (editcap)",
		r->path);
}

static int keep_octets(struct reading *r, const uint8_t *data, size_t len)
{
	uint64_t cap = r->octets_cap ? r->octets_cap : 1u << 16;
	uint8_t *more;

	if (len > SP_CONVERSATION_BYTES - r->n_octets)
		return too_much(r);
	while (cap < r->n_octets + len)
		cap *= 2;
	if (cap != r->octets_cap) {
		more = sp_alloc_array(r->mem, cap, 1);
		if (!more)
			return -ENOMEM;
		if (r->n_octets)
			memcpy(more, r->octets, r->n_octets);
		sp_free(r->mem, r->octets);
		r->octets = more;
		r->octets_cap = cap;
	}
	memcpy(r->octets + r->n_octets, data, len);
	r->n_octets += len;
	return 0;
}

/* ---- what reassembly tells ---- */

static int on_begin(void *arg, struct sp_stream *s)
{
	struct reading *r = arg;
	struct talk *t;

	while (r->streams <= s->number) {
		if (grow(r, &r->of, r->streams, &r->of_cap, sizeof *r->of))
			return -ENOMEM;
		r->of[r->streams++] = 0;
	}
	if (s->reverse < r->streams && r->of[s->reverse]) {
		r->of[s->number] = r->of[s->reverse];
		r->talk[r->of[s->number] - 1].begun &= s->begun;
		return 0;
	}
	if (grow(r, &r->talk, r->talks, &r->talk_cap, sizeof *r->talk))
		return -ENOMEM;
	t = &r->talk[r->talks++];
	*t = (struct talk){ .first = NONE,
			    .last = NONE,
			    .port = s->client ? s->dst.port : s->src.port,
			    .packet = s->first_packet,
			    .start_ns = s->first_ns,
			    .end_ns = s->first_ns,
			    .begun = s->begun && s->client };
	r->of[s->number] = r->talks;
	return 0;
}

/* Octets behind others of the same side are more of the same, unless the client paused. */
static bool joins(const struct reading *r, const struct talk *t, bool by_server, int64_t t_ns,
		  size_t len)
{
	const struct said *last = t->last == NONE ? NULL : &r->said[t->last];

	return last && last->by_server == by_server && (by_server || last->t_ns == t_ns) &&
	       last->at + last->len == r->n_octets && last->len + len <= STEP_MOST;
}

static int on_bytes(void *arg, struct sp_stream *s, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct reading *r = arg;
	struct talk *t = &r->talk[r->of[s->number] - 1];
	bool by_server = !s->client;
	uint64_t at = r->n_octets;
	int rc;

	(void)packet;
	t->end_ns = t_ns;
	if (!t->begun || t->hole || !len)
		return 0;
	if (joins(r, t, by_server, t_ns, len)) {
		r->said[t->last].len += len;
	} else {
		if (grow(r, &r->said, r->n_said, &r->said_cap, sizeof *r->said))
			return -ENOMEM;
		r->said[r->n_said] = (struct said){ .at = at,
						    .len = len,
						    .before = t->want,
						    .t_ns = t_ns,
						    .next = NONE,
						    .by_server = by_server };
		if (t->last == NONE)
			t->first = r->n_said;
		else
			r->said[t->last].next = r->n_said;
		t->last = r->n_said++;
		t->steps++;
	}
	rc = keep_octets(r, data, len);
	t->spoke |= !by_server;
	t->want += by_server ? len : 0;
	return rc;
}

static int on_gap(void *arg, struct sp_stream *s, uint64_t missing, int64_t t_ns)
{
	struct reading *r = arg;

	(void)missing, (void)t_ns;
	r->talk[r->of[s->number] - 1].hole = true;
	return 0;
}

static int on_datagram(void *arg, const struct sp_cap_view *v, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	struct reading *r = arg;

	(void)payload, (void)len, (void)t_ns, (void)packet;
	r->out->datagrams += v->v.proto == SP_PROTO_UDP;
	return 0;
}

static int read_file(struct reading *r)
{
	static const struct sp_reassembly_ops ops = {
		.begin = on_begin, .bytes = on_bytes, .gap = on_gap, .datagram = on_datagram
	};
	struct sp_reassembly *re = NULL;
	struct sp_cap_packet p;
	struct sp_cap_view v;
	struct sp_cap *file;
	int rc = sp_cap_open(&file, r->path, r->mem, r->err);

	if (rc)
		return rc;
	rc = sp_reassembly_new(&re, &(struct sp_reassembly_conf){ 0 }, &ops, r, r->mem);
	while (!rc && (rc = sp_cap_next(file, &p, r->err)) > 0) {
		sp_cap_view(&p, &v);
		rc = sp_reassembly_feed(re, &p, &v);
	}
	if (!rc)
		rc = sp_reassembly_finish(re);
	sp_reassembly_free(re);
	sp_cap_close(file);
	return rc;
}

/* ---- books ---- */

static bool is_left_out(struct sp_conversations *out, const struct talk *t)
{
	if (!t->begun)
		out->begun_before++;
	else if (t->hole)
		out->holes++;
	else if (!t->spoke)
		out->silent++;
	else
		return false;
	return true;
}

static bool belongs(const struct talk *t, uint16_t port)
{
	return t->begun && !t->hole && t->spoke && (!port || t->port == port);
}

static uint64_t since(int64_t from, int64_t to)
{
	return to > from ? (uint64_t)(to - from) : 0;
}

static uint64_t count_octets(const struct reading *r, const struct talk *t)
{
	uint64_t n = 0;

	for (uint32_t i = t->first; i != NONE; i = r->said[i].next)
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
static int at_once(const struct reading *r, uint16_t port, uint32_t *most)
{
	int64_t *begins = sp_alloc_array(r->mem, r->talks, 2 * sizeof *begins);
	int64_t *ends = begins + r->talks;
	uint32_t n = 0, over = 0;

	if (!begins)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->talks; i++)
		if (belongs(&r->talk[i], port)) {
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

/* One conversation's steps behind those that the book has. */
static void write_steps(const struct reading *r, const struct talk *t, struct sp_book *b,
			uint32_t *step, uint64_t *octet)
{
	int64_t last_ns = t->start_ns;

	for (uint32_t i = t->first; i != NONE; i = r->said[i].next) {
		const struct said *s = &r->said[i];

		sp_book_steps(b)[(*step)++] = (struct sp_book_step){
			.at = *octet,
			.len = s->len,
			.before = s->before,
			.pause_ns = since(last_ns, s->t_ns),
			.by_server = s->by_server
		};
		memcpy(sp_book_octets(b) + *octet, r->octets + s->at, s->len);
		*octet += s->len;
		last_ns = s->t_ns;
	}
}

static int write_book(struct reading *r, uint16_t port, struct sp_conversation_book *to)
{
	uint32_t talks = 0, steps = 0, n = 0, step = 0;
	uint64_t octets = 0, octet = 0;
	int64_t first_ns = INT64_MAX;
	struct sp_book *b;

	for (uint32_t i = 0; i < r->talks; i++) {
		const struct talk *t = &r->talk[i];

		if (!belongs(t, port))
			continue;
		talks++;
		steps += t->steps;
		octets += count_octets(r, t);
		first_ns = t->start_ns < first_ns ? t->start_ns : first_ns;
	}
	b = sp_alloc_array(r->mem, sp_book_size(talks, steps, octets), 1);
	if (!b)
		return -ENOMEM;
	*b = (struct sp_book){ .magic = SP_BOOK_MAGIC,
			       .size = sp_book_size(talks, steps, octets),
			       .conversations = talks,
			       .steps = steps,
			       .octets = octets };
	*to = (struct sp_conversation_book){ .port = port, .book = b };
	for (uint32_t i = 0; i < r->talks; i++) {
		const struct talk *t = &r->talk[i];

		if (!belongs(t, port))
			continue;
		sp_book_conversations(b)[n++] = (struct sp_book_conversation){
			.first = step,
			.steps = t->steps,
			.start_ns = since(first_ns, t->start_ns),
			.want = t->want,
			.packet = t->packet,
			.differ_at = SP_BOOK_NEVER
		};
		write_steps(r, t, b, &step, &octet);
	}
	return at_once(r, port, &to->at_once);
}

static bool has_book(const struct sp_conversations *out, uint16_t port)
{
	for (uint32_t i = 0; i < out->n; i++)
		if (out->books[i].port == port)
			return true;
	return false;
}

static int write_books(struct reading *r, const struct sp_conversations_conf *conf)
{
	struct sp_conversations *out = r->out;
	int rc = 0;

	for (uint32_t i = 0; i < r->talks && !rc; i++) {
		const struct talk *t = &r->talk[i];
		uint16_t port = conf->one_book ? conf->port : t->port;

		if (is_left_out(out, t) || (conf->port && t->port != conf->port) ||
		    has_book(out, port))
			continue;
		if (out->n == SP_CONVERSATION_PORTS)
			return sp_fail(r->err, -E2BIG, SP_EXIT_DATA,
				       "%s: servers with more than %u port numbers; choose one",
				       r->path, SP_CONVERSATION_PORTS);
		rc = write_book(r, port, &out->books[out->n++]);
	}
	if (!rc && !out->n)
		rc = sp_fail(r->err, -ENOENT, SP_EXIT_DATA,
			     "%s: there is no whole TCP conversation in it: %" PRIu64
			     " began before the capture, %" PRIu64 " have holes, in %" PRIu64
			     " the client says nothing",
			     r->path, out->begun_before, out->holes, out->silent);
	return rc;
}

int sp_conversations_read(struct sp_conversations *out, const char *path,
			  const struct sp_conversations_conf *conf, const struct sp_mem *mem,
			  struct sp_err *err)
{
	struct reading r = { .mem = mem, .out = out, .path = path, .err = err };
	int rc;

	*out = (struct sp_conversations){ .n = 0 };
	rc = read_file(&r);
	if (!rc)
		rc = write_books(&r, conf);
	if (rc == -ENOMEM)
		sp_fail(err, rc, SP_EXIT_FAILED, "%s: out of memory", path);
	if (rc)
		sp_conversations_free(out, mem);
	sp_free(mem, r.talk);
	sp_free(mem, r.said);
	sp_free(mem, r.octets);
	sp_free(mem, r.of);
	return rc;
}

bool sp_conversations_unreached(const struct sp_conversations *all)
{
	for (uint32_t i = 0; i < all->n; i++) {
		struct sp_book *b = all->books[i].book;

		for (uint32_t k = 0; k < b->conversations; k++) {
			const struct sp_book_conversation *c = &sp_book_conversations(b)[k];

			if (c->state != SP_BOOK_FAILED ||
			    (c->why != SP_WHY_REFUSED && c->why != SP_WHY_UNREACHABLE))
				return false;
		}
	}
	return true;
}

void sp_conversations_free(struct sp_conversations *c, const struct sp_mem *mem)
{
	for (uint32_t i = 0; i < c->n; i++)
		sp_free(mem, c->books[i].book);
	c->n = 0;
}
