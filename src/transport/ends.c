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
	if (sp_get_be16(ip + 6) & 0x2000) /* so that all fragments are from one source */
		from->port = 0;
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

/* What is behind the tags, if any. */
static uint16_t type_of(const uint8_t *frame, uint32_t len, const uint8_t **l3)
{
	const uint8_t *end = frame + len, *p = frame + 12;
	uint16_t type;

	if (len < SP_FRAME_ETH)
		return 0;
	type = sp_get_be16(p);
	while ((type == ETH_P_8021Q || type == ETH_P_8021AD) && end - p >= 6) {
		p += SP_FRAME_VLAN;
		type = sp_get_be16(p);
	}
	*l3 = p + 2;
	return type;
}

bool sp_frame_ends(const uint8_t *frame, uint32_t len, struct sp_endpoint *from,
		   struct sp_endpoint *to)
{
	const uint8_t *end = frame + len, *p = NULL;
	uint16_t type = type_of(frame, len, &p);

	*from = *to = (struct sp_endpoint){ 0 };
	if (type == ETH_P_IP)
		return ends_v4(p, end, from, to);
	if (type == ETH_P_IPV6)
		return ends_v6(p, end, from, to);
	return false;
}

bool sp_frame_udp(const uint8_t *frame, uint32_t len, uint32_t *l3, uint32_t *l4)
{
	const uint8_t *end = frame + len, *p = NULL;
	uint16_t type = type_of(frame, len, &p);
	struct sp_endpoint from, to;
	bool v4 = type == ETH_P_IP;

	if (!(v4		   ? ends_v4(p, end, &from, &to)
	      : type == ETH_P_IPV6 ? ends_v6(p, end, &from, &to)
				   : false))
		return false;
	*l3 = (uint32_t)(p - frame);
	*l4 = *l3 + (v4 ? (p[0] & 15u) * 4 : 40);
	return p[v4 ? 9 : 6] == IPPROTO_UDP && len >= *l4 + 8 &&
	       !(v4 && sp_get_be16(p + 6) & 0x3fff);
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
