/* Ethernet + IPv4 or IPv6 + UDP headers, built once and patched when the length changes. Pure.
 * IPv4: no options, id 0, DF set (RFC 6864: atomic datagrams), TTL or hop limit 64. */
#ifndef SP_PKT_UDPFRAME_H
#define SP_PKT_UDPFRAME_H

#include <stdint.h>

#include "base/address.h"

#define SP_ETH_LEN	     14u
#define SP_UDP_FRAME_MAX     (SP_ETH_LEN + 40 + 8) /* longest of the headers */
#define SP_UDP_FRAME_BIGGEST (SP_ETH_LEN + 65535)  /* longest frame that IPv4 can say */

/* The headers of one 5-tuple. */
struct sp_udp_frame {
	uint8_t bytes[SP_UDP_FRAME_MAX]; /* lengths and checksums are 0 */
	uint8_t hdr_len;		 /* 42 with IPv4, 62 with IPv6: offset of the payload */
	uint8_t udp_off;		 /* offset of the UDP header */
	uint64_t ip_sum, udp_sum; /* partial sums of what does not depend on the length */
};

/* 0, or -EINVAL when from and to are not of one family. */
int sp_udp_frame_init(struct sp_udp_frame *, const uint8_t src_mac[6], const uint8_t dst_mac[6],
		      const struct sp_endpoint *from, const struct sp_endpoint *to);

/* HOT. Writes the headers of a frame of len bytes (hdr_len .. SP_UDP_FRAME_BIGGEST) to at; the
 * UDP checksum stays 0. */
void sp_udp_frame_put(const struct sp_udp_frame *, uint8_t *at, uint32_t len);

/* HOT. Sum of the UDP header (with checksum 0) and its pseudo header in a frame of len bytes:
 * add the payload's, and sp_csum_finish_udp gives the field. */
uint64_t sp_udp_frame_sum(const struct sp_udp_frame *, uint32_t len);

#endif
