#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "core/clock.h"
#include "report/fmt.h"
#include "report/text_part.h"

#define RESET "\033[0m"

void sp_text_label(struct sp_str *out, const char *label)
{
	sp_str_puts(out, "  ");
	sp_fmt_left(out, label, SP_TEXT_LABEL - 2);
}

/* ---- what was asked ---- */

static void put_header(struct sp_str *out, const struct sp_result *r,
		       const struct sp_report_env *env)
{
	const char *command = r->command ? r->command : "";
	char text[SP_FMT_FIGURE];

	if (!strncmp(command, "spate ", 6))
		command += 6;
	sp_str_printf(out, "spate %s: ", env->version);
	sp_fmt_safe(out, *command ? command : r->name ? r->name : "run");
	sp_str_puts(out, "\n");
	sp_text_label(out, "plan");
	if (r->plan_sha256)
		sp_str_printf(out, "%.12s", r->plan_sha256);
	else
		sp_str_puts(out, "unknown");
	sp_str_printf(out, ", seed %llu", (unsigned long long)r->seed);
	if (r->name && *r->name) {
		sp_str_puts(out, ", name ");
		sp_fmt_safe(out, r->name);
	}
	sp_str_puts(out, "\n");
	sp_text_label(out, "time");
	sp_str_puts(out, sp_fmt_utc(text, sizeof text, r->started_real_ns, 0));
	sp_str_printf(out, ", ran %s s", sp_fmt_seconds(text, sizeof text, r->duration_ns));
	if (r->planned_ns != SP_NEVER)
		sp_str_printf(out, " of %s s",
			      sp_fmt_seconds(text, sizeof text, r->planned_ns));
	sp_str_printf(out, "%s\n", r->interrupted ? ", interrupted: complete up to then" : "");
}

static void put_only_stream(struct sp_str *out, const struct sp_result *r)
{
	bool recv = r->role == SP_ROLE_RECV;
	struct sp_stream_result s;
	char flows[SP_FMT_FIGURE];

	if (r->n_streams != 1)
		return;
	sp_result_stream(r, 0, &s);
	sp_text_label(out, recv ? "receiver" : "stream");
	sp_fmt_safe(out, s.name ? s.name : "unknown");
	if (*s.target) {
		sp_str_puts(out, recv ? " on " : " to ");
		sp_fmt_safe(out, s.target);
	}
	if (recv)
		sp_str_printf(out, ", %s flow%s", sp_str_grouped(flows, sizeof flows, s.flows),
			      s.flows == 1 ? "" : "s");
	if (*s.asked) {
		sp_str_puts(out, ": ");
		sp_fmt_safe(out, s.asked);
	}
	sp_str_puts(out, "\n");
}

/* ---- the verdict ---- */

static const char *class_color(enum sp_result_class c)
{
	return c == SP_VALID	       ? "\033[1;32m"
	       : c == SP_VALID_REMARKS ? "\033[1;33m"
				       : "\033[1;31m";
}

static const char *bound_text(enum sp_bound b)
{
	switch (b) {
	case SP_BOUND_SENDER_CPU:
		return "sender CPU";
	case SP_BOUND_RECEIVER_CPU:
		return "receiver CPU";
	case SP_BOUND_RECEIVER_BUFFER:
		return "receiver buffer";
	default:
		return sp_bound_name[b];
	}
}

static void put_verdict(struct sp_str *out, const struct sp_result *r, bool color)
{
	const char *verdict = sp_result_class_name[r->result], *bound = bound_text(r->bound);

	sp_str_printf(out, "\nverdict: %s%s%s, bounded by %s",
		      color ? class_color(r->result) : "", verdict, color ? RESET : "", bound);
	if (r->evidence && *r->evidence) {
		sp_str_puts(out, ": ");
		sp_fmt_wrap(out, r->evidence,
			    (unsigned)(strlen("verdict: , bounded by : ") + strlen(verdict) +
				       strlen(bound)),
			    9);
	} else {
		sp_str_puts(out, "\n");
	}
	for (unsigned i = 0; i < SP_IDENTITIES; i++)
		if (r->violated >> i & 1)
			sp_str_printf(out, "         the ledger does not add up: %s\n",
				      sp_identity_text(i));
}

/* ---- remarks and the surroundings ---- */

static void put_remarks(struct sp_str *out, const struct sp_result *r)
{
	char at[SP_FMT_FIGURE], label[SP_FMT_FIGURE + 4];

	if (!r->n_remarks)
		return;
	sp_str_puts(out, "\nremarks\n");
	for (size_t i = 0; i < r->n_remarks; i++) {
		const struct sp_remark *m = &r->remarks[i];

		snprintf(label, sizeof label, "at %s s",
			 sp_fmt_seconds(at, sizeof at, m->at_ns));
		sp_text_label(out, label);
		sp_str_puts(out, m->neutral ? "note: " : "");
		sp_fmt_wrap(out, m->text ? m->text : "", SP_TEXT_LABEL + (m->neutral ? 6 : 0),
			    SP_TEXT_LABEL);
	}
}

/* A name that is not known is left out. */
static void put_host(struct sp_str *out, const struct sp_result *r)
{
	const struct sp_host_info *h = &r->host;
	struct sp_str line;
	char text[SP_FMT_FIGURE];

	sp_str_init(&line, out->mem);
	if (h->hostname[0])
		sp_str_printf(&line, "%s, ", h->hostname);
	if (h->kernel[0])
		sp_str_printf(&line, "%s, ", h->kernel);
	if (h->cpu[0])
		sp_str_printf(&line, "%u x %s, ", h->cpus, h->cpu);
	sp_str_printf(&line, "steal %s%s, ", sp_fmt_fixed(text, sizeof text, h->steal * 100, 1),
		      isfinite(h->steal) ? " %" : "");
	sp_str_printf(&line, "%s%s of CPU used",
		      sp_fmt_fixed(text, sizeof text, h->cpu_self, 2),
		      isfinite(h->cpu_self) ? " s" : "");
	if (h->rss_peak_bytes)
		sp_str_printf(&line, ", %s of memory",
			      sp_human_bytes(text, sizeof text, (double)h->rss_peak_bytes));
	if (line.failed)
		out->failed = true;
	sp_text_label(out, "host");
	sp_fmt_wrap(out, line.text, SP_TEXT_LABEL, SP_TEXT_LABEL);
	sp_str_fini(&line);
	if (h->sandbox[0]) {
		sp_text_label(out, "sandbox");
		sp_fmt_wrap(out, h->sandbox, SP_TEXT_LABEL, SP_TEXT_LABEL);
	}
}

static void put_end(struct sp_str *out, const struct sp_result *r,
		    const struct sp_report_env *env)
{
	sp_str_puts(out, "\n");
	put_host(out, r);
	if (r->clock) {
		sp_text_label(out, "clocks");
		sp_fmt_wrap(out, r->clock, SP_TEXT_LABEL, SP_TEXT_LABEL);
	}
	sp_text_label(out, "run folder");
	if (env->folder)
		sp_fmt_safe(out, env->folder);
	else
		sp_str_puts(out, "none");
	sp_str_puts(out, "\n");
}

void sp_report_text(struct sp_str *out, const struct sp_event *ev,
		    const struct sp_report_env *env, bool color)
{
	const struct sp_result *r = ev->result;

	put_header(out, r, env);
	put_only_stream(out, r);
	put_verdict(out, r, color);
	sp_str_puts(out, "\n");
	sp_text_ledger(out, r);
	sp_str_puts(out, "\n");
	sp_text_rates(out, r);
	sp_str_puts(out, "\n");
	if (!r->unit || strcmp(r->unit, "byte") != 0) /* bytes have no departures */
		sp_text_times(out, r);
	if (r->n_streams > 1) {
		sp_str_puts(out, "\n");
		sp_text_streams(out, r);
	}
	sp_str_puts(out, "\n");
	sp_text_ways(out, r);
	sp_text_statuses(out, r);
	if (r->n_transports) {
		sp_text_transports(out, r);
	}
	sp_text_replies(out, r);
	sp_text_hosts(out, r);
	sp_text_expectations(out, r);
	put_remarks(out, r);
	put_end(out, r, env);
}
