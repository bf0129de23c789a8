/* A template's patch program (pkt/patch) as an eBPF program, which the kernel runs over each frame
 * that it makes itself. Inside the folder only. */
#ifndef SP_TRANSPORT_XDP_LIVE_PROG_H
#define SP_TRANSPORT_XDP_LIVE_PROG_H

#include "plugin/transport.h"
#include "transport/xdp/asm.h"

#define XDP_LIVE_PLACES 16u
#define XDP_LIVE_SUMS	8u
/* Units that share one look at the clock; frames that the kernel makes at a time. */
#define XDP_LIVE_BATCH	64u
/* Frames up to this are written whole each time, longer ones up to the payload: the kernel uses
 * its pages again, and whoever had them may have written to them. */
#define XDP_LIVE_WHOLE	256u

/* What the program and we share: the value of a map of one element. */
struct xdp_live_state {
	uint64_t unit;	 /* the next one's number, for the places */
	uint64_t seq;	 /* and for the stamp; 32 bits count */
	uint64_t end_ns; /* nothing leaves from then on */
	uint64_t shared; /* how many more units share the last look at the clock */
	uint64_t head;	 /* of the stamp */
	/* Of the last look: the clock, the stamp's first 8 octets as they lie there, its due_lo,
	 * the check and the sum of what is the same in all units that share it. */
	uint64_t now_ns, first_ns, w0, due_lo, check, sum;
	/* Counted by the tracepoints: frames that the interface took, and others. */
	uint64_t sent, failed;
	struct xdp_live_place {
		uint64_t value, until_wrap, until_next;
	} place[XDP_LIVE_PLACES];
};

struct xdp_live_maps {
	int state, tables, device; /* one value each */
};

/* live_form.c: why a form has no program: one sentence's second half, or NULL: it has one. */
const char *xdp_live_why_not(const struct sp_repeat_form *);
/* Emits it. */
void xdp_live_emit(struct xdp_asm *, const struct sp_repeat_form *,
		   const struct xdp_live_maps *);
/* Sets what depends on the unit's number, before a call. */
void xdp_live_seek(struct xdp_live_state *, const struct sp_repeat_form *, uint64_t unit);

/* live_stamp.c: the native stamp (stamp/native.c says what it is) in eBPF. */
#define XDP_STAMP_LEN	 18u
#define XDP_STAMP_TABLES (16u * 256u)
/* tables[position][octet]: what an octet of the stamp's first 16 adds to its check. */
void xdp_stamp_tables(uint16_t *tables);
/* acc ^= what octet `pos` of the stamp adds, being bits shift .. shift + 7 of the register value; r4
 * and r5 are used. */
void xdp_stamp_add_octet(struct xdp_asm *, int tables, uint8_t acc, uint8_t value, unsigned pos,
			 int32_t shift);
/* In: r6 the state, r7 the frame. Writes the stamp and adds it to the sum in r8, shifted where it
 * stands at an odd place of it; uses r0 to r5. Units that come too late land in late. */
struct xdp_stamp_place {
	uint16_t off;
	uint32_t crc_init;
	bool summed, odd;
};
void xdp_stamp_emit(struct xdp_asm *, const struct xdp_stamp_place *,
		    const struct xdp_live_maps *, struct xdp_jumps *late);
/* The clock alone, for frames without a stamp. */
void xdp_clock_emit(struct xdp_asm *, struct xdp_jumps *late);

/* live_watch.c: the raw tracepoints that count what became of the frames of one process. */
void xdp_live_emit_tgid(struct xdp_asm *); /* returns whose process it runs in */
void xdp_live_emit_sent(struct xdp_asm *, int state, uint32_t tgid);
void xdp_live_emit_failed(struct xdp_asm *, int state, uint32_t tgid);

#endif
