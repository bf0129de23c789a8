#include "transport/xdp/live_prog.h"

#include <stddef.h>

#include "base/endian.h"
#include "pkt/crc32c.h"

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	R5 = BPF_REG_5,
	STATE = BPF_REG_6,
	FRAME = BPF_REG_7,
	SUM = BPF_REG_8,
};
#define AT(m) ((int32_t)offsetof(struct xdp_live_state, m))

static uint16_t fold(uint32_t crc)
{
	return (uint16_t)(crc ^ crc >> 16);
}

/* The check's start value as what it adds. */
static uint16_t check_of_init(uint32_t init)
{
	return fold(sp_crc32c_word_table(sp_crc32c_word_table(init, 0), 0));
}

/* The check is linear: that of 16 octets is the sum of theirs alone. */
void xdp_stamp_tables(uint16_t *tables)
{
	uint64_t w[2];

	for (unsigned pos = 0; pos < 16; pos++)
		for (unsigned v = 0; v < 256; v++) {
			uint32_t crc;

			w[0] = w[1] = 0;
			((uint8_t *)w)[pos] = (uint8_t)v;
			crc = sp_crc32c_word_table(0, w[0]);
			tables[pos * 256 + v] = fold(sp_crc32c_word_table(crc, w[1]));
		}
}

void xdp_stamp_add_octet(struct xdp_asm *a, int tables, uint8_t acc, uint8_t value,
			 unsigned pos, int32_t shift)
{
	xdp_mov(a, R4, value);
	if (shift)
		xdp_alu_imm(a, BPF_RSH, R4, shift);
	xdp_alu_imm(a, BPF_AND, R4, 255);
	xdp_alu_imm(a, BPF_LSH, R4, 1);
	xdp_map_value(a, R5, tables, pos * 512);
	xdp_alu(a, BPF_ADD, R5, R4);
	xdp_load(a, BPF_H, R5, R5, 0);
	xdp_alu(a, BPF_XOR, acc, R5);
}

/* R0 = the clock; units from end_ns on are late. */
static void emit_clock(struct xdp_asm *a, struct xdp_jumps *late)
{
	uint32_t seen;

	xdp_call(a, BPF_FUNC_ktime_get_ns);
	xdp_load(a, BPF_DW, R1, STATE, AT(end_ns));
	xdp_jumps_add(a, late, xdp_jmp(a, BPF_JGE, R0, R1));
	xdp_store(a, BPF_DW, STATE, AT(now_ns), R0);
	xdp_load(a, BPF_DW, R1, STATE, AT(first_ns));
	seen = xdp_jmp_imm(a, BPF_JNE, R1, 0);
	xdp_store(a, BPF_DW, STATE, AT(first_ns), R0);
	xdp_land(a, seen);
	/* Units whose upper 26 bits of the sequence number are alike share it. */
	xdp_load(a, BPF_DW, R1, STATE, AT(seq));
	xdp_alu_imm(a, BPF_AND, R1, XDP_LIVE_BATCH - 1);
	xdp_mov_imm(a, R2, XDP_LIVE_BATCH);
	xdp_alu(a, BPF_SUB, R2, R1);
	xdp_store(a, BPF_DW, STATE, AT(shared), R2);
}

/* w0, due_lo, check and sum of a unit that is due at R0, and never late. */
static void emit_head(struct xdp_asm *a, const struct xdp_stamp_place *p, int tables)
{
	xdp_load(a, BPF_DW, R1, STATE, AT(head));
	xdp_mov(a, R2, R0);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu_imm(a, BPF_AND, R2, 255);
	xdp_alu(a, BPF_OR, R1, R2);
	/* R1: the first 8 octets, R0: the next 4 */
	xdp_alu_imm(a, BPF_LSH, R0, 32);
	xdp_alu_imm(a, BPF_RSH, R0, 32);
	xdp_store(a, BPF_DW, STATE, AT(due_lo), R0);
	xdp_mov_imm(a, R3, check_of_init(p->crc_init));
	for (unsigned pos = 0; pos < 8; pos++)
		xdp_stamp_add_octet(a, tables, R3, R1, pos, 56 - 8 * (int32_t)pos);
	for (unsigned pos = 8; pos < 12; pos++)
		xdp_stamp_add_octet(a, tables, R3, R0, pos, 24 - 8 * (int32_t)(pos - 8));
	/* the upper octets of the sequence number, too */
	xdp_load(a, BPF_DW, R2, STATE, AT(seq));
	for (unsigned pos = 12; pos < 15; pos++)
		xdp_stamp_add_octet(a, tables, R3, R2, pos, 24 - 8 * (int32_t)(pos - 12));
	xdp_store(a, BPF_DW, STATE, AT(check), R3);
	/* the sum of both, as halves */
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu(a, BPF_ADD, R0, R2);
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_LSH, R2, 32);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu(a, BPF_ADD, R0, R2);
	xdp_store(a, BPF_DW, STATE, AT(sum), R0);
	xdp_swap(a, R1, 64);
	xdp_store(a, BPF_DW, STATE, AT(w0), R1);
}

/* The unit's own part: sequence number and check. */
static void emit_tail(struct xdp_asm *a, const struct xdp_stamp_place *p, int tables)
{
	xdp_load(a, BPF_DW, R1, STATE, AT(w0));
	xdp_store(a, BPF_DW, FRAME, p->off, R1);
	xdp_load(a, BPF_DW, R1, STATE, AT(due_lo));
	xdp_load(a, BPF_DW, R2, STATE, AT(seq));
	xdp_alu_imm(a, BPF_LSH, R2, 32);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu_imm(a, BPF_LSH, R1, 32);
	xdp_alu(a, BPF_OR, R1, R2);
	xdp_swap(a, R1, 64);
	xdp_store(a, BPF_DW, FRAME, p->off + 8, R1);
	xdp_load(a, BPF_DW, R3, STATE, AT(check));
	xdp_stamp_add_octet(a, tables, R3, R2, 15, 0);
	xdp_load(a, BPF_DW, R1, STATE, AT(sum));
	xdp_alu(a, BPF_ADD, R1, R2);
	xdp_alu(a, BPF_ADD, R1, R3);
	xdp_swap(a, R3, 16);
	xdp_store(a, BPF_H, FRAME, p->off + 16, R3);
	if (!p->summed)
		return;
	/* below 2^35, so that it may be shifted */
	if (p->odd)
		xdp_alu_imm(a, BPF_LSH, R1, 8);
	xdp_alu(a, BPF_ADD, SUM, R1);
}

void xdp_clock_emit(struct xdp_asm *a, struct xdp_jumps *late)
{
	uint32_t known;

	xdp_load(a, BPF_DW, R1, STATE, AT(shared));
	known = xdp_jmp_imm(a, BPF_JNE, R1, 0);
	emit_clock(a, late);
	xdp_land(a, known);
}

void xdp_stamp_emit(struct xdp_asm *a, const struct xdp_stamp_place *p,
		    const struct xdp_live_maps *m, struct xdp_jumps *late)
{
	uint32_t known;

	xdp_load(a, BPF_DW, R1, STATE, AT(shared));
	known = xdp_jmp_imm(a, BPF_JNE, R1, 0);
	emit_clock(a, late);
	emit_head(a, p, m->tables);
	xdp_land(a, known);
	emit_tail(a, p, m->tables);
}
