/* Header, and the messages that are short. */
#include "proto/bgp_message.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"

#define MARKER 16u

ptrdiff_t sp_bgp_boundary(const uint8_t *p, size_t len)
{
	size_t n, seen = len < MARKER ? len : MARKER;

	for (size_t i = 0; i < seen; i++)
		if (p[i] != 0xff)
			return -EBADMSG;
	if (len < SP_BGP_HEAD)
		return 0;
	n = sp_get_be16(p + MARKER);
	if (n < SP_BGP_HEAD || (n > SP_BGP_MOST && p[MARKER + 2] == SP_BGP_OPEN))
		return -EBADMSG;
	return n <= len ? (ptrdiff_t)n : 0;
}

static const char *check_notification(const uint8_t *p, size_t len)
{
	if (len < SP_BGP_HEAD + 2)
		return "a NOTIFICATION without code";
	return p[SP_BGP_HEAD] < 1 || p[SP_BGP_HEAD] > 8 ? "a NOTIFICATION of unknown code"
							: NULL;
}

/* RFC 2918, 7313; with outbound route filters (RFC 5291) it is longer. */
static const char *check_refresh(const uint8_t *p, size_t len)
{
	if (len < SP_BGP_HEAD + 4)
		return "a ROUTE-REFRESH without family";
	if (len > SP_BGP_HEAD + 4 && p[SP_BGP_HEAD + 2] != 0)
		return "a ROUTE-REFRESH that is too long";
	return p[SP_BGP_HEAD + 2] > 2 ? "a ROUTE-REFRESH of unknown kind" : NULL;
}

const char *sp_bgp_check(const uint8_t *p, size_t len, struct sp_bgp_open *open)
{
	struct sp_bgp_open unkept;
	size_t n;

	if (len < SP_BGP_HEAD || sp_bgp_boundary(p, SP_BGP_HEAD) < 0)
		return "not a BGP header";
	n = sp_get_be16(p + MARKER);
	if (n != len)
		return "a length in the header that is not the message's";
	if (len > SP_BGP_MOST && open && open->seen && !open->extended)
		return "a message above 4,096 octets, which was not agreed";
	switch (p[MARKER + 2]) {
	case SP_BGP_OPEN:
		return sp_bgp_open_read(p, len, open ? open : &unkept);
	case SP_BGP_UPDATE:
		return sp_bgp_update_check(p + SP_BGP_HEAD, len - SP_BGP_HEAD,
					   !open || !open->seen || open->paths);
	case SP_BGP_NOTIFICATION:
		return check_notification(p, len);
	case SP_BGP_KEEPALIVE:
		return len == SP_BGP_HEAD ? NULL : "a KEEPALIVE with more than its header";
	case SP_BGP_REFRESH:
	case SP_BGP_REFRESH_OLD:
		return check_refresh(p, len);
	default:
		return "a message of unknown type";
	}
}
