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

int sp_run_grant_flows(struct sp_run *r, const struct sp_endpoint *peer, const char *name,
		       uint32_t n, struct sp_flow_grant *grant)
{
	struct run_session *s;
	uint32_t first = r->granted.used;

	if (r->n_sessions == SP_RUN_MAX_SESSIONS || n == 0 || n > r->granted.cap - first)
		return -ENOSPC;
	s = &r->sessions[r->n_sessions];
	*s = (struct run_session){
		.used = true, .peer = *peer, .port = SP_NO_FLOW, .base = first + 1, .n = n
	};
	sp_strlcpy(s->name, name ? name : "", sizeof s->name);
	s->tally_each = r->next_tally + n <= 1 + SP_TALLY_GRANTED;
	s->first_tally = r->next_tally;
	for (uint32_t i = 0; i < n; i++) {
		struct sp_flow_rx *f = &r->granted.rx[first + i];

		f->session = (uint16_t)r->n_sessions;
		f->tally = s->tally_each ? (uint16_t)(s->first_tally + i) : 0;
		r->granted.meta[first + i] = (struct sp_flow_meta){ .id = first + i + 1,
								    .ep = SP_NO_FLOW };
	}
	if (s->tally_each)
		r->next_tally += n;
	__atomic_store_n(&r->granted.used, first + n, __ATOMIC_RELEASE);
	*grant = (struct sp_flow_grant){ .session = r->n_sessions++,
					 .base = first + 1,
					 .n = n,
					 .tally_each = s->tally_each };
	return 0;
}

static bool is_any(const struct sp_addr *a)
{
	static const uint8_t zero[16];

	return !a->family || memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

enum fit { FITS_NOT, FITS_ANY, FITS_EXACTLY };

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
		*rx_unique += unique_of(&r->granted.rx[s->base - 1 + i]);
		*rx_bytes += SP_LOAD(r->granted.rx[s->base - 1 + i].rx_bytes);
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

static void port_counts(const struct sp_run *r, struct sp_peer_counts *pc)
{
	bool known = true;
	uint64_t others = 0;

	for (unsigned p = 0; p < r->plan->n_ports; p++) {
		for (unsigned w = 0; r->ports[p].rx && w < r->n_workers; w++) {
			struct sp_tstats st = { 0 };

			r->ports[p].ops->stats(r->ports[p].queues[w], &st);
			pc->dropped_units += st.rx_dropped;
			pc->rx_units += st.rx_units;
			pc->max_seg = st.max_seg > pc->max_seg ? st.max_seg : pc->max_seg;
			known &= st.rx_dropped_known;
		}
		if (r->ports[p].rx && r->ports[p].caps.rx_clock)
			pc->rx_clock_kernel = r->ports[p].caps.rx_clock[0] == 'k';
	}
	for (unsigned w = 0; w < r->n_workers; w++)
		others += r->workers[w].verifier.own.used + r->workers[w].verifier.untracked;
	pc->dropped_known = known;
	pc->exclusive = r->n_sessions == 2 && others == 0;
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
		sp_run_read_flow(r, &r->granted, s->base - 1 + i, &pc->flows[i]);
	tally_counts(r, s, pc);
	port_counts(r, pc);
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
	r->sessions[session].lost = lost;
}

/* A run that sends to itself grants its own flows: the same bookkeeping, no messages. */
int sp_run_self_grant(struct sp_run *r, struct sp_err *err)
{
	struct sp_endpoint self = { 0 };
	struct sp_flow_grant grant;

	if (sp_run_grant_flows(r, &self, r->plan->run.name, r->plan->n_streams, &grant))
		return sp_fail(err, -ENOSPC, SP_EXIT_USAGE,
			       "%u streams are more than --max-flows %llu", r->plan->n_streams,
			       (unsigned long long)r->plan->run.max_flows);
	sp_run_session_clock(r, grant.session, true, 0, 0);
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		r->streams[i].flow_id = grant.base + i;
	r->self = true;
	return 0;
}
