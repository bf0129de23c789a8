#include "ctl/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_AT_ONCE 65536u

static void unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void sp_lines_init(struct sp_lines *l, int in, int out, const struct sp_mem *mem)
{
	*l = (struct sp_lines){ .mem = mem, .in = in, .out = out };
	sp_str_init(&l->pending, mem);
	unblock(in);
	unblock(out);
}

void sp_lines_fini(struct sp_lines *l)
{
	sp_free(l->mem, l->buf);
	sp_str_fini(&l->pending);
	l->buf = NULL;
}

/* Room for another read; what was given out goes. */
static int make_room(struct sp_lines *l)
{
	size_t left = l->len - l->at, cap = l->cap ? l->cap : READ_AT_ONCE;
	char *more;

	if (l->at) {
		memmove(l->buf, l->buf + l->at, left);
		l->scanned -= l->at;
		l->len = left;
		l->at = 0;
	}
	while (cap - left < READ_AT_ONCE / 2)
		cap *= 2;
	if (cap == l->cap)
		return 0;
	more = sp_alloc(l->mem, cap + 1);
	if (!more)
		return -ENOMEM;
	if (left)
		memcpy(more, l->buf, left);
	sp_free(l->mem, l->buf);
	l->buf = more;
	l->cap = cap;
	return 0;
}

static char *take(struct sp_lines *l, size_t *len)
{
	char *line = l->buf + l->at;
	char *end = l->len > l->scanned ? memchr(l->buf + l->scanned, '\n', l->len - l->scanned)
					: NULL;

	l->scanned = l->len;
	if (!end)
		return NULL;
	*end = '\0';
	*len = (size_t)(end - line);
	l->at = (size_t)(end + 1 - l->buf);
	l->scanned = l->at;
	return line;
}

char *sp_lines_next(struct sp_lines *l, size_t max, size_t *len, int *rc)
{
	for (;;) {
		char *line = l->buf ? take(l, len) : NULL;
		ssize_t n;

		*rc = 0;
		if (line)
			return line;
		if (l->len - l->at > max)
			*rc = -EMSGSIZE;
		else if (l->eof)
			*rc = -EPIPE;
		else
			*rc = make_room(l);
		if (*rc)
			return NULL;
		n = read(l->in, l->buf + l->len, l->cap - l->len);
		if (n > 0) {
			l->len += (size_t)n;
		} else if (n == 0) {
			l->eof = true;
		} else if (errno == EAGAIN) {
			return NULL;
		} else if (errno != EINTR) {
			*rc = -errno;
			return NULL;
		}
	}
}

int sp_lines_flush(struct sp_lines *l)
{
	if (l->pending.failed)
		return -ENOMEM;
	while (l->written < l->pending.len) {
		ssize_t n = write(l->out, l->pending.text + l->written,
				  l->pending.len - l->written);

		if (n >= 0)
			l->written += (size_t)n;
		else if (errno == EAGAIN)
			return 1;
		else if (errno != EINTR)
			return -errno;
	}
	sp_str_clear(&l->pending);
	l->written = 0;
	return 0;
}
