/* Streams and flows for whoever asks: names and texts from the plan, counts from the workers.
 * Nothing is kept of them. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/shared.h"
#include "engine/modes/modes.h"
#include "engine/protocol.h"
#include "engine/run_impl.h"

const char *sp_run_unit(const struct sp_run *r, unsigned port)
{
	return r->ports[port].caps.bits & SP_T_FRAME ? "frame" : "datagram";
}

/* A machine that plays what others have said is called by what carries it. */
static const char *scheme_of(const struct sp_run *r, const struct run_stream *s)
{
	const struct sp_transport_ops *ops = r->ports[s->plan->from_port].ops;
	struct sp_protocol p;

	if (!ops->conn || sp_protocol_find(r->catalog, s->plan->protocol, SP_ROLE_CLIENT, &p) ||
	    !p.proto || !p.proto->datagrams)
		return s->plan->protocol;
	return ops->conn->datagrams ? "udp" : "tcp";
}

const char *sp_run_target_text(const struct sp_run *r, unsigned stream, char *buf, size_t cap)
{
	const struct run_stream *s = &r->streams[stream];
	const struct run_port *p = &r->ports[s->plan->from_port];
	const char *interface = *p->by_route ? p->by_route : p->plan->interface;
	char to[80];

	if (!s->no_number)
		sp_endpoint_format(to, sizeof to, &s->to);
	else if (s->to.addr.family)
		sp_addr_format(to, sizeof to, &s->to.addr);
	else /* whoever is on the link */
		sp_strlcpy(to, interface ? interface : "", sizeof to);
	snprintf(buf, cap, s->no_number && s->to.addr.family == 6 ? "%s://[%s]" : "%s://%s",
		 scheme_of(r, s), to);
	return buf;
}

static void size_text(const struct sp_plan_stream *s, char *buf, size_t cap)
{
	char clamped[40] = "";

	if (s->packet_size && s->size_clamped > 0.0005)
		snprintf(clamped, sizeof clamped, ", %.3g %% clamped", 100 * s->size_clamped);
	if (!s->size) /* its units are what they are */
		snprintf(buf, cap, "its own sizes");
	else if (!s->packet_size)
		snprintf(buf, cap, "%llu B", (unsigned long long)s->size);
	else
		snprintf(buf, cap, "%llu to %llu B (mean %.4g%s) by %.80s",
			 (unsigned long long)s->size_least, (unsigned long long)s->size,
			 s->mean_size, clamped, s->packet_size);
}

/* What a source of recorded units says of them. */
static void tell_recorded(const struct sp_run *r, unsigned i, struct sp_recorded_result *out)
{
	struct sp_source *source;
	const struct sp_source_ops *ops = sp_run_recorded_source(r, i, &source);

	if (ops && ops->recorded)
		ops->recorded(source, out);
}

/* Its source knows. */
static void recorded_text(const struct sp_run *r, const struct sp_plan_stream *s, char *buf,
			  size_t cap)
{
	struct sp_protocol p;

	sp_strlcpy(buf, "as recorded", cap);
	if (!sp_protocol_find(r->catalog, s->protocol, SP_ROLE_CLIENT, &p) && p.source &&
	    p.source->text)
		p.source->text(s->conf, buf, cap);
}

static void asked_text(const struct sp_run *r, const struct sp_plan_stream *s, char *buf,
		       size_t cap)
{
	char rate[48], mode[80], size[200], cv[40] = "";

	if (s->recorded) {
		recorded_text(r, s, buf, cap);
		return;
	}
	if (s->bulk) {
		snprintf(buf, cap, "%s, bulk", sp_format_rate(rate, sizeof rate, &s->rate));
		return;
	}
	size_text(s, size, sizeof size);
	if (sp_mode_has_own(s)) {
		sp_mode_of(s)->text(mode, sizeof mode, s);
		snprintf(buf, cap, "%s, %s", mode, size);
		return;
	}
	if (s->own_gap_ns > 0)
		snprintf(rate, sizeof rate, "mean gap %.30s",
			 sp_human_ns(mode, sizeof mode, s->own_gap_ns));
	else
		sp_format_rate(rate, sizeof rate, &s->rate);
	if (strcmp(s->departure, "constant") != 0 && s->gap_cv >= 0)
		snprintf(cv, sizeof cv, " (sd %.3g of the mean)", s->gap_cv);
	snprintf(buf, cap, "%s, %s, %.90s%s", rate, size, s->departure, cv);
}

/* What is counted for the run as a whole is a part's, too, when it is the only one. */
static void share(const struct sp_run *r, size_t parts, struct sp_counts *c)
{
	static const enum sp_counter shared[] = { SP_C_error_unreachable, SP_C_error_too_big,
						  SP_C_error_other, SP_C_own_control };
	const struct sp_counts *t = &r->result.total.c;

	for (unsigned i = 0; parts == 1 && i < sizeof shared / sizeof *shared; i++)
		if (sp_counts_has(t, shared[i]))
			sp_counts_set(c, shared[i], t->v[shared[i]]);
}

static void stream_measure(const struct sp_run *r, size_t i, struct sp_measure *m)
{
	if (r->role == SP_ROLE_RECV)
		*m = r->receivers[i].m;
	else
		sp_run_stream_measure(r, (uint32_t)i, m);
	share(r, r->result.n_streams, &m->c);
}

static void give_stream(const void *arg, size_t i, struct sp_stream_result *out)
{
	const struct sp_run *r = arg;
	const struct sp_plan_recv *recv;

	*out = (struct sp_stream_result){ .flows = 1 };
	stream_measure(r, i, &out->m);
	sp_run_statuses(r, (unsigned)i, &out->statuses);
	if (r->role == SP_ROLE_RECV) {
		recv = &r->plan->recvs[i];
		out->name = recv->name;
		out->flows = r->receivers[i].flows;
		sp_strlcpy(out->target, r->ports[recv->from_port].where, sizeof out->target);
		return;
	}
	out->name = r->streams[i].plan->name;
	out->unit = sp_run_stream_unit(r, (unsigned)i);
	tell_recorded(r, (unsigned)i, &out->recorded);
	out->status_name = sp_run_status_name(r, (unsigned)i);
	sp_run_stream_way(r, (unsigned)i, &out->way);
	sp_run_target_text(r, (unsigned)i, out->target, sizeof out->target);
	asked_text(r, r->streams[i].plan, out->asked, sizeof out->asked);
}

/* Without a number where there is none, and nothing at all of nobody. */
static void put_end(const struct sp_endpoint *e, char *buf, size_t cap)
{
	if (e->port)
		sp_endpoint_format(buf, cap, e);
	else if (e->addr.family)
		sp_addr_format(buf, cap, &e->addr);
}

static void put_ends(const struct run_port *p, unsigned worker, uint32_t ep,
		     const struct sp_endpoint *to, struct sp_flow_result *out)
{
	struct sp_endpoint remote = { 0 }, local = { 0 };
	bool known = ep != SP_NO_FLOW &&
		     p->ops->peer(p->queues[worker], ep, &remote, &local) == 0;

	if (to) { /* a sender knows whom it sends to */
		put_end(to, out->dst, sizeof out->dst);
		if (!to->port)
			local.port = 0;
		if (known && local.addr.family)
			put_end(&local, out->src, sizeof out->src);
	} else if (known) {
		sp_endpoint_format(out->src, sizeof out->src, &remote);
		sp_endpoint_format(out->dst, sizeof out->dst, &local);
	}
}

/* A sender's flows are its streams: one each. */
static void give_sent_flow(const struct sp_run *r, uint32_t i, struct sp_flow_result *out)
{
	const struct run_stream *s = &r->streams[i];
	const struct sp_lane *lane = &r->workers[s->worker].lane;
	struct sp_endpoint to = s->to;

	if (s->no_number)
		to.port = 0;
	*out = (struct sp_flow_result){ .id = s->flow_id & 0xffffff,
					.stream = s->plan->name,
					.proto = s->plan->protocol,
					.unit = sp_run_stream_unit(r, i),
					.ended = r->final_ns != 0 };
	stream_measure(r, i, &out->m);
	put_ends(&r->ports[s->plan->from_port], s->worker, lane->streams[s->local].ep, &to,
		 out);
}

static void flow_measure(const struct sp_run *r, size_t i, struct sp_measure *m)
{
	if (r->role != SP_ROLE_RECV) {
		stream_measure(r, i, m);
		return;
	}
	sp_run_flow_measure(r, (uint32_t)i, m);
	share(r, r->result.n_flows + r->result.flows_folded, &m->c);
}

/* What is spoken on a port that receives. */
static const char *proto_of(const struct sp_run *r, uint32_t port)
{
	const struct sp_plan_recv *recv = sp_run_recv_of(r, port);

	return recv ? recv->protocol : r->ports[port].ops->name;
}

/* A frame says itself where it goes and what it is. */
static bool put_tuple(const struct sp_run *r, const struct run_listed *l,
		      struct sp_flow_result *out)
{
	const struct sp_verifier *v;
	const struct sp_tuple *t;

	if (l->table == &r->granted)
		return false;
	v = &r->workers[SP_LOAD(l->table->meta[l->index].owner) - 1].verifier;
	t = v->tuple ? &v->tuple[l->index] : NULL;
	if (!t || !t->ether_type)
		return false;
	out->proto = sp_tuple_word(t);
	if (t->src.addr.family) {
		put_end(&t->src, out->src, sizeof out->src);
		put_end(&t->dst, out->dst, sizeof out->dst);
	}
	return true;
}

static void give_flow(const void *arg, size_t i, struct sp_flow_result *out)
{
	const struct sp_run *r = arg;
	const struct sp_flow_meta *meta;
	const struct run_listed *l;
	const struct run_session *s;
	uint32_t ep, port;

	if (r->role != SP_ROLE_RECV) {
		give_sent_flow(r, (uint32_t)i, out);
		return;
	}
	l = &r->listed[i];
	meta = &l->table->meta[l->index];
	ep = __atomic_load_n(&meta->ep, __ATOMIC_ACQUIRE);
	port = sp_run_flow_port(r, l->table, l->index);
	s = &r->sessions[l->table->rx[l->index].session];
	*out = (struct sp_flow_result){ .id = meta->id,
					.stream = s->used ? s->name : r->plan->recvs[0].name,
					.proto = proto_of(r, port),
					.unit = sp_run_flow_unit(r, meta, port),
					.ended = s->ended };
	flow_measure(r, i, &out->m);
	if (put_tuple(r, l, out))
		return;
	if (meta->from.family) /* over connections: the address, of many port numbers */
		sp_addr_format(out->src, sizeof out->src, &meta->from);
	else if (ep != SP_NO_FLOW)
		put_ends(&r->ports[SP_LOAD(meta->queue)], SP_LOAD(meta->owner) - 1, ep, NULL,
			 out);
}

static void give_stream_counts(const void *arg, size_t i, struct sp_counts *out)
{
	struct sp_measure m;

	stream_measure(arg, i, &m);
	*out = m.c;
}

static void give_flow_counts(const void *arg, size_t i, struct sp_counts *out)
{
	struct sp_measure m;

	flow_measure(arg, i, &m);
	*out = m.c;
}

const struct sp_result_parts sp_run_parts = {
	.stream = give_stream,
	.flow = give_flow,
	.stream_counts = give_stream_counts,
	.flow_counts = give_flow_counts,
	.recorded_session = sp_run_recorded_session,
	.recorded_play = sp_run_recorded_play,
	.recorded_sender = sp_run_recorded_sender,
};
