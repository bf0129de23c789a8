/* A number that times are multiplied by, as an exact fraction. */
#ifndef SP_BASE_FACTOR_H
#define SP_BASE_FACTOR_H

#include <stdint.h>

struct sp_factor {
	uint64_t num, den;
};

/* "2", "0.01", "1e-3": above 0 and at most a million. -EINVAL: no such number; -ERANGE: 0, less, or
 * too large, or more digits than are kept. */
int sp_factor_parse(const char *text, struct sp_factor *);
/* ns times the factor, rounded up so that nothing leaves early; at most UINT64_MAX / 2. */
uint64_t sp_factor_scale(const struct sp_factor *, uint64_t ns);

#endif
