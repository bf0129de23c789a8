/* Records over a non-blocking stream socket, the same for both sides, in the clear or inside TLS.
 * What has arrived of a record that is not complete, and what was written and not yet taken, is
 * all that it keeps. */
#ifndef SP_CTL_CHANNEL_H
#define SP_CTL_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/messages.h"
#include "keys/tls.h"

struct sp_ctl_chan {
	int fd;		    /* -1: none */
	struct sp_tls *tls; /* its handshake done; NULL: in the clear. Closed with it */
	uint32_t packets;   /* one for each call that moved bytes: own_control, roughly */
	uint8_t *out;	    /* out_cap records, the owner's */
	uint32_t out_cap;
	uint32_t out_at, out_end; /* bytes: [at, end) is still to be sent */
	uint32_t in_len;
	uint8_t in[SP_CTL_RECORD];
};

/* Records that put still has room for. */
static inline uint32_t sp_ctl_chan_room(const struct sp_ctl_chan *c)
{
	return c->out_cap - c->out_end / SP_CTL_RECORD;
}

static inline bool sp_ctl_chan_pending(const struct sp_ctl_chan *c)
{
	return c->out_at < c->out_end;
}

/* The buffer of one record that comes next; room must not be 0. */
void sp_ctl_chan_put(struct sp_ctl_chan *, const struct sp_ctl_msg *);
/* Sends what the socket takes. 1: all is sent; 0: the rest when it is writable again; a
 * negative errno: the peer is gone. */
int sp_ctl_chan_flush(struct sp_ctl_chan *);
/* Is there something to read that the socket will not become readable for? */
bool sp_ctl_chan_buffered(const struct sp_ctl_chan *);
/* Reads up to max whole records into buf (room for max). Returns their number, 0 when there is
 * none yet, -ENODATA at the end of the stream, a negative errno when the peer is gone. */
int sp_ctl_chan_read(struct sp_ctl_chan *, uint8_t *buf, uint32_t max);
void sp_ctl_chan_close(struct sp_ctl_chan *);

#endif
