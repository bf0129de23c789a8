#include "engine/plan_build.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "engine/modes/modes.h"
#include "engine/plan_impl.h"
#include "engine/protocol.h"
#include "plugin/proto.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "the plan: out of memory");
}

void sp_plan_free(struct sp_plan *plan)
{
	const struct sp_mem *mem;

	if (!plan)
		return;
	mem = plan->arena.mem;
	sp_free(mem, plan->ports);
	sp_free(mem, plan->streams);
	sp_free(mem, plan->recvs);
	sp_free(mem, plan->stages);
	sp_arena_fini(&plan->arena);
	sp_free(mem, plan);
}

/* The defaults of each kind of item are parsed once and copied from then on: texts that are the
 * same stand in memory once, however many streams there are. */
static int parse_defaults(struct sp_plan_build *b)
{
	struct sp_arena *arena = &b->plan->arena;
	int rc = sp_opts_default(sp_plan_rows(SP_PLAN_RUN), &b->plan->run, arena, NULL);

	if (!rc)
		rc = sp_opts_default(sp_plan_rows(SP_PLAN_PORT), &b->port_defaults, arena,
				     NULL);
	if (!rc)
		rc = sp_opts_default(sp_plan_rows(SP_PLAN_STREAM), &b->stream_defaults, arena,
				     NULL);
	if (!rc)
		rc = sp_opts_default(sp_plan_rows(SP_PLAN_RECV), &b->recv_defaults, arena,
				     NULL);
	if (!rc)
		rc = sp_opts_default(sp_plan_rows(SP_PLAN_STAGE), &b->stage_defaults, arena,
				     NULL);
	b->stream_defaults.duration_ns = SP_PLAN_UNSET;
	b->stream_defaults.size = SP_PLAN_UNSET;
	b->stream_defaults.rate.kind = SP_RATE_NONE; /* each mode has its own */
	return rc;
}

int sp_plan_build_new(struct sp_plan_build **out, const struct sp_mem *mem,
		      const struct sp_catalog *catalog)
{
	struct sp_plan_build *b = sp_alloc(mem, sizeof *b);
	int rc = -ENOMEM;

	*out = NULL;
	if (!b)
		return -ENOMEM;
	b->mem = mem;
	b->catalog = catalog;
	b->list[SP_PLAN_PORT].size = sizeof(struct sp_plan_port);
	b->list[SP_PLAN_STREAM].size = sizeof(struct sp_plan_stream);
	b->list[SP_PLAN_RECV].size = sizeof(struct sp_plan_recv);
	b->list[SP_PLAN_STAGE].size = sizeof(struct sp_plan_stage);
	sp_arena_init(&b->scratch, mem);
	b->plan = sp_alloc(mem, sizeof *b->plan);
	if (b->plan) {
		sp_arena_init(&b->plan->arena, mem);
		rc = parse_defaults(b);
	}
	if (rc) {
		sp_plan_build_free(b);
		return rc;
	}
	*out = b;
	return 0;
}

void sp_plan_build_free(struct sp_plan_build *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < sizeof b->list / sizeof *b->list; i++) {
		sp_free(b->mem, b->list[i].items);
		sp_free(b->mem, b->list[i].places);
	}
	sp_plan_free(b->plan);
	sp_arena_fini(&b->scratch);
	sp_free(b->mem, b);
}

/* ---- items ---- */

static void *item_at(const struct sp_plan_list *l, unsigned i)
{
	return (char *)l->items + i * l->size;
}

static int grow(struct sp_plan_build *b, struct sp_plan_list *l)
{
	unsigned cap = l->cap ? l->cap * 2 : 8;
	void *items = sp_alloc_array(b->mem, cap, l->size);
	const char **places = sp_alloc_array(b->mem, cap, sizeof *places);

	if (l->cap > UINT_MAX / 4 || !items || !places) {
		sp_free(b->mem, items);
		sp_free(b->mem, places);
		return -ENOMEM;
	}
	if (l->n) {
		memcpy(items, l->items, l->n * l->size);
		memcpy(places, l->places, l->n * sizeof *places);
	}
	sp_free(b->mem, l->items);
	sp_free(b->mem, l->places);
	l->items = items;
	l->places = places;
	l->cap = cap;
	return 0;
}

static const char *keep_place(struct sp_plan_build *b, const struct sp_plan_list *l,
			      const char *place)
{
	const char *last = l->n ? l->places[l->n - 1] : NULL;

	return last && strcmp(last, place) == 0 ? last : sp_arena_strdup(&b->scratch, place);
}

/* The settings of a transport begin with its defaults. */
static int use_transport(struct sp_plan_build *b, struct sp_plan_port *port,
			 const struct sp_transport_ops *ops, struct sp_err *err)
{
	int rc;

	b->port_conf = NULL;
	port->conf = NULL;
	port->transport = ops->name;
	if (!ops->opts || !ops->conf_size)
		return 0;
	b->port_conf = sp_arena_alloc(&b->plan->arena, ops->conf_size);
	if (!b->port_conf)
		return no_memory(err);
	port->conf = b->port_conf;
	rc = sp_opts_default(ops->opts, b->port_conf, &b->plan->arena, err);
	if (rc)
		sp_err_prefix(err, "transport %s", ops->name);
	return rc;
}

static const void *defaults_of(const struct sp_plan_build *b, enum sp_plan_item item)
{
	switch (item) {
	case SP_PLAN_PORT:
		return &b->port_defaults;
	case SP_PLAN_STREAM:
		return &b->stream_defaults;
	case SP_PLAN_RECV:
		return &b->recv_defaults;
	default:
		return &b->stage_defaults;
	}
}

void sp_plan_build_distrust(struct sp_plan_build *b)
{
	b->distrust = true;
}

int sp_plan_add(struct sp_plan_build *b, enum sp_plan_item item, const char *place,
		struct sp_err *err)
{
	struct sp_plan_list *l = &b->list[item];
	const struct sp_transport_ops *ops;
	const char *kept = NULL;
	void *at;

	if (!b->plan)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED, "the plan was sealed before");
	b->item = item;
	if (item == SP_PLAN_RUN)
		return 0;
	if (l->n == l->cap && grow(b, l))
		return no_memory(err);
	if (place) {
		kept = keep_place(b, l, place);
		if (!kept)
			return no_memory(err);
	}
	at = item_at(l, l->n);
	b->proto_conf = b->wrap_conf = NULL;
	l->places[l->n++] = kept;
	memcpy(at, defaults_of(b, item), l->size);
	if (item != SP_PLAN_PORT)
		return 0;
	b->port_conf = NULL;
	/* A build without the default transport: whoever does not name one hears of it at seal. */
	ops = sp_catalog_transport(b->catalog, b->port_defaults.transport);
	return ops ? use_transport(b, at, ops, err) : 0;
}

/* ---- settings ---- */

/* A plug-in's settings, with its defaults; NULL where it has none. */
static int new_conf(struct sp_plan_build *b, const char *name, const struct sp_opt *opts,
		    size_t size, void **out, struct sp_err *err)
{
	int rc;

	*out = NULL;
	if (!opts || !size)
		return 0;
	*out = sp_arena_alloc(&b->plan->arena, size);
	if (!*out)
		return no_memory(err);
	rc = sp_opts_default(opts, *out, &b->plan->arena, err);
	if (rc)
		sp_err_prefix(err, "protocol %s", name);
	return rc;
}

/* The settings of a protocol begin with its defaults. */
static int use_protocol(struct sp_plan_build *b, const char *word, const char *place,
			struct sp_err *err)
{
	const struct sp_plan_list *l = &b->list[b->item];
	bool sends = b->item == SP_PLAN_STREAM;
	struct sp_plan_stream *s = item_at(l, l->n - 1);
	struct sp_plan_recv *v = item_at(l, l->n - 1);
	const char *text = sp_arena_strdup(&b->plan->arena, word);
	struct sp_protocol p;
	int rc = sp_protocol_need(b->catalog, word, sends ? SP_ROLE_CLIENT : SP_ROLE_SERVER,
				  place, &p, err);

	if (!rc && !text)
		rc = no_memory(err);
	b->proto_conf = b->wrap_conf = NULL;
	if (!rc && p.opts)
		rc = new_conf(b, word, p.opts, p.conf_size, &b->proto_conf, err);
	if (!rc && p.wrap)
		rc = new_conf(b, word, p.wrap->opts, p.wrap->conf_size, &b->wrap_conf, err);
	if (rc)
		return rc;
	*(sends ? &s->protocol : &v->protocol) = text;
	*(sends ? &s->conf : &v->conf) = b->proto_conf;
	*(sends ? &s->wrap_conf : &v->wrap_conf) = b->wrap_conf;
	return 0;
}

static int no_file(const char *place, const char *key, struct sp_err *err)
{
	return sp_fail(err, -EPERM, SP_EXIT_PERM,
		       "%s: %s: a peer may not name a file of this host", place, key);
}

/* A setting of the newest stream's or receiver's protocol, or of the layer under it. */
static int set_protocol_row(struct sp_plan_build *b, const char *key, const char *value,
			    const char *place, struct sp_err *err)
{
	const struct sp_plan_list *l = &b->list[b->item];
	bool sends = b->item == SP_PLAN_STREAM;
	const struct sp_plan_stream *s = item_at(l, l->n - 1);
	const struct sp_plan_recv *v = item_at(l, l->n - 1);
	const char *word = sends ? s->protocol : v->protocol;
	const struct sp_opt *own = NULL, *under = NULL, *row;
	struct sp_protocol p;

	if (sp_protocol_find(b->catalog, word, sends ? SP_ROLE_CLIENT : SP_ROLE_SERVER, &p))
		p = (struct sp_protocol){ 0 };
	own = p.opts;
	under = p.wrap ? p.wrap->opts : NULL;
	row = under ? sp_opt_find(under, key) : NULL;
	row = row || !own ? row : sp_opt_find(own, key);
	if (row && row->type == SP_OPT_PATH && b->distrust && value && *value)
		return no_file(place, key, err);
	if (under && sp_opt_find(under, key))
		return sp_opts_set(under, b->wrap_conf, key, value, place, &b->plan->arena,
				   err);
	if (own && (sp_opt_find(own, key) || !sp_opt_find(sp_plan_rows(b->item), key)))
		return sp_opts_set(own, b->proto_conf, key, value, place, &b->plan->arena, err);
	return sp_opts_set(sp_plan_rows(b->item), item_at(l, l->n - 1), key, value, place,
			   &b->plan->arena, err);
}

static int set_transport_row(struct sp_plan_build *b, const char *key, const char *value,
			     const char *place, struct sp_err *err)
{
	const struct sp_plan_list *l = &b->list[SP_PLAN_PORT];
	const struct sp_plan_port *port = item_at(l, l->n - 1);
	const struct sp_transport_ops *ops = sp_catalog_transport(b->catalog, port->transport);
	const struct sp_opt *tables[2] = { ops ? ops->opts : NULL, sp_plan_rows(SP_PLAN_PORT) };
	const struct sp_opt *row = tables[0] ? sp_opt_find(tables[0], key) : NULL;
	const char *best = NULL;
	char shown[80];

	if (row && row->type == SP_OPT_PATH && b->distrust && value && *value)
		return no_file(place, key, err);
	if (row)
		return sp_opts_set(tables[0], b->port_conf, key, value, place, &b->plan->arena,
				   err);
	for (unsigned t = 0; t < 2; t++) {
		for (const struct sp_opt *o = tables[t]; o && o->name; o++) {
			const char *pair[] = { best ? best : o->name, o->name };

			best = sp_str_nearest(key, pair, 2);
		}
	}
	sp_str_printable(shown, sizeof shown, key);
	return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
		       "%s: the transport '%s' has no setting '%s'%s%s%s", place,
		       port->transport, shown, best ? "; did you mean '" : "", best ? best : "",
		       best ? "'?" : "");
}

static int set_profile_row(struct sp_plan_build *b, const struct sp_opt *row, const char *value,
			   const char *place, struct sp_err *err)
{
	const struct sp_plan_list *l = &b->list[SP_PLAN_STREAM];

	if (row->type == SP_OPT_PATH && b->distrust)
		return no_file(place, row->name, err);
	return sp_profile_set(item_at(l, l->n - 1), row->name, value, place, &b->plan->arena,
			      err);
}

/* Shares the text with the item before when it is the same one: 100,000 streams to one host
 * hold that host once. */
static bool share_text(const struct sp_plan_build *b, const struct sp_opt *row, void *conf,
		       const char *value)
{
	const struct sp_plan_list *l = &b->list[b->item];
	const char *before;

	if (b->item == SP_PLAN_RUN || l->n < 2)
		return false;
	memcpy(&before, (char *)item_at(l, l->n - 2) + row->off, sizeof before);
	if (!before || strcmp(before, value) != 0)
		return false;
	memcpy((char *)conf + row->off, &before, sizeof before);
	return true;
}

int sp_plan_set(struct sp_plan_build *b, const char *key, const char *value, const char *place,
		struct sp_err *err)
{
	const struct sp_opt *rows = sp_plan_rows(b->item), *row = sp_opt_find(rows, key);
	const struct sp_plan_list *l = &b->list[b->item];
	const struct sp_opt *profile;
	const struct sp_transport_ops *ops;
	const char *canonical = value;
	void *conf;
	int rc;

	place = place ? place : key;
	if (!b->plan)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED, "the plan was sealed before");
	if (b->item != SP_PLAN_RUN && !l->n)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: nothing was begun that it belongs to", place);
	conf = b->item == SP_PLAN_RUN ? (void *)&b->plan->run : item_at(l, l->n - 1);
	if (!row && b->item == SP_PLAN_PORT)
		return set_transport_row(b, key, value, place, err);
	profile = b->item == SP_PLAN_STREAM ? sp_opt_find(sp_profile_rows, key) : NULL;
	if (!row && profile)
		return set_profile_row(b, profile, value, place, err);
	if (!row && (b->item == SP_PLAN_STREAM || b->item == SP_PLAN_RECV))
		return set_protocol_row(b, key, value, place, err);
	if (row && value && b->item != SP_PLAN_RUN && strcmp(key, "protocol") == 0)
		return use_protocol(b, value, place, err);
	if (row && row->type == SP_OPT_TEXT && value) {
		if (b->item == SP_PLAN_PORT && strcmp(key, "transport") == 0) {
			ops = sp_plan_transport(b->catalog, value, place, err);
			return ops ? use_transport(b, conf, ops, err) : -EINVAL;
		}
		if (share_text(b, row, conf, value))
			return 0;
		rc = sp_plan_word(b, row, value, place, &canonical, err);
		if (rc)
			return rc;
	}
	return sp_opts_set(rows, conf, key, canonical, place, &b->plan->arena, err);
}

int sp_plan_seal(struct sp_plan_build *b, struct sp_plan **out, struct sp_err *err)
{
	struct sp_plan *plan = b->plan;
	int rc;

	*out = NULL;
	if (!plan)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED, "the plan was sealed before");
	rc = sp_plan_check(b, err);
	if (rc)
		return rc;
	plan->ports = b->list[SP_PLAN_PORT].items;
	plan->n_ports = b->list[SP_PLAN_PORT].n;
	plan->streams = b->list[SP_PLAN_STREAM].items;
	plan->n_streams = b->list[SP_PLAN_STREAM].n;
	plan->recvs = b->list[SP_PLAN_RECV].items;
	plan->n_recvs = b->list[SP_PLAN_RECV].n;
	plan->stages = b->list[SP_PLAN_STAGE].items;
	plan->n_stages = b->list[SP_PLAN_STAGE].n;
	rc = sp_plan_digest(plan, b->mem, b->catalog, err);
	if (rc) {
		/* The lists stay the builder's. */
		plan->ports = NULL;
		plan->streams = NULL;
		plan->recvs = NULL;
		plan->stages = NULL;
		return rc;
	}
	for (unsigned i = 0; i < sizeof b->list / sizeof *b->list; i++)
		b->list[i].items = NULL;
	b->plan = NULL;
	*out = plan;
	return 0;
}
