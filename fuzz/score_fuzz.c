/* A truth and a collector's output, a zero byte between. Whatever they hold: counts that add up, or one
 * sentence with its exit code; and the same in one pass as in several. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int file_of(const uint8_t *data, size_t len, char path[40])
{
	int fd = memfd_create("score", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

static void check(const struct sp_score *s, const struct sp_err *err, int rc)
{
	struct sp_str out;

	if (rc && (!*err->text || strchr(err->text, '\n') || !err->exit))
		abort();
	if (rc)
		return;
	if (s->right + s->of[SP_SCORE_MISSING] + s->of[SP_SCORE_WRONG] != s->expected)
		abort();
	sp_str_init(&out, sp_mem_system());
	sp_score_text(s, &out);
	sp_score_json(s, &out);
	if (out.failed)
		abort();
	sp_str_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *zero = len ? memchr(data, 0, len) : NULL;
	size_t n = zero ? (size_t)(zero - data) : len, from = zero ? n + 1 : len;
	char truth[40], output[40];
	int a = file_of(data, n, truth), b = file_of(data + from, len - from, output);
	struct sp_score_conf c = { .truth = truth, .output = output, .entries = 4096 };
	struct sp_score one, more;
	struct sp_err err = { 0 };
	int rc = sp_score_run(&one, &c, sp_mem_system(), &err), again;

	check(&one, &err, rc);
	c.entries = 512;
	c.all = true;
	err = (struct sp_err){ 0 };
	again = sp_score_run(&more, &c, sp_mem_system(), &err);
	check(&more, &err, again);
	if (!rc && !again && (one.expected != more.expected || one.right != more.right))
		abort();
	sp_score_free(&one);
	sp_score_free(&more);
	close(a);
	close(b);
	return 0;
}
