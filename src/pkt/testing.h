/* For tests: frames to rewrite, written back to front, so that each layer knows what it carries; and
 * what a frame says afterwards. A frame goes from frame_src* to frame_dst*. */
#ifndef SP_PKT_TESTING_H
#define SP_PKT_TESTING_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/rewrite.h"
#include "pkt/view.h"

#define FRAME_CAP 2048u

struct frame {
	uint8_t b[FRAME_CAP];
	uint32_t len;
};

extern const uint8_t frame_src4[4], frame_dst4[4], frame_src6[16], frame_dst6[16];

/* Begins with a payload; then each puts a header before what there is, with its lengths and
 * checksums. v6: between frame_src6 and frame_dst6, else of IPv4. */
void frame_start(struct frame *, const char *payload);
void frame_front(struct frame *, const void *octets, uint32_t n);
void frame_udp(struct frame *, bool v6, uint16_t sport, uint16_t dport);
/* With one option: 24 octets. */
void frame_tcp(struct frame *, bool v6, uint16_t sport, uint16_t dport);
void frame_sctp(struct frame *);
void frame_icmp(struct frame *, bool v6, uint8_t type);
/* frag: flags and offset, host order. */
void frame_ip4(struct frame *, uint8_t proto, uint16_t frag);
void frame_ip6(struct frame *, uint8_t next);
void frame_ip(struct frame *, bool v6, uint8_t proto);
void frame_ether(struct frame *, uint16_t type);
void frame_ether_ip(struct frame *, bool v6);
/* The sum, not folded, of the pseudo header before len octets. */
uint64_t frame_pseudo(bool v6, uint8_t proto, uint32_t len);
/* Whole ones: from port 40000 to 53, and to 80. */
void frame_of_udp(struct frame *, bool v6);
void frame_of_tcp(struct frame *, bool v6);

enum frame_tunnel { IPIP, GRE, GRE_SUM, VXLAN, GENEVE, TUNNELS };
/* Puts a packet (of f) into a tunnel, v6 being that of the inner and the outer packet, and all into
 * Ethernet. Returns where the inner packet begins. */
uint32_t frame_wrap(struct frame *, enum frame_tunnel, bool v6);
/* The packet that begins there as a frame of its own. */
void frame_unwrap(const struct frame *, uint32_t at, bool v6, struct frame *to);

/* Fails the test unless the words are right. The caller frees it. */
struct sp_rewrite *rewrite_compiled(const char *words);
/* Rewrites the frame in place, in this round of a loop. */
struct sp_rewrite_counts rewrite_frame(struct frame *, const char *words, uint64_t loop);
/* What its outermost IP packet says. Addresses as text. */
void expect_sums(const struct frame *, enum sp_csum_state l3, enum sp_csum_state l4);
void expect_src(const struct frame *, const char *want);
void expect_dst(const struct frame *, const char *want);

#endif
