/* What captures hold for one section of a reproduction: whole messages with their recorded times,
 * and the sessions that they belong to. Read once, before anything is sent. */
#ifndef SP_SOURCE_MESSAGES_STORE_H
#define SP_SOURCE_MESSAGES_STORE_H

#include "source/messages/sections.h"
#include "source/messages/strangers.h"

/* A unit: a datagram, or the whole messages that one TCP segment completed. */
struct msg_unit {
	int64_t t_ns;	     /* never before the one in front of it */
	int64_t recorded_ns; /* as it stands in the capture, about: what times inside go by */
	const uint8_t *data;
	uint32_t len;
	uint32_t session;
	uint32_t next; /* of the same source in the same capture; index + 1; 0: none */
};

struct msg_counts {
	uint64_t packets;	/* in all captures */
	uint64_t filtered;	/* of this section and its sources */
	uint64_t unknown_proto; /* of no section */
	uint64_t unknown_peer;	/* of this section, its source is not in the map */
	uint64_t cut;		/* not captured whole, left out */
	uint64_t too_long;	/* datagrams that are longer than may leave, left out */
	uint64_t backwards;	/* older than the one before: sent with it */
	uint64_t set;		/* the clock was set before them: time goes on */
	uint64_t holes;		/* octets of streams that are missing */
	uint64_t broken; /* octets that are no messages of the protocol, or parts of some */
};

struct msg_capture {
	const char *path;
	uint32_t first, n;	   /* units */
	int64_t first_ns, last_ns; /* of all its packets; both 0: it has none */
	uint32_t *first_of;	   /* [n_sources]: its first unit, index + 1; 0: none */
	uint32_t n_sources;	   /* that were known by its end */
	struct msg_counts counts;
};

/* Everything of one address is a source; it may be of several sessions (TCP). A session is there from
 * its first unit on. */
struct msg_session {
	uint32_t source;
	uint32_t rank;		     /* of those of its source */
	struct sp_endpoint src, dst; /* as recorded; of datagrams ports are 0 */
	uint32_t capture;	     /* the last one that it is in */
	uint64_t units;
};

struct msg_source {
	struct sp_addr addr;
	struct sp_addr local; /* family 0: the system's choice */
	uint32_t sessions;
	uint32_t session; /* the first of them, index + 1; 0: none yet */
};

struct msg_store {
	struct sp_arena arena;
	struct msg_unit *units;
	uint32_t n, cap;
	struct msg_capture *captures;
	uint32_t n_captures;
	struct msg_source *sources;
	uint32_t n_sources, cap_sources;
	struct msg_session *sessions;
	uint32_t n_sessions, cap_sessions;
	struct msg_strangers strangers; /* senders that are not in the map */
	uint32_t longest;
	struct sp_err
		damage; /* of the first file that is damaged; what came before it is here */
};

/* Whom a section's messages are played for: rows of the map, as text. */
struct msg_map_row {
	struct sp_addr from, to; /* to: family 0: the system's choice */
};

struct msg_load {
	const char *const *paths;
	uint32_t n_paths;
	const struct msg_sections *sections;
	uint32_t own; /* which of them */
	const struct msg_map_row *map;
	uint32_t n_map;
	bool mapped;	    /* else every source is played, from the system's choice */
	uint32_t most;	    /* octets that a datagram may have */
	uint8_t family;	    /* of what local addresses its sessions have; 0: any */
	bool rest;	    /* those of the system's choice, too */
	bool only;	    /* there is no other stream for the other family: it is an error */
	const char *target; /* for that sentence */
};

/* 0, or negative with err filled; then free it all the same. Damage is no error here. */
int sp_msg_store_load(struct msg_store *, const struct msg_load *, const struct sp_env *,
		      struct sp_err *);
void sp_msg_store_free(struct msg_store *, const struct sp_mem *);

#endif
