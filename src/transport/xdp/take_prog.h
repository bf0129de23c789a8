/* The XDP program of a port that receives: which frames are the port's. Everything else goes on to
 * the host's own stack. Inside the folder only. */
#ifndef SP_TRANSPORT_XDP_TAKE_PROG_H
#define SP_TRANSPORT_XDP_TAKE_PROG_H

#include "base/address.h"
#include "transport/xdp/asm.h"

struct xdp_take {
	struct sp_addr to;    /* family 0: any */
	uint16_t first, last; /* UDP port numbers; first 0: any */
	bool all;	      /* every frame, whatever it is */
};

/* Emits the test. In: r6 the context. After it, for frames that are the port's: r7 points to the
 * frame, r8 behind it, r9 to its IP payload (r7 when all), with 8 octets there. Others land in
 * pass. r0 to r5 are used. */
void xdp_emit_take(struct xdp_asm *, const struct xdp_take *, struct xdp_jumps *pass);
/* The whole program: frames to the AF_XDP socket of their queue in the map xsks, with the time of
 * their arrival in front of them. */
void xdp_emit_af_xdp(struct xdp_asm *, const struct xdp_take *, int xsks);

#endif
