/* Streams of a codec: where a session begins, and its messages. */
#include <errno.h>
#include <string.h>

#include "capture/extract_impl.h"

/* Of a stream without a session so much waits for the end of what may be a message. */
#define HUNT_MOST (128u << 10)

struct sp_ext_stream {
	struct sp_ext_stream *next, **at; /* of the part's list */
	struct sp_stream *s;
	void *st;			/* the codec's */
	struct sp_ext_session *session; /* NULL: none has begun, or it was lost */
	uint8_t *buf;
	size_t len, cap;
	uint64_t sessions;
	bool looked_at;	     /* its first octets were */
	bool ours, not_ours; /* as far as can be told */
};

static const struct sp_codec_ops *codec_of(const struct sp_ext_part *p)
{
	return p->conf->codec;
}

static const char *name_of(const struct sp_stream *s, char buf[160])
{
	char dst[72];
	size_t n;

	sp_endpoint_format(buf, 72, &s->src);
	n = strlen(buf);
	sp_endpoint_format(dst, sizeof dst, &s->dst);
	memcpy(buf + n, " -> ", 4);
	memcpy(buf + n + 4, dst, strlen(dst) + 1);
	return buf;
}

static int on_begin(void *arg, struct sp_stream *s)
{
	struct sp_ext_part *p = arg;
	struct sp_ext_stream *es = sp_alloc(p->x->mem, sizeof *es);

	if (!es)
		return -ENOMEM;
	es->s = s;
	es->ours = (p->conf->wants && !p->conf->guess) ||
		   sp_ext_port_known(codec_of(p), &s->src, &s->dst);
	es->next = p->streams;
	es->at = &p->streams;
	if (es->next)
		es->next->at = &es->next;
	p->streams = es;
	s->user = es;
	return 0;
}

static void stream_free(struct sp_ext_part *p, struct sp_ext_stream *es)
{
	*es->at = es->next;
	if (es->next)
		es->next->at = es->at;
	if (es->st)
		codec_of(p)->close(es->st);
	sp_free(p->x->mem, es->buf);
	sp_free(p->x->mem, es);
}

static int buffer(struct sp_ext_part *p, struct sp_ext_stream *es, const uint8_t *data,
		  size_t len)
{
	size_t need = es->len + len, cap = es->cap ? es->cap : 4096;
	uint8_t *buf;

	while (cap < need)
		cap *= 2;
	if (cap != es->cap) {
		buf = sp_alloc(p->x->mem, cap);
		if (!buf)
			return -ENOMEM;
		if (es->len)
			memcpy(buf, es->buf, es->len);
		sp_free(p->x->mem, es->buf);
		es->buf = buf;
		es->cap = cap;
	}
	memcpy(es->buf + es->len, data, len);
	es->len = need;
	return 0;
}

/* es->st is NULL when there is no room for it. */
static int fresh_state(struct sp_ext_part *p, struct sp_ext_stream *es)
{
	int rc;

	if (es->st)
		codec_of(p)->close(es->st);
	rc = sp_ext_open(p, &es->st);
	p->no_room += !rc && !es->st;
	return rc;
}

/* Can a session begin with this message? 1, 0, -ENOMEM. */
static int begins(struct sp_ext_part *p, struct sp_ext_stream *es, const uint8_t *m, size_t len)
{
	struct sp_codec_note note = { 0 };

	if (!es->st && fresh_state(p, es))
		return -ENOMEM;
	if (!es->st)
		return 0;
	codec_of(p)->read(es->st, m, len, &note);
	return !!(note.flags & SP_CM_BEGINS);
}

static int start_session(struct sp_ext_part *p, struct sp_ext_stream *es)
{
	struct sp_ext_session *n;
	int rc = fresh_state(p, es);

	if (rc || !es->st)
		return rc;
	n = sp_arena_alloc(&p->x->arena, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->pair = (struct sp_ext_pair){ es->s->src, es->s->dst };
	n->stream = es->s->number;
	n->number = p->found++;
	*p->sessions_end = n;
	p->sessions_end = &n->next;
	es->session = n;
	es->sessions++;
	return 0;
}

/* A message of a stream. 0 or -ENOMEM. */
static int message(struct sp_ext_part *p, struct sp_ext_stream *es, const uint8_t *m,
		   size_t len)
{
	struct sp_codec_note note = { 0 };
	int rc;

	if (!es->session) {
		rc = begins(p, es, m, len);
		if (rc > 0)
			rc = start_session(p, es);
		if (rc || !es->session)
			return rc;
	}
	rc = sp_ext_message(p, es->st, &es->session->units, &es->session->pair, m, len, &note);
	if (rc > 0 && !(note.flags & (SP_CM_BEGINS | SP_CM_FILLER | SP_CM_ENDS)))
		es->session->content = true;
	return rc < 0 ? rc : 0;
}

static void lose(struct sp_ext_part *p, struct sp_ext_stream *es, const char *why,
		 uint64_t octets)
{
	char name[160];

	if (es->session)
		sp_ext_remark(p->x,
			      "%s: %s: %s (%llu octets); the session ends before it and what "
			      "follows is left out",
			      p->conf->section, name_of(es->s, name), why,
			      (unsigned long long)octets);
	es->session = NULL;
	es->len = 0;
}

/* The whole messages of what waits. */
static int walk(struct sp_ext_part *p, struct sp_ext_stream *es)
{
	size_t at = 0;
	int rc = 0;

	while (!rc && at < es->len) {
		ptrdiff_t n = codec_of(p)->boundary(es->buf + at, es->len - at);

		if (n < 0 || (n == 0 && !es->session && es->len - at > HUNT_MOST)) {
			lose(p, es, "this is no message", es->len - at);
			return 0;
		}
		if (n == 0 || (size_t)n > es->len - at)
			break;
		rc = message(p, es, es->buf + at, (size_t)n);
		at += (size_t)n;
	}
	es->len -= at;
	memmove(es->buf, es->buf + at, es->len);
	return rc;
}

/* While no session has begun, one may begin where a segment does, whatever was before. */
static int realign(struct sp_ext_part *p, struct sp_ext_stream *es, const uint8_t *data,
		   size_t len)
{
	ptrdiff_t n;
	int rc;

	if (es->session || !es->len)
		return 0;
	n = codec_of(p)->boundary(data, len);
	if (n <= 0 || (size_t)n > len)
		return 0;
	rc = begins(p, es, data, (size_t)n);
	if (rc > 0)
		es->len = 0;
	return rc < 0 ? rc : 0;
}

static int on_bytes(void *arg, struct sp_stream *s, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct sp_ext_part *p = arg;
	struct sp_ext_stream *es = s->user;
	int rc;

	(void)t_ns, (void)packet;
	if (!es->looked_at && !es->ours) {
		es->ours = codec_of(p)->guess(data, len);
		es->not_ours = p->conf->guess && !es->ours;
	}
	es->looked_at = true;
	if (es->not_ours)
		return 0;
	rc = realign(p, es, data, len);
	if (!rc)
		rc = buffer(p, es, data, len);
	return rc ? rc : walk(p, es);
}

static int on_gap(void *arg, struct sp_stream *s, uint64_t missing, int64_t t_ns)
{
	struct sp_ext_stream *es = s->user;

	(void)t_ns;
	lose(arg, es, "the capture lacks a part of it", missing);
	return 0;
}

static int on_end(void *arg, struct sp_stream *s, enum sp_stream_end how, int64_t t_ns)
{
	struct sp_ext_part *p = arg;
	struct sp_ext_stream *es = s->user;
	char name[160];

	(void)how, (void)t_ns;
	if (es->session && es->len)
		sp_ext_remark(p->x, "%s: %s ends inside a message: its %zu octets are left out",
			      p->conf->section, name_of(s, name), es->len);
	if (!es->sessions && es->ours && s->bytes) {
		p->headless++;
		sp_ext_remark(p->x,
			      "%s: %s does not begin within the capture: it is left out (%llu "
			      "octets)",
			      p->conf->section, name_of(s, name), (unsigned long long)s->bytes);
	}
	s->user = NULL;
	stream_free(p, es);
	return 0;
}

const struct sp_reassembly_ops sp_ext_stream_ops = {
	.begin = on_begin,
	.bytes = on_bytes,
	.gap = on_gap,
	.end = on_end,
};

void sp_ext_part_fini(struct sp_ext_part *p)
{
	while (p->streams)
		stream_free(p, p->streams);
	sp_ext_states_fini(p);
	sp_endpoint_set_fini(&p->sources);
	if (p->ra)
		sp_reassembly_free(p->ra);
}
