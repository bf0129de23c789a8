#include "cli/truth_file.h"

#include <string.h>

#include "spate/spate.h"

int sp_truth_open(struct sp_out *o, const char *path, struct sp_err *err)
{
	int rc = sp_out_open(o, path);

	return rc ? sp_fail(err, rc, SP_EXIT_IO, "--truth %s: cannot be written: %s", path,
			    strerror(-rc))
		  : 0;
}

static int take(void *arg, const char *text, size_t len)
{
	return sp_out_write(arg, text, len);
}

int sp_truth_write(struct sp_out *o, const char *path, const struct spate_run *run,
		   struct sp_err *err)
{
	int rc = spate_run_truth(run, take, o);

	if (rc)
		sp_out_drop(o);
	else
		rc = sp_out_finish(o);
	return rc ? sp_fail(err, rc, SP_EXIT_IO, "--truth %s: it could not be written: %s",
			    path, strerror(-rc))
		  : 0;
}
