/* Streams and receivers as written: who is meant and what is spoken, before any value is looked
 * at. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "engine/protocol.h"
#include "plugin/proto.h"
#include "scenario/presets.h"
#include "scenario/scenario_impl.h"

const char *sc_stream_name(const struct sc_reader *r, unsigned i)
{
	return r->streams[i].name;
}

const char *sc_host_name(const struct sc_reader *r, unsigned i)
{
	return r->s->hosts[i].name;
}

/* ---- what is spoken ---- */

const struct sp_yaml_node *sc_stream_get(const struct sp_yaml_node *map,
					 const struct sp_yaml_node *outer, const char *key)
{
	const struct sp_yaml_node *maps[] = { map, outer }, *v;

	for (unsigned i = 0; i < 2; i++) {
		v = maps[i] ? sp_yaml_get(maps[i], "profile") : NULL;
		v = v ? sp_yaml_get(v, key) : NULL;
		if (maps[i] && sp_yaml_get(maps[i], key))
			v = sp_yaml_get(maps[i], key);
		if (v)
			return v;
	}
	return NULL;
}

/* The protocol of the receiver that stands at a port; NULL: there is none. */
static const char *spoken_at(const struct sc_reader *r, const struct sp_yaml_node *to)
{
	for (unsigned i = 0; to && to->kind == SP_YAML_SCALAR && i < r->n_ports; i++)
		if (strcmp(r->ports[i].name, to->text) == 0)
			return r->ports[i].word;
	return NULL;
}

/* The scheme of a target; NULL: it has none, or is wrong, of which set_target speaks. */
static int scheme_of(struct sc_reader *r, const struct sp_yaml_node *target, const char **word)
{
	struct sp_url u;

	*word = NULL;
	if (!target || target->kind != SP_YAML_SCALAR || sp_url_parse(target->text, &u, NULL) ||
	    !*u.scheme)
		return 0;
	*word = sp_arena_strdup(&r->s->doc.arena, u.scheme);
	return *word ? 0 : sc_no_memory(r);
}

int sc_protocol_of(struct sc_reader *r, const struct sp_yaml_node *map,
		   const struct sp_yaml_node *outer, const struct sp_yaml_node **at,
		   const char **word)
{
	const struct sp_yaml_node *target = sc_stream_get(map, outer, "target");
	const struct sp_yaml_node *said = sc_stream_get(map, outer, "protocol");
	const char *scheme;
	int rc = scheme_of(r, target, &scheme);

	*at = map;
	if (rc)
		return rc;
	if (said && scheme)
		return sp_yaml_fail(&r->s->doc, target, r->err,
				    "target and protocol both name a protocol; leave one out");
	*at = said ? said : scheme ? target : map;
	if (said)
		return sc_text(r, said, "protocol", word);
	*word = scheme ? scheme : sc_stream_get(map, outer, "packet") ? "packet" : NULL;
	if (!*word)
		*word = spoken_at(r, target ? NULL : sc_stream_get(map, outer, "to"));
	*word = *word ? *word : "udp";
	return 0;
}

const char *const *sc_words_of(struct sc_reader *r, const struct sp_shares *shares,
			       const char *one)
{
	const char **words = sc_alloc(r, SP_SHARES_MAX, sizeof *words);

	for (unsigned i = 0; words && i < shares->n; i++) {
		words[i] = sp_arena_strdup(&r->s->doc.arena, shares->part[i].word);
		if (!words[i])
			return NULL;
	}
	if (words && !shares->n)
		words[0] = one;
	return words;
}

int sc_need_protocol(struct sc_reader *r, const char *word, int role,
		     const struct sp_yaml_node *at)
{
	struct sp_protocol p;
	char place[256];

	return sp_protocol_need(r->conf->catalog, word, role,
				sp_yaml_place(&r->s->doc, at, place, sizeof place), &p, r->err);
}

/* Shares of a schedule, or (shares->n 0) one protocol; and all words of either. */
static int read_shares(struct sc_reader *r, const char *word, int role,
		       const struct sp_yaml_node *at, struct sp_shares *shares,
		       const char *const **words)
{
	char place[256];
	int rc = sp_shares_parse(word, sp_yaml_place(&r->s->doc, at, place, sizeof place),
				 shares, r->err);

	if (rc)
		return rc;
	*words = sc_words_of(r, shares, word);
	if (!*words)
		return sc_no_memory(r);
	for (const char *const *w = *words; *w && !rc; w++)
		rc = sc_need_protocol(r, *w, role, at);
	return rc;
}

/* ---- streams ---- */

int sc_check_keys(struct sc_reader *r, const struct sp_yaml_node *map, const char *const *words,
		  const char *const *protocols)
{
	const struct sp_yaml_node *profile = sp_yaml_get(map, "profile");
	int rc = sc_known_of(r, map, words, SP_PLAN_STREAM, protocols);

	if (rc || !profile)
		return rc;
	rc = sp_yaml_want(&r->s->doc, profile, SP_YAML_MAP, "profile", r->err);
	if (!rc)
		rc = sc_known_of(r, profile, sc_profile_words, SP_PLAN_STREAM, protocols);
	for (const struct sp_yaml_item *i = rc ? NULL : profile->items; i && !rc; i = i->next) {
		if (strcmp(i->key->text, "name") == 0 || strcmp(i->key->text, "from") == 0)
			rc = sp_yaml_fail(&r->s->doc, i->key, r->err,
					  "'%s' stands beside the profile, not in it",
					  i->key->text);
		else if (sp_yaml_get(map, i->key->text))
			rc = sp_yaml_fail(&r->s->doc, i->key, r->err,
					  "'%.40s' is given twice: here and beside the profile",
					  i->key->text);
	}
	return rc;
}

int sc_entry_name(struct sc_reader *r, const struct sp_yaml_node *map, const char **name)
{
	const struct sp_yaml_node *v = sp_yaml_get(map, "name");

	r->n_entries++;
	if (v)
		return sc_text(r, v, "name", name);
	*name = sp_arena_printf(&r->s->doc.arena, "s%u", r->n_entries);
	return *name ? 0 : sc_no_memory(r);
}

static int check_name(struct sc_reader *r, const struct sc_stream *s)
{
	const struct sp_yaml_node *at = sp_yaml_get(s->map, "name");

	for (unsigned i = 0; i < r->n_streams; i++) {
		const struct sc_stream *o = &r->streams[i];
		bool whole = o->whole && strcmp(o->whole, s->name) == 0;

		if (strcmp(o->name, s->name) == 0 || whole ||
		    (s->whole && s->entry != o->entry &&
		     (strcmp(o->name, s->whole) == 0 ||
		      (o->whole && strcmp(o->whole, s->whole) == 0))))
			return sp_yaml_fail(&r->s->doc, at ? at : s->map, r->err,
					    "two streams are called '%.60s'",
					    s->whole && !whole && strcmp(o->name, s->name) != 0
						    ? s->whole
						    : s->name);
	}
	return 0;
}

/* What goes over a port, as its transport needs to know it: plain udp and tcp become frames by
 * their source ports. */
static const char *carried(const struct sc_stream *s)
{
	return sc_stream_get(s->map, s->outer, "source_ports") ? "packet" : s->word;
}

int sc_add_stream(struct sc_reader *r, const struct sc_stream *made)
{
	struct sc_stream *s = &r->streams[r->n_streams];
	const struct sp_yaml_node *from = sc_stream_get(made->map, made->outer, "from");
	const struct sp_yaml_node *to = sc_stream_get(made->map, made->outer, "to");
	char *who = sp_arena_printf(&r->s->doc.arena, "stream %.60s", made->name);
	unsigned at = 0;
	int rc = who ? check_name(r, made) : sc_no_memory(r);

	if (rc)
		return rc;
	*s = *made;
	s->to = -1;
	if (!to && !sc_stream_get(s->map, s->outer, "target") &&
	    !sc_stream_get(s->map, s->outer, "packet"))
		return sp_yaml_fail(&r->s->doc, s->map, r->err,
				    "%s: where to? add 'to: PORT' or 'target: HOST:NUMBER'",
				    who);
	rc = sc_port_of(r, true, who, carried(s), s->map, from, &s->from);
	if (!rc && to)
		rc = sc_find_port(r, to, "to", &at);
	if (!rc && to)
		rc = sc_use_port(r, at, true, who, carried(s), to);
	if (rc)
		return rc;
	if (to)
		s->to = (int)at;
	r->ports[s->from].tx = true;
	r->n_streams++;
	return 0;
}

/* One stream, or several that share its schedule. */
static int read_stream(struct sc_reader *r, const struct sp_yaml_node *map)
{
	struct sc_stream s = { .map = map };
	const struct sp_yaml_node *said;
	struct sp_shares shares = { 0 };
	const char *word = NULL, *name = NULL;
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a stream", r->err);

	if (!rc)
		rc = sc_protocol_of(r, map, NULL, &said, &word);
	if (!rc)
		rc = read_shares(r, word, SP_ROLE_CLIENT, said, &shares, &s.words);
	if (!rc)
		rc = sc_check_keys(r, map, sc_stream_words, s.words);
	if (!rc)
		rc = sc_entry_name(r, map, &name);
	s.entry = r->n_entries;
	s.name = name;
	s.word = word;
	if (rc || !shares.n)
		return rc ? rc : sc_add_stream(r, &s);
	s.whole = name;
	s.deal_of = shares.of;
	for (unsigned i = 0; i < shares.n && !rc; i++) {
		s.word = s.words[i];
		s.deal_n = shares.part[i].n;
		s.name = sp_arena_printf(&r->s->doc.arena, "%s-%s", name, s.word);
		rc = s.name ? sc_add_stream(r, &s) : sc_no_memory(r);
		s.deal_at += s.deal_n;
	}
	return rc;
}

/* ---- receivers ---- */

static bool receives(const struct sc_reader *r, unsigned port)
{
	for (unsigned i = 0; i < r->n_receivers; i++)
		if (r->receivers[i].from == port)
			return true;
	return false;
}

static void add_receiver(struct sc_reader *r, const struct sc_receiver *v)
{
	r->ports[v->from].rx = true;
	r->ports[v->from].word = v->word;
	r->receivers[r->n_receivers++] = *v;
}

static int read_one_receiver(struct sc_reader *r, struct sc_receiver *v, bool several)
{
	const struct sp_yaml_node *from = sp_yaml_get(v->map, "from");
	const struct sp_yaml_node *name = sp_yaml_get(v->map, "name");
	int rc = sc_port_of(r, false, "a receiver", v->word, v->map, from, &v->from);

	if (rc)
		return rc;
	if (receives(r, v->from))
		return sp_yaml_fail(&r->s->doc, from ? from : v->map, r->err,
				    "port %.40s has a receiver already",
				    r->ports[v->from].name);
	v->name = r->ports[v->from].name;
	if (name)
		rc = sc_text(r, name, "name", &v->name);
	if (!rc && name && several) {
		v->name = sp_arena_printf(&r->s->doc.arena, "%s-%s", name->text, v->word);
		rc = v->name ? 0 : sc_no_memory(r);
	}
	if (!rc)
		add_receiver(r, v);
	return rc;
}

static int read_receiver(struct sc_reader *r, const struct sp_yaml_node *map)
{
	struct sc_receiver v = { .map = map };
	const struct sp_yaml_node *said;
	struct sp_shares shares;
	const char *word;
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a receiver", r->err);

	said = rc ? NULL : sp_yaml_get(map, "protocol");
	word = "udp";
	if (!rc && said)
		rc = sc_text(r, said, "protocol", &word);
	if (!rc)
		rc = read_shares(r, word, SP_ROLE_SERVER, said ? said : map, &shares, &v.words);
	if (!rc)
		rc = sc_known_of(r, map, NULL, SP_PLAN_RECV, v.words);
	for (unsigned i = 0; !rc && i < (shares.n ? shares.n : 1); i++) {
		v.word = v.words[i];
		rc = read_one_receiver(r, &v, shares.n > 1);
	}
	return rc;
}

/* A port that a stream goes to receives without being told what the stream sends. */
static int imply_receiver(struct sc_reader *r, const struct sc_stream *s, unsigned port,
			  const char *name)
{
	const struct sp_yaml_node *to = sc_stream_get(s->map, s->outer, "to");
	const char *word = sp_preset_is(s->word) || strcmp(s->word, "packet") == 0 ? "udp"
										   : s->word;
	const struct sc_receiver v = { .name = name, .from = port, .word = word };

	if (!receives(r, port)) {
		add_receiver(r, &v);
		return 0;
	}
	for (unsigned i = 0; i < r->n_receivers; i++)
		if (r->receivers[i].from == port && !r->receivers[i].map &&
		    strcmp(r->receivers[i].word, word) != 0)
			return sp_yaml_fail(
				&r->s->doc, to ? to : s->map, r->err,
				"stream %.60s speaks %s, but port %.40s is to receive %s, from "
				"another stream; make it two ports",
				s->name, s->word, r->ports[port].name, r->receivers[i].word);
	return 0;
}

/* So does one that hears itself; the names are those that send gives. */
static int imply_own_receiver(struct sc_reader *r, const struct sc_stream *s, unsigned *n)
{
	char *name = sp_arena_printf(&r->s->doc.arena, "rx%u", *n);

	if (!name)
		return sc_no_memory(r);
	if (!receives(r, s->from))
		++*n;
	return imply_receiver(r, s, s->from, name);
}

static int imply_receivers(struct sc_reader *r)
{
	unsigned own = 0;
	int rc = 0;

	for (unsigned i = 0; i < r->n_streams && !rc; i++) {
		const struct sc_stream *s = &r->streams[i];

		if (r->ports[s->from].echoes)
			rc = imply_own_receiver(r, s, &own);
		if (!rc && s->to >= 0 && !r->ports[s->to].echoes)
			rc = imply_receiver(r, s, (unsigned)s->to, r->ports[s->to].name);
	}
	return rc;
}

/* ---- all of them ---- */

static int read_list(struct sc_reader *r, const char *key,
		     int (*read)(struct sc_reader *, const struct sp_yaml_node *))
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, key);
	int rc = list ? sp_yaml_want(&r->s->doc, list, SP_YAML_LIST, key, r->err) : 0;

	for (const struct sp_yaml_item *i = list && !rc ? list->items : NULL; i && !rc;
	     i = i->next)
		rc = read(r, i->value);
	return rc;
}

static size_t length(const struct sc_reader *r, const char *key)
{
	const struct sp_yaml_node *v = sp_yaml_get(r->root, key);

	return v ? v->n : 0;
}

int sc_read_items(struct sc_reader *r)
{
	size_t streams = length(r, "streams") * SP_SHARES_MAX + sc_count_members(r);
	size_t receivers = length(r, "receivers") * SP_SHARES_MAX;
	int rc = sc_read_ports(r, streams + receivers);

	if (rc)
		return rc;
	r->streams = sc_alloc(r, streams, sizeof *r->streams);
	r->receivers = sc_alloc(r, receivers + streams, sizeof *r->receivers);
	if (!r->streams || !r->receivers)
		return sc_no_memory(r);
	/* Receivers first: what is spoken there, who goes there speaks. */
	rc = read_list(r, "receivers", read_receiver);
	if (!rc)
		rc = read_list(r, "streams", read_stream);
	if (!rc)
		rc = sc_read_groups(r);
	if (!rc && !r->n_streams && !r->n_receivers)
		rc = sp_yaml_fail(&r->s->doc, r->root, r->err,
				  "nothing to do: there are no streams and no receivers");
	if (!rc)
		rc = imply_receivers(r);
	return rc ? rc : sc_check_ports(r);
}
