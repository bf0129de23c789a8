#include "compat/reproducer/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/prefix.h"

struct making {
	const struct sp_repro *r;
	const struct sp_repro_words *w;
	struct sp_plan_build *b;
	struct sp_err *err;
	int rc; /* the first that failed */
	struct sp_str files, order, sections, map;
	bool has4, has6; /* local addresses of the map */
};

static void set(struct making *m, const char *key, const char *value)
{
	if (!m->rc)
		m->rc = sp_plan_set(m->b, key, value, key, m->err);
}

static void set_number(struct making *m, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, v);
	set(m, key, text);
}

static void set_bool(struct making *m, const char *key, bool v)
{
	set(m, key, v ? "true" : "false");
}

static void add(struct making *m, enum sp_plan_item item)
{
	if (!m->rc)
		m->rc = sp_plan_add(m->b, item, NULL, m->err);
}

/* ---- what all streams share ---- */

static void put_play(struct making *m, unsigned i)
{
	if (!m->w->play || m->w->play(m->w->play_arg, m->r->pcaps[i].path))
		sp_str_printf(&m->order, "%s%u", m->order.len ? "," : "", i);
}

static int put_order(struct making *m)
{
	const struct sp_repro *r = m->r;
	uint64_t most = 0;

	for (unsigned i = 0; i < r->n_pcaps; i++)
		most = r->pcaps[i].count > most ? r->pcaps[i].count : most;
	if (r->bulk) {
		for (unsigned i = 0; i < r->n_pcaps; i++)
			for (uint64_t k = 0; k < r->pcaps[i].count; k++)
				put_play(m, i);
	} else {
		for (uint64_t k = 0; k < most; k++)
			for (unsigned i = 0; i < r->n_pcaps; i++)
				if (r->pcaps[i].count > k)
					put_play(m, i);
	}
	if (m->order.len || m->order.failed)
		return 0;
	return sp_fail(m->err, -ENODATA, SP_EXIT_OK, "nothing is to be played");
}

static void put_map(struct making *m)
{
	char from[64], to[64];

	for (unsigned i = 0; i < m->r->n_map; i++) {
		const struct sp_repro_map *row = &m->r->map[i];

		sp_str_printf(&m->map, "%s%s>%s", i ? "," : "",
			      sp_addr_format(from, sizeof from, &row->from),
			      row->to.family ? sp_addr_format(to, sizeof to, &row->to) : "");
		m->has4 |= row->to.family == 4;
		m->has6 |= row->to.family == 6;
	}
}

static int put_shared(struct making *m)
{
	const struct sp_repro *r = m->r;
	int rc;

	for (unsigned i = 0; i < r->n_pcaps; i++)
		sp_str_printf(&m->files, "%s%s", i ? "\n" : "", r->pcaps[i].path);
	for (unsigned i = 0; i < r->n_sections; i++)
		sp_str_printf(&m->sections, "%s%s%s", i ? ";" : "", r->sections[i].name,
			      r->sections[i].words.len ? r->sections[i].words.text : "");
	rc = put_order(m);
	put_map(m);
	if (!rc && (m->files.failed || m->order.failed || m->sections.failed || m->map.failed))
		rc = sp_fail(m->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	return rc;
}

static void put_run(struct making *m)
{
	uint64_t flows = m->w->exporters > 5000 ? 2 * m->w->exporters : 0;

	add(m, SP_PLAN_RUN);
	set(m, "name", m->w->name);
	/* What is late is sent all the same: nothing of a session may be missing. */
	set(m, "catch_up", "all");
	set_bool(m, "control", false);
	if (flows)
		set_number(m, "max_flows", flows);
}

/* ---- a stream ---- */

/* Its name: the protocol's; of a second one with the family behind it. */
struct leg {
	const struct sp_repro_section *s;
	char name[48];
	int family; /* of its local addresses; 0: the target decides */
	bool rest;  /* those of the system's choice, too */
	bool only;
};

static void put_port(struct making *m, const struct leg *g)
{
	const struct sp_repro *r = m->r;

	add(m, SP_PLAN_PORT);
	set(m, "name", g->name);
	set(m, "transport", g->s->tcp ? "tcp" : "udp");
	if (g->family)
		set(m, "bind", g->family == 4 ? "0.0.0.0" : "[::]");
	if (r->interface)
		set(m, "interface", r->interface);
	set_number(m, "sndbuf", r->sndbuf);
	set_number(m, "rcvbuf", r->rcvbuf);
}

/* Many hosts files know localhost by one family only; RFC 6761 knows both. */
static const char *host_of(const struct leg *g)
{
	if (!g->family || !sp_str_ieq(g->s->host, "localhost"))
		return g->s->host;
	return g->family == 4 ? "127.0.0.1" : "::1";
}

static void put_stream(struct making *m, const struct leg *g)
{
	const struct sp_repro *r = m->r;
	const struct sp_repro_words *w = m->w;

	add(m, SP_PLAN_STREAM);
	set(m, "name", g->name);
	set(m, "from", g->name);
	set(m, "protocol", "messages");
	set(m, "host", host_of(g));
	set_number(m, "port", g->s->port);
	set(m, "files", m->files.text);
	set(m, "order", m->order.text);
	set(m, "sections", m->sections.text);
	set(m, "section", g->s->name);
	if (m->map.len)
		set(m, "map", m->map.text);
	set_bool(m, "mapped", r->mapped);
	set(m, "time_factor", r->time_factor);
	set_number(m, "family", (uint64_t)g->family);
	set_bool(m, "rest", g->rest);
	set_bool(m, "only", g->only);
	set_bool(m, "sync", !(r->no_sync || w->no_sync));
	set_bool(m, "keep_open", r->keep_open || w->keep_open);
	set(m, "target", g->s->host);
	if (w->exporters) {
		set_number(m, "exporters", w->exporters);
		set(m, "addresses", w->from);
	}
	if (w->spread)
		set(m, "spread", w->spread);
	set_bool(m, "retime", w->retime);
	set_bool(m, "preload", r->preload || w->preload);
	if (g->s->tcp && w->reconnect)
		set(m, "reconnect", w->reconnect);
	if (g->s->tcp && w->connections)
		set_number(m, "connections", w->connections);
	else if (g->s->tcp && w->exporters) /* an exporter may have several sessions */
		set_number(m, "connections", 2 * w->exporters + 64);
}

static void put_leg(struct making *m, const struct sp_repro_section *s, int family, bool rest,
		    bool only)
{
	struct leg g = { .s = s, .family = family, .rest = rest, .only = only };

	snprintf(g.name, sizeof g.name, "%.36s%s", s->name, rest ? "" : "-v6");
	put_port(m, &g);
	put_stream(m, &g);
}

/* The family of the exporters' addresses; 0: they have none of their own. */
static int family_of_exporters(struct making *m)
{
	struct sp_prefix p;

	if (!m->w->exporters)
		return 0;
	if (m->w->from && sp_prefix_parse(m->w->from, &p) == 0)
		return p.addr.family;
	m->rc = sp_fail(m->err, -EINVAL, SP_EXIT_USAGE,
			"--exporters: --from PREFIX says which addresses they have, such as "
			"--from 10.64.0.0/16; they must be this host's: `ip route add local "
			"10.64.0.0/16 dev lo` makes them so");
	return 0;
}

static void put_section(struct making *m, const struct sp_repro_section *s)
{
	int exporters = family_of_exporters(m);
	struct sp_addr literal;

	if (exporters)
		put_leg(m, s, exporters, true, true);
	else if (sp_addr_parse(s->host, &literal) == 0)
		put_leg(m, s, literal.family, true, true);
	else if (m->has4 && m->has6) {
		put_leg(m, s, 4, true, false);
		put_leg(m, s, 6, false, false);
	} else {
		put_leg(m, s, m->has4 ? 4 : m->has6 ? 6 : 0, true, true);
	}
}

static void put_text(struct making *m, struct sp_str *out)
{
	struct sp_plan *plan;

	m->rc = sp_plan_seal(m->b, &plan, m->err);
	if (m->rc)
		return;
	sp_plan_text(plan, m->r->catalog, out);
	sp_plan_free(plan);
	if (out->failed)
		m->rc = sp_fail(m->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_repro_plan_text(struct sp_str *out, const struct sp_repro *r,
		       const struct sp_repro_words *w, struct sp_err *err)
{
	struct making m = { .r = r, .w = w, .err = err };

	sp_str_init(&m.files, r->mem);
	sp_str_init(&m.order, r->mem);
	sp_str_init(&m.sections, r->mem);
	sp_str_init(&m.map, r->mem);
	m.rc = put_shared(&m);
	if (!m.rc && sp_plan_build_new(&m.b, r->mem, r->catalog))
		m.rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (!m.rc)
		put_run(&m);
	for (unsigned i = 0; i < r->n_sections && !m.rc; i++)
		put_section(&m, &r->sections[i]);
	if (!m.rc)
		put_text(&m, out);
	if (m.b)
		sp_plan_build_free(m.b);
	sp_str_fini(&m.files);
	sp_str_fini(&m.order);
	sp_str_fini(&m.sections);
	sp_str_fini(&m.map);
	return m.rc;
}
