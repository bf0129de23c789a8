#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "capio/reassembly.h"
#include "capture/conversations_impl.h"

#define STEP_MOST (16u << 20)

int sp_conversations_room(const struct conversations *r, void *array, uint32_t n, uint32_t *cap,
			  size_t size)
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

int sp_conversations_too_much(const struct conversations *r)
{
	return sp_fail(
		r->err, -E2BIG, SP_EXIT_DATA,
		"%s: its conversations have more than 256 MiB; take a part of them (editcap)",
		r->path);
}

int sp_conversations_keep(struct conversations *r, const uint8_t *data, size_t len)
{
	uint64_t cap = r->octets_cap ? r->octets_cap : 1u << 16;
	uint64_t parts = (uint64_t)r->n_said * sizeof(struct said);
	uint8_t *more;

	if (parts > SP_CONVERSATION_BYTES || len > SP_CONVERSATION_BYTES - parts ||
	    r->n_octets > SP_CONVERSATION_BYTES - parts - len)
		return sp_conversations_too_much(r);
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
	if (len)
		memcpy(r->octets + r->n_octets, data, len);
	r->n_octets += len;
	return 0;
}

struct talk *sp_conversations_talk(struct conversations *r)
{
	struct talk *t;

	if (sp_conversations_room(r, &r->talk, r->talks, &r->talk_cap, sizeof *r->talk))
		return NULL;
	t = &r->talk[r->talks++];
	*t = (struct talk){ .first = TALK_NONE, .last = TALK_NONE };
	return t;
}

int sp_conversations_say(struct conversations *r, struct talk *t, struct said s,
			 const uint8_t *data)
{
	int rc = sp_conversations_room(r, &r->said, r->n_said, &r->said_cap, sizeof *r->said);

	if (rc)
		return rc;
	s.at = r->n_octets;
	s.next = TALK_NONE;
	r->said[r->n_said] = s;
	if (t->last == TALK_NONE)
		t->first = r->n_said;
	else
		r->said[t->last].next = r->n_said;
	t->last = r->n_said++;
	t->steps++;
	t->spoke |= !s.by_server;
	t->want += s.by_server ? s.len : 0;
	t->answers += s.by_server;
	return sp_conversations_keep(r, data, s.len);
}

/* ---- what reassembly tells ---- */

static int on_begin(void *arg, struct sp_stream *s)
{
	struct conversations *r = arg;
	struct talk *t;

	while (r->streams <= s->number) {
		if (sp_conversations_room(r, &r->of, r->streams, &r->of_cap, sizeof *r->of))
			return -ENOMEM;
		r->of[r->streams++] = 0;
	}
	if (s->reverse < r->streams && r->of[s->reverse]) {
		r->of[s->number] = r->of[s->reverse];
		r->talk[r->of[s->number] - 1].begun &= s->begun;
		return 0;
	}
	t = sp_conversations_talk(r);
	if (!t)
		return -ENOMEM;
	t->client = s->client ? s->src : s->dst;
	t->server = s->client ? s->dst : s->src;
	t->packet = s->first_packet;
	t->start_ns = t->end_ns = s->first_ns;
	t->begun = s->begun && s->client;
	r->of[s->number] = r->talks;
	return 0;
}

/* Octets behind others of the same side are more of the same, unless the client paused. */
static bool joins(const struct conversations *r, const struct talk *t, bool by_server,
		  int64_t t_ns, size_t len)
{
	const struct said *last = t->last == TALK_NONE ? NULL : &r->said[t->last];

	return last && last->by_server == by_server && (by_server || last->t_ns == t_ns) &&
	       last->at + last->len == r->n_octets && last->len + len <= STEP_MOST;
}

static int on_bytes(void *arg, struct sp_stream *s, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct conversations *r = arg;
	struct talk *t = &r->talk[r->of[s->number] - 1];
	bool by_server = !s->client;

	t->end_ns = t_ns;
	if (!t->begun || t->hole || !len)
		return 0;
	if (joins(r, t, by_server, t_ns, len)) {
		r->said[t->last].len += len;
		r->said[t->last].end_ns = t_ns;
		t->want += by_server ? len : 0;
		return sp_conversations_keep(r, data, len);
	}
	return sp_conversations_say(r, t,
				    (struct said){ .len = len,
						   .before = t->want,
						   .t_ns = t_ns,
						   .end_ns = t_ns,
						   .packet = packet,
						   .by_server = by_server },
				    data);
}

static int on_gap(void *arg, struct sp_stream *s, uint64_t missing, int64_t t_ns)
{
	struct conversations *r = arg;

	(void)missing, (void)t_ns;
	r->talk[r->of[s->number] - 1].hole = true;
	return 0;
}

static int on_datagram(void *arg, const struct sp_cap_view *v, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	return v->v.proto == SP_PROTO_UDP
		       ? sp_conversations_datagram(arg, v, payload, len, t_ns, packet)
		       : 0;
}

static int read_file(struct conversations *r)
{
	static const struct sp_reassembly_ops ops = {
		.begin = on_begin, .bytes = on_bytes, .gap = on_gap, .datagram = on_datagram
	};
	struct sp_reassembly *re = NULL;
	struct sp_cap_packet p;
	struct sp_cap_view v;
	struct sp_cap *file;
	bool fed = false;
	int rc = sp_cap_open(&file, r->path, r->mem, r->err);

	if (rc)
		return rc;
	rc = sp_reassembly_new(&re, &(struct sp_reassembly_conf){ 0 }, &ops, r, r->mem);
	while (!rc && (rc = sp_cap_next(file, &p, r->err)) > 0) {
		sp_cap_view(&p, &v);
		rc = sp_reassembly_feed(re, &p, &v);
		fed = !rc;
	}
	if (rc == -EBADMSG && fed) {
		sp_strlcpy(r->out->damage, r->err->text, sizeof r->out->damage);
		rc = 0;
	}
	if (!rc)
		rc = sp_reassembly_finish(re);
	sp_reassembly_free(re);
	sp_cap_close(file);
	return rc;
}

int sp_conversations_read(struct sp_conversations *out, const char *path,
			  const struct sp_conversations_conf *conf, const struct sp_mem *mem,
			  struct sp_err *err)
{
	struct conversations r = { .mem = mem, .out = out, .path = path, .err = err };
	int rc;

	*out = (struct sp_conversations){ .n = 0 };
	sp_endpoint_set_init(&r.ends, mem);
	sp_endpoint_set_init(&r.pairs, mem);
	rc = read_file(&r);
	if (!rc)
		rc = sp_conversations_write(&r, conf);
	if (rc == -ENOMEM)
		sp_fail(err, rc, SP_EXIT_FAILED, "%s: out of memory", path);
	if (rc)
		sp_conversations_free(out, mem);
	sp_free(mem, r.talk);
	sp_free(mem, r.said);
	sp_free(mem, r.octets);
	sp_free(mem, r.of);
	sp_free(mem, r.pair);
	sp_endpoint_set_fini(&r.ends);
	sp_endpoint_set_fini(&r.pairs);
	return rc;
}

void sp_conversations_free(struct sp_conversations *c, const struct sp_mem *mem)
{
	for (uint32_t i = 0; i < c->n; i++)
		sp_free(mem, c->books[i].book);
	c->n = 0;
}
