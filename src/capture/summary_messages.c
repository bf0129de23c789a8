/* What streams and datagrams of a capture say, by the codec that they belong to. */
#include <errno.h>
#include <string.h>

#include "capture/dns_check.h"
#include "capture/summary_impl.h"

#define GUESS_AT    64u		/* octets that are enough to tell a protocol by */
#define MEMORY_MOST (16u << 20) /* of messages that are not complete */
#define DNS	    53
#define MDNS	    5353

/* A stream whose octets wait for the rest of a message, or until it shows what they are. */
struct sp_sum_talk {
	struct sp_sum_talk *next, **at;
	const struct sp_codec_ops *codec; /* NULL: not known yet */
	uint8_t *buf;
	size_t len, cap;
	uint64_t packet; /* in which the message began that is not complete */
	bool lost;	 /* where messages begin, until one is seen again */
};

/* Stands for streams that are no codec's. */
#define NOT_OURS ((struct sp_sum_talk *)(uintptr_t)1)

static bool port_known(const struct sp_codec_ops *c, const struct sp_endpoint *a,
		       const struct sp_endpoint *b)
{
	for (size_t i = 0; i < sizeof c->port / sizeof *c->port; i++)
		if (c->port[i] && (c->port[i] == a->port || c->port[i] == b->port))
			return true;
	return false;
}

/* *claimed: one by whose number it goes, and which it is not. */
static const struct sp_codec_ops *codec_for(const struct sp_capsum *s, uint32_t over,
					    const struct sp_endpoint *src,
					    const struct sp_endpoint *dst, const uint8_t *p,
					    size_t len, const struct sp_codec_ops **claimed)
{
	*claimed = NULL;
	for (const struct sp_codec_ops *const *c = s->codecs; *c; c++) {
		if (!((*c)->over & over) || !port_known(*c, src, dst))
			continue;
		if ((*c)->boundary(p, len) >= 0)
			return *c;
		*claimed = *c;
	}
	for (const struct sp_codec_ops *const *c = s->codecs; *c; c++)
		if ((*c)->over & over && (*c)->guess(p, len))
			return *c;
	return NULL;
}

static int read_message(struct sp_capsum *s, const struct sp_codec_ops *c,
			const struct sp_endpoint *src, const struct sp_endpoint *dst,
			const uint8_t *p, size_t len, uint64_t packet)
{
	struct sp_codec_note note = { 0 };
	int rc = sp_info_message(s->info, c, src, dst, p, len, &note);

	if (rc)
		return rc;
	if (note.flags & SP_CM_ODD)
		sp_sum_remark(s, c->name, note.reason ? note.reason : "malformed", packet);
	if (note.flags & SP_CM_UNKNOWN)
		sp_sum_remark(s, c->name, "data that need a template which is not there",
			      packet);
	return 0;
}

/* ---- datagrams ---- */

static bool is_dns(const struct sp_view *v)
{
	return v->src.port == DNS || v->dst.port == DNS || v->src.port == MDNS ||
	       v->dst.port == MDNS;
}

static int on_datagram(void *arg, const struct sp_cap_view *c, const uint8_t *p, size_t len,
		       int64_t t_ns, uint64_t packet)
{
	struct sp_capsum *s = arg;
	const struct sp_codec_ops *codec, *claimed;
	const char *what;
	ptrdiff_t n;
	int rc;

	(void)t_ns;
	if (c->v.proto != SP_PROTO_UDP || !c->v.l4_off || c->cut)
		return 0;
	if (is_dns(&c->v)) {
		what = sp_dns_check(p, len);
		if (what)
			sp_sum_remark(s, NULL, what, packet);
	}
	codec = len ? codec_for(s, SP_CODEC_UDP, &c->v.src, &c->v.dst, p, len, &claimed) : NULL;
	if (!codec) {
		s->udp_generic = true;
		if (len && claimed)
			sp_sum_remark(s, claimed->name,
				      "to or from its port, but no message of it", packet);
		return 0;
	}
	n = codec->boundary(p, len);
	if (n < 0 || (size_t)n < len)
		sp_sum_remark(s, codec->name,
			      n < 0 ? "a length that cannot be"
			      : n   ? "octets behind the message"
				    : "a message that is longer than its datagram",
			      packet);
	if (n <= 0)
		return 0;
	rc = read_message(s, codec, &c->v.src, &c->v.dst, p, (size_t)n, packet);
	return rc;
}

/* ---- streams ---- */

static struct sp_sum_talk *talk_new(struct sp_capsum *s, struct sp_stream *stream)
{
	struct sp_sum_talk *t = sp_alloc(s->mem, sizeof *t);

	if (!t)
		return NULL;
	t->next = s->talks;
	t->at = &s->talks;
	if (t->next)
		t->next->at = &t->next;
	s->talks = t;
	stream->user = t;
	return t;
}

static void forget(struct sp_capsum *s, struct sp_sum_talk *t)
{
	s->memory -= t->cap;
	sp_free(s->mem, t->buf);
	t->buf = NULL;
	t->len = t->cap = 0;
}

static void talk_free(struct sp_capsum *s, struct sp_sum_talk *t)
{
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	forget(s, t);
	sp_free(s->mem, t);
}

void sp_sum_messages_fini(struct sp_capsum *s)
{
	while (s->talks)
		talk_free(s, s->talks);
}

/* Octets wait for those that follow them. */
static int keep(struct sp_capsum *s, struct sp_sum_talk *t, const uint8_t *p, size_t len)
{
	size_t cap = t->cap ? t->cap : 256;
	uint8_t *buf;

	while (cap < t->len + len)
		cap *= 2;
	if (cap != t->cap) {
		buf = sp_alloc(s->mem, cap);
		if (!buf)
			return -ENOMEM;
		if (t->len)
			memcpy(buf, t->buf, t->len);
		sp_free(s->mem, t->buf);
		s->memory += cap - t->cap;
		t->buf = buf;
		t->cap = cap;
	}
	memcpy(t->buf + t->len, p, len);
	t->len += len;
	return 0;
}

static void lose(struct sp_capsum *s, struct sp_sum_talk *t, const char *why, uint64_t packet)
{
	if (!t->lost)
		sp_sum_remark(s, t->codec->name, why, packet);
	t->lost = true;
	forget(s, t);
}

/* Reads whole messages; returns how many octets they were, or an error. */
static ptrdiff_t walk(struct sp_capsum *s, struct sp_sum_talk *t, const struct sp_stream *st,
		      const uint8_t *p, size_t len, uint64_t packet)
{
	size_t at = 0;
	ptrdiff_t n;
	int rc;

	while (at < len) {
		n = t->codec->boundary(p + at, len - at);
		if (n < 0) {
			lose(s, t, "a length, or a beginning, that no message has", packet);
			return (ptrdiff_t)len;
		}
		if (!n || (size_t)n > len - at)
			break;
		rc = read_message(s, t->codec, &st->src, &st->dst, p + at, (size_t)n, packet);
		if (rc)
			return rc;
		at += (size_t)n;
	}
	return (ptrdiff_t)at;
}

/* Octets of a stream whose codec is known. */
static int take(struct sp_capsum *s, struct sp_sum_talk *t, const struct sp_stream *st,
		const uint8_t *p, size_t len, uint64_t packet)
{
	ptrdiff_t used;
	int rc = 0;

	if (t->lost) {
		if (!t->codec->guess(p, len))
			return 0;
		t->lost = false;
	}
	if (t->len) {
		rc = keep(s, t, p, len);
		used = rc ? rc : walk(s, t, st, t->buf, t->len, packet);
		if (used < 0)
			return (int)used;
		if (t->lost)
			return 0;
		t->len -= (size_t)used;
		memmove(t->buf, t->buf + used, t->len);
		if (used)
			t->packet = packet;
	} else {
		used = walk(s, t, st, p, len, packet);
		if (used < 0)
			return (int)used;
		if ((size_t)used < len && !t->lost) {
			t->packet = packet;
			rc = keep(s, t, p + used, len - (size_t)used);
		}
	}
	if (s->memory > MEMORY_MOST && t->len > GUESS_AT)
		lose(s, t, "a message so long that it is not waited for", t->packet);
	return rc;
}

/* Whose stream is it? */
static int decide(struct sp_capsum *s, struct sp_stream *st, const uint8_t *p, size_t len,
		  uint64_t packet)
{
	struct sp_sum_talk *t = st->user;
	const struct sp_codec_ops *claimed, *codec;

	codec = codec_for(s, SP_CODEC_TCP, &st->src, &st->dst, p, len, &claimed);
	if (!codec && !claimed && len < GUESS_AT) {
		if (!t)
			t = talk_new(s, st);
		if (!t)
			return -ENOMEM;
		return t->len == len ? 0 : keep(s, t, p, len);
	}
	if (!codec) {
		if (claimed)
			sp_sum_remark(s, claimed->name,
				      "to or from its port, but no message of it", packet);
		if (t)
			talk_free(s, t);
		st->user = NOT_OURS;
		s->tcp_generic = true;
		return 0;
	}
	if (!t)
		t = talk_new(s, st);
	if (!t)
		return -ENOMEM;
	t->codec = codec;
	return 0;
}

static int on_begin(void *arg, struct sp_stream *st)
{
	if (!st->begun)
		sp_sum_remark(arg, NULL, "a TCP stream whose beginning the capture lacks",
			      st->first_packet);
	return 0;
}

static int on_bytes(void *arg, struct sp_stream *st, const uint8_t *p, size_t len, int64_t t_ns,
		    uint64_t packet)
{
	struct sp_capsum *s = arg;
	struct sp_sum_talk *t = st->user;
	size_t waited;
	int rc = 0;

	(void)t_ns;
	if (st->begun && packet == st->first_packet && st->bytes == len)
		sp_sum_remark(s, NULL, "TCP octets in a SYN", packet);
	if (t == NOT_OURS)
		return 0;
	if (t && t->codec)
		return take(s, t, st, p, len, packet);
	waited = t ? t->len : 0;
	if (waited) {
		rc = keep(s, t, p, len);
		p = t->buf;
		len = t->len;
	}
	if (!rc)
		rc = decide(s, st, p, len, packet);
	t = st->user;
	if (rc || t == NOT_OURS || !t->codec)
		return rc;
	if (!waited)
		return take(s, t, st, p, len, packet);
	/* All of it waits there already. */
	return take(s, t, st, p, 0, packet);
}

static int on_gap(void *arg, struct sp_stream *st, uint64_t missing, int64_t t_ns)
{
	struct sp_capsum *s = arg;
	struct sp_sum_talk *t = st->user;

	(void)missing;
	(void)t_ns;
	if (t == NOT_OURS || !t)
		return 0;
	if (t->codec)
		lose(s, t, "a message that the capture lacks a part of",
		     t->len ? t->packet : st->first_packet);
	else
		forget(s, t);
	return 0;
}

static int on_end(void *arg, struct sp_stream *st, enum sp_stream_end how, int64_t t_ns)
{
	struct sp_capsum *s = arg;
	struct sp_sum_talk *t = st->user;

	(void)t_ns;
	if (how == SP_STREAM_RST)
		sp_sum_remark(s, NULL, "a TCP stream that was reset", s->number);
	st->user = NULL;
	if (!t || t == NOT_OURS)
		return 0;
	if (t->codec && t->len)
		sp_sum_remark(s, t->codec->name, "a message that the stream ends within",
			      t->packet);
	s->tcp_generic |= !t->codec;
	talk_free(s, t);
	return 0;
}

const struct sp_reassembly_ops sp_sum_messages = {
	.begin = on_begin,
	.bytes = on_bytes,
	.gap = on_gap,
	.end = on_end,
	.datagram = on_datagram,
};
