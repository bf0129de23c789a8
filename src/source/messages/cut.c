#include "source/messages/cut.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "capio/reassembly.h"

/* What is older by no more was recorded out of order; by more, or so much later, the clock was set. */
#define ORDER_NS ((int64_t)SP_NS_PER_S)
#define SET_NS	 (86400 * (int64_t)SP_NS_PER_S)
#define LEAST	 512u /* octets of what a stream has left over */

/* What one TCP stream has left over for its next message. */
struct stream {
	struct stream *next, *before;
	uint8_t *bytes;
	size_t len, cap;
	uint32_t source;  /* UINT32_MAX: it is nobody's */
	uint32_t session; /* UINT32_MAX: no unit of it came yet */
};

struct msg_cut {
	const struct sp_mem *mem;
	struct msg_cut_conf conf;
	const struct msg_section *own;
	struct sp_reassembly *reassembly;
	struct stream *streams;
	size_t left; /* room of what all of them have left over */
	const struct sp_cap_packet *packet;
	bool begun;
	int64_t last_ns;  /* the latest time so far, as it was put right */
	int64_t shift_ns; /* that the clock of the capture was set by, in all */
	struct sp_err *err;
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int give(struct msg_cut *x, uint32_t session, const uint8_t *data, size_t len,
		int64_t t_ns)
{
	const struct msg_unit u = { .t_ns = t_ns,
				    .recorded_ns = t_ns - x->shift_ns,
				    .data = data,
				    .len = (uint32_t)len,
				    .session = session };

	return x->conf.unit(x->conf.arg, &u, x->err);
}

/* ---- streams ---- */

static int on_begin(void *arg, struct sp_stream *st)
{
	struct msg_cut *x = arg;
	struct stream *own = sp_alloc(x->mem, sizeof *own);
	uint32_t source = 0;
	int rc;

	if (!own)
		return no_memory(x->err);
	own->next = x->streams;
	if (own->next)
		own->next->before = own;
	x->streams = own;
	own->source = own->session = UINT32_MAX;
	st->user = own;
	rc = sp_msg_senders_source(x->conf.senders, &st->src.addr, &source, x->err);
	if (rc > 0)
		return 0;
	own->source = source;
	return rc;
}

/* Nothing is left over. */
static void let_go(struct msg_cut *x, struct stream *own)
{
	sp_free(x->mem, own->bytes);
	x->left -= own->cap;
	own->bytes = NULL;
	own->len = own->cap = 0;
}

static void forget(struct msg_cut *x, struct stream *own)
{
	if (own->before)
		own->before->next = own->next;
	else
		x->streams = own->next;
	if (own->next)
		own->next->before = own->before;
	let_go(x, own);
	sp_free(x->mem, own);
}

/* Whole messages at the beginning of what is there; *bad: what follows is none. */
static size_t whole(const struct msg_section *own, const uint8_t *p, size_t len, bool *bad)
{
	size_t at = 0;

	*bad = false;
	while (own->codec && at < len) {
		ptrdiff_t n = own->codec->boundary(p + at, len - at);

		*bad = n < 0;
		if (n <= 0 || (size_t)n > len - at)
			return at;
		at += (size_t)n;
	}
	return own->codec ? at : len;
}

/* Leaves out messages that its conditions do not want; returns what is left. */
static size_t keep_wanted(const struct msg_section *own, uint8_t *p, size_t len)
{
	size_t kept = 0;

	if (!own->fields)
		return len;
	for (size_t at = 0; at < len;) {
		size_t n = (size_t)own->codec->boundary(p + at, len - at);

		if (sp_msg_wanted(own, p + at, n)) {
			memmove(p + kept, p + at, n);
			kept += n;
		}
		at += n;
	}
	return kept;
}

static int append(struct msg_cut *x, struct stream *own, const uint8_t *data, size_t len)
{
	size_t cap = own->cap ? own->cap : LEAST;
	uint8_t *bigger;

	while (cap - own->len < len)
		cap *= 2;
	if (cap > own->cap) {
		bigger = sp_alloc_array(x->mem, cap, 1);
		if (!bigger)
			return no_memory(x->err);
		if (own->len)
			memcpy(bigger, own->bytes, own->len);
		sp_free(x->mem, own->bytes);
		own->bytes = bigger;
		x->left += cap - own->cap;
		own->cap = cap;
	}
	memcpy(own->bytes + own->len, data, len);
	own->len += len;
	return 0;
}

static int on_bytes(void *arg, struct sp_stream *st, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct msg_cut *x = arg;
	struct stream *own = st->user;
	size_t done, kept;
	bool bad;
	int rc;

	(void)packet;
	if (own->source == UINT32_MAX)
		return 0;
	rc = append(x, own, data, len);
	if (rc)
		return rc;
	done = whole(x->own, own->bytes, own->len, &bad);
	if (bad || own->len - done > MSG_CUT_STREAM ||
	    (own->len > done && x->left > MSG_CUT_LEFT)) {
		x->conf.counts->broken += own->len - done;
		own->len = done;
	}
	/* What is left is the beginning of the next message: it is kept first. */
	kept = keep_wanted(x->own, own->bytes, done);
	if (kept && own->session == UINT32_MAX)
		rc = sp_msg_senders_session(x->conf.senders, x->conf.capture, own->source,
					    &st->src, &st->dst, &own->session, x->err);
	if (kept && !rc)
		rc = give(x, own->session, own->bytes, kept, t_ns);
	memmove(own->bytes, own->bytes + done, own->len - done);
	own->len -= done;
	if (!own->len)
		let_go(x, own);
	return rc;
}

static int on_gap(void *arg, struct sp_stream *st, uint64_t missing, int64_t t_ns)
{
	struct msg_cut *x = arg;
	struct stream *own = st->user;

	(void)t_ns;
	x->conf.counts->holes += missing;
	x->conf.counts->broken += own->len;
	let_go(x, own);
	return 0;
}

static int on_end(void *arg, struct sp_stream *st, enum sp_stream_end how, int64_t t_ns)
{
	struct msg_cut *x = arg;
	struct stream *own = st->user;

	(void)how, (void)t_ns;
	x->conf.counts->broken += own->len;
	forget(x, own);
	st->user = NULL;
	return 0;
}

/* ---- packets ---- */

/* A packet of a sender that is not in the map; over TCP, one without data says nothing of it. */
static int leave_out(struct msg_cut *x, const struct sp_addr *sender, bool data)
{
	x->conf.counts->unknown_peer++;
	if (!data || !x->conf.strangers ||
	    !sp_msg_strangers_add(x->conf.strangers, sender, x->conf.capture, x->mem))
		return 0;
	return sp_fail(x->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int take_datagram(struct msg_cut *x, const struct sp_cap_view *v, const uint8_t *payload,
			 size_t len, int64_t t_ns)
{
	struct msg_counts *n = x->conf.counts;
	uint32_t source, session;
	int rc = sp_msg_senders_source(x->conf.senders, &v->v.src.addr, &source, x->err);

	if (rc == MSG_NOBODY)
		return leave_out(x, &v->v.src.addr, true);
	if (rc)
		return rc < 0 ? rc : 0;
	if (x->own->codec && !sp_msg_wanted(x->own, payload, len))
		return 0;
	n->filtered++;
	if (len > x->conf.most) {
		n->too_long++;
		return 0;
	}
	/* An empty datagram says nothing in any of these protocols. */
	if (!len && x->own->codec)
		return 0;
	rc = sp_msg_senders_session(x->conf.senders, x->conf.capture, source, &v->v.src,
				    &v->v.dst, &session, x->err);
	return rc ? rc : give(x, session, payload, len, t_ns);
}

static int on_datagram(void *arg, const struct sp_cap_view *v, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	struct msg_cut *x = arg;
	uint32_t of = sp_msg_section_of(x->conf.sections, x->packet, v);

	(void)packet;
	x->conf.counts->unknown_proto += of == UINT32_MAX;
	return of == x->conf.own ? take_datagram(x, v, payload, len, t_ns) : 0;
}

/* Is less of it in the file than its own length says? */
static bool is_cut(const struct sp_cap_packet *p, const struct sp_view *v)
{
	uint32_t said;

	if (p->len >= p->orig_len || v->l4_off + 8 > p->len)
		return p->len < p->orig_len && v->l4_off + 8 > p->len;
	said = sp_get_be16(p->data + v->l4_off + 4);
	return v->proto == SP_PROTO_UDP && said > v->payload_len + 8;
}

static int take_packet(struct msg_cut *x, const struct sp_cap_packet *p)
{
	struct msg_counts *n = x->conf.counts;
	struct sp_cap_view v;
	uint32_t of, source;
	int rc;

	sp_cap_view(p, &v);
	x->packet = p;
	if (v.v.fragment)
		return sp_reassembly_feed(x->reassembly, p, &v);
	of = sp_msg_section_of(x->conf.sections, p, &v);
	n->unknown_proto += of == UINT32_MAX;
	if (of != x->conf.own)
		return 0;
	if (is_cut(p, &v.v)) {
		n->cut++;
		return 0;
	}
	if (!x->own->tcp)
		return take_datagram(x, &v, p->data + v.v.payload_off, v.v.payload_len,
				     p->t_ns);
	rc = sp_msg_senders_source(x->conf.senders, &v.v.src.addr, &source, x->err);
	if (rc == MSG_NOBODY)
		return leave_out(x, &v.v.src.addr, v.v.payload_len > 0);
	if (rc > 0)
		return 0;
	n->filtered++;
	return rc ? rc : sp_reassembly_feed(x->reassembly, p, &v);
}

/* Puts a packet's time right, as `spate replay` of packets does. */
static void mend_time(struct msg_cut *x, struct sp_cap_packet *p)
{
	int64_t t;
	/* Of times that nobody recorded the sum may be more than there is room for. */
	bool far = __builtin_add_overflow(p->t_ns, x->shift_ns, &t);

	if (!x->begun)
		x->last_ns = t;
	x->begun = true;
	if (far || t < x->last_ns - ORDER_NS || t >= x->last_ns + SET_NS) {
		x->conf.counts->set++;
		x->shift_ns = x->last_ns - p->t_ns;
		t = x->last_ns;
	}
	x->conf.counts->backwards += t < x->last_ns;
	if (t < x->last_ns)
		t = x->last_ns;
	p->t_ns = x->last_ns = t;
}

/* The reassembly says no more than that memory is short. */
static int put_in_words(int rc, struct sp_err *err)
{
	return rc == -ENOMEM ? no_memory(err) : rc;
}

int sp_msg_cut_packet(struct msg_cut *x, struct sp_cap_packet *p, struct sp_err *err)
{
	x->err = err;
	mend_time(x, p);
	x->conf.counts->packets++;
	return put_in_words(take_packet(x, p), err);
}

int sp_msg_cut_finish(struct msg_cut *x, struct sp_err *err)
{
	x->err = err;
	return put_in_words(sp_reassembly_finish(x->reassembly), err);
}

int sp_msg_cut_new(struct msg_cut **out, const struct msg_cut_conf *conf,
		   const struct sp_mem *mem, struct sp_err *err)
{
	static const struct sp_reassembly_ops ops = { .begin = on_begin,
						      .bytes = on_bytes,
						      .gap = on_gap,
						      .end = on_end,
						      .datagram = on_datagram };
	const struct sp_reassembly_conf limits = { 0 };
	struct msg_cut *x = sp_alloc(mem, sizeof *x);

	*out = x;
	if (!x)
		return no_memory(err);
	x->mem = mem;
	x->conf = *conf;
	x->own = &conf->sections->at[conf->own];
	if (sp_reassembly_new(&x->reassembly, &limits, &ops, x, mem) == 0)
		return 0;
	sp_msg_cut_free(x);
	*out = NULL;
	return no_memory(err);
}

void sp_msg_cut_free(struct msg_cut *x)
{
	if (!x)
		return;
	while (x->streams)
		forget(x, x->streams);
	sp_reassembly_free(x->reassembly);
	sp_free(x->mem, x);
}
