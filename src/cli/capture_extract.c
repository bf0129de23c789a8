#include "cli/cmd_capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "capture/extract_choice.h"

#define WHAT  "What"
#define WRITE "How it is written"

static const struct sp_flag flags[] = {
	{ .spell = "--protocol",
	  .arg = SP_FLAG_VALUE,
	  .meta = "NAME[,NAME...]",
	  .key = "protocol",
	  .group = WHAT,
	  .help = "Only these, and in this order: ipfix (NetFlow v5, v9, IPFIX, over UDP), bmp, "
		  "bgp. Without it: all that are known." },
	{ .spell = "--filter",
	  .arg = SP_FLAG_VALUE,
	  .meta = "FILTER",
	  .key = "filter",
	  .group = WHAT,
	  .help = "Only packets that this takes, in tcpdump's language: 'src host 192.0.2.1'." },
	{ .spell = "--where",
	  .arg = SP_FLAG_VALUE,
	  .meta = "FIELDS",
	  .key = "where",
	  .group = WHAT,
	  .help = "Only packets with these values in their headers, and, PROTOCOL in the place of "
		  "HEADER, of that protocol only such messages: bgp.type=1|2, ipfix.version=10. " SP_CAPTURE_WHERE_HELP
		  " More than one of these must hold together." },
	{ .spell = "--out",
	  .arg = SP_FLAG_VALUE,
	  .meta = "DIR",
	  .key = "out",
	  .group = WRITE,
	  .help = "The folder; without it the first file's name without its extension." },
	{ .spell = "--initial-delay",
	  .arg = SP_FLAG_VALUE,
	  .meta = "TIME",
	  .key = "initial_delay",
	  .group = WRITE,
	  .help = "From 2023-01-01 01:00:00 UTC to the first packet: 5s." },
	{ .spell = "--inter-packet-delay",
	  .arg = SP_FLAG_VALUE,
	  .meta = "TIME",
	  .key = "inter_packet_delay",
	  .group = WRITE,
	  .help = "From one packet to the next: 1ms." },
	{ .spell = "--inter-protocol-delay",
	  .arg = SP_FLAG_VALUE,
	  .meta = "TIME",
	  .key = "inter_protocol_delay",
	  .group = WRITE,
	  .help = "From one protocol's last packet to the first of the next: 1s." },
	{ .spell = "--tcp-payload-size",
	  .arg = SP_FLAG_VALUE,
	  .meta = "SIZE",
	  .key = "tcp_payload_size",
	  .group = WRITE,
	  .help = "Messages of one type share a segment up to so many octets: 1424. 1 gives "
		  "each a segment of its own." },
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "Output",
	  .help = "What was done as one JSON document." },
	{ 0 },
};

static const struct sp_cli_example examples[] = {
	{ "capture extract router.pcap", "clean sessions into the folder router" },
	{ "capture extract router.pcap --protocol bgp --out bgp --tcp-payload-size 1",
	  "each BGP message in a segment of its own" },
	{ "capture extract --where 'ip.src=192.0.2.1,bgp.type=1|2' monday.pcapng "
	  "tuesday.pcapng",
	  "one router's OPEN and UPDATE messages out of two captures" },
	{ 0 },
};

#define FILES_MAX 256u
#define WHERE_MAX 64u

struct request {
	const char *file[FILES_MAX], *where[WHERE_MAX];
	const char *protocol, *filter;
	unsigned n_where;
	bool json;
	struct sp_extract_conf conf;
};

static int wrong(const char *spelling, const char *value, const char *what, struct sp_err *err)
{
	char shown[80];

	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is no %s", spelling,
		       sp_str_printable(shown, sizeof shown, value), what);
}

static int read_size(struct request *r, const char *value, const char *spelling,
		     struct sp_err *err)
{
	uint64_t size;

	if (sp_parse_size(value, &size) || !size || size > UINT32_MAX)
		return wrong(spelling, value, "size of a payload (1 to 4 GiB)", err);
	r->conf.tcp_payload_size = (uint32_t)size;
	return 0;
}

static int read_delay(struct request *r, const char *key, const char *value,
		      const char *spelling, struct sp_err *err)
{
	uint64_t *at = strcmp(key, "initial_delay") == 0 ? &r->conf.initial_delay_ns
		       : strcmp(key, "inter_packet_delay") == 0
			       ? &r->conf.inter_packet_delay_ns
			       : &r->conf.inter_protocol_delay_ns;

	return sp_parse_time(value, at) ? wrong(spelling, value, "time, such as 5s or 1ms", err)
					: 0;
}

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;
	const char *key = flag ? flag->key : "";

	if (!flag && r->conf.n_inputs == FILES_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "at most %u files at a time",
			       FILES_MAX);
	if (!flag)
		r->file[r->conf.n_inputs++] = value;
	else if (strcmp(key, "protocol") == 0)
		r->protocol = value;
	else if (strcmp(key, "filter") == 0)
		r->filter = value;
	else if (strcmp(key, "out") == 0)
		r->conf.folder = value;
	else if (strcmp(key, "json") == 0)
		r->json = true;
	else if (strcmp(key, "tcp_payload_size") == 0)
		return read_size(r, value, spelling, err);
	else if (strcmp(key, "where") != 0)
		return read_delay(r, key, value, spelling, err);
	else if (r->n_where == WHERE_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--where: at most %u", WHERE_MAX);
	else
		r->where[r->n_where++] = value;
	return 0;
}

static void remark(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "spate capture extract: %s\n", text);
}

static void opened(void *arg, int folder, int parent)
{
	(void)arg;
	sp_capture_confine(folder, parent);
}

static int choose(const struct request *r, struct sp_extract_choice **choice,
		  struct sp_err *err)
{
	int rc = sp_extract_choice_new(choice, r->protocol, sp_mem_system(), err);

	if (!rc && r->filter)
		rc = sp_extract_choice_filter(*choice, r->filter, err);
	for (unsigned i = 0; i < r->n_where && !rc; i++)
		rc = sp_extract_choice_where(*choice, r->where[i], err);
	return rc;
}

static double span_s(const struct sp_extract_result *res)
{
	return (double)(res->last_ns - res->first_ns) / 1e9;
}

static void put_text(struct sp_str *out, const struct request *r,
		     const struct sp_extract_result *res)
{
	char a[40], b[40], c[40], d[40];

	sp_str_printf(out, "%s: %s over %.3f s: %s of %s, out of %s\n", r->conf.folder,
		      sp_str_count(a, sizeof a, res->packets, "packet"), span_s(res),
		      sp_str_count(b, sizeof b, res->messages, "message"),
		      sp_str_count(c, sizeof c, res->sessions, "session"),
		      sp_str_count(d, sizeof d, res->read, "packet"));
	sp_str_printf(out,
		      "say in %s/traffic-reproducer.yml where it goes and from where "
		      "(%s); then: spate replay -t %s/traffic-reproducer.yml\n",
		      r->conf.folder, SP_EXTRACT_MISSING, r->conf.folder);
}

static void put_json(struct sp_str *out, const struct request *r,
		     const struct sp_extract_result *res)
{
	struct sp_json js;

	sp_json_init(&js, out, 2);
	sp_json_open(&js, NULL, '{');
	sp_json_str(&js, "folder", r->conf.folder);
	sp_json_u64(&js, "packets_read", res->read);
	sp_json_u64(&js, "packets", res->packets);
	sp_json_u64(&js, "messages", res->messages);
	sp_json_u64(&js, "sessions", res->sessions);
	sp_json_u64(&js, "sessions_left_out", res->left_out);
	sp_json_i64(&js, "first_ns", res->first_ns);
	sp_json_i64(&js, "last_ns", res->last_ns);
	sp_json_close(&js, '}');
	sp_str_puts(out, "\n");
}

static int print(const struct request *r, const struct sp_extract_result *res)
{
	struct sp_str out;

	sp_str_init(&out, sp_mem_system());
	(r->json ? put_json : put_text)(&out, r, res);
	return sp_capture_print(&sp_cmd_capture_extract, &out);
}

static int extract(struct request *r, struct sp_err *err)
{
	struct sp_extract_result res = { 0 };
	struct sp_extract_choice *choice = NULL;
	struct sp_str folder;
	int rc = choose(r, &choice, err), status = SP_EXIT_OK;

	sp_str_init(&folder, sp_mem_system());
	if (!rc && !r->conf.folder) {
		sp_extract_folder(r->file[0], &folder);
		r->conf.folder = folder.text;
	}
	if (!rc) {
		r->conf.inputs = r->file;
		r->conf.parts = sp_extract_choice_parts(choice, &r->conf.n_parts);
		rc = sp_extract(&r->conf, sp_mem_system(), &res, err);
	}
	if (res.packets)
		status = print(r, &res);
	sp_extract_choice_free(choice);
	sp_str_fini(&folder);
	return rc ? sp_capture_complain(&sp_cmd_capture_extract, err) : status;
}

static int run(int argc, char **argv)
{
	struct request r = { .conf = { .opened = opened, .remark = remark } };
	struct sp_err err = { 0 };
	int rc;

	sp_extract_defaults(&r.conf);
	rc = sp_flags_parse(flags, argc, argv, on_word, &r, &err);
	if (!rc && !r.conf.n_inputs)
		rc = sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "which file?");
	return rc ? sp_capture_complain(&sp_cmd_capture_extract, &err) : extract(&r, &err);
}

const struct sp_cli_command sp_cmd_capture_extract = {
	.name = "capture extract",
	.summary = "clean telemetry sessions out of raw captures, ready to be replayed",
	.usage = "[OPTIONS] FILE...",
	.text = "Makes a folder with traffic.pcap (templates before data, sessions from their "
		"beginning, whole messages, even times), traffic-reproducer.yml (what spate "
		"replay -t reads, once <MISSING_PARAM> says where to and from where) and "
		"traffic-info.json (who says what). The same captures give the same octets.\n"
		"Several files are one capture, in the order in which they are named. What is "
		"left out, and why, is said on standard error. Of a damaged capture the good "
		"part is extracted; the exit status is 65.",
	.flags = flags,
	.examples = examples,
	.run = run,
};
