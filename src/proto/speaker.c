#include "proto/speaker.h"

#include <errno.h>

int sp_speaker_open(struct sp_proto **out, const struct sp_proto_args *args,
		    const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_proto *p = sp_alloc(mem, sizeof *p);

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem, .own = args->own };
	*out = p;
	return 0;
}

void sp_speaker_close(struct sp_proto *p)
{
	sp_free(p->mem, p);
}

void sp_speaker_init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	(void)now_ns;
	(void)w;
	*(struct sp_speaker *)st = (struct sp_speaker){ p->own };
}
