/* Failures by kind, in the words of the ledger. One writer, its worker. */
#ifndef SP_ENGINE_ERRORS_H
#define SP_ENGINE_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
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
/* A port's trouble as people say it, in text: "interface va0 is down or gone", else the system's
 * words. interface: the port's, "" or NULL if it has none. Returns text. */
const char *sp_error_of_port(int error, const char *interface, char *text, size_t size);
/* Can nothing more be written there, whatever is tried? Full disks and their like. */
bool sp_error_is_final(int error);
void sp_errors_add(struct sp_errors *, enum sp_why, int error, uint64_t now_ns);

#endif
