#include "cli/cmd_capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/summary.h"

static const struct sp_flag flags[] = {
	{ .spell = "--filter",
	  .arg = SP_FLAG_VALUE,
	  .meta = "FILTER",
	  .key = "filter",
	  .group = "Which packets",
	  .help = "Only these, in tcpdump's language (pcap-filter(7)), such as 'udp port 4739'." },
	{ .spell = "--where",
	  .arg = SP_FLAG_VALUE,
	  .meta = "FIELDS",
	  .key = "where",
	  .group = "Which packets",
	  .help = "Only those with these values in their headers: " SP_CAPTURE_WHERE_HELP },
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
	{ "capture summary --where 'ip.src=10.0.0.0/8,udp.dport=9991|4739' router.pcap",
	  "of some exporters only" },
	{ 0 },
};

struct request {
	bool json;
	struct sp_capsum_conf conf;
	struct sp_cap_file file[SP_SUMMARY_FILES];
	unsigned n;
};

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;

	(void)spelling;
	if (flag && strcmp(flag->key, "filter") == 0)
		r->conf.filter = value;
	else if (flag && strcmp(flag->key, "where") == 0)
		r->conf.where = value;
	else if (flag)
		r->json = true;
	else if (r->n == SP_SUMMARY_FILES)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "at most %u files at a time",
			       SP_SUMMARY_FILES);
	else
		r->file[r->n++].path = value;
	return 0;
}

/* A damaged file's good part is in the summary all the same. */
static int read_files(struct request *r, struct sp_capsum *s, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n; i++)
		sp_cap_file_open(&r->file[i], r->file[i].path);
	sp_capture_confine(-1, -1);
	for (unsigned i = 0; i < r->n && !rc; i++)
		rc = sp_capsum_read_file(s, &r->file[i], err);
	for (unsigned i = 0; i < r->n; i++)
		sp_cap_file_close(&r->file[i]);
	return rc;
}

static int print(const struct request *r, const struct sp_capsum *s)
{
	struct sp_str out;

	sp_str_init(&out, sp_mem_system());
	(r->json ? sp_capsum_json : sp_capsum_text)(s, &out);
	return sp_capture_print(&sp_cmd_capture_summary, &out);
}

static int run(int argc, char **argv)
{
	struct request r = { 0 };
	struct sp_err err = { 0 }, end = { 0 };
	struct sp_capsum *s = NULL;
	int rc, status = SP_EXIT_OK;

	rc = sp_flags_parse(flags, argc, argv, on_word, &r, &err);
	if (!rc && !r.n)
		rc = sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "which file?");
	if (!rc)
		rc = sp_capsum_new(&s, &r.conf, sp_mem_system(), &err);
	if (!rc)
		rc = read_files(&r, s, &err);
	if (s && sp_capsum_end(s, &end) && !rc)
		rc = sp_fail(&err, end.code, end.exit, "%s", end.text);
	if (s && sp_capsum_opened(s))
		status = print(&r, s);
	sp_capsum_free(s);
	return rc ? sp_capture_complain(&sp_cmd_capture_summary, &err) : status;
}

const struct sp_cli_command sp_cmd_capture_summary = {
	.name = "capture summary",
	.summary = "what is in captures: packets, protocols, sessions, oddities",
	.usage = "[OPTIONS] FILE...",
	.text = "Counts packets, octets, flows (protocol, addresses and port numbers; each direction "
		"is its own) and protocols, puts streams together and says what sessions of "
		"telemetry in them hold. Several files are one capture, in the order in which they "
		"are named.\n"
		"Remarks name what contradicts itself or is seldom meant: lengths that lie, times "
		"that go back, segments out of order, messages that are none. They do not change "
		"the exit status, which is 0 for a capture that could be read to its end. Where "
		"one is damaged, the summary is of the packets before, and the exit status 65; "
		"where nothing is good, there is none.\n"
		"The JSON document has packets, bytes, first_ns, last_ns, duration_ns, pps, bps "
		"(both without the first packet; null when they cannot be known), flows, protocols "
		"(packets of each), remarks, and the sections of traffic-info.json: \"IPFIX "
		"Information\", \"BMP Information\", \"BGP Information\", and null for "
		"\"UDP_GENERIC Information\" and \"TCP_GENERIC Information\" when there is "
		"other payload. Above 1,048,576 flows their number is an estimate, and a remark "
		"says so.",
	.flags = flags,
	.examples = examples,
	.run = run,
};
