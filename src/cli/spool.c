#include "cli/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define BLOCK (64u << 10)

static const char *folder(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp && *tmp ? tmp : "/var/tmp";
}

static int cannot_keep(int error, struct sp_err *err)
{
	return sp_fail(
		err, -error, SP_EXIT_IO,
		"standard input cannot be kept in %s ($TMPDIR): %s; save it to a file, and "
		"name that",
		folder(), strerror(error));
}

static int put(int fd, const char *block, size_t n)
{
	while (n) {
		ssize_t k = write(fd, block, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? errno : EIO;
		block += k;
		n -= (size_t)k;
	}
	return 0;
}

static int copy(int to, struct sp_err *err)
{
	char block[BLOCK];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, block, sizeof block);
		int error;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sp_fail(err, -errno, SP_EXIT_NOINPUT, "standard input: %s",
				       strerror(errno));
		if (n == 0)
			return 0;
		error = put(to, block, (size_t)n);
		if (error)
			return cannot_keep(error, err);
	}
}

int sp_spool_stdin(struct sp_err *err)
{
	int fd, rc;

	if (sp_file_is_regular("-"))
		return 0;
	fd = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot_keep(errno, err);
	rc = copy(fd, err);
	if (!rc && dup2(fd, STDIN_FILENO) < 0)
		rc = cannot_keep(errno, err);
	close(fd);
	return rc;
}
