#include "cli/cmd_fields.h"

#include <errno.h>
#include <stdio.h>

#include "scenario/craft.h"

const struct sp_flag sp_cmd_fields_flags[] = {
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "fields [--json] [HEADER]...",
	  .help = "JSON documents: a header with its fields, each with name, aliases, type, bits, "
		  "default, rule, when, help and rfc." },
	{ 0 },
};

struct request {
	bool json, named;
	struct sp_str *out; /* NULL: only the flags are read */
};

static int on_flag(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;

	(void)spelling;
	if (flag) {
		r->json = true;
		return 0;
	}
	r->named = true;
	return r->out ? sp_craft_fields(r->out, value, r->json, err) : 0;
}

int sp_cmd_fields(int argc, char **argv)
{
	struct request r = { 0 };
	struct sp_err err = { 0 };
	struct sp_str out;
	int rc = sp_flags_parse(sp_cmd_fields_flags, argc, argv, on_flag, &r, &err);

	sp_str_init(&out, sp_mem_system());
	r.out = &out;
	if (!rc && !r.named)
		rc = sp_craft_fields(&out, NULL, r.json, &err);
	else if (!rc)
		rc = sp_flags_parse(sp_cmd_fields_flags, argc, argv, on_flag, &r, &err);
	if (rc)
		fprintf(stderr, "spate fields: %s\n", err.text);
	else if (fputs(out.text, stdout) < 0 || fflush(stdout))
		rc = sp_fail(&err, -EIO, SP_EXIT_IO, "cannot write");
	sp_str_fini(&out);
	return rc ? (int)err.exit : SP_EXIT_OK;
}
