#include "proto/dns/dns.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "pkt/dns_name.h"

#define HEAD	  12u
#define PLAIN_MAX 512u	/* RFC 1035, 4.2.1 */
#define EDNS_MAX  1232u /* passes everywhere in one piece */
#define ALIASES	  8u
#define QR	  0x8000u
#define AA	  0x0400u
#define TC	  0x0200u
#define RD	  0x0100u
#define OPCODE	  0x7800u
#define IN	  1u
#define ANY_CLASS 255u
#define POINTER	  0xc000u
#define BADVERS	  16u

enum rcode { NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED };

struct query {
	const uint8_t *msg;
	uint32_t question_end; /* offset behind the question; HEAD: there is none */
	uint16_t flags, type;
	uint8_t name[SP_DNS_NAME_MAX]; /* lower case */
	uint32_t name_len;
	bool edns, bad_version;
	uint32_t room; /* what the client takes */
};

struct answer {
	struct sp_wr w;
	const uint8_t *begin;
	unsigned rcode, an, ns;
	bool authoritative;
};

/* A plain name, without pointers: a query has nothing to point to. */
static bool read_name(struct sp_rd *r, struct query *q)
{
	for (;;) {
		uint8_t n = sp_rd_u8(r);
		const uint8_t *label = sp_rd_take(r, n);

		if (r->bad || n > SP_DNS_LABEL_MAX || q->name_len + n + 1u > SP_DNS_NAME_MAX)
			return false;
		q->name[q->name_len++] = n;
		for (unsigned i = 0; i < n; i++) {
			uint8_t c = label[i];

			q->name[q->name_len++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		}
		if (!n)
			return true;
	}
}

/* The one record that may stand behind the question: what the client can take (RFC 6891). */
static bool read_opt(struct sp_rd *r, struct query *q)
{
	uint8_t root = sp_rd_u8(r);
	uint16_t type = sp_rd_be16(r), room = sp_rd_be16(r);
	uint32_t ttl = sp_rd_be32(r);
	uint16_t len = sp_rd_be16(r);

	sp_rd_take(r, len);
	if (r->bad || root || type != SP_DNS_OPT)
		return false;
	q->edns = true;
	q->bad_version = (ttl >> 16 & 0xff) != 0;
	q->room = room < PLAIN_MAX ? PLAIN_MAX : room > EDNS_MAX ? EDNS_MAX : room;
	return true;
}

/* 0; an rcode for what cannot be answered; -ENOMSG: no query at all. */
static int read_query(const uint8_t *msg, uint32_t len, struct query *q)
{
	struct sp_rd r = sp_rd_of(msg, len);
	uint16_t qd, an, ns, ar, class;

	*q = (struct query){ .msg = msg, .question_end = HEAD, .room = PLAIN_MAX };
	sp_rd_be16(&r);
	q->flags = sp_rd_be16(&r);
	qd = sp_rd_be16(&r);
	an = sp_rd_be16(&r);
	ns = sp_rd_be16(&r);
	ar = sp_rd_be16(&r);
	if (r.bad || q->flags & QR)
		return -ENOMSG;
	if (q->flags & OPCODE)
		return NOTIMP;
	if (qd != 1 || an || ns || ar > 1 || !read_name(&r, q))
		return FORMERR;
	q->type = sp_rd_be16(&r);
	class = sp_rd_be16(&r);
	if (r.bad)
		return FORMERR;
	q->question_end = (uint32_t)(r.p - msg);
	if (ar && !read_opt(&r, q))
		return FORMERR;
	return class == IN || class == ANY_CLASS ? NOERROR : REFUSED;
}

/* ---- what an answer is made of ---- */

static void put_rr(struct answer *a, uint16_t owner, uint16_t type, uint32_t ttl,
		   const void *data, uint16_t len)
{
	sp_wr_be16(&a->w, owner);
	sp_wr_be16(&a->w, type);
	sp_wr_be16(&a->w, IN);
	sp_wr_be32(&a->w, ttl);
	sp_wr_be16(&a->w, len);
	sp_wr_bytes(&a->w, data, len);
}

static void put_found(struct answer *a, const struct sp_zone *z, const struct sp_zone_rr *rr,
		      uint16_t owner)
{
	put_rr(a, owner, rr->type, rr->ttl, z->bytes + rr->data, rr->len);
	a->an++;
}

/* The zone's beginning at a name or above it: its SOA. NULL: the name is in no zone of ours. */
static const struct sp_zone_rr *find_soa(const struct sp_zone *z, const uint8_t *name,
					 size_t len)
{
	for (;;) {
		uint32_t n = 0;
		const struct sp_zone_rr *r = sp_zone_find(z, name, len, &n);

		for (uint32_t i = 0; i < n; i++)
			if (r[i].type == SP_DNS_SOA)
				return &r[i];
		if (len <= 1)
			return NULL;
		len -= name[0] + 1u;
		name += name[0] + 1u;
	}
}

/* Where a name is not there: the wildcard below the nearest name above that is (RFC 4592). */
static const struct sp_zone_rr *find_wildcard(const struct sp_zone *z, const uint8_t *name,
					      size_t len, uint32_t *n)
{
	uint8_t wild[SP_DNS_NAME_MAX + 2] = { 1, '*' };

	while (len > 1) {
		len -= name[0] + 1u;
		name += name[0] + 1u;
		memcpy(wild + 2, name, len);
		if (sp_zone_find(z, name, len, n))
			return sp_zone_find(z, wild, len + 2, n);
	}
	*n = 0;
	return NULL;
}

/* The negative answer's record (RFC 2308): how long it may be remembered. */
static void put_soa(struct answer *a, const struct sp_zone *z, const struct sp_zone_rr *soa)
{
	const uint8_t *data = z->bytes + soa->data;
	uint32_t least = sp_get_be32(data + soa->len - 4);

	sp_wr_bytes(&a->w, z->bytes + soa->name, soa->name_len);
	sp_wr_be16(&a->w, soa->type);
	sp_wr_be16(&a->w, IN);
	sp_wr_be32(&a->w, soa->ttl < least ? soa->ttl : least);
	sp_wr_be16(&a->w, soa->len);
	sp_wr_bytes(&a->w, data, soa->len);
	a->ns++;
}

static uint64_t hash_name(const uint8_t *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ name[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

/* Every name has an address of the prefix, always the same one: not the first, which is the
 * network's, nor the last, where the prefix has others. */
static void put_synthetic(struct answer *a, const struct sp_proto *p, const struct query *q)
{
	bool v4 = q->type == SP_DNS_A;
	const struct sp_prefix *prefix = v4 ? &p->synth : &p->synth6;
	uint64_t h = hash_name(q->name, q->name_len), low;
	unsigned bits = (v4 ? 32u : 128u) - prefix->len;
	uint8_t ip[16];

	a->authoritative = true;
	if ((!v4 && q->type != SP_DNS_AAAA) || !prefix->addr.family)
		return;
	memcpy(ip, prefix->addr.ip, sizeof ip);
	if (bits > 63)
		bits = 63;
	if (bits > 1)
		h = 1 + h % ((UINT64_C(1) << bits) - 2);
	else
		h &= bits;
	if (v4) {
		sp_put_be32(ip, sp_get_be32(ip) | (uint32_t)h);
	} else {
		low = sp_get_be64(ip + 8) | h;
		sp_put_be64(ip + 8, low);
	}
	put_rr(a, POINTER | HEAD, q->type, p->ttl, ip, v4 ? 4 : 16);
	a->an++;
}

/* Records of a name that is there. True: only an alias, whose name is to be looked up next. */
static bool put_type(struct answer *a, const struct sp_zone *z, const struct sp_zone_rr *r,
		     uint32_t n, uint16_t type, uint16_t owner, const struct sp_zone_rr **alias)
{
	*alias = NULL;
	for (uint32_t i = 0; i < n; i++) {
		if (!r[i].type)
			continue;
		if (r[i].type == SP_DNS_CNAME && type != SP_DNS_CNAME && type != SP_DNS_ANY)
			*alias = &r[i];
		if (*alias == &r[i] || r[i].type == type || type == SP_DNS_ANY)
			put_found(a, z, &r[i], owner);
	}
	return *alias != NULL;
}

static void look_up(struct answer *a, const struct sp_proto *p, const struct query *q)
{
	const struct sp_zone *z = &p->zone;
	const uint8_t *name = q->name;
	size_t len = q->name_len;
	uint16_t owner = POINTER | HEAD;

	for (unsigned step = 0; step < ALIASES; step++) {
		const struct sp_zone_rr *soa = find_soa(z, name, len), *r, *alias;
		unsigned before = a->an;
		uint32_t n = 0;

		r = sp_zone_find(z, name, len, &n);
		if (!soa && step)
			return; /* the alias leads out of here */
		if (!soa && !r && (p->synth.addr.family || p->synth6.addr.family)) {
			put_synthetic(a, p, q);
			return;
		}
		if (!soa && !r) {
			a->rcode = REFUSED;
			return;
		}
		a->authoritative = true;
		if (!r)
			r = find_wildcard(z, name, len, &n);
		if (!r)
			a->rcode = NXDOMAIN;
		if (r && put_type(a, z, r, n, q->type, owner, &alias)) {
			/* The alias' name is the last thing that was written. */
			owner = (uint16_t)(POINTER |
					   (uint16_t)(a->w.p - a->begin - alias->len));
			name = z->bytes + alias->data;
			len = alias->len;
			continue;
		}
		if (a->an == before && soa)
			put_soa(a, z, soa);
		return;
	}
}

/* ---- the message ---- */

static void put_opt(struct answer *a, const struct query *q)
{
	sp_wr_u8(&a->w, 0);
	sp_wr_be16(&a->w, SP_DNS_OPT);
	sp_wr_be16(&a->w, EDNS_MAX);
	sp_wr_be32(&a->w, q->bad_version ? (BADVERS >> 4) << 24 : 0);
	sp_wr_be16(&a->w, 0);
}

static void put_head(const struct answer *a, const struct query *q, uint8_t *out,
		     bool truncated)
{
	uint16_t flags = (uint16_t)(QR | (q->flags & (RD | OPCODE)) | (a->rcode & 15));

	if (a->authoritative)
		flags |= AA;
	if (truncated)
		flags |= TC;
	memcpy(out, q->msg, 2);
	sp_put_be16(out + 2, flags);
	sp_put_be16(out + 4, q->question_end > HEAD);
	sp_put_be16(out + 6, truncated ? 0 : (uint16_t)a->an);
	sp_put_be16(out + 8, truncated ? 0 : (uint16_t)a->ns);
	sp_put_be16(out + 10, !truncated && q->edns);
}

uint32_t sp_dns_answer(const struct sp_proto *p, const uint8_t *query, uint32_t len,
		       uint8_t *out, uint32_t cap)
{
	struct answer a = { .begin = out };
	struct query q;
	int rc = read_query(query, len, &q);

	if (rc < 0 || q.question_end > cap)
		return 0;
	a.rcode = (unsigned)rc;
	a.w = sp_wr_of(out, cap < q.room ? cap : q.room);
	sp_wr_take(&a.w, HEAD);
	sp_wr_bytes(&a.w, query + HEAD, q.question_end - HEAD);
	if (!rc && !q.bad_version)
		look_up(&a, p, &q);
	if (q.edns)
		put_opt(&a, &q);
	put_head(&a, &q, out, a.w.bad);
	return a.w.bad ? q.question_end : (uint32_t)(a.w.p - out);
}
