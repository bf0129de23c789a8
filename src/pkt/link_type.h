/* Link types, by their registered numbers (tcpdump.org/linktypes). */
#ifndef SP_PKT_LINK_TYPE_H
#define SP_PKT_LINK_TYPE_H

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

#endif
