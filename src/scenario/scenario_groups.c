/* Groups: one schedule, written once, and the streams that have a share of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "engine/deal.h"
#include "plugin/proto.h"
#include "scenario/scenario_impl.h"

/* A group while it is read. */
struct group {
	const struct sp_yaml_node *map;
	const char *name;
	struct sp_shares shares;
	const struct sp_yaml_node *members[SP_SHARES_MAX];
	const char *const *words;
	bool percent, unshared; /* its shares are written so; somebody has none */
};

size_t sc_count_members(const struct sc_reader *r)
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, "groups");
	size_t n = list && list->kind == SP_YAML_LIST ? list->n : 0;

	return n * SP_SHARES_MAX;
}

/* What a schedule has, and not a part of it. */
static const char *const schedule_words[] = { "rate",  "departure", "duration",
					      "start", "count",	    NULL };

static int check_word(struct sc_reader *r, const struct group *g,
		      const struct sp_yaml_node *map, const char *word)
{
	const struct sp_yaml_node *v = sc_stream_get(map, NULL, word);

	if (!v)
		return 0;
	return sp_yaml_fail(&r->s->doc, v, r->err,
			    "group %.40s has one schedule for all its streams: "
			    "'%s' is the group's, not a stream's",
			    g->name, word);
}

static int check_member(struct sc_reader *r, const struct group *g,
			const struct sp_yaml_node *map)
{
	int rc = 0;

	for (const char *const *w = schedule_words; *w && !rc; w++)
		rc = check_word(r, g, map, *w);
	for (const struct sp_opt *o = sp_plan_profile_rows(); o->name && !rc; o++)
		rc = check_word(r, g, map, o->name);
	return rc;
}

/* "50", or "50%". */
static int read_share(struct sc_reader *r, struct group *g, const struct sp_yaml_node *map,
		      unsigned i)
{
	const struct sp_yaml_node *v = sp_yaml_get(map, "share");
	struct sp_share *part = &g->shares.part[i];
	const char *text = "1";
	char number[16], shown[40];
	size_t len;
	bool percent;
	uint64_t n;
	int rc = v ? sc_text(r, v, "share", &text) : 0;

	if (rc)
		return rc;
	len = strlen(text);
	percent = len && text[len - 1] == '%';
	sp_strlcpy(number, text, sizeof number);
	if (percent && len < sizeof number)
		number[len - 1] = '\0';
	if (len >= sizeof number || sp_parse_u64(number, &n) || !n || n > SP_DEAL_MAX)
		return sp_yaml_fail(&r->s->doc, v, r->err,
				    "share: '%s' is not a whole number from 1 to %u, such as "
				    "50 or 50%%",
				    sp_str_printable(shown, sizeof shown, text), SP_DEAL_MAX);
	if (i && (g->unshared != !v || g->percent != percent))
		return sp_yaml_fail(
			&r->s->doc, v ? v : map, r->err,
			"group %.40s: all its streams have a share, in the same way, or none "
			"has one",
			g->name);
	g->unshared = !v;
	g->percent = percent;
	part->n = (uint32_t)n;
	g->shares.of += part->n;
	return 0;
}

static int read_member(struct sc_reader *r, struct group *g, const struct sp_yaml_node *map)
{
	unsigned i = g->shares.n;
	const struct sp_yaml_node *said;
	const char *word;
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a stream", r->err);

	if (!rc)
		rc = sc_protocol_of(r, map, g->map, &said, &word);
	if (!rc && (strpbrk(word, ",:") || strcmp(word, "mixed") == 0 ||
		    strlen(word) >= sizeof g->shares.part[i].word))
		rc = sp_yaml_fail(&r->s->doc, said, r->err,
				  "a stream of a group speaks one protocol, not '%.40s'", word);
	if (!rc)
		rc = sc_need_protocol(r, word, SP_ROLE_CLIENT, said);
	if (!rc)
		rc = check_member(r, g, map);
	if (!rc)
		rc = read_share(r, g, map, i);
	if (rc)
		return rc;
	sp_strlcpy(g->shares.part[i].word, word, sizeof g->shares.part[i].word);
	g->members[i] = map;
	g->shares.n++;
	return 0;
}

static int read_members(struct sc_reader *r, struct group *g)
{
	const struct sp_yaml_node *list = sp_yaml_get(g->map, "streams");
	int rc = list ? sp_yaml_want(&r->s->doc, list, SP_YAML_LIST, "streams", r->err) : 0;

	if (!rc && (!list || list->n < 2 || list->n > SP_SHARES_MAX))
		rc = sp_yaml_fail(&r->s->doc, list ? list : g->map, r->err,
				  "group %.40s: 2 to %u streams share a schedule, in "
				  "'streams: [...]'",
				  g->name, SP_SHARES_MAX);
	for (const struct sp_yaml_item *i = rc ? NULL : list->items; i && !rc; i = i->next)
		rc = read_member(r, g, i->value);
	if (!rc && g->percent && g->shares.of != 100)
		rc = sp_yaml_fail(&r->s->doc, list, r->err,
				  "group %.40s: its shares are %u %% together, not 100 %%",
				  g->name, g->shares.of);
	if (rc)
		return rc;
	sp_shares_reduce(&g->shares);
	if (g->shares.of > SP_DEAL_MAX)
		rc = sp_yaml_fail(&r->s->doc, list, r->err,
				  "group %.40s: its shares are %u together, more than %u",
				  g->name, g->shares.of, SP_DEAL_MAX);
	return rc;
}

/* A bit rate is a schedule only of units of one size. */
static int check_rate(struct sc_reader *r, const struct group *g)
{
	const struct sp_yaml_node *v = sc_stream_get(g->map, NULL, "rate"), *size;
	const char *first = "", *text;
	struct sp_rate rate;

	if (!v || v->kind != SP_YAML_SCALAR || sp_parse_rate(v->text, &rate) ||
	    rate.kind != SP_RATE_BPS)
		return 0;
	for (unsigned i = 0; i < g->shares.n; i++) {
		size = sc_stream_get(g->members[i], g->map, "size");
		text = size && size->kind == SP_YAML_SCALAR ? size->text : "";
		if (i && strcmp(text, first) != 0)
			return sp_yaml_fail(
				&r->s->doc, v, r->err,
				"group %.40s: its streams have different sizes, so a rate in "
				"bit/s is no schedule for all; give it in packets a second",
				g->name);
		first = text;
	}
	return 0;
}

static int add_members(struct sc_reader *r, const struct group *g)
{
	struct sc_stream s = { .outer = g->map,
			       .words = g->words,
			       .whole = g->name,
			       .deal_of = g->shares.of,
			       .entry = r->n_entries };
	const struct sp_yaml_node *name;
	int rc = 0;

	for (unsigned i = 0; i < g->shares.n && !rc; i++) {
		const char *const own[] = { g->words[i], NULL };

		s.map = g->members[i];
		s.word = g->words[i];
		s.deal_n = g->shares.part[i].n;
		name = sp_yaml_get(s.map, "name");
		rc = sc_check_keys(r, s.map, sc_member_words, own);
		if (!rc && name)
			rc = sc_text(r, name, "name", &s.name);
		else if (!rc)
			s.name = sp_arena_printf(&r->s->doc.arena, "%s-%s", g->name, s.word);
		if (!rc && !s.name)
			rc = sc_no_memory(r);
		if (!rc)
			rc = sc_add_stream(r, &s);
		s.deal_at += s.deal_n;
	}
	return rc;
}

static int read_group(struct sc_reader *r, const struct sp_yaml_node *map)
{
	struct group g = { .map = map };
	int rc = sp_yaml_want(&r->s->doc, map, SP_YAML_MAP, "a group", r->err);

	if (!rc)
		rc = sc_entry_name(r, map, &g.name);
	if (!rc)
		rc = read_members(r, &g);
	if (rc)
		return rc;
	g.words = sc_words_of(r, &g.shares, NULL);
	if (!g.words)
		return sc_no_memory(r);
	rc = sc_check_keys(r, map, sc_group_words, g.words);
	if (!rc)
		rc = check_rate(r, &g);
	return rc ? rc : add_members(r, &g);
}

int sc_read_groups(struct sc_reader *r)
{
	const struct sp_yaml_node *list = sp_yaml_get(r->root, "groups");
	int rc = list ? sp_yaml_want(&r->s->doc, list, SP_YAML_LIST, "groups", r->err) : 0;

	for (const struct sp_yaml_item *i = list && !rc ? list->items : NULL; i && !rc;
	     i = i->next)
		rc = read_group(r, i->value);
	return rc;
}
