/* Of whom sessions are: of those that were recorded, or of exporters with addresses of their own, each a
 * copy of a recorded sender with all its sessions. */
#ifndef SP_SOURCE_MESSAGES_EXPORTERS_H
#define SP_SOURCE_MESSAGES_EXPORTERS_H

#include "base/prefix.h"
#include "source/messages/senders.h"

struct msg_exporters {
	const struct msg_senders *senders;
	uint32_t n;	   /* 0: sessions are the recorded ones */
	uint32_t *first;   /* [n]: of all sessions */
	uint32_t sessions; /* of all */
	struct sp_prefix from;
};

/* n copies with addresses of the prefix; 0: none. Senders are borrowed. 0, -ENOMEM, or exit 2. */
int sp_msg_exporters_init(struct msg_exporters *, const struct msg_senders *, uint64_t n,
			  const char *from, struct sp_arena *, struct sp_err *);
/* HOT. The session of an exporter that is a copy of a recorded one. */
uint32_t sp_msg_exporters_session(const struct msg_exporters *, uint32_t recorded,
				  uint32_t exporter);
/* The recorded session that it is a copy of. */
uint32_t sp_msg_exporters_recorded(const struct msg_exporters *, uint32_t session);
/* The address that it is played from; family 0: the system's choice. */
struct sp_addr sp_msg_exporters_local(const struct msg_exporters *, uint32_t session);

#endif
