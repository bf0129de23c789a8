#include "transport/ends.h"

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
		    struct sp_endpoint *to)
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
	return true;
}

static bool ends_v6(const uint8_t *ip, const uint8_t *end, struct sp_endpoint *from,
		    struct sp_endpoint *to)
{
	if (end - ip < 40 || ip[0] >> 4 != 6)
		return false;
	from->addr.family = to->addr.family = 6;
	memcpy(from->addr.ip, ip + 8, 16);
	memcpy(to->addr.ip, ip + 24, 16);
	put_ports(ip + 40, end, ip[6], from, to);
	return true;
}

bool sp_frame_ends(const uint8_t *frame, uint32_t len, struct sp_endpoint *from,
		   struct sp_endpoint *to)
{
	const uint8_t *end = frame + len, *p = frame + 12;
	uint16_t type;

	*from = *to = (struct sp_endpoint){ 0 };
	if (len < SP_FRAME_ETH)
		return false;
	type = sp_get_be16(p);
	while ((type == ETH_P_8021Q || type == ETH_P_8021AD) && end - p >= 6) {
		p += SP_FRAME_VLAN;
		type = sp_get_be16(p);
	}
	p += 2;
	if (type == ETH_P_IP)
		return ends_v4(p, end, from, to);
	if (type == ETH_P_IPV6)
		return ends_v6(p, end, from, to);
	return false;
}

bool sp_frame_is_for(const struct sp_endpoint *bind, uint16_t port_last,
		     const struct sp_endpoint *to, bool ip)
{
	uint16_t last = port_last > bind->port ? port_last : bind->port;

	if (bind->addr.family &&
	    !(ip && to->addr.family == bind->addr.family &&
	      !memcmp(to->addr.ip, bind->addr.ip, to->addr.family == 4 ? 4 : 16)))
		return false;
	return !bind->port || (ip && to->port >= bind->port && to->port <= last);
}
