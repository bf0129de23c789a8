/* For tests of transports of frames: the frames, and where they go. */
#ifndef SP_TRANSPORT_FRAME_TEST_H
#define SP_TRANSPORT_FRAME_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/endian.h"

#define OK(r, expression)                                                                      \
	do {                                                                                   \
		if ((expression) != 0)                                                         \
			fail_msg("%s: %s", #expression, (r)->err.text);                        \
	} while (0)

static inline void run_command(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

static inline struct sp_endpoint at(const char *address, unsigned port)
{
	struct sp_endpoint e = { .port = (uint16_t)port };

	assert_int_equal(sp_addr_parse(address, &e.addr), 0);
	return e;
}

/* A UDP/IPv4 frame from 10.98.0.1:(1000 + number % 10) to 10.98.0.2:port. */
static inline void put_frame(uint8_t *f, uint32_t len, uint16_t port, uint32_t number)
{
	static const uint8_t head[] = { 2, 0, 0,    0,	0, 2, 2,  0,  0, 0, 0, 1,
					8, 0, 0x45, 0,	0, 0, 0,  0,  0, 0, 9, 17,
					0, 0, 10,   98, 0, 1, 10, 98, 0, 2 };

	memset(f, (int)(number & 0xff), len);
	memcpy(f, head, sizeof head);
	sp_put_be16(f + 16, (uint16_t)(len - 14));
	sp_put_be16(f + 34, (uint16_t)(1000 + number % 10));
	sp_put_be16(f + 36, port);
	sp_put_be16(f + 38, (uint16_t)(len - 34));
	sp_put_be32(f + 42, number);
}

#endif
