#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "capture/rewrite.h"
#include "cli/cmd_capture.h"
#include "scenario/rewrite_flags.h"

#define G_FILES	 "Files"
#define G_OUTPUT "Output"

static const struct sp_flag flags[] = {
	SP_REWRITE_MAC_FLAGS("Rewriting", "--src-mac, --enet-smac", "--dst-mac, --enet-dmac"),
	SP_REWRITE_FLAGS("Rewriting"),
	{ "--seed", SP_FLAG_VALUE, "SEED", "rewrite.seed", NULL, "Rewriting",
	  "as --random-ip" },
	{ "--loop", SP_FLAG_VALUE, "N", "loop", NULL, "Rewriting",
	  "with --unique-ip and --unique-port: those that loop N of a replay would have, from 0" },
	{ "-i, --infile", SP_FLAG_VALUE, "FILE", "in", NULL, G_FILES,
	  "instead of the first word" },
	{ "-o, --outfile", SP_FLAG_VALUE, "FILE", "out", NULL, G_FILES,
	  "instead of the second word" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", G_OUTPUT, "one JSON document" },
	{ 0 },
};

static const struct sp_cli_example examples[] = {
	{ "capture rewrite in.pcap out.pcapng --ip-map 10.0.0.0/8:192.168.0.0/16",
	  "other networks, checksums as right or wrong as they were" },
	{ "capture rewrite in.pcap out.pcap --dst-mac 02:00:00:00:00:01 --vlan add --vlan-id 40",
	  "to a next hop, in a VLAN" },
	{ "capture rewrite in.pcap out.pcap --random-ip 7 --port-map 8080:80 --fix-csum",
	  "drawn addresses, all checksums new" },
	{ "capture rewrite vxlan.pcap out.pcap --inner-only --endpoints 10.0.0.1:10.0.0.2",
	  "only what is inside of the tunnels" },
	{ 0 },
};

struct request {
	struct sp_capture_rewrite_conf conf;
	struct sp_str words;
	bool json;
};

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;
	const char *key = flag ? flag->key : !r->conf.from ? "in" : "out";

	if (flag && sp_is_rewrite_flag(flag))
		return sp_rewrite_flag(&r->words, flag, value, spelling, err);
	if (!strcmp(key, "json"))
		r->json = true;
	else if (!strcmp(key, "loop"))
		return sp_parse_u64(value, &r->conf.loop) ? sp_fail(err, -EINVAL, SP_EXIT_USAGE,
								    "--loop: that is no number")
							  : 0;
	else if (!strcmp(key, "in"))
		r->conf.from = value;
	else if (r->conf.to)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "one file into one other; what is '%.60s'?", value);
	else
		r->conf.to = value;
	return 0;
}

static void opened(void *arg, int folder)
{
	(void)arg;
	sp_capture_confine(folder, -1);
}

static int rewrite(struct request *r, struct sp_capture_rewrite_result *result,
		   struct sp_err *err)
{
	if (!r->conf.from || !r->conf.to)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "which file, and into which other?");
	if (r->words.failed)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	r->conf.words = r->words.text;
	r->conf.opened = opened;
	return sp_capture_rewrite(&r->conf, result, sp_mem_system(), err);
}

static int run(int argc, char **argv)
{
	struct sp_capture_rewrite_result result = { 0 };
	struct request r = { 0 };
	struct sp_err err = { 0 };
	struct sp_str out;
	int rc, status = SP_EXIT_OK;

	sp_str_init(&r.words, sp_mem_system());
	rc = sp_flags_parse(flags, argc, argv, on_word, &r, &err);
	if (!rc)
		rc = rewrite(&r, &result, &err);
	/* Damage in what is read leaves what was good; a file that cannot be written leaves nothing. */
	if (!rc || (result.packets && err.exit != SP_EXIT_IO)) {
		sp_str_init(&out, sp_mem_system());
		(r.json ? sp_capture_rewrite_json : sp_capture_rewrite_text)(&result, &out);
		status = sp_capture_print(&sp_cmd_capture_rewrite, &out);
	}
	sp_str_fini(&r.words);
	return rc ? sp_capture_complain(&sp_cmd_capture_rewrite, &err) : status;
}

const struct sp_cli_command sp_cmd_capture_rewrite = {
	.name = "capture rewrite",
	.summary = "a capture with other addresses, ports, tags, payloads",
	.usage = "[OPTIONS] IN OUT",
	.text = "Reads pcap and pcapng, perhaps inside gzip or zstd, and writes pcapng where the name "
		"ends so, else pcap; times stay to the nanosecond. tcprewrite's words work, too.\n"
		"Checksums follow what is changed (RFC 1624): what was right is right again, and what "
		"was wrong stays wrong by as much, in fragments and cut packets, too. A checksum that "
		"an interface should have filled (the sum of the pseudo header alone) is completed "
		"when what it covers changes and the packet is whole. A UDP checksum of 0 stays 0. "
		"--fix-csum computes all.",
	.flags = flags,
	.examples = examples,
	.run = run,
};
