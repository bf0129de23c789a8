/* Link layers of captures, down to where IP begins. */
#include "capio/packet_view.h"

#include <string.h>

#include "base/endian.h"
#include "capio/wlan.h"

#define VLAN	    0x8100
#define QINQ	    0x88a8
#define OLD_QINQ    0x9100
#define MPLS	    0x8847
#define MPLS_MULTI  0x8848
#define LENGTH_MOST 1500 /* of 802.3; from 1536 on it is a type */
#define TYPE_LEAST  1536
#define TAGS_USUAL  2
#define LINK_USUAL  50u /* octets in front of L3; more is not what one meets */
#define COOKED_LLC  4
#define ADDRESS	    8 /* octets that a cooked header has room for */

struct walk {
	const struct sp_cap_packet *p;
	const uint8_t *at, *end;
	struct sp_cap_view *c;
};

static uint32_t left(const struct walk *w)
{
	return (uint32_t)(w->end - w->at);
}

static void odd(struct walk *w, const char *what)
{
	if (!w->c->odd)
		w->c->odd = what;
}

/* n octets; NULL: they are not there, which is odd unless the capture was cut. */
static const uint8_t *take(struct walk *w, uint32_t n, const char *what)
{
	const uint8_t *at = w->at;

	if (left(w) < n) {
		if (!w->c->cut)
			odd(w, what);
		return NULL;
	}
	w->at += n;
	return at;
}

/* What is left is of no kind that is looked into: all of it is payload. */
static void rest(struct walk *w, uint16_t type)
{
	struct sp_view *v = &w->c->v;
	uint32_t off = (uint32_t)(w->at - w->p->data);

	v->ether_type = type;
	v->l3_off = v->payload_off = off;
	v->l3_len = v->payload_len = w->c->payload_orig = left(w);
}

static void read_ip(struct walk *w, uint16_t type)
{
	struct sp_cap_view *c = w->c;
	struct sp_view *v = &c->v;
	uint32_t len = (uint32_t)(w->end - w->p->data);
	int rc = sp_view_ip(w->p->data, len, (uint32_t)(w->at - w->p->data), type, c->cut,
			    false, v);
	const char *what = sp_cap_odd_ip(w->p->data, len, rc, c->cut, v);
	uint64_t end = (uint64_t)v->l3_off + v->l3_len;

	if (what)
		odd(w, what);
	c->payload_orig = v->payload_len;
	if (c->cut && !rc && end > v->payload_off)
		c->payload_orig = (uint32_t)(end - v->payload_off);
	if (!v->l4_off || v->proto != SP_PROTO_TCP)
		return;
	c->seq = sp_get_be32(w->p->data + v->l4_off + 4);
	c->ack = sp_get_be32(w->p->data + v->l4_off + 8);
}

/* IP by its own version number. */
static void read_raw(struct walk *w, unsigned version)
{
	uint8_t nibble;

	if (!left(w)) {
		odd(w, "it is empty");
		rest(w, 0);
		return;
	}
	nibble = *w->at >> 4;
	if ((nibble != 4 && nibble != 6) || (version && nibble != version)) {
		odd(w, "IP of a version that it cannot be");
		rest(w, 0);
		return;
	}
	read_ip(w, nibble == 4 ? SP_ETHER_IP4 : SP_ETHER_IP6);
}

static void read_labels(struct walk *w, uint16_t type)
{
	const uint8_t *h;

	do {
		h = take(w, 4, "MPLS labels without an end");
		if (!h) {
			rest(w, type);
			return;
		}
		w->c->labels++;
	} while (!(h[2] & 1));
	if (w->at - w->p->data > LINK_USUAL)
		odd(w, "more MPLS labels and tags than anybody stacks");
	/* What is under the last label nobody says; IP shows by its version (RFC 4928 3). */
	if (left(w) && (*w->at >> 4 == 4 || *w->at >> 4 == 6))
		read_raw(w, 0);
	else
		rest(w, type);
}

static void read_arp(struct walk *w)
{
	const uint8_t *h = w->at;

	if (left(w) < 8)
		odd(w, w->c->cut ? NULL : "ARP is cut short");
	else if (left(w) < 8u + 2u * h[4] + 2u * h[5])
		odd(w, w->c->cut ? NULL : "ARP's addresses are longer than the packet");
	else if (sp_get_be16(h) == 1 && sp_get_be16(h + 2) == SP_ETHER_IP4 &&
		 (h[4] != 6 || h[5] != 4))
		odd(w, "ARP's address lengths are not those of its types");
	rest(w, 0x0806);
}

static void read_type(struct walk *w, uint16_t type);

/* 802.2: SNAP says a type, SAP 6 is IP. */
static void read_llc(struct walk *w, uint16_t length)
{
	const uint8_t *h = w->at;

	if (left(w) < 3) {
		take(w, 3, "an LLC header is cut short");
		rest(w, length);
	} else if (h[0] == 0xaa && h[1] == 0xaa && h[2] == 3) {
		h = take(w, 8, "a SNAP header is cut short");
		if (h && !h[3] && !h[4] && (!h[5] || h[5] == 0xf8) &&
		    sp_get_be16(h + 6) >= TYPE_LEAST)
			read_type(w, sp_get_be16(h + 6));
		else
			rest(w, length);
	} else if (h[0] == 6 && h[1] == 6 && h[2] == 3) {
		w->at += 3;
		read_raw(w, 4);
	} else {
		rest(w, length);
	}
}

static void read_length(struct walk *w, uint16_t length)
{
	if (length > LENGTH_MOST)
		odd(w, "neither an 802.3 length nor an Ethernet type");
	else if (length > left(w) && !w->c->cut)
		odd(w, "an 802.3 length above the frame's");
	else if (length < left(w))
		w->end = w->at + length;
	read_llc(w, length);
}

static bool is_tag(uint16_t type)
{
	return type == VLAN || type == QINQ || type == OLD_QINQ;
}

/* What an Ethernet type stands in front of. */
static void read_type(struct walk *w, uint16_t type)
{
	struct sp_view *v = &w->c->v;

	while (is_tag(type)) {
		const uint8_t *h = take(w, 4, "a VLAN tag is cut short");

		if (!h) {
			rest(w, type);
			return;
		}
		if (v->vlan_tags < SP_VIEW_VLANS)
			v->vlan[v->vlan_tags++] = sp_get_be16(h);
		if (++w->c->tags == TAGS_USUAL + 1)
			odd(w, "more than two VLAN tags");
		type = sp_get_be16(h + 2);
	}
	if (type == MPLS || type == MPLS_MULTI)
		read_labels(w, type);
	else if (type == SP_ETHER_IP4 || type == SP_ETHER_IP6)
		read_ip(w, type);
	else if (type == 0x0806)
		read_arp(w);
	else if (type < TYPE_LEAST)
		read_length(w, type);
	else
		rest(w, type);
}

static void read_ethernet(struct walk *w)
{
	const uint8_t *h = take(w, 14, "an Ethernet header is cut short");

	if (!h) {
		rest(w, 0);
		return;
	}
	if (h[6] & 1)
		odd(w, "an Ethernet source that is a group's address");
	read_type(w, sp_get_be16(h + 12));
}

static void read_cooked_type(struct walk *w, uint16_t type)
{
	if (type == COOKED_LLC)
		read_llc(w, type);
	else if (type < TYPE_LEAST)
		rest(w, type);
	else
		read_type(w, type);
}

static void read_cooked(struct walk *w)
{
	const uint8_t *h = take(w, 16, "a Linux cooked header is cut short");

	if (!h) {
		rest(w, 0);
		return;
	}
	if (sp_get_be16(h + 4) > ADDRESS)
		odd(w, "a Linux cooked header with an address longer than its place");
	read_cooked_type(w, sp_get_be16(h + 14));
}

static void read_cooked2(struct walk *w)
{
	const uint8_t *h = take(w, 20, "a Linux cooked header is cut short");

	if (!h) {
		rest(w, 0);
		return;
	}
	if (h[11] > ADDRESS)
		odd(w, "a Linux cooked header with an address longer than its place");
	read_cooked_type(w, sp_get_be16(h));
}

/* The family is in the order of who wrote it; 24, 28 and 30 are the BSDs' IPv6, 10 is Linux's. */
static void read_loopback(struct walk *w)
{
	const uint8_t *h = take(w, 4, "a loopback header is cut short");
	uint32_t family = h ? sp_get_be32(h) : 0;

	if (family > 0xffff)
		family = __builtin_bswap32(family);
	if (family == 2)
		read_raw(w, 4);
	else if (family == 10 || family == 24 || family == 28 || family == 30)
		read_raw(w, 6);
	else
		rest(w, 0);
	if (h && family > 255)
		odd(w, "a loopback header with a family that does not exist");
}

static void read_wlan(struct walk *w)
{
	struct sp_wlan r;

	sp_wlan_read(w->at, left(w), w->c->cut, &r);
	if (r.odd)
		odd(w, r.odd);
	w->at += r.skip;
	w->end -= r.fcs <= left(w) ? r.fcs : left(w);
	if (r.data)
		read_llc(w, 0);
	else
		rest(w, 0);
}

void sp_cap_view(const struct sp_cap_packet *p, struct sp_cap_view *c)
{
	uint32_t fcs = p->orig_len == p->len && p->fcs_len < p->len ? p->fcs_len : 0;
	struct walk w = { .p = p, .at = p->data, .end = p->data + p->len - fcs, .c = c };

	memset(c, 0, sizeof *c);
	c->dissected = true;
	c->cut = p->len < p->orig_len;
	switch (p->link) {
	case SP_LINK_ETHERNET:
		read_ethernet(&w);
		break;
	case SP_LINK_RAW:
		read_raw(&w, 0);
		break;
	case SP_LINK_IPV4:
		read_raw(&w, 4);
		break;
	case SP_LINK_IPV6:
		read_raw(&w, 6);
		break;
	case SP_LINK_SLL:
		read_cooked(&w);
		break;
	case SP_LINK_SLL2:
		read_cooked2(&w);
		break;
	case SP_LINK_NULL:
	case SP_LINK_LOOP:
		read_loopback(&w);
		break;
	case SP_LINK_RADIOTAP:
		read_wlan(&w);
		break;
	default:
		c->dissected = false;
	}
}
