/* What a bulk stream carries: the 8-byte word at offset o of the stream is f(o), with a period of
 * 4 MiB, so that one file in memory is sent over and over and a receiver can check any piece. */
#ifndef SP_PKT_BULK_H
#define SP_PKT_BULK_H

#include <stddef.h>
#include <stdint.h>

#define SP_BULK_PERIOD (4u << 20)

/* Fills one whole period. */
void sp_bulk_fill(uint8_t *period);
/* HOT. How many of the bytes that belong at offset are as they must be, before the first that is
 * not. */
size_t sp_bulk_check(const uint8_t *period, uint64_t offset, const uint8_t *data, size_t len);

#endif
