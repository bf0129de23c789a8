#include "pkt/neighbour.h"

#include <string.h>

#include "base/endian.h"
#include "pkt/ask.h"

#define ARP_LEN	  28u
#define ARP_ASK	  1u
#define ARP_REPLY 2u

#define NS	  135u
#define NA	  136u
#define NS_LEN	  24u
#define NA_LEN	  32u /* with the option that holds the hardware address */
#define SOLICITED 0x40u
#define OVERRIDE  0x20u

/* What each ARP packet of Ethernet and IPv4 begins with. */
static const uint8_t arp_head[6] = { 0, 1, 0x08, 0, 6, 4 };

uint32_t sp_arp_answer(const uint8_t *frame, uint32_t len, const struct sp_prefixes *own,
		       const uint8_t mac[6], uint8_t *out, uint32_t cap)
{
	struct sp_addr target = { .family = 4 }, from = { .family = 4 };
	const uint8_t *p;
	struct sp_ask a;
	uint32_t n;

	if (sp_ask_read(frame, len, &a) || a.type != SP_ASK_ARP || len < a.l3_off + ARP_LEN)
		return 0;
	p = frame + a.l3_off;
	n = a.l3_off + ARP_LEN;
	memcpy(from.ip, p + 14, 4);
	memcpy(target.ip, p + 24, 4);
	/* The sender's own address of a gratuitous request is nobody's question. */
	if (memcmp(p, arp_head, sizeof arp_head) != 0 || sp_get_be16(p + 6) != ARP_ASK ||
	    n > cap || frame[6] & 1 || p[8] & 1 || !sp_prefixes_have(own, &target) ||
	    sp_addr_eq(&from, &target))
		return 0;
	memcpy(out, p + 8, 6);
	memcpy(out + 6, mac, 6);
	memcpy(out + 12, frame + 12, a.l3_off - 12);
	out += a.l3_off;
	memcpy(out, arp_head, sizeof arp_head);
	sp_put_be16(out + 6, ARP_REPLY);
	memcpy(out + 8, mac, 6);
	memcpy(out + 14, target.ip, 4);
	memcpy(out + 18, p + 8, 10); /* hardware and protocol address of who asked */
	return n;
}

/* Options of a solicitation: each says its length, and it is not 0 (RFC 4861, 4.6). */
static bool good_options(const uint8_t *p, uint32_t len)
{
	while (len) {
		if (len < 8 || !p[1] || p[1] * 8u > len)
			return false;
		len -= p[1] * 8u;
		p += p[1] * 8u;
	}
	return true;
}

uint32_t sp_nd_answer(const uint8_t *frame, uint32_t len, const struct sp_prefixes *own,
		      const uint8_t mac[6], uint8_t *out, uint32_t cap)
{
	struct sp_addr target = { .family = 6 };
	uint32_t l4_len = NA_LEN;
	struct sp_ask a;
	uint8_t *p;

	/* A hop limit of 255 proves that it comes from this link (RFC 4861, 7.1.1). */
	if (sp_ask_read(frame, len, &a) || !a.l4 || a.proto != SP_ASK_ICMP6 ||
	    a.src.family != 6 || a.l4_len < NS_LEN || a.l4[0] != NS || a.l4[1] != 0 ||
	    a.ttl != 255 || !sp_ask_from_one(&a) ||
	    !good_options(a.l4 + NS_LEN, a.l4_len - NS_LEN))
		return 0;
	memcpy(target.ip, a.l4 + 8, 16);
	if (!sp_prefixes_have(own, &target) || sp_addr_eq(&target, &a.src) ||
	    !sp_ask_intact(&a, 0))
		return 0;
	/* Who asked this host alone knows its hardware address (7.2.4). */
	if (a.l4_len < NA_LEN && sp_ask_to_one(&a))
		l4_len = NS_LEN;
	if (l4_len > a.l4_len || sp_answer_head_len(&a) + l4_len > cap)
		return 0;
	p = out + sp_answer_head_len(&a);
	memset(p, 0, l4_len);
	p[0] = NA;
	p[4] = SOLICITED | OVERRIDE;
	memcpy(p + 8, target.ip, 16);
	if (l4_len == NA_LEN) {
		p[24] = 2; /* target link-layer address */
		p[25] = 1;
		memcpy(p + 26, mac, 6);
	}
	return sp_answer_seal(&a, mac, &target, 255, out, l4_len, 2);
}
