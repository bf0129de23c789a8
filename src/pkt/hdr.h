/* A stateless header is a table: its fields in wire order. Parsing an expression, building,
 * decoding, printing and help all read this table, and nothing else knows a field. Plug-ins of
 * the kind hdr, in src/hdr, are such tables.
 *
 * What a table can say: fields of any width in bits; fields that exist only when an earlier one
 * has some value (when); octets and lists of items of variable length; what fills a field that
 * nobody gave (rule); which header follows (next). */
#ifndef SP_PKT_HDR_H
#define SP_PKT_HDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/options.h"

enum sp_field_type {
	SP_F_UINT,  /* words give values names */
	SP_F_FLAGS, /* letters gives bits names */
	SP_F_IP4,   /* 32 bits */
	SP_F_IP6,   /* 128 bits */
	SP_F_MAC,   /* 48 bits */
	SP_F_BYTES, /* variable */
	SP_F_NAME, /* variable: a domain name (RFC 1035 3.1); a last label "@N" points to octet N */
	SP_F_ITEMS, /* variable: a list, see struct sp_items */
};

/* What fills a field that the user did not give. A length is (octets - less) / unit. */
enum sp_rule {
	SP_RULE_NONE,	/* its default */
	SP_RULE_NEXT,	/* the number of the next header in this header's next table */
	SP_RULE_HEADER, /* length of this header */
	SP_RULE_LENGTH, /* length of this header and all that follows it, padding apart */
	SP_RULE_SIZE,	/* length of field `of`; without: of all that follows in the header */
	SP_RULE_COUNT,	/* number of items in field `of`, less `less` */
	SP_RULE_TALLY,	/* the same, but it does not bound them when decoding */
	SP_RULE_GIVEN,	/* 1 when field `of` was given, else 0 */
	SP_RULE_GROW,	/* not on the wire: how many octets the next field has */
	SP_RULE_SUM_HEADER, /* Internet checksum of this header */
	SP_RULE_SUM_ALL,    /* of this header and all that follows */
	SP_RULE_SUM_L4,	    /* the same with a pseudo header; 0 where no IP is below */
	SP_RULE_SUM_UDP,    /* the same, 0 written as 0xffff */
	SP_RULE_SUM_CRC32C, /* SCTP's */
};

/* What a field is to other headers. */
enum sp_field_role {
	SP_ROLE_NONE,
	SP_ROLE_SRC, /* address of the pseudo header */
	SP_ROLE_DST, /* the same */
	/* The last (first) of these addresses stands for the destination, while the field `of`,
	 * if there is one, is not 0: RFC 791, RFC 8200 8.1, RFC 8754 2. */
	SP_ROLE_ROUTE_LAST,
	SP_ROLE_ROUTE_FIRST,
};

struct sp_word {
	const char *name; /* NULL ends */
	uint64_t value;
};

struct sp_items;

struct sp_field {
	const char *name;    /* NULL ends a table */
	const char *aliases; /* "iplen|total_length"; NULL: none */
	const char *help;    /* one line, no full stop */
	const char *rfc;     /* "RFC 791 3.1"; NULL: the header's */
	const char *dflt;    /* as a user would write it; NULL: 0 or empty */
	const char *when;    /* exists only then; NULL: always. "type=0,8,13..18", "op!=6",
			      "flags&4", joined by ; */
	const char *of;	     /* SIZE, COUNT, GIVEN: which field */
	const struct sp_word *words;
	const char *letters; /* FLAGS: "F|S|R", from the lowest bit */
	const struct sp_items *items;
	uint16_t bits;	    /* 0: variable */
	uint16_t less;	    /* see enum sp_rule */
	uint8_t type, rule; /* enum sp_field_type, sp_rule */
	uint8_t unit;	    /* see enum sp_rule; 0 is 1 */
	uint8_t pad;	    /* variable: zeros up to a multiple of so many octets */
	uint8_t role;	    /* enum sp_field_role */
	bool main;	    /* of an item: what NAME=VALUE sets; else its first field */
};

/* One item of a list: an option, a record. Its fields are as those of a header. */
#define SP_ITEM_RAW   UINT32_MAX       /* octets without a head */
#define SP_ITEM_OTHER (UINT32_MAX - 1) /* a kind that no table knows */
struct sp_item {
	const char *name, *aliases; /* name NULL ends a table */
	const char *help, *rfc;
	const struct sp_field *fields; /* NULL: none */
	uint32_t type;
	bool bare; /* one octet: no length, no data */
	bool end;  /* nothing but padding follows */
};

/* How the items of a list are written. type_bytes 0: records, all of kinds[0]; else kind, length
 * and data (TLV), and the number in the length field is (octets of data + less) / unit. */
struct sp_items {
	const char *what; /* "TCP option" */
	const struct sp_item *kinds;
	uint8_t type_bytes, len_bytes, unit;
	uint8_t less;
	uint8_t pad;	  /* zeros after an item, not counted, up to a multiple */
	uint8_t len_bits; /* how many bits of the length count; 0: all */
	uint8_t filler;	  /* the kind that fills the list up (RFC 8200 4.2 PadN), 0: zeros */
	uint32_t bare_to; /* unknown kinds below this have no length */
};

struct sp_next {
	uint32_t value;
	const char *hdr; /* NULL ends */
};

struct sp_hdr_alias {
	const char *name; /* NULL ends */
	const char *args; /* set before the user's: "type=128"; NULL: none */
};

struct sp_node;

struct sp_hdr_ops {
	SP_PLUGIN_HEAD;
	const char *rfc;
	const struct sp_hdr_alias *aliases;
	const struct sp_field *fields;
	/* Which header follows, by the value of next_field; for build (RULE_NEXT) and decode. */
	const char *next_field;
	const struct sp_next *next;
	/* Where a number alone does not tell: asked instead of the table when decoding. The name
	 * of the header that the n octets at p begin with; NULL: bare octets. */
	const char *(*follow)(const struct sp_node *, const uint8_t *p, size_t n);
	const char
		*other; /* the header that is meant when an IPv4 field gets an IPv6 address */
	uint8_t pad;	/* zeros after the header, not counted in it, up to a multiple */
	bool link;	/* below layer 3 */
	bool extends;	/* an extension of the IPv6 header: passed over for pseudo headers */
	bool closed;	/* it ends the packet's content: no payload grows behind it */
	bool trailer;	/* padding: beyond the lengths of all headers */
	bool bare;	/* octets without structure */
};

/* What next_field says by the table; NULL: nothing. */
const char *sp_hdr_next(const struct sp_node *);
/* The number that a field of a node has; 0: there is no such field. */
uint64_t sp_hdr_number(const struct sp_node *, const char *field);

/* The default of most: (octets - less) / unit. */
static inline unsigned sp_field_unit(const struct sp_field *f)
{
	return f->unit ? f->unit : 1;
}

#endif
