/* Who has this address? Requests of ARP (RFC 826) and solicitations of neighbour discovery (RFC
 * 4861), and the answers: I have it. Pure. */
#ifndef SP_PKT_NEIGHBOUR_H
#define SP_PKT_NEIGHBOUR_H

#include <stdint.h>

#include "base/prefix.h"

/* Writes the answer to a frame that asks for one of own, by mac, into out, which has room for cap
 * bytes; never more than the question has. Returns its length; 0: it does not ask for that, or may
 * not be answered. */
uint32_t sp_arp_answer(const uint8_t *frame, uint32_t len, const struct sp_prefixes *own,
		       const uint8_t mac[6], uint8_t *out, uint32_t cap);
/* The same. A host that asks whether its own new address is free (from ::) gets no answer: it would
 * be longer than the question. */
uint32_t sp_nd_answer(const uint8_t *frame, uint32_t len, const struct sp_prefixes *own,
		      const uint8_t mac[6], uint8_t *out, uint32_t cap);

#endif
