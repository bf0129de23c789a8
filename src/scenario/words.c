#include "scenario/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "engine/plan.h"
#include "engine/protocol.h"
#include "scenario/words_impl.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- what was given ---- */

static int note(void *arg, const struct sp_flag *flag, const char *value, const char *spelling,
		struct sp_err *err)
{
	struct sp_reader *r = arg;
	struct sp_given *g = &r->given[r->n_given];

	g->flag = flag;
	g->value = value;
	g->spelling = sp_arena_strdup(&r->scratch, spelling);
	if (!g->spelling)
		return no_memory(err);
	r->n_given++;
	return 0;
}

const struct sp_given *sp_reader_last(const struct sp_reader *r, const char *key)
{
	for (unsigned i = r->n_given; i-- > 0;)
		if (r->given[i].flag && strcmp(r->given[i].flag->key, key) == 0)
			return &r->given[i];
	return NULL;
}

/* Repeating a flag is changing one's mind: the last one counts. */
static bool is_last(const struct sp_reader *r, const struct sp_given *g)
{
	return sp_reader_last(r, g->flag->key) == g;
}

/* ---- into the plan ---- */

static bool has(const struct sp_opt *rows, const char *key)
{
	return rows && sp_opt_find(rows, key);
}

bool sp_reader_lacks(const struct sp_reader *r, enum sp_plan_item item, const char *word,
		     struct sp_given *g, const char *key)
{
	int role = item == SP_PLAN_STREAM ? SP_ROLE_CLIENT : SP_ROLE_SERVER;
	struct sp_protocol p;

	if (item == SP_PLAN_STREAM && strcmp(key, "model") == 0) {
		g->taken = true; /* other rows in another word */
		return false;
	}
	if (has(sp_plan_rows(item), key) ||
	    (item == SP_PLAN_STREAM && has(sp_plan_profile_rows(), key)))
		return false;
	if (sp_protocol_find(r->catalog, word, role, &p))
		return false; /* the plan says what is wrong with it */
	if (!sp_protocol_has(&p, key))
		return true;
	g->taken = true;
	return false;
}

int sp_reader_all_taken(const struct sp_reader *r, enum sp_plan_item item, const char *prefix)
{
	size_t len = strlen(prefix);

	for (unsigned i = 0; i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];

		if (g->flag && !g->taken && is_last(r, g) &&
		    strncmp(g->flag->key, prefix, len) == 0 &&
		    !has(sp_plan_rows(item), g->flag->key + len) &&
		    !has(sp_plan_profile_rows(), g->flag->key + len))
			return sp_fail(r->err, -ENOENT, SP_EXIT_USAGE,
				       "%s: no protocol here has such a setting", g->spelling);
	}
	return 0;
}

int sp_reader_set(struct sp_reader *r, const char *prefix)
{
	size_t len = strlen(prefix);

	for (unsigned i = 0; i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];
		int rc;

		if (!g->flag || strncmp(g->flag->key, prefix, len) != 0 || !is_last(r, g) ||
		    strcmp(g->flag->key + len, "protocol") == 0)
			continue;
		rc = sp_plan_set(r->build, g->flag->key + len, g->value, g->spelling, r->err);
		if (rc)
			return rc;
	}
	return 0;
}

const char *sp_reader_transport(const struct sp_reader *r, const char *word)
{
	const struct sp_given *out = sp_reader_last(r, "out_pcap");
	const struct sp_given *transport = sp_reader_last(r, "transport");
	struct sp_protocol p;

	if (out)
		return "pcap";
	if (transport)
		return transport->value;
	if (r->frames || sp_reader_crafts(r, word))
		return "packet";
	return sp_protocol_find(r->catalog, word, SP_ROLE_CLIENT, &p) ? "udp" : p.transport;
}

/* Where several transports are in use, a setting is for those that have it. */
static bool lacks(const struct sp_reader *r, const char *transport, const char *key)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(r->catalog, transport);

	return r->mixed && ops && ops->opts && !sp_opt_find(ops->opts, key);
}

/* --congestion reno: the flag is the setting. */
static int set_named(struct sp_reader *r, const struct sp_given *g, const char *on)
{
	const char *key = g->flag->key + strlen("setting.");

	if (!is_last(r, g) || lacks(r, on, key))
		return 0;
	return sp_plan_set(r->build, key, g->value, g->spelling, r->err);
}

static int set_one(struct sp_reader *r, const struct sp_given *g, const char *on)
{
	const char *eq = strchr(g->value, '=');
	char key[64];

	if (!eq || eq == g->value || eq - g->value >= (ptrdiff_t)sizeof key) {
		sp_str_printable(key, sizeof key, g->value);
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is not KEY=VALUE",
			       g->spelling, key);
	}
	memcpy(key, g->value, (size_t)(eq - g->value));
	key[eq - g->value] = '\0';
	if (lacks(r, on, key))
		return 0;
	return sp_plan_set(r->build, key, eq + 1, g->spelling, r->err);
}

int sp_reader_set_port(struct sp_reader *r, const char *word)
{
	const struct sp_given *out = sp_reader_last(r, "out_pcap");
	const struct sp_given *transport = sp_reader_last(r, "transport");
	int rc = 0;

	if (out && transport && strcmp(transport->value, "pcap") != 0)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "--out writes a file by the transport pcap; it cannot go with "
			       "%s %s",
			       transport->spelling, transport->value);
	if (out)
		rc = sp_plan_set(r->build, "transport", "pcap", out->spelling, r->err);
	else if (transport)
		rc = sp_plan_set(r->build, "transport", transport->value, transport->spelling,
				 r->err);
	else if (strcmp(sp_reader_transport(r, word), "udp") != 0)
		rc = sp_plan_set(r->build, "transport", sp_reader_transport(r, word), word,
				 r->err);
	if (!rc && out)
		rc = sp_plan_set(r->build, "file", out->value, out->spelling, r->err);
	for (unsigned i = 0; i < r->n_given && !rc; i++) {
		const struct sp_given *g = &r->given[i];

		if (g->flag && strcmp(g->flag->key, "setting") == 0)
			rc = set_one(r, g, sp_reader_transport(r, word));
		else if (g->flag && strncmp(g->flag->key, "setting.", 8) == 0)
			rc = set_named(r, g, sp_reader_transport(r, word));
	}
	return rc ? rc : sp_reader_set(r, "port.");
}

/* A seed that nobody gave is drawn only where it shows: plans of the same words have the same
 * digest as far as can be. 32 bits are easier to read and to type. */
static int set_seed(struct sp_reader *r)
{
	char text[16];
	uint32_t seed;

	if (!r->random || sp_reader_last(r, "run.seed"))
		return 0;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return sp_fail(r->err, -errno, SP_EXIT_FAILED,
			       "the system gives no random number; give a --seed");
	snprintf(text, sizeof text, "%u", (unsigned)seed);
	r->words->out.seed_drawn = true;
	return sp_plan_set(r->build, "seed", text, "--seed", r->err);
}

static int set_run(struct sp_reader *r, const char *command)
{
	int rc = sp_plan_add(r->build, SP_PLAN_RUN, NULL, r->err);

	if (!rc)
		rc = sp_plan_set(r->build, "name", command, NULL, r->err);
	if (!rc && sp_reader_last(r, "out_pcap"))
		rc = sp_plan_set(r->build, "virtual", "yes", "--out", r->err);
	if (!rc)
		rc = sp_reader_set(r, "run.");
	if (!rc)
		rc = set_seed(r);
	return rc;
}

/* ---- output ---- */

struct switch_row {
	const char *key;
	size_t off; /* of a bool */
};

static void read_switches(const struct sp_reader *r, struct sp_words_output *out)
{
#define AT(member) offsetof(struct sp_words_output, member)
	static const struct switch_row rows[] = {
		{ "out.json", AT(json) },
		{ "out.csv", AT(csv) },
		{ "out.plain", AT(plain) },
		{ "out.dry_run", AT(dry_run) },
		{ "out.verbose", AT(verbose) },
		{ "out.quiet", AT(quiet) },
		{ "out.no_run_dir", AT(no_run_dir) },
		{ "out.no_sandbox", AT(no_sandbox) },
	};
#undef AT
	const struct sp_given *live = sp_reader_last(r, "out.live");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		*(bool *)((char *)out + rows[i].off) = sp_reader_last(r, rows[i].key) != NULL;
	if (live)
		out->live = strcmp(live->value, "on") == 0 ? SP_LIVE_ON : SP_LIVE_OFF;
}

/* Pairs that contradict each other. */
static int check_switches(const struct sp_reader *r)
{
	static const char *const pairs[][2] = {
		{ "out.json", "out.csv" },	     { "out.json", "out.plain" },
		{ "out.csv", "out.plain" },	     { "out.verbose", "out.quiet" },
		{ "out.run_dir", "out.no_run_dir" },
	};
	const struct sp_given *dir = sp_reader_last(r, "out.run_dir");

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		const struct sp_given *a = sp_reader_last(r, pairs[i][0]);
		const struct sp_given *b = sp_reader_last(r, pairs[i][1]);

		if (a && b)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s and %s do not go together", a->spelling,
				       b->spelling);
	}
	if (dir && !*dir->value)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: the folder has no name",
			       dir->spelling);
	return 0;
}

static int keep_text(struct sp_reader *r, const char *key, const char **out)
{
	const struct sp_given *g = sp_reader_last(r, key);

	if (!g)
		return 0;
	*out = sp_arena_strdup(&r->words->plan->arena, g->value);
	return *out ? 0 : no_memory(r->err);
}

/* ---- keys ---- */

static int read_lease(struct sp_reader *r, struct sp_words_keys *k)
{
	const struct sp_given *g = sp_reader_last(r, "keys.lease");
	struct sp_rate rate;
	char shown[80];

	k->lease_pps = UINT64_MAX;
	if (!g)
		return 0;
	if (strcmp(g->value, "0") == 0) {
		k->lease_pps = 0;
		return 0;
	}
	if (sp_parse_rate(g->value, &rate) || rate.kind == SP_RATE_BPS ||
	    (rate.kind == SP_RATE_PPS && rate.micro < 1000000))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is not a number of packets a second (0, 10kpps, max)",
			       g->spelling, sp_str_printable(shown, sizeof shown, g->value));
	if (rate.kind == SP_RATE_PPS)
		k->lease_pps = rate.micro / 1000000;
	return 0;
}

/* Keys are shown in control sessions; who wants none cannot want these. */
static int read_keys(struct sp_reader *r, bool sends, struct sp_words_keys *k)
{
	static const char *const keys[] = { "keys.file", "keys.trust", "keys.pair",
					    "keys.lease" };
	const struct sp_given *off = sp_reader_last(r, "run.control"), *g;
	int rc = 0;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		g = sp_reader_last(r, keys[i]);
		if (g && off)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s and %s do not go together", g->spelling,
				       off->spelling);
		if (g && !*g->value)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: nothing is named",
				       g->spelling);
	}
	rc = read_lease(r, k);
	if (!rc)
		rc = keep_text(r, "keys.file", &k->key_file);
	if (!rc)
		rc = keep_text(r, "keys.trust", &k->trust);
	if (!rc && sends)
		rc = keep_text(r, "keys.pair", &k->code);
	k->pair = !sends && sp_reader_last(r, "keys.pair");
	return rc;
}

/* ---- all of it ---- */

/* What a line of a file says wrongly is bad data, not bad usage: such sentences begin with the
 * file's name. */
static void blame_file(const struct sp_reader *r)
{
	for (unsigned i = 0; r->err && i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];
		size_t len = strlen(g->value);

		if (g->flag && strcmp(g->flag->key, "targets") == 0 &&
		    r->err->exit == SP_EXIT_USAGE &&
		    strncmp(r->err->text, g->value, len) == 0 && r->err->text[len] == ':')
			r->err->exit = SP_EXIT_DATA;
	}
}

/* A capture is of an interface. */
static int read_capture(struct sp_reader *r, struct sp_words_output *out)
{
	const struct sp_given *g = sp_reader_last(r, "out.capture");
	int rc;

	if (!g)
		return 0;
	if (!sp_reader_last(r, "port.interface"))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: of which interface? add --interface DEV", g->spelling);
	if (!*g->value || g->value[strlen(g->value) - 1] == '/')
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: the file has no name",
			       g->spelling);
	rc = keep_text(r, "out.capture", &out->capture);
	if (!rc)
		rc = keep_text(r, "port.interface", &out->interface);
	return rc ? rc : keep_text(r, "recv.filter", &out->filter);
}

/* A truth is of streams that know what they say. */
static int read_truth(struct sp_reader *r, struct sp_words_output *out)
{
	const struct sp_given *g = sp_reader_last(r, "out.truth");
	const struct sp_plan *plan = r->words->plan;

	for (unsigned i = 0; g && i < plan->n_streams; i++) {
		const char *word = plan->streams[i].protocol;

		if (!sp_protocol_has_truth(r->catalog, word))
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: what is sent by protocol %s is stored by "
				       "nobody; " SP_TRUTH_OF " have a truth",
				       g->spelling, word);
	}
	return keep_text(r, "out.truth", &out->truth);
}

static int seal(struct sp_reader *r, bool sends)
{
	struct sp_words *w = r->words;
	int rc = sp_plan_seal(r->build, &w->plan, r->err);

	if (rc)
		return rc;
	w->out.name = w->plan->run.name;
	if (r->drawn) {
		w->out.drawn = sp_arena_strdup(&w->plan->arena, r->drawn);
		if (!w->out.drawn)
			return no_memory(r->err);
	}
	if (r->notes && *r->notes) {
		w->out.notes = sp_arena_strdup(&w->plan->arena, r->notes);
		if (!w->out.notes)
			return no_memory(r->err);
	}
	rc = read_keys(r, sends, &w->out.keys);
	if (!rc)
		rc = keep_text(r, "out.run_dir", &w->out.run_dir);
	if (!rc)
		rc = read_capture(r, &w->out);
	if (!rc)
		rc = read_truth(r, &w->out);
	return rc ? rc : keep_text(r, "out_pcap", &w->out.out_pcap);
}

static int read_all(struct sp_reader *r, const char *command, int argc, char *const argv[])
{
	bool sends = strcmp(command, "recv") != 0;
	int rc;

	/* Each word of argv is given once, but -qv is two. */
	size_t room = 1 + SP_WORDS_DRAWN;
	for (int i = 0; i < argc; i++)
		room += 1 + strlen(argv[i]);
	r->given = sp_alloc_array(r->mem, room, sizeof *r->given);
	if (!r->given)
		return no_memory(r->err);
	rc = sp_flags_parse(sp_words_flags(command), argc, argv, note, r, r->err);
	if (!rc)
		rc = check_switches(r);
	if (rc)
		return rc;
	read_switches(r, &r->words->out);
	if (strcmp(command, "replay") == 0)
		rc = sp_reader_replay(r);
	else
		rc = sends ? sp_reader_send(r) : sp_reader_recv(r);
	if (!rc)
		rc = set_run(r, command);
	return rc ? rc : seal(r, sends);
}

int sp_words_parse(const char *command, int argc, char *const argv[], const struct sp_mem *mem,
		   const struct sp_catalog *catalog, struct sp_words *words, struct sp_err *err)
{
	struct sp_reader r = { .mem = mem, .words = words, .err = err };
	int rc;

	*words = (struct sp_words){ 0 };
	if (!sp_words_flags(command))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: no such command", command);
	sp_arena_init(&r.scratch, mem);
	r.catalog = catalog;
	rc = sp_plan_build_new(&r.build, mem, catalog);
	if (rc)
		no_memory(err);
	else
		rc = read_all(&r, command, argc, argv);
	if (rc)
		blame_file(&r);
	sp_plan_build_free(r.build);
	sp_free(mem, r.given);
	sp_free(mem, r.targets);
	sp_arena_fini(&r.scratch);
	if (rc)
		sp_words_free(words);
	return rc;
}

/* ---- spate run ---- */

static int read_run(struct sp_reader *r, struct sp_words_run *w)
{
	const struct sp_given *g;
	int rc = check_switches(r);

	if (rc)
		return rc;
	read_switches(r, &w->out);
	for (unsigned i = 0; i < r->n_given; i++) {
		g = &r->given[i];
		if (!g->flag && w->file)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "one file at a time: %s, or %s", w->file, g->value);
		if (!g->flag)
			w->file = g->value;
	}
	if (!w->file)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "which scenario? spate run FILE");
	if ((g = sp_reader_last(r, "out.run_dir")))
		w->out.run_dir = g->value;
	if ((g = sp_reader_last(r, "run.name")))
		w->out.name = g->value;
	if ((g = sp_reader_last(r, "out.truth")))
		w->out.truth = g->value;
	if ((g = sp_reader_last(r, "junit")))
		w->junit = g->value;
	if ((g = sp_reader_last(r, "on_loss")))
		w->on_loss = g->value;
	if (w->on_loss && strcmp(w->on_loss, "continue") != 0 &&
	    strcmp(w->on_loss, "abort") != 0)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: it is continue or abort",
			       g->spelling);
	g = sp_reader_last(r, "repeats");
	if (g && (sp_parse_u64(g->value, &w->repeats) || !w->repeats || w->repeats > 1000))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: 1 to 1000 are possible",
			       g->spelling);
	return 0;
}

int sp_words_run_parse(int argc, char *const argv[], const struct sp_mem *mem,
		       struct sp_words_run *w, struct sp_err *err)
{
	struct sp_reader r = { .mem = mem, .err = err };
	size_t room = 1;
	int rc;

	*w = (struct sp_words_run){ 0 };
	sp_arena_init(&r.scratch, mem);
	for (int i = 0; i < argc; i++)
		room += 1 + strlen(argv[i]);
	r.given = sp_alloc_array(mem, room, sizeof *r.given);
	rc = r.given ? sp_flags_parse(sp_run_flags, argc, argv, note, &r, err) : no_memory(err);
	if (!rc)
		rc = read_run(&r, w);
	sp_free(mem, r.given);
	sp_arena_fini(&r.scratch);
	return rc;
}

void sp_words_free(struct sp_words *w)
{
	sp_plan_free(w->plan);
	*w = (struct sp_words){ 0 };
}
