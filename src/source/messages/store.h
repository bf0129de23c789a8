/* What captures hold for one section of a reproduction: a first look at all of them, before anything is
 * sent. It tells who the senders are, which sessions they have, how many units there are and when; the
 * units themselves stay in memory where that was asked for, where they are few, and where a capture
 * cannot be read twice. Else the memory that is kept is that of senders and sessions, and the captures
 * stay open to be read again (source/messages/feed.h). */
#ifndef SP_SOURCE_MESSAGES_STORE_H
#define SP_SOURCE_MESSAGES_STORE_H

#include "core/env.h"
#include "source/messages/cut.h"

/* So many captures stay open to be read again; of more all units stay in memory. */
#define MSG_FILES_MOST 128u

struct msg_capture {
	const char *path;
	struct sp_cap *file;	   /* to be read again; NULL: it need not be */
	uint32_t first;		   /* of units in memory */
	uint64_t n;		   /* units */
	int64_t first_ns, last_ns; /* of all its packets; both 0: it has none */
	struct msg_counts counts;
};

struct msg_store {
	const struct sp_mem *mem;
	struct msg_capture *captures;
	uint32_t n_captures;
	struct msg_senders senders;
	struct msg_strangers strangers; /* who is not in the map */
	uint64_t n;			/* units of all captures */
	uint32_t longest;
	bool whole; /* all of them are in memory: */
	struct msg_unit *units;
	uint32_t cap;
	struct sp_arena octets;
	uint64_t bytes; /* of units and octets */
	struct sp_err
		damage; /* of the first file that is damaged; what came before it is here */
};

struct msg_load {
	const char *const *paths;
	uint32_t n_paths;
	const struct msg_sections *sections;
	uint32_t own; /* which of them */
	struct msg_senders_conf senders;
	uint32_t most;	/* octets that a datagram may have */
	bool preload;	/* all units stay in memory */
	uint64_t ahead; /* else those of no more octets do */
};

/* What l points to is borrowed. 0, or negative with err filled; then free it all the same. Damage is no
 * error here. */
int sp_msg_store_load(struct msg_store *, const struct msg_load *, const struct sp_mem *,
		      struct sp_err *);
void sp_msg_store_free(struct msg_store *);

#endif
