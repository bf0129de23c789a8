/* What the files of select share. Nobody else includes this. */
#ifndef SP_CAPIO_SELECT_IMPL_H
#define SP_CAPIO_SELECT_IMPL_H

#include "capio/select.h"
#include "pkt/field.h"

/* Where the outermost header is looked at without decoding; ANY: it is not. */
enum sp_select_kind { SP_SELECT_ANY, SP_SELECT_IP, SP_SELECT_TCP, SP_SELECT_UDP };

/* A place in a header: bits from its first one on. bits 0: this header has no such field. */
struct sp_select_place {
	uint16_t off, bits;
};

/* Of one of two headers: IPv4, or the only one, and IPv6. */
struct sp_select_of {
	const struct sp_hdr_ops *hdr;
	const struct sp_field *field;
	struct sp_select_place at; /* if its place is fixed */
};

/* A value, as each of the two headers takes it. */
struct sp_select_span {
	struct sp_select_span *next;
	struct {
		sp_u128 first, last;
		bool has;
	} of[2];
};

struct sp_select_field {
	struct sp_select_field *next;
	const char *layer, *name;
	enum sp_select_kind kind;
	bool not ;
	struct sp_select_of of[2];
	struct sp_select_span *spans;
};

#endif
