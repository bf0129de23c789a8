/* What a summary says of an exporter, in the words of traffic-info.json. */
#include <stdio.h>

#include "proto/ipfix/message.h"

#define SAMPLING "sampling"

static bool samples(const struct sp_ipfix *s, const struct sp_ipfix_template *t)
{
	for (uint16_t i = t->scopes; i < t->n; i++) {
		const struct sp_ipfix_field *f = &s->field[t->first + i];

		if (!f->pen && (f->id == 34 || f->id == 48 || f->id == 305 || f->id == 309))
			return true;
	}
	return false;
}

static void put_template(const struct sp_ipfix *s, const struct sp_ipfix_template *t,
			 struct sp_json *j)
{
	char key[32];

	snprintf(key, sizeof key, "Template %u", t->id);
	sp_json_open(j, key, '{');
	sp_json_str(j, "type", t->options ? "Option Template" : "Data Template");
	sp_json_u64(j, "flowset_id", t->set);
	sp_json_u64(j, "template_field_count", t->n);
	if (t->options) {
		sp_json_u64(j, "template_scopes_count", t->scopes);
		sp_json_u64(j, "template_options_count", (uint64_t)t->n - t->scopes);
	}
	sp_json_u64(j, "data_flowset_counter", t->data_sets);
	if (t->options && samples(s, t))
		sp_json_str(j, "option_description", SAMPLING);
	sp_json_close(j, '}');
}

/* Domains in which no template was seen are left out. */
static void put_domain(const struct sp_ipfix *s, uint32_t domain, struct sp_json *j)
{
	bool open = false;
	char key[48];

	for (uint32_t i = 0; i < s->n_templates; i++) {
		const struct sp_ipfix_template *t =
			&s->template[(s->oldest + i) % SP_IPFIX_TEMPLATES];

		if (!t->used || t->domain != domain)
			continue;
		if (!open) {
			snprintf(key, sizeof key, "ObservationID %u", s->domain[domain].id);
			sp_json_open(j, key, '{');
			open = true;
		}
		put_template(s, t, j);
	}
	if (open)
		sp_json_close(j, '}');
}

/* An engine is named by its number alone; engines of several types may share it. */
static void put_engine(const struct sp_ipfix *s, uint32_t domain, struct sp_json *j)
{
	uint32_t id = s->domain[domain].id & 0xff;
	uint64_t packets = 0;
	char key[32];

	for (uint32_t i = 0; i < s->n_domains; i++) {
		const struct sp_ipfix_domain *d = &s->domain[i];

		if (d->version != SP_IPFIX_V5 || (d->id & 0xff) != id)
			continue;
		if (i < domain)
			return; /* it was told there */
		packets += d->packets;
	}
	snprintf(key, sizeof key, "EngineID %u", id);
	sp_json_open(j, key, '{');
	sp_json_u64(j, "data_packet_counter", packets);
	sp_json_close(j, '}');
}

static bool tells(const struct sp_ipfix *s, uint16_t version)
{
	for (uint32_t i = 0; i < s->n_domains; i++)
		if (s->domain[i].version == version && version == SP_IPFIX_V5)
			return true;
	for (uint32_t i = 0; i < s->n_templates; i++) {
		const struct sp_ipfix_template *t =
			&s->template[(s->oldest + i) % SP_IPFIX_TEMPLATES];

		if (t->used && s->domain[t->domain].version == version)
			return true;
	}
	return false;
}

void sp_ipfix_describe(const void *st, struct sp_json *j)
{
	static const uint16_t versions[] = { SP_IPFIX_V5, SP_IPFIX_V9, SP_IPFIX_V10 };
	const struct sp_ipfix *s = st;
	char key[16];

	for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
		if (!tells(s, versions[v]))
			continue;
		snprintf(key, sizeof key, "Version %u", versions[v]);
		sp_json_open(j, key, '{');
		for (uint32_t i = 0; i < s->n_domains; i++) {
			if (s->domain[i].version != versions[v])
				continue;
			if (versions[v] == SP_IPFIX_V5)
				put_engine(s, i, j);
			else
				put_domain(s, i, j);
		}
		sp_json_close(j, '}');
	}
	if (s->forgotten)
		sp_json_u64(j, "templates_forgotten", s->forgotten);
}
