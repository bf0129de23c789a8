/* What machines have in common that answer whole frames for addresses that no kernel owns and keep
 * nothing in between: their operations open, close and init, and their state. */
#ifndef SP_PROTO_SPEAKER_H
#define SP_PROTO_SPEAKER_H

#include "plugin/proto.h"

struct sp_proto {
	const struct sp_mem *mem;
	const struct sp_reply_own *own;
};

struct sp_speaker {
	const struct sp_reply_own *own;
};

int sp_speaker_open(struct sp_proto **, const struct sp_proto_args *, const struct sp_mem *,
		    struct sp_err *);
void sp_speaker_close(struct sp_proto *);
void sp_speaker_init(void *st, const struct sp_proto *, uint64_t now_ns, struct sp_wish *);

#endif
