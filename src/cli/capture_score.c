#include <errno.h>
#include <string.h>

#include "capture/score.h"
#include "cli/cmd_capture.h"

#define G_WHAT "What is compared"

static const struct sp_flag flags[] = {
	{ "--format", SP_FLAG_VALUE, "WORD", "format", NULL, G_WHAT,
	  "of the output: nfdump-csv (nfdump -o csv), pmacct-json (lines of nfacctd's print plug-in, "
	  "logs and dumps of pmbgpd and pmbmpd), auto (the default: a line that begins with { is "
	  "JSON)" },
	{ "--by", SP_FLAG_VALUE, "FIELDS", "by", NULL, G_WHAT,
	  "sums by these fields alone: src,dst,src_port,dst_port,proto,tos,flags,in,out,src_as,"
	  "dst_as (default: by all that the output has; nfdump's records one by one)" },
	{ "--renormalized", SP_FLAG_NONE, NULL, "renormalized", "true", G_WHAT,
	  "the collector multiplies packets and bytes by the sampling interval" },
	{ "--all", SP_FLAG_NONE, NULL, "all", "true", "Output",
	  "name everything (default: the first 20 of each kind)" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "true", "Output", "one JSON document" },
	{ 0 },
};

static const struct sp_cli_example examples[] = {
	{ "send --protocol ipfix -t 10.0.0.2 --count 1000 --truth truth.jsonl",
	  "records, and what of them a collector must store" },
	{ "capture score truth.jsonl stored.csv",
	  "against nfdump -R FOLDER -o csv >stored.csv: exit 0 when all is there, else 5" },
	{ "capture score --by src,dst --json truth.jsonl nfacctd.json", "sums by two fields" },
	{ 0 },
};

struct request {
	struct sp_score_conf conf;
	bool json;
};

static int set_format(struct request *r, const char *word, struct sp_err *err)
{
	char shown[40];

	if (strcmp(word, "nfdump-csv") == 0)
		r->conf.format = SP_SCORE_NFDUMP;
	else if (strcmp(word, "pmacct-json") == 0)
		r->conf.format = SP_SCORE_PMACCT;
	else if (strcmp(word, "auto") != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--format '%s': it is nfdump-csv, pmacct-json or auto",
			       sp_str_printable(shown, sizeof shown, word));
	return 0;
}

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;

	(void)spelling;
	if (!flag && !r->conf.truth)
		r->conf.truth = value;
	else if (!flag && !r->conf.output)
		r->conf.output = value;
	else if (!flag)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "two files: the truth and the collector's output");
	else if (strcmp(flag->key, "format") == 0)
		return set_format(r, value, err);
	else if (strcmp(flag->key, "by") == 0)
		r->conf.by = value;
	else if (strcmp(flag->key, "all") == 0)
		r->conf.all = true;
	else if (strcmp(flag->key, "json") == 0)
		r->json = true;
	else
		r->conf.renormalized = true;
	return 0;
}

static void opened(void *arg)
{
	(void)arg;
	sp_capture_confine(-1, -1);
}

static int run(int argc, char **argv)
{
	struct request r = { .conf.opened = opened };
	struct sp_err err = { 0 };
	struct sp_score s;
	struct sp_str out;
	int rc = sp_flags_parse(flags, argc, argv, on_word, &r, &err);

	if (!rc && !r.conf.output)
		rc = sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			     "which files? the truth and the collector's output");
	if (rc)
		return sp_capture_complain(&sp_cmd_capture_score, &err);
	rc = sp_score_run(&s, &r.conf, sp_mem_system(), &err);
	if (rc) {
		sp_score_free(&s);
		return sp_capture_complain(&sp_cmd_capture_score, &err);
	}
	sp_str_init(&out, sp_mem_system());
	(r.json ? sp_score_json : sp_score_text)(&s, &out);
	rc = sp_capture_print(&sp_cmd_capture_score, &out);
	if (!rc && !s.complete)
		rc = SP_EXIT_EXPECT;
	sp_score_free(&s);
	return rc;
}

const struct sp_cli_command sp_cmd_capture_score = {
	.name = "capture score",
	.summary = "what a collector stored against what it must have stored",
	.usage = "[OPTIONS] TRUTH OUTPUT",
	.text = "TRUTH is a file of send or run --truth. The exit status is 0 when everything is there "
		"and nothing else, 5 when not. Both files are read once for each million of "
		"distinct records, so that memory stays bounded.",
	.flags = flags,
	.examples = examples,
	.run = run,
};
