/* What this host can do for spate: a table of probes, each of which leaves nothing behind. */
#ifndef SP_DOCTOR_DOCTOR_H
#define SP_DOCTOR_DOCTOR_H

#include "base/str.h"

enum sp_doctor_state { SP_DOCTOR_OK, SP_DOCTOR_LIMITED, SP_DOCTOR_MISSING };

struct sp_doctor_row {
	const char *name; /* a stable word: "udp-gso" */
	const char *use;  /* what spate needs it for */
	enum sp_doctor_state state;
	char detail[192]; /* what was found and, unless ok, why */
	char fix[224]; /* the command that mends it, "" when nothing is to mend or none is known */
};

const char *sp_doctor_state_name(enum sp_doctor_state);
unsigned sp_doctor_count(void);
/* Runs probe number i < sp_doctor_count(); takes some milliseconds at most. Probes that need a
 * network namespace fork, so call it from a process with one thread. */
void sp_doctor_probe(unsigned i, struct sp_doctor_row *);

/* All rows, aligned in columns, or as a JSON document. */
void sp_doctor_text(struct sp_str *out, const struct sp_doctor_row *, unsigned n);
void sp_doctor_json(struct sp_str *out, const struct sp_doctor_row *, unsigned n);

#endif
