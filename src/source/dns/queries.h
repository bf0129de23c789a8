/* Queries of the domain name system, prepared once (RFC 1035; EDNS: RFC 6891). */
#ifndef SP_SOURCE_DNS_QUERIES_H
#define SP_SOURCE_DNS_QUERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct sp_dns_conf {
	const char *domain;  /* a name, or several with commas */
	const char *domains; /* file; NULL or "": none */
	const char *qtype;
	bool rd, edns, dnssec;
	uint64_t timeout_ns;
};

struct sp_dns_query {
	uint32_t at; /* in bytes */
	uint16_t len;
};

/* Zero-initialise all but mem. */
struct sp_dns_queries {
	const struct sp_mem *mem;
	uint8_t *bytes;
	struct sp_dns_query *query;
	uint32_t n, cap, used, room;
	uint32_t longest;
};

/* Fills q with all queries of the settings, ids 0; -EINVAL, -ENAMETOOLONG (exit 2; of a file with
 * its line, exit 65), -ENOENT and the like (66), -ENOMEM. To be freed also after an error. */
int sp_dns_queries_make(struct sp_dns_queries *, const struct sp_dns_conf *, struct sp_err *);
/* The same for the words alone: nothing is read or kept. */
int sp_dns_queries_check(const struct sp_dns_conf *, struct sp_err *);
void sp_dns_queries_free(struct sp_dns_queries *);

#endif
