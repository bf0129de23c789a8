#include "capio/pcapng.h"

#include <string.h>

#define SECTION	     0x0a0d0d0au
#define INTERFACE    1u
#define STATS	     5u
#define PACKET	     6u

#define OPT_USERAPPL 4
#define OPT_IF_NAME  2
#define OPT_TSRESOL  9
#define OPT_IFRECV   4
#define OPT_IFDROP   5

#define NAME_MAX_LEN 64u

static uint32_t pad4(uint32_t len)
{
	return (len + 3) & ~3u;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static uint8_t *put_time(uint8_t *p, uint64_t ns)
{
	return put32(put32(p, (uint32_t)(ns >> 32)), (uint32_t)ns);
}

static uint8_t *option(uint8_t *p, uint16_t code, const void *data, uint32_t len)
{
	p = put16(put16(p, code), (uint16_t)len);
	memset(p, 0, pad4(len));
	memcpy(p, data, len);
	return p + pad4(len);
}

/* Both lengths of the block that begins at `at`. Returns where the next one begins. */
static uint8_t *end(uint8_t *at, uint8_t *p)
{
	uint32_t len = (uint32_t)(p - at) + 4;

	put32(at + 4, len);
	return put32(p, len);
}

uint32_t sp_pcapng_begin(uint8_t to[SP_PCAPNG_BEGIN], uint32_t linktype, uint32_t snaplen,
			 const char *name)
{
	uint8_t *p = put32(to, SECTION) + 4;

	p = put16(put16(put32(p, 0x1a2b3c4d), 1), 0);
	p = put64(p, UINT64_MAX); /* nobody knows how long the section will be */
	p = option(p, OPT_USERAPPL, "spate", 5);
	p = option(p, 0, "", 0);
	p = end(to, p);
	return (uint32_t)(p - to) + sp_pcapng_interface(p, linktype, snaplen, name);
}

uint32_t sp_pcapng_interface(uint8_t *to, uint32_t linktype, uint32_t snaplen, const char *name)
{
	static const uint8_t ns = 9;
	uint32_t len = name ? (uint32_t)strnlen(name, NAME_MAX_LEN) : 0;
	uint8_t *p = put32(to, INTERFACE) + 4;

	p = put32(put16(put16(p, (uint16_t)linktype), 0), snaplen);
	if (len)
		p = option(p, OPT_IF_NAME, name, len);
	p = option(p, OPT_TSRESOL, &ns, 1);
	p = option(p, 0, "", 0);
	return (uint32_t)(end(to, p) - to);
}

uint32_t sp_pcapng_head(uint8_t to[SP_PCAPNG_HEAD], uint32_t interface, uint64_t real_ns,
			uint32_t len, uint32_t orig_len)
{
	uint8_t *p = put32(put32(to, PACKET), SP_PCAPNG_HEAD + pad4(len) + 4);

	p = put_time(put32(p, interface), real_ns);
	put32(put32(p, len), orig_len);
	return SP_PCAPNG_HEAD;
}

uint32_t sp_pcapng_tail(uint8_t to[SP_PCAPNG_TAIL], uint32_t len)
{
	uint32_t pad = pad4(len) - len;

	memset(to, 0, pad);
	put32(to + pad, SP_PCAPNG_HEAD + pad4(len) + 4);
	return pad + 4;
}

uint32_t sp_pcapng_stats(uint8_t to[SP_PCAPNG_STATS], uint64_t real_ns, uint64_t received,
			 uint64_t dropped)
{
	uint8_t *p = put32(to, STATS) + 4;

	p = put_time(put32(p, 0), real_ns);
	p = option(p, OPT_IFRECV, &received, sizeof received);
	p = option(p, OPT_IFDROP, &dropped, sizeof dropped);
	p = option(p, 0, "", 0);
	return (uint32_t)(end(to, p) - to);
}
