#include "pkt/stations.h"

#include <string.h>

#include "base/endian.h"
#include "pkt/ip6.h"

#define IP4_HDR	   20u
#define IP6_HDR	   40u
#define OPTION_END 0u
#define OPTION_NOP 1u
#define LSRR	   131u
#define SSRR	   137u
#define ROUTE_HEAD 8u /* of a routing header, before its addresses */

struct walk {
	const uint8_t *p;
	uint32_t end;
	int (*see)(void *arg, const struct sp_addr *);
	void *arg;
};

static int see_all(const struct walk *w, uint32_t at, uint32_t end, uint8_t family)
{
	uint32_t octets = family == 4 ? 4 : 16;
	int rc = 0;

	end = end < w->end ? end : w->end;
	for (; !rc && at + octets <= end; at += octets) {
		struct sp_addr a = { .family = family };

		memcpy(a.ip, w->p + at, octets);
		rc = w->see(w->arg, &a);
	}
	return rc;
}

static int options4(const struct walk *w, uint32_t at)
{
	uint32_t end = at + (w->p[at] & 15u) * 4, len;
	int rc = 0;

	end = end < w->end ? end : w->end;
	for (at += IP4_HDR; !rc && at < end && w->p[at] != OPTION_END; at += len) {
		len = w->p[at] == OPTION_NOP ? 1 : at + 1 < end ? w->p[at + 1] : 0;
		if (!len || (len < 2 && w->p[at] != OPTION_NOP) || len > end - at)
			return 0;
		/* Its kind, its length, a pointer; then addresses. */
		if (w->p[at] == LSRR || w->p[at] == SSRR)
			rc = see_all(w, at + 3, at + len, 4);
	}
	return rc;
}

static int extensions6(const struct walk *w, uint32_t at)
{
	uint8_t next = w->p[at + 6];
	uint32_t len;
	int rc = 0;

	at += IP6_HDR;
	for (unsigned i = 0; !rc && i < SP_IP6_EXTENSIONS && sp_ip6_is_extension(next); i++) {
		if (at + 8 > w->end)
			return 0;
		len = sp_ip6_extension_len(next, w->p + at);
		if (next == SP_IP6_ROUTING)
			rc = see_all(w, at + ROUTE_HEAD,
				     at + ROUTE_HEAD + 16 * sp_ip6_route(w->p + at), 6);
		/* Behind a later fragment's there is only data. */
		if (next == SP_IP6_FRAGMENT && sp_get_be16(w->p + at + 2) & 0xfff8)
			return rc;
		next = w->p[at];
		at += len;
	}
	return rc;
}

int sp_stations(const uint8_t *frame, uint32_t len, const struct sp_view *v,
		int (*see)(void *arg, const struct sp_addr *), void *arg)
{
	const struct walk w = { frame, len, see, arg };

	if (v->src.addr.family == 4 && v->l3_off + IP4_HDR <= len)
		return options4(&w, v->l3_off);
	if (v->src.addr.family == 6 && v->l3_off + IP6_HDR <= len)
		return extensions6(&w, v->l3_off);
	return 0;
}
