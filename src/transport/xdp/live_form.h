/* What a form (struct sp_repeat_form) says of fields and checksums. Inside the folder only. */
#ifndef SP_TRANSPORT_XDP_LIVE_FORM_H
#define SP_TRANSPORT_XDP_LIVE_FORM_H

#include "pkt/template.h"
#include "plugin/transport.h"

static inline uint64_t xdp_form_mask(const struct sp_place *p)
{
	return p->bytes < 8 ? p->mask & ((1ull << 8 * p->bytes) - 1) : p->mask;
}

static inline uint64_t xdp_form_every(const struct sp_place *p)
{
	return p->every ? p->every : 1;
}

static inline int32_t xdp_log2(uint64_t v)
{
	return 63 - __builtin_clzll(v);
}

static inline uint32_t xdp_form_end(const struct sp_repeat_form *f, const struct sp_sum *s)
{
	return s->to ? f->prefix_len + s->to : f->len;
}

/* A walk that needs no memory: its number is some bits of the unit's. */
bool xdp_form_is_bits(const struct sp_place *);
/* Place i as it stands in a unit (pkt/patch has the same). */
uint64_t xdp_form_value(const struct sp_repeat_form *, uint32_t i, uint64_t unit);
/* How octets off .. off + bytes come into octets from .. to of a sum: -1 not at all, -2 in part,
 * else the shift of their value. */
int xdp_form_into(uint32_t off, uint32_t bytes, uint32_t from, uint32_t to);
/* The same for a whole checksum, which may have them twice: in its pseudo header. */
struct xdp_shifts {
	int at[3];
};
struct xdp_shifts xdp_form_shifts(const struct sp_repeat_form *, uint32_t off, uint32_t bytes,
				  const struct sp_sum *);
/* The checksum that the stamp is part of: the innermost one. -1: none. */
int xdp_form_stamped_sum(const struct sp_repeat_form *);

#endif
