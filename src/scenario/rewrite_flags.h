/* The flags about rewriting frames, for every command that has them: rows of a table of flags whose
 * keys are "rewrite.WORD", and what puts them together to the words of pkt/rewrite.h. The second
 * spellings are tcprewrite's. */
#ifndef SP_SCENARIO_REWRITE_FLAGS_H
#define SP_SCENARIO_REWRITE_FLAGS_H

#include <stdbool.h>

#include "base/options.h"
#include "base/str.h"

/* Is the flag one of these? Then it is added to words, as "word=value" behind a blank. 0, or
 * -EINVAL: the value is none for any word. What is wrong with it otherwise sp_rewrite_new says. */
bool sp_is_rewrite_flag(const struct sp_flag *);
int sp_rewrite_flag(struct sp_str *words, const struct sp_flag *, const char *value,
		    const char *spelling, struct sp_err *);

/* src, dst: the spellings of both rows. */
#define SP_REWRITE_MAC_FLAGS(group, src, dst)                                                  \
	{ src,                                                                                 \
	  SP_FLAG_VALUE,                                                                       \
	  "MAC[,MAC]",                                                                         \
	  "rewrite.src-mac",                                                                   \
	  NULL,                                                                                \
	  group,                                                                               \
	  "set the frame's source address; the second: of frames from "                        \
	  "the server to the client" },                                                        \
	{                                                                                      \
		dst, SP_FLAG_VALUE, "MAC[,MAC]", "rewrite.dst-mac", NULL, group,               \
			"set the frame's destination"                                          \
	}

#define SP_REWRITE_FLAGS(group)                                                                \
	{ "--mac-map, --enet-subsmac",                                                         \
	  SP_FLAG_VALUE,                                                                       \
	  "MAC,MAC",                                                                           \
	  "rewrite.mac-map",                                                                   \
	  NULL,                                                                                \
	  group,                                                                               \
	  "wherever the first stands, in either place and in ARP, the "                        \
	  "second" },                                                                          \
		{ "--ip-map, --pnat",                                                          \
		  SP_FLAG_VALUE,                                                               \
		  "MAP",                                                                       \
		  "rewrite.ip-map",                                                            \
		  NULL,                                                                        \
		  group,                                                                       \
		  "addresses of both sides, ARP and neighbour discovery too: "                 \
		  "10.0.0.0/8:192.168.0.0/16[,...], [2001:db8::/32]:[fd00::/16]; "             \
		  "the first that fits is taken" },                                            \
		{ "--src-ip-map, --srcipmap", SP_FLAG_VALUE, "MAP",                            \
		  "rewrite.src-ip-map",	      NULL,	     group,                            \
		  "the same, of the source" },                                                 \
		{ "--dst-ip-map, --dstipmap",	 SP_FLAG_VALUE, "MAP",                         \
		  "rewrite.dst-ip-map",		 NULL,		group,                         \
		  "the same, of the destination" },                                            \
		{ "--endpoints",                                                               \
		  SP_FLAG_VALUE,                                                               \
		  "CLIENT:SERVER",                                                             \
		  "rewrite.endpoints",                                                         \
		  NULL,                                                                        \
		  group,                                                                       \
		  "all traffic between two addresses; the client is the side "                 \
		  "with the higher port, else the lower address" },                            \
		{ "--random-ip",                                                               \
		  SP_FLAG_VALUE,                                                               \
		  "SEED",                                                                      \
		  "rewrite.seed",                                                              \
		  NULL,                                                                        \
		  group,                                                                       \
		  "other addresses for all that no map took, of the same kind; "               \
		  "the same seed gives the same, and flows stay flows" },                      \
		{ "--port-map, --portmap",                                                     \
		  SP_FLAG_VALUE,                                                               \
		  "MAP",                                                                       \
		  "rewrite.port-map",                                                          \
		  NULL,                                                                        \
		  group,                                                                       \
		  "ports of TCP, UDP, SCTP and DCCP: 80:8080, 80,81:8080, "                    \
		  "1000-1999:2000-2999" },                                                     \
		{ "--src-port-map",	    SP_FLAG_VALUE, "MAP",                              \
		  "rewrite.src-port-map",   NULL,	   group,                              \
		  "the same, of the source" },                                                 \
		{ "--dst-port-map",                                                            \
		  SP_FLAG_VALUE,                                                               \
		  "MAP",                                                                       \
		  "rewrite.dst-port-map",                                                      \
		  NULL,                                                                        \
		  group,                                                                       \
		  "the same, of the destination" },                                            \
		{ "--vlan, --enet-vlan",                                                       \
		  SP_FLAG_VALUE,                                                               \
		  "HOW",                                                                       \
		  "rewrite.vlan",                                                              \
		  NULL,                                                                        \
		  group,                                                                       \
		  "add a tag, outermost, or delete the outermost; without, the "               \
		  "tag that is there is changed" },                                            \
		{ "--vlan-id, --enet-vlan-tag",                                                \
		  SP_FLAG_VALUE,                                                               \
		  "N",                                                                         \
		  "rewrite.vlan-id",                                                           \
		  NULL,                                                                        \
		  group,                                                                       \
		  "its VLAN" },                                                                \
		{ "--vlan-priority, --enet-vlan-pri",                                          \
		  SP_FLAG_VALUE,                                                               \
		  "N",                                                                         \
		  "rewrite.vlan-priority",                                                     \
		  NULL,                                                                        \
		  group,                                                                       \
		  "its priority, 0 to 7" },                                                    \
		{ "--vlan-dei, --enet-vlan-cfi",                                               \
		  SP_FLAG_VALUE,                                                               \
		  "BIT",                                                                       \
		  "rewrite.vlan-dei",                                                          \
		  NULL,                                                                        \
		  group,                                                                       \
		  "its drop eligible bit" },                                                   \
		{ "--vlan-type, --enet-vlan-proto",                                            \
		  SP_FLAG_VALUE,                                                               \
		  "TYPE",                                                                      \
		  "rewrite.vlan-type",                                                         \
		  NULL,                                                                        \
		  group,                                                                       \
		  "802.1q or 802.1ad" },                                                       \
		{ "--ttl",                                                                     \
		  SP_FLAG_VALUE,                                                               \
		  "N",                                                                         \
		  "rewrite.ttl",                                                               \
		  NULL,                                                                        \
		  group,                                                                       \
		  "TTL or hop limit: 64, +1, -3; from 1 to 255" },                             \
		{ "--tos", SP_FLAG_VALUE,	   "N", "rewrite.tos", NULL,                   \
		  group,   "the TOS octet of IPv4" },                                          \
		{ "--tclass",                                                                  \
		  SP_FLAG_VALUE,                                                               \
		  "N",                                                                         \
		  "rewrite.tclass",                                                            \
		  NULL,                                                                        \
		  group,                                                                       \
		  "the traffic class of IPv6" },                                               \
		{ "--dscp",                                                                    \
		  SP_FLAG_VALUE,                                                               \
		  "N",                                                                         \
		  "rewrite.dscp",                                                              \
		  NULL,                                                                        \
		  group,                                                                       \
		  "the DSCP of both, 0 to 63; ECN stays" },                                    \
		{ "--flow-label, --flowlabel", SP_FLAG_VALUE, "N",                             \
		  "rewrite.flow-label",	       NULL,	      group,                           \
		  "the flow label of IPv6" },                                                  \
		{ "--inner",                                                                   \
		  SP_FLAG_NONE,                                                                \
		  NULL,                                                                        \
		  "rewrite.inner",                                                             \
		  "also",                                                                      \
		  group,                                                                       \
		  "headers inside of IP-in-IP, GRE, VXLAN and GENEVE, and "                    \
		  "packets that ICMP errors quote, too" },                                     \
		{ "--inner-only",                                                              \
		  SP_FLAG_NONE,                                                                \
		  NULL,                                                                        \
		  "rewrite.inner",                                                             \
		  "only",                                                                      \
		  group,                                                                       \
		  "these and not the outer ones" },                                            \
		{ "--payload-at",                                                              \
		  SP_FLAG_VALUE,                                                               \
		  "OFFSET=HEX",                                                                \
		  "rewrite.payload-at",                                                        \
		  NULL,                                                                        \
		  group,                                                                       \
		  "octets of the payload behind TCP, UDP, ...; several times, if "             \
		  "need be" },                                                                 \
		{ "--payload-replace",                                                         \
		  SP_FLAG_VALUE,                                                               \
		  "HEX=HEX",                                                                   \
		  "rewrite.payload-replace",                                                   \
		  NULL,                                                                        \
		  group,                                                                       \
		  "these octets by others, as many, wherever a payload has them; "             \
		  "several times, if need be" },                                               \
		{ "--skip-broadcast, --skipbroadcast",                                         \
		  SP_FLAG_NONE,                                                                \
		  NULL,                                                                        \
		  "rewrite.skip-broadcast",                                                    \
		  "yes",                                                                       \
		  group,                                                                       \
		  "leave multicast and broadcast addresses as they are" },                     \
		{ "--fix-csum, --fixcsum, -C",                                                 \
		  SP_FLAG_NONE,                                                                \
		  NULL,                                                                        \
		  "rewrite.fix-csum",                                                          \
		  "yes",                                                                       \
		  group,                                                                       \
		  "compute all checksums anew (else those that were wrong stay "               \
		  "wrong)" },                                                                  \
		{ "--unique-ip",                                                               \
		  SP_FLAG_NONE,                                                                \
		  NULL,                                                                        \
		  "rewrite.unique-ip",                                                         \
		  "yes",                                                                       \
		  group,                                                                       \
		  "each loop other addresses, of the same network" },                          \
	{                                                                                      \
		"--unique-port", SP_FLAG_NONE, NULL, "rewrite.unique-port", "yes", group,      \
			"each loop other ports, of those from 1024 on"                         \
	}

#endif
