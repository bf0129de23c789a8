#include "capio/link_type.h"

#include <stddef.h>
#include <stdio.h>

const uint16_t sp_links_dissected[SP_LINKS_DISSECTED] = {
	SP_LINK_ETHERNET, SP_LINK_SLL,	    SP_LINK_SLL2, SP_LINK_RAW,	SP_LINK_IPV4,
	SP_LINK_IPV6,	  SP_LINK_RADIOTAP, SP_LINK_NULL, SP_LINK_LOOP,
};

uint16_t sp_link_type_plain(uint16_t type)
{
	return type == 12 || type == 14 ? SP_LINK_RAW : type;
}

bool sp_link_type_known(uint16_t type)
{
	/* First and last of each run of registered numbers. */
	static const uint16_t runs[][2] = {
		{ 0, 1 },     { 3, 3 },	    { 6, 10 },	  { 50, 51 },	{ 99, 101 },
		{ 104, 109 }, { 112, 114 }, { 117, 117 }, { 119, 119 }, { 121, 123 },
		{ 127, 127 }, { 129, 129 }, { 138, 146 }, { 163, 163 }, { 165, 172 },
		{ 177, 178 }, { 182, 184 }, { 186, 297 }, { 298, 304 },
	};

	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
		if (type >= runs[i][0] && type <= runs[i][1])
			return true;
	return false;
}

const char *sp_link_type_name(uint16_t type, char buf[24])
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ SP_LINK_NULL, "loopback" },	     { SP_LINK_ETHERNET, "Ethernet" },
		{ SP_LINK_RAW, "raw IP" },	     { SP_LINK_LOOP, "OpenBSD loopback" },
		{ SP_LINK_SLL, "Linux cooked" },     { SP_LINK_RADIOTAP, "802.11 radiotap" },
		{ SP_LINK_IPV4, "raw IPv4" },	     { SP_LINK_IPV6, "raw IPv6" },
		{ SP_LINK_SLL2, "Linux cooked v2" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(buf, 24, "link type %u", (unsigned)type);
	return buf;
}
