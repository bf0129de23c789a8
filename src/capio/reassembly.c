#include "capio/reassembly.h"

#include <errno.h>

#include "capio/reassembly_impl.h"

#define MEMORY	 (8u << 20)
#define WINDOW	 (1u << 20)
#define STREAMS	 65536u
#define PATIENCE 30000000000
#define FIN	 0x01
#define SYN	 0x02
#define RST	 0x04
#define ACK	 0x10

/* A segment: its octets are numbered from seq on, SYN apart. */
struct segment {
	const struct sp_cap_view *c;
	const uint8_t *data;
	uint32_t seq;
	uint32_t len;  /* captured */
	uint32_t orig; /* of those that there were */
	uint8_t flags;
};

int sp_reassembly_new(struct sp_reassembly **out, const struct sp_reassembly_conf *conf,
		      const struct sp_reassembly_ops *ops, void *arg, const struct sp_mem *mem)
{
	struct sp_reassembly *r = sp_alloc(mem, sizeof *r);
	int rc;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	*r = (struct sp_reassembly){ .mem = mem, .conf = *conf, .ops = ops, .arg = arg };
	if (!r->conf.memory)
		r->conf.memory = MEMORY;
	if (!r->conf.window)
		r->conf.window = WINDOW;
	if (!r->conf.max_streams)
		r->conf.max_streams = STREAMS;
	if (!r->conf.patience_ns)
		r->conf.patience_ns = PATIENCE;
	rc = sp_streams_open(&r->streams, r->conf.max_streams, mem);
	if (!rc)
		rc = sp_defrag_new(&r->defrag, 0, mem);
	if (rc)
		sp_reassembly_free(r);
	else
		*out = r;
	return rc;
}

void sp_reassembly_free(struct sp_reassembly *r)
{
	if (!r)
		return;
	sp_streams_close(&r->streams);
	sp_defrag_free(r->defrag);
	sp_free(r->mem, r);
}

/* ---- begin and end ---- */

static int end(struct sp_reassembly *r, struct sp_slot *s, enum sp_stream_end how)
{
	int rc = sp_ra_flush(r, s);

	if (rc || s->ended)
		return rc;
	s->ended = true;
	sp_streams_bury(&r->streams, s);
	return r->ops->end ? r->ops->end(r->arg, &s->s, how, r->now_ns) : 0;
}

/* Is the other direction's stream, if there is one, of the same connection as this new one? */
static bool belongs(const struct sp_slot *back, bool syn, bool ack)
{
	if (!back || back->ended)
		return false;
	/* Who asks for a new connection does not answer an old one, unless its answer was captured
	 * before it. */
	if (syn && !ack)
		return back->s.begun && back->s.reverse == UINT32_MAX && !back->s.bytes;
	return !syn || back->s.reverse == UINT32_MAX;
}

static int begin(struct sp_reassembly *r, struct sp_slot *s, const struct segment *g)
{
	bool syn = g->flags & SYN;
	struct sp_slot *back = sp_streams_find(&r->streams, &s->s.dst, &s->s.src);

	s->s.number = r->n_streams++;
	s->s.reverse = UINT32_MAX;
	s->s.begun = syn;
	s->s.client = syn && !(g->flags & ACK);
	s->s.first_packet = r->packet;
	s->s.first_ns = r->now_ns;
	s->isn = g->seq - 1;
	s->next_seq = g->seq;
	if (belongs(back, syn, g->flags & ACK)) {
		s->s.reverse = back->s.number;
		back->s.reverse = s->s.number;
		back->s.client |= syn && g->flags & ACK;
	}
	if (syn)
		s->syn_len = g->orig;
	return r->ops->begin ? r->ops->begin(r->arg, &s->s) : 0;
}

static int open_new(struct sp_reassembly *r, const struct segment *g, struct sp_slot **out)
{
	const struct sp_view *v = &g->c->v;
	struct sp_slot *old;
	int rc;

	if (sp_streams_full(&r->streams)) {
		old = sp_streams_oldest(&r->streams);
		if (!old->ended)
			sp_ra_odd(r, &r->odd.pushed_out);
		rc = end(r, old, SP_STREAM_LIMIT);
		if (rc)
			return rc;
		sp_streams_remove(&r->streams, old);
	}
	*out = sp_streams_add(&r->streams, &v->src, &v->dst);
	return begin(r, *out, g);
}

/* The endpoints' next stream takes the place of this one. */
static int begin_again(struct sp_reassembly *r, struct sp_slot **s, const struct segment *g)
{
	int rc = end(r, *s, SP_STREAM_AGAIN);

	sp_ra_odd(r, &r->odd.reused);
	if (rc)
		return rc;
	sp_streams_remove(&r->streams, *s);
	return open_new(r, g, s);
}

static int reset(struct sp_reassembly *r, struct sp_slot *s, const struct segment *g)
{
	struct sp_slot *back = sp_streams_find(&r->streams, &g->c->v.dst, &g->c->v.src);
	int rc = 0;
	int64_t off;

	if (s && !s->ended) {
		off = (int32_t)(g->seq - s->next_seq);
		if (off > r->conf.window || -off > r->conf.window) {
			sp_ra_odd(r, &r->odd.outside);
			return 0;
		}
		rc = end(r, s, SP_STREAM_RST);
	}
	if (!rc && back && !back->ended)
		rc = end(r, back, SP_STREAM_RST);
	return rc;
}

/* ---- segments with octets ---- */

/* From here on: g->seq is the first of them, ahead of what is expected by off. */
static int take(struct sp_reassembly *r, struct sp_slot *s, const struct segment *g,
		int64_t off)
{
	uint64_t at = s->next + (uint64_t)off;
	uint32_t captured = g->len, missing = g->orig - g->len;
	int rc = 0;

	if (g->flags & FIN && !s->fin) {
		s->fin = true;
		s->fin_off = at + g->orig;
	}
	if (s->fin && at + captured + missing > s->fin_off) {
		sp_ra_odd(r, &r->odd.after_end);
		missing = 0;
		captured = at < s->fin_off ? (uint32_t)(s->fin_off - at) : 0;
		captured = captured < g->len ? captured : g->len;
	}
	if (!off && !s->waiting.n) {
		if (captured)
			rc = sp_ra_bytes(r, s, g->data, captured);
		if (!rc && missing)
			rc = sp_ra_gap(r, s, missing);
	} else {
		if (off)
			sp_ra_odd(r, &r->odd.out_of_order);
		if (captured)
			rc = sp_ra_wait(r, s, at, g->data, captured);
		if (!rc && missing)
			rc = sp_ra_wait(r, s, at + captured, NULL, missing);
		if (!rc)
			rc = sp_ra_drain(r, s);
		if (!rc)
			rc = sp_ra_hold_limits(r, s);
	}
	if (!rc && s->fin && s->next >= s->fin_off)
		rc = end(r, s, SP_STREAM_FIN);
	return rc;
}

/* Leaves out what was delivered before; false: that is all of it. */
static bool trim(struct sp_reassembly *r, struct segment *g, int64_t *off)
{
	uint32_t old = (uint32_t) - *off;

	if (old > g->orig || (old == g->orig && !(g->flags & FIN))) {
		if (g->orig)
			sp_ra_odd(r, &r->odd.retransmitted);
		return false;
	}
	if (old < g->orig)
		sp_ra_odd(r, &r->odd.overlapping);
	g->data += old < g->len ? old : g->len;
	g->len -= old < g->len ? old : g->len;
	g->orig -= old;
	g->seq += old;
	*off = 0;
	return true;
}

/* Further away than anything that is on its way: 0: a stray, left out; 1: it goes on from here. */
static int jump(struct sp_reassembly *r, struct sp_slot **s, const struct segment *g,
		int64_t *off)
{
	int rc;

	if (!(*s)->jump || (*s)->jump_seq != g->seq) {
		(*s)->jump = true;
		(*s)->jump_seq = g->seq + g->orig;
		sp_ra_odd(r, &r->odd.outside);
		return 0;
	}
	(*s)->jump = false;
	if (*off < 0) {
		rc = begin_again(r, s, g);
		*off = 0;
		return rc ? rc : 1;
	}
	rc = sp_ra_flush(r, *s);
	*off = (int32_t)(g->seq - (*s)->next_seq);
	if (!rc && *off > 0)
		rc = sp_ra_gap(r, *s, (uint64_t)*off);
	*off = *off > 0 ? 0 : *off;
	return rc ? rc : 1;
}

static int octets(struct sp_reassembly *r, struct sp_slot *s, struct segment *g)
{
	int64_t off = (int32_t)(g->seq - s->next_seq);
	int rc;

	if (!g->orig && !(g->flags & FIN))
		return 0;
	/* A SYN with octets that took no number of its own. */
	if (s->syn_len > 1 && off == -1 && s->next == s->syn_len && !s->waiting.n) {
		s->next_seq--;
		off = 0;
	}
	if (s->syn_len && s->next)
		s->syn_len = !(g->flags & SYN) ? 0 : s->syn_len;
	if (off == -1 && g->orig <= 1 && !(g->flags & FIN))
		return 0; /* keep-alive (RFC 9293 3.8.4) */
	if (off > r->conf.window || -off > r->conf.window) {
		rc = jump(r, &s, g, &off);
		if (rc <= 0)
			return rc;
	}
	if (off < 0 && !trim(r, g, &off))
		return sp_ra_hold_limits(r, s);
	s->jump = false;
	return take(r, s, g, off);
}

static bool impossible(uint8_t flags)
{
	return (flags & SYN && flags & (FIN | RST)) || !(flags & (SYN | RST | ACK | FIN));
}

static int segment(struct sp_reassembly *r, struct segment *g)
{
	const struct sp_view *v = &g->c->v;
	struct sp_slot *s = sp_streams_find(&r->streams, &v->src, &v->dst);
	int rc = 0;

	if (impossible(g->flags)) {
		sp_ra_odd(r, &r->odd.flags);
		if (g->flags & SYN)
			return 0;
	}
	if (g->flags & RST)
		return reset(r, s, g);
	g->seq += g->flags & SYN ? 1 : 0;
	if (!s) {
		if (!(g->flags & SYN) && !g->orig)
			return 0; /* brings nothing, and may be a probe */
		rc = open_new(r, g, &s);
	} else if (g->flags & SYN && (s->ended || s->isn != g->seq - 1)) {
		rc = begin_again(r, &s, g);
	} else if (s->ended) {
		if (g->orig || g->flags & FIN)
			sp_ra_odd(r, (int32_t)(g->seq + g->orig - s->next_seq) > 0
					     ? &r->odd.after_end
					     : &r->odd.retransmitted);
		return 0;
	} else if (g->flags & SYN) {
		s->s.begun = true;
	}
	if (rc)
		return rc;
	sp_streams_touch(&r->streams, s);
	return octets(r, s, g);
}

static void note_fragments(struct sp_reassembly *r)
{
	const struct sp_defrag_odd *d = sp_defrag_odd(r->defrag);

	r->odd.events += d->lost + d->overlapping + d->too_long - r->odd.fragments_lost -
			 r->odd.fragments_overlapping - r->odd.fragments_long;
	r->odd.fragments = d->fragments;
	r->odd.fragments_lost = d->lost;
	r->odd.fragments_overlapping = d->overlapping;
	r->odd.fragments_long = d->too_long;
}

int sp_reassembly_feed(struct sp_reassembly *r, const struct sp_cap_packet *p,
		       const struct sp_cap_view *c)
{
	struct sp_cap_packet whole;
	struct sp_cap_view view;
	struct segment g;
	uint32_t at;
	int rc;

	r->now_ns = p->t_ns;
	r->packet = p->number;
	if (!c->v.src.addr.family)
		return 0;
	if (c->v.fragment) {
		rc = sp_defrag_put(r->defrag, p, c, &whole, &view);
		note_fragments(r);
		if (rc <= 0)
			return rc;
		p = &whole;
		c = &view;
	}
	if (c->v.proto == SP_PROTO_TCP && c->v.l4_off) {
		g = (struct segment){
			.c = c,
			.data = p->data + c->v.payload_off,
			.seq = c->seq,
			.len = c->v.payload_len,
			.orig = c->payload_orig,
			.flags = c->v.tcp_flags,
		};
		return segment(r, &g);
	}
	if (!r->ops->datagram || c->v.proto == SP_PROTO_TCP)
		return 0;
	at = c->v.l4_off && c->v.proto != SP_PROTO_UDP ? c->v.l4_off : c->v.payload_off;
	return r->ops->datagram(r->arg, c, p->data + at,
				c->v.payload_off + c->v.payload_len - at, p->t_ns, p->number);
}

int sp_reassembly_finish(struct sp_reassembly *r)
{
	int rc = 0;

	for (uint32_t i = 0; i < r->streams.n && !rc; i++)
		if (r->streams.slot[i].used)
			rc = end(r, &r->streams.slot[i], SP_STREAM_FILE);
	sp_defrag_finish(r->defrag);
	note_fragments(r);
	return rc;
}

const struct sp_reassembly_odd *sp_reassembly_odd(const struct sp_reassembly *r)
{
	return &r->odd;
}
