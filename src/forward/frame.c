#include "forward/frame.h"

#include <string.h>

#include "base/endian.h"
#include "forward/impair.h"
#include "pkt/csum.h"

enum { ETH_LEN = 14, VLAN_LEN = 4, TCP_CHECK = 16, UDP_CHECK = 6, ICMP_CHECK = 2 };
enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8 };
enum { ICMP4 = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

/* Preamble 8, FCS 4, gap 12; the shortest frame is 60 without FCS. */
#define L1_EXTRA 24u
#define L2_LEAST 60u

static uint32_t mix(uint32_t h, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

/* Ports, payload and checksum of the L4 header at l4_off; first: not a later fragment. */
static void look_l4(const uint8_t *p, struct sp_frame *f, uint32_t at, bool whole)
{
	uint32_t left = f->end - at, head = 0, check = 0;

	f->payload_off = at;
	if (f->proto == TCP && left >= 20) {
		head = (uint32_t)(p[at + 12] >> 4) * 4;
		check = TCP_CHECK;
	} else if (f->proto == UDP && left >= 8) {
		head = 8;
		check = p[at + UDP_CHECK] || p[at + UDP_CHECK + 1] ? UDP_CHECK : 0;
	} else if ((f->proto == ICMP4 || f->proto == ICMP6) && left >= 8) {
		head = 8;
		check = ICMP_CHECK;
	} else {
		return;
	}
	f->flow = mix(f->flow, p + at, 4);
	f->l4_off = at;
	/* A TCP header that lies about its length has no payload that we could find. */
	if (head > left || head < 8 || check + 2 > head)
		return;
	f->payload_off = at + head;
	if (whole && check)
		f->check_off = at + check;
}

static void look_ip4(const uint8_t *p, struct sp_frame *f)
{
	uint32_t at = f->l3_off, left = f->len - at, head, total, fragment;

	if (left < 20 || p[at] >> 4 != 4)
		return;
	head = (uint32_t)(p[at] & 15) * 4;
	total = sp_get_be16(p + at + 2);
	if (head < 20 || head > left || total < head)
		return;
	f->proto = p[at + 9];
	/* A super-packet may be longer than 16 bits tell. */
	f->end = total < left ? at + total : f->len;
	f->payload_off = at + head;
	f->flow = mix(mix(f->flow, p + at + 12, 8), &f->proto, 1);
	fragment = sp_get_be16(p + at + 6) & 0x3fff;
	if (!(fragment & 0x1fff))
		look_l4(p, f, at + head, !fragment);
}

static void look_ip6(const uint8_t *p, struct sp_frame *f)
{
	uint32_t at = f->l3_off, left = f->len - at, total;

	if (left < 40 || p[at] >> 4 != 6)
		return;
	total = 40u + sp_get_be16(p + at + 4);
	f->proto = p[at + 6];
	f->end = total > 40 && total < left ? at + total : f->len;
	f->payload_off = at + 40;
	f->flow = mix(mix(f->flow, p + at + 8, 32), &f->proto, 1);
	look_l4(p, f, at + 40, true);
}

void sp_frame_look(const uint8_t *p, uint32_t len, struct sp_frame *f)
{
	uint32_t at = ETH_LEN;

	*f = (struct sp_frame){ .len = len, .end = len, .flow = 2166136261u };
	if (len < ETH_LEN) {
		f->l3_off = f->payload_off = len;
		return;
	}
	f->ether_type = sp_get_be16(p + 12);
	while ((f->ether_type == TYPE_VLAN || f->ether_type == TYPE_QINQ) &&
	       len - at >= VLAN_LEN) {
		f->ether_type = sp_get_be16(p + at + 2);
		at += VLAN_LEN;
	}
	f->l3_off = f->payload_off = at;
	if (f->ether_type == TYPE_IP4)
		look_ip4(p, f);
	else if (f->ether_type == TYPE_IP6)
		look_ip6(p, f);
	if (!f->proto)
		f->flow = mix(f->flow, p, ETH_LEN);
}

uint32_t sp_frame_bytes(const struct sp_frame *f, enum sp_layer layer)
{
	switch (layer) {
	case SP_LAYER_L1:
		return (f->len < L2_LEAST ? L2_LEAST : f->len) + L1_EXTRA;
	case SP_LAYER_L3:
		return f->end - f->l3_off;
	case SP_LAYER_L7:
		return f->end - f->payload_off;
	default:
		return f->len;
	}
}

bool sp_frame_is(const struct sp_frame *f, int only)
{
	switch (only) {
	case SP_IMPAIR_IP:
		return f->proto != 0;
	case SP_IMPAIR_UDP:
		return f->proto == UDP;
	case SP_IMPAIR_TCP:
		return f->proto == TCP;
	case SP_IMPAIR_ICMP:
		return f->proto == ICMP4 || f->proto == ICMP6;
	default:
		return true;
	}
}

/* The 16-bit word of the checksum in which the byte lies, as sp_csum_add sees it. */
static uint64_t word_at(const uint8_t *p, const struct sp_frame *f, uint32_t byte)
{
	uint32_t even = (byte - f->l4_off) & ~1u;
	uint8_t word[2] = { p[f->l4_off + even], 0 };

	if (f->l4_off + even + 1 < f->end)
		word[1] = p[f->l4_off + even + 1];
	return sp_csum_add(0, word, sizeof word);
}

void sp_frame_flip(uint8_t *p, const struct sp_frame *f, uint64_t random, bool repair)
{
	uint32_t from = f->payload_off < f->end ? f->payload_off : f->l3_off, byte;
	uint64_t old;
	uint16_t check;

	if (from >= f->end)
		return;
	byte = from + (uint32_t)(random / 8 % (f->end - from));
	/* Without payload the damage is in the header itself, and so is the checksum. */
	repair = repair && f->check_off && byte >= f->payload_off;
	old = repair ? word_at(p, f, byte) : 0;
	p[byte] ^= (uint8_t)(1u << random % 8);
	if (!repair)
		return;
	memcpy(&check, p + f->check_off, sizeof check);
	check = sp_csum_delta(check, old, word_at(p, f, byte));
	if (!check && f->proto == UDP)
		check = 0xffff;
	memcpy(p + f->check_off, &check, sizeof check);
}

void sp_frame_fill(uint8_t *p, uint32_t len, uint32_t start, uint32_t offset, bool udp)
{
	uint16_t check;

	if (start > len || offset > len - start || len - start - offset < 2)
		return;
	check = udp ? sp_csum_finish_udp(sp_csum_add(0, p + start, len - start))
		    : sp_csum_finish(sp_csum_add(0, p + start, len - start));
	memcpy(p + start + offset, &check, sizeof check);
}
