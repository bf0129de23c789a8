/* What the files of the plan builder share; nobody else includes this. */
#ifndef SP_ENGINE_PLAN_IMPL_H
#define SP_ENGINE_PLAN_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/plan.h"
#include "engine/plan_build.h"

/* A growing array of items of one kind, and where each was written. */
struct sp_plan_list {
	size_t size; /* of an item */
	void *items;
	const char **places; /* in the scratch arena; NULL: unknown */
	unsigned n, cap;
};

struct sp_plan_build {
	const struct sp_mem *mem;
	const struct sp_catalog *catalog;
	struct sp_plan *plan;
	struct sp_arena scratch;		 /* what is not needed after seal */
	enum sp_plan_item item;			 /* where sets go to */
	struct sp_plan_list list[SP_PLAN_ITEMS]; /* by enum sp_plan_item; RUN's is unused */
	struct sp_plan_port port_defaults;
	struct sp_plan_stream stream_defaults;
	struct sp_plan_recv recv_defaults;
	struct sp_plan_stage stage_defaults;
	bool distrust;
	void *port_conf;	      /* the newest port's own settings, to be written */
	void *proto_conf, *wrap_conf; /* those of the newest stream's or receiver's protocol */
};

/* plan_words.c: what a text must be beyond what its row says. *canonical is the text to keep,
 * in the plan's arena or the caller's. */
int sp_plan_word(struct sp_plan_build *, const struct sp_opt *, const char *value,
		 const char *place, const char **canonical, struct sp_err *);
/* The one way to write a host: addresses as inet_ntop does, names in lower case. In the arena;
 * NULL: out of memory. */
const char *sp_plan_host(const char *host, struct sp_arena *);
/* The transport of that name, or a sentence with the nearest and all there are. */
const struct sp_transport_ops *sp_plan_transport(const struct sp_catalog *, const char *name,
						 const char *place, struct sp_err *);

/* plan_seal.c: the checks that need the whole. */
int sp_plan_check(struct sp_plan_build *, struct sp_err *);
/* plan_stages.c: the same for stages, which it brings into order; and what streams are with
 * them. */
int sp_plan_check_stages(struct sp_plan_build *, struct sp_err *);
/* plan_packet.c: the same for a stream with a packet expression. sized: somebody gave a size. */
int sp_plan_check_packet(struct sp_plan_build *, struct sp_plan_stream *, bool sized,
			 const char *place, struct sp_err *);
/* plan_laws.c: a law of gaps with a mean of its own, which goes without a rate. */
int sp_plan_settle_gaps(struct sp_plan_build *, struct sp_plan_stream *, const char *place,
			struct sp_err *);
/* That mean as a rate. */
struct sp_rate sp_plan_own_rate(const struct sp_plan_stream *);
/* What a unit may be. */
struct sp_plan_sizes {
	uint32_t headers; /* inside of its size */
	uint32_t least, max;
	uint32_t less; /* what a frame with FCS has besides it */
	bool stamps;   /* it may have one, of so many bytes; brief 0: no short one */
	uint32_t native, brief;
};
/* Octets of stamps in datagrams. */
#define SP_PLAN_NATIVE 18u
#define SP_PLAN_BRIEF  10u
/* What its stamp needs, of which there may be ones of so many octets; brief 0: no short one. */
uint32_t sp_plan_stamp_need(const struct sp_plan_stream *, uint32_t native, uint32_t brief);
/* The best stamp that fits into room, unless one was asked for; what it needs. */
uint32_t sp_plan_settle_stamp(struct sp_plan_stream *, uint64_t room, uint32_t native,
			      uint32_t brief);
/* A stream with packet_size: size (the largest), size_least, mean_size, and its stamp. */
int sp_plan_settle_sizes(struct sp_plan_build *, struct sp_plan_stream *,
			 const struct sp_plan_sizes *, const char *place, struct sp_err *);
/* plan_text.c: fills sha256. */
int sp_plan_digest(struct sp_plan *, const struct sp_mem *, const struct sp_catalog *,
		   struct sp_err *);

#endif
