/* The engine's leave to open and send, issued by engine/guard after addresses were resolved and
 * judged. A transport gets it at open and asks it for every endpoint: no plug-in can forget. */
#ifndef SP_PLUGIN_PERMIT_H
#define SP_PLUGIN_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/* Consent to more than the small limits for other people's networks: the far end's, from a
 * receiver at that very address, or that of a test segment of this host. For so many units in all
 * and until a moment, and renewed. One worker takes from it; the control thread renews it. */
struct sp_segment;
struct sp_lease {
	struct sp_endpoint to;
	const struct sp_segment *segment; /* NULL: the far end is to be asked */
	uint64_t pps;	   /* units a second that are asked for; UINT64_MAX: any number */
	uint64_t until_ns; /* atomic: nothing leaves from then on; 0: none was given */
	uint64_t packets;  /* atomic: units that may have left in all since the run began */
	uint64_t used;	   /* units taken; the worker's */
	uint64_t refused;  /* units that came too late or were too many; the worker's */
};

struct sp_permit {
	uint32_t magic;		      /* SP_PERMIT_MAGIC: issued, not made up */
	bool listen;		      /* may bind and receive */
	bool broadcast;		      /* may set SO_BROADCAST */
	const struct sp_endpoint *to; /* permitted targets, sorted by nothing */
	uint32_t n_to;
	struct sp_lease *lease; /* those of the targets that need one */
	uint32_t n_leases;
};
#define SP_PERMIT_MAGIC 0x73706174u

static inline bool sp_permit_allows(const struct sp_permit *p, const struct sp_endpoint *to)
{
	if (!p || p->magic != SP_PERMIT_MAGIC)
		return false;
	for (uint32_t i = 0; i < p->n_leases; i++)
		if (!p->lease[i].until_ns && sp_endpoint_eq(&p->lease[i].to, to))
			return false;
	for (uint32_t i = 0; i < p->n_to; i++)
		if (sp_endpoint_eq(&p->to[i], to))
			return true;
	return false;
}

#endif
