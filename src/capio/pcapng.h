/* The blocks of a pcapng file (draft-ietf-opsawg-pcapng) of one section, with times in
 * nanoseconds, in the byte order of the writer. Pure. */
#ifndef SP_CAPIO_PCAPNG_H
#define SP_CAPIO_PCAPNG_H

#include <stdint.h>

#define SP_PCAPNG_BEGIN 256u /* longest beginning */
#define SP_PCAPNG_HEAD	28u  /* of a packet's block, before its bytes */
#define SP_PCAPNG_TAIL	7u   /* longest, behind them */
#define SP_PCAPNG_STATS 64u

/* Section header and interface description. name: the interface's; NULL or "": not known. Returns
 * the number of bytes. */
uint32_t sp_pcapng_begin(uint8_t to[SP_PCAPNG_BEGIN], uint32_t linktype, uint32_t snaplen,
			 const char *name);
/* The description of a further interface; to has room for SP_PCAPNG_BEGIN. */
uint32_t sp_pcapng_interface(uint8_t *to, uint32_t linktype, uint32_t snaplen,
			     const char *name);
/* HOT. What is around the len bytes of a packet that came at real_ns, of the interface with this
 * number, and had orig_len bytes; both return its bytes. */
uint32_t sp_pcapng_head(uint8_t to[SP_PCAPNG_HEAD], uint32_t interface, uint64_t real_ns,
			uint32_t len, uint32_t orig_len);
uint32_t sp_pcapng_tail(uint8_t to[SP_PCAPNG_TAIL], uint32_t len);
/* Interface statistics: packets that came and that were dropped, from the beginning on. */
uint32_t sp_pcapng_stats(uint8_t to[SP_PCAPNG_STATS], uint64_t real_ns, uint64_t received,
			 uint64_t dropped);

#endif
