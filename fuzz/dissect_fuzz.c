/* What sp_dissect_udp says about any bytes lies inside them, and does not depend on verify. */
#include "pkt/dissect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_udp_view a, b;
	uint32_t len = size < 65536 ? (uint32_t)size : 65536;
	int ra = sp_dissect_udp(data, len, false, &a);
	int rb = sp_dissect_udp(data, len, true, &b);

	demand(ra == rb);
	if (ra)
		return 0;
	demand(a.csum == SP_CSUM_UNKNOWN && b.csum != SP_CSUM_UNKNOWN);
	demand(a.payload_off == b.payload_off && a.payload_len == b.payload_len);
	demand(a.payload_off >= 42 && a.payload_off + a.payload_len <= len);
	demand(a.l3_off + a.l3_len <= len);
	demand(a.payload_off + a.payload_len <= a.l3_off + a.l3_len);
	demand(a.vlan_tags <= 2 && a.src.addr.family == a.dst.addr.family);
	return 0;
}
