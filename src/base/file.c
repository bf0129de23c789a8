#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct sp_err *e, const char *path, int code)
{
	char shown[200];

	return sp_fail(e, -code, SP_EXIT_NOINPUT, "cannot read %s: %s; check the path",
		       sp_str_printable(shown, sizeof shown, path), strerror(code));
}

int sp_file_read(struct sp_str *out, const char *path, size_t max, struct sp_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	size_t before = out->len;
	char chunk[16384], shown[200];

	if (fd < 0)
		return fail(e, path, errno);
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = fail(e, path, errno);
		if (n <= 0)
			break;
		if (out->len - before + (size_t)n > max) {
			rc = sp_fail(e, -EFBIG, SP_EXIT_DATA,
				     "%s: the file is larger than the %zu bytes that are read; "
				     "cut it into smaller ones",
				     sp_str_printable(shown, sizeof shown, path), max);
			break;
		}
		sp_str_put(out, chunk, (size_t)n);
		if (out->failed) {
			rc = sp_fail(e, -ENOMEM, SP_EXIT_FAILED, "out of memory");
			break;
		}
	}
	close(fd);
	return rc;
}

int sp_file_map(void **at, size_t *size, const char *path, struct sp_err *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), rc = 0;
	struct stat st = { 0 };

	*at = NULL;
	if (fd < 0 || fstat(fd, &st))
		rc = -errno;
	else if (st.st_size <= 0)
		rc = -EINVAL;
	if (!rc) {
		*size = (size_t)st.st_size;
		*at = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (*at == MAP_FAILED) {
			rc = -errno;
			*at = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return rc ? sp_fail(err, rc, SP_EXIT_NOINPUT, "%s: %s", path, strerror(-rc)) : 0;
}

void sp_file_unmap(void *at, size_t size)
{
	if (at)
		munmap(at, size);
}

static bool look(const char *path, struct stat *st)
{
	return (strcmp(path, "-") ? stat(path, st) : fstat(STDIN_FILENO, st)) == 0;
}

bool sp_file_is_regular(const char *path)
{
	struct stat st;

	return look(path, &st) && S_ISREG(st.st_mode);
}

bool sp_file_is_same(const char *a, const char *b)
{
	struct stat x, y;

	return look(a, &x) && look(b, &y) && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}
