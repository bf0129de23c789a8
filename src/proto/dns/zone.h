/* A small zone: the records of a master file (RFC 1035, 5.1), found by name. Understands $ORIGIN,
 * $TTL, @, comments, brackets over lines, quoted texts; records of class IN: A, AAAA, CNAME, TXT,
 * MX, NS, SOA. Names without a last dot are below the origin, which is the root until a file says
 * otherwise. Names are kept on the wire's form in lower case. */
#ifndef SP_PROTO_DNS_ZONE_H
#define SP_PROTO_DNS_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum sp_dns_type {
	SP_DNS_A = 1,
	SP_DNS_NS = 2,
	SP_DNS_CNAME = 5,
	SP_DNS_SOA = 6,
	SP_DNS_MX = 15,
	SP_DNS_TXT = 16,
	SP_DNS_AAAA = 28,
	SP_DNS_OPT = 41,
	SP_DNS_ANY = 255,
};

struct sp_zone_rr {
	uint32_t data; /* offset of its data in bytes */
	uint32_t ttl;  /* seconds */
	uint32_t name; /* offset of its owner */
	uint16_t len;  /* of the data */
	uint16_t type; /* enum sp_dns_type; 0: the name exists because of one below it */
	uint16_t name_len;
};

struct sp_zone {
	const struct sp_mem *mem;
	uint8_t *bytes; /* names and data */
	size_t n_bytes, cap_bytes;
	struct sp_zone_rr *rr; /* sorted by name: those of a name stand together */
	uint32_t n, cap;
};

#define SP_ZONE_TEXT_MAX (16u << 20)

/* file names it in sentences: FILE:LINE, exit 65. Fini is due after success. */
int sp_zone_parse(struct sp_zone *, const char *text, size_t len, const char *file,
		  const struct sp_mem *, struct sp_err *);
void sp_zone_fini(struct sp_zone *);
/* HOT. The records of a name (wire, lower case): the first, and how many; NULL: no such name. */
const struct sp_zone_rr *sp_zone_find(const struct sp_zone *, const uint8_t *name, size_t len,
				      uint32_t *n);

#endif
