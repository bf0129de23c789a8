#include "transport/xdp/take_prog.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "transport/ends.h"
#include "transport/xdp/sock.h"

#define ETH_P_QINQ 0x88a8

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	CTX = BPF_REG_6,
	FRAME = BPF_REG_7,
	END = BPF_REG_8,
	AT = BPF_REG_9,
};

#define CTX_DATA  offsetof(struct xdp_md, data)
#define CTX_END	  offsetof(struct xdp_md, data_end)
#define CTX_META  offsetof(struct xdp_md, data_meta)
#define CTX_QUEUE offsetof(struct xdp_md, rx_queue_index)

/* Frames without n octets from AT on pass. */
static void need(struct xdp_asm *a, int32_t n, struct xdp_jumps *pass)
{
	xdp_mov(a, R0, AT);
	xdp_alu_imm(a, BPF_ADD, R0, n);
	xdp_jumps_add(a, pass, xdp_jmp(a, BPF_JGT, R0, END));
}

/* AT is 14 octets before what R1 says the type of. */
static void emit_vlan(struct xdp_asm *a, struct xdp_jumps *pass)
{
	uint32_t tag = xdp_jmp_imm(a, BPF_JEQ, R1, htons(ETH_P_8021Q));
	uint32_t none = xdp_jmp_imm(a, BPF_JNE, R1, htons(ETH_P_QINQ));

	xdp_land(a, tag);
	need(a, SP_FRAME_ETH + SP_FRAME_VLAN, pass);
	xdp_alu_imm(a, BPF_ADD, AT, SP_FRAME_VLAN);
	xdp_load(a, BPF_H, R1, AT, 12);
	xdp_land(a, none);
}

static void emit_address(struct xdp_asm *a, const struct xdp_take *t, int32_t off,
			 struct xdp_jumps *pass)
{
	uint32_t words = t->to.family == 4 ? 1 : 4, w;

	for (uint32_t i = 0; i < words; i++) {
		memcpy(&w, t->to.ip + 4 * i, 4);
		xdp_load(a, BPF_W, R2, AT, off + 4 * (int32_t)i);
		xdp_jumps_add(a, pass, xdp_jmp32_imm(a, BPF_JNE, R2, (int32_t)w));
	}
}

static void emit_v4(struct xdp_asm *a, const struct xdp_take *t, struct xdp_jumps *pass)
{
	need(a, SP_FRAME_ETH + 20, pass);
	xdp_load(a, BPF_B, R2, AT, SP_FRAME_ETH);
	xdp_alu_imm(a, BPF_AND, R2, 15);
	xdp_alu_imm(a, BPF_LSH, R2, 2);
	xdp_jumps_add(a, pass, xdp_jmp_imm(a, BPF_JLT, R2, 20));
	xdp_load(a, BPF_B, R1, AT, SP_FRAME_ETH + 9);
	xdp_jumps_add(a, pass, xdp_jmp_imm(a, BPF_JNE, R1, IPPROTO_UDP));
	/* only a first fragment has port numbers */
	xdp_load(a, BPF_H, R1, AT, SP_FRAME_ETH + 6);
	xdp_jumps_add(a, pass, xdp_jmp_imm(a, BPF_JSET, R1, htons(0x1fff)));
	if (t->to.family == 4) {
		xdp_mov(a, R4, R2);
		emit_address(a, t, SP_FRAME_ETH + 16, pass);
		xdp_mov(a, R2, R4);
	}
	xdp_alu(a, BPF_ADD, AT, R2);
	xdp_alu_imm(a, BPF_ADD, AT, SP_FRAME_ETH);
}

static void emit_v6(struct xdp_asm *a, const struct xdp_take *t, struct xdp_jumps *pass)
{
	need(a, SP_FRAME_ETH + 40, pass);
	xdp_load(a, BPF_B, R1, AT, SP_FRAME_ETH + 6);
	xdp_jumps_add(a, pass, xdp_jmp_imm(a, BPF_JNE, R1, IPPROTO_UDP));
	if (t->to.family == 6)
		emit_address(a, t, SP_FRAME_ETH + 24, pass);
	xdp_alu_imm(a, BPF_ADD, AT, SP_FRAME_ETH + 40);
}

static void emit_ports(struct xdp_asm *a, const struct xdp_take *t, struct xdp_jumps *pass)
{
	if (!t->first)
		return;
	xdp_load(a, BPF_H, R1, AT, 2);
	xdp_swap(a, R1, 16);
	xdp_jumps_add(a, pass, xdp_jmp_imm(a, BPF_JLT, R1, t->first));
	xdp_jumps_add(a, pass,
		      xdp_jmp_imm(a, BPF_JGT, R1, t->last > t->first ? t->last : t->first));
}

/* No instruction may be out of reach: the kernel refuses that. */
static void emit_ip(struct xdp_asm *a, const struct xdp_take *t, struct xdp_jumps *pass)
{
	uint32_t v6, done;

	if (t->to.family) {
		xdp_jumps_add(a, pass,
			      xdp_jmp_imm(a, BPF_JNE, R1,
					  htons(t->to.family == 4 ? ETH_P_IP : ETH_P_IPV6)));
		if (t->to.family == 4)
			emit_v4(a, t, pass);
		else
			emit_v6(a, t, pass);
		return;
	}
	v6 = xdp_jmp_imm(a, BPF_JEQ, R1, htons(ETH_P_IPV6));
	xdp_jumps_add(a, pass, xdp_jmp_imm(a, BPF_JNE, R1, htons(ETH_P_IP)));
	emit_v4(a, t, pass);
	done = xdp_goto(a);
	xdp_land(a, v6);
	emit_v6(a, t, pass);
	xdp_land(a, done);
}

void xdp_emit_take(struct xdp_asm *a, const struct xdp_take *t, struct xdp_jumps *pass)
{
	xdp_load(a, BPF_W, FRAME, CTX, CTX_DATA);
	xdp_load(a, BPF_W, END, CTX, CTX_END);
	xdp_mov(a, AT, FRAME);
	if (t->all)
		return;
	need(a, SP_FRAME_ETH, pass);
	xdp_load(a, BPF_H, R1, AT, 12);
	emit_vlan(a, pass);
	emit_vlan(a, pass);
	emit_ip(a, t, pass);
	need(a, 8, pass);
	emit_ports(a, t, pass);
}

/* The kernel's clock, read in front of the frame; a driver without room for it says nothing. */
static void emit_stamp(struct xdp_asm *a)
{
	uint32_t no_room, cut;

	xdp_mov(a, R1, CTX);
	xdp_mov_imm(a, R2, -(int32_t)XDP_STAMP);
	xdp_call(a, BPF_FUNC_xdp_adjust_meta);
	no_room = xdp_jmp_imm(a, BPF_JNE, R0, 0);
	xdp_call(a, BPF_FUNC_ktime_get_ns);
	xdp_load(a, BPF_W, FRAME, CTX, CTX_DATA);
	xdp_load(a, BPF_W, R1, CTX, CTX_META);
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_ADD, R2, XDP_STAMP);
	cut = xdp_jmp(a, BPF_JGT, R2, FRAME);
	xdp_store(a, BPF_DW, R1, 0, R0);
	xdp_land(a, cut);
	xdp_land(a, no_room);
}

void xdp_emit_af_xdp(struct xdp_asm *a, const struct xdp_take *t, int xsks)
{
	struct xdp_jumps pass = { .n = 0 };

	a->n = 0;
	a->full = false;
	xdp_mov(a, CTX, R1);
	xdp_emit_take(a, t, &pass);
	emit_stamp(a);
	xdp_load(a, BPF_W, R2, CTX, CTX_QUEUE);
	xdp_map(a, R1, xsks);
	xdp_mov_imm(a, R3, XDP_PASS);
	xdp_call(a, BPF_FUNC_redirect_map);
	xdp_insn(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	xdp_jumps_land(a, &pass);
	if (!t->all) /* what nothing jumps to is refused */
		xdp_return(a, XDP_PASS);
}
