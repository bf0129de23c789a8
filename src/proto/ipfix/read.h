/* A walk over all sets of a message of version 9 or 10. */
#ifndef SP_PROTO_IPFIX_READ_H
#define SP_PROTO_IPFIX_READ_H

#include "proto/ipfix/message.h"

struct sp_ipfix_sum {
	uint32_t sets, templates, records;
	uint32_t unknown;   /* sets of data whose template is not known */
	bool options;	    /* IPFIX: it brings an options template */
	const char *reason; /* the first thing that is wrong; NULL */
};

/* Learns templates and counts. len: what is there, whatever the header says. */
void sp_ipfix_sets(struct sp_ipfix *, const struct sp_ipfix_head *, uint16_t domain,
		   const uint8_t *, size_t len, struct sp_ipfix_sum *);
void sp_ipfix_read(void *st, const uint8_t *, size_t len, struct sp_codec_note *);

#endif
