/* What the checks of a whole plan share: plan_seal, plan_streams, plan_recvs; nobody else includes
 * this. */
#ifndef SP_ENGINE_PLAN_CHECK_H
#define SP_ENGINE_PLAN_CHECK_H

#include <errno.h>

#include "engine/names.h"
#include "engine/plan_impl.h"
#include "engine/protocol.h"

struct plan_check {
	struct sp_plan_build *b;
	struct sp_names ports;
	struct sp_err *err;
};

static inline void *plan_items(const struct plan_check *c, enum sp_plan_item item)
{
	return c->b->list[item].items;
}

static inline const char *plan_place(const struct plan_check *c, enum sp_plan_item item,
				     unsigned i, const char *name)
{
	const char *place = c->b->list[item].places[i];

	return place ? place : name;
}

static inline int plan_no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "the plan: out of memory");
}

static inline bool plan_given(const char *text)
{
	return text && *text;
}

/* What the operations say of a transport before it is opened. */
static inline bool plan_of_frames(const struct sp_transport_ops *ops)
{
	return ops->link != NULL;
}

/* plan_seal.c: the port of that name. */
int sp_plan_find_port(struct plan_check *, const char *from, const char *place,
		      unsigned *index);
/* A protocol that is a dialogue or a byte stream needs connections under it, and udp none. */
int sp_plan_check_carrier(struct plan_check *, const char *word, const struct sp_protocol *,
			  const struct sp_plan_port *, const char *place);
int sp_plan_check_settings(struct plan_check *, const struct sp_protocol *, const void *conf,
			   const void *wrap_conf, const char *place);
int sp_plan_check_streams(struct plan_check *); /* plan_streams.c */
int sp_plan_check_recvs(struct plan_check *);	/* plan_recvs.c */

#endif
