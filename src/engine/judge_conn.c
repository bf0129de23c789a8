/* What failed on connections, in words, and whether there was one at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/shared.h"
#include "engine/run_impl.h"

struct failure {
	enum sp_counter counter;
	const char *code, *text;
};

static const struct failure failures[] = {
	{ SP_C_error_refused, "connect-refused",
	  "connections were refused: nobody listens there" },
	{ SP_C_error_reset, "connection-reset", "connections were reset by the far end" },
	{ SP_C_error_timeout, "no-answer", "connections or answers did not come in time" },
	{ SP_C_error_tls, "tls", "connections failed in TLS" },
	{ SP_C_error_status, "status", "answers had an error status" },
};

static bool over_conns(const struct sp_run *r, unsigned stream)
{
	return r->ports[r->streams[stream].plan->from_port].ops->conn != NULL;
}

static const char *hint(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
		return " (raise `ulimit -n`)";
	case -EADDRNOTAVAIL:
		return " (no local port number is left: fewer connections, or more addresses)";
	case -EPERM:
		return " (a setting of the connection, such as its congestion control, is root's "
		       "to choose: `sysctl net.ipv4.tcp_allowed_congestion_control`, or "
		       "--no-sandbox as root)";
	default:
		return "";
	}
}

static const struct sp_dialogue_stream *session_of(const struct sp_run *r, unsigned i)
{
	const struct sp_worker *w = &r->workers[r->streams[i].worker];
	const struct sp_lane_stream *ls = &w->lane.streams[r->streams[i].local];
	const struct sp_dialogue_stream *d = &w->dialogue.stream[ls->index];

	return ls->lane == SP_LANE_DIALOGUE && d->session ? d : NULL;
}

/* Did a session have to stand at the end, and none did? */
static bool session_failed(const struct sp_run *r, unsigned i)
{
	const struct sp_dialogue_stream *d = session_of(r, i);

	return d && SP_LOAD(d->lost) && !SP_LOAD(d->held);
}

static const char *why_lost(const struct sp_dialogue_stream *d, const struct sp_loss *l)
{
	return *l->text ? l->text : sp_run_why_text(l->why, SP_LOAD(d->errors.last));
}

void sp_run_watch_sessions(struct sp_run *r)
{
	char to[96];

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_dialogue_stream *d = session_of(r, i);

		if (!d || r->streams[i].told_loss ||
		    !__atomic_load_n(&d->lost, __ATOMIC_ACQUIRE))
			continue;
		r->streams[i].told_loss = true;
		sp_run_say(r, "session-down", false, "%s: it is tried again: %s",
			   sp_run_target_text(r, i, to, sizeof to),
			   why_lost(d, &d->first_loss));
	}
}

static void remark_session(struct sp_run *r, unsigned i, const struct sp_dialogue_stream *d)
{
	uint64_t lost = SP_LOAD(d->lost);
	const char *why = why_lost(d, &d->loss);
	char n[32], to[96];

	if (!lost)
		return;
	sp_run_target_text(r, i, to, sizeof to);
	sp_str_grouped(n, sizeof n, lost);
	if (session_failed(r, i))
		sp_run_say(
			r, "session-failed", false,
			"%s: no session stood at the end: %s connection%s failed or %s lost; "
			"the last: %s",
			to, n, lost == 1 ? "" : "s", lost == 1 ? "was" : "were", why);
	else
		sp_run_say(r, "session-lost", false,
			   "%s: the session was begun again after %s connection%s that failed "
			   "or %s lost; the last: %s",
			   to, n, lost == 1 ? "" : "s", lost == 1 ? "was" : "were", why);
}

static void remark_trouble(struct sp_run *r, unsigned i)
{
	char n[32], to[96];
	int error = 0;
	uint64_t failed = sp_run_stream_trouble(r, i, &error);

	if (failed)
		sp_run_say(r, "connect-failed", false,
			   "%s: %s connections could not be made or used: %s%s",
			   sp_run_target_text(r, i, to, sizeof to),
			   sp_str_grouped(n, sizeof n, failed), strerror(-error), hint(error));
}

/* A bit rate of bulk data counts as met from this share of it on. */
#define UNMET_SHARE 0.99

static bool bulk_unmet(const struct sp_run *r, unsigned i)
{
	const struct run_stream *s = &r->streams[i];
	uint64_t sent = SP_LOAD(run_flow_tx(r, i)->tx_bytes);

	return s->plan->bulk &&
	       (double)sent <
		       UNMET_SHARE * sp_run_bulk_asked(r, s, r->t0_ns + r->result.duration_ns);
}

static void remark_stream(struct sp_run *r, unsigned i)
{
	const struct sp_dialogue_stream *session = session_of(r, i);
	struct sp_measure m;
	char n[32], to[96];

	if (session) {
		remark_session(r, i, session);
		return;
	}
	sp_run_stream_measure(r, i, &m);
	for (size_t k = 0; k < sizeof failures / sizeof *failures; k++) {
		const struct failure *f = &failures[k];

		if (!sp_counts_has(&m.c, f->counter) || !m.c.v[f->counter])
			continue;
		sp_run_say(r, f->code, false, "%s: %s %s",
			   sp_run_target_text(r, i, to, sizeof to),
			   sp_str_grouped(n, sizeof n, m.c.v[f->counter]), f->text);
	}
	remark_trouble(r, i);
	if (sp_run_unconfirmed(r, i))
		sp_run_say(r, "under-way", false,
			   "%s: %s bytes were still under way when the run ended: written, and "
			   "not confirmed by the far end",
			   sp_run_target_text(r, i, to, sizeof to),
			   sp_str_grouped(n, sizeof n, sp_run_unconfirmed(r, i)));
	if (bulk_unmet(r, i))
		sp_run_say(r, "fell-behind", false,
			   "%s: %s bytes were sent, less than the rate asks for",
			   sp_run_target_text(r, i, to, sizeof to),
			   sp_str_grouped(n, sizeof n, SP_LOAD(run_flow_tx(r, i)->tx_bytes)));
}

/* The first stream of each kind of trouble is enough to be named. */
#define NAMED_STREAMS 20u

static void remark_turned_away(struct sp_run *r)
{
	uint64_t n = 0;
	char text[32];

	for (unsigned w = 0; w < r->n_workers; w++)
		if (r->workers[w].has_conns)
			n += SP_LOAD(r->workers[w].conns.turned_away);
	if (n)
		sp_run_say(r, "turned-away", false,
			   "%s connections were turned away: the limit of %u at a time, or of "
			   "descriptors (`ulimit -n`), was reached",
			   sp_str_grouped(text, sizeof text, n), SP_RUN_MAX_CONNS);
}

static bool any_bytes(const struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (SP_LOAD(run_flow_tx(r, i)->tx_bytes))
			return true;
	return false;
}

void sp_run_judge_conns(struct sp_run *r)
{
	const struct sp_counts *c = &r->result.total.c;
	unsigned named = 0, conns = 0, failed = 0;

	if (r->role == SP_ROLE_RECV) {
		remark_turned_away(r);
		return;
	}
	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		conns += over_conns(r, i);
		failed += session_failed(r, i);
		if (r->streams[i].played && over_conns(r, i))
			sp_run_judge_play(r, i);
		else if (over_conns(r, i) && named++ < NAMED_STREAMS)
			remark_stream(r, i);
	}
	/* Not one byte left: there was nobody to send it to; nor was there for a session that
	 * nobody held. */
	if (failed)
		sp_run_exit_hint(r, SP_EXIT_UNAVAIL);
	if (conns && conns == r->plan->n_streams && !any_bytes(r) &&
	    (c->v[SP_C_error_refused] || c->v[SP_C_error_timeout] ||
	     c->v[SP_C_error_unreachable]))
		sp_run_exit_hint(r, SP_EXIT_UNAVAIL);
}

bool sp_run_bulk_unmet(const struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		if (bulk_unmet(r, i))
			return true;
	return false;
}

/* Should a stream be sending all of the second before now_ns? */
static bool bulk_is_due(const struct sp_run *r, unsigned i, uint64_t now_ns)
{
	const struct sp_plan_stream *s = r->streams[i].plan;

	return s->bulk &&
	       sp_run_bulk_active(r, &r->streams[i], now_ns - SP_RUN_TICK_NS, now_ns) &&
	       (!s->bytes || SP_LOAD(run_flow_tx(r, i)->tx_bytes) < s->bytes);
}

void sp_run_watch_bulk(struct sp_run *r, uint64_t now_ns)
{
	uint64_t sent = 0;
	bool due = false;

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		if (!r->streams[i].plan->bulk)
			continue;
		sent += SP_LOAD(run_flow_tx(r, i)->tx_bytes);
		due |= bulk_is_due(r, i, now_ns);
	}
	if (due && sent && sent == r->last_bulk_total)
		sp_run_say(
			r, "stall", false,
			"no bulk data was sent from %.0f s on: the connections are full, and "
			"nothing is read or confirmed at the far end",
			(double)(now_ns - r->t0_ns) / 1e9 - 1);
	r->last_bulk_total = sent;
}

static double cores_used(const struct sp_run *r)
{
	return r->result.host.cpu_self * 1e9 / (double)(r->result.duration_ns + 1);
}

bool sp_run_conns_idle(const struct sp_run *r)
{
	bool any = false;

	for (unsigned i = 0; i < r->plan->n_streams; i++)
		any |= over_conns(r, i);
	return any && cores_used(r) < 0.9 * r->n_workers;
}

bool sp_run_bound_conns(struct sp_run *r, uint64_t blocked)
{
	struct sp_result *res = &r->result;
	double cores = cores_used(r);
	unsigned bulk = 0, closed = 0;
	bool unmet;
	char n[32];

	for (unsigned i = 0; i < r->plan->n_streams; i++) {
		const struct sp_plan_stream *s = r->streams[i].plan;

		bulk += s->bulk && (s->rate.kind == SP_RATE_MAX || bulk_unmet(r, i));
		closed += over_conns(r, i) && !s->bulk && !s->recorded &&
			  s->rate.kind == SP_RATE_MAX && !session_failed(r, i);
	}
	if (!bulk && !closed)
		return false;
	unmet = sp_run_bulk_unmet(r);
	if (cores > 0.9 * r->n_workers) {
		res->bound = SP_BOUND_SENDER_CPU;
		snprintf(r->evidence, sizeof r->evidence,
			 "asked for %s: the sender used %.2f of %u cores",
			 unmet ? "a bit rate that was not met" : "as much as possible", cores,
			 r->n_workers);
	} else if (bulk) {
		res->bound = SP_BOUND_TRANSPORT;
		snprintf(r->evidence, sizeof r->evidence,
			 "asked for %s: the connections were full %s times and the path or the "
			 "receiver set the pace",
			 unmet ? "a bit rate that was not met" : "as much as possible",
			 sp_str_grouped(n, sizeof n, blocked));
	} else {
		res->bound = SP_BOUND_TRANSPORT;
		snprintf(
			r->evidence, sizeof r->evidence,
			"each connection began its next unit when it was done with the last: the "
			"far end set the pace");
	}
	return true;
}
