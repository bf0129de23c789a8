#include "transport/xdp/count_prog.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "plugin/stamp.h"
#include "transport/xdp/live_prog.h"
#include "transport/xdp/sock.h"

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	R5 = BPF_REG_5,
	CTX = BPF_REG_6,
	FRAME = BPF_REG_7,
	END = BPF_REG_8,
	FLOW = BPF_REG_9, /* its count; in the beginning the stamp */
	STACK = BPF_REG_10,
};
#define OF(m)	  ((int32_t)offsetof(struct xdp_count, m))
#define META(m)	  ((int32_t)offsetof(struct xdp_count_meta, m))
#define CTX_AT(m) ((int32_t)offsetof(struct xdp_md, m))
/* of the frame */
#define IP_AT	  14
#define UDP_AT	  34
/* on the stack: what FLOW's count says to whom it goes up; the stamp; the frame's length */
#define S_PLACE	  (-8)
#define S_COUNTED (-16)
#define S_HIGH	  (-24)
#define S_LOW	  (-32)
#define S_LEN	  (-40)
#define S_BASE	  (-48)
#define S_FROM	  (-56)

static void zero(struct xdp_asm *a, int32_t slot)
{
	xdp_insn(a, BPF_ST | BPF_DW | BPF_MEM, STACK, 0, (int16_t)slot, 0);
}

static void unless(struct xdp_asm *a, uint8_t reg, int32_t value, struct xdp_jumps *up)
{
	xdp_jumps_add(a, up, xdp_jmp_imm(a, BPF_JNE, reg, value));
}

/* UDP over IPv4 without options, whole, for the port: else to `other`. */
static void emit_headers(struct xdp_asm *a, const struct xdp_take *t, struct xdp_jumps *other)
{
	uint32_t to;

	xdp_mov(a, R0, FRAME);
	xdp_alu_imm(a, BPF_ADD, R0, UDP_AT + 8 + (int32_t)XDP_STAMP_LEN);
	xdp_jumps_add(a, other, xdp_jmp(a, BPF_JGT, R0, END));
	xdp_load(a, BPF_H, R1, FRAME, 12);
	unless(a, R1, htons(ETH_P_IP), other);
	xdp_load(a, BPF_B, R1, FRAME, IP_AT);
	unless(a, R1, 0x45, other);
	xdp_load(a, BPF_B, R1, FRAME, IP_AT + 9);
	unless(a, R1, IPPROTO_UDP, other);
	xdp_load(a, BPF_H, R1, FRAME, IP_AT + 6);
	xdp_jumps_add(a, other, xdp_jmp_imm(a, BPF_JSET, R1, htons(0x3fff)));
	if (t->to.family) {
		memcpy(&to, t->to.ip, 4);
		xdp_load(a, BPF_W, R1, FRAME, IP_AT + 16);
		xdp_jumps_add(a, other, xdp_jmp32_imm(a, BPF_JNE, R1, (int32_t)to));
	}
	if (!t->first)
		return;
	xdp_load(a, BPF_H, R1, FRAME, UDP_AT + 2);
	xdp_swap(a, R1, 16);
	xdp_jumps_add(a, other, xdp_jmp_imm(a, BPF_JLT, R1, t->first));
	xdp_jumps_add(a, other,
		      xdp_jmp_imm(a, BPF_JGT, R1, t->last > t->first ? t->last : t->first));
}

/* FLOW = the stamp at the end of the datagram; R1 and R2 its two halves as numbers. */
static void emit_stamp_of(struct xdp_asm *a, struct xdp_jumps *up)
{
	xdp_load(a, BPF_H, R1, FRAME, UDP_AT + 4);
	xdp_swap(a, R1, 16);
	xdp_jumps_add(a, up, xdp_jmp_imm(a, BPF_JLT, R1, 8 + (int32_t)XDP_STAMP_LEN));
	xdp_jumps_add(a, up, xdp_jmp_imm(a, BPF_JGT, R1, 4000));
	/* as the IP header says, too */
	xdp_load(a, BPF_H, R2, FRAME, IP_AT + 2);
	xdp_swap(a, R2, 16);
	xdp_alu_imm(a, BPF_SUB, R2, 20);
	xdp_jumps_add(a, up, xdp_jmp(a, BPF_JNE, R1, R2));
	xdp_store(a, BPF_DW, STACK, S_LEN, R1);
	xdp_mov(a, FLOW, FRAME);
	xdp_alu(a, BPF_ADD, FLOW, R1);
	xdp_alu_imm(a, BPF_ADD, FLOW, UDP_AT - (int32_t)XDP_STAMP_LEN);
	xdp_mov(a, R0, FLOW);
	xdp_alu_imm(a, BPF_ADD, R0, (int32_t)XDP_STAMP_LEN);
	xdp_jumps_add(a, up, xdp_jmp(a, BPF_JGT, R0, END));
	xdp_load(a, BPF_DW, R1, FLOW, 0);
	xdp_load(a, BPF_DW, R2, FLOW, 8);
	xdp_swap(a, R1, 64);
	xdp_swap(a, R2, 64);
	xdp_store(a, BPF_DW, STACK, S_HIGH, R1);
	xdp_store(a, BPF_DW, STACK, S_LOW, R2);
}

/* Right magic, not a reply, and no payload under the check; a good check. */
static void emit_check(struct xdp_asm *a, int tables, struct xdp_jumps *up)
{
	uint32_t covers, alone;

	xdp_mov(a, R3, R1);
	xdp_alu_imm(a, BPF_RSH, R3, 52);
	unless(a, R3, 0x5a7, up);
	xdp_mov(a, R3, R1);
	xdp_alu_imm(a, BPF_RSH, R3, 48);
	xdp_jumps_add(a, up, xdp_jmp_imm(a, BPF_JSET, R3, SP_STAMP_REPLY));
	covers = xdp_jmp_imm(a, BPF_JSET, R3, SP_STAMP_PAYLOAD);
	alone = xdp_goto(a);
	xdp_land(a, covers);
	xdp_load(a, BPF_DW, R3, STACK, S_LEN);
	unless(a, R3, 8 + (int32_t)XDP_STAMP_LEN, up);
	xdp_land(a, alone);
	xdp_mov_imm(a, R3, 0);
	for (unsigned pos = 0; pos < 16; pos++)
		xdp_stamp_add_octet(a, tables, R3, pos < 8 ? R1 : R2, pos,
				    56 - 8 * (int32_t)(pos & 7));
	xdp_load(a, BPF_H, R4, FLOW, 16);
	xdp_swap(a, R4, 16);
	xdp_jumps_add(a, up, xdp_jmp(a, BPF_JNE, R3, R4));
}

/* FLOW = the count of the stamp's flow (R1), R3 the flow's id + 1, R4 the source. */
static void emit_flow(struct xdp_asm *a, const struct xdp_count_maps *m, struct xdp_jumps *up)
{
	uint32_t fixed, known;

	xdp_mov(a, R3, R1);
	xdp_alu_imm(a, BPF_LSH, R3, 16);
	xdp_alu_imm(a, BPF_RSH, R3, 40);
	xdp_load(a, BPF_W, R0, CTX, CTX_AT(rx_queue_index));
	xdp_jumps_add(a, up, xdp_jmp_imm(a, BPF_JGE, R0, (int32_t)m->queues));
	xdp_alu_imm(a, BPF_MUL, R0, XDP_COUNT_FLOWS);
	xdp_mov(a, R5, R3);
	xdp_alu_imm(a, BPF_AND, R5, XDP_COUNT_FLOWS - 1);
	xdp_alu(a, BPF_ADD, R0, R5);
	xdp_mov(a, R5, R0);
	xdp_alu_imm(a, BPF_MUL, R5, sizeof(struct xdp_count));
	xdp_map_value(a, FLOW, m->flows, 0);
	xdp_alu(a, BPF_ADD, FLOW, R5);
	xdp_alu_imm(a, BPF_ADD, R0, 1);
	xdp_alu_imm(a, BPF_ADD, R3, 1);
	xdp_load(a, BPF_W, R4, FRAME, IP_AT + 12);
	xdp_alu_imm(a, BPF_LSH, R4, 16);
	xdp_load(a, BPF_H, R5, FRAME, UDP_AT);
	xdp_alu(a, BPF_OR, R4, R5);
	xdp_alu_imm(a, BPF_RSH, R1, 48);
	xdp_alu_imm(a, BPF_AND, R1, SP_STAMP_VARIES);
	fixed = xdp_jmp_imm(a, BPF_JEQ, R1, 0);
	xdp_mov_imm(a, R4, 0);
	xdp_land(a, fixed);
	xdp_load(a, BPF_W, R5, FLOW, OF(id));
	known = xdp_jmp_imm(a, BPF_JNE, R5, 0);
	/* the first one of a flow goes up: it is not what follows its forerunner */
	xdp_store(a, BPF_W, FLOW, OF(id), R3);
	xdp_store(a, BPF_DW, FLOW, OF(source), R4);
	xdp_mov(a, R5, R2);
	xdp_alu_imm(a, BPF_SUB, R5, 1);
	xdp_store(a, BPF_W, FLOW, OF(next), R5);
	xdp_mov(a, R5, R3);
	xdp_land(a, known);
	xdp_jumps_add(a, up, xdp_jmp(a, BPF_JNE, R5, R3));
	xdp_load(a, BPF_DW, R5, FLOW, OF(source));
	xdp_jumps_add(a, up, xdp_jmp(a, BPF_JNE, R5, R4));
	/* from here on it goes up with its flow's place */
	xdp_store(a, BPF_DW, STACK, S_PLACE, R0);
}

/* The next in sequence is counted and dropped; others go up, and the newest is what follows. */
static void emit_sequence(struct xdp_asm *a, struct xdp_jumps *up)
{
	uint32_t last, other, length, late, quiet;

	xdp_load(a, BPF_DW, R2, STACK, S_LOW);
	xdp_alu_imm(a, BPF_LSH, R2, 32);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_load(a, BPF_W, R1, FLOW, OF(next));
	xdp_load(a, BPF_DW, R3, STACK, S_LEN);
	xdp_load(a, BPF_DW, R4, STACK, S_HIGH);
	xdp_alu_imm(a, BPF_RSH, R4, 48);
	last = xdp_jmp_imm(a, BPF_JSET, R4, SP_STAMP_LAST);
	xdp_load(a, BPF_W, R4, FLOW, OF(len));
	other = xdp_jmp(a, BPF_JNE, R2, R1);
	length = xdp_jmp(a, BPF_JNE, R3, R4);
	xdp_alu_imm(a, BPF_ADD, R1, 1);
	xdp_store(a, BPF_W, FLOW, OF(next), R1);
	xdp_load(a, BPF_DW, R3, FLOW, OF(counted));
	xdp_alu_imm(a, BPF_ADD, R3, 1);
	xdp_store(a, BPF_DW, FLOW, OF(counted), R3);
	xdp_alu_imm(a, BPF_AND, R1, 63);
	quiet = xdp_jmp_imm(a, BPF_JNE, R1, 0);
	xdp_call(a, BPF_FUNC_ktime_get_ns);
	xdp_store(a, BPF_DW, FLOW, OF(last_ns), R0);
	xdp_land(a, quiet);
	xdp_return(a, XDP_DROP);
	xdp_land(a, last);
	xdp_land(a, other);
	xdp_land(a, length);
	xdp_load(a, BPF_W, R5, FLOW, OF(from));
	xdp_store(a, BPF_DW, STACK, S_FROM, R5);
	xdp_load(a, BPF_DW, R5, FLOW, OF(base));
	xdp_store(a, BPF_DW, STACK, S_BASE, R5);
	xdp_load(a, BPF_DW, R5, FLOW, OF(counted));
	xdp_store(a, BPF_DW, STACK, S_COUNTED, R5);
	xdp_store(a, BPF_DW, FLOW, OF(base), R5);
	xdp_store(a, BPF_W, FLOW, OF(from), R1);
	xdp_load(a, BPF_DW, R5, FLOW, OF(up));
	xdp_alu_imm(a, BPF_ADD, R5, 1);
	xdp_store(a, BPF_DW, FLOW, OF(up), R5);
	/* (int32_t)(seq - next) < 0: behind the newest */
	xdp_mov(a, R5, R2);
	xdp_alu(a, BPF_SUB, R5, R1);
	xdp_alu_imm(a, BPF_LSH, R5, 32);
	late = xdp_jmp_imm(a, BPF_JSLT, R5, 0);
	xdp_alu_imm(a, BPF_ADD, R2, 1);
	xdp_store(a, BPF_W, FLOW, OF(next), R2);
	xdp_store(a, BPF_W, FLOW, OF(from), R2);
	xdp_store(a, BPF_W, FLOW, OF(len), R3);
	xdp_land(a, late);
	xdp_jumps_add(a, up, xdp_goto(a));
}

/* What was noted on the stack, and the time, in front of the frame. */
static void emit_meta(struct xdp_asm *a)
{
	uint32_t no_room, cut;

	xdp_mov(a, R1, CTX);
	xdp_mov_imm(a, R2, -(int32_t)sizeof(struct xdp_count_meta));
	xdp_call(a, BPF_FUNC_xdp_adjust_meta);
	no_room = xdp_jmp_imm(a, BPF_JNE, R0, 0);
	xdp_call(a, BPF_FUNC_ktime_get_ns);
	xdp_load(a, BPF_W, FRAME, CTX, CTX_AT(data));
	xdp_load(a, BPF_W, R1, CTX, CTX_AT(data_meta));
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_ADD, R2, sizeof(struct xdp_count_meta));
	cut = xdp_jmp(a, BPF_JGT, R2, FRAME);
	xdp_store(a, BPF_DW, R1, META(t_ns), R0);
	xdp_load(a, BPF_DW, R2, STACK, S_PLACE);
	xdp_store(a, BPF_W, R1, META(place), R2);
	xdp_load(a, BPF_DW, R2, STACK, S_FROM);
	xdp_store(a, BPF_W, R1, META(from), R2);
	xdp_load(a, BPF_DW, R2, STACK, S_BASE);
	xdp_store(a, BPF_DW, R1, META(base), R2);
	xdp_load(a, BPF_DW, R2, STACK, S_COUNTED);
	xdp_store(a, BPF_DW, R1, META(counted), R2);
	xdp_land(a, cut);
	xdp_land(a, no_room);
}

void xdp_emit_count(struct xdp_asm *a, const struct xdp_take *t, const struct xdp_count_maps *m)
{
	struct xdp_jumps other = { .n = 0 }, up = { .n = 0 }, pass = { .n = 0 };

	a->n = 0;
	a->full = false;
	xdp_mov(a, CTX, R1);
	xdp_load(a, BPF_W, FRAME, CTX, CTX_AT(data));
	xdp_load(a, BPF_W, END, CTX, CTX_AT(data_end));
	zero(a, S_PLACE);
	zero(a, S_COUNTED);
	zero(a, S_BASE);
	zero(a, S_FROM);
	if (t->to.family != 6) {
		emit_headers(a, t, &other);
		emit_stamp_of(a, &up);
		emit_check(a, m->tables, &up);
		emit_flow(a, m, &up);
		emit_sequence(a, &up);
		xdp_jumps_land(a, &other);
	}
	xdp_emit_take(a, t, &pass);
	xdp_jumps_land(a, &up);
	emit_meta(a);
	xdp_load(a, BPF_W, R2, CTX, CTX_AT(rx_queue_index));
	xdp_map(a, R1, m->xsks);
	xdp_mov_imm(a, R3, XDP_PASS);
	xdp_call(a, BPF_FUNC_redirect_map);
	xdp_insn(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	xdp_jumps_land(a, &pass);
	if (!t->all)
		xdp_return(a, XDP_PASS);
}
