/* Which session two ends have, found without looking at all of them. */
#ifndef SP_SOURCE_MESSAGES_ENDS_H
#define SP_SOURCE_MESSAGES_ENDS_H

#include "base/address.h"
#include "base/mem.h"

struct msg_senders;

/* Of a session, by its index. Sessions of one source and one target are a group, which its first
 * session stands for. Other places are indexes + 1; 0: there is none. */
struct msg_link {
	uint32_t same_ends;   /* the next one in its place of `ends` */
	uint32_t same_target; /* of a group's first: the next group in its place of `targets` */
	uint32_t next;	      /* in its group */
	uint32_t last;	      /* of a group's first: the group's last */
	uint32_t free;	      /* of a group's first: all before it are in `capture` */
	uint32_t capture;
};

struct msg_ends {
	uint32_t *ends, *targets; /* both of `places` places, a power of two */
	uint32_t places;
	struct msg_link *link; /* [places] */
};

/* The session between these ends; else one of an earlier capture to the same target that no stream of
 * this one has: captures that are played one after the other may be parts of one session, recorded at
 * other times. It has these ends, and is in this capture, from then on. UINT32_MAX: there is none. */
uint32_t sp_msg_ends_find(struct msg_ends *, struct msg_senders *, uint32_t source,
			  const struct sp_endpoint *src, const struct sp_endpoint *dst);
/* The last of the sessions is new. 0 or -ENOMEM. */
int sp_msg_ends_add(struct msg_ends *, const struct msg_senders *, const struct sp_mem *);
void sp_msg_ends_free(struct msg_ends *, const struct sp_mem *);

#endif
