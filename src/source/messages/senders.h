/* Whose messages are played: recorded addresses, and the sessions between their ends. They are found in
 * a first look at the captures; sealed, they are those that are there, and nobody comes to them. */
#ifndef SP_SOURCE_MESSAGES_SENDERS_H
#define SP_SOURCE_MESSAGES_SENDERS_H

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"
#include "source/messages/ends.h"

/* A row of the map: a recorded address, and the local one that it is played from. */
struct msg_map_row {
	struct sp_addr from, to; /* to: family 0: the system's choice */
};

struct msg_senders_conf {
	const struct msg_map_row *map;
	uint32_t n_map;
	bool mapped;	    /* else every source is played, from the system's choice */
	bool tcp;	    /* else at most MSG_SESSIONS_MOST of a source */
	uint8_t family;	    /* of what local addresses its sessions have; 0: any */
	bool rest;	    /* those of the system's choice, too */
	bool only;	    /* there is no other stream for the other family: it is an error */
	const char *target; /* for that sentence */
};

/* What is between two ends is a session, over UDP, too: routers have several exporters, with templates
 * and numbers of their own, and several collectors. But some draw a port for each datagram: what is of
 * other ends than so many is their source's first session's. */
#define MSG_SESSIONS_MOST 64u

/* Everything of one address is a source. */
struct msg_source {
	struct sp_addr addr;
	struct sp_addr local; /* family 0: the system's choice */
	uint32_t sessions;
	uint32_t session; /* the first of them, index + 1; 0: none yet */
};

/* A session is there from its first unit on. */
struct msg_session {
	uint32_t source;
	uint32_t rank;		     /* of those of its source */
	struct sp_endpoint src, dst; /* as recorded */
	uint32_t capture;	     /* the last one that it is in */
};

/* Which session the ends of a stream were, in one capture. */
struct msg_present {
	struct sp_endpoint src, dst;
	uint32_t capture, session;
};

struct msg_senders {
	const struct sp_mem *mem;
	struct msg_senders_conf conf;
	struct msg_source *sources;
	uint32_t n_sources, cap_sources;
	uint32_t *hash; /* of sources: index + 1; of mask + 1 places */
	uint32_t mask;
	struct msg_session *sessions;
	uint32_t n_sessions, cap_sessions;
	uint32_t capture; /* that is looked at */
	struct msg_ends ends;
	struct msg_present *present; /* each once */
	uint32_t n_present, cap_present;
	uint32_t *found; /* of present: index + 1; of found_mask + 1 places */
	uint32_t found_mask;
	bool sealed;
};

/* The map and texts are borrowed. -ENOMEM. */
int sp_msg_senders_init(struct msg_senders *, const struct msg_senders_conf *,
			const struct sp_mem *, struct sp_err *);
void sp_msg_senders_fini(struct msg_senders *);
/* Capture number i is looked at from now on. */
void sp_msg_senders_look(struct msg_senders *, uint32_t capture);
/* From now on nothing changes, whoever asks in whatever thread. Who is not known then has come into the
 * capture after it was judged: -EACCES (exit 77). */
void sp_msg_senders_seal(struct msg_senders *);

/* Neither is an error: no row of the map has it; another stream plays it. */
enum { MSG_NOBODY = 1, MSG_ELSEWHERE };
/* HOT. 0 with *index; MSG_NOBODY, MSG_ELSEWHERE; or an error. */
int sp_msg_senders_source(struct msg_senders *, const struct sp_addr *, uint32_t *index,
			  struct sp_err *);
/* The session between these ends. 0 or an error. */
int sp_msg_senders_session(struct msg_senders *, uint32_t capture, uint32_t source,
			   const struct sp_endpoint *src, const struct sp_endpoint *dst,
			   uint32_t *index, struct sp_err *);

#endif
