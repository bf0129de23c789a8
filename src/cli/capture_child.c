#include "cli/capture_child.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/record.h"
#include "sandbox/sandbox.h"

/* What is buffered is written at least so often. */
#define FLUSH_MS 200

static int fail(const struct sp_err *err)
{
	printf("failed %d %s\n", (int)err->exit, err->text);
	fflush(stdout);
	return (int)err->exit;
}

/* The controller's one line, without its newline; false: there was none. */
static bool read_line(char *buf, size_t cap)
{
	size_t n = 0;

	while (n + 1 < cap && read(STDIN_FILENO, buf + n, 1) == 1) {
		if (buf[n] == '\n') {
			buf[n] = '\0';
			return true;
		}
		n++;
	}
	return false;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Until the controller has closed our input; what has come till then is still written. */
static int record(struct sp_capture *c, int fd)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
				 { .fd = fd, .events = POLLIN } };
	uint64_t flushed_ms = now_ms();
	int n = 0;

	while (!fds[0].revents && n >= 0) {
		if (poll(fds, 2, FLUSH_MS) > 0)
			n = sp_capture_step(c);
		if (n < 0 || now_ms() < flushed_ms + FLUSH_MS)
			continue;
		n = sp_capture_flush(c);
		flushed_ms = now_ms();
	}
	while (n > 0 || (n == 0 && fds[0].revents)) {
		fds[0].revents = 0;
		n = sp_capture_step(c);
	}
	return n;
}

int sp_capture_child(const char *interface, const char *filter)
{
	struct sp_capture_counts counts;
	struct sp_sandbox_state state;
	struct sp_capture *c;
	struct sp_err err = { 0 };
	char path[SP_CAPTURE_LINE];
	int fd = sp_capture_open(interface, filter, &err), rc;

	/* Ctrl-C reaches the whole process group: the controller decides. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (fd < 0)
		return fail(&err);
	puts("ready");
	fflush(stdout);
	if (!read_line(path, sizeof path))
		return SP_EXIT_OK;
	if (sp_capture_new(&c, fd,
			   &(struct sp_capture_conf){ .file.path = path,
						      .file.interface = interface,
						      .filter = filter },
			   sp_mem_system(), &err))
		return fail(&err);
	sp_sandbox_enter(&(struct sp_sandbox_conf){ 0 }, &state);
	rc = record(c, fd);
	if (sp_capture_free(c, &counts) && rc >= 0)
		rc = -EIO;
	if (rc < 0)
		return fail((sp_fail(&err, rc, SP_EXIT_IO, "the recording stopped: %s",
				     strerror(-rc)),
			     &err));
	printf("done %" PRIu64 " %" PRIu64 "\n", counts.frames, counts.dropped);
	fflush(stdout);
	return SP_EXIT_OK;
}
