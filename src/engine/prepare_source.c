/* Sources: streams of equal bytes share one, as long as nothing in them varies. */
#include "engine/run_impl.h"

#include <errno.h>
#include <string.h>

#include "engine/lane_select.h"
#include "engine/packet.h"

/* What a source is made of, until the run is freed. */
struct run_source {
	struct sp_template tmpl;
	struct sp_rows rows;
};

struct source_key {
	const struct sp_source_ops *ops;
	const struct sp_stamp_ops *stamp;
	uint64_t size;
	bool varies; /* size is the largest */
	const char *payload, *fill;
	const void *conf;      /* the protocol's settings, where it is a source */
	struct sp_endpoint to; /* frames only */
	unsigned port, worker;
	uint32_t
		alone; /* of what varies: the stream's number + 1, which shares it with nobody */
};

/* All streams' sources while they are made. */
struct making {
	struct sp_run *r;
	struct source_key *keys;
	uint32_t *hash; /* 0: free, else index + 1 */
	uint32_t mask;
	struct sp_err *err;
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static bool key_eq(const struct source_key *a, const struct source_key *b)
{
	return a->ops == b->ops && a->stamp == b->stamp && a->size == b->size &&
	       a->varies == b->varies && a->conf == b->conf && a->port == b->port &&
	       a->worker == b->worker && a->alone == b->alone &&
	       strcmp(a->payload, b->payload) == 0 && strcmp(a->fill, b->fill) == 0 &&
	       sp_endpoint_eq(&a->to, &b->to);
}

static uint64_t key_hash(const struct source_key *k)
{
	uint64_t h = k->size * 0x9e3779b97f4a7c15ull ^ sp_hash_text(k->payload) ^
		     (uint64_t)(uintptr_t)k->stamp ^ (uint64_t)k->alone << 20 ^
		     (uint64_t)k->worker << 52;

	return (h ^ sp_endpoint_hash(&k->to)) * 0xbf58476d1ce4e5b9ull;
}

/* Does the hardware address that frames go to change from one to the next? */
static bool mac_varies(const struct sp_template *t)
{
	for (uint32_t i = 0; t->link && i < t->n_places; i++)
		if (t->place[i].off < 6)
			return true;
	return false;
}

/* A segment may name the hardware addresses behind it. */
static int check_mac(const struct sp_run *r, const struct run_port *p,
		     const struct sp_endpoint *to, const struct sp_template *t,
		     const struct sp_link *link, struct sp_err *err)
{
	const uint8_t *m = t->link ? t->octets : link->dst_mac;
	const struct sp_lease *l = sp_run_lease_of(r, to);
	char text[72];

	if (!l || !l->segment)
		return 0;
	if (p->segment->n_macs && mac_varies(t))
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s: the test segment %s permits some hardware addresses only, "
			       "so that of these frames may not vary",
			       sp_endpoint_format(text, sizeof text, to), p->segment->place);
	if (sp_segment_has_mac(p->segment, m))
		return 0;
	return sp_fail(
		err, -EACCES, SP_EXIT_PERM,
		"%s: the next hop on %s has the hardware address "
		"%02x:%02x:%02x:%02x:%02x:%02x, which the test segment %s does not permit",
		sp_endpoint_format(text, sizeof text, to), p->segment->interface, m[0], m[1],
		m[2], m[3], m[4], m[5], p->segment->place);
}

static const struct sp_payload_ops *kind_of(const struct making *m,
					    const struct sp_plan_stream *s)
{
	return sp_catalog_payload(m->r->catalog, *s->fill ? s->fill : "text");
}

static int make_rows(const struct making *m, const struct sp_plan_stream *s, uint32_t len,
		     struct sp_rows *rows)
{
	const struct sp_payload_ops *ops = kind_of(m, s);
	struct sp_payload_args args = { .text = s->payload,
					.len = len,
					.seed = sp_run_seed_of(m->r, s->name) };

	if (!ops)
		return sp_fail(m->err, -ENOENT, SP_EXIT_USAGE,
			       "stream %s: there is no payload of the kind %s", s->name,
			       s->fill);
	return ops->make(rows, &args, m->r->env.mem, m->err);
}

/* Where frames leave. Memory has no addresses: there documentation's stand for it. */
static int find_link(struct run_port *p, const struct run_stream *s, struct sp_link *link,
		     struct sp_err *err)
{
	/* Nobody's address: only what the interface itself is called. */
	static const struct sp_endpoint nobody = { .port = 0 };
	static const struct sp_link memory = {
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.src = { .family = 4, .ip = { 192, 0, 2, 1 } },
	};
	static const struct sp_addr six = { .family = 6,
					    .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

	if (p->ops->link)
		return p->ops->link(p->port, s->mac_given ? &nobody : &s->to, link, err);
	*link = memory;
	if (s->to.addr.family == 6)
		link->src = six;
	return 0;
}

static int take_template(const struct making *m, const struct run_stream *s,
			 struct run_source *own, struct sp_source_args *args)
{
	struct run_port *p = &m->r->ports[s->plan->from_port];
	int rc = find_link(p, s, &args->link, m->err);

	if (!rc)
		rc = sp_packet_template(&own->tmpl, s->plan, p->plan, &s->to, &args->link,
					m->r->catalog, m->r->env.mem, m->err);
	if (!rc)
		rc = check_mac(m->r, p, &s->to, &own->tmpl, &args->link, m->err);
	if (rc)
		return rc;
	own->tmpl.seed = sp_run_seed_of(m->r, s->plan->name);
	args->tmpl = &own->tmpl;
	args->keep = own->tmpl.payload_given ? own->tmpl.len - own->tmpl.payload_off : 0;
	return 0;
}

/* What the expression gave stays as it is, whatever kind of payload there is; grown, it is
 * repeated. */
static int keep_given(const struct making *m, const struct run_source *own,
		      struct sp_rows *rows)
{
	const struct sp_template *t = &own->tmpl;
	uint32_t given = t->len - t->payload_off;

	if (!t->payload_given || !given)
		return 0;
	sp_free(m->r->env.mem, rows->bytes);
	rows->n = 1;
	rows->bytes = sp_alloc_array(m->r->env.mem, rows->len + 1, 1);
	if (!rows->bytes)
		return no_memory(m->err);
	for (uint32_t i = 0; i < rows->len; i++)
		rows->bytes[i] = t->octets[t->payload_off + i % given];
	return 0;
}

static int open_source(const struct making *m, const struct run_stream *s,
		       const struct source_key *k, struct sp_lane_source *out)
{
	struct sp_source_args args = { .size = (uint32_t)k->size,
				       .burst = sp_lane_burst(&m->r->ports[k->port].caps),
				       .stamp_len = k->stamp ? k->stamp->len : 0,
				       .conf = k->conf,
				       .catalog = m->r->catalog,
				       .seed = sp_run_seed_of(m->r, s->plan->name),
				       .judge = s->looked ? sp_run_recheck_recorded : NULL,
				       .judge_arg = s->looked };
	struct run_source *own = sp_alloc(m->r->env.mem, sizeof *own);
	uint32_t head = 0;
	int rc = own ? 0 : no_memory(m->err);

	*out = (struct sp_lane_source){
		.ops = k->ops, .stamp = k->stamp, .own = own, .varies = k->varies
	};
	if (!rc && k->ops->schedule) {
		rc = k->ops->makes & SP_T_FRAME
			     ? find_link(&m->r->ports[k->port], s, &args.link, m->err)
			     : 0;
	} else if (!rc && (k->ops->makes & SP_T_FRAME)) {
		rc = take_template(m, s, own, &args);
		head = own->tmpl.payload_off + (own->tmpl.link ? 0 : SP_ETH_LEN);
	}
	if (!rc && !k->ops->schedule)
		rc = make_rows(m, s->plan, args.size > head ? args.size - head : 0, &own->rows);
	if (!rc && !k->ops->schedule)
		rc = keep_given(m, own, &own->rows);
	args.rows = rc || k->ops->schedule ? NULL : &own->rows;
	if (!rc)
		rc = k->ops->open(&out->source, &args, &m->r->env, m->err);
	if (rc && m->err)
		sp_err_prefix(m->err, "stream %s", s->plan->name);
	if (rc)
		return rc;
	out->tmpl = k->ops->template_id(out->source);
	return 0;
}

static bool varies(const struct making *m, const struct sp_plan_stream *s,
		   const struct sp_source_ops *own)
{
	const struct sp_payload_ops *ops = kind_of(m, s);

	return *s->packet || own->truth || !ops || !ops->plain;
}

/* The source of a stream, made when it is the first that wants it. */
static int find_source(struct making *m, unsigned i, const struct sp_lane_choice *choice,
		       uint32_t *index)
{
	struct sp_run *r = m->r;
	struct run_stream *s = &r->streams[i];
	struct source_key key = {
		.ops = choice->source,
		.stamp = choice->stamp,
		.size = s->largest,
		.varies = s->plan->packet_size != NULL || s->plan->recorded,
		.payload = s->plan->payload,
		.fill = s->plan->fill,
		.conf = choice->source->port || s->plan->recorded ? s->plan->conf : NULL,
		.port = s->plan->from_port,
		.worker = s->worker,
		.alone = s->plan->recorded || varies(m, s->plan, choice->source) ? i + 1 : 0
	};
	uint32_t h;
	int rc;

	if (choice->source->makes & SP_T_FRAME)
		key.to = s->to;
	for (h = (uint32_t)key_hash(&key) & m->mask; m->hash[h]; h = (h + 1) & m->mask)
		if (key_eq(&m->keys[m->hash[h] - 1], &key))
			break;
	if (!m->hash[h]) {
		rc = open_source(m, s, &key, &r->sources[r->n_sources]);
		m->keys[r->n_sources] = key;
		m->hash[h] = ++r->n_sources;
		if (rc)
			return rc;
	}
	*index = m->hash[h] - 1;
	return 0;
}

static int place_stream(struct making *m, unsigned i)
{
	struct sp_run *r = m->r;
	struct run_stream *s = &r->streams[i];
	struct run_port *p = &r->ports[s->plan->from_port];
	struct sp_worker *w = &r->workers[s->worker];
	struct sp_lane_stream *ls = &w->lane.streams[w->lane.n_streams];
	struct sp_lane_choice choice;
	int ret;

	ret = sp_lane_select(s->plan, &p->caps, s->to.addr.family, r->catalog, &choice, m->err);
	if (ret)
		return ret;
	ls->lane = (uint8_t)choice.lane;
	ls->port = (uint16_t)s->plan->from_port;
	ls->metered = s->metered;
	ls->lease = s->lease;
	w->lane.metered |= s->metered || s->lease;
	w->lane.leased |= s->lease != NULL;
	s->headers = choice.headers;
	s->largest = (uint32_t)s->plan->size;
	if (s->plan->packet_size && !(p->caps.bits & SP_T_CONN) && s->largest > p->caps.max_len)
		s->largest = p->caps.max_len;
	if (s->plan->recorded)
		s->largest = p->caps.max_len;
	s->stamped = choice.stamp != NULL || choice.lane == SP_LANE_BULK;
	s->played = choice.lane == SP_LANE_DIALOGUE && choice.source;
	s->local = w->lane.n_streams++;
	if (choice.lane != SP_LANE_PACKET)
		ls->index = w->lane_streams[choice.lane]++;
	if (choice.source)
		ret = find_source(m, i, &choice, &ls->source);
	if (!ret && choice.lane == SP_LANE_PACKET && choice.source->asks)
		ret = sp_run_prepare_ask(r, i, m->err);
	if (!ret && s->echo)
		ret = sp_run_echo_place(r, i, m->err);
	if (!ret && choice.lane == SP_LANE_PACKET && choice.source->sessions)
		return sp_run_place_sessions(r, i, &r->sources[ls->source], m->err);
	return ret ? ret : p->ops->endpoint(p->queues[s->worker], &s->to, &ls->ep, m->err);
}

int sp_run_place_streams(struct sp_run *r, struct sp_err *err)
{
	uint32_t n = r->plan->n_streams, slots = 16;
	struct making m = { .r = r, .err = err };
	int ret = 0;

	while (slots < 2 * n)
		slots *= 2;
	m.mask = slots - 1;
	m.keys = sp_alloc_array(r->env.mem, n + 1, sizeof *m.keys);
	m.hash = sp_alloc_array(r->env.mem, slots, sizeof *m.hash);
	if (!m.keys || !m.hash)
		ret = no_memory(err);
	for (unsigned i = 0; i < n && ret == 0; i++)
		ret = place_stream(&m, i);
	sp_free(r->env.mem, m.keys);
	sp_free(r->env.mem, m.hash);
	return ret;
}

void sp_run_close_sources(struct sp_run *r)
{
	for (unsigned i = 0; r->sources && i < r->n_sources; i++) {
		struct sp_lane_source *s = &r->sources[i];

		if (s->source)
			s->ops->close(s->source);
		if (!s->own)
			continue;
		sp_template_free(&s->own->tmpl);
		sp_free(r->env.mem, s->own->rows.bytes);
		sp_free(r->env.mem, s->own);
	}
}

const struct sp_template *sp_run_template(const struct sp_lane_source *s, uint32_t *prefix_len)
{
	if (!s->own || !(s->ops->makes & SP_T_FRAME) || s->own->rows.n != 1)
		return NULL;
	*prefix_len = s->own->tmpl.link ? 0 : SP_ETH_LEN;
	return &s->own->tmpl;
}
