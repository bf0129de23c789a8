/* A master file, record by record. Pure: text in, wire bytes out. */
#ifndef SP_PROTO_DNS_SCAN_H
#define SP_PROTO_DNS_SCAN_H

#include "pkt/dns_name.h"
#include "proto/dns/zone.h"

#define SP_ZONE_WORD_MAX 1100u
#define SP_ZONE_DATA_MAX 4096u

struct sp_zone_scan {
	const char *p, *end, *file;
	unsigned line, depth; /* depth: of brackets */
	unsigned at;	      /* line of the word that was read last */
	char origin[SP_DNS_TEXT_MAX];
	uint32_t ttl;
	uint8_t owner[SP_DNS_NAME_MAX]; /* of the last record */
	uint16_t owner_len;		/* 0: there was none */
	char word[SP_ZONE_WORD_MAX];	/* the one that was read last */
	bool quoted;
};

struct sp_zone_record {
	const uint8_t *owner;
	uint8_t data[SP_ZONE_DATA_MAX];
	uint16_t owner_len, data_len, type;
	uint32_t ttl;
};

void sp_zone_scan_init(struct sp_zone_scan *, const char *text, size_t len, const char *file);
/* 1: a record; 0: the end; negative: a sentence with file and line. */
int sp_zone_scan_next(struct sp_zone_scan *, struct sp_zone_record *, struct sp_err *);

#endif
