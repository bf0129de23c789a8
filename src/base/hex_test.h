/* For tests: octets as they are written in RFCs. */
#ifndef SP_BASE_HEX_TEST_H
#define SP_BASE_HEX_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* Returns how many. */
static inline uint32_t bytes(const char *hex, uint8_t *out)
{
	uint32_t n = 0;
	unsigned v;

	for (; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

#endif
