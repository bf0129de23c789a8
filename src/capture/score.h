/* What a collector stored against what it must have stored: a truth (plugin/truth.h) and the
 * collector's own output, `nfdump -o csv` or the JSON lines of pmacct's daemons.
 *
 * nfdump's records are compared one by one; whatever a collector has added up (pmacct, or "by" some
 * fields) by sums. Only fields that the output has are compared. Memory is bounded: both files
 * are read once for each million of distinct records, each time for those of a part of all keys. */
#ifndef SP_CAPTURE_SCORE_H
#define SP_CAPTURE_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum sp_score_format { SP_SCORE_AUTO, SP_SCORE_NFDUMP, SP_SCORE_PMACCT };

struct sp_score_conf {
	const char *truth, *output; /* files */
	enum sp_score_format format;
	const char *by;	   /* "src,dst_port": sums by these alone; NULL: as the output is */
	bool renormalized; /* the collector multiplies by the sampling interval */
	bool all;	   /* list everything, not the first SP_SCORE_LISTED of each kind */
	uint32_t entries;  /* distinct records at a time; 0: SP_SCORE_ENTRIES */
	/* Called once both files are open, before anything is read; nothing else is opened. May be
	 * NULL. */
	void (*opened)(void *arg);
	void *opened_arg;
};
#define SP_SCORE_LISTED	 20u
#define SP_SCORE_ENTRIES (1u << 20)

enum sp_score_kind { SP_SCORE_MISSING, SP_SCORE_EXTRA, SP_SCORE_WRONG, SP_SCORE__N };

struct sp_score {
	const char *unit; /* "record", "flow" (a sum of records), "route" */
	uint64_t expected, right, of[SP_SCORE__N];
	uint64_t other_lines; /* of the output: neither flow nor route */
	unsigned passes;
	char fields[160];		 /* that were compared */
	struct sp_str list[SP_SCORE__N]; /* JSON objects with commas between */
	uint64_t listed[SP_SCORE__N];
	bool complete; /* right is expected, and nothing else is there */
};

/* 0; -errno with a sentence: 66 a file cannot be read, 65 bad data with its line, 2. To be freed in
 * any case. */
int sp_score_run(struct sp_score *, const struct sp_score_conf *, const struct sp_mem *,
		 struct sp_err *);
void sp_score_free(struct sp_score *);
void sp_score_json(const struct sp_score *, struct sp_str *);
void sp_score_text(const struct sp_score *, struct sp_str *);

#endif
