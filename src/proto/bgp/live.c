/* A message as if another exporter sent it: only an OPEN names its sender. */
#include <errno.h>
#include <string.h>

#include "proto/bgp/session.h"

int sp_bgp_rewrite(void *st, uint8_t *p, size_t len, const struct sp_codec_live *live)
{
	(void)st;
	if (len < SP_BGP_HEAD || sp_bgp_boundary(p, len) != (ptrdiff_t)len)
		return -EBADMSG;
	if (live->renumber && p[18] == SP_BGP_OPEN && len >= SP_BGP_HEAD + 10)
		sp_bgp_router_id(p + SP_BGP_HEAD + 5, live->exporter, &live->address);
	return 0;
}
