/* What AF_PACKET hands over: who a frame is from and to, and a UDP super-frame taken apart. The
 * first two bytes are the segments' length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "transport/packet/packet.h"

#define MAX_MSGS 64u
#define ROOM	 8192u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte of the payload is in one segment, in order, behind headers of the same length. */
static void check_split(const uint8_t *frame, uint32_t len, const struct sp_msg *m, uint32_t n,
			uint32_t seg)
{
	uint32_t l3, l4, at, head;

	if (!sp_frame_udp(frame, len, &l3, &l4))
		abort();
	head = l4 + 8;
	at = head;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t part = m[i].len - head;

		if (m[i].len < head || part > seg || part == 0 || at + part > len ||
		    memcmp(m[i].data + head, frame + at, part) != 0)
			abort();
		at += part;
	}
	if (at != len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame, *room = malloc(ROOM);
	struct sp_msg m[MAX_MSGS] = { 0 };
	struct sp_endpoint from, to;
	uint32_t len, seg, n;

	if (size < 2 || size > 70000 || !room) {
		free(room);
		return 0;
	}
	len = (uint32_t)size - 2;
	seg = sp_get_be16(data);
	frame = malloc(len ? len : 1); /* its own block, so that reading beyond it is seen */
	if (frame) {
		memcpy(frame, data + 2, len);
		sp_frame_ends(frame, len, &from, &to);
		m[0] = (struct sp_msg){ .data = frame, .len = len };
		n = sp_packet_split(m, MAX_MSGS, seg, room, ROOM);
		if (n)
			check_split(frame, len, m, n, seg);
	}
	free(frame);
	free(room);
	return 0;
}
