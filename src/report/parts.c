/* What a run over several hosts has besides: its hosts, and what was expected of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "report/fmt.h"
#include "report/json_part.h"
#include "report/text_part.h"

/* ---- JSON ---- */

static void put_known(struct sp_json *j, const char *key, bool known, uint64_t v)
{
	if (known)
		sp_json_u64(j, key, v);
	else
		sp_json_null(j, key);
}

static void put_host(struct sp_json *j, const struct sp_host_part *h)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", h->name);
	sp_json_str(j, "state", h->state);
	sp_json_str(j, "why", h->why);
	put_known(j, "lost_at_ns", h->why != NULL, h->at_ns);
	sp_json_bool(j, "sends", h->sends);
	put_known(j, "tx_packets", h->tx_known, h->tx_packets);
	put_known(j, "rx_packets", h->rx_known, h->rx_packets);
	put_known(j, "first_tx_ns", h->first_tx_ns != 0, h->first_tx_ns);
	sp_json_u64(j, "clock_error_ns", h->clock_error_ns);
	sp_json_str(j, "hostname", h->info.hostname[0] ? h->info.hostname : NULL);
	sp_json_str(j, "kernel", h->info.kernel[0] ? h->info.kernel : NULL);
	sp_json_str(j, "cpu", h->info.cpu[0] ? h->info.cpu : NULL);
	sp_json_str(j, "sandbox", h->info.sandbox[0] ? h->info.sandbox : NULL);
	sp_json_real(j, "steal", h->info.steal);
	sp_json_real(j, "cpu_self_s", h->info.cpu_self);
	sp_json_close(j, '}');
}

void sp_json_parts(struct sp_json *j, const struct sp_result *r)
{
	sp_json_open(j, "hosts", '[');
	for (size_t i = 0; i < r->n_hosts; i++)
		put_host(j, &r->hosts[i]);
	sp_json_close(j, ']');
	sp_json_open(j, "expectations", '[');
	for (size_t i = 0; i < r->n_expectations; i++) {
		const struct sp_expectation *e = &r->expectations[i];

		sp_json_open(j, NULL, '{');
		sp_json_str(j, "text", e->text);
		sp_json_bool(j, "met", e->met);
		sp_json_real(j, "value", e->known ? e->value : NAN);
		sp_json_str(j, "why", e->why);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
}

/* ---- text ---- */

static void host_line(struct sp_str *out, const struct sp_host_part *h)
{
	char text[64], line[400];
	size_t n = 0;

	if (h->tx_known)
		n += (size_t)snprintf(line + n, sizeof line - n, "sent %s, ",
				      sp_str_grouped(text, sizeof text, h->tx_packets));
	if (h->rx_known)
		n += (size_t)snprintf(line + n, sizeof line - n, "received %s, ",
				      sp_str_grouped(text, sizeof text, h->rx_packets));
	if (h->first_tx_ns)
		n += (size_t)snprintf(line + n, sizeof line - n, "first packet at %s, ",
				      sp_human_ns(text, sizeof text, (double)h->first_tx_ns));
	if (h->why)
		snprintf(line + n, sizeof line - n, "lost at %s: %s",
			 sp_human_ns(text, sizeof text, (double)h->at_ns), h->why);
	else
		snprintf(line + n, sizeof line - n, "%s", h->state);
	snprintf(text, sizeof text, "%.13s", h->name);
	sp_text_label(out, text);
	sp_fmt_wrap(out, line, SP_TEXT_LABEL, SP_TEXT_LABEL);
}

void sp_text_hosts(struct sp_str *out, const struct sp_result *r)
{
	if (!r->n_hosts)
		return;
	sp_str_puts(out, "\nhosts\n");
	for (size_t i = 0; i < r->n_hosts; i++)
		host_line(out, &r->hosts[i]);
}

void sp_text_expectations(struct sp_str *out, const struct sp_result *r)
{
	char line[700];

	if (!r->n_expectations)
		return;
	sp_str_puts(out, "\nexpectations\n");
	for (size_t i = 0; i < r->n_expectations; i++) {
		const struct sp_expectation *e = &r->expectations[i];

		snprintf(line, sizeof line, "%s (%s)", e->text, e->why ? e->why : "");
		sp_text_label(out, e->met ? "met" : "NOT MET");
		sp_fmt_wrap(out, line, SP_TEXT_LABEL, SP_TEXT_LABEL);
	}
}
