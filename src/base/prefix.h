/* Sets of addresses, as users write them: addresses and prefixes. */
#ifndef SP_BASE_PREFIX_H
#define SP_BASE_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct sp_prefix {
	struct sp_addr addr; /* bits behind the length are 0 */
	uint8_t len;
};

#define SP_PREFIXES 32u
struct sp_prefixes {
	uint32_t n;
	struct sp_prefix p[SP_PREFIXES];
};

/* "10.0.0.0/24", "2001:db8::/64", or an address, which is a prefix of its whole length. 0 or
 * -EINVAL; also where bits behind the length are set: it would say something else than it does. */
int sp_prefix_parse(const char *text, struct sp_prefix *);
bool sp_prefix_has(const struct sp_prefix *, const struct sp_addr *);
/* One more; 0, -EINVAL or -ENOSPC. */
int sp_prefixes_add(struct sp_prefixes *, const char *text);
/* HOT. */
bool sp_prefixes_have(const struct sp_prefixes *, const struct sp_addr *);

#endif
