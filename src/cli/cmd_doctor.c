#include "cli/cmd_doctor.h"

#include "doctor/doctor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const struct sp_flag sp_cmd_doctor_flags[] = {
	{ .spell = "--json",
	  .key = "json",
	  .value = "true",
	  .group = "doctor [--json]",
	  .help = "One JSON document: checks, each with name, state (ok, limited, missing), "
		  "detail, use and fix." },
	{ 0 },
};

static int on_flag(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	char shown[128];

	(void)spelling;
	if (!flag)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "'%s' is unexpected: spate doctor [--json]",
			       sp_str_printable(shown, sizeof shown, value));
	*(bool *)arg = true;
	return 0;
}

int sp_cmd_doctor(int argc, char **argv)
{
	struct sp_err err = { 0 };
	struct sp_str out;
	bool json = false;
	int rc = SP_EXIT_OK;

	if (sp_flags_parse(sp_cmd_doctor_flags, argc, argv, on_flag, &json, &err)) {
		fprintf(stderr, "spate doctor: %s\n", err.text);
		return (int)err.exit;
	}
	unsigned n = sp_doctor_count();
	struct sp_doctor_row *rows = sp_alloc_array(sp_mem_system(), n, sizeof *rows);
	sp_str_init(&out, sp_mem_system());
	for (unsigned i = 0; rows && i < n; i++)
		sp_doctor_probe(i, &rows[i]);
	if (rows && json)
		sp_doctor_json(&out, rows, n);
	else if (rows)
		sp_doctor_text(&out, rows, n);
	if (!rows || out.failed) {
		fputs("spate doctor: out of memory\n", stderr);
		rc = SP_EXIT_FAILED;
	} else if (fputs(out.text, stdout) < 0 || fflush(stdout)) {
		fprintf(stderr, "spate doctor: cannot write the result: %s\n", strerror(errno));
		rc = SP_EXIT_IO;
	}
	sp_str_fini(&out);
	sp_free(sp_mem_system(), rows);
	return rc;
}
