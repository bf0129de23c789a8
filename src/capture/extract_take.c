/* From captures to messages: packets are dealt to parts; datagrams and frames are kept here, streams
 * in extract_stream.c. */
#include <errno.h>
#include <string.h>

#include "capture/extract_frame.h"
#include "capture/extract_impl.h"

bool sp_ext_port_known(const struct sp_codec_ops *codec, const struct sp_endpoint *a,
		       const struct sp_endpoint *b)
{
	for (unsigned i = 0; i < sizeof codec->port / sizeof *codec->port; i++)
		if (codec->port[i] && (codec->port[i] == a->port || codec->port[i] == b->port))
			return true;
	return false;
}

static struct sp_ext_unit *unit_new(struct sp_ext *x, const struct sp_ext_pair *pair,
				    const uint8_t *data, size_t len)
{
	struct sp_ext_unit *u = sp_arena_alloc(&x->arena, sizeof *u + len);

	if (!u)
		return NULL;
	u->pair = pair;
	u->len = (uint32_t)len;
	memcpy(u->data, data, len);
	return u;
}

static void unit_add(struct sp_ext_units *list, struct sp_ext_unit *u)
{
	if (!list->end)
		list->end = &list->first;
	*list->end = u;
	list->end = &u->next;
	list->n++;
}

int sp_ext_open(struct sp_ext_part *p, void **st)
{
	struct sp_mem_limit *states = &p->x->states;

	states->refused = false;
	*st = p->conf->codec->open(&states->mem);
	return *st || states->refused ? 0 : -ENOMEM;
}

int sp_ext_message(struct sp_ext_part *p, void *st, struct sp_ext_units *list,
		   const struct sp_ext_pair *pair, const uint8_t *m, size_t len,
		   struct sp_codec_note *note)
{
	const struct sp_codec_ops *codec = p->conf->codec;
	struct sp_ext_unit *u;
	size_t left = len;

	if (p->conf->keeps && !p->conf->keeps(p->conf->arg, m, len))
		return 0;
	p->x->states.refused = false;
	codec->read(st, m, len, note);
	p->no_room += p->x->states.refused;
	if (note->flags & SP_CM_ODD) {
		if (!p->odd++)
			p->odd_reason = note->reason;
	}
	if (note->flags & SP_CM_UNKNOWN) {
		p->unknown++;
		if (!codec->clean)
			return 0;
	}
	u = unit_new(p->x, pair, m, len);
	if (!u)
		return -ENOMEM;
	if (codec->clean)
		left = codec->clean(st, m, len, u->data, len);
	if (left == 0)
		return 0;
	u->len = (uint32_t)left;
	u->type = note->type;
	u->before_ns = note->before_ns;
	u->after_ns = note->after_ns;
	unit_add(list, u);
	return 1;
}

/* The endpoints of a datagram or frame; most come in a row. */
static const struct sp_ext_pair *pair_of(struct sp_ext_part *p, const struct sp_view *v)
{
	if (p->pair && sp_endpoint_eq(&p->pair->src, &v->src) &&
	    sp_endpoint_eq(&p->pair->dst, &v->dst))
		return p->pair;
	p->pair = sp_arena_alloc(&p->x->arena, sizeof *p->pair);
	if (p->pair)
		*p->pair = (struct sp_ext_pair){ v->src, v->dst };
	return p->pair;
}

static int grow_states(struct sp_ext_part *p)
{
	uint32_t cap = p->state_cap ? 2 * p->state_cap : 16;
	void **state = sp_alloc_array(p->x->mem, cap, sizeof *state);

	if (!state)
		return -ENOMEM;
	if (p->state_cap)
		memcpy(state, p->state, p->state_cap * sizeof *state);
	sp_free(p->x->mem, p->state);
	p->state = state;
	p->state_cap = cap;
	return 0;
}

void sp_ext_states_fini(struct sp_ext_part *p)
{
	for (uint32_t i = 0; i < p->sources.n && p->state; i++)
		p->conf->codec->close(p->state[i]);
	sp_free(p->x->mem, p->state);
	p->state = NULL;
	p->state_cap = 0;
}

/* The state of the source of datagrams, in *st; NULL: there is no room for it. */
static int state_of(struct sp_ext_part *p, const struct sp_addr *source, void **st)
{
	struct sp_endpoint e = { .addr = *source };
	int i = sp_endpoint_set_find(&p->sources, &e), rc;
	bool added;

	*st = i < 0 ? NULL : p->state[i];
	if (i >= 0 || p->full)
		return 0;
	if (p->sources.n == p->state_cap && grow_states(p))
		return -ENOMEM;
	rc = sp_ext_open(p, st);
	p->full = !rc && !*st;
	if (rc || p->full)
		return rc;
	i = sp_endpoint_set_add(&p->sources, &e, &added);
	if (i < 0) {
		p->conf->codec->close(*st);
		return -ENOMEM;
	}
	p->state[i] = *st;
	return 0;
}

static int on_datagram(void *arg, const struct sp_cap_view *view, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	struct sp_ext_part *p = arg;
	const struct sp_codec_ops *codec = p->conf->codec;
	const struct sp_view *v = &view->v;
	struct sp_codec_note note = { 0 };
	const struct sp_ext_pair *pair;
	ptrdiff_t n;
	void *st;
	int rc;

	(void)t_ns, (void)packet;
	if (p->conf->guess && !sp_ext_port_known(codec, &v->src, &v->dst) &&
	    !codec->guess(payload, len))
		return 0;
	n = codec->boundary(payload, len);
	if (n <= 0 || (size_t)n > len) {
		p->not_messages++;
		return 0;
	}
	if (state_of(p, &v->src.addr, &st))
		return -ENOMEM;
	if (!st) {
		p->no_room++;
		return 0;
	}
	pair = pair_of(p, v);
	if (!pair)
		return -ENOMEM;
	rc = sp_ext_message(p, st, &p->units, pair, payload, (size_t)n, &note);
	return rc < 0 ? rc : 0;
}

const struct sp_reassembly_ops sp_ext_datagram_ops = { .datagram = on_datagram };

/* A packet of a generic part: the frame as it is; what had another link gets Ethernet's header. */
static int take_frame(struct sp_ext_part *p, const struct sp_cap_packet *pkt,
		      const struct sp_view *v)
{
	const struct sp_ext_pair *pair = pair_of(p, v);
	uint32_t off = 0, len = pkt->len - pkt->fcs_len;
	struct sp_ext_unit *u;

	if (pkt->len < pkt->orig_len)
		p->short_packets++;
	if (pkt->link != SP_LINK_ETHERNET) {
		off = v->l3_off;
		len = v->l3_len;
	}
	if (pair && len > pkt->len - off)
		return 0;
	u = pair ? unit_new(p->x, pair, pkt->data + off, len) : NULL;
	if (!u)
		return -ENOMEM;
	if (pkt->link != SP_LINK_ETHERNET)
		u->type = v->src.addr.family == 4 ? SP_ETHER_IP4 : SP_ETHER_IP6;
	unit_add(&p->units, u);
	return 0;
}

static int is_of(const struct sp_extract_part *c, const struct sp_cap_packet *pkt,
		 const struct sp_cap_view *view)
{
	const struct sp_view *v = &view->v;

	if (v->proto != (c->over == SP_CODEC_TCP ? SP_PROTO_TCP : SP_PROTO_UDP))
		return false;
	/* Only the first fragment has port numbers; the others are nothing without it. */
	if (c->codec && v->fragment && v->frag_off)
		return true;
	return !c->wants || c->wants(c->arg, pkt, view);
}

static int deal(struct sp_ext *x, const struct sp_cap_packet *pkt)
{
	struct sp_cap_view view;
	int rc = 0;

	x->packets++;
	sp_cap_view(pkt, &view);
	for (unsigned i = 0; i < x->conf->n_parts && !rc; i++) {
		struct sp_ext_part *p = &x->part[i];

		rc = is_of(p->conf, pkt, &view);
		if (rc <= 0)
			continue;
		rc = p->ra ? sp_reassembly_feed(p->ra, pkt, &view)
			   : take_frame(p, pkt, &view.v);
	}
	return rc;
}

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int take_file(struct sp_ext *x, struct sp_cap_file *file, struct sp_err *err)
{
	struct sp_cap_packet pkt;
	struct sp_cap *cap;
	int rc = sp_cap_open_file(&cap, file, x->mem, err);

	if (rc)
		return rc;
	while ((rc = sp_cap_next(cap, &pkt, err)) > 0) {
		rc = deal(x, &pkt);
		if (rc) {
			rc = no_memory(err);
			break;
		}
	}
	sp_cap_close(cap);
	return rc;
}

/* What one part remarks upon when everything was read. */
static void remark_part(struct sp_ext_part *p)
{
	const char *name = p->conf->section;

	if (p->not_messages)
		sp_ext_remark(p->x, "%s: %llu datagrams are no messages of it: left out", name,
			      (unsigned long long)p->not_messages);
	if (p->no_room)
		sp_ext_remark(
			p->x,
			"%s: %llu messages are left out, or what they define: more sources, "
			"or more of them, than is kept (%u MiB)",
			name, (unsigned long long)p->no_room, SP_EXT_STATES >> 20);
	if (p->unknown)
		sp_ext_remark(p->x,
			      "%s: %llu messages hold data whose template was not seen before: "
			      "that data is left out",
			      name, (unsigned long long)p->unknown);
	if (p->odd)
		sp_ext_remark(p->x, "%s: %llu messages are malformed inside and kept (%s)",
			      name, (unsigned long long)p->odd,
			      p->odd_reason ? p->odd_reason : "?");
	if (p->short_packets)
		sp_ext_remark(p->x, "%s: %llu packets were captured in part only", name,
			      (unsigned long long)p->short_packets);
}

int sp_ext_take(struct sp_ext *x, struct sp_err *err)
{
	static const struct sp_reassembly_conf conf = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < x->conf->n_parts; i++) {
		struct sp_ext_part *p = &x->part[i];

		if (p->conf->codec &&
		    sp_reassembly_new(&p->ra, &conf,
				      p->conf->over == SP_CODEC_TCP ? &sp_ext_stream_ops
								    : &sp_ext_datagram_ops,
				      p, x->mem))
			return no_memory(err);
	}
	for (unsigned i = 0; i < x->conf->n_inputs && !rc; i++)
		rc = take_file(x, &x->files[i], err);
	if (rc && err->exit != SP_EXIT_DATA)
		return rc;
	for (unsigned i = 0; i < x->conf->n_parts; i++) {
		if (x->part[i].ra && sp_reassembly_finish(x->part[i].ra))
			return no_memory(err);
		sp_ext_states_fini(&x->part[i]);
		remark_part(&x->part[i]);
	}
	return rc;
}
