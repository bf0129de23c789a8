/* The passes, and what they found. */
#include "capture/score.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "capture/score_impl.h"

#define MOST_PASSES 65536u

struct scoring {
	const struct sp_score_conf *conf;
	struct sp_score *s;
	struct sp_score_file truth, output;
	struct sp_score_table table;
	struct sp_err *err;
	uint32_t fields; /* bits: the key */
	bool exact;	 /* records one by one */
	bool routes;
};

/* ---- keys ---- */

static void make_key(const struct scoring *g, const struct sp_score_fact *f,
		     char key[SP_SCORE_KEY])
{
	size_t len = 0;

	key[0] = '\0';
	for (unsigned i = 0; i < SP_SCORE_FIELDS; i++)
		if (g->fields & 1u << i)
			len += (size_t)snprintf(key + len, SP_SCORE_KEY - len, "%s%s %s",
						len ? " " : "", sp_score_fields[i].name,
						f->has & 1u << i ? f->value[i] : "-");
}

static int read_by(struct scoring *g)
{
	const char *at = g->conf->by;
	char shown[60];

	while (*at) {
		size_t len = strcspn(at, ",");
		unsigned i = 0;

		while (i < SP_SCORE_FIELDS && (strlen(sp_score_fields[i].name) != len ||
					       strncmp(at, sp_score_fields[i].name, len) != 0))
			i++;
		if (i == SP_SCORE_FIELDS) {
			sp_str_printable(shown, sizeof shown, at);
			return sp_fail(
				g->err, -EINVAL, SP_EXIT_USAGE,
				"--by %s: there is no such field; there are src, dst, "
				"src_port, dst_port, proto, tos, flags, in, out, src_as, "
				"dst_as, peer, prefix",
				shown);
		}
		g->fields |= 1u << i;
		at += len + (at[len] == ',');
	}
	return 0;
}

/* What the output has and the truth knows decides what is compared. The first line of each tells. */
static int settle(struct scoring *g)
{
	struct sp_score_fact t, o;
	int rc = sp_score_next(&g->truth, &t, g->err), ro;

	if (rc < 0)
		return rc;
	ro = sp_score_next(&g->output, &o, g->err);
	if (ro < 0)
		return ro;
	if (rc && ro && t.route != o.route)
		return sp_fail(g->err, -EBADMSG, SP_EXIT_DATA,
			       "%s is of %s, %s of %s: they cannot be compared", g->truth.path,
			       t.route ? "routes" : "flows", g->output.path,
			       o.route ? "routes" : "flows");
	g->routes = rc ? t.route : ro && o.route;
	g->exact = !g->routes && g->output.format == SP_SCORE_NFDUMP && !g->conf->by;
	if (g->conf->by)
		rc = read_by(g);
	else
		g->fields = (rc ? t.has : UINT32_MAX) & (ro ? o.has : UINT32_MAX) &
			    ((1u << SP_SCORE_FIELDS) - 1);
	if (rc > 0 && ro && !g->fields)
		return sp_fail(g->err, -EBADMSG, SP_EXIT_DATA,
			       "%s and %s have no field in common", g->truth.path,
			       g->output.path);
	return rc < 0 ? rc : 0;
}

/* ---- reading ---- */

static void add(struct scoring *g, struct sp_score_entry *e, const struct sp_score_fact *f,
		bool want)
{
	uint64_t *n = want ? e->want : e->got;
	uint32_t *count = want ? &e->n_want : &e->n_got;

	if (g->routes) {
		*count = !f->gone;
		memcpy(n, f->number, sizeof e->want);
		return;
	}
	++*count;
	for (unsigned i = 0; i < 2 && !g->exact; i++)
		n[i] += f->number[i];
}

/* One file, of it the keys of one part. 0, -ENOBUFS: there are too many for the table. */
static int read_part(struct scoring *g, bool want, unsigned part, unsigned parts)
{
	struct sp_score_file *file = want ? &g->truth : &g->output;
	struct sp_score_fact f;
	char key[SP_SCORE_KEY];
	int rc = sp_score_rewind(file, g->err);

	if (rc)
		return rc;
	while ((rc = sp_score_next(file, &f, g->err)) > 0) {
		struct sp_score_entry *e;
		uint64_t hash;

		if (f.route != g->routes)
			return sp_score_bad(file, "flows and routes are mixed", g->err);
		if (want && !f.route && g->conf->renormalized) {
			f.number[0] *= f.number[2];
			f.number[1] *= f.number[2];
		}
		make_key(g, &f, key);
		hash = sp_hash_text(key);
		if ((hash >> 40) % parts != part)
			continue;
		e = sp_score_table_get(&g->table, key, hash, g->exact ? f.number : NULL);
		if (!e)
			return -ENOBUFS;
		add(g, e, &f, want);
	}
	return rc;
}

/* ---- judging ---- */

static void name_it(struct scoring *g, enum sp_score_kind kind, const struct sp_score_entry *e,
		    const struct sp_score_entry *other, uint64_t times)
{
	struct sp_score *s = g->s;
	struct sp_json j;

	s->of[kind] += times;
	if (!g->conf->all && s->listed[kind] >= SP_SCORE_LISTED)
		return;
	if (s->listed[kind]++)
		sp_str_puts(&s->list[kind], ",");
	sp_json_init(&j, &s->list[kind], 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "key", e->key);
	sp_json_u64(&j, "times", times);
	if (!g->routes) {
		const uint64_t *n = kind == SP_SCORE_EXTRA && !g->exact ? e->got : e->want;
		const uint64_t *got = g->exact && other ? other->want : e->got;

		sp_json_u64(&j, "packets", n[0]);
		sp_json_u64(&j, "bytes", n[1]);
		if (kind == SP_SCORE_WRONG) {
			sp_json_u64(&j, "got_packets", got[0]);
			sp_json_u64(&j, "got_bytes", got[1]);
		}
	} else if (kind == SP_SCORE_WRONG) {
		sp_json_bool(&j, "next_hop", e->want[0] == e->got[0]);
		sp_json_bool(&j, "as_path", e->want[1] == e->got[1]);
		sp_json_bool(&j, "communities", e->want[2] == e->got[2]);
	}
	sp_json_close(&j, '}');
}

static void judge_sum(struct scoring *g, const struct sp_score_entry *e)
{
	if (!e->n_want && !e->n_got)
		return; /* a route that came and went */
	g->s->expected += e->n_want != 0;
	if (!e->n_got)
		name_it(g, SP_SCORE_MISSING, e, NULL, 1);
	else if (!e->n_want)
		name_it(g, SP_SCORE_EXTRA, e, NULL, 1);
	else if (memcmp(e->want, e->got, (g->routes ? 3 : 2) * sizeof *e->want) != 0)
		name_it(g, SP_SCORE_WRONG, e, NULL, 1);
	else
		g->s->right++;
}

static int by_key(const void *a, const void *b)
{
	const struct sp_score_entry *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	if (!c)
		c = memcmp(x->want, y->want, 2 * sizeof *x->want);
	return c;
}

static uint32_t lacks(const struct sp_score_entry *e)
{
	return e->n_want > e->n_got ? e->n_want - e->n_got : 0;
}

static uint32_t surplus(const struct sp_score_entry *e)
{
	return e->n_got > e->n_want ? e->n_got - e->n_want : 0;
}

/* Records of one key: what lacks and what is too much are one record whose counters are wrong. */
static void judge_records(struct scoring *g, struct sp_score_entry *e, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t less = lacks(&e[i]);

		g->s->expected += e[i].n_want;
		g->s->right += e[i].n_want - less;
		while (less) {
			uint32_t pair;

			while (k < n && !surplus(&e[k]))
				k++;
			if (k == n) {
				name_it(g, SP_SCORE_MISSING, &e[i], NULL, less);
				break;
			}
			pair = surplus(&e[k]) < less ? surplus(&e[k]) : less;
			name_it(g, SP_SCORE_WRONG, &e[i], &e[k], pair);
			e[k].n_got -= pair;
			less -= pair;
		}
	}
	for (; k < n; k++)
		if (surplus(&e[k]))
			name_it(g, SP_SCORE_EXTRA, &e[k], NULL, surplus(&e[k]));
}

static void judge(struct scoring *g)
{
	struct sp_score_table *t = &g->table;
	uint32_t from = 0;

	qsort(t->entry, t->n, sizeof *t->entry, by_key);
	for (uint32_t i = 0; i < t->n && !g->exact; i++)
		judge_sum(g, &t->entry[i]);
	for (uint32_t i = 1; i <= t->n && g->exact; i++) {
		if (i < t->n && strcmp(t->entry[i].key, t->entry[from].key) == 0)
			continue;
		judge_records(g, &t->entry[from], i - from);
		from = i;
	}
}

/* ---- all of it ---- */

static void forget(struct sp_score *s)
{
	s->expected = s->right = 0;
	for (unsigned i = 0; i < SP_SCORE__N; i++) {
		s->of[i] = s->listed[i] = 0;
		sp_str_clear(&s->list[i]);
	}
}

static int one_pass(struct scoring *g, unsigned part, unsigned parts, const struct sp_mem *mem)
{
	uint32_t cap = g->conf->entries ? g->conf->entries : SP_SCORE_ENTRIES;
	int rc = sp_score_table_init(&g->table, cap, mem);

	if (rc)
		return sp_fail(g->err, rc, SP_EXIT_FAILED, "out of memory");
	rc = read_part(g, true, part, parts);
	if (!rc)
		rc = read_part(g, false, part, parts);
	if (!rc)
		judge(g);
	sp_score_table_fini(&g->table);
	return rc;
}

static int all_passes(struct scoring *g, const struct sp_mem *mem)
{
	unsigned parts = 1;
	int rc;

	for (;;) {
		rc = 0;
		forget(g->s);
		for (unsigned part = 0; part < parts && !rc; part++)
			rc = one_pass(g, part, parts, mem);
		if (rc != -ENOBUFS)
			break;
		parts *= 2;
		if (parts > MOST_PASSES)
			return sp_fail(g->err, -E2BIG, SP_EXIT_FAILED,
				       "there are too many distinct records");
	}
	g->s->passes = parts;
	return rc;
}

static void finish(struct scoring *g)
{
	struct sp_score *s = g->s;
	size_t len = 0;

	s->unit = g->routes ? "route" : g->exact ? "record" : "flow";
	s->other_lines = g->output.other;
	for (unsigned i = 0; i < SP_SCORE_FIELDS; i++)
		if (g->fields & 1u << i)
			len += (size_t)snprintf(s->fields + len, sizeof s->fields - len, "%s%s",
						len ? "," : "", sp_score_fields[i].name);
	s->complete = s->right == s->expected && !s->of[SP_SCORE_MISSING] &&
		      !s->of[SP_SCORE_EXTRA] && !s->of[SP_SCORE_WRONG];
}

int sp_score_run(struct sp_score *s, const struct sp_score_conf *conf, const struct sp_mem *mem,
		 struct sp_err *err)
{
	struct scoring g = { .conf = conf, .s = s, .err = err };
	int rc;

	*s = (struct sp_score){ 0 };
	for (unsigned i = 0; i < SP_SCORE__N; i++)
		sp_str_init(&s->list[i], mem);
	rc = sp_score_open(&g.truth, conf->truth, SP_SCORE_AUTO, mem, err);
	if (!rc)
		rc = sp_score_open(&g.output, conf->output, conf->format, mem, err);
	if (!rc && conf->opened)
		conf->opened(conf->opened_arg);
	if (!rc && conf->format == SP_SCORE_AUTO)
		sp_score_guess(&g.output);
	if (!rc)
		rc = settle(&g);
	if (!rc)
		rc = all_passes(&g, mem);
	if (!rc && !g.truth.line)
		rc = sp_fail(err, -ENODATA, SP_EXIT_DATA,
			     "%s: this truth is empty; did anything leave?", conf->truth);
	if (!rc)
		finish(&g);
	for (unsigned i = 0; i < SP_SCORE__N && !rc; i++)
		if (s->list[i].failed)
			rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	sp_score_close(&g.truth, mem);
	sp_score_close(&g.output, mem);
	return rc;
}

void sp_score_free(struct sp_score *s)
{
	for (unsigned i = 0; i < SP_SCORE__N; i++)
		sp_str_fini(&s->list[i]);
}
