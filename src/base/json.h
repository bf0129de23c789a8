/* A streaming JSON writer onto a struct sp_str: commas, escapes, nesting are its business. */
#ifndef SP_BASE_JSON_H
#define SP_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct sp_json {
	struct sp_str *out;
	unsigned depth;
	bool first; /* nothing was written yet at this depth */
	int indent; /* 0: one line; 2: pretty */
};

void sp_json_init(struct sp_json *, struct sp_str *out, int indent);
/* key is NULL inside an array and for the outermost value. */
void sp_json_open(struct sp_json *, const char *key, char bracket); /* '{' or '[' */
void sp_json_close(struct sp_json *, char bracket);		    /* '}' or ']' */
void sp_json_str(struct sp_json *, const char *key, const char *v); /* NULL -> null; bytes that
	are not UTF-8 become U+FFFD */
void sp_json_u64(struct sp_json *, const char *key, uint64_t v);
void sp_json_i64(struct sp_json *, const char *key, int64_t v);
/* Shortest text that reads back to the same double; NaN and infinity -> null. */
void sp_json_real(struct sp_json *, const char *key, double v);
void sp_json_bool(struct sp_json *, const char *key, bool v);
void sp_json_null(struct sp_json *, const char *key);

#endif
