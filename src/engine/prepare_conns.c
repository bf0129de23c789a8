/* What a run needs for its connections, in each worker: slots, bulk streams, dialogues, sinks and
 * servers. After the streams were placed; nothing is sent here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/message.h"
#include "engine/opener.h"
#include "engine/protocol.h"
#include "engine/run_impl.h"
#include "pkt/pattern.h"
#include "plugin/target.h"

/* Connections at a time, where nobody said how many. */
#define EACH_DFLT     1024u /* a connection for each message */
#define DIALOGUE_DFLT 64u   /* open loop */
#define SESSIONS_DFLT 1024u /* recorded messages: who plays more says so */
/* Tokens of a stream that may wait for a connection: a second's worth, within these. */
#define BACKLOG_MIN   64u
#define BACKLOG_MAX   65536u

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

uint32_t sp_run_connections(const struct sp_run *r, const struct sp_plan_stream *s)
{
	struct sp_protocol p;

	if (s->bulk)
		return 1;
	if (s->connections)
		return (uint32_t)s->connections;
	if (s->recorded)
		return SESSIONS_DFLT;
	if (s->rate.kind == SP_RATE_MAX)
		return 1;
	if (s->per_message)
		return EACH_DFLT;
	return !sp_protocol_find(r->catalog, s->protocol, SP_ROLE_CLIENT, &p) && p.proto
		       ? DIALOGUE_DFLT
		       : 1;
}

/* ---- protocols, opened once and closed with the run ---- */

static struct run_opened *note_opened(struct sp_run *r)
{
	return &r->opened[r->n_opened++];
}

static int open_end(struct sp_run *r, const struct sp_protocol *p,
		    const struct sp_proto_args *args, const struct sp_wrap_args *wrap,
		    struct sp_dialogue_end *end, struct sp_err *err)
{
	struct run_opened *o = note_opened(r);
	int rc = p->proto->open(&o->proto, args, r->env.mem, err);

	if (rc)
		return rc;
	o->ops = p->proto;
	end->ops = p->proto;
	end->proto = o->proto;
	if (!p->wrap)
		return 0;
	rc = p->wrap->open(&o->wrap, wrap, &r->env, err);
	if (rc)
		return rc;
	o->wrap_ops = p->wrap;
	end->wrap_ops = p->wrap;
	end->wrap = o->wrap;
	return 0;
}

void sp_run_close_protocols(struct sp_run *r)
{
	for (uint32_t i = 0; i < r->n_opened; i++) {
		struct run_opened *o = &r->opened[i];

		if (o->wrap_ops)
			o->wrap_ops->close(o->wrap);
		if (o->ops)
			o->ops->close(o->proto);
		sp_free(r->env.mem, o->payload);
	}
	r->n_opened = 0;
}

/* "host" or "host:port", as the user wrote the host; own: the number that goes without saying. */
static char *authority(struct sp_run *r, const struct sp_plan_stream *s, uint16_t own)
{
	bool v6 = strchr(s->host, ':') != NULL;
	char host[300], port[16] = "";

	snprintf(host, sizeof host, v6 ? "[%.255s]" : "%.255s", s->host);
	host[strcspn(host, "%")] = '\0'; /* a scope means nothing at the other end */
	if (v6 && host[strlen(host) - 1] != ']')
		strcat(host, "]");
	if (s->port != own)
		snprintf(port, sizeof port, ":%u", (unsigned)s->port);
	return sp_arena_printf(&r->arena, "%s%s", host, port);
}

static int open_client(struct sp_run *r, const struct sp_plan_stream *s,
		       const struct sp_protocol *p, struct sp_dialogue_stream *d,
		       struct sp_err *err)
{
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT,
				      .size = (uint32_t)s->size,
				      .size_given = s->size > 0,
				      .size_varies = s->packet_size != NULL,
				      .authority = authority(r, s, p->port),
				      .conf = s->conf,
				      .seed = sp_run_seed_of(r, s->name),
				      .real_offset_ns = sp_clock_real_offset(r->env.clock) };
	struct sp_wrap_args wrap = { .conf = s->wrap_conf,
				     .peer_name = s->host,
				     .max_conns = d->max_conns };

	if (!args.authority)
		return no_memory(err);
	return open_end(r, p, &args, &wrap, &d->end, err);
}

/* Streams that follow each other often send the same bytes. */
static const uint8_t *payload_of(struct sp_run *r, const struct sp_plan_stream *s)
{
	struct run_opened *o;

	for (uint32_t i = r->n_opened; i-- > 0;)
		if (r->opened[i].payload && r->opened[i].payload_len == s->size &&
		    strcmp(r->opened[i].payload_text, s->payload) == 0)
			return r->opened[i].payload;
		else if (r->opened[i].payload)
			break;
	o = note_opened(r);
	o->payload = sp_pattern_new(r->env.mem, s->payload, s->size);
	o->payload_text = s->payload;
	o->payload_len = s->size;
	return o->payload;
}

static int open_messages(struct sp_run *r, const struct run_stream *s,
			 struct sp_dialogue_stream *d, struct sp_err *err)
{
	struct sp_proto *p = sp_arena_alloc(&r->arena, sizeof *p);

	if (!p)
		return no_memory(err);
	*p = (struct sp_proto){ .payload = payload_of(r, s->plan),
				.each = s->plan->per_message,
				.flows = r->workers[s->worker].lane.flow,
				.flow = s->local };
	if (!p->payload)
		return no_memory(err);
	d->end = (struct sp_dialogue_end){ .ops = &sp_message_ops, .proto = p };
	d->messages = p;
	return 0;
}

/* ---- streams ---- */

/* One that a stage starts waits for it. */
static uint64_t start_of(const struct sp_plan_stream *s)
{
	return s->waits ? SP_NEVER : s->start_ns;
}

static uint64_t end_of(const struct sp_plan_stream *s)
{
	return s->duration_ns && !s->waits ? s->start_ns + s->duration_ns : SP_NEVER;
}

static void fill_bulk(struct sp_run *r, struct run_stream *s)
{
	struct sp_worker *w = &r->workers[s->worker];
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];

	w->bulk.stream[ls->index] = (struct sp_bulk_stream){
		.port = ls->port,
		.ep = ls->ep,
		.start_ns = start_of(s->plan),
		.end_ns = end_of(s->plan),
		.bytes = s->plan->bytes ? s->plan->bytes : UINT64_MAX,
		.bytes_per_ns = s->plan->rate.kind == SP_RATE_BPS
					? (double)s->plan->rate.micro / 8e15
					: 0,
		.guard = { s->lease, s->metered && !s->lease },
		.flow = &w->lane.flow[s->local],
	};
}

/* Each session has its own connection, to its own target where it names one. */
static int open_sessions(struct sp_run *r, struct run_stream *s, struct sp_dialogue_stream *d,
			 struct sp_err *err)
{
	struct sp_worker *w = &r->workers[s->worker];
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];
	const struct run_port *port = &r->ports[ls->port];
	const struct sp_lane_source *src = &r->sources[ls->source];
	struct sp_dialogue_play *p = sp_arena_alloc(&r->arena, sizeof *p);
	int rc = 0;

	if (!p)
		return no_memory(err);
	*p = (struct sp_dialogue_play){ .ops = src->ops,
					.source = src->source,
					.reconnect_ns = s->plan->reconnect_ns,
					.start_ns = s->plan->start_ns };
	d->play = p;
	d->closed = false;
	d->backlog_cap = 0;
	if (sp_play_init(p, r->env.mem))
		return no_memory(err);
	for (uint32_t i = 0; i < p->n && !rc; i++) {
		struct sp_dialogue_session *x = &p->session[i];
		const struct sp_endpoint *to = x->as.remote.addr.family ? &x->as.remote
									: &s->to;
		struct sp_queue *q = port->queues[s->worker];

		rc = port->ops->endpoint_from
			     ? port->ops->endpoint_from(q, &x->as.local, to, &x->ep, err)
			     : port->ops->endpoint(q, to, &x->ep, err);
		if (rc && err)
			sp_err_prefix(err, "session %u of %u of %s", i + 1, p->n,
				      s->plan->name);
	}
	return rc;
}

static int fill_dialogue(struct sp_run *r, struct run_stream *s, struct sp_err *err)
{
	struct sp_worker *w = &r->workers[s->worker];
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];
	struct sp_dialogue_stream *d = &w->dialogue.stream[ls->index];
	double backlog = sp_run_asked_pps(s->plan, &s->plan->top);
	struct sp_protocol p;

	sp_protocol_find(r->catalog, s->plan->protocol, SP_ROLE_CLIENT, &p);
	backlog = backlog > BACKLOG_MIN ? backlog : BACKLOG_MIN;
	*d = (struct sp_dialogue_stream){
		.port = ls->port,
		.ep = ls->ep,
		.max_conns = sp_run_connections(r, s->plan),
		.size = (uint32_t)s->plan->size,
		.closed = s->plan->rate.kind == SP_RATE_MAX,
		.guard = { s->lease, s->metered && !s->lease },
		.answers = p.proto && !p.proto->session,
		.session = p.proto && p.proto->session,
		.start_ns = start_of(s->plan),
		.end_ns = end_of(s->plan),
		.count = s->plan->count ? s->plan->count : UINT64_MAX,
		.backlog_cap = backlog < BACKLOG_MAX ? (uint32_t)backlog : BACKLOG_MAX,
		.flow = &w->lane.flow[s->local],
		.tally = &w->lane.tally[sp_run_tally_of(r, (unsigned)(s - r->streams))],
		.rtt = &w->rtt[sp_run_tally_of(r, (unsigned)(s - r->streams))],
		.given_up = &w->given_up[s->local],
	};
	s->answers = d->answers;
	if (s->played)
		return open_sessions(r, s, d, err);
	return p.proto ? open_client(r, s->plan, &p, d, err) : open_messages(r, s, d, err);
}

/* ---- receivers ---- */

static int add_receiver(struct sp_run *r, struct sp_worker *w, const struct sp_plan_recv *v,
			struct sp_err *err)
{
	struct sp_conns_port *port = &w->conns.port[v->from_port];
	struct sp_dialogue_server *s = &w->dialogue.server[v->from_port];
	struct sp_proto_args args = { .role = SP_ROLE_SERVER, .conf = v->conf };
	struct sp_wrap_args wrap = { .conf = v->wrap_conf,
				     .server = true,
				     .max_conns = w->conns.max };
	struct sp_protocol p;

	sp_protocol_find(r->catalog, v->protocol, SP_ROLE_SERVER, &p);
	if (!p.proto) {
		port->accepted = sp_sink_accepted;
		port->arg = &w->sink;
		return 0;
	}
	port->accepted = sp_dialogue_accepted;
	port->arg = &w->dialogue;
	s->verifier = &w->verifier;
	s->port = v->from_port;
	if (sp_sources_init(&s->from, r->env.mem, (uint32_t)r->plan->run.max_flows))
		return no_memory(err);
	return open_end(r, &p, &args, &wrap, &s->end, err);
}

/* ---- workers ---- */

struct needs {
	uint32_t bulk, dialogues, conns;
	size_t room, keep;
	bool ports, sinks, servers;
};

static void need_proto(struct needs *n, const struct sp_proto_ops *p)
{
	size_t room = sp_dialogue_room(p->state_size);

	n->room = room > n->room ? room : n->room;
	n->keep = p->keep_max > n->keep ? p->keep_max : n->keep;
}

static uint32_t sessions_of(const struct sp_run *r, const struct run_stream *s)
{
	const struct sp_lane *l = &r->workers[s->worker].lane;
	const struct sp_lane_source *src = &r->sources[l->streams[s->local].source];

	return src->ops->sessions ? src->ops->sessions(src->source) : 1;
}

/* Before anything is made for them. */
static int check_sessions(const struct sp_run *r, const struct run_stream *s,
			  struct sp_err *err)
{
	uint32_t n = sessions_of(r, s), most = sp_run_connections(r, s->plan);

	if (n <= most)
		return 0;
	return sp_fail(err, -ENOBUFS, SP_EXIT_USAGE,
		       "stream %s: it has %u sessions, a connection each, and at most %u may "
		       "be open; --connections %u allows them (connections in a scenario)",
		       s->plan->name, n, most, n);
}

static int find_needs(const struct sp_run *r, unsigned index, struct needs *n,
		      struct sp_err *err)
{
	struct sp_protocol p;

	*n = (struct needs){ .room = sp_bulk_room() };
	if (sp_sink_room() > n->room)
		n->room = sp_sink_room();
	for (unsigned i = 0; i < r->plan->n_ports; i++)
		n->ports |= r->ports[i].ops->conn != NULL;
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct run_stream *s = &r->streams[i];

		if (s->worker != index || !r->ports[s->plan->from_port].ops->conn)
			continue;
		if (s->played && check_sessions(r, s, err))
			return -ENOBUFS;
		n->conns += s->played ? sessions_of(r, s) : sp_run_connections(r, s->plan);
		n->conns += !s->plan->bulk; /* for the alarm of a closed loop */
		n->bulk += s->plan->bulk;
		n->dialogues += !s->plan->bulk;
		if (s->played)
			need_proto(n, &sp_recorded_ops);
		if (s->plan->bulk || s->played ||
		    sp_protocol_find(r->catalog, s->plan->protocol, SP_ROLE_CLIENT, &p))
			continue;
		need_proto(n, p.proto ? p.proto : &sp_message_ops);
	}
	for (unsigned i = 0; i < r->plan->n_recvs; i++) {
		const struct sp_plan_recv *v = &r->plan->recvs[i];

		if (!r->ports[v->from_port].ops->conn ||
		    sp_protocol_find(r->catalog, v->protocol, SP_ROLE_SERVER, &p))
			continue;
		n->servers |= p.proto != NULL;
		n->sinks |= p.proto == NULL;
		if (p.proto)
			need_proto(n, p.proto);
	}
	if (n->servers || n->sinks)
		n->conns += SP_RUN_MAX_CONNS;
	return 0;
}

static void divert(void *arg, uint32_t index, const struct sp_due *due, uint64_t now_ns)
{
	sp_dialogue_token(arg, index, due, now_ns);
}

static int init_parts(struct sp_run *r, struct sp_worker *w, const struct needs *n)
{
	const struct sp_mem *mem = r->env.mem;

	if (sp_conns_init(&w->conns, &r->env, n->conns, n->room))
		return -ENOMEM;
	w->has_conns = true;
	w->conns.n_ports = r->plan->n_ports;
	w->conns.port = sp_alloc_array(mem, r->plan->n_ports, sizeof *w->conns.port);
	if (n->dialogues && !w->rtt)
		w->rtt = sp_alloc_array(mem, r->n_tallies, sizeof *w->rtt);
	if (!w->conns.port || (n->dialogues && !w->rtt))
		return -ENOMEM;
	for (unsigned i = 0; i < r->plan->n_ports; i++)
		if (r->ports[i].ops->conn)
			w->conns.port[i] = (struct sp_conns_port){
				.ops = r->ports[i].ops, .q = r->ports[i].queues[w->index]
			};
	if (n->bulk && sp_bulk_init(&w->bulk, &w->conns, n->bulk))
		return -ENOMEM;
	w->bulk.errors = &w->bulk_errors;
	w->bulk.meter = &w->lane.meter;
	if ((n->dialogues || n->servers) &&
	    sp_dialogue_init(&w->dialogue, &w->conns, n->dialogues,
			     n->servers ? r->plan->n_ports : 0, n->keep))
		return -ENOMEM;
	w->dialogue.meter = &w->lane.meter;
	if (n->dialogues) {
		w->lane.divert = divert;
		w->lane.divert_arg = &w->dialogue;
	}
	if (n->sinks && sp_sink_init(&w->sink, &w->conns, &w->verifier,
				     r->plan->run.verify == SP_VERIFY_FULL, r->n_workers > 1,
				     (uint32_t)r->plan->run.max_flows))
		return -ENOMEM;
	w->sink.controls = &r->controls;
	return 0;
}

static int init_conns(struct sp_run *r, unsigned index, struct sp_err *err)
{
	struct sp_worker *w = &r->workers[index];
	struct needs n;
	int rc = find_needs(r, index, &n, err);

	if (rc)
		return rc;
	if (!n.ports || !n.conns)
		return 0;
	if (init_parts(r, w, &n))
		return no_memory(err);
	for (unsigned i = 0; i < r->plan->n_streams && !rc; i++) {
		struct run_stream *s = &r->streams[i];

		if (s->worker != index || !r->ports[s->plan->from_port].ops->conn)
			continue;
		if (s->plan->bulk)
			fill_bulk(r, s);
		else
			rc = fill_dialogue(r, s, err);
	}
	for (unsigned i = 0; i < r->plan->n_recvs && !rc; i++)
		if (r->ports[r->plan->recvs[i].from_port].ops->conn)
			rc = add_receiver(r, w, &r->plan->recvs[i], err);
	return rc;
}

int sp_run_prepare_conns(struct sp_run *r, struct sp_err *err)
{
	size_t most = 2 * (size_t)r->plan->n_streams + (size_t)r->plan->n_recvs * r->n_workers +
		      1;
	int rc = 0;

	r->opened = sp_arena_alloc(&r->arena, most * sizeof *r->opened);
	if (!r->opened)
		return no_memory(err);
	for (unsigned w = 0; w < r->n_workers && !rc; w++) {
		rc = init_conns(r, w, err);
		if (r->role == SP_ROLE_RECV && r->workers[w].has_conns)
			r->workers[w].lane.hellos = &r->workers[w].hellos;
	}
	return rc;
}

/* ---- what control said ---- */

void sp_run_conn_flow(struct sp_run *r, unsigned i, bool peer)
{
	struct run_stream *s = &r->streams[i];
	struct sp_worker *w = &r->workers[s->worker];
	const struct sp_lane_stream *ls = &w->lane.streams[s->local];
	const struct sp_stamp_ops *native = sp_catalog_stamp(r->catalog, "native");
	struct sp_flow_tx *f = &w->lane.flow[s->local];

	if (ls->lane == SP_LANE_BULK)
		w->bulk.stream[ls->index].granted = peer ? s->flow_id : 0;
	if (ls->lane != SP_LANE_DIALOGUE || !w->dialogue.stream[ls->index].messages || !peer ||
	    !s->stamped)
		return;
	w->dialogue.stream[ls->index].messages->stamp = native;
	w->dialogue.stream[ls->index].messages->flow_id = s->flow_id;
	f->head = native->head(s->flow_id & 0xffffff, 0);
	f->crc_init = 0;
}

/* ---- at T0 ---- */

static uint64_t absolute(const struct sp_run *r, uint64_t ns)
{
	return ns > SP_NEVER - r->t0_ns ? SP_NEVER : r->t0_ns + ns;
}

int sp_run_arm_conns(struct sp_run *r, struct sp_err *err)
{
	struct sp_catch_up_conf catch_up;
	int rc = sp_catch_up_parse(r->plan->run.catch_up, &catch_up, err);

	if (rc)
		return rc;

	for (unsigned i = 0; i < r->n_workers && !rc; i++) {
		struct sp_worker *w = &r->workers[i];

		for (uint32_t k = 0; k < w->bulk.n; k++) {
			struct sp_bulk_stream *s = &w->bulk.stream[k];

			s->start_ns = absolute(r, s->start_ns);
			s->end_ns = absolute(r, s->end_ns);
		}
		for (uint32_t k = 0; k < w->dialogue.n; k++) {
			struct sp_dialogue_stream *s = &w->dialogue.stream[k];

			s->start_ns = absolute(r, s->start_ns);
			s->end_ns = absolute(r, s->end_ns);
			if (s->play)
				s->play->start_ns = absolute(r, s->play->start_ns);
		}
		w->bulk.catch_up = catch_up;
		if (w->bulk.env)
			rc = sp_bulk_arm(&w->bulk);
		if (!rc && w->dialogue.env)
			rc = sp_dialogue_arm(&w->dialogue);
	}
	return rc ? no_memory(err) : 0;
}
