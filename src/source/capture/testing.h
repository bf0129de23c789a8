/* For tests: captures that are put together packet by packet (classic pcap, nanoseconds). */
#ifndef SP_SOURCE_CAPTURE_TESTING_H
#define SP_SOURCE_CAPTURE_TESTING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct capture_file {
	char path[64];
	FILE *f;
};

static inline void capture_put32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof v, 1, f);
}

static inline void capture_begin(struct capture_file *c, uint32_t link)
{
	int fd;

	strcpy(c->path, "/tmp/spate-capture-XXXXXX");
	fd = mkstemp(c->path);
	c->f = fdopen(fd, "w");
	capture_put32(c->f, 0xa1b23c4d);
	capture_put32(c->f, 0x00040002);
	capture_put32(c->f, 0);
	capture_put32(c->f, 0);
	capture_put32(c->f, 262144);
	capture_put32(c->f, link);
}

/* len octets that begin with data (at most n of it), the rest zeros; orig as on the link. */
static inline void capture_add(struct capture_file *c, uint64_t t_ns, const void *data,
			       uint32_t n, uint32_t len, uint32_t orig)
{
	static const uint8_t zeros[1024];

	capture_put32(c->f, (uint32_t)(t_ns / 1000000000u));
	capture_put32(c->f, (uint32_t)(t_ns % 1000000000u));
	capture_put32(c->f, len);
	capture_put32(c->f, orig);
	n = n < len ? n : len;
	fwrite(data, n, 1, c->f);
	for (len -= n; len; len -= n) {
		n = len < sizeof zeros ? len : (uint32_t)sizeof zeros;
		fwrite(zeros, n, 1, c->f);
	}
}

static inline void capture_end(struct capture_file *c)
{
	fclose(c->f);
	c->f = NULL;
}

#endif
