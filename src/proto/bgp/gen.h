/* A BGP speaker that has a table and says it: one end of a session (RFC 4271 8, without what a
 * listener needs). */
#ifndef SP_PROTO_BGP_GEN_H
#define SP_PROTO_BGP_GEN_H

#include "plugin/proto.h"
#include "proto/routes_gen.h"

struct sp_bgp_gen_conf {
	struct sp_routes_conf routes; /* first */
	uint64_t as, hold_ns, rate;   /* UPDATEs a second; 0: as fast as may be */
	const char *router_id;
};

/* What truth needs of the latest session; one connection writes it, control reads it. */
struct sp_bgp_gen_said {
	uint64_t updates;
	uint32_t internal;
};

struct sp_proto {
	const struct sp_mem *mem;
	struct sp_routes routes;
	uint32_t as, id;
	uint64_t hold_ns, gap_ns;
	struct sp_bgp_gen_said *said;
};

extern const struct sp_opt sp_bgp_gen_opts[];
int sp_bgp_gen_check(const void *conf, struct sp_err *);
int sp_bgp_gen_open(struct sp_proto **, const struct sp_proto_args *, const struct sp_mem *,
		    struct sp_err *);
void sp_bgp_gen_close(struct sp_proto *);
int sp_bgp_gen_truth(const struct sp_proto *, const struct sp_truth *);

#endif
