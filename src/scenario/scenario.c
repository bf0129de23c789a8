#include "scenario/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/str.h"
#include "engine/plan.h"
#include "engine/protocol.h"
#include "plugin/proto.h"
#include "scenario/scenario_impl.h"

const char *const sc_root_words[] = { "include", "spate",  "name",	"seed",	  "repeats",
				      "on_loss", "run",	   "hosts",	"lab",	  "ports",
				      "streams", "groups", "receivers", "stages", "capture",
				      "expect",	 NULL };
const char *const sc_host_words[] = { "local", "netns", "lab", NULL };
const char *const sc_port_words[] = { "host", NULL };
const char *const sc_stream_words[] = {
	"to", "target", "profile", "source_ports", "model", NULL
};
const char *const sc_group_words[] = { "to",	       "target", "profile", "streams",
				       "source_ports", "model",	 NULL };
const char *const sc_member_words[] = {
	"to", "target", "profile", "share", "source_ports", NULL
};
const char *const sc_profile_words[] = { "source_ports", "model", NULL };
const char *const sc_stage_words[] = { "at", "start", "stop", "set", "link", NULL };

bool sc_row_is_ours(enum sp_plan_item item, const char *name)
{
	static const struct {
		enum sp_plan_item item;
		const char *name;
	} not_ours[] = {
		{ SP_PLAN_RUN, "name" },       { SP_PLAN_RUN, "seed" },
		{ SP_PLAN_PORT, "name" },      { SP_PLAN_STREAM, "host" },
		{ SP_PLAN_STREAM, "port" },    { SP_PLAN_STREAM, "entry" },
		{ SP_PLAN_STREAM, "deal_of" }, { SP_PLAN_STREAM, "deal_at" },
		{ SP_PLAN_STREAM, "deal_n" },
	};

	for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
		if (not_ours[i].item == item && strcmp(not_ours[i].name, name) == 0)
			return false;
	return true;
}

#define MANY_KEYS 160u

/* Appends the names of settings that are not there yet. */
static unsigned add_rows(const struct sp_opt *rows, const char **all, unsigned n)
{
	for (const struct sp_opt *o = rows; o && o->name && n + 1 < MANY_KEYS; o++)
		all[n++] = o->name;
	return n;
}

static int role_of(enum sp_plan_item item)
{
	return item == SP_PLAN_RECV ? SP_ROLE_SERVER : SP_ROLE_CLIENT;
}

int sc_known_of(struct sc_reader *r, const struct sp_yaml_node *map, const char *const *words,
		enum sp_plan_item item, const char *const *protocols)
{
	const char *all[MANY_KEYS];
	struct sp_protocol p;
	unsigned n = 0;

	for (; words && *words && n + 1 < MANY_KEYS; words++)
		all[n++] = *words;
	for (const struct sp_opt *o = sp_plan_rows(item); o->name && n + 1 < MANY_KEYS; o++)
		if (sc_row_is_ours(item, o->name))
			all[n++] = o->name;
	if (item == SP_PLAN_STREAM)
		n = add_rows(sp_plan_profile_rows(), all, n);
	for (; protocols && *protocols; protocols++) {
		if (sp_protocol_find(r->conf->catalog, *protocols, role_of(item), &p))
			continue; /* whoever uses it says what is wrong with it */
		n = add_rows(p.opts, all, n);
		n = add_rows(p.wrap ? p.wrap->opts : NULL, all, n);
	}
	all[n] = NULL;
	return sp_yaml_known(&r->s->doc, map, all, NULL, r->err);
}

int sc_known(struct sc_reader *r, const struct sp_yaml_node *map, const char *const *words,
	     enum sp_plan_item item)
{
	return sc_known_of(r, map, words, item, NULL);
}

bool sc_lacks(const struct sc_reader *r, enum sp_plan_item item, const char *protocol,
	      const char *key)
{
	struct sp_protocol p;

	return !sp_opt_find(sp_plan_rows(item), key) &&
	       !(item == SP_PLAN_STREAM && strcmp(key, "model") == 0) &&
	       !(item == SP_PLAN_STREAM && sp_opt_find(sp_plan_profile_rows(), key)) &&
	       !sp_protocol_find(r->conf->catalog, protocol, role_of(item), &p) &&
	       !sp_protocol_has(&p, key);
}

int sc_no_memory(struct sc_reader *r)
{
	return sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", r->s->doc.name);
}

void *sc_alloc(struct sc_reader *r, size_t n, size_t size)
{
	return sp_arena_alloc(&r->s->doc.arena, (n + 1) * size);
}

int sc_text(struct sc_reader *r, const struct sp_yaml_node *node, const char *what,
	    const char **out)
{
	return sp_yaml_value(&r->s->doc, node, what, SP_OPT_TEXT, out, r->err);
}

int sc_find(struct sc_reader *r, const struct sp_yaml_node *at, const char *what,
	    const char *word, const char *(*name)(const struct sc_reader *, unsigned),
	    unsigned n, unsigned *index)
{
	const char *best = NULL;
	char shown[80];

	for (*index = 0; *index < n; ++*index) {
		const char *pair[] = { best ? best : name(r, *index), name(r, *index) };

		if (strcmp(pair[1], word) == 0)
			return 0;
		best = sp_str_nearest(word, pair, 2);
	}
	return sp_yaml_fail(&r->s->doc, at, r->err, "there is no %s '%s'%s%s%s", what,
			    sp_str_printable(shown, sizeof shown, word),
			    best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* ---- hosts ---- */

static const char *word_of(enum sp_scenario_place place)
{
	return sc_host_words[place];
}

static int read_host(struct sc_reader *r, const struct sp_yaml_item *item,
		     struct sp_scenario_host *h)
{
	const struct sp_yaml_node *map = item->value, *v;
	bool local = true;
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, item->key->text, r->err);

	h->name = item->key->text;
	h->node = item->key;
	if (!rc && (!*h->name || strlen(h->name) > 40 || strpbrk(h->name, " /\t\n")))
		rc = sp_yaml_fail(&r->s->doc, item->key, r->err,
				  "a host's name has 1 to 40 characters, no blank and no '/'");
	if (!rc)
		rc = sp_yaml_known(&r->s->doc, map, sc_host_words, NULL, r->err);
	if (!rc && map->n != 1)
		rc = sp_yaml_fail(&r->s->doc, map, r->err,
				  "host %.40s: it is one of {local: true}, {netns: NAME} and "
				  "{lab: HOST}",
				  h->name);
	if (rc)
		return rc;
	v = map->items->value;
	while (strcmp(word_of(h->place), map->items->key->text) != 0)
		h->place = (enum sp_scenario_place)(h->place + 1);
	if (h->place != SP_HOST_LOCAL)
		rc = sc_text(r, v, word_of(h->place), &h->where);
	else
		rc = sp_yaml_value(&r->s->doc, v, "local", SP_OPT_BOOL, &local, r->err);
	if (!rc && !local)
		rc = sp_yaml_fail(
			&r->s->doc, v, r->err,
			"local: it is 'true', or another word stands here: netns, lab");
	if (!rc && h->place == SP_HOST_LAB && !r->s->lab)
		rc = sp_yaml_fail(&r->s->doc, v, r->err,
				  "the file has no lab; add one: 'lab: {hosts: [h1, h2]}'");
	if (!rc && h->place == SP_HOST_LAB && r->conf->lab_address &&
	    !r->conf->lab_address(r->conf->arg, h->where, NULL))
		rc = sp_yaml_fail(&r->s->doc, v, r->err, "the lab has no host '%.40s'",
				  h->where);
	return rc;
}

static int read_hosts(struct sc_reader *r)
{
	const struct sp_yaml_node *map = sp_yaml_get(r->root, "hosts");
	struct sp_scenario *s = r->s;
	int rc = 0;

	s->hosts = sc_alloc(r, map ? map->n : 1, sizeof *s->hosts);
	if (!s->hosts)
		return sc_no_memory(r);
	if (!map) {
		s->hosts[s->n_hosts++] = (struct sp_scenario_host){ .name = "local",
								    .node = r->root };
		return 0;
	}
	rc = sp_yaml_want(&s->doc, map, SP_YAML_MAP, "hosts", r->err);
	if (!rc && (!map->n || map->n > SP_SCENARIO_HOSTS))
		rc = sp_yaml_fail(&s->doc, map, r->err, "hosts: 1 to %u are possible",
				  SP_SCENARIO_HOSTS);
	for (const struct sp_yaml_item *i = rc ? NULL : map->items; i && !rc; i = i->next)
		rc = read_host(r, i, &s->hosts[s->n_hosts++]);
	return rc;
}

/* ---- the top ---- */

static int read_on_loss(struct sc_reader *r)
{
	static const struct sp_opt rows[] = {
		{ "on_loss", SP_OPT_ENUM, 0, NULL, "continue|abort", 0, 0, NULL },
		{ 0 },
	};
	const struct sp_yaml_node *v = sp_yaml_get(r->root, "on_loss");
	int word = 0;
	int rc = v ? sp_yaml_set(&r->s->doc, v, rows, "on_loss", &word, NULL, r->err) : 0;

	r->s->abort_on_loss = word == 1;
	return rc;
}

static int read_number(struct sc_reader *r, const char *key, uint64_t *out)
{
	const struct sp_yaml_node *v = sp_yaml_get(r->root, key);

	return v ? sp_yaml_value(&r->s->doc, v, key, SP_OPT_U64, out, r->err) : 0;
}

static int read_top(struct sc_reader *r)
{
	struct sp_scenario *s = r->s;
	const struct sp_yaml_node *v;
	uint64_t version = 0;
	int rc = sp_yaml_want(&s->doc, r->root, SP_YAML_MAP, "a scenario", r->err);

	if (!rc)
		rc = sp_yaml_known(&s->doc, r->root, sc_root_words, NULL, r->err);
	if (rc)
		return rc;
	v = sp_yaml_get(r->root, "spate");
	if (!v)
		return sp_yaml_fail(&s->doc, r->root, r->err,
				    "the version is missing; begin with 'spate: 1'");
	rc = read_number(r, "spate", &version);
	if (!rc && version != 1)
		rc = sp_yaml_fail(&s->doc, v, r->err, "this spate reads version 1 only");
	s->name = "run";
	s->seed = 1;
	s->repeats = 1;
	v = sp_yaml_get(r->root, "name");
	if (!rc && v)
		rc = sc_text(r, v, "name", &s->name);
	if (!rc)
		rc = read_number(r, "seed", &s->seed);
	if (!rc)
		rc = read_number(r, "repeats", &s->repeats);
	v = sp_yaml_get(r->root, "repeats");
	if (!rc && (!s->repeats || s->repeats > SP_SCENARIO_REPEATS))
		rc = sp_yaml_fail(&s->doc, v, r->err, "repeats: 1 to %u are possible",
				  SP_SCENARIO_REPEATS);
	s->lab = sp_yaml_get(r->root, "lab");
	if (!rc && s->lab)
		rc = sp_yaml_want(&s->doc, s->lab, SP_YAML_MAP, "lab", r->err);
	if (!rc && s->lab && r->conf->lab)
		rc = r->conf->lab(r->conf->arg, &s->doc, s->lab, r->err);
	return rc ? rc : read_on_loss(r);
}

/* ---- expectations ---- */

static int read_expect(struct sc_reader *r, const struct sp_yaml_node *v, struct sp_expect *e)
{
	const char *text;
	char place[256];
	unsigned at;
	int rc = sc_text(r, v, "expect", &text);

	if (rc)
		return rc;
	rc = sp_expect_parse(e, text, &r->s->doc.arena, r->err);
	if (rc) {
		sp_err_prefix(r->err, "%s", sp_yaml_place(&r->s->doc, v, place, sizeof place));
		return rc;
	}
	return e->stream ? sc_find(r, v, "stream", e->stream, sc_stream_name, r->n_streams, &at)
			 : 0;
}

static int read_expects(struct sc_reader *r)
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, "expect");
	struct sp_scenario *s = r->s;
	int rc;

	if (!list)
		return 0;
	rc = sp_yaml_want(&s->doc, list, SP_YAML_LIST, "expect", r->err);
	if (rc)
		return rc;
	s->expects = sc_alloc(r, list->n, sizeof *s->expects);
	if (!s->expects)
		return sc_no_memory(r);
	for (const struct sp_yaml_item *i = list->items; i && !rc; i = i->next)
		rc = read_expect(r, i->value, &s->expects[s->n_expects++]);
	return rc;
}

/* ---- the whole ---- */

/* One part's digest is the scenario's: the same request on the command line has the same one. */
static int digest(struct sc_reader *r)
{
	struct sp_scenario *s = r->s;
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_MD_CTX *ctx;
	bool ok = true;

	if (s->n_parts == 1) {
		sp_strlcpy(s->sha256, s->parts[0].plan->sha256, sizeof s->sha256);
		return 0;
	}
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	for (unsigned i = 0; i < s->n_parts && ok; i++) {
		const char *host = s->hosts[s->parts[i].host].name;

		ok = EVP_DigestUpdate(ctx, host, strlen(host) + 1) &&
		     EVP_DigestUpdate(ctx, s->parts[i].plan->sha256, 64);
	}
	ok = ok && EVP_DigestFinal_ex(ctx, md, &n) && n == 32;
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; i < n && ok; i++)
		snprintf(s->sha256 + 2 * i, 3, "%02x", md[i]);
	return ok ? 0
		  : sp_fail(r->err, -EIO, SP_EXIT_FAILED,
			    "the crypto library gives no SHA-256; the scenario has no digest");
}

static int build(struct sp_scenario *s, const struct sp_scenario_conf *conf, bool from_file,
		 struct sp_err *err)
{
	struct sc_reader r = {
		.s = s, .conf = conf, .err = err, .root = s->doc.root, .from_file = from_file
	};
	int rc = sc_expand_includes(&r);

	if (!rc)
		rc = read_top(&r);
	if (!rc)
		rc = read_hosts(&r);
	if (!rc)
		rc = sc_read_items(&r);
	if (!rc)
		rc = sc_read_stages(&r);
	if (!rc)
		rc = sc_read_captures(&r);
	if (!rc)
		rc = read_expects(&r);
	if (!rc)
		rc = sc_make_parts(&r);
	if (!rc)
		rc = digest(&r);
	/* Whatever is wrong in a file is bad data. */
	if (rc && err && err->exit == SP_EXIT_USAGE)
		err->exit = SP_EXIT_DATA;
	if (rc)
		sp_scenario_free(s);
	return rc;
}

int sp_scenario_read(struct sp_scenario *s, const char *path,
		     const struct sp_scenario_conf *conf, struct sp_err *err)
{
	int rc;

	*s = (struct sp_scenario){ 0 };
	rc = sp_yaml_read(&s->doc, path, conf->mem, err);
	return rc ? rc : build(s, conf, true, err);
}

int sp_scenario_parse(struct sp_scenario *s, const char *name, const char *text, size_t len,
		      const struct sp_scenario_conf *conf, struct sp_err *err)
{
	int rc;

	*s = (struct sp_scenario){ 0 };
	rc = sp_yaml_parse(&s->doc, name, text, len, conf->mem, err);
	return rc ? rc : build(s, conf, false, err);
}

void sp_scenario_free(struct sp_scenario *s)
{
	for (unsigned i = 0; i < s->n_parts; i++)
		sp_plan_free(s->parts[i].plan);
	sp_yaml_free(&s->doc);
	*s = (struct sp_scenario){ 0 };
}

void sp_scenario_plan_text(const struct sp_scenario_part *part, struct sp_str *out)
{
	sp_plan_text(part->plan, &sp_catalog, out);
}

const char *sp_scenario_plan_sha256(const struct sp_scenario_part *part)
{
	return part->plan->sha256;
}

bool sp_scenario_has_truth(const struct sp_scenario *s, const struct sp_catalog *c)
{
	for (unsigned i = 0; i < s->n_parts; i++)
		for (unsigned k = 0; k < s->parts[i].plan->n_streams; k++)
			if (sp_protocol_has_truth(c, s->parts[i].plan->streams[k].protocol))
				return true;
	return false;
}

const struct sp_catalog *sp_scenario_catalog(void)
{
	return &sp_catalog;
}
