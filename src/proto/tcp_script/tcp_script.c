/* TCP for addresses that no kernel owns: it takes connections, confirms what comes and says what it
 * was told to. What it says first is proven by the sequence number that only the true sender has
 * seen, as with SYN cookies: until then it keeps nothing, and no answer is longer than its
 * question. */
#include "plugin/proto.h"

#include <errno.h>
#include <string.h>

#include "pkt/ask.h"
#include "pkt/tcpseg.h"

#define WAYS	4u
#define SETS	256u
#define SEG_MAX 1220u /* of ours: nobody's MSS is smaller on a common network */
#define MSS4	1460u
#define MSS6	1440u
#define TTL	64u

enum script_syn { SYN_ACCEPT, SYN_REFUSE, SYN_DROP };
enum script_end { END_NONE, END_FIN, END_RST };

struct script_conf {
	int syn, end;
	const char *greet, *data;
	uint64_t first, last, window;
};

#define OFF(member) offsetof(struct script_conf, member)
static const struct sp_opt opts[] = {
	{ "syn", SP_OPT_ENUM, OFF(syn), "accept", "accept|refuse|drop", 0, 0,
	  "what a SYN gets: SYN/ACK, RST, nothing" },
	{ "greet", SP_OPT_TEXT, OFF(greet), NULL, NULL, 0, 0,
	  "bytes that are sent when a connection is open" },
	{ "data", SP_OPT_TEXT, OFF(data), NULL, NULL, 0, 0,
	  "bytes that answer the first data" },
	{ "end", SP_OPT_ENUM, OFF(end), "none", "none|fin|rst", 0, 0,
	  "what follows the first data and its answer; none: the other side ends" },
	{ "first", SP_OPT_U64, OFF(first), "1", NULL, 1, 65535,
	  "first port number that answers" },
	{ "last", SP_OPT_U64, OFF(last), "65535", NULL, 1, 65535, "last one" },
	{ "window", SP_OPT_SIZE, OFF(window), "65535", NULL, 1, 65535, "that it offers" },
	{ .name = NULL },
};

struct sp_proto {
	const struct sp_mem *mem;
	const struct sp_reply_own *own;
	struct script_conf conf;
	uint32_t greet_len, data_len;
	uint64_t key[2];
};

struct flow {
	struct sp_addr src, dst;
	uint16_t sport, dport;
	uint32_t isn, irs, rcv_nxt;
	uint32_t una, nxt, max; /* ours, from isn + 1 on, our FIN among them */
	bool used, got_data, got_fin;
};

struct script {
	const struct sp_proto *proto;
	uint32_t turn; /* which way of a full set goes next */
	struct flow flow[SETS][WAYS];
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint64_t hash(const struct sp_proto *p, const struct sp_ask *a,
		     const struct sp_tcp_seg *s)
{
	uint64_t w[4], h = p->key[0];

	memcpy(w, a->src.ip, 16);
	memcpy(w + 2, a->dst.ip, 16);
	for (unsigned i = 0; i < 4; i++)
		h = mix(h, w[i]);
	return mix(mix(h, (uint64_t)s->sport << 16 | s->dport), p->key[1]);
}

static bool is_flow(const struct flow *f, const struct sp_ask *a, const struct sp_tcp_seg *s)
{
	return f->used && f->sport == s->sport && f->dport == s->dport &&
	       sp_addr_eq(&f->src, &a->src) && sp_addr_eq(&f->dst, &a->dst);
}

static struct flow *find(struct script *st, const struct sp_ask *a, const struct sp_tcp_seg *s,
			 uint64_t h)
{
	struct flow *set = st->flow[h >> 32 & (SETS - 1)];

	for (unsigned i = 0; i < WAYS; i++)
		if (is_flow(&set[i], a, s))
			return &set[i];
	return NULL;
}

/* A proven one; where the set is full, another one is forgotten. */
static struct flow *enter(struct script *st, const struct sp_ask *a, const struct sp_tcp_seg *s,
			  uint64_t h)
{
	struct flow *set = st->flow[h >> 32 & (SETS - 1)], *f = NULL;

	for (unsigned i = 0; i < WAYS && !f; i++)
		if (!set[i].used)
			f = &set[i];
	if (!f)
		f = &set[st->turn++ % WAYS];
	*f = (struct flow){ .src = a->src,
			    .dst = a->dst,
			    .sport = s->sport,
			    .dport = s->dport,
			    .isn = (uint32_t)h,
			    .irs = s->seq - 1,
			    .rcv_nxt = s->seq,
			    .used = true };
	return f;
}

/* ---- what it says ---- */

struct say {
	const struct sp_proto *p;
	const struct sp_ask *a;
	const struct sp_tcp_seg *in;
	struct sp_msg *reply;
};

static int say(const struct say *to, struct sp_tcp_seg *out, uint32_t at, uint32_t len)
{
	const struct sp_proto *p = to->p;
	uint32_t head = sp_answer_head_len(to->a), l4 = head, n;

	out->sport = to->in->dport;
	out->dport = to->in->sport;
	out->window = (uint32_t)p->conf.window;
	if (head + SP_TCP_HEAD + SP_TCP_MSS + len > to->reply->len)
		return 0;
	l4 = sp_tcp_seg_put(out, to->reply->data + head);
	for (uint32_t i = 0; i < len; i += n) {
		bool greet = at + i < p->greet_len;
		uint32_t from = greet ? at + i : at + i - p->greet_len;
		uint32_t end = greet ? p->greet_len : p->data_len;

		n = end - from < len - i ? end - from : len - i;
		memcpy(to->reply->data + head + l4 + i,
		       (greet ? p->conf.greet : p->conf.data) + from, n);
	}
	to->reply->len = sp_answer_seal(to->a, p->own->mac, &to->a->dst, TTL, to->reply->data,
					l4 + len, SP_TCP_CSUM);
	return 1;
}

/* RFC 9293, 3.10.7.1 */
static int say_reset(const struct say *to)
{
	const struct sp_tcp_seg *in = to->in;
	struct sp_tcp_seg out = { .flags = SP_TCP_RST };

	if (in->flags & SP_TCP_ACK) {
		out.seq = in->ack;
	} else {
		out.flags |= SP_TCP_ACK;
		out.ack = in->seq + sp_tcp_seg_space(in);
	}
	return say(to, &out, 0, 0);
}

static int on_syn(struct script *st, const struct say *to, uint64_t h)
{
	const struct script_conf *c = &to->p->conf;
	struct flow *f = find(st, to->a, to->in, h);
	struct sp_tcp_seg out = { .flags = SP_TCP_SYN | SP_TCP_ACK,
				  .seq = (uint32_t)h,
				  .ack = to->in->seq + 1 };

	/* The same one again, which was late: the client knows what he has (RFC 5961, 4.2). */
	if (f && to->in->seq == f->irs) {
		out = (struct sp_tcp_seg){ .flags = SP_TCP_ACK,
					   .seq = f->isn + 1 + f->nxt,
					   .ack = f->rcv_nxt };
		return say(to, &out, 0, 0);
	}
	if (f)
		f->used = false; /* a new one with the old numbers */
	if (c->syn == SYN_DROP)
		return 0;
	if (c->syn == SYN_REFUSE)
		return say_reset(to);
	if (to->a->l4_len >= SP_TCP_HEAD + SP_TCP_MSS)
		out.mss = to->a->src.family == 4 ? MSS4 : MSS6;
	return say(to, &out, 0, 0);
}

/* How many bytes there are to be said by now. */
static uint32_t script_len(const struct sp_proto *p, const struct flow *f)
{
	return p->greet_len + (f->got_data ? p->data_len : 0);
}

static bool ends(const struct sp_proto *p, const struct flow *f)
{
	return f->got_fin || (f->got_data && p->conf.end == END_FIN);
}

/* What came fits behind what was there before: notes it. False: it is old, or there is a gap. */
static bool take(struct flow *f, const struct sp_tcp_seg *s)
{
	uint32_t end = s->seq + sp_tcp_seg_space(s);

	if (sp_seq_before(f->rcv_nxt, s->seq) || !sp_seq_before(f->rcv_nxt, end))
		return end == f->rcv_nxt && s->seq == end;
	f->got_data |= s->len > 0;
	f->got_fin |= (s->flags & SP_TCP_FIN) != 0;
	f->rcv_nxt = end;
	return true;
}

static int on_flow(const struct say *to, struct flow *f)
{
	const struct sp_tcp_seg *in = to->in;
	const struct sp_proto *p = to->p;
	uint32_t all, acked = in->ack - (f->isn + 1), len, at;
	bool fits, fin;
	struct sp_tcp_seg out = { .flags = SP_TCP_ACK };

	if (acked > f->max) /* of what was never said: not this connection's (RFC 5961, 5.2) */
		return 0;
	if (acked > f->una)
		f->una = acked;
	fits = take(f, in);
	/* What it has said is said again when the other side says again what it had said. */
	if (!fits || f->nxt < f->una)
		f->nxt = f->una;
	all = script_len(p, f);
	if (p->conf.end == END_RST && f->got_data && f->una == all) {
		f->used = false;
		out.flags |= SP_TCP_RST;
		out.seq = f->isn + 1 + f->nxt;
		out.ack = f->rcv_nxt;
		return say(to, &out, 0, 0);
	}
	at = f->nxt < all ? f->nxt : all;
	len = all - at < SEG_MAX ? all - at : SEG_MAX;
	fin = ends(p, f) && at + len == all && f->nxt <= all;
	if (f->una == all + 1 && f->got_fin)
		f->used = false; /* over; the last one may still want its acknowledgement */
	if (!len && !fin && fits && !sp_tcp_seg_space(in))
		return 0;
	out.seq = f->isn + 1 + f->nxt;
	out.ack = f->rcv_nxt;
	out.flags |= (len ? SP_TCP_PSH : 0) | (fin ? SP_TCP_FIN : 0);
	f->nxt = f->nxt > all ? f->nxt : at + len + fin;
	f->max = f->max > f->nxt ? f->max : f->nxt;
	return say(to, &out, at, len);
}

static int on_msg(void *state, const struct sp_msg *m, struct sp_msg *reply, uint64_t now_ns)
{
	struct script *st = state;
	const struct sp_proto *p = st->proto;
	struct sp_tcp_seg s;
	struct sp_ask a;
	struct say to = { p, &a, &s, reply };
	struct flow *f;
	uint64_t h;

	(void)now_ns;
	if (sp_ask_read(m->data, m->len, &a) || !a.l4 || a.proto != SP_ASK_TCP ||
	    sp_tcp_seg_read(a.l4, a.l4_len, &s) || s.dport < p->conf.first ||
	    s.dport > p->conf.last || !s.sport || !sp_ask_from_one(&a) || !sp_ask_to_one(&a) ||
	    !sp_prefixes_have(&p->own->at, &a.dst) || !sp_ask_intact(&a, m->flags))
		return 0;
	h = hash(p, &a, &s);
	f = find(st, &a, &s, h);
	if (s.flags & SP_TCP_RST) {
		if (f && s.seq == f->rcv_nxt)
			f->used = false;
		return 0;
	}
	if (s.flags & SP_TCP_SYN)
		return s.flags & SP_TCP_ACK ? say_reset(&to) : on_syn(st, &to, h);
	if (!(s.flags & SP_TCP_ACK))
		return 0;
	if (!f && p->conf.syn == SYN_ACCEPT && s.ack == (uint32_t)h + 1)
		f = enter(st, &a, &s, h);
	return f ? on_flow(&to, f) : say_reset(&to);
}

/* ---- the plug-in ---- */

static int check(const void *conf, struct sp_err *err)
{
	const struct script_conf *c = conf;

	if (c->first <= c->last)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "tcp: the port numbers run backwards: first is above last");
}

static int script_open(struct sp_proto **out, const struct sp_proto_args *args,
		       const struct sp_mem *mem, struct sp_err *err)
{
	static const struct script_conf dflt = { .first = 1, .last = 65535, .window = 65535 };
	struct sp_proto *p = sp_alloc(mem, sizeof *p);

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem,
				.own = args->own,
				.conf = args->conf ? *(const struct script_conf *)args->conf
						   : dflt };
	p->greet_len = p->conf.greet ? (uint32_t)strlen(p->conf.greet) : 0;
	p->data_len = p->conf.data ? (uint32_t)strlen(p->conf.data) : 0;
	memcpy(p->key, args->secret, sizeof p->key);
	*out = p;
	return 0;
}

static void script_close(struct sp_proto *p)
{
	sp_free(p->mem, p);
}

static void init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	(void)now_ns;
	(void)w;
	((struct script *)st)->proto = p;
}

const struct sp_proto_ops sp_proto_tcp = {
	.name = "tcp",
	.summary = "scripted TCP: takes connections and confirms what comes",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct script_conf),
	.check = check,
	.roles = 1u << SP_ROLE_RESPONDER,
	.state_size = sizeof(struct script),
	.takes = SP_REPLY_FRAME,
	.grows = SP_GROWS_PROVEN,
	.open = script_open,
	.close = script_close,
	.init = init,
	.on_msg = on_msg,
};
