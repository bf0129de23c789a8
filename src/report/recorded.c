#include "report/recorded.h"

#include "report/fmt.h"

/* Of more streams no line speaks: there may be very many, and recorded ones are few. */
#define STREAMS_MOST 64u

static void put_place(struct sp_json *j, const char *key, bool known, uint64_t ns)
{
	if (known)
		sp_json_u64(j, key, ns);
	else
		sp_json_null(j, key);
}

static void put_text(struct sp_json *j, const char *key, const char *text)
{
	sp_json_str(j, key, *text ? text : NULL);
}

static void put_sum(struct sp_json *j, const struct sp_recorded_sum *s)
{
	sp_json_u64(j, "asked_packets", s->asked);
	sp_json_u64(j, "asked_bytes", s->asked_bytes);
	sp_json_u64(j, "tx_packets", s->sent);
	sp_json_u64(j, "tx_bytes", s->sent_bytes);
	put_place(j, "first_tx_ns", s->left, s->first_ns);
	put_place(j, "last_tx_ns", s->left, s->last_ns);
}

static void put_session(struct sp_json *j, const struct sp_recorded_session *s)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "sender", s->sender);
	put_text(j, "local", s->local);
	sp_json_str(j, "collector", s->collector);
	put_sum(j, &s->sum);
	sp_json_u64(j, "lost", s->lost);
	sp_json_str(j, "state", s->state);
	put_text(j, "why", s->why);
	sp_json_close(j, '}');
}

static void put_play(struct sp_json *j, const struct sp_recorded_play *p)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "capture", p->capture);
	sp_json_u64(j, "repetition", p->repetition);
	sp_json_bool(j, "sync", p->sync);
	sp_json_u64(j, "wanted_in_minute_ns", p->wanted_ns);
	put_place(j, "began_in_minute_ns", p->sum.left, p->begun_ns);
	sp_json_u64(j, "due_ns", p->due_ns);
	put_sum(j, &p->sum);
	sp_json_close(j, '}');
}

static void put_sender(struct sp_json *j, const struct sp_recorded_sender *s)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "sender", s->sender);
	sp_json_u64(j, "packets", s->packets);
	sp_json_bool(j, "collector", s->collector);
	sp_json_close(j, '}');
}

static void put_left_out(struct sp_json *j, const struct sp_result *r, size_t i,
			 const struct sp_recorded_result *rec, size_t limit)
{
	uint32_t n = rec->senders < limit ? rec->senders : (uint32_t)limit;

	sp_json_open(j, "left_out", '{');
	sp_json_u64(j, "not_in_map", rec->unknown_peer);
	sp_json_u64(j, "no_protocol", rec->unknown_proto);
	sp_json_u64(j, "cut", rec->cut);
	sp_json_u64(j, "too_long", rec->too_long);
	sp_json_u64(j, "hole_bytes", rec->hole_bytes);
	sp_json_u64(j, "broken_bytes", rec->broken_bytes);
	sp_json_open(j, "senders", '[');
	for (uint32_t k = 0; k < n; k++) {
		struct sp_recorded_sender s;

		r->parts->recorded_sender(r->parts_arg, i, k, &s);
		put_sender(j, &s);
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "senders_omitted", rec->senders - n + rec->more_senders);
	sp_json_close(j, '}');
}

static void drain(const struct sp_report_drain *d, struct sp_json *j)
{
	if (d && j->out->len >= SP_JSON_DRAIN)
		d->take(d->arg, j->out);
}

void sp_json_recorded(struct sp_json *j, const struct sp_result *r, size_t i,
		      const struct sp_stream_result *stream, size_t limit,
		      const struct sp_report_drain *d)
{
	const struct sp_recorded_result *rec = &stream->recorded;
	size_t plays = rec->plays < limit ? rec->plays : limit;
	size_t sessions = rec->sessions < limit ? rec->sessions : limit;

	if (!rec->known || !r->parts->recorded_session) {
		sp_json_null(j, "recorded");
		return;
	}
	sp_json_open(j, "recorded", '{');
	sp_json_str(j, "protocol", rec->protocol);
	sp_json_str(j, "over", rec->tcp ? "tcp" : "udp");
	sp_json_u64(j, "packets", rec->filtered);
	put_left_out(j, r, i, rec, limit);
	sp_json_open(j, "plays", '[');
	for (uint32_t k = 0; k < plays; k++) {
		struct sp_recorded_play p;

		r->parts->recorded_play(r->parts_arg, i, k, &p);
		put_play(j, &p);
		drain(d, j);
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "plays_omitted", rec->plays - plays);
	sp_json_open(j, "sessions", '[');
	for (uint32_t k = 0; k < sessions; k++) {
		struct sp_recorded_session s;

		r->parts->recorded_session(r->parts_arg, i, k, &s);
		put_session(j, &s);
		drain(d, j);
	}
	sp_json_close(j, ']');
	sp_json_u64(j, "sessions_omitted", rec->sessions - sessions);
	sp_json_close(j, '}');
}

void sp_text_recorded(struct sp_str *out, const struct sp_result *r)
{
	uint64_t peers = 0, protocols = 0;
	char text[SP_FMT_FIGURE];

	if (!r->parts->recorded_session)
		return;
	for (size_t i = 0; i < r->n_streams && i < STREAMS_MOST; i++) {
		struct sp_stream_result s;

		sp_result_stream(r, i, &s);
		peers += s.recorded.unknown_peer;
		/* Every stream sees all packets. */
		if (s.recorded.unknown_proto > protocols)
			protocols = s.recorded.unknown_proto;
	}
	if (!peers && !protocols)
		return;
	sp_str_printf(out, "  not played: %s packets of senders that are not in the map",
		      sp_str_grouped(text, sizeof text, peers));
	sp_str_printf(out, ", %s of no protocol\n",
		      sp_str_grouped(text, sizeof text, protocols));
}
