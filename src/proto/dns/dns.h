/* A small DNS server (RFC 1035): what a user says of it, and answers. Inside the folder only. */
#ifndef SP_PROTO_DNS_DNS_H
#define SP_PROTO_DNS_DNS_H

#include "base/prefix.h"
#include "plugin/proto.h"
#include "proto/dns/zone.h"

struct sp_dns_conf {
	const char *zone;	    /* file; NULL: none */
	const char *synth, *synth6; /* prefixes; NULL: none */
	uint64_t ttl;
};

struct sp_proto {
	const struct sp_mem *mem;
	struct sp_zone zone;		/* without records where there is no file */
	struct sp_prefix synth, synth6; /* family 0: no such answers */
	uint32_t ttl;			/* of synthetic answers, seconds */
};

/* HOT. Writes the answer to a query into out, of cap bytes; returns its length, 0: none is due (it
 * is no query). Where the whole does not fit, or is above what the client takes, the answer is
 * truncated: the question with TC, which is never longer than the query. */
uint32_t sp_dns_answer(const struct sp_proto *, const uint8_t *query, uint32_t len,
		       uint8_t *out, uint32_t cap);

#endif
