#include "cli/cmd_packet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "capture/packets.h"
#include "scenario/craft.h"

const struct sp_flag sp_cmd_packet_flags[] = {
	{ .spell = "--decode",
	  .key = "decode",
	  .value = "true",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "The words are octets in hexadecimal, not expressions." },
	{ .spell = "--first",
	  .arg = SP_FLAG_VALUE,
	  .meta = "HEADER",
	  .key = "first",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "With --decode: the outermost header, such as eth; without, IPv4 or IPv6." },
	{ .spell = "--read",
	  .arg = SP_FLAG_VALUE,
	  .meta = "FILE",
	  .key = "read",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "The packets of a capture (pcap or pcapng, perhaps inside gzip or zstd) as "
		  "expressions, a line each." },
	{ .spell = "--count",
	  .arg = SP_FLAG_VALUE,
	  .meta = "N",
	  .key = "count",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "Of a capture, or of an expression whose fields vary: the first N packets, a line "
		  "each." },
	{ .spell = "--check",
	  .key = "check",
	  .value = "true",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "With --read: make each packet from its expression again, and fail at the "
		  "first that comes out different." },
	{ .spell = "--hex",
	  .key = "hex",
	  .value = "true",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "Only the octets, in hexadecimal, a line for each word." },
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "packet [OPTIONS] EXPRESSION...",
	  .help = "A JSON document for each word: packet, octets, hex, packets, varies." },
	{ 0 },
};

struct request {
	struct sp_craft craft;
	bool decode;
	const char *read; /* a capture; NULL: none */
	struct sp_packets_conf packets;
	int words;
	struct sp_str *out; /* NULL: only the flags are read */
};

static int read_count(const char *value, const char *spelling, uint64_t *n, struct sp_err *err)
{
	char shown[80];

	if (!sp_parse_u64(value, n) && *n)
		return 0;
	sp_str_printable(shown, sizeof shown, value);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is no number of packets",
		       spelling, shown);
}

static int put_line(void *arg, uint64_t number, const char *text)
{
	struct sp_err *err = arg;

	(void)number;
	if (puts(text) >= 0)
		return 0;
	return sp_fail(err, -EIO, SP_EXIT_IO, "cannot write");
}

static int read_file(const struct request *r, struct sp_err *err)
{
	int rc;

	if (r->words)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--read shows the packets of its file; leave the words out");
	rc = sp_capture_packets(r->read, &r->packets, sp_mem_system(), put_line, err, err);
	if (fflush(stdout) && !rc)
		rc = sp_fail(err, -EIO, SP_EXIT_IO, "cannot write");
	return rc;
}

/* Twice over the command line, because a flag may follow the words: flags, then words. */
static int on_flag(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;

	if (!flag) {
		r->words++;
		if (!r->out)
			return 0;
		return r->decode ? sp_craft_decode(r->out, value, "octets", &r->craft, err)
				 : sp_craft_show(r->out, value, "packet", &r->craft, err);
	}
	if (strcmp(flag->key, "decode") == 0)
		r->decode = true;
	else if (strcmp(flag->key, "read") == 0)
		r->read = value;
	else if (strcmp(flag->key, "check") == 0)
		r->packets.check = true;
	else if (strcmp(flag->key, "count") == 0)
		return read_count(value, spelling, &r->packets.count, err);
	else if (strcmp(flag->key, "first") == 0)
		r->craft.first = value;
	else if (strcmp(flag->key, "hex") == 0)
		r->craft.hex = true;
	else
		r->craft.json = true;
	return 0;
}

int sp_cmd_packet(int argc, char **argv)
{
	struct request r = { 0 };
	struct sp_err err = { 0 };
	struct sp_str out;
	int rc = sp_flags_parse(sp_cmd_packet_flags, argc, argv, on_flag, &r, &err);

	sp_str_init(&out, sp_mem_system());
	if (!rc && r.read) {
		rc = read_file(&r, &err);
		if (rc)
			fprintf(stderr, "spate packet: %s\n", err.text);
		return rc ? (int)err.exit : SP_EXIT_OK;
	}
	if (!rc && !r.words)
		rc = sp_fail(
			&err, -EINVAL, SP_EXIT_USAGE,
			"an expression is missing, such as 'ip(dst=10.0.0.2)/udp()/\"hello\"'");
	if (!rc && r.craft.json && r.packets.count)
		rc = sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			     "--count prints lines; leave --json out, or take --hex");
	r.craft.count = r.packets.count;
	r.out = &out;
	if (!rc)
		rc = sp_flags_parse(sp_cmd_packet_flags, argc, argv, on_flag, &r, &err);
	if (rc)
		fprintf(stderr, "spate packet: %s\n", err.text);
	else if (fputs(out.text, stdout) < 0 || fflush(stdout))
		rc = sp_fail(&err, -EIO, SP_EXIT_IO, "cannot write");
	sp_str_fini(&out);
	return rc ? (int)err.exit : SP_EXIT_OK;
}
