/* What is odd in captures, told once each: how often, and where first. Bounded. One thread. */
#ifndef SP_CAPTURE_REMARKS_H
#define SP_CAPTURE_REMARKS_H

#include <stdint.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define SP_REMARKS_MOST 200u /* different ones; others are counted together */

struct sp_remarks_row {
	const char *about; /* in front of what: "bgp"; NULL: nothing */
	const char *what;  /* static, as about is */
	uint64_t n, packet;
	uint32_t file;
};

struct sp_remarks {
	struct sp_remarks_row row[SP_REMARKS_MOST];
	uint32_t n, last;
	uint64_t others;
	struct sp_str whole; /* sentences of their own, a line each */
};

void sp_remarks_init(struct sp_remarks *, const struct sp_mem *);
void sp_remarks_fini(struct sp_remarks *);
/* HOT. A packet of the file with that number is odd. */
void sp_remarks_note(struct sp_remarks *, const char *about, const char *what, uint32_t file,
		     uint64_t packet);
/* A sentence that is no packet's. */
void sp_remarks_say(struct sp_remarks *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Each sentence, in the order in which they were first noted. files: their names, if there are
 * several, else NULL. */
void sp_remarks_each(const struct sp_remarks *, char *const *files, const struct sp_mem *,
		     void (*line)(void *arg, const char *text), void *arg);

#endif
