/* Files of tcpprep, which say of each packet of a capture by which of two interfaces it leaves, or that
 * it does not: "tcpprep\0", "04\0\0", the number of packets (64 bit), packets in an octet (16 bit, 4),
 * the length of a comment (16 bit), all big-endian, the comment, and two bits for each packet, from the
 * low ones of an octet on: 1 is the primary interface, 2 that it leaves. */
#ifndef SP_SOURCE_CAPTURE_CACHE_H
#define SP_SOURCE_CAPTURE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define SP_CACHE_BYTES (64u << 20) /* most of a file */

struct sp_cache {
	uint64_t n; /* packets that it knows */
	const uint8_t *bits;
};

enum sp_cache_way { SP_CACHE_STAYS, SP_CACHE_SECONDARY, SP_CACHE_PRIMARY, SP_CACHE_UNKNOWN };

/* Pure; bits point into data. -EBADMSG, exit 65: "PLACE: ...". */
int sp_cache_parse(struct sp_cache *, const uint8_t *data, size_t len, const char *place,
		   struct sp_err *);
/* HOT. Of packet number 1, 2, ...; UNKNOWN: the file has no such packet. */
enum sp_cache_way sp_cache_of(const struct sp_cache *, uint64_t number);

/* The same of a file. Errors also: -ENOENT and others (66), -EFBIG (65). */
struct sp_cache_file;
int sp_cache_open(struct sp_cache_file **, const char *path, const struct sp_mem *,
		  struct sp_err *);
const struct sp_cache *sp_cache_file(const struct sp_cache_file *);
void sp_cache_close(struct sp_cache_file *);

#endif
