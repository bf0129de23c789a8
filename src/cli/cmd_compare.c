#include "cli/cmd_compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compare/compare.h"

const struct sp_flag sp_cmd_compare_flags[] = {
	{ .spell = "--with",
	  .key = "with",
	  .value = "true",
	  .group = "Options",
	  .help = "the runs after this word are B, those before it A; without it there are two "
		  "runs, A and B" },
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "Options",
	  .help = "one JSON document with all figures, intervals and p values" },
	{ 0 },
};

struct words {
	const char *path[2][SP_COMPARE_RUNS];
	size_t n[2];
	unsigned side;
	bool json;
};

static int on_flag(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct words *w = arg;

	if (!flag) {
		if (w->n[w->side] == SP_COMPARE_RUNS)
			return sp_fail(err, -E2BIG, SP_EXIT_USAGE, "more than %u runs a side",
				       SP_COMPARE_RUNS);
		w->path[w->side][w->n[w->side]++] = value;
		return 0;
	}
	if (strcmp(flag->key, "json") == 0)
		w->json = true;
	else if (w->side++)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s twice: there are two sides",
			       spelling);
	return 0;
}

static int check(struct words *w, struct sp_err *err)
{
	if (w->side == 0 && w->n[0] == 2) {
		w->path[1][0] = w->path[0][1];
		w->n[0] = w->n[1] = 1;
		return 0;
	}
	if (w->side && w->n[0] && w->n[1])
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "two runs are needed, or sets of runs with --with between them: spate "
		       "compare A B, spate compare A1 A2 A3 A4 --with B1 B2 B3 B4");
}

struct loaded {
	struct sp_compared_run *run[2];
	size_t n[2];
};

static int load(struct loaded *l, const struct words *w, struct sp_err *err)
{
	const struct sp_mem *mem = sp_mem_system();
	int rc;

	for (unsigned s = 0; s < 2; s++) {
		l->run[s] = sp_alloc_array(mem, w->n[s], sizeof *l->run[s]);
		if (!l->run[s])
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		for (size_t i = 0; i < w->n[s]; i++) {
			l->n[s] = i + 1;
			rc = sp_compare_load(&l->run[s][i], w->path[s][i], mem, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static void unload(struct loaded *l)
{
	for (unsigned s = 0; s < 2; s++) {
		for (size_t i = 0; i < l->n[s]; i++)
			sp_compare_unload(&l->run[s][i], sp_mem_system());
		sp_free(sp_mem_system(), l->run[s]);
	}
}

static int print(const struct sp_comparison *c, bool json, struct sp_err *err)
{
	struct sp_str out;
	int rc = 0;

	sp_str_init(&out, sp_mem_system());
	if (json)
		sp_compare_json(&out, c);
	else
		sp_compare_text(&out, c);
	if (out.failed)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else if (fputs(out.text, stdout) < 0 || fflush(stdout))
		rc = sp_fail(err, -errno, SP_EXIT_IO, "cannot write the result: %s",
			     strerror(errno));
	sp_str_fini(&out);
	return rc;
}

int sp_cmd_compare(int argc, char **argv)
{
	struct sp_comparison c;
	struct words w = { 0 };
	struct loaded l = { 0 };
	struct sp_err err = { 0 };
	int rc = sp_flags_parse(sp_cmd_compare_flags, argc, argv, on_flag, &w, &err);

	if (rc == 0)
		rc = check(&w, &err);
	if (rc == 0)
		rc = load(&l, &w, &err);
	if (rc == 0 && sp_compare(&c, sp_mem_system(), l.run[0], l.n[0], l.run[1], l.n[1]))
		rc = sp_fail(&err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (rc == 0)
		rc = print(&c, w.json, &err);
	unload(&l);
	if (rc)
		fprintf(stderr, "spate compare: %s\n", err.text);
	return rc ? (int)err.exit : SP_EXIT_OK;
}
