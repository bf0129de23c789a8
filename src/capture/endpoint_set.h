/* Endpoints, each once, numbered in the order in which they came; addresses alone are endpoints
 * with port 0. One thread. */
#ifndef SP_CAPTURE_ENDPOINT_SET_H
#define SP_CAPTURE_ENDPOINT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/mem.h"

struct sp_endpoint_set {
	const struct sp_mem *mem;
	uint32_t n, cap;	/* cap: a power of two, or 0 */
	struct sp_endpoint *of; /* [n], by number */
	uint32_t *slot;		/* [2 * cap], number + 1; 0: free */
};

void sp_endpoint_set_init(struct sp_endpoint_set *, const struct sp_mem *);
/* Its number, and whether it is new; -ENOMEM, -E2BIG beyond 2^24. */
int sp_endpoint_set_add(struct sp_endpoint_set *, const struct sp_endpoint *, bool *added);
/* Its number, or -ENOENT. */
int sp_endpoint_set_find(const struct sp_endpoint_set *, const struct sp_endpoint *);
void sp_endpoint_set_fini(struct sp_endpoint_set *);

#endif
