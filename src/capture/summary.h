/* What is in captures. One thread. */
#ifndef SP_CAPTURE_SUMMARY_H
#define SP_CAPTURE_SUMMARY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct sp_summary;

/* -ENOMEM. */
int sp_summary_new(struct sp_summary **, const struct sp_mem *, struct sp_err *);
/* Adds a file. Errors: those of sp_cap_open, and of sp_cap_next after the packets before. */
int sp_summary_read(struct sp_summary *, const char *path, struct sp_err *);
/* Whether anything was read: a packet, or an empty capture to its end. Else there is nothing to
 * print. */
bool sp_summary_opened(const struct sp_summary *);
/* For people, and as one JSON document. */
void sp_summary_text(const struct sp_summary *, struct sp_str *);
void sp_summary_json(const struct sp_summary *, struct sp_str *);
void sp_summary_free(struct sp_summary *);

#endif
