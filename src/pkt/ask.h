/* An Ethernet frame that asks for something, and the frame that answers it: what pkt/view says of
 * it, as far as answers need it, and the headers of the way back. Pure. Fragments are nobody's
 * question. */
#ifndef SP_PKT_ASK_H
#define SP_PKT_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "pkt/batch.h"

#define SP_ASK_ICMP  1u
#define SP_ASK_TCP   6u
#define SP_ASK_UDP   17u
#define SP_ASK_ICMP6 58u
#define SP_ASK_IP4   0x0800u
#define SP_ASK_ARP   0x0806u
#define SP_ASK_IP6   0x86ddu

struct sp_ask {
	const uint8_t *frame;
	uint32_t len;
	const uint8_t *l4;  /* NULL: not IP */
	uint32_t l3_off;    /* behind Ethernet and its tags: as long are the answer's */
	uint32_t l4_len;    /* header and payload, by IP's own length */
	uint16_t type;	    /* behind the tags */
	uint8_t proto, ttl; /* ttl: or hop limit */
	struct sp_addr src, dst;
};

/* 0: read, perhaps no IP (type says); -EBADMSG: cut short, or lengths that contradict each other;
 * -ENOMSG: a fragment. */
int sp_ask_read(const uint8_t *frame, uint32_t len, struct sp_ask *);

/* May an answer go back? Both ends are one host each, by their addresses (RFC 1122, 3.2.2): a
 * frame or packet from a group, from nobody or from this host's own loopback is not answered. To a
 * group: said by the caller, who then looks at dst himself. */
bool sp_ask_from_one(const struct sp_ask *);
bool sp_ask_to_one(const struct sp_ask *);

/* No checksum of it is wrong; flags (enum sp_msg_flag) say what is known already. */
bool sp_ask_intact(const struct sp_ask *, uint16_t flags);

/* Bytes in front of the answer's L4. */
uint32_t sp_answer_head_len(const struct sp_ask *);
/* Writes Ethernet (from mac, with the question's tags) and IP, from src to the question's source,
 * over l4_len bytes of proto, and then the L4 checksum into its field at csum_off. L4 itself is
 * there already, at sp_answer_head_len, with that field 0. TTL and hop limit are ttl. Returns the
 * frame's length. */
uint32_t sp_answer_seal(const struct sp_ask *, const uint8_t mac[6], const struct sp_addr *src,
			uint8_t ttl, uint8_t *out, uint32_t l4_len, uint32_t csum_off);
/* The same, for whoever asks nobody: a frame with these addresses. */
struct sp_answer_to {
	uint8_t src_mac[6], dst_mac[6];
	struct sp_addr src, dst;
};
uint32_t sp_answer_seal_to(const struct sp_answer_to *, uint8_t proto, uint8_t ttl,
			   uint8_t *out, uint32_t l4_len, uint32_t csum_off);

#endif
