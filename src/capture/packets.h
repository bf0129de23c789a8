/* The packets of a capture as expressions. */
#ifndef SP_CAPTURE_PACKETS_H
#define SP_CAPTURE_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct sp_packets_conf {
	uint64_t count; /* so many packets at most; 0: all */
	bool check;	/* of each: does its expression make the same octets again? */
};

/* Gives each packet's expression, which is the line's until it returns, to line(arg, number, text);
 * a negative value ends it and is returned. Errors: those of sp_cap_open and sp_cap_next, after the
 * packets before; check: -EBADMSG (exit 1) at the first packet that does not come back. */
int sp_capture_packets(const char *path, const struct sp_packets_conf *, const struct sp_mem *,
		       int (*line)(void *arg, uint64_t number, const char *text), void *arg,
		       struct sp_err *);

#endif
