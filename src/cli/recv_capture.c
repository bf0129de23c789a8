#include "cli/recv_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/out_file.h"

/* One capture on this host, as a scenario has them. */
struct sp_recv_capture {
	struct sp_scenario scenario;
	struct sp_scenario_host host;
	struct sp_scenario_capture what;
	struct sp_places places;
	struct sp_captures *captures;
	char folder[SP_CAPTURE_LINE - 300];
};

/* A place where nothing can be written is known before the run. */
static int try_file(const char *path, struct sp_err *err)
{
	struct sp_out o;
	int rc = sp_out_open(&o, path);

	if (rc)
		return sp_fail(err, rc, SP_EXIT_IO, "--capture %s: cannot be written: %s", path,
			       strerror(-rc));
	sp_out_drop(&o);
	return 0;
}

/* The process takes a folder and a name in it. */
static int split(struct sp_recv_capture *c, const char *path, struct sp_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 1;

	if (len >= sizeof c->folder)
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_IO, "--capture: too long a path");
	snprintf(c->folder, sizeof c->folder, "%.*s", (int)len, slash ? path : ".");
	if (slash == path)
		strcpy(c->folder, "/");
	c->what.file = slash ? slash + 1 : path;
	return 0;
}

int sp_recv_capture_start(struct sp_recv_capture **out, const struct sp_words_output *words,
			  struct sp_err *err)
{
	struct sp_recv_capture *c = calloc(1, sizeof *c);
	int rc;

	*out = c;
	if (!c)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	c->host = (struct sp_scenario_host){ .name = "localhost", .place = SP_HOST_LOCAL };
	c->what.interface = words->interface;
	c->what.filter = words->filter ? words->filter : "";
	c->scenario = (struct sp_scenario){
		.hosts = &c->host, .n_hosts = 1, .captures = &c->what, .n_captures = 1
	};
	rc = split(c, words->capture, err);
	if (!rc)
		rc = try_file(words->capture, err);
	if (!rc)
		rc = sp_captures_start(&c->captures, &c->scenario, &c->places, err);
	if (!rc) {
		sp_captures_write_to(c->captures, c->folder);
		return 0;
	}
	sp_recv_capture_free(c);
	*out = NULL;
	return rc;
}

bool sp_recv_capture_stop(struct sp_recv_capture *c,
			  void (*tell)(void *arg, bool ok, const char *text), void *arg)
{
	return sp_captures_stop(c->captures, tell, arg);
}

void sp_recv_capture_free(struct sp_recv_capture *c)
{
	if (!c)
		return;
	sp_captures_free(c->captures);
	free(c);
}
