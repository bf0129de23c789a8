/* Structs as members of a JSON object and back, by tables: what agents and their controller tell each
 * other. What a peer writes is checked for its type and range here, once. */
#ifndef SP_CTL_RECORD_H
#define SP_CTL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/json.h"
#include "base/mem.h"

enum sp_record_type {
	SP_RECORD_U64, /* UINT64_MAX is not written, and stands for a missing one */
	SP_RECORD_TIME, /* uint64_t, a point on the writer's clock; 0 is not written. Shifted by the
			reader to its own clock */
	SP_RECORD_COUNT, /* uint64_t; missing: 0 */
	SP_RECORD_I64,
	SP_RECORD_U32,
	SP_RECORD_INT,
	SP_RECORD_BOOL,
	SP_RECORD_REAL,	 /* NAN is not written, and stands for a missing one */
	SP_RECORD_TEXT,	 /* const char *; NULL is not written */
	SP_RECORD_CHARS, /* char[size] */
};

struct sp_record {
	const char *name; /* NULL ends a table */
	enum sp_record_type type;
	size_t off, size; /* size: CHARS only */
};

struct sp_record_reader {
	struct sp_arena *arena; /* texts */
	int64_t shift_ns;	/* reader's clock - writer's */
};

/* Writes the members into the open object. */
void sp_record_put(struct sp_json *, const struct sp_record *, const void *from);
/* Reads those that are there, sets the rest to what "missing" means. Texts from outside become
 * harmless on a terminal. Returns 0, -EINVAL (a wrong type or range; *member names it) or -ENOMEM. */
int sp_record_get(const struct sp_record_reader *, const json_t *object,
		  const struct sp_record *, void *into, const char **member);

#endif
