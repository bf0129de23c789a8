/* What sp_view says about any bytes lies inside them, and does not depend on verify; so do the stations
 * of source routes. */
#include "pkt/stations.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const struct sp_view *v, uint32_t len)
{
	demand(v->l4_off <= v->payload_off);
	demand((uint64_t)v->payload_off + v->payload_len <= len);
	demand(v->vlan_tags <= SP_VIEW_VLANS && v->src.addr.family == v->dst.addr.family);
}

static int count(void *arg, const struct sp_addr *a)
{
	demand(a->family == 4 || a->family == 6);
	++*(unsigned *)arg;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_view a, b;
	unsigned stations = 0;
	uint32_t len = size < 65536 ? (uint32_t)size : 65536;
	int ra = sp_view(data, len, false, SP_CSUM_UNKNOWN, &a);
	int rb = sp_view(data, len, true, SP_CSUM_UNKNOWN, &b);

	demand(ra == rb && (ra == 0 || ra == -EBADMSG));
	inside(&a, len);
	demand(!sp_stations(data, len, &a, count, &stations));
	demand(stations <= 9 * 127); /* an IPv4 header, or eight routing headers */
	demand(a.payload_off == b.payload_off && a.payload_len == b.payload_len);
	demand(a.l3_csum == SP_CSUM_UNKNOWN && a.l4_csum == SP_CSUM_UNKNOWN);
	if (ra == 0) {
		demand(b.l3_csum != SP_CSUM_UNKNOWN && b.l4_csum != SP_CSUM_UNKNOWN);
		demand(a.l3_off + a.l3_len <= len);
		demand(a.payload_off + a.payload_len <= a.l3_off + a.l3_len);
		demand(!a.l4_off || a.l4_off >= a.l3_off + 20);
	}
	sp_view_quoted(data, len, &a);
	inside(&a, len);
	return 0;
}
