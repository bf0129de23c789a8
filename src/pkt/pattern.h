/* Payload bytes of our own: a text repeated, and a name for what a buffer holds. */
#ifndef SP_PKT_PATTERN_H
#define SP_PKT_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define SP_PATTERN_DEFAULT "X"

/* len bytes (at least one is allocated) of text over and over, sp_free'd by the caller. text is
 * not empty. NULL: no memory. */
uint8_t *sp_pattern_new(const struct sp_mem *, const char *text, size_t len);

/* 32-bit FNV-1a of more bytes; start with SP_PATTERN_ID. Never 0, as template_id of a source
 * must not be. */
#define SP_PATTERN_ID 2166136261u
uint32_t sp_pattern_id(uint32_t id, const void *data, size_t len);

#endif
