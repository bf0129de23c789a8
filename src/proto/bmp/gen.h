/* A monitored router that nobody has (RFC 7854): what its generator's parts know of each other. */
#ifndef SP_PROTO_BMP_GEN_H
#define SP_PROTO_BMP_GEN_H

#include "plugin/proto.h"
#include "proto/held.h"
#include "proto/routes_gen.h"

#define SP_BMP_GEN_PEER 0xc6120001u /* 198.18.0.1 and on (RFC 2544) */
#define SP_BMP_GEN_AS	64512u
#define SP_BMP_GEN_AS_N 1000u

struct sp_bmp_gen_conf {
	struct sp_routes_conf routes;
	uint64_t as, peers, rate, stats_ns;
	const char *router_id, *sys_name;
};

struct sp_proto {
	const struct sp_mem *mem;
	struct sp_routes routes;
	uint32_t as, id, peers;
	uint64_t gap_ns, stats_ns;
	int64_t real_offset_ns;
	char sys_name[128];
	uint64_t *said; /* messages of the session that stands */
};

/* ---- gen.c: settings, peers, truth ---- */

extern const struct sp_opt sp_bmp_gen_opts[];
int sp_bmp_gen_check(const void *conf, struct sp_err *);
int sp_bmp_gen_open(struct sp_proto **, const struct sp_proto_args *, const struct sp_mem *,
		    struct sp_err *);
void sp_bmp_gen_close(struct sp_proto *);
int sp_bmp_gen_truth(const struct sp_proto *, const struct sp_truth *);

/* HOT. Whose message is unit, and which of his? Each tells its table, one after the other, then they
 * churn by turns. */
uint64_t sp_bmp_gen_split(const struct sp_proto *, uint64_t unit, uint32_t *peer);
/* HOT. What a peer has, and who it is. */
struct sp_routes sp_bmp_gen_routes(const struct sp_proto *, uint32_t peer);
struct sp_routes_speaker sp_bmp_gen_speaker(uint32_t peer);

/* ---- gen_message.c: each appends a message ---- */

void sp_bmp_gen_initiation(struct sp_held *, const struct sp_proto *);
void sp_bmp_gen_peer_up(struct sp_held *, const struct sp_proto *, uint32_t peer,
			uint64_t now_ns);
/* Route Monitoring: UPDATE number inner of the peer. */
void sp_bmp_gen_update(struct sp_held *, const struct sp_proto *, uint32_t peer, uint64_t inner,
		       uint64_t now_ns);
void sp_bmp_gen_statistics(struct sp_held *, const struct sp_proto *, uint32_t peer,
			   uint64_t now_ns);
void sp_bmp_gen_peer_down(struct sp_held *, const struct sp_proto *, uint32_t peer,
			  uint64_t now_ns);
void sp_bmp_gen_termination(struct sp_held *);

#endif
