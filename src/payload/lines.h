/* The lines of a file, for kinds whose rows they are. */
#ifndef SP_PAYLOAD_LINES_H
#define SP_PAYLOAD_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "plugin/payload.h"

struct sp_payload_line {
	const char *at;
	uint32_t len, number; /* number from 1 */
};

struct sp_payload_lines {
	struct sp_str text;
	struct sp_payload_line *line;
	uint32_t n;
};

/* Without line ends and empty lines; at least one, or exit 65. To be ended by fini also on
 * failure. */
int sp_payload_lines_read(struct sp_payload_lines *, const char *path, const struct sp_mem *,
			  struct sp_err *);
void sp_payload_lines_fini(struct sp_payload_lines *, const struct sp_mem *);

/* A row from each line of the file a->text: put fills row i, a->len octets of zeros. 0, or what it
 * returned first. */
int sp_payload_rows_of_lines(struct sp_rows *, const struct sp_payload_args *a,
			     int (*put)(uint8_t *row, const struct sp_payload_args *a,
					uint32_t i, const struct sp_payload_line *,
					struct sp_err *),
			     const struct sp_mem *, struct sp_err *);

#endif
