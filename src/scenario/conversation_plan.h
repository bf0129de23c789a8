/* Recorded conversations that are played again (spate replay --as client) as a plan: a stream for
 * each book (plugin/conversation.h), and a port for each transport. */
#ifndef SP_SCENARIO_CONVERSATION_PLAN_H
#define SP_SCENARIO_CONVERSATION_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* A book. Texts are borrowed during the call. */
struct sp_conversation_stream {
	bool udp;
	uint16_t port;	  /* of the target */
	const char *book; /* a file */
	const char *
		starts; /* a file with the time at which each begins; NULL: one after the other */
	uint64_t conversations, at_once;
};

/* For all of them. Words are those of the options; NULL: the default. */
struct sp_conversation_how {
	const char *host;
	const char *compare, *times, *await;
	const char *timeout; /* NULL: SP_CONVERSATION_TIMEOUT, or that of datagrams */
};
#define SP_CONVERSATION_TIMEOUT	    "10s"
#define SP_CONVERSATION_TIMEOUT_UDP "2s"

/* Appends the canonical plan's text. Errors: those of plan rows. */
int sp_conversation_plan(struct sp_str *, const struct sp_conversation_stream *, unsigned n,
			 const struct sp_conversation_how *, struct sp_err *);

#endif
