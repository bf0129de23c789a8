#include "report/json.h"

#include <string.h>

#include "report/json_part.h"

/* One row makes one property. type: what "type" says, "?" behind it = or null; "#name" is a
 * reference to $defs/name, "#name?" or null; "[#name" an array of such. */
struct prop {
	const char *name, *type, *sentence;
};

static void put_type(struct sp_json *j, const char *type)
{
	char word[24];
	size_t n = strlen(type);

	if (*type == '[') {
		sp_json_str(j, "type", "array");
		sp_json_open(j, "items", '{');
		put_type(j, type + 1);
		sp_json_close(j, '}');
		return;
	}
	if (*type == '#' && type[n - 1] == '?') {
		sp_json_open(j, "anyOf", '[');
		sp_json_open(j, NULL, '{');
		sp_strlcpy(word, type, n < sizeof word ? n : sizeof word);
		put_type(j, word);
		sp_json_close(j, '}');
		sp_json_open(j, NULL, '{');
		sp_json_str(j, "type", "null");
		sp_json_close(j, '}');
		sp_json_close(j, ']');
		return;
	}
	if (*type == '#') {
		char ref[40] = "#/$defs/";

		sp_strlcpy(ref + strlen(ref), type + 1, sizeof ref - strlen(ref));
		sp_json_str(j, "$ref", ref);
		return;
	}
	if (type[n - 1] != '?') {
		sp_json_str(j, "type", type);
		return;
	}
	sp_strlcpy(word, type, n < sizeof word ? n : sizeof word);
	sp_json_open(j, "type", '[');
	sp_json_str(j, NULL, word);
	sp_json_str(j, NULL, "null");
	sp_json_close(j, ']');
}

static void put_prop(struct sp_json *j, const struct prop *p)
{
	sp_json_open(j, p->name, '{');
	put_type(j, p->type);
	if (p->sentence)
		sp_json_str(j, "description", p->sentence);
	sp_json_close(j, '}');
}

static void put_object(struct sp_json *j, const struct prop *rows, size_t n)
{
	sp_json_str(j, "type", "object");
	sp_json_open(j, "properties", '{');
	for (size_t i = 0; i < n; i++)
		put_prop(j, &rows[i]);
	sp_json_close(j, '}');
	sp_json_open(j, "required", '[');
	for (size_t i = 0; i < n; i++)
		sp_json_str(j, NULL, rows[i].name);
	sp_json_close(j, ']');
}

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static void put_def(struct sp_json *j, const char *name, const struct prop *rows, size_t n)
{
	sp_json_open(j, name, '{');
	put_object(j, rows, n);
	sp_json_close(j, '}');
}

static const struct prop summary_rows[] = {
#define SP_SUMMARY(member) { #member, "integer?", NULL },
	SP_SUMMARY_MEMBERS
#undef SP_SUMMARY
	{ "n", "integer?", "how many values" },
	{ "negative", "integer?", "values below zero: counted, never clipped" },
	{ "coarse", "boolean?", "p50 and p99 are from a sketch with buckets 25 % wide" },
};

static const struct prop errors_rows[] = {
#define SP_COUNTER(name, unit, sentence)
#define SP_ERROR(name, unit, sentence) { #name, "integer?", unit ": " sentence },
#include "core/counters.def"
};

static const struct prop measure_rows[] = {
#define SP_COUNTER(name, unit, sentence) { #name, "integer?", unit ": " sentence },
#define SP_ERROR(name, unit, sentence)
#include "core/counters.def"
	{ "errors", "#errors", NULL },
#define SP_REAL(member, sentence) { #member, "number?", sentence },
	SP_MEASURE_REALS
#undef SP_REAL
#define SP_TIMES(member, sentence) { #member "_ns", "#summary", sentence },
		SP_MEASURE_TIMES
#undef SP_TIMES
	{ "jitter_ns", "integer?",
	  "inter-arrival jitter (RFC 3550); of several streams or flows the mean of theirs" },
	{ "outage_ns", "integer?",
	  "longest time without an arrival of a flow in which it missed some" },
	{ "ks_departure", "number?", "Kolmogorov-Smirnov distance of the departures' gaps" },
	{ "ks_size", "number?", "Kolmogorov-Smirnov distance of the sizes" },
	{ "first_tx_ns", "integer?", "first departure on the run's monotonic clock" },
	{ "last_tx_ns", "integer?", NULL },
	{ "first_rx_ns", "integer?", NULL },
	{ "last_rx_ns", "integer?", NULL },
};

static const struct prop stream_rows[] = {
	{ "name", "string?", NULL },
	{ "target", "string?", NULL },
	{ "asked", "string?", "what it asked for, for people" },
	{ "flows", "integer", "flows folded into it" },
	{ "unit", "string?", "what one departure makes, and the counts count" },
	{ "way", "#way", "what the kernel knows of its connections" },
	{ "statuses", "object", "answers by status: got by a client, given by a server" },
	{ "recorded", "#recorded?", "of a replay of telemetry sessions (replay -t)" },
};

static const struct prop recorded_rows[] = {
	{ "protocol", "string", "the section of the reproduction: ipfix, bmp, bgp, ..." },
	{ "over", "string", "udp or tcp" },
	{ "packets", "integer",
	  "of the captures that are its own, each as often as it is played" },
	{ "left_out", "#left_out", NULL },
	{ "plays", "[#play", "each time that a capture is played, in order" },
	{ "plays_omitted", "integer", "never in the document, only in event lines" },
	{ "sessions", "[#session", "each sender's; over tcp each of its connections'" },
	{ "sessions_omitted", "integer", "never in the document, only in event lines" },
};

static const struct prop left_out_rows[] = {
	{ "not_in_map", "integer", "packets of its protocol whose sender is not in the map" },
	{ "no_protocol", "integer", "packets that no section of the file selects" },
	{ "cut", "integer", "packets that were not captured whole" },
	{ "too_long", "integer", "datagrams that are longer than one can be" },
	{ "hole_bytes", "integer", "of TCP streams, missing in the capture" },
	{ "broken_bytes", "integer", "of TCP streams, that are no whole messages" },
	{ "senders", "[#left_out_sender", "that are not in the map, as they appear" },
	{ "senders_omitted", "integer", "how many more there are" },
};

static const struct prop left_out_sender_rows[] = {
	{ "sender", "string", "address, as recorded" },
	{ "packets", "integer", "each as often as its capture is played; over tcp with data" },
	{ "collector", "boolean", "it is where recorded sessions that are played went to" },
};

#define SUM_ROWS                                                                               \
	{ "asked_packets", "integer",                                                          \
	  "units that came due: datagrams, or messages that one "                              \
	  "TCP segment completed" },                                                           \
		{ "asked_bytes", "integer", NULL }, { "tx_packets", "integer", "that left" },  \
		{ "tx_bytes", "integer", NULL },                                               \
		{ "first_tx_ns", "integer?", "first departure, since the start" },             \
	{                                                                                      \
		"last_tx_ns", "integer?", NULL                                                 \
	}

static const struct prop play_rows[] = {
	{ "capture", "string", "path" },
	{ "repetition", "integer", "of this capture, from 1" },
	{ "sync", "boolean", "it waits for its place in the minute" },
	{ "wanted_in_minute_ns", "integer",
	  "place of its first packet in its minute, as recorded" },
	{ "began_in_minute_ns", "integer?",
	  "place in the minute at which it began; by what left first of it" },
	{ "due_ns", "integer", "of its beginning, since the start" },
	SUM_ROWS,
};

static const struct prop session_rows[] = {
	{ "sender", "string", "address, as recorded" },
	{ "local", "string?", "address that it was played from; null: the system's choice" },
	{ "collector", "string", "address and port that it went to" },
	SUM_ROWS,
	{ "lost", "integer", "how often its connection was lost" },
	{ "state", "string", "unused, open, ended or failed" },
	{ "why", "string?", "it was lost last" },
};

static const struct prop way_rows[] = {
	{ "connections", "integer?", "opened so far" },
	{ "retransmits", "integer?", "segments sent again" },
	{ "rtt_ns", "integer?", "smoothed round trip of the connection that was asked last" },
	{ "min_rtt_ns", "integer?", "its smallest" },
	{ "cwnd_bytes", "integer?", "its congestion window" },
	{ "mss", "integer?", "its segment size" },
	{ "congestion", "string?", "its congestion control" },
};

static const struct prop flow_rows[] = {
	{ "id", "integer", "as on the wire" },
	{ "stream", "string?", NULL },
	{ "src", "string?", "address, or prefix or range where it varies" },
	{ "dst", "string?", "address, or prefix or range where it varies" },
	{ "proto", "string?", NULL },
	{ "unit", "string?", "what one departure makes, and the counts count" },
	{ "ended", "boolean", "its sender said goodbye, or it has been silent for long" },
};

static const struct prop remark_rows[] = {
	{ "code", "string", "stable word" },
	{ "at_ns", "integer", "since the start of the run" },
	{ "neutral", "boolean", "information only: the result stays valid" },
	{ "text", "string", "one sentence" },
};

static const struct prop verdict_rows[] = {
	{ "result", "string", "valid, valid with remarks, not trusted" },
	{ "bounded_by", "string",
	  "none, sender_cpu, transport, path, receiver_cpu, receiver_buffer, unknown" },
	{ "evidence", "string?", "why bounded_by says so" },
	{ "violated", "[string", "identities of the ledger that do not add up" },
	{ "not_evaluated", "[string", "identities with an unknown term" },
	{ "remarks", "[#remark", NULL },
};

static const struct prop transport_rows[] = {
	{ "name", "string?", "the port" },
	{ "transport", "string?", NULL },
	{ "interface", "string?", "interface or local address" },
	{ "road", "string?", "how it sent or received" },
	{ "rx_clock", "string?", "whose arrival times: kernel, user, virtual" },
	{ "offloaded", "boolean", "segments crossed inside super-packets" },
	{ "max_segments", "integer", "most segments seen in one unit" },
#define SP_TSTAT(member, sentence) { #member, "integer", sentence },
	SP_TSTATS
#undef SP_TSTAT
	{ "rx_dropped", "integer?", "dropped by the kernel for this socket, in its units" },
};

static const struct prop reply_rows[] = {
	{ "name", "string", "the machine that answers: arp, icmp, dns, ..." },
	{ "port", "string", "where" },
	{ "replies", "integer", "answers that left" },
	{ "bytes", "integer", "in them: payloads of datagrams, or frames" },
	{ "refused", "integer", "answers that the transport did not take" },
};

static const struct prop host_rows[] = {
	{ "hostname", "string?", NULL },
	{ "sandbox", "string?", NULL },
	{ "kernel", "string?", NULL },
	{ "cpu", "string?", NULL },
	{ "cpus", "integer?", NULL },
	{ "steal", "number?", "share of CPU time stolen during the run, 0 to 1" },
	{ "cpu_self_s", "number?", "CPU seconds that this process used" },
	{ "rss_peak_bytes", "integer?", NULL },
	{ "offloads", "[string", "ports whose segments crossed inside super-packets" },
};

static const struct prop host_part_rows[] = {
	{ "name", "string", NULL },
	{ "state", "string", "done, running or lost" },
	{ "why", "string?", "how it was lost" },
	{ "lost_at_ns", "integer?", "since the start" },
	{ "sends", "boolean", "false: it receives" },
	{ "tx_packets", "integer?", "by its own count" },
	{ "rx_packets", "integer?", "by its own count" },
	{ "first_tx_ns", "integer?", "its first departure, since the start" },
	{ "clock_error_ns", "integer", "of its clock against the controller's" },
	{ "hostname", "string?", NULL },
	{ "kernel", "string?", NULL },
	{ "cpu", "string?", NULL },
	{ "sandbox", "string?", "what its agent gave up while it ran" },
	{ "steal", "number?", "share of CPU time stolen during the run, 0 to 1" },
	{ "cpu_self_s", "number?", "CPU seconds that its agent used" },
};

static const struct prop expectation_rows[] = {
	{ "text", "string", "as written" },
	{ "met", "boolean", NULL },
	{ "value", "number?", "measured: ns, a share, a count, or units or bits a second" },
	{ "why", "string?", NULL },
};

static const struct prop document_rows[] = {
	{ "spate", "string", "version" },
	{ "schema", "integer", "version of this schema" },
	{ "name", "string?", NULL },
	{ "seed", "integer", NULL },
	{ "plan_sha256", "string?", "digest of the canonical plan" },
	{ "command", "string?", NULL },
	{ "role", "string", "send, recv or both" },
	{ "folder", "string?", "path of the run folder" },
	{ "started", "string", "RFC 3339, UTC" },
	{ "planned_ns", "integer?", "null: until stopped" },
	{ "duration_ns", "integer", NULL },
	{ "finished", "boolean", NULL },
	{ "interrupted", "boolean", NULL },
	{ "exit_code", "integer?", NULL },
	{ "verdict", "#verdict", NULL },
	{ "clock", "string?", "how the far clock relates; null: one-sided" },
	{ "total", "#measure", NULL },
	{ "streams", "[#stream", NULL },
	{ "streams_omitted", "integer", "never in the document, only in event lines" },
	{ "flows", "[#flow", NULL },
	{ "flows_omitted", "integer", "never in the document, only in event lines" },
	{ "transports", "[#transport", NULL },
	{ "replies", "[#reply", "of a receiver's machines that answer" },
	{ "host", "#host", NULL },
	{ "hosts", "[#host_part", "of a run over several" },
	{ "expectations", "[#expectation", NULL },
};

/* A measure and some keys of its own. */
static void put_measured(struct sp_json *j, const char *name, const struct prop *rows, size_t n)
{
	sp_json_open(j, name, '{');
	put_object(j, rows, n);
	sp_json_open(j, "allOf", '[');
	sp_json_open(j, NULL, '{');
	put_type(j, "#measure");
	sp_json_close(j, '}');
	sp_json_close(j, ']');
	sp_json_close(j, '}');
}

void sp_report_schema(struct sp_str *out)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	sp_json_str(&j, "title", "spate report");
	sp_json_str(
		&j, "description",
		"What spate --json prints and report.json holds. Every key is always there; "
		"null is not known. Later versions may add keys.");
	put_object(&j, document_rows, COUNT(document_rows));
	sp_json_open(&j, "$defs", '{');
	put_def(&j, "summary", summary_rows, COUNT(summary_rows));
	put_def(&j, "errors", errors_rows, COUNT(errors_rows));
	put_def(&j, "measure", measure_rows, COUNT(measure_rows));
	put_def(&j, "remark", remark_rows, COUNT(remark_rows));
	put_def(&j, "verdict", verdict_rows, COUNT(verdict_rows));
	put_def(&j, "transport", transport_rows, COUNT(transport_rows));
	put_def(&j, "reply", reply_rows, COUNT(reply_rows));
	put_def(&j, "host", host_rows, COUNT(host_rows));
	put_def(&j, "host_part", host_part_rows, COUNT(host_part_rows));
	put_def(&j, "expectation", expectation_rows, COUNT(expectation_rows));
	put_def(&j, "way", way_rows, COUNT(way_rows));
	put_def(&j, "recorded", recorded_rows, COUNT(recorded_rows));
	put_def(&j, "left_out", left_out_rows, COUNT(left_out_rows));
	put_def(&j, "left_out_sender", left_out_sender_rows, COUNT(left_out_sender_rows));
	put_def(&j, "play", play_rows, COUNT(play_rows));
	put_def(&j, "session", session_rows, COUNT(session_rows));
	put_measured(&j, "stream", stream_rows, COUNT(stream_rows));
	put_measured(&j, "flow", flow_rows, COUNT(flow_rows));
	sp_json_close(&j, '}');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
