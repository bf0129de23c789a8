/* Room for rows. */
#ifndef SP_PAYLOAD_ROWS_H
#define SP_PAYLOAD_ROWS_H

#include <errno.h>

#include "plugin/payload.h"

/* n rows, zeroed; the bytes are the caller's. */
static inline int sp_rows_new(struct sp_rows *out, uint32_t n, const struct sp_payload_args *a,
			      const struct sp_mem *mem, struct sp_err *err)
{
	*out = (struct sp_rows){ .n = n, .len = a->len, .seed = a->seed };
	if ((uint64_t)n * a->len > SP_PAYLOAD_ROOM)
		return sp_fail(err, -EFBIG, SP_EXIT_DATA,
			       "%s: %u payloads of %u bytes are more than %u MiB: give fewer "
			       "lines, or a smaller size",
			       a->text, n, a->len, SP_PAYLOAD_ROOM >> 20);
	out->bytes = sp_alloc_array(mem, (size_t)n * a->len + 1, 1);
	return out->bytes ? 0
			  : sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
				    "not enough memory for payloads");
}

/* A row of some octets, over and over. */
static inline void sp_rows_repeat(uint8_t *row, uint32_t len, const char *text, size_t period)
{
	for (uint32_t i = 0; i < len; i++)
		row[i] = (uint8_t)text[i % period];
}

#endif
