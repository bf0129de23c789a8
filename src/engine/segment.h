/* Test segments (DESIGN 10): interfaces behind which there is nothing but what is being tested. Root
 * says so in a file of its own, and frame transports on such an interface, when it carries no
 * default route, need nobody's consent:
 *
 *     # the sensor under test, on a cable of its own
 *     interface eth3
 *     prefix    203.0.114.0/24     targets' addresses; any number of lines
 *     mac       02:00:5e:10:00:01  next hops' hardware addresses; any number of lines
 *     ceiling   2Mpps              of all that a run sends there; or max
 *     until     2026-12-31         in UTC, or with a time: 2026-12-31T18:00:00Z
 *
 * prefix or mac must be there; where both are, both must fit. */
#ifndef SP_ENGINE_SEGMENT_H
#define SP_ENGINE_SEGMENT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"

#define SP_SEGMENT_DIR	 "/etc/spate/segments.d"
#define SP_SEGMENT_LINES 64u /* of either kind */
#define SP_SEGMENT_BYTES 65536u

struct sp_segment_prefix {
	struct sp_addr addr;
	uint8_t bits;
};
struct sp_segment {
	char interface[IFNAMSIZ];
	char place[256]; /* the file, or what else says so: for remarks */
	struct sp_segment_prefix prefix[SP_SEGMENT_LINES];
	uint8_t mac[SP_SEGMENT_LINES][6];
	unsigned n_prefixes, n_macs;
	uint64_t pps;	 /* UINT64_MAX: no ceiling */
	int64_t until_s; /* seconds since 1970; INT64_MAX: for ever */
};

/* Pure. -EINVAL, exit 65: "PLACE:LINE:COLUMN: ...". */
int sp_segment_parse(struct sp_segment *, const char *text, size_t len, const char *place,
		     struct sp_err *);
bool sp_segment_has_addr(const struct sp_segment *, const struct sp_addr *);
/* All from first to last. */
bool sp_segment_has_range(const struct sp_segment *, const struct sp_addr *first,
			  const struct sp_addr *last);
bool sp_segment_has_mac(const struct sp_segment *, const uint8_t mac[6]);

/* The segment that an interface is, by the files of dir and by what the kernel says of it. 1: it is
 * one, allocated from arena; 0: it is none. -EINVAL: a file is wrong. Files that are not root's,
 * or that others may write, do not count; err then says so with -EACCES, exit 77. */
int sp_segment_find(const char *dir, const char *interface, int64_t now_s, struct sp_arena *,
		    struct sp_segment **, struct sp_err *);

#endif
