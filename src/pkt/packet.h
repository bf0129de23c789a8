/* A packet as an expression says it: headers, and for each of their fields a value, several, or
 * none. It is made from text (parse) or octets (decode), and becomes octets (encode), a template
 * (compile) or text (print). The language is described in src/hdr/README.md and by
 * `spate help fields`. All of this is cold; memory comes from the packet's own arena. */
#ifndef SP_PKT_PACKET_H
#define SP_PKT_PACKET_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "pkt/hdr.h"
#include "pkt/template.h"

typedef unsigned __int128 sp_u128;

#define SP_PACKET_MAX	  65535u /* octets */
#define SP_PACKET_HEADERS 64u	 /* of one packet */
#define SP_PACKET_VALUES  65536u /* of one list, files included */

enum sp_value_kind {
	SP_V_NONE,   /* not given: rule or default */
	SP_V_ONE,    /* first */
	SP_V_WALK,   /* first + k * step, k from 0 to count - 1 */
	SP_V_TABLE,  /* table[0 .. count) */
	SP_V_RANDOM, /* first .. last, evenly */
	SP_V_BYTES,  /* bytes[0 .. len): BYTES, NAME; with a count, so many of them in a row */
	SP_V_ITEMS,  /* items[0 .. len) */
};

struct sp_value {
	uint8_t kind;
	uint32_t at;	/* where it stands in the expression, from 1; 0: nowhere */
	uint32_t len;	/* BYTES, ITEMS */
	uint64_t count; /* WALK, TABLE, BYTES */
	sp_u128 first, last, step;
	const sp_u128 *table;
	const uint8_t *bytes;
	struct sp_node *items;
};

/* A header, or an item of one of its lists. */
struct sp_node {
	const struct sp_hdr_ops *hdr;  /* of an item: the header that it is in */
	const struct sp_items *list;   /* NULL: a header */
	const struct sp_item *item;    /* NULL: a header */
	const struct sp_field *fields; /* the table that value[] goes with */
	unsigned n_fields;
	uint32_t type; /* of an item */
	uint32_t at;
	struct sp_value *value;
};

struct sp_packet {
	struct sp_arena arena;
	const struct sp_hdr_ops *const *hdrs;
	const char *place; /* what errors begin with, such as "--packet" */
	unsigned n;
	struct sp_node node[SP_PACKET_HEADERS];
};

/* The header of that name or alias, in any case; NULL: none. hdrs ends with NULL. */
const struct sp_hdr_ops *sp_hdr_find(const struct sp_hdr_ops *const *hdrs, const char *name);

/* Text to packet. place (copied) opens every sentence: "--packet:17: tcp has no field 'sprt'; did
 * you mean 'sport'?". 0, -EINVAL (SP_EXIT_USAGE), -ENOMEM. On failure *out is NULL. */
int sp_packet_parse(struct sp_packet **out, const char *text, const char *place,
		    const struct sp_hdr_ops *const *hdrs, const struct sp_mem *,
		    struct sp_err *);
/* The same for words of this host's user: @file stands for the values in a file, one a line, #
 * begins a comment. They are read here; print then lists them, so that a plan needs no file. Also
 * what sp_file_read returns (SP_EXIT_NOINPUT). */
int sp_packet_parse_files(struct sp_packet **out, const char *text, const char *place,
			  const struct sp_hdr_ops *const *hdrs, const struct sp_mem *,
			  struct sp_err *);
/* NULL is welcome. */
void sp_packet_free(struct sp_packet *);

/* The n-th header (from 0) of that name in the packet; NULL: none. */
struct sp_node *sp_packet_node(struct sp_packet *, const char *hdr, unsigned n);
/* Whether the expression gave a field of a node. */
bool sp_node_given(const struct sp_node *, const char *field);
/* Gives a field a value, written as in the expression: what a front end knows and the user did
 * not say, such as the source address. */
int sp_packet_set(struct sp_packet *, struct sp_node *, const char *field, const char *value,
		  struct sp_err *);

/* Packet to template. *out is the caller's, also on failure to be freed by sp_template_free;
 * it does not refer to the packet. 0, -EINVAL (a length or a combination that cannot be),
 * -ENOMEM. */
int sp_packet_compile(const struct sp_packet *, struct sp_template *out, struct sp_err *);
/* The octets of unit 0, at most SP_PACKET_MAX: *len of them in buf. -EMSGSIZE beyond cap. */
int sp_packet_encode(const struct sp_packet *, uint8_t *buf, size_t cap, size_t *len,
		     struct sp_err *);

/* Octets to packet: encode gives the same octets again, whatever they are, because what is not
 * understood becomes bare octets. first is the name of the outermost header, NULL: IPv4 or IPv6
 * by the version. A value is given only where the build would not fill the same. len at most
 * SP_PACKET_MAX. 0, -EINVAL, -ENOMEM. */
int sp_packet_decode(struct sp_packet **out, const uint8_t *octets, size_t len,
		     const char *first, const struct sp_hdr_ops *const *hdrs,
		     const struct sp_mem *, struct sp_err *);
/* Packet to canonical text, which parse takes again. */
void sp_packet_print(const struct sp_packet *, struct sp_str *);

/* Fills a checksum of a packet of len octets as the build does. */
void sp_sum_fill(const struct sp_sum *, uint8_t *octets, uint32_t len);

#endif
