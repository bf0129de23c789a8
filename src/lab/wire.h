/* Builds the network of a lab out of namespaces that exist. */
#ifndef SP_LAB_WIRE_H
#define SP_LAB_WIRE_H

#include <sys/types.h>

#include "base/err.h"
#include "lab/hosts.h"

/* Settings of the network namespace the caller is in, before it has any interface but lo:
 * IPv6 on and without duplicate address detection for a host; off in the switch, which is
 * only to forward frames and not to send any. */
void sp_wire_prepare_host(void);
void sp_wire_prepare_switch(void);

/* The caller is in the switch's network namespace. Joins the hosts of the map (whose holders
 * run already) and gives them their addresses. The caller ends in the switch's namespace. */
int sp_wire_up(const struct sp_lab_map *, struct sp_err *err);

#endif
