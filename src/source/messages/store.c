#include "source/messages/store.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "capio/reassembly.h"
#include "source/messages/ends.h"

/* Of a stream: more than any protocol's longest message. */
#define STREAM_MOST (16u << 20)
/* What is older by no more was recorded out of order; by more, or so much later, the clock was set. */
#define ORDER_NS    ((int64_t)SP_NS_PER_S)
#define SET_NS	    (86400 * (int64_t)SP_NS_PER_S)

/* What one TCP stream has left over for its next message. */
struct stream {
	struct stream *next, *before;
	uint8_t *bytes;
	size_t len, cap;
	uint32_t source;  /* UINT32_MAX: it is nobody's */
	uint32_t session; /* UINT32_MAX: no unit of it came yet */
};

struct loader {
	struct msg_store *s;
	const struct msg_load *l;
	const struct msg_section *own;
	const struct sp_env *env;
	struct sp_reassembly *reassembly;
	struct stream *streams;
	uint32_t *hash; /* of sources: index + 1; of mask + 1 places */
	uint32_t mask;
	struct msg_ends ends; /* of sessions over TCP */
	uint32_t *last_of;    /* [cap_sources]: this capture's last unit of it, index + 1 */
	const struct sp_cap_packet *packet;
	int64_t last_ns;  /* of this capture: the latest time so far, as it was put right */
	int64_t shift_ns; /* that the clock of the capture was set by, in all */
	struct sp_err *err;
};

static int no_memory(struct loader *x)
{
	return sp_fail(x->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Of the capture that is being read. */
static struct msg_counts *counts_of(const struct loader *x)
{
	return &x->s->captures[x->s->n_captures].counts;
}

/* Doubles an array that is full; the old one is zeros behind n. */
static bool grow(const struct sp_mem *mem, void **array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 64;
	void *bigger;

	if (n < *cap)
		return true;
	bigger = sp_alloc_array(mem, more, size);
	if (!bigger)
		return false;
	if (n)
		memcpy(bigger, *array, n * size);
	sp_free(mem, *array);
	*array = bigger;
	*cap = more;
	return true;
}

/* ---- sources and sessions ---- */

static uint64_t hash_of(const struct sp_addr *a)
{
	const struct sp_endpoint e = { .addr = *a };

	return sp_endpoint_hash(&e);
}

static int rehash(struct loader *x)
{
	uint32_t places = x->mask ? 2 * (x->mask + 1) : 256;
	uint32_t *hash = sp_alloc_array(x->env->mem, places, sizeof *hash);

	if (!hash)
		return no_memory(x);
	for (uint32_t i = 0; i < x->s->n_sources; i++) {
		uint64_t h = hash_of(&x->s->sources[i].addr);

		while (hash[h & (places - 1)])
			h++;
		hash[h & (places - 1)] = i + 1;
	}
	sp_free(x->env->mem, x->hash);
	x->hash = hash;
	x->mask = places - 1;
	return 0;
}

/* The row of the map; NULL: it is nobody's. */
static const struct msg_map_row *row_of(const struct msg_load *l, const struct sp_addr *a)
{
	for (uint32_t i = 0; i < l->n_map; i++)
		if (sp_addr_eq(&l->map[i].from, a))
			return &l->map[i];
	return NULL;
}

enum { NOBODY = -1, ELSEWHERE = -2 };

static int check_family(struct loader *x, const struct sp_addr *from, const struct sp_addr *to)
{
	char a[64], b[64];

	if (!to->family ? x->l->rest : !x->l->family || to->family == x->l->family)
		return 0;
	if (!x->l->only)
		return ELSEWHERE;
	return sp_fail(
		x->err, -EAFNOSUPPORT, SP_EXIT_DATA,
		"%s is to be played from %s, but %s is of the other family: give the map "
		"an address of the collector's family, or the collector another address",
		sp_addr_format(a, sizeof a, from), sp_addr_format(b, sizeof b, to),
		x->l->target);
}

/* A new source. */
static int add_source(struct loader *x, const struct sp_addr *addr, const struct sp_addr *to,
		      uint32_t *index)
{
	struct msg_store *s = x->s;
	uint32_t cap = s->cap_sources;
	void *sources = s->sources, *last = x->last_of;
	bool ok;

	ok = grow(x->env->mem, &last, s->n_sources, &cap, sizeof *x->last_of);
	x->last_of = last;
	if (ok)
		ok = grow(x->env->mem, &sources, s->n_sources, &s->cap_sources,
			  sizeof *s->sources);
	s->sources = sources;
	if (!ok)
		return no_memory(x);
	s->sources[s->n_sources] = (struct msg_source){ .addr = *addr, .local = *to };
	*index = s->n_sources++;
	return s->n_sources * 2 > x->mask ? rehash(x) : 0;
}

/* 0 with *index; NOBODY or ELSEWHERE; or an error. */
static int find_source(struct loader *x, const struct sp_addr *addr, uint32_t *index)
{
	static const struct sp_addr any;
	const struct msg_map_row *row;
	uint64_t h = hash_of(addr);
	uint32_t k;
	int rc;

	for (; (k = x->hash[h & x->mask]); h++)
		if (sp_addr_eq(&x->s->sources[k - 1].addr, addr)) {
			*index = k - 1;
			return 0;
		}
	row = row_of(x->l, addr);
	if (!row && x->l->mapped)
		return NOBODY;
	rc = check_family(x, addr, row ? &row->to : &any);
	if (rc)
		return rc;
	k = x->s->n_sources;
	rc = add_source(x, addr, row ? &row->to : &any, index);
	if (!rc && x->hash[h & x->mask] == 0) /* not rehashed meanwhile: else it is there */
		x->hash[h & x->mask] = k + 1;
	return rc;
}

/* The session between these ends; of datagrams a source has one. */
static int find_session(struct loader *x, uint32_t source, const struct sp_endpoint *src,
			const struct sp_endpoint *dst, uint32_t *index)
{
	struct msg_store *s = x->s;
	void *sessions = s->sessions;
	bool ok;

	*index = s->sources[source].session - 1;
	if (!x->own->tcp && s->sources[source].session)
		return 0;
	if (x->own->tcp) {
		*index = sp_msg_ends_find(&x->ends, s, source, src, dst);
		if (*index != UINT32_MAX)
			return 0;
	}
	ok = grow(x->env->mem, &sessions, s->n_sessions, &s->cap_sessions, sizeof *s->sessions);
	s->sessions = sessions;
	if (!ok)
		return no_memory(x);
	s->sessions[s->n_sessions] = (struct msg_session){
		.source = source,
		.rank = s->sources[source].sessions++,
		.src = *src,
		.dst = *dst,
		.capture = s->n_captures
	};
	*index = s->n_sessions++;
	if (!s->sources[source].session)
		s->sources[source].session = *index + 1;
	return x->own->tcp && sp_msg_ends_add(&x->ends, s, x->env->mem) ? no_memory(x) : 0;
}

/* ---- units ---- */

static int add_unit(struct loader *x, uint32_t session, const uint8_t *data, size_t len,
		    int64_t t_ns)
{
	struct msg_store *s = x->s;
	uint32_t source = s->sessions[session].source;
	void *units = s->units;
	uint8_t *copy = sp_arena_alloc(&s->arena, len + 1);
	bool ok = copy && s->n < UINT32_MAX - 1 &&
		  grow(x->env->mem, &units, s->n, &s->cap, sizeof *s->units);

	s->units = units;
	if (!ok)
		return no_memory(x);
	memcpy(copy, data, len);
	s->units[s->n++] = (struct msg_unit){ .t_ns = t_ns,
					      .recorded_ns = t_ns - x->shift_ns,
					      .data = copy,
					      .len = (uint32_t)len,
					      .session = session };
	if (x->last_of[source])
		s->units[x->last_of[source] - 1].next = s->n;
	x->last_of[source] = s->n;
	s->sessions[session].units++;
	if (len > s->longest)
		s->longest = (uint32_t)len;
	return 0;
}

/* ---- streams ---- */

static int on_begin(void *arg, struct sp_stream *st)
{
	struct loader *x = arg;
	struct stream *own = sp_alloc(x->env->mem, sizeof *own);
	uint32_t source = 0;
	int rc;

	if (!own)
		return no_memory(x);
	own->next = x->streams;
	if (own->next)
		own->next->before = own;
	x->streams = own;
	own->source = own->session = UINT32_MAX;
	st->user = own;
	rc = find_source(x, &st->src.addr, &source);
	if (rc == NOBODY || rc == ELSEWHERE)
		return 0;
	own->source = source;
	return rc;
}

static void forget(struct loader *x, struct stream *own)
{
	if (own->before)
		own->before->next = own->next;
	else
		x->streams = own->next;
	if (own->next)
		own->next->before = own->before;
	sp_free(x->env->mem, own->bytes);
	sp_free(x->env->mem, own);
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

static int append(struct loader *x, struct stream *own, const uint8_t *data, size_t len)
{
	size_t cap = own->cap ? own->cap : 4096;
	uint8_t *bigger;

	while (cap - own->len < len)
		cap *= 2;
	if (cap > own->cap) {
		bigger = sp_alloc_array(x->env->mem, cap, 1);
		if (!bigger)
			return no_memory(x);
		if (own->len)
			memcpy(bigger, own->bytes, own->len);
		sp_free(x->env->mem, own->bytes);
		own->bytes = bigger;
		own->cap = cap;
	}
	memcpy(own->bytes + own->len, data, len);
	own->len += len;
	return 0;
}

static int on_bytes(void *arg, struct sp_stream *st, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct loader *x = arg;
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
	if (bad || own->len - done > STREAM_MOST) {
		counts_of(x)->broken += own->len - done;
		own->len = done;
	}
	/* What is left is the beginning of the next message: it is kept first. */
	kept = keep_wanted(x->own, own->bytes, done);
	if (kept && own->session == UINT32_MAX)
		rc = find_session(x, own->source, &st->src, &st->dst, &own->session);
	if (kept && !rc)
		rc = add_unit(x, own->session, own->bytes, kept, t_ns);
	memmove(own->bytes, own->bytes + done, own->len - done);
	own->len -= done;
	return rc;
}

static int on_gap(void *arg, struct sp_stream *st, uint64_t missing, int64_t t_ns)
{
	struct loader *x = arg;
	struct stream *own = st->user;

	(void)t_ns;
	counts_of(x)->holes += missing;
	counts_of(x)->broken += own->len;
	own->len = 0;
	return 0;
}

static int on_end(void *arg, struct sp_stream *st, enum sp_stream_end how, int64_t t_ns)
{
	struct loader *x = arg;
	struct stream *own = st->user;

	(void)how, (void)t_ns;
	counts_of(x)->broken += own->len;
	forget(x, own);
	st->user = NULL;
	return 0;
}

/* ---- packets ---- */

/* A packet of a sender that is not in the map; over TCP, one without data says nothing of it. */
static int leave_out(struct loader *x, const struct sp_addr *sender, bool data)
{
	counts_of(x)->unknown_peer++;
	if (!data ||
	    !sp_msg_strangers_add(&x->s->strangers, sender, x->s->n_captures, x->env->mem))
		return 0;
	return no_memory(x);
}

static int take_datagram(struct loader *x, const struct sp_cap_view *v, const uint8_t *payload,
			 size_t len, int64_t t_ns)
{
	uint32_t source, session;
	int rc = find_source(x, &v->v.src.addr, &source);

	if (rc == NOBODY)
		return leave_out(x, &v->v.src.addr, true);
	if (rc == ELSEWHERE)
		return 0;
	if (rc)
		return rc;
	if (x->own->codec && !sp_msg_wanted(x->own, payload, len))
		return 0;
	counts_of(x)->filtered++;
	if (len > x->l->most) {
		counts_of(x)->too_long++;
		return 0;
	}
	/* An empty datagram says nothing in any of these protocols. */
	if (!len && x->own->codec)
		return 0;
	rc = find_session(x, source, &(struct sp_endpoint){ .addr = v->v.src.addr },
			  &(struct sp_endpoint){ .addr = v->v.dst.addr }, &session);
	return rc ? rc : add_unit(x, session, payload, len, t_ns);
}

static int on_datagram(void *arg, const struct sp_cap_view *v, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	struct loader *x = arg;
	uint32_t of = sp_msg_section_of(x->l->sections, x->packet, v);

	(void)packet;
	counts_of(x)->unknown_proto += of == UINT32_MAX;
	return of == x->l->own ? take_datagram(x, v, payload, len, t_ns) : 0;
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

static int take_packet(struct loader *x, const struct sp_cap_packet *p)
{
	struct msg_counts *n = counts_of(x);
	struct sp_cap_view v;
	uint32_t of, source;
	int rc;

	sp_cap_view(p, &v);
	x->packet = p;
	if (v.v.fragment)
		return sp_reassembly_feed(x->reassembly, p, &v);
	of = sp_msg_section_of(x->l->sections, p, &v);
	n->unknown_proto += of == UINT32_MAX;
	if (of != x->l->own)
		return 0;
	if (is_cut(p, &v.v)) {
		n->cut++;
		return 0;
	}
	if (!x->own->tcp)
		return take_datagram(x, &v, p->data + v.v.payload_off, v.v.payload_len,
				     p->t_ns);
	rc = find_source(x, &v.v.src.addr, &source);
	if (rc == NOBODY)
		return leave_out(x, &v.v.src.addr, v.v.payload_len > 0);
	if (rc == ELSEWHERE)
		return 0;
	n->filtered++;
	return rc ? rc : sp_reassembly_feed(x->reassembly, p, &v);
}

/* Puts a packet's time right, as `spate replay` of packets does. */
static void mend_time(struct loader *x, struct sp_cap_packet *p, bool first)
{
	int64_t t = p->t_ns + x->shift_ns;

	if (first)
		x->last_ns = t;
	if (t < x->last_ns - ORDER_NS || t >= x->last_ns + SET_NS) {
		counts_of(x)->set++;
		x->shift_ns += x->last_ns - t;
		t = x->last_ns;
	}
	counts_of(x)->backwards += t < x->last_ns;
	if (t < x->last_ns)
		t = x->last_ns;
	p->t_ns = x->last_ns = t;
}

static int take_all(struct loader *x, struct sp_cap *cap, struct msg_capture *c)
{
	struct sp_err damage = { 0 };
	struct sp_cap_packet p;
	uint64_t packets = 0;
	int rc = 0;

	x->shift_ns = 0;
	while (!rc && sp_cap_next(cap, &p, &damage) > 0) {
		mend_time(x, &p, !packets++);
		if (packets == 1)
			c->first_ns = p.t_ns;
		c->last_ns = p.t_ns;
		rc = take_packet(x, &p);
	}
	counts_of(x)->packets = packets;
	if (!rc)
		rc = sp_reassembly_finish(x->reassembly);
	/* Damage ends this file, not the others; memory does. */
	if (!rc && damage.code == -ENOMEM)
		rc = no_memory(x);
	if (damage.code && !x->s->damage.code)
		x->s->damage = damage;
	return rc;
}

static int close_capture(struct loader *x, struct msg_capture *c)
{
	struct msg_store *s = x->s;

	c->n = s->n - c->first;
	c->first_of = sp_arena_alloc(&s->arena, (s->n_sources + 1) * sizeof *c->first_of);
	if (!c->first_of)
		return no_memory(x);
	for (uint32_t i = s->n; i-- > c->first;)
		c->first_of[s->sessions[s->units[i].session].source] = i + 1;
	c->n_sources = s->n_sources;
	if (s->n_sources)
		memset(x->last_of, 0, s->n_sources * sizeof *x->last_of);
	s->n_captures++;
	return 0;
}

static int load_one(struct loader *x, const char *path)
{
	static const struct sp_reassembly_ops ops = { .begin = on_begin,
						      .bytes = on_bytes,
						      .gap = on_gap,
						      .end = on_end,
						      .datagram = on_datagram };
	const struct sp_reassembly_conf conf = { 0 };
	struct msg_store *s = x->s;
	struct msg_capture *c = &s->captures[s->n_captures];
	struct sp_cap *cap;
	int rc = sp_cap_open(&cap, path, x->env->mem, x->err);

	if (rc)
		return rc;
	*c = (struct msg_capture){ .path = path, .first = s->n };
	rc = sp_reassembly_new(&x->reassembly, &conf, &ops, x, x->env->mem);
	if (rc)
		rc = no_memory(x);
	else
		rc = take_all(x, cap, c);
	sp_reassembly_free(x->reassembly);
	x->reassembly = NULL;
	sp_cap_close(cap);
	while (x->streams)
		forget(x, x->streams);
	return rc ? rc : close_capture(x, c);
}

int sp_msg_store_load(struct msg_store *s, const struct msg_load *l, const struct sp_env *env,
		      struct sp_err *err)
{
	struct loader x = {
		.s = s, .l = l, .own = &l->sections->at[l->own], .env = env, .err = err
	};
	int rc;

	*s = (struct msg_store){ 0 };
	sp_arena_init(&s->arena, env->mem);
	s->strangers.arena = &s->arena;
	s->captures = sp_arena_alloc(&s->arena, (l->n_paths + 1) * sizeof *s->captures);
	rc = s->captures ? rehash(&x) : no_memory(&x);
	for (uint32_t i = 0; i < l->n_paths && !rc; i++)
		rc = load_one(&x, l->paths[i]);
	for (uint32_t i = 0; i < s->n_sessions; i++)
		sp_msg_strangers_collector(&s->strangers, &s->sessions[i].dst.addr);
	sp_msg_ends_free(&x.ends, env->mem);
	sp_free(env->mem, x.hash);
	sp_free(env->mem, x.last_of);
	return rc;
}

void sp_msg_store_free(struct msg_store *s, const struct sp_mem *mem)
{
	if (!s->arena.mem)
		return;
	sp_free(mem, s->units);
	sp_free(mem, s->sources);
	sp_free(mem, s->sessions);
	sp_msg_strangers_free(&s->strangers, mem);
	sp_arena_fini(&s->arena);
}
