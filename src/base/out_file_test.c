#include "base/out_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char dir[64], file[96], other[96];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/spate-out-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof p->file, "%s/file", p->dir);
	snprintf(p->other, sizeof p->other, "%s/other", p->dir);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;
	char path[400];
	DIR *d;

	chmod(p->dir, 0700);
	d = opendir(p->dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", p->dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(p->dir);
	free(p);
	return 0;
}

/* How many names there are. */
static unsigned names(const struct place *p)
{
	DIR *d = opendir(p->dir);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' || strstr(e->d_name, ".part");
	closedir(d);
	return n;
}

static void write_plain(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_holds(const char *path, const char *text)
{
	char got[64] = "";
	int fd = open(path, O_RDONLY | O_NOFOLLOW);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof got - 1), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static void a_file_appears_whole(void **state)
{
	const struct place *p = *state;
	struct sp_out o;

	write_plain(p->file, "before");
	assert_int_equal(sp_out_open(&o, p->file), 0);
	assert_int_equal(sp_out_write(&o, "after", 5), 0);
	assert_holds(p->file, "before");
	assert_int_equal(sp_out_finish(&o), 0);
	assert_holds(p->file, "after");
	sp_out_drop(&o);
	assert_int_equal(names(p), 1);
}

static void what_is_dropped_leaves_nothing(void **state)
{
	const struct place *p = *state;
	struct sp_out o;

	assert_int_equal(sp_out_open(&o, p->file), 0);
	assert_int_equal(names(p), 1); /* its part */
	assert_int_equal(sp_out_write(&o, "half", 4), 0);
	sp_out_drop(&o);
	assert_int_equal(names(p), 0);
	assert_int_equal(o.fd, -1);
}

static void a_shown_one_grows(void **state)
{
	const struct place *p = *state;
	struct sp_out o;

	write_plain(p->file, "before");
	assert_int_equal(sp_out_open(&o, p->file), 0);
	assert_int_equal(sp_out_show(&o), 0);
	assert_holds(p->file, "");
	assert_int_equal(sp_out_write(&o, "one", 3), 0);
	assert_holds(p->file, "one");
	sp_out_drop(&o);
	assert_holds(p->file, "one");
	assert_int_equal(names(p), 1);
}

/* Neither what it points to is written, nor is it followed to where nothing is. */
static void a_link_is_replaced(void **state)
{
	const struct place *p = *state;
	struct stat st;

	write_plain(p->other, "victim");
	assert_int_equal(symlink(p->other, p->file), 0);
	assert_int_equal(sp_out_put(p->file, "new", 3), 0);
	assert_holds(p->other, "victim");
	assert_holds(p->file, "new");
	assert_int_equal(lstat(p->file, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	unlink(p->file);
	unlink(p->other);
	assert_int_equal(symlink(p->other, p->file), 0);
	assert_int_equal(sp_out_put(p->file, "new", 3), 0);
	assert_int_equal(access(p->other, F_OK), -1);
	/* One that is put there in the meantime. */
	{
		struct sp_out o;

		assert_int_equal(sp_out_open(&o, p->file), 0);
		unlink(p->file);
		write_plain(p->other, "victim");
		assert_int_equal(symlink(p->other, p->file), 0);
		assert_int_equal(sp_out_write(&o, "more", 4), 0);
		assert_int_equal(sp_out_finish(&o), 0);
		assert_holds(p->other, "victim");
		assert_holds(p->file, "more");
	}
}

/* A hard link's other name keeps what it had. */
static void other_names_stay(void **state)
{
	const struct place *p = *state;

	write_plain(p->other, "victim");
	assert_int_equal(link(p->other, p->file), 0);
	assert_int_equal(sp_out_put(p->file, "new", 3), 0);
	assert_holds(p->other, "victim");
	assert_holds(p->file, "new");
}

static void rights_stay(void **state)
{
	const struct place *p = *state;
	struct stat st;

	write_plain(p->file, "secret");
	assert_int_equal(chmod(p->file, 0640), 0);
	assert_int_equal(sp_out_put(p->file, "new", 3), 0);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void what_is_no_file_is_written_to(void **state)
{
	const struct place *p = *state;
	int end, pipes[2];
	char got[8] = "", path[32];
	struct stat st;

	assert_int_equal(mkfifo(p->file, 0600), 0);
	end = open(p->file, O_RDONLY | O_NONBLOCK);
	assert_int_equal(sp_out_put(p->file, "fifo", 4), 0);
	assert_int_equal(read(end, got, sizeof got), 4);
	assert_memory_equal(got, "fifo", 4);
	close(end);
	assert_int_equal(lstat(p->file, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(sp_out_put("/dev/null", "x", 1), 0);
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(sp_out_put("/dev/full", "x", 1), -ENOSPC);
	assert_int_equal(pipe(pipes), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", pipes[1]);
	assert_int_equal(sp_out_put(path, "pipe", 4), 0);
	assert_int_equal(read(pipes[0], got, sizeof got), 4);
	assert_memory_equal(got, "pipe", 4);
	/* The caller's own stays open. */
	assert_int_equal(write(pipes[1], "x", 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	assert_true(sp_out_is_stdout("-") && sp_out_is_stdout("/dev/stdout") &&
		    sp_out_is_stdout("/dev/fd/1") && !sp_out_is_stdout("/dev/fd/11") &&
		    !sp_out_is_stdout("./-") && !sp_out_is_stdout("/dev/fd/1x"));
}

static void what_cannot_be_is_said(void **state)
{
	const struct place *p = *state;
	char path[400];
	struct sp_out o;

	snprintf(path, sizeof path, "%s/none/file", p->dir);
	assert_int_equal(sp_out_open(&o, path), -ENOENT);
	assert_int_equal(sp_out_open(&o, p->dir), -EISDIR);
	snprintf(path, sizeof path, "%s/", p->dir);
	assert_int_equal(sp_out_open(&o, path), -EISDIR);
	assert_int_equal(sp_out_open(&o, ""), -EISDIR);
	assert_int_equal(sp_out_open(&o, ".."), -EISDIR);
	snprintf(path, sizeof path, "%s/%0300d", p->dir, 1);
	assert_int_equal(sp_out_open(&o, path), -ENAMETOOLONG);
	assert_int_equal(sp_out_open(&o, "/dev/fd/999999"), -EBADF);
	assert_int_equal(o.fd, -1);
	assert_int_equal(names(p), 0);
}

static void a_folder_and_a_name(void **state)
{
	const struct place *p = *state;
	int dir = open(p->dir, O_PATH | O_DIRECTORY);

	assert_int_equal(sp_out_put_in(dir, "file", "new", 3), 0);
	assert_holds(p->file, "new");
	assert_int_equal(sp_out_put_in(-1, "file", "new", 3), -EBADF);
	assert_int_equal(fcntl(dir, F_GETFD) & ~FD_CLOEXEC, 0); /* still open */
	close(dir);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		T(a_file_appears_whole),   T(what_is_dropped_leaves_nothing),
		T(a_shown_one_grows),	   T(a_link_is_replaced),
		T(other_names_stay),	   T(rights_stay),
		T(what_cannot_be_is_said), T(what_is_no_file_is_written_to),
		T(a_folder_and_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
