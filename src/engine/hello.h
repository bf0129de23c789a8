/* The one datagram by which a sender over TCP finds a spate receiver without touching its data
 * port, and the answer, which is as long: sent to the UDP port of the same number.
 *
 *   0         8         16       18
 *   [magic 8 ][nonce 8 ][port 2 ][zero 14]     port: 0 in the question, control's in the answer
 *
 * Where UDP carries data on that number, too, the packet lane finds it among the data by magic and
 * length and hands it to control by this ring: one writer, a worker; one reader, control. */
#ifndef SP_ENGINE_HELLO_H
#define SP_ENGINE_HELLO_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/address.h"
#include "base/endian.h"

#define SP_HELLO_LEN  32u
#define SP_HELLO_RING 16u

static inline void sp_hello_put(uint8_t out[SP_HELLO_LEN], uint64_t nonce, uint16_t port)
{
	static const uint8_t magic[8] = { 0x8e, 's', 'p', 't', 'H', 'e', 'y', '1' };

	memset(out, 0, SP_HELLO_LEN);
	memcpy(out, magic, sizeof magic);
	sp_put_be64(out + 8, nonce);
	sp_put_be16(out + 16, port);
}

/* HOT. False: this is none. */
static inline bool sp_hello_get(const uint8_t *data, uint32_t len, uint64_t *nonce,
				uint16_t *port)
{
	uint8_t again[SP_HELLO_LEN];

	if (__builtin_expect(len != SP_HELLO_LEN, 1) || data[0] != 0x8e)
		return false;
	*nonce = sp_get_be64(data + 8);
	*port = sp_get_be16(data + 16);
	sp_hello_put(again, *nonce, *port);
	return memcmp(again, data, SP_HELLO_LEN) == 0;
}

/* Every record of control begins so (ctl/messages.h). A sender over UDP looks for control on the TCP
 * port of its target's number: a sink that takes data there knows it by this, and answers with
 * the hello that names control's own port. */
#define SP_CONTROL_MAGIC 0x73704354u /* "spCT" */
#define SP_CONTROL_PORTS 64u
struct sp_control_list {
	struct {
		uint16_t number, port; /* of data, of control */
	} at[SP_CONTROL_PORTS];
	uint32_t n;
};

struct sp_hello_ring {
	struct sp_hello {
		struct sp_endpoint from;
		uint16_t number; /* of the port that it came to */
		uint64_t nonce;
	} at[SP_HELLO_RING];
	uint32_t put, taken; /* atomic */
};

/* One that finds no room is not answered. */
static inline void sp_hello_ring_put(struct sp_hello_ring *r, const struct sp_hello *h)
{
	uint32_t put = r->put;

	if (put - __atomic_load_n(&r->taken, __ATOMIC_ACQUIRE) >= SP_HELLO_RING)
		return;
	r->at[put % SP_HELLO_RING] = *h;
	__atomic_store_n(&r->put, put + 1, __ATOMIC_RELEASE);
}

static inline bool sp_hello_ring_take(struct sp_hello_ring *r, struct sp_hello *h)
{
	uint32_t taken = r->taken;

	if (taken == __atomic_load_n(&r->put, __ATOMIC_ACQUIRE))
		return false;
	*h = r->at[taken % SP_HELLO_RING];
	__atomic_store_n(&r->taken, taken + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
