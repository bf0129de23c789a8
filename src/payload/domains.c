#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "payload/lines.h"
#include "pkt/dns_name.h"

#define TYPE_A	    1
#define TYPE_OPT    41
#define CLASS_IN    1
#define RECURSION   0x0100
#define OPT_PADDING 12
#define UDP_ROOM    1232 /* what we could take in an answer */
#define STAMP_ROOM  18u	 /* a stamp stands in the padding */
/* Header, question behind the name, OPT record and option without its octets. */
#define AROUND_NAME (12u + 4u + 11u + 4u)

/* False: it is not a name. */
static bool put_name(struct sp_wr *w, const struct sp_payload_line *l)
{
	uint8_t wire[SP_DNS_NAME_MAX];
	char text[SP_DNS_TEXT_MAX];
	int n;

	if (l->len >= sizeof text)
		return false;
	memcpy(text, l->at, l->len);
	text[l->len] = '\0';
	n = sp_dns_name_put(wire, text);
	if (n > 0)
		sp_wr_bytes(w, wire, (size_t)n);
	return n > 0;
}

/* A query for the name's address, of as many octets as the row has. */
static int put_query(uint8_t *row, const struct sp_payload_args *a, uint32_t i,
		     const struct sp_payload_line *l, struct sp_err *err)
{
	struct sp_wr w = sp_wr_of(row, a->len);
	uint32_t name, pad;

	sp_wr_be16(&w, (uint16_t)(i + 1));
	sp_wr_be16(&w, RECURSION);
	sp_wr_be16(&w, 1);
	sp_wr_be16(&w, 0);
	sp_wr_be16(&w, 0);
	sp_wr_be16(&w, 1);
	if (!put_name(&w, l))
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s:%u:1: not a domain name",
			       a->text, l->number);
	name = (uint32_t)(w.p - row) - 12;
	if (w.bad || AROUND_NAME + name + STAMP_ROOM > a->len)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s:%u: a query for this name does not fit into %u bytes of "
			       "payload",
			       a->text, l->number, a->len);
	sp_wr_be16(&w, TYPE_A);
	sp_wr_be16(&w, CLASS_IN);
	pad = a->len - AROUND_NAME - name;
	sp_wr_u8(&w, 0);
	sp_wr_be16(&w, TYPE_OPT);
	sp_wr_be16(&w, UDP_ROOM);
	sp_wr_be32(&w, 0);
	sp_wr_be16(&w, (uint16_t)(4 + pad));
	sp_wr_be16(&w, OPT_PADDING);
	sp_wr_be16(&w, (uint16_t)pad);
	return 0;
}

static int make(struct sp_rows *out, const struct sp_payload_args *a, const struct sp_mem *mem,
		struct sp_err *err)
{
	return sp_payload_rows_of_lines(out, a, put_query, mem, err);
}

extern const struct sp_payload_ops sp_payload_domains;
const struct sp_payload_ops sp_payload_domains = {
	.name = "domains",
	.summary = "a DNS query for one of the names in a file",
	.abi = SP_PLUGIN_ABI,
	.is_file = true,
	.make = make,
};
