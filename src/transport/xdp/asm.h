/* eBPF instructions, one after the other, made at run time: neither a compiler at build time nor a
 * loader library is needed. Inside the folder only.
 *
 * A jump forward is made first and lands later: j = xdp_jmp_imm(...); ...; xdp_land(a, j). */
#ifndef SP_TRANSPORT_XDP_ASM_H
#define SP_TRANSPORT_XDP_ASM_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#define XDP_ASM_MAX 4096u

struct xdp_asm {
	struct bpf_insn insn[XDP_ASM_MAX];
	uint32_t n;
	bool full; /* more was asked for: the program is of no use */
};

static inline uint32_t xdp_insn(struct xdp_asm *a, uint8_t code, uint8_t dst, uint8_t src,
				int16_t off, int32_t imm)
{
	if (a->n == XDP_ASM_MAX) {
		a->full = true;
		return a->n - 1;
	}
	a->insn[a->n] = (struct bpf_insn){ .code = code, .off = off, .imm = imm };
	a->insn[a->n].dst_reg = dst & 15u;
	a->insn[a->n].src_reg = src & 15u;
	return a->n++;
}

/* op: BPF_ADD, BPF_AND, BPF_MOV... on 64 bits */
static inline void xdp_alu(struct xdp_asm *a, uint8_t op, uint8_t dst, uint8_t src)
{
	xdp_insn(a, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

static inline void xdp_alu_imm(struct xdp_asm *a, uint8_t op, uint8_t dst, int32_t imm)
{
	xdp_insn(a, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

static inline void xdp_mov(struct xdp_asm *a, uint8_t dst, uint8_t src)
{
	xdp_alu(a, BPF_MOV, dst, src);
}

static inline void xdp_mov_imm(struct xdp_asm *a, uint8_t dst, int32_t imm)
{
	xdp_alu_imm(a, BPF_MOV, dst, imm);
}

/* Any 64-bit constant; two slots where it must be. */
static inline void xdp_const(struct xdp_asm *a, uint8_t dst, uint64_t v)
{
	if ((int64_t)v == (int32_t)(uint32_t)v) {
		xdp_mov_imm(a, dst, (int32_t)(uint32_t)v);
		return;
	}
	xdp_insn(a, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)(uint32_t)v);
	xdp_insn(a, 0, 0, 0, 0, (int32_t)(uint32_t)(v >> 32));
}

static inline void xdp_map(struct xdp_asm *a, uint8_t dst, int map_fd)
{
	xdp_insn(a, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, map_fd);
	xdp_insn(a, 0, 0, 0, 0, 0);
}

/* The address of octet off of an array map's only value. */
static inline void xdp_map_value(struct xdp_asm *a, uint8_t dst, int map_fd, uint32_t off)
{
	xdp_insn(a, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_VALUE, 0, map_fd);
	xdp_insn(a, 0, 0, 0, 0, (int32_t)off);
}

/* size: BPF_B, BPF_H, BPF_W, BPF_DW */
static inline void xdp_load(struct xdp_asm *a, uint8_t size, uint8_t dst, uint8_t src,
			    int32_t off)
{
	xdp_insn(a, (uint8_t)(BPF_LDX | size | BPF_MEM), dst, src, (int16_t)off, 0);
}

static inline void xdp_store(struct xdp_asm *a, uint8_t size, uint8_t dst, int32_t off,
			     uint8_t src)
{
	xdp_insn(a, (uint8_t)(BPF_STX | size | BPF_MEM), dst, src, (int16_t)off, 0);
}

static inline void xdp_store_imm(struct xdp_asm *a, uint8_t size, uint8_t dst, int32_t off,
				 int32_t imm)
{
	xdp_insn(a, (uint8_t)(BPF_ST | size | BPF_MEM), dst, 0, (int16_t)off, imm);
}

/* To (and from) big-endian; bits 16, 32 or 64. */
static inline void xdp_swap(struct xdp_asm *a, uint8_t dst, int32_t bits)
{
	xdp_insn(a, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits);
}

static inline void xdp_call(struct xdp_asm *a, int32_t helper)
{
	xdp_insn(a, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* op: BPF_JEQ, BPF_JGT... */
static inline uint32_t xdp_jmp(struct xdp_asm *a, uint8_t op, uint8_t dst, uint8_t src)
{
	return xdp_insn(a, BPF_JMP | op | BPF_X, dst, src, 0, 0);
}

static inline uint32_t xdp_jmp_imm(struct xdp_asm *a, uint8_t op, uint8_t dst, int32_t imm)
{
	return xdp_insn(a, BPF_JMP | op | BPF_K, dst, 0, 0, imm);
}

/* Compares the lower 32 bits. */
static inline uint32_t xdp_jmp32_imm(struct xdp_asm *a, uint8_t op, uint8_t dst, int32_t imm)
{
	return xdp_insn(a, BPF_JMP32 | op | BPF_K, dst, 0, 0, imm);
}

static inline uint32_t xdp_goto(struct xdp_asm *a)
{
	return xdp_insn(a, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

static inline void xdp_land(struct xdp_asm *a, uint32_t jump)
{
	a->insn[jump].off = (int16_t)(a->n - jump - 1);
}

/* Several jumps that land at one place. */
struct xdp_jumps {
	uint32_t at[48], n;
};

static inline void xdp_jumps_add(struct xdp_asm *a, struct xdp_jumps *j, uint32_t jump)
{
	if (j->n == sizeof j->at / sizeof *j->at)
		a->full = true;
	else
		j->at[j->n++] = jump;
}

static inline void xdp_jumps_land(struct xdp_asm *a, struct xdp_jumps *j)
{
	for (uint32_t i = 0; i < j->n; i++)
		xdp_land(a, j->at[i]);
	j->n = 0;
}

static inline void xdp_return(struct xdp_asm *a, int32_t verdict)
{
	xdp_mov_imm(a, BPF_REG_0, verdict);
	xdp_insn(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

#endif
