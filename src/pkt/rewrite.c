/* Frames: hardware addresses, tags, ARP, and the way to IP. */
#include "pkt/rewrite.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/link_type.h"
#include "pkt/rewrite_impl.h"
#include "pkt/view.h"

#define TYPE_ARP      0x0806
#define TYPE_VLAN     0x8100
#define TYPE_QINQ     0x88a8
#define TYPE_QINQ_OLD 0x9100
#define TYPE_MPLS     0x8847
#define TYPE_MPLS_UP  0x8848

#define MACS_LEN      12u
#define TAG_LEN	      4u
#define ETHER_LEN     14u

static bool is_tag(uint16_t type)
{
	return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD;
}

/* ---- ARP (RFC 826), of Ethernet and IPv4 ---- */

static void arp_address(struct sp_rw_frame *f, uint32_t at, enum sp_rw_side side, bool server)
{
	struct sp_addr a = { .family = 4 };

	memcpy(a.ip, f->b + at, 4);
	if (sp_rw_address(f->r, &a, side, server, f->loop))
		sp_rw_put(f, at, a.ip, 4);
}

static void map_mac(struct sp_rw_frame *f, uint32_t at)
{
	uint8_t mac[6];

	memcpy(mac, f->b + at, sizeof mac);
	if (sp_rw_mac(f->r, mac))
		sp_rw_put(f, at, mac, sizeof mac);
}

static void arp(struct sp_rw_frame *f, uint32_t at, uint32_t end)
{
	static const uint8_t head[6] = { 0, 1, 8, 0, 6, 4 };
	bool server;

	if (at + 28 > end || memcmp(f->b + at, head, sizeof head) != 0)
		return;
	server = memcmp(f->b + at + 14, f->b + at + 24, 4) > 0;
	map_mac(f, at + 8);
	map_mac(f, at + 18);
	if (!f->r->addresses)
		return;
	arp_address(f, at + 14, SP_RW_SRC, server);
	arp_address(f, at + 24, SP_RW_DST, !server);
}

/* ---- links ---- */

/* type_at: of the type of what begins at. */
static void by_type(struct sp_rw_frame *f, uint32_t type_at, uint32_t at, uint32_t end,
		    unsigned depth)
{
	uint16_t type;

	if (at > end || type_at + 2 > end)
		return;
	type = sp_get_be16(f->b + type_at);
	for (; is_tag(type) && at + TAG_LEN <= end; at += TAG_LEN)
		type = sp_get_be16(f->b + at + 2);
	if (type == TYPE_MPLS || type == TYPE_MPLS_UP) {
		bool last = false;

		for (; !last && at + TAG_LEN <= end; at += TAG_LEN)
			last = f->b[at + 2] & 1;
		type = !last || at >= end ? 0
					  : SP_ETHER_IP4; /* its first octet says which IP */
	}
	if (type == SP_ETHER_IP4 || type == SP_ETHER_IP6)
		sp_rw_ip(f, at, end, depth);
	else if (type == TYPE_ARP && (depth || f->r->inner != SP_RW_INNER_ONLY))
		arp(f, at, end);
}

void sp_rw_ether(struct sp_rw_frame *f, uint32_t at, uint32_t end, unsigned depth)
{
	if (at + ETHER_LEN > end)
		return;
	map_mac(f, at);
	map_mac(f, at + 6);
	by_type(f, at + MACS_LEN, at + ETHER_LEN, end, depth);
}

static void set_macs(struct sp_rw_frame *f)
{
	const struct sp_rewrite *r = f->r;

	if (r->mac_set[1] && !(r->skip_broadcast && (f->b[0] & 1)))
		sp_rw_put(f, 0, r->mac[1][f->server], 6);
	if (r->mac_set[0])
		sp_rw_put(f, 6, r->mac[0][f->server], 6);
}

/* ---- the tag ---- */

static uint16_t tci_of(const struct sp_rewrite *r, uint16_t tci)
{
	if (r->vlan_id >= 0)
		tci = (uint16_t)((tci & 0xf000) | r->vlan_id);
	if (r->vlan_priority >= 0)
		tci = (uint16_t)((tci & 0x1fff) | r->vlan_priority << 13);
	if (r->vlan_dei >= 0)
		tci = (uint16_t)((tci & 0xefff) | r->vlan_dei << 12);
	return tci;
}

static void vlan(struct sp_rw_frame *f)
{
	const struct sp_rewrite *r = f->r;
	uint8_t *tag = f->b + MACS_LEN;
	bool tagged = f->len >= ETHER_LEN + TAG_LEN && is_tag(sp_get_be16(tag));
	uint32_t behind = f->len - MACS_LEN;

	if (r->vlan == SP_RW_VLAN_ADD) {
		memmove(tag + TAG_LEN, tag, behind);
		sp_put_be16(tag, r->vlan_type ? r->vlan_type : TYPE_VLAN);
		sp_put_be16(tag + 2, tci_of(r, 0));
		f->len += TAG_LEN;
		f->changed = true;
	} else if (r->vlan == SP_RW_VLAN_DELETE && tagged) {
		memmove(tag, tag + TAG_LEN, behind - TAG_LEN);
		f->len -= TAG_LEN;
		f->changed = true;
	} else if (r->vlan == SP_RW_VLAN_SET && tagged) {
		sp_rw_put16(f, MACS_LEN + 2, tci_of(r, sp_get_be16(tag + 2)));
		if (r->vlan_type)
			sp_rw_put16(f, MACS_LEN, r->vlan_type);
	}
}

static void ethernet(struct sp_rw_frame *f)
{
	if (f->len < ETHER_LEN) {
		f->other = true;
		return;
	}
	vlan(f);
	sp_rw_ether(f, 0, f->len, 0);
	set_macs(f);
}

static void by_link(struct sp_rw_frame *f, uint16_t link)
{
	switch (link) {
	case SP_LINK_ETHERNET:
		ethernet(f);
		break;
	case SP_LINK_RAW:
	case SP_LINK_IPV4:
	case SP_LINK_IPV6:
		sp_rw_ip(f, 0, f->len, 0);
		break;
	case SP_LINK_NULL:
	case SP_LINK_LOOP:
		sp_rw_ip(f, 4, f->len, 0);
		break;
	case SP_LINK_SLL:
		by_type(f, 14, 16, f->len, 0);
		break;
	case SP_LINK_SLL2:
		by_type(f, 0, 20, f->len, 0);
		break;
	default:
		f->other = true;
	}
}

uint32_t sp_rewrite_room(const struct sp_rewrite *r)
{
	return r->vlan == SP_RW_VLAN_ADD ? TAG_LEN : 0;
}

bool sp_rewrite_varies(const struct sp_rewrite *r)
{
	return r->unique_ip || r->unique_port;
}

int sp_rewrite_apply(const struct sp_rewrite *r, uint16_t link, uint8_t *frame, uint32_t len,
		     uint32_t cap, uint64_t loop, struct sp_rewrite_counts *counts)
{
	struct sp_rw_frame f;

	if (len > INT32_MAX - TAG_LEN ||
	    (link == SP_LINK_ETHERNET && len >= ETHER_LEN && cap < len + sp_rewrite_room(r)))
		return -ENOBUFS;
	/* Not the covers: they are written where they are opened. */
	f.r = r;
	f.b = frame;
	f.len = len;
	f.loop = loop;
	f.covers = f.completed = f.stale = 0;
	f.changed = f.other = f.server = false;
	by_link(&f, link);
	if (counts) {
		counts->frames++;
		counts->changed += f.changed;
		counts->other += f.other;
		counts->completed += f.completed;
		counts->stale += f.stale;
	}
	return (int)f.len;
}

void sp_rewrite_free(struct sp_rewrite *r)
{
	const struct sp_mem *mem = r ? r->arena.mem : NULL;

	if (!r)
		return;
	sp_arena_fini(&r->arena);
	sp_free(mem, r);
}
