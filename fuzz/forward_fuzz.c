/* Any bytes as a frame on its way through the forwarder: what it says of the frame stays inside it,
 * and damage is one bit and perhaps a checksum. */
#include <stdlib.h>
#include <string.h>

#include "forward/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned bits_that_differ(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	unsigned bits = 0;

	for (uint32_t i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return bits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = size > 9 ? (uint32_t)(size - 9) : 0;
	uint64_t random;
	uint8_t *p;
	struct sp_frame f;

	if (size < 9 || size > 70000)
		return 0;
	p = malloc(len + 1);
	if (!p)
		return 0;
	memcpy(&random, data + 1, sizeof random);
	memcpy(p, data + 9, len);
	sp_frame_look(p, len, &f);
	if (f.len != len || f.end > len || f.l3_off > f.end || f.payload_off > f.end ||
	    f.payload_off < f.l3_off || f.l4_off > f.payload_off ||
	    (f.check_off && (f.check_off < f.l4_off || f.check_off + 2 > f.payload_off)))
		abort();
	for (int layer = SP_LAYER_DEFAULT; layer <= SP_LAYER_L7; layer++)
		if (sp_frame_bytes(&f, (enum sp_layer)layer) > (len < 60 ? 60 : len) + 24)
			abort();
	for (int only = 0; only < 6; only++)
		sp_frame_is(&f, only);
	sp_frame_flip(p, &f, random, data[0] & 1);
	if (bits_that_differ(p, data + 9, len) > (data[0] & 1 ? 17u : 1u))
		abort();
	sp_frame_fill(p, len, (uint32_t)random & 0xffff, (uint32_t)(random >> 16) & 0xffff,
		      data[0] & 2);
	free(p);
	return 0;
}
