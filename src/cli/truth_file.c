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

static int failed(struct sp_out *o, const char *path, int rc, struct sp_err *err)
{
	sp_out_drop(o);
	return sp_fail(err, rc, SP_EXIT_IO, "--truth %s: it could not be written: %s", path,
		       strerror(-rc));
}

int sp_truth_add(struct sp_out *o, const char *path, const char *text, size_t len,
		 struct sp_err *err)
{
	int rc = sp_out_write(o, text, len);

	return rc ? failed(o, path, rc, err) : 0;
}

int sp_truth_finish(struct sp_out *o, const char *path, struct sp_err *err)
{
	int rc = sp_out_finish(o);

	return rc ? failed(o, path, rc, err) : 0;
}

int sp_truth_write(struct sp_out *o, const char *path, const struct spate_run *run,
		   struct sp_err *err)
{
	int rc = spate_run_truth(run, take, o);

	return rc ? failed(o, path, rc, err) : sp_truth_finish(o, path, err);
}
