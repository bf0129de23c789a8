/* What the files share that find out which flow a message is of and what it says: verify.c (each
 * message), verify_flow.c (whose it is), verify_late.c (what is behind the newest), verify_tables.c
 * (where flows live). Nobody else includes this. All but the tables' is HOT. */
#ifndef SP_ENGINE_VERIFY_IMPL_H
#define SP_ENGINE_VERIFY_IMPL_H

#include "core/shared.h"
#include "engine/verify.h"

/* A flow, wherever it lives. ref numbers both tables: granted ones first. */
struct sp_flow_at {
	struct sp_flow_rx *rx;
	struct sp_sketch *sketch;
	struct sp_flow_meta *meta;
	uint32_t ref;
};

static inline struct sp_flow_at sp_flow_by_ref(struct sp_verifier *v, uint32_t ref)
{
	const struct sp_flow_table *t = &v->own;
	uint32_t i = ref;

	if (ref < v->n_granted)
		t = v->granted;
	else
		i -= v->n_granted;
	return (struct sp_flow_at){ &t->rx[i], &t->sketch[i], &t->meta[i], ref };
}

static inline uint32_t *sp_verify_last(const struct sp_verifier *v, uint32_t queue, uint32_t ep)
{
	return &v->ep_flow[(size_t)queue * (v->ep_cap + 1) + ep];
}

static inline uint32_t *sp_verify_held(const struct sp_verifier *v, uint32_t queue, uint32_t ep)
{
	return &v->ep_held[(size_t)queue * (v->ep_cap + 1) + ep];
}

/* A granted flow that this endpoint may write: it was the first to be seen, at this worker. */
static inline bool sp_verify_is_writer(const struct sp_verifier *v,
				       const struct sp_flow_meta *meta, uint32_t queue,
				       uint32_t ep)
{
	return SP_LOAD(meta->owner) == v->worker + 1 && meta->ep == ep && meta->queue == queue;
}

/* The flow of an id that a session has; false: no session has it (now). */
static inline bool sp_verify_granted_at(struct sp_verifier *v, uint32_t id,
					struct sp_flow_at *out)
{
	if (!v->granted || id >= SP_FLOW_OWN_ID)
		return false;
	*out = sp_flow_by_ref(v, sp_flow_place(v->granted, id));
	return __atomic_load_n(&out->rx->tag, __ATOMIC_SEQ_CST) == (id | SP_FLOW_LIVE);
}

/* Says whose place i is: from then on every thread may find it. */
void sp_flow_set_tag(struct sp_flow_table *, uint32_t i, uint32_t id, bool granted);

/* verify_flow.c. What follows finds the flow of one message from endpoint ep of a queue (ep_cap: of
 * those for which the transport had no room) and makes it where it is new and there is room. False:
 * there is none. frame: what a frame was, NULL of a datagram.
 *
 * Of a good stamp, of a flow that is not this endpoint's yet, or of the sender's own choice. */
bool sp_verify_good(struct sp_verifier *, uint32_t queue, uint32_t ep, const struct sp_stamp *,
		    bool has_time, const struct sp_whole *frame, struct sp_flow_at *);
/* Of whatever has no stamp: its source's, or its 5-tuple's. */
bool sp_verify_unstamped(struct sp_verifier *, uint32_t queue, uint32_t ep,
			 const struct sp_whole *frame, struct sp_flow_at *);
/* Of a damaged stamp, check (plugin/stamp.h): the flow that its id says, if that is one of this
 * endpoint's; else the endpoint's last good one. Makes none. */
bool sp_verify_damaged(struct sp_verifier *, uint32_t queue, uint32_t ep,
		       const struct sp_stamp *, int8_t check, struct sp_flow_at *);
/* Of a connection that has claimed this id. Makes none. */
bool sp_verify_claimed(struct sp_verifier *, uint32_t id, struct sp_flow_at *);

/* verify_late.c: a message behind the newest, at place q on the scale of next, whose intended
 * departure was due (sender's clock, ns). False: it is a duplicate. *in_order: its sender began
 * again, and it is the newest now. */
bool sp_verify_late(struct sp_flow_rx *, struct sp_flow_meta *, const struct sp_stamp *,
		    uint64_t q, uint64_t due, bool *in_order);

#endif
