#include "engine/tuple.h"

#include <string.h>

void sp_tuple_of(const struct sp_view *v, struct sp_tuple *t)
{
	*t = (struct sp_tuple){
		.src = v->src, .dst = v->dst, .ether_type = v->ether_type, .proto = v->proto
	};
}

bool sp_tuple_eq(const struct sp_tuple *a, const struct sp_tuple *b)
{
	return a->ether_type == b->ether_type && a->proto == b->proto &&
	       sp_endpoint_eq(&a->src, &b->src) && sp_endpoint_eq(&a->dst, &b->dst);
}

static uint64_t word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)(m >> 64) ^ (uint64_t)m;
}

/* Unused bytes of addresses are 0. The constants are those of wyhash: odd, half of their bits set. */
uint32_t sp_tuple_hash(const struct sp_tuple *t, const uint64_t key[2])
{
	uint64_t tail = (uint64_t)t->src.port << 48 | (uint64_t)t->dst.port << 32 |
			(uint64_t)t->ether_type << 16 | t->proto;
	uint64_t h = mix(word(t->src.addr.ip) ^ key[0], word(t->dst.addr.ip) ^ key[1]);

	if (t->src.addr.family == 6)
		h ^= mix(word(t->src.addr.ip + 8) ^ key[1] ^ 0xa0761d6478bd642full,
			 word(t->dst.addr.ip + 8) ^ key[0] ^ 0xe7037ed1a0b428dbull);
	h = mix(h ^ tail ^ 0x8ebc6af09c88c6e3ull, key[0] ^ 0x589965cc75374cc3ull);
	return (uint32_t)(h >> 32 ^ h);
}

const char *sp_tuple_word(const struct sp_tuple *t)
{
	static const struct {
		uint16_t number;
		const char *word;
	} ip[] = { { SP_PROTO_ICMP, "icmp" },
		   { SP_PROTO_IGMP, "igmp" },
		   { SP_PROTO_TCP, "tcp" },
		   { SP_PROTO_UDP, "udp" },
		   { SP_PROTO_DCCP, "dccp" },
		   { 47, "gre" },
		   { 50, "esp" },
		   { 51, "ah" },
		   { SP_PROTO_ICMP6, "icmpv6" },
		   { 89, "ospf" },
		   { 103, "pim" },
		   { 112, "vrrp" },
		   { SP_PROTO_SCTP, "sctp" } },
	  ether[] = { { 0x0806, "arp" },   { 0x8847, "mpls" }, { 0x8863, "pppoe" },
		      { 0x8864, "pppoe" }, { 0x88cc, "lldp" }, { 0x88f7, "ptp" } };

	if (t->src.addr.family) {
		for (unsigned i = 0; i < sizeof ip / sizeof *ip; i++)
			if (ip[i].number == t->proto)
				return ip[i].word;
		return "ip";
	}
	for (unsigned i = 0; i < sizeof ether / sizeof *ether; i++)
		if (ether[i].number == t->ether_type)
			return ether[i].word;
	return "ethernet";
}
