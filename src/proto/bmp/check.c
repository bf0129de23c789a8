/* Is a message what the RFCs say? */
#include <errno.h>
#include <string.h>

#include "proto/bmp/message.h"

#define VERSION 3u

ptrdiff_t sp_bmp_boundary(const uint8_t *p, size_t len)
{
	size_t n;

	if (len && *p != VERSION)
		return -EBADMSG;
	if (len < SP_BMP_HEAD)
		return 0;
	n = sp_get_be32(p + 1);
	if (n < SP_BMP_HEAD || n > SP_BMP_MOST)
		return -EBADMSG;
	return n <= len ? (ptrdiff_t)n : 0;
}

bool sp_bmp_of_peer(uint8_t type)
{
	return type <= SP_BMP_PEER_UP || type == SP_BMP_MIRROR;
}

bool sp_bmp_tlv(struct sp_rd *r, struct sp_bmp_tlv *t)
{
	if (!sp_rd_left(r))
		return false;
	t->type = sp_rd_be16(r);
	t->len = sp_rd_be16(r);
	t->p = sp_rd_take(r, t->len);
	return t->p != NULL;
}

static const char *check_tlvs(struct sp_rd r)
{
	struct sp_bmp_tlv t;

	while (sp_bmp_tlv(&r, &t))
		continue;
	return r.bad ? "a TLV that is longer than its place" : NULL;
}

static const char *check_initiation(struct sp_rd r)
{
	struct sp_bmp_tlv t;
	bool descr = false, name = false;

	while (sp_bmp_tlv(&r, &t)) {
		descr |= t.type == SP_BMP_SYS_DESCR;
		name |= t.type == SP_BMP_SYS_NAME;
	}
	if (r.bad)
		return "a TLV that is longer than its place";
	return descr && name ? NULL : "an INITIATION without sysDescr or sysName";
}

static const char *check_termination(struct sp_rd r)
{
	struct sp_bmp_tlv t;

	while (sp_bmp_tlv(&r, &t))
		if (t.type == 1 && t.len != 2)
			return "a TERMINATION whose reason is not of two octets";
	return r.bad ? "a TLV that is longer than its place" : NULL;
}

/* Takes one BGP message of a type (0: any) from r. */
static const char *check_inner(struct sp_rd *r, uint8_t type, bool paths)
{
	ptrdiff_t n = sp_bgp_boundary(r->p, sp_rd_left(r));
	struct sp_bgp_open any = { .seen = true, .extended = true, .paths = paths };
	const uint8_t *p;

	if (n <= 0)
		return "a BGP message inside that is longer than its place";
	p = sp_rd_take(r, (size_t)n);
	if (type && p[SP_BGP_HEAD - 1] != type)
		return "a BGP message inside of another type";
	return sp_bgp_check(p, (size_t)n, &any);
}

static const char *check_routes(struct sp_rd r, bool paths)
{
	const char *reason = check_inner(&r, SP_BGP_UPDATE, paths);

	return reason || !sp_rd_left(&r) ? reason : "more than one BGP message inside";
}

static const char *check_mirror(struct sp_rd r)
{
	const char *reason = NULL;
	struct sp_bmp_tlv t;

	while (!reason && sp_bmp_tlv(&r, &t)) {
		struct sp_rd inner = sp_rd_of(t.p, t.len);

		/* What is mirrored may be wrong: that is what mirroring is for. */
		if (t.type == 0 && sp_bgp_boundary(t.p, t.len) <= 0)
			reason = "a BGP message inside that is longer than its place";
		if (t.type == 1 && sp_rd_left(&inner) != 2)
			reason = "information that is not of two octets";
	}
	return r.bad ? "a TLV that is longer than its place" : reason;
}

/* Counters are of 4 octets, gauges of 8, those of a family have 3 before it. */
static bool stat_len_ok(size_t len)
{
	return len == 4 || len == 8 || len == 11;
}

static const char *check_stats(struct sp_rd r)
{
	uint32_t count = sp_rd_be32(&r), n = 0;
	const char *reason = NULL;
	struct sp_bmp_tlv t;

	for (; sp_bmp_tlv(&r, &t); n++)
		if (t.type <= 17 && !stat_len_ok(t.len))
			reason = "a statistic of wrong length";
	if (r.bad)
		return "a statistic that is longer than its place";
	return n == count ? reason : "another number of statistics than it says";
}

static const char *check_down(struct sp_rd r)
{
	uint8_t why = sp_rd_u8(&r);

	if (r.bad)
		return "a Peer Down without reason";
	switch (why) {
	case 1: /* the router's NOTIFICATION, the peer's */
	case 3:
		return check_inner(&r, SP_BGP_NOTIFICATION, false);
	case 2:
		return sp_rd_left(&r) == 2 ? NULL : "a Peer Down without the event's code";
	case 4:
	case 5:
		return sp_rd_left(&r) ? "a Peer Down with data that has no meaning" : NULL;
	case 6: /* RFC 9069 */
		return check_tlvs(r);
	default:
		return "a Peer Down of unknown reason";
	}
}

static const char *check_up(struct sp_rd r)
{
	const char *reason;

	if (!sp_rd_take(&r, SP_BMP_AT_OPENS - SP_BMP_BODY))
		return "a Peer Up that is cut";
	reason = check_inner(&r, SP_BGP_OPEN, false);
	if (!reason)
		reason = check_inner(&r, SP_BGP_OPEN, false);
	return reason ? reason : check_tlvs(r);
}

static const char *check_peer(const uint8_t *p, size_t len)
{
	if (len < SP_BMP_BODY)
		return "the header of a peer is cut";
	if (p[SP_BMP_AT_PEER_TYPE] > SP_BMP_LOC_RIB)
		return "a peer of unknown type";
	return sp_get_be32(p + SP_BMP_AT_MICROS) > 999999
		       ? "a time of a second or more in microseconds"
		       : NULL;
}

const char *sp_bmp_check(const uint8_t *p, size_t len, bool paths)
{
	const char *reason;
	struct sp_rd r;

	if (len < SP_BMP_HEAD || sp_bmp_boundary(p, len) != (ptrdiff_t)len)
		return "a length in the header that is not the message's";
	if (p[5] == SP_BMP_POLICY)
		return NULL; /* what it is made of is nowhere agreed */
	if (p[5] > SP_BMP_MIRROR)
		return "a message of unknown type";
	if (!sp_bmp_of_peer(p[5])) {
		r = sp_rd_of(p + SP_BMP_HEAD, len - SP_BMP_HEAD);
		return p[5] == SP_BMP_INITIATION ? check_initiation(r) : check_termination(r);
	}
	reason = check_peer(p, len);
	if (reason)
		return reason;
	r = sp_rd_of(p + SP_BMP_BODY, len - SP_BMP_BODY);
	switch (p[5]) {
	case SP_BMP_ROUTES:
		return check_routes(r, paths);
	case SP_BMP_STATS:
		return check_stats(r);
	case SP_BMP_PEER_DOWN:
		return check_down(r);
	case SP_BMP_PEER_UP:
		return check_up(r);
	default:
		return check_mirror(r);
	}
}
