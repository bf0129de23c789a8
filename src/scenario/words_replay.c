/* Words of replay: captures as a stream, or two that leave by an interface each. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/units.h"
#include "scenario/rewrite_flags.h"
#include "scenario/words_impl.h"

#define WORD "capture"

static int no_memory(struct sp_reader *r)
{
	return sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Another program's words that are not these. */
static int answer_theirs(struct sp_reader *r)
{
	struct sp_str notes;
	const char *text;

	sp_str_init(&notes, r->mem);
	for (unsigned i = 0; i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];
		const char *key = g->flag ? g->flag->key : "";

		if (strcmp(key, SP_THEIRS_REFUSED) == 0) {
			sp_str_fini(&notes);
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s %s", g->spelling,
				       g->flag->help);
		}
		if (strcmp(key, SP_THEIRS_NOTE) == 0)
			sp_str_printf(&notes, "%s%s %s", notes.len ? "\n" : "", g->spelling,
				      g->flag->help);
		if (strcmp(key, "theirs.pid") == 0)
			sp_str_printf(&notes, "%sPID: %ld", notes.len ? "\n" : "",
				      (long)getpid());
	}
	text = notes.len ? sp_arena_strdup(&r->scratch, notes.text) : "";
	sp_str_fini(&notes);
	r->notes = text;
	return text ? 0 : no_memory(r);
}

/* Seconds between two pictures. */
static int set_live(struct sp_reader *r)
{
	const struct sp_given *g = sp_reader_last(r, "out.live_every");
	char shown[80];
	uint64_t s;

	if (!g)
		return 0;
	if (sp_parse_u64(g->value, &s) || !s || s > 86400)
		return sp_fail(
			r->err, -EINVAL, SP_EXIT_USAGE,
			"%s: '%s' is not a number of seconds, 1 to 86400 (figures at each "
			"loop there are not)",
			g->spelling, sp_str_printable(shown, sizeof shown, g->value));
	r->words->out.live_every = (unsigned)s;
	return 0;
}

/* The words that are no flags, a line each. */
static int list_files(struct sp_reader *r, const char **out)
{
	struct sp_str s;

	sp_str_init(&s, r->mem);
	for (unsigned i = 0; i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];

		if (g->flag)
			continue;
		if (!*g->value || strchr(g->value, '\n')) {
			sp_str_fini(&s);
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "the name of a file is empty, or has several lines");
		}
		sp_str_printf(&s, "%s%s", s.len ? "\n" : "", g->value);
	}
	*out = s.len ? sp_arena_strdup(&r->scratch, s.text) : "";
	sp_str_fini(&s);
	if (!*out)
		return no_memory(r);
	if (!**out)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "which capture? spate replay FILE... --interface DEV");
	return 0;
}

/* --out empties its file before anything is read. */
static int keep_inputs(struct sp_reader *r)
{
	const struct sp_given *out = sp_reader_last(r, "out_pcap");

	for (unsigned i = 0; out && i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];

		if (!g->flag && sp_file_is_same(g->value, out->value))
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: cannot be replayed into itself; name another file",
				       g->value);
	}
	return 0;
}

/* At most one of what sets the pace. */
static int set_pace(struct sp_reader *r)
{
	static const struct {
		const char *key, *suffix;
	} rows[] = { { "pps", "pps" }, { "mbps", "Mbit/s" }, { "topspeed", "" } };
	const struct sp_given *first = sp_reader_last(r, "stream.multiplier");
	int rc = 0;

	for (size_t i = 0; i < sizeof rows / sizeof *rows && !rc; i++) {
		const struct sp_given *g = sp_reader_last(r, rows[i].key);
		const char *text;

		if (!g)
			continue;
		if (first)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s and %s do not go together", first->spelling,
				       g->spelling);
		first = g;
		text = sp_arena_printf(&r->scratch, "%s%s", g->value, rows[i].suffix);
		rc = text ? sp_plan_set(r->build, "pace", text, g->spelling, r->err)
			  : no_memory(r);
	}
	return rc;
}

/* A number of milliseconds, as tcpreplay has them. */
static int set_ms(struct sp_reader *r, const char *key, const char *row)
{
	const struct sp_given *g = sp_reader_last(r, key);
	char shown[80];
	const char *text;
	uint64_t ms;

	if (!g)
		return 0;
	if (sp_parse_u64(g->value, &ms))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is not a number of milliseconds", g->spelling,
			       sp_str_printable(shown, sizeof shown, g->value));
	text = sp_arena_printf(&r->scratch, "%llums", (unsigned long long)ms);
	return text ? sp_plan_set(r->build, row, text, g->spelling, r->err) : no_memory(r);
}

/* All words about rewriting, as one setting. */
static int set_rewrite(struct sp_reader *r)
{
	struct sp_str words;
	int rc = 0;

	sp_str_init(&words, r->mem);
	for (unsigned i = 0; i < r->n_given && !rc; i++) {
		const struct sp_given *g = &r->given[i];

		if (g->flag && sp_is_rewrite_flag(g->flag))
			rc = sp_rewrite_flag(&words, g->flag, g->value, g->spelling, r->err);
	}
	if (!rc && words.failed)
		rc = no_memory(r);
	if (!rc && words.len)
		rc = sp_plan_set(r->build, "rewrite", words.text, NULL, r->err);
	sp_str_fini(&words);
	return rc;
}

static int add_port(struct sp_reader *r, const char *name, const struct sp_given *interface)
{
	int rc = sp_plan_add(r->build, SP_PLAN_PORT, NULL, r->err);

	if (!rc)
		rc = sp_plan_set(r->build, "name", name, NULL, r->err);
	if (!rc)
		rc = sp_reader_set_port(r, WORD);
	if (!rc && interface)
		rc = sp_plan_set(r->build, "interface", interface->value, interface->spelling,
				 r->err);
	return rc;
}

static int add_stream(struct sp_reader *r, const char *name, const char *port, const char *part,
		      const char *files)
{
	const struct sp_given *target = sp_reader_last(r, "target");
	const struct {
		const char *key, *value;
	} rows[] = { { "name", name },
		     { "from", port },
		     { "protocol", WORD },
		     { "files", files },
		     { "part", part } };
	int rc = sp_plan_add(r->build, SP_PLAN_STREAM, NULL, r->err);

	for (size_t i = 0; i < sizeof rows / sizeof *rows && !rc; i++)
		rc = sp_plan_set(r->build, rows[i].key, rows[i].value, NULL, r->err);
	if (!rc && target)
		rc = sp_plan_set(r->build, "host", target->value, target->spelling, r->err);
	if (!rc)
		rc = sp_reader_set(r, "stream.");
	if (!rc)
		rc = set_rewrite(r);
	if (!rc)
		rc = set_pace(r);
	if (!rc)
		rc = set_ms(r, "maxsleep", "max_gap");
	return rc ? rc : set_ms(r, "loopdelay", "loop_delay");
}

/* Where nothing leaves the process no interface is needed. */
static bool needs_interface(const struct sp_reader *r)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(r->catalog,
								  sp_reader_transport(r, WORD));

	return ops && ops->link && !ops->next_ns;
}

/* What says whose packets leave by which of two interfaces. */
static int check_split(struct sp_reader *r, const struct sp_given *two)
{
	const struct sp_given *split = sp_reader_last(r, "stream.split");
	const struct sp_given *cache = sp_reader_last(r, "stream.cache");

	if (split && cache)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s and %s do not go together",
			       split->spelling, cache->spelling);
	if (cache && !*cache->value)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: the file has no name",
			       cache->spelling);
	if (!two && (split || cache))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: between which interfaces? add --interface2 DEV",
			       split ? split->spelling : cache->spelling);
	return 0;
}

int sp_reader_replay(struct sp_reader *r)
{
	const struct sp_given *one = sp_reader_last(r, "port.interface");
	const struct sp_given *two = sp_reader_last(r, "interface2");
	const char *files = "";
	int rc = answer_theirs(r);

	if (!rc)
		rc = set_live(r);
	if (!rc)
		rc = list_files(r, &files);
	if (!rc)
		rc = keep_inputs(r);
	if (!rc && sp_reader_last(r, "stream.together") && !sp_reader_last(r, "pps"))
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: of how many a second? add --pps N",
			     sp_reader_last(r, "stream.together")->spelling);
	if (!rc && two && sp_reader_last(r, "out_pcap"))
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s and --out do not go together: what leaves goes into one file",
			     two->spelling);
	if (!rc && !one && (two || needs_interface(r)))
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "by which interface? add --interface DEV, or --out FILE.pcap");
	if (!rc)
		rc = check_split(r, two);
	if (!rc)
		rc = add_port(r, "tx0", one);
	if (!rc && two)
		rc = add_port(r, "tx1", two);
	if (!rc)
		rc = add_stream(r, two ? "clients" : "replay", "tx0", two ? "client" : "all",
				files);
	if (!rc && two)
		rc = add_stream(r, "servers", "tx1", "server", files);
	/* Of a conversation nothing may be missing, whatever held it up. */
	if (!rc)
		rc = sp_plan_add(r->build, SP_PLAN_RUN, NULL, r->err);
	return rc ? rc : sp_plan_set(r->build, "catch_up", "smooth", NULL, r->err);
}
