/* The packet expression for people: what it would send, and the fields that there are. */
#ifndef SP_SCENARIO_CRAFT_H
#define SP_SCENARIO_CRAFT_H

#include "base/err.h"
#include "base/str.h"

/* What to show of a packet. */
struct sp_craft {
	const char *first; /* decode: the outermost header; NULL: IP by its version */
	bool hex;	   /* only its octets, in hexadecimal */
	bool json;	   /* a JSON document */
	uint64_t count;	   /* so many packets, each with its values; 0: the first, explained */
};

/* Appends what an expression makes: its size, canonical text, varied fields and octets. place opens
 * the sentence of an error. 0 or a negative errno value. */
int sp_craft_show(struct sp_str *out, const char *expr, const char *place,
		  const struct sp_craft *, struct sp_err *);
/* Appends what octets, given in hexadecimal (blanks and colons are passed over), are as an
 * expression. */
int sp_craft_decode(struct sp_str *out, const char *hex, const char *place,
		    const struct sp_craft *, struct sp_err *);

/* Appends the table of headers (what NULL), of a header's fields ("tcp"), or of the options in one
 * of its lists ("tcp.options"). */
int sp_craft_fields(struct sp_str *out, const char *what, bool json, struct sp_err *);

#endif
