/* The frames of extracted sessions: Ethernet, IPv4 or IPv6, UDP or TCP, as if they came from one
 * station to another; nothing in them depends on when or where they are made. Pure. */
#ifndef SP_CAPTURE_EXTRACT_FRAME_H
#define SP_CAPTURE_EXTRACT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

#define SP_EXTRACT_HEADERS (14u + 40u + 20u) /* before a payload, at most */

/* Of one direction of a connection. */
struct sp_extract_tcp {
	uint32_t seq; /* of the next octet */
	bool begun;   /* the SYN was written: the first segment is one, with data */
};

/* Writes the headers of a frame before payload, which lies SP_EXTRACT_HEADERS behind at; returns
 * where the frame begins. len is below what IP can hold. */
uint8_t *sp_extract_udp_frame(uint8_t *at, const struct sp_endpoint *src,
			      const struct sp_endpoint *dst, uint32_t len);
uint8_t *sp_extract_tcp_frame(uint8_t *at, const struct sp_endpoint *src,
			      const struct sp_endpoint *dst, struct sp_extract_tcp *,
			      uint32_t len);
/* The Ethernet header alone, before what begins at ip; 14 octets are free there. */
uint8_t *sp_extract_ip_frame(uint8_t *ip, uint16_t ether_type);

#endif
