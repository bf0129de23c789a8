/* The words of `spate replay FILE --as client`. */
#ifndef SP_CLI_CONVERSATIONS_WORDS_H
#define SP_CLI_CONVERSATIONS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Texts are those of argv; NULL and 0: not said. */
struct sp_conversations_words {
	const char *file, *as, *protocol, *compare, *times, *await, *timeout, *run_dir;
	const char *target;
	char host[256];	    /* of target */
	uint16_t host_port; /* of target */
	uint64_t port, connections;
	bool json, quiet, no_run_dir;
};

/* 0, or a usage error. */
int sp_conversations_words_read(struct sp_conversations_words *, int argc, char **argv,
				struct sp_err *);

#endif
