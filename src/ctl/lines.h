/* Lines over two descriptors that do not block: what carries the messages between a controller and
 * an agent. Memory grows with what really comes, up to the limit of a line. */
#ifndef SP_CTL_LINES_H
#define SP_CTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

struct sp_lines {
	const struct sp_mem *mem;
	int in, out; /* made non-blocking; the owner closes them */
	char *buf;
	size_t len, cap, at;   /* [at, len) is unread */
	size_t scanned;	       /* no newline before */
	struct sp_str pending; /* to be written */
	size_t written;	       /* of it */
	bool eof;
};

void sp_lines_init(struct sp_lines *, int in, int out, const struct sp_mem *);
void sp_lines_fini(struct sp_lines *);
/* The next whole line, without its newline and terminated, or NULL: none is there yet. It lives
 * until the next call. *rc: 0, -EPIPE (the end: no line will come any more), -EMSGSIZE (a line beyond
 * max), -ENOMEM, or what read() said. */
char *sp_lines_next(struct sp_lines *, size_t max, size_t *len, int *rc);
/* Text that is to be written: append to l->pending, then flush. 0: all is written; 1: some waits for
 * the descriptor; -EPIPE or another error: the other end is gone. */
int sp_lines_flush(struct sp_lines *);

#endif
