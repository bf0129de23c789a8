/* What the files of rewrite share: the compiled words, and a frame on its way. */
#ifndef SP_PKT_REWRITE_IMPL_H
#define SP_PKT_REWRITE_IMPL_H

#include "base/prefix.h"
#include "pkt/rewrite.h"

#define SP_RW_MAPS     64u
#define SP_RW_MACS     32u
#define SP_RW_PAYLOADS 32u
#define SP_RW_COVERS   32u
#define SP_RW_DEPTH    8u /* of IP inside IP */

enum sp_rw_side { SP_RW_SRC = 1, SP_RW_DST = 2, SP_RW_BOTH = 3 };
enum sp_rw_vlan { SP_RW_VLAN_SET, SP_RW_VLAN_ADD, SP_RW_VLAN_DELETE };
enum sp_rw_inner { SP_RW_INNER_NO, SP_RW_INNER_ALSO, SP_RW_INNER_ONLY };
enum sp_rw_ttl { SP_RW_TTL_SET, SP_RW_TTL_ADD, SP_RW_TTL_SUB };

struct sp_rw_map {
	struct sp_prefix from, to;
	uint8_t sides;
};

struct sp_rw_payload {
	uint32_t at;   /* payload-at */
	uint32_t len;  /* of both */
	uint8_t *from; /* NULL: payload-at */
	uint8_t *to;
};

struct sp_rewrite {
	struct sp_arena arena;
	uint8_t mac[2][2][6]; /* src, dst; to the server, to the client */
	bool mac_set[2];
	uint8_t mac_map[SP_RW_MACS][2][6];
	uint32_t mac_maps;
	struct sp_rw_map map[SP_RW_MAPS];
	uint32_t maps;
	struct sp_addr endpoint[2]; /* family 0: not said */
	uint64_t seed;
	uint16_t *port[2]; /* src, dst: 65,536 of them; NULL: as they are */
	enum sp_rw_vlan vlan;
	int32_t vlan_id, vlan_priority, vlan_dei; /* -1: not said */
	uint16_t vlan_type;			  /* 0: not said */
	enum sp_rw_ttl ttl_how;
	int32_t ttl, tos, tclass, dscp, flow_label; /* -1: not said */
	enum sp_rw_inner inner;
	struct sp_rw_payload payload[SP_RW_PAYLOADS];
	uint32_t payloads;
	bool seeded, skip_broadcast, fix_csum, unique_ip, unique_port;
	bool addresses; /* something maps addresses */
};

/* One of the checksums that cover a place of the frame. */
enum sp_rw_kind { SP_RW_INET, SP_RW_UDP, SP_RW_CRC };

struct sp_rw_cover {
	enum sp_rw_kind kind;
	uint32_t from, to, field; /* field 0: it is not in the frame */
	uint64_t removed, added;  /* sums */
	uint32_t crc;		  /* before */
	bool touched, whole, partial, compute;
	bool pseudo;		/* covers a pseudo header of: */
	uint32_t src, dst, len; /* places of the addresses; of L4 */
	uint8_t addr_len, proto;
};

struct sp_rw_frame {
	const struct sp_rewrite *r;
	uint8_t *b;
	uint32_t len;
	uint64_t loop;
	struct sp_rw_cover cover[SP_RW_COVERS]; /* those that are open, the innermost last */
	uint32_t covers;
	bool changed, other, server; /* server: of the outermost IP, the source is the server */
	uint32_t completed, stale;
};

struct sp_rw_packet {
	uint32_t at, hdr, end; /* hdr: behind the IPv6 header, or the options of IPv4's */
	uint32_t cut;	       /* octets that are missing behind the end */
	uint32_t l4;	       /* 0: there is none */
	uint32_t src, dst;     /* of the pseudo header */
	uint32_t routing;      /* IPv6: a routing header; 0: none */
	uint8_t proto, octets; /* of an address */
	bool v6, whole,
		later; /* whole: all of it is there; later: a fragment behind the first */
};

/* rewrite_read.c: false: it is none. */
bool sp_rw_read(const struct sp_rw_frame *, uint32_t at, uint32_t end, struct sp_rw_packet *);
/* How many addresses the routing header at has, 8 octets behind its beginning. */
uint32_t sp_rw_route(const struct sp_rw_frame *, uint32_t at, uint32_t end);

/* rewrite_edit.c: all that is written goes through put(), so that checksums know. n is 1 to 64. */
void sp_rw_put(struct sp_rw_frame *, uint32_t at, const void *octets, uint32_t n);
void sp_rw_put8(struct sp_rw_frame *, uint32_t at, uint8_t v);
void sp_rw_put16(struct sp_rw_frame *, uint32_t at, uint16_t v);
/* Opens one: kind to proto are set. Takes it as it is now; false: there is no room. */
bool sp_rw_cover_open(struct sp_rw_frame *, const struct sp_rw_cover *);
/* Mends the innermost and takes it away. */
void sp_rw_cover_close(struct sp_rw_frame *);
/* Mends all that are behind the first n. */
void sp_rw_cover_close_to(struct sp_rw_frame *, uint32_t n);

/* rewrite_address.c. server: the address is the server's. Whether a changed. */
bool sp_rw_address(const struct sp_rewrite *, struct sp_addr *a, enum sp_rw_side, bool server,
		   uint64_t loop);
bool sp_rw_mac(const struct sp_rewrite *, uint8_t mac[6]);
uint16_t sp_rw_port(const struct sp_rewrite *, uint16_t port, enum sp_rw_side, uint64_t loop);
/* Moves n places on inside its block. */
void sp_rw_address_move(struct sp_addr *a, uint64_t n);
/* Draws another of its kind. */
void sp_rw_address_draw(struct sp_addr *a, uint64_t seed);

/* rewrite_ip.c: the packet at; depth 0: the outermost. */
void sp_rw_ip(struct sp_rw_frame *, uint32_t at, uint32_t end, unsigned depth);
/* The packet that an ICMP error quotes: addresses and ports. */
void sp_rw_quoted(struct sp_rw_frame *, uint32_t at, uint32_t end);
/* rewrite.c: the Ethernet frame at, without the words about the outermost frame. */
void sp_rw_ether(struct sp_rw_frame *, uint32_t at, uint32_t end, unsigned depth);
/* rewrite_inside.c: what is behind an L4 or tunnel header: true: it was a packet of its own. */
struct sp_rw_l4 {
	uint32_t at, end; /* of the header, and where the packet ends (in the frame) */
	uint32_t payload; /* where it begins */
	uint16_t dport;	  /* before it was rewritten */
	uint8_t proto;
	bool v6;
};
bool sp_rw_inside(struct sp_rw_frame *, const struct sp_rw_l4 *, unsigned depth);
void sp_rw_payload(struct sp_rw_frame *, uint32_t from, uint32_t to);

/* rewrite_words.c: a word that is being read, and what is wrong with it. */
struct sp_rw_parse {
	struct sp_rewrite *r;
	const char *name;
	struct sp_err *err;
	uint8_t *port_taken[2]; /* by an earlier map: a bit a port; NULL: none yet */
};
int sp_rw_bad(const struct sp_rw_parse *, const char *value, const char *want);
int sp_rw_full(const struct sp_rw_parse *, unsigned most);
int sp_rw_no_memory(const struct sp_rw_parse *);
/* Decimal, or hexadecimal with 0x; up to max. */
int sp_rw_number(const struct sp_rw_parse *, const char *text, uint64_t max, uint64_t *);

/* rewrite_maps.c */
int sp_rw_take_src_mac(struct sp_rw_parse *, const char *value);
int sp_rw_take_dst_mac(struct sp_rw_parse *, const char *value);
int sp_rw_take_mac_map(struct sp_rw_parse *, const char *value);
int sp_rw_take_ip_map(struct sp_rw_parse *, const char *value);
int sp_rw_take_src_ip_map(struct sp_rw_parse *, const char *value);
int sp_rw_take_dst_ip_map(struct sp_rw_parse *, const char *value);
int sp_rw_take_endpoints(struct sp_rw_parse *, const char *value);
int sp_rw_take_seed(struct sp_rw_parse *, const char *value);
int sp_rw_take_src_port_map(struct sp_rw_parse *, const char *value);
int sp_rw_take_dst_port_map(struct sp_rw_parse *, const char *value);
int sp_rw_take_port_map(struct sp_rw_parse *, const char *value);

#endif
