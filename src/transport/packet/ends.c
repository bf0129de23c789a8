#include "transport/packet/packet.h"

#include "base/endian.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#ifndef ETH_P_8021AD
#define ETH_P_8021AD 0x88A8
#endif

static void put_ports(const uint8_t *l4, const uint8_t *end, uint8_t proto,
		      struct sp_endpoint *from, struct sp_endpoint *to)
{
	if ((proto != IPPROTO_UDP && proto != IPPROTO_TCP) || end - l4 < 4)
		return;
	from->port = sp_get_be16(l4);
	to->port = sp_get_be16(l4 + 2);
}

static bool ends_v4(const uint8_t *ip, const uint8_t *end, struct sp_endpoint *from,
		    struct sp_endpoint *to, const uint8_t **l4)
{
	uint32_t ihl;

	if (end - ip < 20 || ip[0] >> 4 != 4)
		return false;
	ihl = (ip[0] & 15u) * 4;
	if (ihl < 20 || end - ip < (ptrdiff_t)ihl)
		return false;
	from->addr.family = to->addr.family = 4;
	memcpy(from->addr.ip, ip + 12, 4);
	memcpy(to->addr.ip, ip + 16, 4);
	if ((sp_get_be16(ip + 6) & 0x1fff) == 0) /* only a first fragment has ports */
		put_ports(ip + ihl, end, ip[9], from, to);
	if (sp_get_be16(ip + 6) & 0x2000)
		from->port = 0;
	*l4 = ip + ihl;
	return true;
}

static bool ends_v6(const uint8_t *ip, const uint8_t *end, struct sp_endpoint *from,
		    struct sp_endpoint *to, const uint8_t **l4)
{
	if (end - ip < 40 || ip[0] >> 4 != 6)
		return false;
	from->addr.family = to->addr.family = 6;
	memcpy(from->addr.ip, ip + 8, 16);
	memcpy(to->addr.ip, ip + 24, 16);
	put_ports(ip + 40, end, ip[6], from, to);
	*l4 = ip + 40;
	return true;
}

bool sp_packet_ends(const uint8_t *frame, uint32_t len, struct sp_endpoint *from,
		    struct sp_endpoint *to, uint32_t *l4)
{
	const uint8_t *end = frame + len, *p = frame + 12, *after = NULL;
	uint16_t type;
	bool ip;

	*from = *to = (struct sp_endpoint){ 0 };
	if (len < PACKET_ETH)
		return false;
	type = sp_get_be16(p);
	while ((type == ETH_P_8021Q || type == ETH_P_8021AD) && end - p >= 6) {
		p += PACKET_VLAN;
		type = sp_get_be16(p);
	}
	p += 2;
	ip = type == ETH_P_IP	  ? ends_v4(p, end, from, to, &after)
	     : type == ETH_P_IPV6 ? ends_v6(p, end, from, to, &after)
				  : false;
	if (ip && l4)
		*l4 = (uint32_t)(after - frame);
	return ip;
}
