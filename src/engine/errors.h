/* Failures by kind, in the words of the ledger. One writer, its worker. */
#ifndef SP_ENGINE_ERRORS_H
#define SP_ENGINE_ERRORS_H

#include <stdint.h>

#include "plugin/proto.h"

struct sp_errors {
	uint64_t by_why[SP_WHY_STOPPED + 1];
	int last; /* negative errno of the last that had one; 0 none */
	uint64_t last_ns;
	const char *reason; /* static text of the last that had one; NULL none */
};

/* What a connection's negative errno is in the ledger. */
enum sp_why sp_why_of(int error);
void sp_errors_add(struct sp_errors *, enum sp_why, int error, uint64_t now_ns);

#endif
