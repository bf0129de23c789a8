/* For tests: captures of raw IPv4, big-endian, with microseconds. */
#ifndef SP_SOURCE_MESSAGES_TESTING_H
#define SP_SOURCE_MESSAGES_TESTING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"

struct rig {
	char path[64];
	FILE *f;
	uint32_t sec, usec; /* of the next packet */
	uint16_t sport;	    /* of datagrams */
};

static inline void rig_be32(FILE *f, uint32_t v)
{
	uint8_t b[4];

	sp_put_be32(b, v);
	fwrite(b, 1, 4, f);
}

static inline void rig_open(struct rig *r)
{
	int fd;

	strcpy(r->path, "/tmp/spate-store-XXXXXX");
	fd = mkstemp(r->path);
	r->f = fdopen(fd, "wb");
	r->sec = 1000;
	r->usec = 0;
	r->sport = 1000;
	rig_be32(r->f, 0xa1b2c3d4);
	rig_be32(r->f, 0x00020004);
	rig_be32(r->f, 0);
	rig_be32(r->f, 0);
	rig_be32(r->f, 65535);
	rig_be32(r->f, 101); /* raw IP */
}

/* A packet of 192.0.2.LAST, a second after the one before; pad octets are behind it. */
static inline void put(struct rig *r, uint8_t last, uint8_t proto, const uint8_t *l4,
		       size_t len, size_t pad)
{
	uint8_t ip[20] = { 0x45, [8] = 64, [9] = proto, [12] = 192, 0, 2, last, 192, 0, 2, 99 };
	static const uint8_t zeros[64];

	sp_put_be16(ip + 2, (uint16_t)(20 + len));
	rig_be32(r->f, r->sec++);
	rig_be32(r->f, r->usec);
	rig_be32(r->f, (uint32_t)(20 + len + pad));
	rig_be32(r->f, (uint32_t)(20 + len + pad));
	fwrite(ip, 1, 20, r->f);
	fwrite(l4, 1, len, r->f);
	fwrite(zeros, 1, pad, r->f);
}

static inline void put_udp(struct rig *r, uint8_t last, uint16_t dport, const char *text,
			   size_t pad)
{
	uint8_t udp[256] = { 0 };
	size_t len = strlen(text);

	sp_put_be16(udp, r->sport);
	sp_put_be16(udp + 2, dport);
	sp_put_be16(udp + 4, (uint16_t)(8 + len));
	memcpy(udp + 8, text, len);
	put(r, last, 17, udp, 8 + len, pad);
}

static inline void put_tcp(struct rig *r, uint8_t last, uint16_t sport, uint32_t seq,
			   uint8_t flags, const char *text, size_t pad)
{
	uint8_t tcp[256] = { [12] = 0x50, [13] = flags };
	size_t len = strlen(text);

	sp_put_be16(tcp, sport);
	sp_put_be16(tcp + 2, 179);
	sp_put_be32(tcp + 4, seq);
	memcpy(tcp + 20, text, len);
	put(r, last, 6, tcp, 20 + len, pad);
}

#endif
