/* Of the tables of headers: finding fields, conditions, defaults, texts of values. For the files of
 * this folder that parse, build, decode and print; others want pkt/packet.h. */
#ifndef SP_PKT_FIELD_H
#define SP_PKT_FIELD_H

#include "pkt/packet.h"

#define SP_FIELDS_MAX 64u /* of one header */

extern const struct sp_item sp_item_raw, sp_item_other;

unsigned sp_fields_count(const struct sp_field *);
/* Whether word is name or one of aliases ("a|b"), in any case. */
bool sp_name_is(const char *word, size_t len, const char *name, const char *aliases);

/* Makes n->value, all SP_V_NONE. False: no memory. */
bool sp_node_init(struct sp_node *, struct sp_arena *, const struct sp_hdr_ops *,
		  const struct sp_items *, const struct sp_item *);
const char *sp_node_name(const struct sp_node *);

/* The number that a field has in unit 0: given, by rule GIVEN, or its default; 0 for what is no
 * number. */
sp_u128 sp_node_number(const struct sp_node *, unsigned field);
/* Whether the field exists, by its `when`. */
bool sp_node_has(const struct sp_node *, unsigned field);
/* Whether a field that does not exist will, once it is given: another says whether it is there. */
bool sp_field_brings(const struct sp_node *, unsigned field);
/* Index of the first field of that name, or -1. */
int sp_node_field(const struct sp_node *, const char *name);
/* The same among those that exist, where several have the name. */
int sp_node_of(const struct sp_node *, const char *name);

/* One value of a fixed field as written ("80", "SA", "10.0.0.1"). 0, -EINVAL: not such a value,
 * -ERANGE: too large for the field. */
int sp_field_scalar(const struct sp_field *, const char *text, size_t len, sp_u128 *);
/* The reverse. */
void sp_field_format(const struct sp_field *, sp_u128, struct sp_str *);
/* What such a value looks like: "a number from 0 to 65535". Returns buf. */
const char *sp_field_wants(const struct sp_field *, char *buf, size_t cap);

static inline sp_u128 sp_field_max(const struct sp_field *f)
{
	return f->bits >= 128 ? ~(sp_u128)0 : ((sp_u128)1 << f->bits) - 1;
}

/* Domain names, as sp_dns_name_put has them; besides, a last label "@N" points to octet N of the
 * message. Text to wire: returns the length or a negative errno value. */
#define SP_NAME_MAX 258u
int sp_name_encode(const char *text, size_t len, uint8_t wire[SP_NAME_MAX]);
/* Octets of the name that begins at p, without following pointers; 0: none there. */
size_t sp_name_size(const uint8_t *p, size_t left);
void sp_name_print(const uint8_t *wire, size_t len, struct sp_str *);

/* Text of octets in quotes, with escapes that the parser takes. */
void sp_octets_print(const uint8_t *, size_t len, struct sp_str *);

#endif
