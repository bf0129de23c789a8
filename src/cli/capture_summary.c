#include "cli/cmd_capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/summary.h"

static const struct sp_flag flags[] = {
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "Output",
	  .help = "One JSON document." },
	{ 0 },
};

static const struct sp_cli_example examples[] = {
	{ "capture summary router.pcap", "what is in it, for people" },
	{ "capture summary --json monday.pcapng.gz tuesday.pcapng.gz",
	  "a document about both together" },
	{ 0 },
};

#define FILES_MAX 256

struct request {
	bool json;
	const char *file[FILES_MAX];
	unsigned n;
};

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;

	(void)spelling;
	if (flag)
		r->json = true;
	else if (r->n == FILES_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "at most %d files at a time",
			       FILES_MAX);
	else
		r->file[r->n++] = value;
	return 0;
}

/* A damaged file's good part is in the summary all the same. */
static int read_files(const struct request *r, struct sp_summary *s, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n && !rc; i++)
		rc = sp_summary_read(s, r->file[i], err);
	return rc;
}

static int print(const struct request *r, const struct sp_summary *s)
{
	struct sp_str out;

	sp_str_init(&out, sp_mem_system());
	(r->json ? sp_summary_json : sp_summary_text)(s, &out);
	return sp_capture_print(&sp_cmd_capture_summary, &out);
}

static int run(int argc, char **argv)
{
	struct request r = { 0 };
	struct sp_err err = { 0 };
	struct sp_summary *s = NULL;
	int rc, status = SP_EXIT_OK;

	rc = sp_flags_parse(flags, argc, argv, on_word, &r, &err);
	if (!rc && !r.n)
		rc = sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "which file?");
	if (!rc)
		rc = sp_summary_new(&s, sp_mem_system(), &err);
	if (!rc)
		rc = read_files(&r, s, &err);
	if (s && sp_summary_opened(s))
		status = print(&r, s);
	sp_summary_free(s);
	return rc ? sp_capture_complain(&sp_cmd_capture_summary, &err) : status;
}

const struct sp_cli_command sp_cmd_capture_summary = {
	.name = "capture summary",
	.summary = "what is in captures: packets, protocols, sessions, oddities",
	.usage = "[OPTIONS] FILE...",
	.text = "Several files are one capture, in the order in which they are named.",
	.flags = flags,
	.examples = examples,
	.run = run,
};
