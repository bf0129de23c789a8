/* Link types of capture files, by their registered numbers (tcpdump.org/linktypes). */
#ifndef SP_CAPIO_LINK_TYPE_H
#define SP_CAPIO_LINK_TYPE_H

#include <stdbool.h>
#include <stdint.h>

enum sp_link_type {
	SP_LINK_NULL = 0, /* BSD loopback: a family in the host's order */
	SP_LINK_ETHERNET = 1,
	SP_LINK_RAW = 101,  /* IP of either version */
	SP_LINK_LOOP = 108, /* OpenBSD loopback: a family in network order */
	SP_LINK_SLL = 113,  /* Linux cooked */
	SP_LINK_RADIOTAP = 127,
	SP_LINK_IPV4 = 228,
	SP_LINK_IPV6 = 229,
	SP_LINK_SLL2 = 276,
};

/* Those above, which are looked into. */
#define SP_LINKS_DISSECTED 9u
extern const uint16_t sp_links_dissected[SP_LINKS_DISSECTED];
/* Old numbers that some systems wrote become the registered ones. */
uint16_t sp_link_type_plain(uint16_t);
/* Is it registered, and not for private use (147 to 162)? */
bool sp_link_type_known(uint16_t);
/* "Ethernet"; "link type 105" of those that are not dissected. */
const char *sp_link_type_name(uint16_t, char buf[24]);

#endif
