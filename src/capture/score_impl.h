/* Between the files of the score; nobody else includes this. */
#ifndef SP_CAPTURE_SCORE_IMPL_H
#define SP_CAPTURE_SCORE_IMPL_H

#include <stdio.h>

#include "capture/score.h"

/* ---- score_read.c: lines to facts ---- */

#define SP_SCORE_LINE	65536u
#define SP_SCORE_FIELDS 13u
#define SP_SCORE_KEY	(SP_SCORE_FIELDS * 80u)

struct sp_score_field {
	const char *name, *csv, *json; /* in a truth, nfdump's, pmacct's; NULL: it has none */
	uint8_t kind;
};
extern const struct sp_score_field sp_score_fields[SP_SCORE_FIELDS];

/* One line. Values are canonical texts. */
struct sp_score_fact {
	bool route, gone; /* of a route: withdrawn */
	uint32_t has;	  /* bit i: value[i] */
	char value[SP_SCORE_FIELDS][64];
	/* Flow: packets, bytes, sampling interval. Route: hashes of next hop, AS path, communities. */
	uint64_t number[3];
};

struct sp_score_file {
	FILE *f;
	const char *path;
	enum sp_score_format format; /* AUTO: a truth */
	unsigned line;
	int column[64]; /* CSV: field, or -1; SP_SCORE_FIELDS + 0, 1: packets, bytes */
	unsigned n_columns;
	uint64_t other;
	bool ended; /* nfdump's summary follows */
	char *text; /* SP_SCORE_LINE */
};

int sp_score_open(struct sp_score_file *, const char *path, enum sp_score_format,
		  const struct sp_mem *, struct sp_err *);
/* Settles the format by the first octet. */
void sp_score_guess(struct sp_score_file *);
int sp_score_rewind(struct sp_score_file *, struct sp_err *);
void sp_score_close(struct sp_score_file *, const struct sp_mem *);
/* 1: a fact; 0: the end; -EBADMSG, -EIO with a sentence. */
int sp_score_next(struct sp_score_file *, struct sp_score_fact *, struct sp_err *);
/* score_json.c: one line of a truth or of pmacct. 1, 0: another kind of line, -EBADMSG. */
int sp_score_json_line(struct sp_score_file *, size_t len, struct sp_score_fact *,
		       struct sp_err *);
/* Puts a canonical value; -EBADMSG: it is none. */
int sp_score_put(struct sp_score_fact *, unsigned field, const char *text);
int sp_score_bad(const struct sp_score_file *, const char *what, struct sp_err *);

/* ---- score_table.c: what is known of each key ---- */

struct sp_score_entry {
	const char *key;
	uint64_t hash;
	uint64_t want[3], got[3]; /* as struct sp_score_fact's numbers: sums of flows */
	uint32_t n_want, n_got;	  /* lines of the truth and of the output */
};

struct sp_score_table {
	const struct sp_mem *mem;
	struct sp_arena keys;
	struct sp_score_entry *entry;
	uint32_t *slot; /* entry + 1 */
	uint32_t n, cap, mask;
};

int sp_score_table_init(struct sp_score_table *, uint32_t cap, const struct sp_mem *);
void sp_score_table_fini(struct sp_score_table *);
/* The entry of this key, made where there is none; with exact (else NULL) of these two numbers, which
 * are in want then. NULL: there is no room. */
struct sp_score_entry *sp_score_table_get(struct sp_score_table *, const char *key,
					  uint64_t hash, const uint64_t *exact);

#endif
