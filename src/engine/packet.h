/* The packet of a stream over frames: its expression, or plain UDP to its target, as a template; and
 * what one must know of an expression before it leaves. */
#ifndef SP_ENGINE_PACKET_H
#define SP_ENGINE_PACKET_H

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/guard.h"
#include "engine/plan.h"
#include "pkt/template.h"
#include "plugin/catalog.h"

#define SP_ETH_LEN	 14u
/* Tables may list many addresses; what is beyond is judged as if it were everything. */
#define SP_PACKET_RANGES 65536u

/* What leaves on `link` towards `to`: what the expression leaves open is the link's, and `to`
 * itself. The template is the caller's to free, also on failure. Errors: -EINVAL, a sentence. */
int sp_packet_template(struct sp_template *, const struct sp_plan_stream *,
		       const struct sp_plan_port *, const struct sp_endpoint *to,
		       const struct sp_link *link, const struct sp_catalog *,
		       const struct sp_mem *, struct sp_err *);

/* One expression, looked at. */
struct sp_packet_facts {
	uint32_t len;  /* of the frame as the expression alone gives it */
	uint32_t head; /* of the frame: what stands before octets that may be added */
	bool fixed;    /* none may be */
	bool ip;       /* it has an IP header; then: */
	uint8_t family;
	bool dst_given, src_given;
	bool mac_given;	 /* the next hop needs not be found: the expression names it, or none */
	bool syn;	 /* TCP with SYN, without ACK; or that could become it */
	bool src_varies; /* addresses or port numbers: what receivers key by */
	bool echo;	 /* an echo request: its bytes come back */
	struct sp_endpoint dst; /* of unit 0 */
	struct sp_guard_range *src,
		*to; /* all that they may be, in the arena; none if not given */
	unsigned n_src, n_to;
};

/* text as the user wrote it; place opens sentences. to: what fills a missing target; family 0:
 * not known. 0, -EINVAL, -ENOMEM. */
int sp_packet_look(const char *text, const char *place, const struct sp_endpoint *to,
		   const struct sp_catalog *, struct sp_arena *, struct sp_packet_facts *,
		   struct sp_err *);
/* 4 or 6; 0: it has no IP header, or is wrong. */
uint8_t sp_packet_family(const char *text, const struct sp_catalog *, const struct sp_mem *);
/* Whether it says to whom it goes, or (not IP) needs not. Of a wrong one: false.
 * Files that it names are read. */
bool sp_packet_names_target(const char *text, const struct sp_catalog *, const struct sp_mem *);
/* Whether a field of it is drawn by the seed. Of a wrong one: false. */
bool sp_packet_draws(const char *text, const struct sp_catalog *, const struct sp_mem *);
/* The canonical spelling, in the arena. files: @FILE is read, and its values take its place; only
 * for words of this host's user. 0 or as look; of a file also what sp_file_read returns. */
int sp_packet_spell(const char *text, const char *place, bool files, const struct sp_catalog *,
		    struct sp_arena *, const char **out, struct sp_err *);

#endif
