/* The bytes of a capture file, from the beginning to the end: plain, gzip (RFC 1952, several members)
 * or zstd (RFC 8878, several frames), told by their first bytes. Reads ahead by 1 MiB; what is asked
 * for stays in one piece. */
#ifndef SP_CAPIO_INPUT_H
#define SP_CAPIO_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define SP_INPUT_MOST (1u << 20) /* that can be asked for in one piece */

struct sp_input;

/* A file that is opened before its turn, by programs that then give up opening files. */
struct sp_cap_file {
	const char *path; /* the caller's */
	int fd;		  /* -1: not open (any more) */
	int error; /* why it could not be opened, a negative errno: told when its turn comes */
};
void sp_cap_file_open(struct sp_cap_file *, const char *path);
void sp_cap_file_close(struct sp_cap_file *); /* if nobody has taken it */

/* Takes the descriptor. path "-": standard input. -ENOENT, -EACCES, -EISDIR and the like: exit 66; -ENOMEM. */
int sp_input_open(struct sp_input **, struct sp_cap_file *, const struct sp_mem *,
		  struct sp_err *);
/* Back to the beginning. -ESPIPE (exit 66): it is no file, and what was read is gone. */
int sp_input_rewind(struct sp_input *, struct sp_err *);
/* n (at most SP_INPUT_MOST) bytes from here on, valid until the next call: *p is set and n returned.
 * Fewer: the file ends, or cannot be read or decompressed any further (sp_input_error). */
size_t sp_input_need(struct sp_input *, size_t n, const uint8_t **p);
/* Goes on by n of the bytes that the last sp_input_need gave. */
void sp_input_take(struct sp_input *, size_t n);
/* The same for bytes that nobody wants to see; returns how many there were. */
uint64_t sp_input_skip(struct sp_input *, uint64_t n);
/* Where we are, in the file as it is decompressed. */
uint64_t sp_input_offset(const struct sp_input *);
/* 0; -EIO: reading failed (exit 66); -EBADMSG: its compressed data are damaged (exit 65). */
int sp_input_error(const struct sp_input *, struct sp_err *);
void sp_input_close(struct sp_input *);

#endif
