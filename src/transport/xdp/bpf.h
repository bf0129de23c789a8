/* bpf(2), as far as this transport needs it. Inside the folder only. Descriptors or -errno; all
 * are close-on-exec, and what they hold ends with the last of them: nothing is pinned. */
#ifndef SP_TRANSPORT_XDP_BPF_H
#define SP_TRANSPORT_XDP_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "transport/xdp/asm.h"

/* key of 4 octets. flags: BPF_F_MMAPABLE... */
int xdp_bpf_map(enum bpf_map_type, const char *name, uint32_t value_size, uint32_t entries,
		uint32_t flags);
int xdp_bpf_map_set(int map, uint32_t key, const void *value);
/* A map of BPF_F_MMAPABLE as memory; NULL: no memory. */
void *xdp_bpf_map_memory(int map, size_t size);
/* type BPF_PROG_TYPE_XDP...; on failure the verifier's last words are in err. */
int xdp_bpf_load(enum bpf_prog_type, const char *name, const struct xdp_asm *, struct sp_err *);
/* flags: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE. The program stays while the link is open. */
int xdp_bpf_attach(int prog, unsigned ifindex, uint32_t flags);
int xdp_bpf_tracepoint(int prog, const char *name);
/* Runs an XDP program once over data in place (test: the frame after it in out): its verdict, or
 * -errno. */
int xdp_bpf_run(int prog, const uint8_t *frame, uint32_t len, uint8_t *out);
/* Runs a raw tracepoint's program once, here: what it returns. */
int xdp_bpf_ask(int prog, uint32_t *answer);
/* HOT, in its way. Live frames: repeat times, batch at a time. 0 or -errno. */
int xdp_bpf_run_live(int prog, const uint8_t *frame, uint32_t len, uint32_t repeat,
		     uint32_t batch);
/* May programs be loaded? 0; -EPERM; -ENOSYS. */
int xdp_bpf_allowed(void);

#endif
