/* A packet, compiled once: its octets, the places in them that vary from unit to unit, and what
 * depends on those (lengths, checksums). The packet expression makes it (pkt/compile), the patch
 * program runs it for each unit (pkt/patch), a transport that makes packets itself (SP_T_REPEAT)
 * translates it.
 *
 * Unit i (from 0) of a flow is a pure function of the template, i and its size: place p holds its
 * value number (i / p.every) % p.count, so that several varied fields walk through all their
 * combinations, the last written fastest, as Scapy's sets do. Only SP_VARY_RANDOM draws, from a
 * counter-based generator keyed by seed, place and i: so workers and replays agree. */
#ifndef SP_PKT_TEMPLATE_H
#define SP_PKT_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum sp_vary {
	SP_VARY_WALK,	/* value k is first + k * step, modulo 2^(bits of the place) */
	SP_VARY_TABLE,	/* value k is row k of the table */
	SP_VARY_RANDOM, /* drawn evenly from first .. first + (count - 1) * step; count 0: any */
};

/* Where octets of a unit vary. Values are big-endian in bytes octets at off: value << shift under
 * mask, the other bits stay. An IPv6 address is one or two places of 8 octets. */
struct sp_place {
	uint16_t off;  /* of the first octet, from the packet's start */
	uint8_t bytes; /* 1 to 8 */
	uint8_t shift;
	uint8_t how;   /* enum sp_vary */
	uint8_t layer; /* index of the layer that it belongs to, for texts */
	uint64_t mask; /* of the octets as one big-endian number, after the shift */
	uint64_t first, step;
	uint64_t count;	      /* how many values; 1 or more, RANDOM: 0 for any */
	uint64_t every;	      /* the next value after so many units */
	const uint8_t *table; /* TABLE: count rows of bytes octets, as they are written; the
				template's memory */
	const char *field;    /* "tcp.sport", for texts */
};

enum sp_sum_kind {
	SP_SUM_INET,  /* RFC 1071, as it is */
	SP_SUM_UDP,   /* RFC 1071, and 0 is written as 0xffff (RFC 768, 8200) */
	SP_SUM_CRC32C /* SCTP (RFC 9260), little-endian at its place, 4 octets */
};

/* A checksum that the build fills. Written from the innermost to the outermost, so that a tunnel's
 * covers a finished packet inside. */
struct sp_sum {
	uint16_t off;	   /* where it is written; zero while it is computed */
	uint16_t from, to; /* octets covered; to 0: to the packet's end */
	uint8_t kind;	   /* enum sp_sum_kind */
	uint8_t addr_len;  /* pseudo header: addresses of 4 or 16 octets; 0: none */
	uint8_t proto;	   /* pseudo header */
	uint16_t src, dst; /* pseudo header: where the addresses stand in this packet */
};

/* A length that follows the unit's size: (packet length - less) / unit, in bytes octets at off. */
struct sp_length {
	uint16_t off, less;
	uint8_t bytes; /* 1, 2 or 4 */
	uint8_t unit;  /* 1, 4 or 8 octets */
};

struct sp_template {
	struct sp_arena arena; /* all below lives here */
	uint8_t *octets;       /* unit 0, whole; checksums and lengths filled */
	uint32_t len;	       /* of octets: the size that the expression alone gives */
	uint32_t l3_off;       /* of the first IP, ARP... header: 0 without a link header */
	uint16_t
		ether_type; /* of what stands at l3_off, host order: what a link header needs */
	bool link;	    /* the expression began with a link header (eth) */
	/* The last layer when it is bare octets (or nothing at all after the last header): what may
	 * grow to a wished size, is filled with the payload, and ends with the stamp. */
	uint32_t payload_off;
	bool payload_given; /* octets were written in the expression: they are kept, repeated */
	bool fixed; /* nothing may grow: bytes follow the payload, a length is forced, the payload
			varies, or the last header takes none (arp, dns) */
	const struct sp_place *place;
	uint32_t n_places;
	const struct sp_sum *sum; /* innermost first */
	uint32_t n_sums;
	const struct sp_length *length;
	uint32_t n_lengths;
	uint64_t seed;	/* of RANDOM places; whoever sends sets it */
	uint64_t units; /* combinations of all WALK and TABLE places; 1: nothing varies;
			 * UINT64_MAX: more than that */
};

void sp_template_free(struct sp_template *);

#endif
