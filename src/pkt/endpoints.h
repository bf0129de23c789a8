/* Endpoints with an index each: same endpoint, same index. Filled by cold code. */
#ifndef SP_PKT_ENDPOINTS_H
#define SP_PKT_ENDPOINTS_H

#include <stdint.h>

#include "base/address.h"
#include "base/mem.h"

struct sp_endpoints {
	struct sp_endpoint *at; /* n of them, by index */
	uint32_t n, max;
	uint32_t *slot, mask; /* hash table: index + 1, 0 = empty */
};

/* Room for max endpoints (at least 1). 0 or -ENOMEM. */
int sp_endpoints_init(struct sp_endpoints *, const struct sp_mem *, uint32_t max);
void sp_endpoints_fini(struct sp_endpoints *, const struct sp_mem *);
/* 0 and the index of e, new or known; -ENOSPC when full. */
int sp_endpoints_add(struct sp_endpoints *, const struct sp_endpoint *e, uint32_t *index);

#endif
