/* What became of the frames: arguments of the tracepoints as 64-bit words. */
#include "transport/xdp/live_prog.h"

#include <stddef.h>

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	STATE = BPF_REG_6,
	ARGS = BPF_REG_9,
};
#define AT(m) ((int32_t)offsetof(struct xdp_live_state, m))

static void emit_mine(struct xdp_asm *a, int state, uint32_t tgid, uint32_t *not_mine)
{
	xdp_mov(a, ARGS, R1);
	xdp_call(a, BPF_FUNC_get_current_pid_tgid);
	xdp_alu_imm(a, BPF_RSH, R0, 32);
	xdp_const(a, R1, tgid);
	*not_mine = xdp_jmp(a, BPF_JNE, R0, R1);
	xdp_map_value(a, STATE, state, 0);
}

void xdp_live_emit_tgid(struct xdp_asm *a)
{
	a->n = 0;
	a->full = false;
	xdp_call(a, BPF_FUNC_get_current_pid_tgid);
	xdp_alu_imm(a, BPF_RSH, R0, 32);
	xdp_insn(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void xdp_live_emit_sent(struct xdp_asm *a, int state, uint32_t tgid)
{
	uint32_t not_mine;

	a->n = 0;
	a->full = false;
	/* xdp_devmap_xmit: from, to, sent, drops, error */
	emit_mine(a, state, tgid, &not_mine);
	xdp_load(a, BPF_DW, R1, ARGS, 16);
	xdp_alu_imm(a, BPF_LSH, R1, 32);
	xdp_alu_imm(a, BPF_RSH, R1, 32);
	xdp_load(a, BPF_DW, R2, STATE, AT(sent));
	xdp_alu(a, BPF_ADD, R2, R1);
	xdp_store(a, BPF_DW, STATE, AT(sent), R2);
	xdp_land(a, not_mine);
	xdp_return(a, 0);
}

void xdp_live_emit_failed(struct xdp_asm *a, int state, uint32_t tgid)
{
	uint32_t not_mine;

	a->n = 0;
	a->full = false;
	emit_mine(a, state, tgid, &not_mine);
	xdp_load(a, BPF_DW, R1, STATE, AT(failed));
	xdp_alu_imm(a, BPF_ADD, R1, 1);
	xdp_store(a, BPF_DW, STATE, AT(failed), R1);
	xdp_land(a, not_mine);
	xdp_return(a, 0);
}
