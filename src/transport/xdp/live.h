/* Live frames: the kernel makes the units, by a program of ours over one frame, and hands them to the
 * interface (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, since Linux 5.18). Inside the
 * folder only. */
#ifndef SP_TRANSPORT_XDP_LIVE_H
#define SP_TRANSPORT_XDP_LIVE_H

#include "plugin/transport.h"
#include "transport/iface.h"
#include "transport/xdp/live_prog.h"

struct xdp_live {
	const struct sp_mem *mem;
	struct sp_repeat_form form; /* its frame is ours */
	uint8_t *frame;
	struct xdp_live_state *state; /* the map's memory */
	struct xdp_live_maps maps;
	int prog, hold, space, count[2], watch[2]; /* -1: none */
};

/* -ENOTSUP: the form cannot be made so, or the kernel has no live frames, or the interface takes
 * none; the reason is in err. */
int xdp_live_open(struct xdp_live **, const struct sp_iface *, const struct sp_repeat_form *,
		  const struct sp_mem *, struct sp_err *);
void xdp_live_close(struct xdp_live *);
int xdp_live_run(struct xdp_live *, struct sp_repeat_call *);

/* features.c: does the interface take frames that are redirected to it? 0; -EOPNOTSUPP: it does
 * not; another error: the kernel does not say. */
int xdp_iface_takes_frames(unsigned ifindex);

#endif
