/* How long before a departure a sleeping worker has to get up: what is left is spun away. Sleeps
 * end late, by a few us on bare metal and by 30 to 50 us in a virtual machine; the margin
 * follows the 99.9th percentile of this host's lateness by stochastic approximation (Robbins and
 * Monro 1951: each sleep that ended too late raises it a thousand times as far as one that did
 * not lowers it). */
#ifndef SP_CORE_MARGIN_H
#define SP_CORE_MARGIN_H

#include <stdint.h>

#define SP_MARGIN_MIN_NS   10000u
#define SP_MARGIN_MAX_NS   58000u /* also where it begins: more costs CPU for the rarest sleeps */
#define SP_MARGIN_GUARD_NS 3000u /* from being awake to being ready */
#define SP_MARGIN_UP_NS	   5000u
#define SP_MARGIN_DOWN_NS  5u

struct sp_margin {
	uint32_t ns;
};

static inline void sp_margin_init(struct sp_margin *m)
{
	m->ns = SP_MARGIN_MAX_NS;
}

/* A sleep ended late_ns after the instant it was asked to end. */
static inline void sp_margin_note(struct sp_margin *m, uint64_t late_ns)
{
	if (late_ns + SP_MARGIN_GUARD_NS > m->ns) {
		m->ns += SP_MARGIN_UP_NS;
		m->ns = m->ns < SP_MARGIN_MAX_NS ? m->ns : SP_MARGIN_MAX_NS;
	} else if (m->ns >= SP_MARGIN_MIN_NS + SP_MARGIN_DOWN_NS) {
		m->ns -= SP_MARGIN_DOWN_NS;
	}
}

#endif
