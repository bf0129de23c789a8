/* From a target or own address as written to an endpoint, and what this host's interfaces say
 * about it. Control thread only; names may take as long as the system's resolver takes. */
#ifndef SP_ENGINE_RESOLVE_H
#define SP_ENGINE_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"

/* Own addresses and subnets at one moment. */
struct sp_local;
int sp_local_new(struct sp_local **, const struct sp_mem *, struct sp_err *);
void sp_local_free(struct sp_local *);
/* An address of this host: loopback, or configured on an interface that is up. */
bool sp_local_is_own(const struct sp_local *, const struct sp_addr *);
/* The broadcast address (or, as old stacks took it, the network address) of a subnet that this
 * host is in. */
bool sp_local_is_broadcast(const struct sp_local *, const struct sp_addr *);

/* Is such an address among first to last? */
bool sp_local_has_broadcast(const struct sp_local *, const struct sp_addr *first,
			    const struct sp_addr *last);
/* Is there one in the block of a, that a may be moved to (sp_rewrite_may_become)? */
bool sp_local_moves_onto_broadcast(const struct sp_local *, const struct sp_addr *a);
/* Has the interface an address, and none outside the own networks? Loopback has. */
bool sp_local_is_own_link(const struct sp_local *, const char *interface);

/* Has the interface (NULL or "": any that is up) an IPv4 address outside the own networks? */
bool sp_local_is_public(const struct sp_local *, const char *interface);

struct sp_resolve_conf {
	uint8_t family;	       /* preferred: that of the own address, 4 or 6; 0: none */
	const char *interface; /* gives link-local addresses their scope; NULL or "": none */
};
/* Numeric first, then the system's resolver. Where a name has addresses of both families, the
 * preferred one is taken, else the first. -ENOENT, exit 69: it does not resolve. -EINVAL, exit
 * 2: a link-local address without an interface, or one of another family than preferred.
 * -ENODEV, exit 77: there is no such interface. */
int sp_resolve(const char *host, uint16_t port, const struct sp_resolve_conf *,
	       struct sp_endpoint *, struct sp_err *);

#endif
