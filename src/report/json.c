#include "report/json.h"

#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "report/fmt.h"
#include "report/json_part.h"
#include "report/recorded.h"

static const char *const role_name[] = { "send", "recv", "both" };

/* ---- a measure ---- */

static void put_ns(struct sp_json *j, const char *key, bool known, int64_t v)
{
	if (known)
		sp_json_i64(j, key, v);
	else
		sp_json_null(j, key);
}

static void put_summary(struct sp_json *j, const char *key, const struct sp_summary *s)
{
	bool fine = s->known && !s->coarse; /* a sketch is good for p50 and p99 only */

	sp_json_open(j, key, '{');
	put_ns(j, "min", s->known, s->min);
	put_ns(j, "mean", s->known && isfinite(s->mean), s->known ? llround(s->mean) : 0);
	put_ns(j, "p50", s->known, s->p50);
	put_ns(j, "p90", fine, s->p90);
	put_ns(j, "p99", s->known, s->p99);
	put_ns(j, "p999", fine, s->p999);
	put_ns(j, "max", s->known, s->max);
	put_ns(j, "clock_error", s->known && s->clock_error >= 0, s->clock_error);
	put_ns(j, "n", s->known, (int64_t)s->n);
	put_ns(j, "negative", s->known, (int64_t)s->negative);
	if (s->known)
		sp_json_bool(j, "coarse", s->coarse);
	else
		sp_json_null(j, "coarse");
	sp_json_close(j, '}');
}

void sp_json_counter(struct sp_json *j, const struct sp_counts *c, enum sp_counter i)
{
	if (sp_counts_has(c, i))
		sp_json_u64(j, sp_counter_table[i].name, c->v[i]);
	else
		sp_json_null(j, sp_counter_table[i].name);
}

static void put_counts(struct sp_json *j, const struct sp_counts *c)
{
	for (unsigned i = 0; i < SP_C__N; i++)
		if (!sp_counter_table[i].is_error)
			sp_json_counter(j, c, (enum sp_counter)i);
	sp_json_open(j, "errors", '{');
	for (unsigned i = 0; i < SP_C__N; i++)
		if (sp_counter_table[i].is_error)
			sp_json_counter(j, c, (enum sp_counter)i);
	sp_json_close(j, '}');
}

void sp_json_measure(struct sp_json *j, const struct sp_measure *m)
{
	put_counts(j, &m->c);
#define SP_REAL(member, sentence) sp_json_real(j, #member, m->member);
	SP_MEASURE_REALS
#undef SP_REAL
#define SP_TIMES(member, sentence) put_summary(j, #member "_ns", &m->member);
	SP_MEASURE_TIMES
#undef SP_TIMES
	put_ns(j, "jitter_ns", isfinite(m->jitter_ns),
	       isfinite(m->jitter_ns) ? llround(m->jitter_ns) : 0);
	put_ns(j, "outage_ns", isfinite(m->outage_ns),
	       isfinite(m->outage_ns) ? llround(m->outage_ns) : 0);
	sp_json_real(j, "ks_departure", m->ks_departure);
	sp_json_real(j, "ks_size", m->ks_size);
	put_ns(j, "first_tx_ns", m->first_tx_ns, (int64_t)m->first_tx_ns);
	put_ns(j, "last_tx_ns", m->last_tx_ns, (int64_t)m->last_tx_ns);
	put_ns(j, "first_rx_ns", m->first_rx_ns, (int64_t)m->first_rx_ns);
	put_ns(j, "last_rx_ns", m->last_rx_ns, (int64_t)m->last_rx_ns);
}

/* ---- the parts of the document ---- */

void sp_json_remark(struct sp_json *j, const char *key, const struct sp_remark *r)
{
	sp_json_open(j, key, '{');
	sp_json_str(j, "code", r->code);
	sp_json_u64(j, "at_ns", r->at_ns);
	sp_json_bool(j, "neutral", r->neutral);
	sp_json_str(j, "text", r->text);
	sp_json_close(j, '}');
}

static void put_identities(struct sp_json *j, const char *key, uint32_t mask)
{
	sp_json_open(j, key, '[');
	for (unsigned i = 0; i < SP_IDENTITIES; i++)
		if (mask >> i & 1)
			sp_json_str(j, NULL, sp_identity_text(i));
	sp_json_close(j, ']');
}

static void put_verdict(struct sp_json *j, const struct sp_result *r)
{
	sp_json_open(j, "verdict", '{');
	sp_json_str(j, "result", sp_result_class_name[r->result]);
	sp_json_str(j, "bounded_by", sp_bound_name[r->bound]);
	sp_json_str(j, "evidence", r->evidence);
	put_identities(j, "violated", r->violated);
	put_identities(j, "not_evaluated", r->unknown_identities);
	sp_json_open(j, "remarks", '[');
	for (size_t i = 0; i < r->n_remarks; i++)
		sp_json_remark(j, NULL, &r->remarks[i]);
	sp_json_close(j, ']');
	sp_json_close(j, '}');
}

void sp_json_request_of(struct sp_json *j, const struct sp_stream_result *s)
{
	sp_json_str(j, "name", s->name);
	sp_json_str(j, "target", *s->target ? s->target : NULL);
	sp_json_str(j, "asked", *s->asked ? s->asked : NULL);
}

void sp_json_way(struct sp_json *j, const struct sp_way_result *w)
{
	sp_json_open(j, "way", '{');
	put_ns(j, "connections", w->known || w->connections, (int64_t)w->connections);
	put_ns(j, "retransmits", w->known, (int64_t)w->retransmits);
	put_ns(j, "rtt_ns", w->known && w->rtt_ns, (int64_t)w->rtt_ns);
	put_ns(j, "min_rtt_ns", w->known && w->min_rtt_ns, (int64_t)w->min_rtt_ns);
	put_ns(j, "cwnd_bytes", w->known, (int64_t)w->cwnd_bytes);
	put_ns(j, "mss", w->known, w->mss);
	sp_json_str(j, "congestion", *w->congestion ? w->congestion : NULL);
	sp_json_close(j, '}');
}

static void put_statuses(struct sp_json *j, const struct sp_stream_result *s)
{
	const struct sp_status_counts *c = &s->statuses;
	char key[SP_FMT_STATUS];

	sp_json_open(j, "statuses", '{');
	for (uint32_t i = 0; i < c->n; i++) {
		sp_json_u64(j, sp_fmt_status(key, s, c->row[i].status), c->row[i].count);
	}
	if (c->more)
		sp_json_u64(j, "other", c->more);
	sp_json_close(j, '}');
}

static void put_stream(struct sp_json *j, const struct sp_result *r, size_t i, size_t limit,
		       const struct sp_report_drain *d)
{
	struct sp_stream_result s;

	sp_result_stream(r, i, &s);
	sp_json_open(j, NULL, '{');
	sp_json_request_of(j, &s);
	sp_json_u64(j, "flows", s.flows);
	sp_json_str(j, "unit", s.unit);
	sp_json_way(j, &s.way);
	put_statuses(j, &s);
	sp_json_recorded(j, r, i, &s, limit, d);
	sp_json_measure(j, &s.m);
	sp_json_close(j, '}');
}

static void put_flow(struct sp_json *j, const struct sp_flow_result *f)
{
	sp_json_open(j, NULL, '{');
	sp_json_u64(j, "id", f->id);
	sp_json_str(j, "stream", f->stream);
	sp_json_str(j, "src", f->src[0] ? f->src : NULL);
	sp_json_str(j, "dst", f->dst[0] ? f->dst : NULL);
	sp_json_str(j, "proto", f->proto);
	sp_json_str(j, "unit", f->unit);
	sp_json_bool(j, "ended", f->ended);
	sp_json_measure(j, &f->m);
	sp_json_close(j, '}');
}

static void put_transport(struct sp_json *j, const struct sp_transport_result *t)
{
	const struct sp_tstats *s = &t->s;

	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", t->name);
	sp_json_str(j, "transport", t->transport);
	sp_json_str(j, "interface", t->where);
	sp_json_str(j, "road", t->road);
	sp_json_str(j, "rx_clock", t->rx_clock);
	sp_json_bool(j, "offloaded", t->offloaded);
	sp_json_u64(j, "max_segments", s->max_seg);
#define SP_TSTAT(member, sentence) sp_json_u64(j, #member, s->member);
	SP_TSTATS
#undef SP_TSTAT
	if (s->rx_dropped_known)
		sp_json_u64(j, "rx_dropped", s->rx_dropped);
	else
		sp_json_null(j, "rx_dropped");
	sp_json_close(j, '}');
}

void sp_json_host(struct sp_json *j, const struct sp_result *r)
{
	const struct sp_host_info *h = &r->host;

	sp_json_open(j, "host", '{');
	sp_json_str(j, "hostname", h->hostname[0] ? h->hostname : NULL);
	sp_json_str(j, "sandbox", h->sandbox[0] ? h->sandbox : NULL);
	sp_json_str(j, "kernel", h->kernel[0] ? h->kernel : NULL);
	sp_json_str(j, "cpu", h->cpu[0] ? h->cpu : NULL);
	put_ns(j, "cpus", h->cpus, h->cpus);
	sp_json_real(j, "steal", h->steal);
	sp_json_real(j, "cpu_self_s", h->cpu_self);
	put_ns(j, "rss_peak_bytes", h->rss_peak_bytes, (int64_t)h->rss_peak_bytes);
	sp_json_open(j, "offloads", '[');
	for (size_t i = 0; i < r->n_transports; i++)
		if (r->transports[i].offloaded)
			sp_json_str(j, NULL, r->transports[i].name);
	sp_json_close(j, ']');
	sp_json_close(j, '}');
}

void sp_json_request(struct sp_json *j, const struct sp_result *r,
		     const struct sp_report_env *env)
{
	char started[SP_FMT_FIGURE];

	sp_json_str(j, "spate", env->version);
	sp_json_i64(j, "schema", SP_REPORT_SCHEMA);
	sp_json_str(j, "name", r->name);
	sp_json_u64(j, "seed", r->seed);
	sp_json_str(j, "plan_sha256", r->plan_sha256);
	sp_json_str(j, "command", r->command);
	sp_json_str(j, "role", role_name[r->role]);
	sp_json_str(j, "folder", env->folder);
	sp_json_str(j, "started", sp_fmt_utc(started, sizeof started, r->started_real_ns, 6));
	put_ns(j, "planned_ns", r->planned_ns != SP_NEVER, (int64_t)r->planned_ns);
}

/* ---- the document ---- */

static void drain(const struct sp_report_drain *d, struct sp_str *out)
{
	if (d && out->len >= SP_JSON_DRAIN)
		d->take(d->arg, out);
}

static void put_streams(struct sp_json *j, const struct sp_result *r, size_t limit,
			const struct sp_report_drain *d)
{
	size_t n = r->n_streams < limit ? r->n_streams : limit;

	sp_json_open(j, "streams", '[');
	for (size_t i = 0; i < n; i++) {
		put_stream(j, r, i, limit, d);
		drain(d, j->out);
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "streams_omitted", r->n_streams - n);
}

static void put_flows(struct sp_json *j, const struct sp_result *r, size_t limit,
		      const struct sp_report_drain *d)
{
	size_t n = r->n_flows < limit ? r->n_flows : limit;
	struct sp_flow_result f;

	sp_json_open(j, "flows", '[');
	for (size_t i = 0; i < n; i++) {
		sp_result_flow(r, i, &f);
		put_flow(j, &f);
		drain(d, j->out);
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "flows_omitted", r->n_flows - n);
}

void sp_json_document(struct sp_json *j, const struct sp_event *ev,
		      const struct sp_report_env *env, size_t limit,
		      const struct sp_report_drain *d)
{
	const struct sp_result *r = ev->result;

	sp_json_request(j, r, env);
	sp_json_u64(j, "duration_ns", r->duration_ns);
	sp_json_bool(j, "finished", r->finished);
	sp_json_bool(j, "interrupted", r->interrupted);
	put_ns(j, "exit_code", r->finished, r->exit_code);
	put_verdict(j, r);
	sp_json_str(j, "clock", r->clock);
	sp_json_open(j, "total", '{');
	sp_json_measure(j, &r->total);
	sp_json_close(j, '}');
	put_streams(j, r, limit, d);
	put_flows(j, r, limit, d);
	sp_json_open(j, "transports", '[');
	for (size_t i = 0; i < r->n_transports; i++)
		put_transport(j, &r->transports[i]);
	sp_json_close(j, ']');
	sp_json_replies(j, r);
	sp_json_host(j, r);
	sp_json_parts(j, r);
}

void sp_report_json(struct sp_str *out, const struct sp_event *ev,
		    const struct sp_report_env *env, const struct sp_report_drain *d)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_document(&j, ev, env, SIZE_MAX, d);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
