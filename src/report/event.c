#include "report/json.h"

#include "report/fmt.h"
#include "report/json_part.h"

static const char *const kind_name[] = { "start", "interval", "remark", "end", "mark" };

static size_t stream_limit(const struct sp_result *r)
{
	return r->n_streams < SP_EVENT_STREAMS ? r->n_streams : SP_EVENT_STREAMS;
}

static void put_start(struct sp_json *j, const struct sp_event *ev,
		      const struct sp_report_env *env)
{
	const struct sp_result *r = ev->result;
	size_t n = stream_limit(r);
	struct sp_stream_result s;

	sp_json_request(j, r, env);
	sp_json_open(j, "streams", '[');
	for (size_t i = 0; i < n; i++) {
		sp_result_stream(r, i, &s);
		sp_json_open(j, NULL, '{');
		sp_json_request_of(j, &s);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "streams_omitted", r->n_streams - n);
	sp_json_host(j, r);
}

/* What a stream's line needs a second: its other figures are in the end event. */
static void put_stream(struct sp_json *j, const struct sp_stream_result *s)
{
	static const enum sp_counter main_ones[] = {
		SP_C_asked_packets, SP_C_tx_packets, SP_C_tx_bytes, SP_C_rx_packets,
		SP_C_rx_unique,	    SP_C_rx_bytes,   SP_C_lost,	    SP_C_reordered,
		SP_C_pending,	    SP_C_in_flight,
	};

	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", s->name);
	for (size_t i = 0; i < sizeof main_ones / sizeof *main_ones; i++)
		sp_json_counter(j, &s->m.c, main_ones[i]);
	if (s->way.known)
		sp_json_way(j, &s->way);
	sp_json_close(j, '}');
}

static void put_interval(struct sp_json *j, const struct sp_event *ev)
{
	const struct sp_result *r = ev->result;
	size_t n = stream_limit(r);
	struct sp_stream_result s;

	sp_json_i64(j, "schema", SP_REPORT_SCHEMA);
	sp_json_open(j, "total", '{');
	sp_json_measure(j, &r->total);
	sp_json_close(j, '}');
	sp_json_open(j, "streams", '[');
	for (size_t i = 0; i < n; i++) {
		sp_result_stream(r, i, &s);
		put_stream(j, &s);
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "streams_omitted", r->n_streams - n);
}

void sp_report_event(struct sp_str *out, const struct sp_event *ev,
		     const struct sp_report_env *env)
{
	char time[SP_FMT_FIGURE];
	struct sp_json j;

	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "event", kind_name[ev->kind]);
	sp_json_u64(&j, "t_ns", ev->t_ns);
	sp_json_str(&j, "time", sp_fmt_utc(time, sizeof time, ev->real_ns, 6));
	switch (ev->kind) {
	case SP_EVENT_START:
		put_start(&j, ev, env);
		break;
	case SP_EVENT_INTERVAL:
		put_interval(&j, ev);
		break;
	case SP_EVENT_REMARK:
		sp_json_i64(&j, "schema", SP_REPORT_SCHEMA);
		if (ev->remark)
			sp_json_remark(&j, "remark", ev->remark);
		break;
	case SP_EVENT_END:
		sp_json_document(&j, ev, env, SP_EVENT_PARTS, NULL);
		break;
	case SP_EVENT_MARK: /* not for the folder */
		break;
	}
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
