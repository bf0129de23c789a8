/* The first bytes of a byte stream to a receiver that control has confirmed to be spate: what
 * comes behind them and which granted flow it is. A foreign server never gets them.
 *
 *   0         8       9        12           16       20
 *   [magic 8 ][kind 1][zero 3 ][flow 4      ][zero 4 ][CRC-32C of the 20 before]
 *
 * Behind it, all big-endian: SP_OPEN_BULK the pattern of pkt/bulk.h from its beginning;
 * SP_OPEN_MESSAGES one message after the other, each with a head of SP_MESSAGE_HEAD bytes:
 *   [length of all of it 4][native stamp 18]
 * since a receiver of a byte stream cannot see where a message begins. */
#ifndef SP_ENGINE_OPENER_H
#define SP_ENGINE_OPENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_OPENER_LEN	 24u
#define SP_MESSAGE_STAMP 18u
#define SP_MESSAGE_HEAD	 (4u + SP_MESSAGE_STAMP)
#define SP_MESSAGE_MAX	 65535u

enum sp_open_kind { SP_OPEN_BULK = 1, SP_OPEN_MESSAGES };

struct sp_opener {
	enum sp_open_kind kind;
	uint32_t flow;
};

void sp_opener_put(const struct sp_opener *, uint8_t out[SP_OPENER_LEN]);
/* False: this is no opener (or none of this version). */
bool sp_opener_get(const uint8_t in[SP_OPENER_LEN], struct sp_opener *);
/* Could the first n bytes (n >= 1) be those of one? */
bool sp_opener_begins(const uint8_t *in, size_t n);

#endif
