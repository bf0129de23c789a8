#include "ctl/agent_result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "ctl/record.h"

/* A list of a peer's holds at most so many things: more than any run has. */
#define LIST_MAX 1000000u

/* ---- the tables ---- */

#define AT(type, name, member, kind)                                                           \
	{                                                                                      \
		name, SP_RECORD_##kind, offsetof(struct type, member),                         \
			sizeof(((struct type *)0)->member)                                     \
	}
#define M(member, kind)	 AT(sp_measure, #member, member, kind)
#define R(member, kind)	 AT(sp_result, #member, member, kind)
#define ST(member, kind) AT(sp_stream_result, #member, member, kind)
#define F(member, kind)	 AT(sp_flow_result, #member, member, kind)
#define T(member, kind)	 AT(sp_transport_result, #member, member, kind)
#define TS(member, kind) AT(sp_transport_result, #member, s.member, kind)
#define P(member, kind)	 AT(sp_reply_result, #member, member, kind)
#define H(member, kind)	 AT(sp_result, #member, host.member, kind)
#define S(member, kind)	 AT(sp_summary, #member, member, kind)
#define RE(member, kind) AT(sp_remark, #member, member, kind)
#define HI(member, kind) AT(sp_hist, #member, member, kind)

static const struct sp_record measure_rows[] = {
	M(first_tx_ns, TIME), M(last_tx_ns, TIME),
	M(first_rx_ns, TIME), M(last_rx_ns, TIME),
	M(asked_pps, REAL),   M(tx_pps, REAL),
	M(rx_pps, REAL),      M(tx_bps, REAL),
	M(rx_bps, REAL),      M(jitter_ns, REAL),
	M(outage_ns, REAL),   M(ks_departure, REAL),
	M(ks_size, REAL),     { 0 },
};
static const struct sp_record summary_rows[] = {
	S(known, BOOL), S(coarse, BOOL),     S(n, COUNT), S(negative, COUNT), S(min, I64),
	S(p50, I64),	S(p90, I64),	     S(p99, I64), S(p999, I64),	      S(max, I64),
	S(mean, REAL),	S(clock_error, I64), { 0 },
};
static const struct {
	const char *name;
	size_t off;
} summaries[] = {
	{ "delay", offsetof(struct sp_measure, delay) },
	{ "delay_actual", offsetof(struct sp_measure, delay_actual) },
	{ "rtt", offsetof(struct sp_measure, rtt) },
	{ "late", offsetof(struct sp_measure, late) },
	{ "gap_error", offsetof(struct sp_measure, gap_error) },
	{ "rx_gap_error", offsetof(struct sp_measure, rx_gap_error) },
};
#define N_SUMMARIES (sizeof summaries / sizeof *summaries)

static const struct sp_record stream_rows[] = {
	ST(name, TEXT), ST(target, CHARS), ST(asked, CHARS), ST(flows, U32), { 0 },
};
static const struct sp_record flow_rows[] = {
	F(id, U32),	F(stream, TEXT), F(src, CHARS),	 F(dst, CHARS),
	F(proto, TEXT), F(unit, TEXT),	 F(ended, BOOL), { 0 },
};
static const struct sp_record transport_rows[] = {
	T(name, TEXT),
	T(transport, TEXT),
	T(where, TEXT),
	T(road, TEXT),
	T(rx_clock, TEXT),
	T(offloaded, BOOL),
	TS(tx_calls, COUNT),
	TS(tx_units, COUNT),
	TS(tx_msgs, COUNT),
	TS(tx_bytes, COUNT),
	TS(tx_blocked, COUNT),
	TS(tx_unreachable, COUNT),
	TS(tx_dropped, COUNT),
	TS(rx_calls, COUNT),
	TS(rx_units, COUNT),
	TS(rx_msgs, COUNT),
	TS(rx_bytes, COUNT),
	TS(rx_truncated, COUNT),
	TS(rx_dropped, COUNT),
	TS(rx_csum_errors, COUNT),
	TS(rx_frozen, COUNT),
	TS(rx_other, COUNT),
	TS(max_seg, U32),
	TS(rx_dropped_known, BOOL),
	{ 0 },
};
static const struct sp_record reply_rows[] = {
	P(name, TEXT),	 P(port, TEXT),	    P(replies, COUNT),
	P(bytes, COUNT), P(refused, COUNT), { 0 },
};
static const struct sp_record result_rows[] = {
	R(name, TEXT),
	R(command, TEXT),
	R(plan_sha256, TEXT),
	R(seed, U64),
	R(started_real_ns, I64),
	R(duration_ns, COUNT),
	R(planned_ns, U64),
	R(finished, BOOL),
	R(interrupted, BOOL),
	R(exit_code, INT),
	R(evidence, TEXT),
	R(unit, TEXT),
	R(clock, TEXT),
	R(violated, U32),
	R(unknown_identities, U32),
	H(kernel, CHARS),
	H(cpu, CHARS),
	H(hostname, CHARS),
	H(sandbox, CHARS),
	H(cpus, U32),
	H(steal, REAL),
	H(cpu_self, REAL),
	H(rss_peak_bytes, COUNT),
	{ 0 },
};
static const struct sp_record remark_rows[] = {
	RE(code, TEXT), RE(at_ns, COUNT), RE(neutral, BOOL), RE(text, TEXT), { 0 },
};
static const struct sp_record hist_rows[] = {
	HI(n, COUNT), HI(negative, COUNT), HI(min, I64), HI(max, I64), { 0 },
};

static const char *const role_names[] = { "send", "recv", "both" };

/* ---- lists ---- */

static void give_stream(const void *arg, size_t i, struct sp_stream_result *out)
{
	const struct sp_agent_lists *l = arg;

	*out = l->streams[i];
}

static void give_flow(const void *arg, size_t i, struct sp_flow_result *out)
{
	const struct sp_agent_lists *l = arg;

	*out = l->flows[i];
}

static void give_stream_counts(const void *arg, size_t i, struct sp_counts *out)
{
	const struct sp_agent_lists *l = arg;

	*out = l->streams[i].m.c;
}

static void give_flow_counts(const void *arg, size_t i, struct sp_counts *out)
{
	const struct sp_agent_lists *l = arg;

	*out = l->flows[i].m.c;
}

const struct sp_result_parts sp_agent_parts = { .stream = give_stream,
						.flow = give_flow,
						.stream_counts = give_stream_counts,
						.flow_counts = give_flow_counts };

/* ---- writing ---- */

static void put_measure(struct sp_json *j, const char *key, const struct sp_measure *m)
{
	sp_json_open(j, key, '{');
	sp_json_open(j, "c", '{');
	for (unsigned i = 0; i < SP_C__N; i++)
		if (sp_counts_has(&m->c, (enum sp_counter)i))
			sp_json_u64(j, sp_counter_table[i].name, m->c.v[i]);
	sp_json_close(j, '}');
	sp_record_put(j, measure_rows, m);
	for (unsigned i = 0; i < N_SUMMARIES; i++) {
		const struct sp_summary *s = (const void *)((const char *)m + summaries[i].off);

		if (!s->known)
			continue;
		sp_json_open(j, summaries[i].name, '{');
		sp_record_put(j, summary_rows, s);
		sp_json_close(j, '}');
	}
	sp_json_close(j, '}');
}

static void put_sum(struct sp_json *j, __int128 sum)
{
	unsigned __int128 left = sum < 0 ? -(unsigned __int128)sum : (unsigned __int128)sum;
	char text[48], *at = text + sizeof text;

	*--at = '\0';
	do
		*--at = (char)('0' + (int)(left % 10));
	while (left /= 10);
	if (sum < 0)
		*--at = '-';
	sp_json_str(j, "sum", at);
}

static void put_hist(struct sp_json *j, const struct sp_named_hist *h)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", h->name);
	sp_record_put(j, hist_rows, h->hist);
	put_sum(j, h->hist->sum);
	sp_json_open(j, "b", '[');
	for (unsigned i = 0; i < SP_HIST_BUCKETS; i++) {
		if (!h->hist->b[i])
			continue;
		sp_json_u64(j, NULL, i);
		sp_json_u64(j, NULL, h->hist->b[i]);
	}
	sp_json_close(j, ']');
	sp_json_close(j, '}');
}

void sp_agent_remark_put(struct sp_json *j, const struct sp_remark *m)
{
	sp_record_put(j, remark_rows, m);
}

static void put_streams(struct sp_json *j, const struct sp_result *r, size_t limit)
{
	struct sp_stream_result one;

	sp_json_open(j, "streams", '[');
	for (size_t i = 0; i < r->n_streams && i < limit; i++) {
		sp_result_stream(r, i, &one);
		sp_json_open(j, NULL, '{');
		sp_record_put(j, stream_rows, &one);
		put_measure(j, "m", &one.m);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
}

static void put_rest(struct sp_json *j, const struct sp_result *r)
{
	struct sp_flow_result one;

	sp_json_open(j, "flows", '[');
	for (size_t i = 0; i < r->n_flows && i < SP_AGENT_PARTS; i++) {
		sp_result_flow(r, i, &one);
		sp_json_open(j, NULL, '{');
		sp_record_put(j, flow_rows, &one);
		put_measure(j, "m", &one.m);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_open(j, "remarks", '[');
	for (size_t i = 0; i < r->n_remarks; i++) {
		sp_json_open(j, NULL, '{');
		sp_agent_remark_put(j, &r->remarks[i]);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_open(j, "hists", '[');
	for (size_t i = 0; i < r->n_hists; i++)
		put_hist(j, &r->hists[i]);
	sp_json_close(j, ']');
}

void sp_agent_result_put(struct sp_json *j, const struct sp_result *r, bool final)
{
	sp_json_str(j, "role", role_names[r->role]);
	sp_json_str(j, "class", sp_result_class_name[r->result]);
	sp_json_str(j, "bound", sp_bound_name[r->bound]);
	sp_record_put(j, result_rows, r);
	put_measure(j, "total", &r->total);
	put_streams(j, r, final ? SP_AGENT_PARTS : SP_AGENT_SAMPLE_STREAMS);
	sp_json_open(j, "transports", '[');
	for (size_t i = 0; i < r->n_transports; i++) {
		sp_json_open(j, NULL, '{');
		sp_record_put(j, transport_rows, &r->transports[i]);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_open(j, "replies", '[');
	for (size_t i = 0; i < r->n_replies; i++) {
		sp_json_open(j, NULL, '{');
		sp_record_put(j, reply_rows, &r->replies[i]);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	if (final)
		put_rest(j, r);
}

/* ---- reading ---- */

struct reading {
	struct sp_record_reader r;
	struct sp_err *err;
};

static int bad(const struct reading *g, const char *member, int code)
{
	return sp_fail(g->err, code, code == -ENOMEM ? SP_EXIT_FAILED : SP_EXIT_DATA,
		       code == -ENOMEM ? "out of memory for %s"
				       : "'%s' is not what it should be",
		       member);
}

static int get_rows(const struct reading *g, const json_t *o, const struct sp_record *rows,
		    void *into, const char *what)
{
	const char *member = what;
	int rc = json_is_object(o) ? sp_record_get(&g->r, o, rows, into, &member) : -EINVAL;

	return rc ? bad(g, member, rc) : 0;
}

static int get_word(const struct reading *g, const json_t *o, const char *key,
		    const char *const *words, unsigned n, int *out)
{
	const char *text = json_string_value(json_object_get(o, key));

	for (unsigned i = 0; text && i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			*out = (int)i;
			return 0;
		}
	}
	return bad(g, key, -EINVAL);
}

static int get_counts(const struct reading *g, const json_t *o, struct sp_counts *c)
{
	*c = (struct sp_counts){ 0 };
	if (!json_is_object(o))
		return bad(g, "c", -EINVAL);
	for (unsigned i = 0; i < SP_C__N; i++) {
		const json_t *v = json_object_get(o, sp_counter_table[i].name);

		if (!v)
			continue;
		if (!json_is_integer(v) || json_integer_value(v) < 0)
			return bad(g, sp_counter_table[i].name, -EINVAL);
		sp_counts_set(c, (enum sp_counter)i, (uint64_t)json_integer_value(v));
	}
	return 0;
}

static int get_measure(const struct reading *g, const json_t *o, struct sp_measure *m)
{
	int rc = get_rows(g, o, measure_rows, m, "m");

	if (!rc)
		rc = get_counts(g, json_object_get(o, "c"), &m->c);
	for (unsigned i = 0; i < N_SUMMARIES && !rc; i++) {
		struct sp_summary *s = (void *)((char *)m + summaries[i].off);
		const json_t *v = json_object_get(o, summaries[i].name);

		*s = (struct sp_summary){ .clock_error = -1 };
		if (v)
			rc = get_rows(g, v, summary_rows, s, summaries[i].name);
	}
	return rc;
}

/* The list's memory, in the arena, and its length. */
static int get_list(const struct reading *g, const json_t *o, const char *key, size_t size,
		    void **items, size_t *n)
{
	const json_t *list = json_object_get(o, key);

	*n = json_array_size(list);
	*items = NULL;
	if ((list && !json_is_array(list)) || *n > LIST_MAX)
		return bad(g, key, -EINVAL);
	if (!*n)
		return 0;
	*items = sp_arena_alloc(g->r.arena, *n * size);
	return *items ? 0 : bad(g, key, -ENOMEM);
}

static int get_streams(const struct reading *g, const json_t *o, struct sp_result *r,
		       struct sp_agent_lists *lists)
{
	void *items;
	struct sp_stream_result *s;
	int rc = get_list(g, o, "streams", sizeof *s, &items, &r->n_streams);

	s = items;
	lists->streams = s;
	for (size_t i = 0; i < r->n_streams && !rc; i++) {
		const json_t *v = json_array_get(json_object_get(o, "streams"), i);

		rc = get_rows(g, v, stream_rows, &s[i], "streams");
		if (!rc && !s[i].name)
			rc = bad(g, "name", -EINVAL);
		if (!rc)
			rc = get_measure(g, json_object_get(v, "m"), &s[i].m);
	}
	return rc;
}

static int get_flows(const struct reading *g, const json_t *o, struct sp_result *r,
		     struct sp_agent_lists *lists)
{
	void *items;
	struct sp_flow_result *f;
	int rc = get_list(g, o, "flows", sizeof *f, &items, &r->n_flows);

	f = items;
	lists->flows = f;
	for (size_t i = 0; i < r->n_flows && !rc; i++) {
		const json_t *v = json_array_get(json_object_get(o, "flows"), i);

		rc = get_rows(g, v, flow_rows, &f[i], "flows");
		if (!rc && !(f[i].stream && f[i].proto && f[i].unit))
			rc = bad(g, "flows", -EINVAL);
		if (!rc)
			rc = get_measure(g, json_object_get(v, "m"), &f[i].m);
	}
	return rc;
}

static int get_transports(const struct reading *g, const json_t *o, struct sp_result *r)
{
	void *items;
	struct sp_transport_result *t;
	int rc = get_list(g, o, "transports", sizeof *t, &items, &r->n_transports);

	t = items;
	r->transports = t;
	for (size_t i = 0; i < r->n_transports && !rc; i++) {
		rc = get_rows(g, json_array_get(json_object_get(o, "transports"), i),
			      transport_rows, &t[i], "transports");
		if (!rc && !(t[i].name && t[i].transport))
			rc = bad(g, "transports", -EINVAL);
	}
	return rc;
}

static int get_replies(const struct reading *g, const json_t *o, struct sp_result *r)
{
	struct sp_reply_result *p;
	void *items;
	int rc = get_list(g, o, "replies", sizeof *p, &items, &r->n_replies);

	p = items;
	r->replies = p;
	for (size_t i = 0; i < r->n_replies && !rc; i++) {
		rc = get_rows(g, json_array_get(json_object_get(o, "replies"), i), reply_rows,
			      &p[i], "replies");
		if (!rc && !(p[i].name && p[i].port))
			rc = bad(g, "replies", -EINVAL);
	}
	return rc;
}

static int get_remark(const struct reading *g, const json_t *o, struct sp_remark *m)
{
	int rc = get_rows(g, o, remark_rows, m, "remarks");

	return rc || (m->code && m->text) ? rc : bad(g, "remarks", -EINVAL);
}

int sp_agent_remark_get(const json_t *o, struct sp_arena *arena, struct sp_remark *m,
			struct sp_err *err)
{
	const struct reading g = { .r = { .arena = arena }, .err = err };

	return get_remark(&g, o, m);
}

static int get_remarks(const struct reading *g, const json_t *o, struct sp_result *r)
{
	void *items;
	struct sp_remark *m;
	int rc = get_list(g, o, "remarks", sizeof *m, &items, &r->n_remarks);

	m = items;
	r->remarks = m;
	for (size_t i = 0; i < r->n_remarks && !rc; i++)
		rc = get_remark(g, json_array_get(json_object_get(o, "remarks"), i), &m[i]);
	return rc;
}

static bool get_sum(const char *text, __int128 *sum)
{
	bool negative = text && *text == '-';
	unsigned __int128 v = 0;
	size_t n = 0;

	if (!text)
		return false;
	for (text += negative; *text >= '0' && *text <= '9' && n < 38; text++, n++)
		v = v * 10 + (unsigned)(*text - '0');
	*sum = negative ? -(__int128)v : (__int128)v;
	return n && *text == '\0';
}

/* Counts and buckets must agree: everything else of a report is computed from them. */
static int get_hist(const struct reading *g, const json_t *o, struct sp_named_hist *out)
{
	struct sp_hist *h = sp_arena_alloc(g->r.arena, sizeof *h);
	const json_t *b = json_object_get(o, "b");
	const char *name = json_string_value(json_object_get(o, "name"));
	uint64_t total;
	int rc;

	if (!h)
		return bad(g, "hists", -ENOMEM);
	rc = get_rows(g, o, hist_rows, h, "hists");
	if (rc)
		return rc;
	if (!name || strlen(name) > 32 || json_array_size(b) % 2 ||
	    !get_sum(json_string_value(json_object_get(o, "sum")), &h->sum))
		return bad(g, "hists", -EINVAL);
	total = h->negative;
	for (size_t i = 0; i < json_array_size(b); i += 2) {
		json_int_t at = json_integer_value(json_array_get(b, i));
		json_int_t count = json_integer_value(json_array_get(b, i + 1));

		if (at < 0 || at >= (json_int_t)SP_HIST_BUCKETS || count <= 0)
			return bad(g, "hists", -EINVAL);
		h->b[at] += (uint64_t)count;
		if (__builtin_add_overflow(total, (uint64_t)count, &total))
			return bad(g, "hists", -EINVAL);
	}
	if (total != h->n || h->min > h->max)
		return bad(g, "hists", -EINVAL);
	out->name = sp_arena_strdup(g->r.arena, name);
	out->hist = h;
	return out->name ? 0 : bad(g, "hists", -ENOMEM);
}

static int get_hists(const struct reading *g, const json_t *o, struct sp_result *r)
{
	struct sp_named_hist *h;
	void *items;
	int rc;

	if (json_array_size(json_object_get(o, "hists")) > 16)
		return bad(g, "hists", -EINVAL);
	rc = get_list(g, o, "hists", sizeof *h, &items, &r->n_hists);
	h = items;
	r->hists = h;
	for (size_t i = 0; i < r->n_hists && !rc; i++)
		rc = get_hist(g, json_array_get(json_object_get(o, "hists"), i), &h[i]);
	return rc;
}

int sp_agent_result_get(const json_t *o, int64_t shift_ns, struct sp_arena *arena,
			struct sp_result *r, struct sp_err *err)
{
	const struct reading g = { .r = { .arena = arena, .shift_ns = shift_ns }, .err = err };
	struct sp_agent_lists *lists = sp_arena_alloc(arena, sizeof *lists);
	int role = 0, class = 0, bound = 0, rc;

	*r = (struct sp_result){ .parts = &sp_agent_parts, .parts_arg = lists };
	if (!lists)
		return bad(&g, "result", -ENOMEM);
	rc = get_rows(&g, o, result_rows, r, "result");
	if (!rc)
		rc = get_word(&g, o, "role", role_names, 3, &role);
	if (!rc)
		rc = get_word(&g, o, "class", sp_result_class_name, SP_NOT_TRUSTED + 1, &class);
	if (!rc)
		rc = get_word(&g, o, "bound", sp_bound_name, SP_BOUND_UNKNOWN + 1, &bound);
	r->role = (enum sp_role_kind)role;
	r->result = (enum sp_result_class) class;
	r->bound = (enum sp_bound)bound;
	if (!rc)
		rc = get_measure(&g, json_object_get(o, "total"), &r->total);
	if (!rc)
		rc = get_streams(&g, o, r, lists);
	if (!rc)
		rc = get_transports(&g, o, r);
	if (!rc)
		rc = get_replies(&g, o, r);
	if (!rc)
		rc = get_flows(&g, o, r, lists);
	if (!rc)
		rc = get_remarks(&g, o, r);
	return rc ? rc : get_hists(&g, o, r);
}
