/* Which of two interfaces a frame leaves by: that of who asks (client), or that of who is asked
 * (server), as tcpprep splits. Pure, and a function of the frames before it alone, so that two readers
 * of one capture agree.
 *
 * auto    TCP: whoever sent the SYN is the client. ICMP echo: whoever requests. Else, and where no
 *         SYN was seen: the server is the one with a port number below 1024, or with the lower one;
 *         of what has no numbers whoever is seen first is the client.
 * client  the same, but what is not told by a SYN, an echo or a well-known number is a client's.
 * server  the same, a server's.
 * port    by numbers alone: below 1024, or the lower one, is the server's.
 * PREFIX,...  servers are the hosts of these addresses.
 *
 * Frames that are not IP are a client's. */
#ifndef SP_SOURCE_CAPTURE_SIDES_H
#define SP_SOURCE_CAPTURE_SIDES_H

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum sp_side { SP_SIDE_CLIENT, SP_SIDE_SERVER };

struct sp_sides;

/* Is this a rule? -EINVAL, usage. */
int sp_sides_check(const char *rule, struct sp_err *);
/* NULL: no memory. The rule was checked. */
struct sp_sides *sp_sides_new(const char *rule, const struct sp_mem *);
void sp_sides_free(struct sp_sides *);
/* HOT. The next frame is from whose side? */
enum sp_side sp_sides_of(struct sp_sides *, const uint8_t *frame, uint32_t len);
/* Forgets what it has seen. */
void sp_sides_reset(struct sp_sides *);

#endif
