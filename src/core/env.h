/* What a run and every part of it get from outside. Two runs in one process have two of these. */
#ifndef SP_CORE_ENV_H
#define SP_CORE_ENV_H

#include <stdint.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/clock.h"

struct sp_env {
	const struct sp_mem *mem;
	struct sp_clock *clock;
	const struct sp_log *log; /* may be NULL */
	uint64_t seed;
};

#endif
