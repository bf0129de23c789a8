#include "cli/truth_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "spate/spate.h"

int sp_truth_open(const char *path, struct sp_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return sp_fail(err, -errno, SP_EXIT_IO, "--truth %s: cannot be written: %s",
			       path, strerror(errno));
	return fd;
}

static int take(void *arg, const char *text, size_t len)
{
	const int *fd = arg;

	while (len) {
		ssize_t n = write(*fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int incomplete(const char *path, int rc, struct sp_err *err)
{
	return rc ? sp_fail(err, rc, SP_EXIT_IO, "--truth %s: it is not complete: %s", path,
			    strerror(-rc))
		  : 0;
}

int sp_truth_add(int fd, const char *path, const char *text, size_t len, struct sp_err *err)
{
	return incomplete(path, take(&fd, text, len), err);
}

int sp_truth_close(int fd, const char *path, struct sp_err *err)
{
	return incomplete(path, close(fd) ? -errno : 0, err);
}

int sp_truth_write(int fd, const char *path, const struct spate_run *run, struct sp_err *err)
{
	int rc = incomplete(path, spate_run_truth(run, take, &fd), err);

	if (rc)
		close(fd);
	return rc ? rc : sp_truth_close(fd, path, err);
}
