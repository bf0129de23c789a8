/* Between the two halves of the expression parser: expr.c (headers and their fields) and value.c
 * (what a field is given). Nobody else. */
#ifndef SP_PKT_EXPR_IMPL_H
#define SP_PKT_EXPR_IMPL_H

#include "pkt/field.h"

struct sp_expr {
	const char *text, *p; /* p: the next character */
	struct sp_packet *packet;
	struct sp_err *err;
	unsigned depth; /* of brackets */
	bool files;	/* @file is read */
};

#define SP_EXPR_DEPTH 16u

/* Fails at character `at`. Returns -EINVAL. */
int sp_expr_fail(struct sp_expr *, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int sp_expr_no_memory(struct sp_expr *);
void sp_expr_blank(struct sp_expr *); /* passes blanks */
/* Passes blanks and c, if it comes next. */
bool sp_expr_take(struct sp_expr *, char c);
/* The token at p, up to a delimiter or ".."; p moves behind it. */
size_t sp_expr_token(struct sp_expr *);
/* The octets of "text", 'text' or 0x0a0b at p, in the arena. */
int sp_expr_octets(struct sp_expr *, const uint8_t **, uint32_t *len);

/* The whole expression, into the packet. */
int sp_expr_headers(struct sp_expr *);
/* The fields between ( and ), at p behind the (. Names may be left out where positional. */
int sp_expr_fields(struct sp_expr *, struct sp_node *, bool positional);
/* The value at p for a field of a node. */
int sp_expr_value(struct sp_expr *, struct sp_node *, unsigned field);
/* Of a fixed field: a value, a range or a prefix. Of another: octets or a name. */
int sp_expr_span(struct sp_expr *, const struct sp_node *, const struct sp_field *,
		 struct sp_value *);
int sp_expr_variable(struct sp_expr *, const struct sp_node *, const struct sp_field *,
		     struct sp_value *);
/* At [ or @: several values. */
int sp_expr_list(struct sp_expr *, const struct sp_node *, const struct sp_field *,
		 struct sp_value *);
int sp_expr_items(struct sp_expr *, struct sp_node *, unsigned field);

#endif
