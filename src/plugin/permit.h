/* The engine's leave to open and send, issued by engine/guard after addresses were resolved and
 * judged. A transport gets it at open and asks it for every endpoint: no plug-in can forget. */
#ifndef SP_PLUGIN_PERMIT_H
#define SP_PLUGIN_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct sp_permit {
	uint32_t magic;		      /* SP_PERMIT_MAGIC: issued, not made up */
	bool listen;		      /* may bind and receive */
	bool broadcast;		      /* may set SO_BROADCAST */
	const struct sp_endpoint *to; /* permitted targets, sorted by nothing */
	uint32_t n_to;
};
#define SP_PERMIT_MAGIC 0x73706174u

static inline bool sp_permit_allows(const struct sp_permit *p, const struct sp_endpoint *to)
{
	if (!p || p->magic != SP_PERMIT_MAGIC)
		return false;
	for (uint32_t i = 0; i < p->n_to; i++)
		if (sp_endpoint_eq(&p->to[i], to))
			return true;
	return false;
}

#endif
