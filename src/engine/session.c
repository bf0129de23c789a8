/* The receiver's side of control: grants, clocks and counts of sessions. Control thread. */
#include "engine/run_impl.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "core/shared.h"

/* The plan's port that number i of all that is listened on is of; NULL past the last. */
static const struct run_port *listening(const struct sp_run *r, unsigned i,
					struct sp_endpoint *local, unsigned *index)
{
	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		const struct run_port *port = &r->ports[p];

		if (!port->rx || !port->ops->local)
			continue;
		for (unsigned k = 0; port->ops->local(port->port, k, local) == 0; k++) {
			if (i-- > 0)
				continue;
			*index = p;
			return port;
		}
	}
	return NULL;
}

int sp_run_listening(const struct sp_run *r, unsigned i, struct sp_endpoint *local,
		     const char **transport)
{
	unsigned index;
	const struct run_port *port = listening(r, i, local, &index);

	if (!port)
		return -ENOENT;
	*transport = port->ops->name;
	return 0;
}

bool sp_run_next_hello(struct sp_run *r, struct sp_hello *h)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		if (sp_hello_ring_take(&r->workers[w].hellos, h))
			return true;
	return false;
}

void sp_run_control_at(struct sp_run *r, uint16_t number, uint16_t port)
{
	struct sp_control_list *l = &r->controls;

	if (l->n == SP_CONTROL_PORTS)
		return;
	l->at[l->n].number = number;
	l->at[l->n++].port = port;
}

const char *sp_run_listening_on(const struct sp_run *r, unsigned i)
{
	struct sp_endpoint local;
	unsigned index;
	const struct run_port *port = listening(r, i, &local, &index);

	return port && (port->caps.bits & SP_T_FRAME) && !local.port && port->plan->interface &&
			       *port->plan->interface
		       ? port->plan->interface
		       : NULL;
}

const char *sp_run_listening_word(const struct sp_run *r, unsigned i)
{
	struct sp_endpoint local;
	unsigned index;

	if (listening(r, i, &local, &index))
		for (unsigned k = 0; k < r->plan->n_recvs; k++)
			if (r->plan->recvs[k].from_port == index)
				return r->plan->recvs[k].protocol;
	return "udp";
}

/* What port p's queues have counted so far. */
static void add_queues(const struct sp_run *r, unsigned p, struct sp_tstats *sum)
{
	*sum = (struct sp_tstats){ .rx_dropped_known = true };
	for (unsigned w = 0; w < r->n_workers; w++) {
		struct sp_tstats st = { 0 };

		r->ports[p].ops->stats(r->ports[p].queues[w], &st);
		sum->rx_dropped += st.rx_dropped;
		sum->rx_units += st.rx_units;
		sum->rx_msgs += st.rx_msgs;
		sum->max_seg = st.max_seg > sum->max_seg ? st.max_seg : sum->max_seg;
		sum->rx_dropped_known &= st.rx_dropped_known;
	}
}

static struct run_mark *mark_ports(const struct sp_run *r)
{
	struct run_mark *marks = sp_alloc_array(r->env.mem, r->plan->n_ports, sizeof *marks);
	struct sp_tstats st;

	for (unsigned p = 0; marks && p < r->plan->n_ports; p++) {
		if (!r->ports[p].rx)
			continue;
		add_queues(r, p, &st);
		marks[p] = (struct run_mark){ st.rx_units, st.rx_msgs, st.rx_dropped };
	}
	return marks;
}

int sp_run_grant_flows(struct sp_run *r, const struct sp_endpoint *peer, const char *name,
		       uint32_t n, struct sp_flow_grant *grant)
{
	struct run_session *s;
	struct run_mark *marks;
	uint32_t session, base;

	if (n == 0 || n > r->granted.cap || !sp_run_make_room(r, n, &session, &base))
		return -ENOSPC;
	marks = mark_ports(r);
	if (!marks)
		return -ENOMEM;
	s = &r->sessions[session];
	*s = (struct run_session){ .used = true,
				   .peer = *peer,
				   .port = SP_NO_FLOW,
				   .base = base,
				   .n = n,
				   .marks = marks };
	sp_strlcpy(s->name, name ? name : "", sizeof s->name);
	s->first_tally = sp_run_take_tallies(r, n);
	s->tally_each = s->first_tally != 0;
	for (uint32_t i = 0; i < n; i++)
		sp_flow_grant(&r->granted, base + i, (uint16_t)session,
			      (uint8_t)(s->tally_each ? s->first_tally + i : 0));
	r->next_id = base + n;
	r->n_granted += n;
	if (session >= r->n_sessions)
		r->n_sessions = session + 1;
	*grant = (struct sp_flow_grant){
		.session = session, .base = base, .n = n, .tally_each = s->tally_each
	};
	return 0;
}

void sp_run_session_release(struct sp_run *r, uint32_t session)
{
	struct run_session *s = &r->sessions[session];

	sp_free(r->env.mem, s->tx);
	sp_free(r->env.mem, s->marks);
	*s = (struct run_session){ 0 };
}

static bool is_any(const struct sp_addr *a)
{
	static const uint8_t zero[16];

	return !a->family || memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

enum fit { FITS_NOT, FITS_ANY, FITS_EXACTLY };

const struct sp_plan_recv *sp_run_recv_of(const struct sp_run *r, uint32_t port)
{
	for (unsigned i = 0; i < r->plan->n_recvs; i++)
		if (r->plan->recvs[i].from_port == port)
			return &r->plan->recvs[i];
	return NULL;
}

/* How plan port p listens on this address. */
static enum fit listens_at(const struct sp_run *r, unsigned p, const struct sp_endpoint *at)
{
	const struct run_port *port = &r->ports[p];
	struct sp_endpoint own;

	if (!port->rx || !port->ops->local)
		return FITS_NOT;
	for (unsigned k = 0; port->ops->local(port->port, k, &own) == 0; k++) {
		if (own.port != at->port)
			continue;
		if (sp_addr_eq(&own.addr, &at->addr))
			return FITS_EXACTLY;
		if (is_any(&own.addr))
			return FITS_ANY;
	}
	return FITS_NOT;
}

void sp_run_session_local(struct sp_run *r, uint32_t session, const struct sp_endpoint *local)
{
	struct run_session *s = &r->sessions[session];
	enum fit best = FITS_NOT, fit;

	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		fit = listens_at(r, p, local);
		if (fit > best)
			s->port = p;
		best = fit > best ? fit : best;
	}
}

uint32_t sp_run_flow_port(const struct sp_run *r, const struct sp_flow_table *t, uint32_t i)
{
	const struct run_session *s = &r->sessions[t->rx[i].session];

	if (SP_LOAD(t->meta[i].owner) || !s->used || s->port == SP_NO_FLOW)
		return SP_LOAD(t->meta[i].queue);
	return s->port;
}

void sp_run_session_clock(struct sp_run *r, uint32_t session, bool known, int64_t offset_ns,
			  uint64_t error_ns)
{
	struct sp_rx_session *s = &r->rx_session[session];

	SP_STORE(s->offset_ns, offset_ns);
	SP_STORE(s->error_ns, error_ns);
	SP_STORE(s->clock_known, known);
}

static uint64_t unique_of(const struct sp_flow_rx *f)
{
	return SP_LOAD(f->rx) - SP_LOAD(f->duplicates) - SP_LOAD(f->corrupted);
}

void sp_run_session_sample(const struct sp_run *r, uint32_t session, uint64_t *rx_unique,
			   uint64_t *rx_bytes)
{
	const struct run_session *s = &r->sessions[session];

	*rx_unique = 0;
	*rx_bytes = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		*rx_unique += unique_of(sp_run_granted(r, s, i));
		*rx_bytes += SP_LOAD(sp_run_granted(r, s, i)->rx_bytes);
	}
}

void sp_run_session_final(struct sp_run *r, uint32_t session, const uint64_t *tx, uint32_t n)
{
	struct run_session *s = &r->sessions[session];

	/* The report is out: it does not change any more. */
	if (r->final_ns)
		return;
	if (!s->tx)
		s->tx = sp_alloc_array(r->env.mem, s->n, sizeof *s->tx);
	if (!s->tx || n != s->n)
		return;
	for (uint32_t i = 0; i < n; i++)
		s->tx[i] = tx[i];
	s->final = true;
}

/* Only one worker ever wrote into a granted flow's own tally; the others' are empty. */
static void tally_counts(const struct sp_run *r, const struct run_session *s,
			 struct sp_peer_counts *pc)
{
	for (uint32_t i = 0; i < pc->n_hists; i++) {
		for (unsigned w = 0; w < r->n_workers; w++) {
			const struct sp_tally_rx *t =
				&r->workers[w].verifier.tally[s->first_tally + i];

			sp_hist_merge(&pc->delay[i], &t->delay);
			sp_hist_merge(&pc->delay_actual[i], &t->delay_actual);
			sp_hist_merge(&pc->gap_error[i], &t->gap_error);
		}
	}
}

/* Units of a session's flows on port p; any: on any port. */
static uint64_t arrived(const struct sp_run *r, const struct run_session *s, unsigned p,
			bool any)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t at = sp_flow_place(&r->granted, s->base + i);

		if (any || SP_LOAD(r->granted.meta[at].queue) == p)
			n += SP_LOAD(r->granted.rx[at].rx);
	}
	return n;
}

/* What the ports where the session's units arrived (all, if none did) have counted since it began,
 * and whether anything of it was somebody else's. */
static void port_counts(const struct sp_run *r, const struct run_session *s,
			struct sp_peer_counts *pc)
{
	bool none = arrived(r, s, 0, true) == 0;

	pc->dropped_known = true;
	pc->exclusive = true;
	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		const struct run_mark *mark = &s->marks[p];
		uint64_t own = r->ports[p].rx ? arrived(r, s, p, false) : 0;
		struct sp_tstats st;

		if (!r->ports[p].rx || (!own && !none))
			continue;
		add_queues(r, p, &st);
		pc->dropped_units += st.rx_dropped - mark->dropped;
		pc->rx_units += st.rx_units - mark->units;
		pc->max_seg = st.max_seg > pc->max_seg ? st.max_seg : pc->max_seg;
		pc->dropped_known &= st.rx_dropped_known;
		pc->exclusive &= st.rx_msgs - mark->msgs == own;
		if (r->ports[p].caps.rx_clock)
			pc->rx_clock_kernel = r->ports[p].caps.rx_clock[0] == 'k';
	}
}

int sp_run_session_counts(const struct sp_run *r, uint32_t session, const struct sp_mem *mem,
			  struct sp_peer_counts *pc)
{
	const struct run_session *s = &r->sessions[session];
	uint32_t hists = s->tally_each ? s->n : 0;

	*pc = (struct sp_peer_counts){ .n_flows = s->n, .n_hists = hists };
	pc->flows = sp_alloc_array(mem, s->n, sizeof *pc->flows);
	pc->delay = sp_alloc_array(mem, hists + 1, sizeof *pc->delay);
	pc->delay_actual = sp_alloc_array(mem, hists + 1, sizeof *pc->delay_actual);
	pc->gap_error = sp_alloc_array(mem, hists + 1, sizeof *pc->gap_error);
	if (!pc->flows || !pc->delay || !pc->delay_actual || !pc->gap_error) {
		sp_peer_counts_fini(pc, mem);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < s->n; i++)
		sp_run_read_flow(r, &r->granted, sp_flow_place(&r->granted, s->base + i),
				 &pc->flows[i]);
	tally_counts(r, s, pc);
	port_counts(r, s, pc);
	return 0;
}

void sp_peer_counts_fini(struct sp_peer_counts *pc, const struct sp_mem *mem)
{
	sp_free(mem, pc->flows);
	sp_free(mem, pc->delay);
	sp_free(mem, pc->delay_actual);
	sp_free(mem, pc->gap_error);
	*pc = (struct sp_peer_counts){ 0 };
}

void sp_run_session_end(struct sp_run *r, uint32_t session, bool lost)
{
	if (r->final_ns)
		return;
	r->sessions[session].ended = true;
	r->sessions[session].ended_ns = sp_clock_now(r->env.clock);
	r->sessions[session].lost = lost;
}

/* A run that sends to itself grants its own flows: the same bookkeeping, no messages. */
int sp_run_self_grant(struct sp_run *r, struct sp_err *err)
{
	struct sp_endpoint self = { 0 };
	struct sp_flow_grant grant;
	int rc = sp_run_grant_flows(r, &self, r->plan->run.name, r->plan->n_streams, &grant);

	if (rc == -ENOMEM)
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory");
	if (rc)
		return sp_fail(err, -ENOSPC, SP_EXIT_USAGE,
			       "%u streams are more than --max-flows %llu", r->plan->n_streams,
			       (unsigned long long)r->plan->run.max_flows);
	sp_run_session_clock(r, grant.session, true, 0, 0);
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		r->streams[i].flow_id = grant.base + i;
	r->self = true;
	return 0;
}
