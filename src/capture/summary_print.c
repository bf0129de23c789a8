/* A summary as text and as JSON. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/summary_impl.h"

#define LABEL "%-12s"

static char *const *names(const struct sp_capsum *s)
{
	return s->n_files > 1 ? s->file : NULL;
}

static void json_remark(void *arg, const char *text)
{
	sp_json_str(arg, NULL, text);
}

static void json_protocol(void *arg, const char *name, uint64_t packets)
{
	sp_json_u64(arg, name, packets);
}

/* (N - 1) / time and the octets behind the first packet: below two packets there is no rate. */
static bool rates(const struct sp_capsum *s, double *pps, double *bps)
{
	double seconds = (double)(s->last_ns - s->first_ns) / 1e9;

	if (s->packets < 2 || seconds <= 0)
		return false;
	*pps = (double)(s->packets - 1) / seconds;
	*bps = 8 * (double)(s->bytes - s->first_bytes) / seconds;
	return true;
}

static void json_times(const struct sp_capsum *s, struct sp_json *j)
{
	double pps, bps;

	if (s->packets) {
		sp_json_i64(j, "first_ns", s->first_ns);
		sp_json_i64(j, "last_ns", s->last_ns);
		sp_json_i64(j, "duration_ns", s->last_ns - s->first_ns);
	} else {
		sp_json_null(j, "first_ns");
		sp_json_null(j, "last_ns");
		sp_json_null(j, "duration_ns");
	}
	if (rates(s, &pps, &bps)) {
		sp_json_real(j, "pps", pps);
		sp_json_real(j, "bps", bps);
	} else {
		sp_json_null(j, "pps");
		sp_json_null(j, "bps");
	}
}

void sp_capsum_json(const struct sp_capsum *s, struct sp_str *out)
{
	struct sp_json j;
	bool exact;

	sp_json_init(&j, out, 3);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "packets", s->packets);
	sp_json_u64(&j, "bytes", s->bytes);
	json_times(s, &j);
	sp_json_u64(&j, "flows", sp_flow_count(&s->flows, &exact));
	sp_json_open(&j, "protocols", '{');
	sp_protocols_each(&s->protocols, json_protocol, &j);
	sp_json_close(&j, '}');
	sp_json_open(&j, "remarks", '[');
	sp_remarks_each(&s->remarks, names(s), s->mem, json_remark, &j);
	sp_json_close(&j, ']');
	sp_info_json(s->info, &j);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

/* ---- for people ---- */

static void text_protocol(void *arg, const char *name, uint64_t packets)
{
	struct sp_str *out = arg;
	char n[27];

	sp_str_printf(out, "%s%s %s", out->len && out->text[out->len - 1] == ' ' ? "" : ", ",
		      sp_str_grouped(n, sizeof n, packets), name);
}

static void text_remark(void *arg, const char *text)
{
	sp_str_printf(arg, "  - %s\n", text);
}

/* "2026-11-21 10:15:00.000001" */
static const char *utc(char *buf, size_t cap, int64_t t_ns)
{
	int64_t ns = t_ns % 1000000000;
	time_t t = (time_t)(t_ns / 1000000000);
	struct tm tm;
	size_t n;

	if (ns < 0) {
		ns += 1000000000;
		t--;
	}
	if (!gmtime_r(&t, &tm))
		return "?";
	n = strftime(buf, cap, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf + n, cap - n, ".%06d", (int)(ns / 1000));
	return buf;
}

static void text_times(const struct sp_capsum *s, struct sp_str *out)
{
	char from[48], to[48];
	double pps, bps;

	if (!s->packets)
		return;
	sp_str_printf(out, LABEL "%s to %s UTC\n", "time", utc(from, sizeof from, s->first_ns),
		      utc(to, sizeof to, s->last_ns));
	sp_str_printf(out, LABEL "%.6f s\n", "duration",
		      (double)(s->last_ns - s->first_ns) / 1e9);
	if (!rates(s, &pps, &bps))
		return;
	sp_str_printf(out, LABEL "%.6g packets/s", "rate", pps);
	sp_str_printf(out, ", %.6g %sbit/s\n",
		      bps < 1e6	  ? bps / 1e3
		      : bps < 1e9 ? bps / 1e6
				  : bps / 1e9,
		      bps < 1e6	  ? "k"
		      : bps < 1e9 ? "M"
				  : "G");
}

/* What JSON says, without its brackets, commas and quotes: "key: value", deeper by two blanks. */
static void put_plain(struct sp_str *out, const char *json)
{
	while (*json) {
		size_t n = strcspn(json, "\n"), from = strspn(json, " "), end = n;

		while (end > from && strchr(",{[", json[end - 1]))
			end--;
		while (end > from && json[end - 1] == ' ')
			end--;
		if (end > from && !strchr("}]", json[from])) {
			sp_str_printf(out, "%*s", (int)from, "");
			for (size_t i = from; i < end; i++)
				if (json[i] != '"')
					sp_str_put(out, json + i, 1);
			sp_str_puts(out, "\n");
		}
		json += n + (json[n] == '\n');
	}
}

static void text_sessions(const struct sp_capsum *s, struct sp_str *out)
{
	struct sp_str json;
	struct sp_json j;

	if (!sp_info_sessions(s->info))
		return;
	sp_str_init(&json, s->mem);
	sp_json_init(&j, &json, 2);
	sp_json_open(&j, NULL, '{');
	sp_info_json(s->info, &j);
	sp_json_close(&j, '}');
	sp_str_puts(out, "sessions\n");
	if (!json.failed)
		put_plain(out, json.text);
	sp_str_fini(&json);
}

void sp_capsum_text(const struct sp_capsum *s, struct sp_str *out)
{
	char n[27];
	bool exact;
	uint64_t flows = sp_flow_count(&s->flows, &exact);

	for (uint32_t i = 0; i < s->n_files; i++)
		sp_str_printf(out, LABEL "%s\n", i ? "" : "file", s->file[i]);
	sp_str_printf(out, LABEL "%s\n", "packets", sp_str_grouped(n, sizeof n, s->packets));
	sp_str_printf(out, LABEL "%s\n", "bytes", sp_str_grouped(n, sizeof n, s->bytes));
	text_times(s, out);
	sp_str_printf(out, LABEL "%s%s\n", "flows", exact ? "" : "about ",
		      sp_str_grouped(n, sizeof n, flows));
	if (s->packets) {
		sp_str_printf(out, LABEL, "protocols");
		sp_protocols_each(&s->protocols, text_protocol, out);
		sp_str_puts(out, "\n");
	}
	text_sessions(s, out);
	if (s->remarks.n || s->remarks.whole.len)
		sp_str_puts(out, "remarks\n");
	sp_remarks_each(&s->remarks, names(s), s->mem, text_remark, out);
}
