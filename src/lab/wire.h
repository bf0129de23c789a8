/* Builds the network of a lab out of namespaces that exist. */
#ifndef SP_LAB_WIRE_H
#define SP_LAB_WIRE_H

#include <sys/types.h>

#include "base/err.h"
#include "lab/hosts.h"
#include "lab/spec.h"

/* Settings of the network namespace the caller is in, before it has any interface but lo: IPv6 on
 * and without duplicate address detection for a host, forwarding for a router; IPv6 off in the
 * switch, which is only to forward frames and not to send any. -EROFS when a router cannot be. */
int sp_wire_prepare_place(enum sp_lab_kind);
void sp_wire_prepare_switch(void);

/* The caller is in the switch's network namespace. Decides for every link what carries it (its via
 * is never AUTO afterwards), joins the places of the map (whose holders run already), gives them
 * addresses and routes. The caller ends in the switch's namespace. */
int sp_wire_up(struct sp_lab_spec *, const struct sp_lab_map *, struct sp_err *err);

/* The two interfaces in the switch's namespace between which the forwarder of link number n works.
 * name: IFNAMSIZ bytes. */
void sp_wire_forwarder_end(unsigned link, unsigned end, char *name);

/* A link that netem carries: its settings changed. From and to the switch's namespace. */
int sp_wire_set_netem(struct sp_lab_spec *, const struct sp_lab_map *, unsigned link,
		      struct sp_err *err);

#endif
