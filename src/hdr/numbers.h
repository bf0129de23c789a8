/* Numbers that several headers use: Ethernet types and IP protocols, as names of values and as the
 * headers that they announce. */
#ifndef SP_HDR_NUMBERS_H
#define SP_HDR_NUMBERS_H

#include "pkt/hdr.h"

extern const struct sp_word sp_ether_words[];
extern const struct sp_next sp_ether_next[];
extern const struct sp_word sp_ip_words[];
extern const struct sp_next sp_ip_next[];

#endif
