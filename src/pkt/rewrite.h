/* Rewrites frames in place: hardware and IP addresses, ports, VLAN tags, TTL, TOS, flow labels,
 * octets of payloads, inside tunnels too, and the checksums that cover what was changed. Compiled
 * once from words, then applied frame by frame. Pure; trusts no length field.
 *
 * The words, separated by blanks; where one is said twice the later holds, but maps, payload-at
 * and payload-replace add up, and of maps the first that has the address or port is taken:
 *   src-mac=MAC[,MAC] dst-mac=MAC[,MAC]  the frame's; the second: of frames from server to client
 *   mac-map=MAC,MAC                      wherever the first stands, inside ARP too
 *   ip-map=P:Q[,P:Q...]                  of an address in prefix P the bits of Q's length are Q's,
 *                                        the others stay; v6 in brackets: [P]:[Q]
 *   src-ip-map= dst-ip-map=              the same, of one side
 *   endpoints=A:B                        the client is A, the server B
 *   seed=N                               every address that no map took gets another one of its
 *                                        kind: equal stays equal, neighbours stay neighbours
 *   port-map=80,81:8080,1-9:101-109      of both sides; src-port-map= dst-port-map= of one
 *   vlan=add|delete vlan-id= vlan-priority= vlan-dei= vlan-type=
 *                                        the outermost tag; without vlan= one that is there
 *   ttl=N|+N|-N (hop limit, too; 1 to 255) tos=N (IPv4) tclass=N (IPv6) dscp=N (both, ECN stays)
 *   flow-label=N
 *   inner=also|only                      headers inside IP-in-IP, GRE, VXLAN, GENEVE, and what ICMP
 *                                        errors quote (its addresses and ports), too or alone
 *   payload-at=OFFSET:HEX                octets of the L4 payload, where it is that long
 *   payload-replace=HEX:HEX              of the same length, every time
 *   skip-broadcast                       no multicast or broadcast address is changed
 *   fix-csum                             all checksums are computed anew
 *   unique-ip unique-port                each loop its own addresses, and ports of 1024 and above
 *
 * Who is the client: the side with the higher port; where they are equal, or none, with the lower
 * address.
 *
 * Checksums. A change is added to the checksum (RFC 1624): what was right is right again, what was
 * wrong stays wrong by as much, also where the frame is cut or a fragment. A partial one, as
 * offloading leaves it (the pseudo header's sum and nothing else), is completed when what it covers
 * changes and the packet is whole; else it stays partial. A UDP checksum of 0 stays 0. SCTP's CRC
 * is changed alike, where the packet is whole. With fix-csum every checksum of a whole packet is
 * computed, 0 of UDP over IPv6 too, unless it carries a tunnel (RFC 6935). Nothing mends an
 * authentication header.
 *
 * unique-ip. In loop n an address is moved n places on inside its own block: 10/8, 172.16/12,
 * 192.168/16, 100.64/10, 198.18/15 and the documentation prefixes, of a public IPv4 address its
 * /24, of IPv6 its /64; last octets 0 and 255 of IPv4 are neither given out nor changed. Loopback,
 * multicast, broadcast, link-local and unspecified addresses stay. So a frame never leaves the
 * network that it was for; who has consent for single addresses asks for each frame as ever. */
#ifndef SP_PKT_REWRITE_H
#define SP_PKT_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"

struct sp_rewrite;

struct sp_rewrite_counts {
	uint64_t frames;    /* that were looked at */
	uint64_t changed;   /* in at least one octet */
	uint64_t other;	    /* of a link type, or damaged so, that IP was not looked for */
	uint64_t completed; /* partial checksums that are whole now */
	uint64_t
		stale; /* checksums that could not follow: SCTP's of fragments and cut frames */
};

/* Can unique-ip make to of from, in whatever loop? Of IPv4. */
bool sp_rewrite_may_become(const struct sp_addr *from, const struct sp_addr *to);

/* Frames that leave again and again are rewritten ONCE, and a copy EACH time: together these are
 * what ALL is. */
enum sp_rewrite_part { SP_REWRITE_ALL, SP_REWRITE_ONCE, SP_REWRITE_EACH };

/* 0, -ENOMEM, or -EINVAL with a sentence that begins with the word; exit class SP_EXIT_USAGE. */
int sp_rewrite_new(struct sp_rewrite **, const char *words, enum sp_rewrite_part,
		   const struct sp_mem *, struct sp_err *);
void sp_rewrite_free(struct sp_rewrite *);

/* Octets that a frame may become longer by: the room that apply needs behind it. */
uint32_t sp_rewrite_room(const struct sp_rewrite *);
/* Whether a frame may differ between loops; else it may be rewritten once for all. */
bool sp_rewrite_varies(const struct sp_rewrite *);

/* HOT. Rewrites a frame of len octets in a place of cap; link is its registered link type: Ethernet,
 * raw IP, Linux cooked (both), BSD loopback; others stay as they are. Without a frame check sequence.
 * Any thread; counts are the caller's and may be NULL. The new length, or -ENOBUFS: it does not
 * fit, and nothing was changed. Never fails where cap >= len + sp_rewrite_room(). */
int sp_rewrite_apply(const struct sp_rewrite *, uint16_t link, uint8_t *frame, uint32_t len,
		     uint32_t cap, uint64_t loop, struct sp_rewrite_counts *);

#endif
