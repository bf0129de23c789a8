/* Which packets of a capture are wanted: conditions on fields of their headers, by the names of the
 * tables of headers (pkt/hdr.h), which are scapy's. All conditions hold, of a condition's values
 * one. Pure. */
#ifndef SP_CAPIO_SELECT_H
#define SP_CAPIO_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "capio/packet_view.h"
#include "pkt/hdr.h"

struct sp_select_field; /* one condition */
struct sp_select {
	struct sp_arena *arena;
	struct sp_select_field *fields;
};

/* One more value of layer.field ("ip", "tcp", "udp"): of the same field as before it is another one
 * that may be, of a new field a condition. "ip" is what either family has: src, dst, proto, ttl,
 * version, ... Texts are not kept. hdr is the catalog's table. 0; -ENOENT: there is no such layer or
 * field; -EINVAL: not a value of that field; -ENOMEM. err has a sentence that begins with
 * "layer.field". */
int sp_select_add(struct sp_select *, const struct sp_hdr_ops *const *hdr, const char *layer,
		  const char *field, const char *value, struct sp_err *);
/* HOT. Without conditions every packet matches; a condition on a header that the packet has not
 * fails, and so do those on what a fragment does not have. */
bool sp_select_match(const struct sp_select *, const struct sp_cap_packet *,
		     const struct sp_cap_view *);

#endif
