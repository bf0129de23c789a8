#include "cli/captures.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/capture_child.h"

/* For a process to start, and to write what it still has. */
#define PATIENCE_MS 5000

struct one {
	const struct sp_scenario_capture *what;
	const char *host;
	pid_t pid; /* 0: none */
	int to, from;
};

struct sp_captures {
	unsigned n;
	bool writing;
	struct one one[];
};

/* A line of the process, without its newline; "" when there is none in time. */
static const char *hear(const struct one *o, char *buf, size_t cap)
{
	struct pollfd fd = { .fd = o->from, .events = POLLIN };
	size_t n = 0;

	while (n + 1 < cap && poll(&fd, 1, PATIENCE_MS) == 1 &&
	       read(o->from, buf + n, 1) == 1 && buf[n] != '\n')
		n++;
	buf[n] = '\0';
	return buf;
}

static void let_go(struct one *o)
{
	if (o->to >= 0)
		close(o->to);
	if (o->from >= 0)
		close(o->from);
	o->to = o->from = -1;
	if (o->pid > 0) {
		kill(o->pid, SIGKILL);
		while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	o->pid = 0;
}

/* "failed 77 why" is an error of that class; anything else that is not wanted is no answer. */
static int understand(const struct one *o, const char *line, const char *wanted,
		      struct sp_err *err)
{
	int exit = SP_EXIT_FAILED, at = 0;

	if (strncmp(line, wanted, strlen(wanted)) == 0)
		return 0;
	if (sscanf(line, "failed %d %n", &exit, &at) == 1 && at)
		return sp_fail(err, -EIO, (enum sp_exit)exit, "host %s: capture of %s: %s",
			       o->host, o->what->interface, line + at);
	return sp_fail(err, -EIO, SP_EXIT_FAILED, "host %s: capture of %s: it says nothing",
		       o->host, o->what->interface);
}

static int start(struct one *o, const struct sp_scenario_host *host, struct sp_places *places,
		 struct sp_err *err)
{
	char *argv[] = { (char[]){ "/proc/self/exe" },
			 (char[]){ "agent" },
			 (char[]){ "--capture" },
			 (char *)(uintptr_t)o->what->interface,
			 (char[]){ "--filter" },
			 (char *)(uintptr_t)o->what->filter,
			 NULL };
	const struct sp_fleet_part part = { .host = host->name,
					    .where = host->where,
					    .kind = host->place };
	int in[2], out[2], rc;
	char line[SP_CAPTURE_LINE];

	if (pipe2(in, O_CLOEXEC))
		return sp_fail(err, -errno, SP_EXIT_PERM, "no pipe: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return sp_fail(err, -errno, SP_EXIT_PERM, "no pipe: %s", strerror(errno));
	}
	rc = sp_places_spawn(places, &part, argv, (const int[]){ in[0], out[1] }, &o->pid, err);
	close(in[0]);
	close(out[1]);
	o->to = in[1];
	o->from = out[0];
	if (rc)
		o->pid = 0;
	return rc ? rc : understand(o, hear(o, line, sizeof line), "ready", err);
}

int sp_captures_start(struct sp_captures **out, const struct sp_scenario *s,
		      struct sp_places *places, struct sp_err *err)
{
	struct sp_captures *c = calloc(1, sizeof *c + s->n_captures * sizeof c->one[0]);
	int rc = 0;

	*out = c;
	if (!c)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (unsigned i = 0; i < s->n_captures && !rc; i++) {
		const struct sp_scenario_host *host = &s->hosts[s->captures[i].host];

		c->one[c->n] = (struct one){
			.what = &s->captures[i], .host = host->name, .to = -1, .from = -1
		};
		rc = start(&c->one[c->n++], host, places, err);
	}
	if (!rc)
		return 0;
	sp_captures_free(c);
	*out = NULL;
	return rc;
}

void sp_captures_write_to(struct sp_captures *c, const char *folder)
{
	for (unsigned i = 0; folder && i < c->n; i++)
		dprintf(c->one[i].to, "%s/%s\n", folder, c->one[i].what->file);
	c->writing = folder != NULL;
}

static bool tell_one(const struct one *o, void (*tell)(void *arg, bool ok, const char *text),
		     void *arg)
{
	uint64_t frames = 0, dropped = 0;
	char line[SP_CAPTURE_LINE], text[SP_ERR_TEXT], a[32], b[32];
	struct sp_err err = { 0 };

	hear(o, line, sizeof line);
	if (understand(o, line, "done ", &err)) {
		tell(arg, false, err.text);
		return false;
	}
	sscanf(line, "done %" SCNu64 " %" SCNu64, &frames, &dropped);
	snprintf(text, sizeof text, "capture %s: %s frames of %s on host %s, %s dropped",
		 o->what->file, sp_str_grouped(a, sizeof a, frames), o->what->interface,
		 o->host, sp_str_grouped(b, sizeof b, dropped));
	tell(arg, dropped == 0, text);
	return true;
}

bool sp_captures_stop(struct sp_captures *c, void (*tell)(void *arg, bool ok, const char *text),
		      void *arg)
{
	bool whole = true;

	for (unsigned i = 0; i < c->n; i++) {
		close(c->one[i].to);
		c->one[i].to = -1;
	}
	for (unsigned i = 0; c->writing && i < c->n; i++)
		whole &= tell_one(&c->one[i], tell, arg);
	for (unsigned i = 0; i < c->n; i++)
		let_go(&c->one[i]);
	c->n = 0;
	return whole;
}

void sp_captures_free(struct sp_captures *c)
{
	for (unsigned i = 0; c && i < c->n; i++)
		let_go(&c->one[i]);
	free(c);
}
