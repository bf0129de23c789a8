#include "transport/xdp/live_prog.h"

#include <stddef.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/csum.h"
#include "pkt/rows.h"
#include "pkt/template.h"
#include "transport/xdp/live_form.h"

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	STATE = BPF_REG_6,
	FRAME = BPF_REG_7,
	SUM = BPF_REG_8, /* of the one checksum that the stamp is part of */
	UNIT = BPF_REG_9,
	STACK = BPF_REG_10,
};
#define AT(m) ((int32_t)offsetof(struct xdp_live_state, m))
#define AT_PLACE(i, m)                                                                         \
	((int32_t)(offsetof(struct xdp_live_state, place) +                                    \
		   (i) * sizeof(struct xdp_live_place) + offsetof(struct xdp_live_place, m)))

/* ---- what does not vary ---- */

/* Octets that the program writes: unit 0 without what varies. */
static void base_frame(const struct sp_repeat_form *f, uint8_t *to)
{
	memcpy(to, f->frame, f->len);
	for (uint32_t i = 0; i < f->tmpl->n_places; i++) {
		const struct sp_place *p = &f->tmpl->place[i];
		uint64_t mask = xdp_form_mask(p);

		for (unsigned k = p->bytes; k-- > 0; mask >>= 8)
			to[f->prefix_len + p->off + k] &= (uint8_t)~mask;
	}
}

static uint32_t written(const struct sp_repeat_form *f)
{
	uint32_t n = f->prefix_len + f->tmpl->payload_off;

	for (uint32_t i = 0; i < f->tmpl->n_places; i++) {
		const struct sp_place *p = &f->tmpl->place[i];

		if (n < f->prefix_len + p->off + p->bytes)
			n = f->prefix_len + p->off + p->bytes;
	}
	return f->len <= XDP_LIVE_WHOLE || n > f->len ? f->len : n;
}

static void emit_base(struct xdp_asm *a, const uint8_t *frame, uint32_t n)
{
	static const struct {
		uint32_t bytes;
		uint8_t size;
	} step[] = { { 8, BPF_DW }, { 4, BPF_W }, { 2, BPF_H }, { 1, BPF_B } };
	uint32_t at = 0;

	for (unsigned s = 0; s < sizeof step / sizeof *step; s++)
		for (; n - at >= step[s].bytes; at += step[s].bytes) {
			uint64_t v = 0;

			memcpy(&v, frame + at, step[s].bytes);
			if (step[s].size != BPF_DW || (int64_t)v == (int32_t)(uint32_t)v) {
				xdp_store_imm(a, step[s].size, FRAME, (int32_t)at,
					      (int32_t)(uint32_t)v);
				continue;
			}
			xdp_const(a, R1, v);
			xdp_store(a, step[s].size, FRAME, (int32_t)at, R1);
		}
}

/* Modulo 65535, in which 2^16 is 1; never 0, because that is what only zeros add up to. */
static uint32_t residue(uint64_t v)
{
	v %= 65535;
	return v ? (uint32_t)v : 65535;
}

static uint64_t added(const struct xdp_shifts *s, uint64_t v)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 3; i++)
		if (s->at[i] >= 0)
			sum += v % 65535 << s->at[i];
	return sum;
}

/* What a checksum of unit 0 is the sum of, without what varies in it. */
static uint32_t base_sum(const struct sp_repeat_form *f, uint32_t k)
{
	const struct sp_template *t = f->tmpl;
	uint32_t at = f->prefix_len + t->sum[k].off;
	uint64_t varies = 0;

	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];
		struct xdp_shifts s = xdp_form_shifts(f, f->prefix_len + p->off, p->bytes,
						      &t->sum[k]);

		varies += added(&s, xdp_form_value(f, i, 0));
	}
	for (uint32_t inner = 0; inner < k; inner++) {
		uint32_t off = f->prefix_len + t->sum[inner].off;
		struct xdp_shifts s = xdp_form_shifts(f, off, 2, &t->sum[k]);

		varies += added(&s, sp_get_be16(f->frame + off));
	}
	return residue((uint16_t)~sp_get_be16(f->frame + at) + 65535 - varies % 65535);
}

/* ---- checksums: accumulators ---- */

static int32_t slot(uint32_t k)
{
	return -8 * (int32_t)(k + 1);
}

/* Sum k += R2, shifted as they say; R3 is used. */
static void emit_add(struct xdp_asm *a, const struct sp_repeat_form *f, uint32_t k,
		     const struct xdp_shifts *s)
{
	for (unsigned i = 0; i < 3; i++) {
		if (s->at[i] < 0)
			continue;
		xdp_mov(a, R3, R2);
		if (s->at[i])
			xdp_alu_imm(a, BPF_LSH, R3, s->at[i]);
		if ((int)k == xdp_form_stamped_sum(f)) {
			xdp_alu(a, BPF_ADD, SUM, R3);
			continue;
		}
		xdp_load(a, BPF_DW, R4, STACK, slot(k));
		xdp_alu(a, BPF_ADD, R4, R3);
		xdp_store(a, BPF_DW, STACK, slot(k), R4);
	}
}

static void emit_adds(struct xdp_asm *a, const struct sp_repeat_form *f, uint32_t off,
		      uint32_t bytes, uint32_t from)
{
	for (uint32_t k = from; k < f->tmpl->n_sums; k++) {
		struct xdp_shifts s = xdp_form_shifts(f, off, bytes, &f->tmpl->sum[k]);

		emit_add(a, f, k, &s);
	}
}

static void emit_sums_begin(struct xdp_asm *a, const struct sp_repeat_form *f)
{
	for (uint32_t k = 0; k < f->tmpl->n_sums; k++) {
		if ((int)k == xdp_form_stamped_sum(f))
			xdp_mov_imm(a, SUM, (int32_t)base_sum(f, k));
		else
			xdp_insn(a, BPF_ST | BPF_DW | BPF_MEM, STACK, 0, (int16_t)slot(k),
				 (int32_t)base_sum(f, k));
	}
}

/* R1 folded to 16 bits; R2 is used. Below 2^48 three times do. */
static void emit_fold(struct xdp_asm *a)
{
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu_imm(a, BPF_LSH, R1, 32);
	xdp_alu_imm(a, BPF_RSH, R1, 32);
	xdp_alu(a, BPF_ADD, R1, R2);
	for (unsigned i = 0; i < 3; i++) {
		xdp_mov(a, R2, R1);
		xdp_alu_imm(a, BPF_RSH, R2, 16);
		xdp_alu_imm(a, BPF_AND, R1, 0xffff);
		xdp_alu(a, BPF_ADD, R1, R2);
	}
}

static void emit_sums_end(struct xdp_asm *a, const struct sp_repeat_form *f)
{
	for (uint32_t k = 0; k < f->tmpl->n_sums; k++) {
		const struct sp_sum *s = &f->tmpl->sum[k];
		uint32_t off = f->prefix_len + s->off, some;

		if ((int)k == xdp_form_stamped_sum(f))
			xdp_mov(a, R1, SUM);
		else
			xdp_load(a, BPF_DW, R1, STACK, slot(k));
		emit_fold(a);
		xdp_alu_imm(a, BPF_XOR, R1, 0xffff);
		if (s->kind == SP_SUM_UDP) {
			some = xdp_jmp_imm(a, BPF_JNE, R1, 0);
			xdp_mov_imm(a, R1, 0xffff);
			xdp_land(a, some);
		}
		xdp_mov(a, R2, R1);
		xdp_swap(a, R1, 16);
		xdp_store(a, BPF_H, FRAME, (int32_t)off, R1);
		emit_adds(a, f, off, 2, k + 1);
	}
}

/* ---- places ---- */

/* R1 = what sp_draw gives for number R1; R2 is used. */
static void emit_draw(struct xdp_asm *a, uint64_t seed, uint32_t index)
{
	static const struct {
		int32_t shift;
		uint64_t times;
	} mix[] = { { 30, 0xbf58476d1ce4e5b9u }, { 27, 0x94d049bb133111ebu } };

	xdp_alu_imm(a, BPF_ADD, R1, 1);
	xdp_const(a, R2, 0x9e3779b97f4a7c15u);
	xdp_alu(a, BPF_MUL, R1, R2);
	xdp_const(a, R2, seed + ((uint64_t)index << 32) * 0xd1342543de82ef95u);
	xdp_alu(a, BPF_ADD, R1, R2);
	for (unsigned i = 0; i < 2; i++) {
		xdp_mov(a, R2, R1);
		xdp_alu_imm(a, BPF_RSH, R2, mix[i].shift);
		xdp_alu(a, BPF_XOR, R1, R2);
		xdp_const(a, R2, mix[i].times);
		xdp_alu(a, BPF_MUL, R1, R2);
	}
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_RSH, R2, 31);
	xdp_alu(a, BPF_XOR, R1, R2);
}

/* R1 = R1 * n >> 64 of 128 bits, n below 2^32; R2 and R3 are used. */
static void emit_below(struct xdp_asm *a, uint64_t n)
{
	xdp_const(a, R3, n);
	xdp_mov(a, R2, R1);
	xdp_alu_imm(a, BPF_RSH, R1, 32);
	xdp_alu(a, BPF_MUL, R1, R3);
	xdp_alu_imm(a, BPF_LSH, R2, 32);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu(a, BPF_MUL, R2, R3);
	xdp_alu_imm(a, BPF_RSH, R2, 32);
	xdp_alu(a, BPF_ADD, R1, R2);
	xdp_alu_imm(a, BPF_RSH, R1, 32);
}

/* R1 = first + R1 * step; R2 is used */
static void emit_step(struct xdp_asm *a, const struct sp_place *p)
{
	if (p->step != 1) {
		xdp_const(a, R2, p->step);
		xdp_alu(a, BPF_MUL, R1, R2);
	}
	if (p->first) {
		xdp_const(a, R2, p->first);
		xdp_alu(a, BPF_ADD, R1, R2);
	}
}

static void emit_bits(struct xdp_asm *a, uint64_t mask)
{
	if (mask == UINT64_MAX)
		return;
	xdp_const(a, R2, mask);
	xdp_alu(a, BPF_AND, R1, R2);
}

/* R1 = the value as it stands in the frame; UNIT the unit's number. */
static void emit_value(struct xdp_asm *a, const struct sp_repeat_form *f, uint32_t i)
{
	const struct sp_place *p = &f->tmpl->place[i];

	if (xdp_form_is_bits(p)) {
		xdp_mov(a, R1, UNIT);
		if (xdp_form_every(p) > 1)
			xdp_alu_imm(a, BPF_RSH, R1, xdp_log2(p->every));
		emit_bits(a, p->count - 1);
		emit_step(a, p);
	} else {
		/* RANDOM: the number of the draw */
		xdp_load(a, BPF_DW, R1, STATE, AT_PLACE(i, value));
		if (p->how == SP_VARY_RANDOM) {
			emit_draw(a, f->tmpl->seed, i);
			if (p->count) {
				emit_below(a, p->count);
				emit_step(a, p);
			}
		}
	}
	if (p->shift)
		xdp_alu_imm(a, BPF_LSH, R1, p->shift);
	emit_bits(a, xdp_form_mask(p));
}

/* Octets off .. off + bytes |= R1; the mask's are 0 there. R2 and R3 are used. */
static void emit_or(struct xdp_asm *a, uint32_t off, uint8_t bytes)
{
	static const struct {
		uint8_t bytes, size;
	} unit[] = { { 8, BPF_DW }, { 4, BPF_W }, { 2, BPF_H }, { 1, BPF_B } };

	while (bytes) {
		for (unsigned u = 0; u < sizeof unit / sizeof *unit; u++) {
			uint8_t n = unit[u].bytes;

			if (n > bytes)
				continue;
			/* the first n of the octets that are left */
			xdp_mov(a, R2, R1);
			if (bytes > n)
				xdp_alu_imm(a, BPF_RSH, R2, 8 * (bytes - n));
			if (n > 1)
				xdp_swap(a, R2, 8 * n);
			xdp_load(a, unit[u].size, R3, FRAME, (int32_t)off);
			xdp_alu(a, BPF_OR, R3, R2);
			xdp_store(a, unit[u].size, FRAME, (int32_t)off, R3);
			off += n;
			bytes = (uint8_t)(bytes - n);
			break;
		}
	}
}

static void emit_place(struct xdp_asm *a, const struct sp_repeat_form *f, uint32_t i)
{
	const struct sp_place *p = &f->tmpl->place[i];
	uint32_t off = f->prefix_len + p->off;

	emit_value(a, f, i);
	emit_or(a, off, p->bytes);
	/* halves, so that several fit into a sum */
	xdp_mov(a, R2, R1);
	if (p->bytes > 4) {
		xdp_alu_imm(a, BPF_RSH, R2, 32);
		xdp_alu_imm(a, BPF_LSH, R1, 32);
		xdp_alu_imm(a, BPF_RSH, R1, 32);
		xdp_alu(a, BPF_ADD, R2, R1);
	}
	emit_adds(a, f, off, p->bytes, 0);
}

/* The value after this unit's. */
static void emit_advance(struct xdp_asm *a, const struct sp_place *p, uint32_t i)
{
	uint32_t stays = 0, more;

	if (xdp_form_is_bits(p))
		return;
	if (xdp_form_every(p) > 1) {
		xdp_load(a, BPF_DW, R1, STATE, AT_PLACE(i, until_next));
		xdp_alu_imm(a, BPF_SUB, R1, 1);
		xdp_store(a, BPF_DW, STATE, AT_PLACE(i, until_next), R1);
		stays = xdp_jmp_imm(a, BPF_JNE, R1, 0);
		xdp_const(a, R1, p->every);
		xdp_store(a, BPF_DW, STATE, AT_PLACE(i, until_next), R1);
	}
	xdp_load(a, BPF_DW, R1, STATE, AT_PLACE(i, value));
	xdp_const(a, R2, p->how == SP_VARY_RANDOM ? 1 : p->step);
	xdp_alu(a, BPF_ADD, R1, R2);
	if (p->how != SP_VARY_RANDOM) {
		xdp_load(a, BPF_DW, R2, STATE, AT_PLACE(i, until_wrap));
		xdp_alu_imm(a, BPF_SUB, R2, 1);
		more = xdp_jmp_imm(a, BPF_JNE, R2, 0);
		xdp_const(a, R1, p->first);
		xdp_const(a, R2, p->count);
		xdp_land(a, more);
		xdp_store(a, BPF_DW, STATE, AT_PLACE(i, until_wrap), R2);
	}
	xdp_store(a, BPF_DW, STATE, AT_PLACE(i, value), R1);
	if (xdp_form_every(p) > 1)
		xdp_land(a, stays);
}

void xdp_live_seek(struct xdp_live_state *s, const struct sp_repeat_form *f, uint64_t unit)
{
	s->unit = unit;
	for (uint32_t i = 0; i < f->tmpl->n_places; i++) {
		const struct sp_place *p = &f->tmpl->place[i];
		uint64_t k = unit / xdp_form_every(p);

		s->place[i].until_next = xdp_form_every(p) - unit % xdp_form_every(p);
		s->place[i].value = k;
		if (p->how == SP_VARY_RANDOM)
			continue;
		k %= p->count;
		s->place[i].until_wrap = p->count - k;
		s->place[i].value = p->first + k * p->step;
	}
}

/* ---- the whole ---- */

static void emit_more(struct xdp_asm *a, uint8_t size, int32_t at, int32_t n)
{
	xdp_load(a, size, R1, STATE, at);
	xdp_alu_imm(a, BPF_ADD, R1, n);
	xdp_store(a, size, STATE, at, R1);
}

static void emit_stamp(struct xdp_asm *a, const struct sp_repeat_form *f,
		       const struct xdp_live_maps *m, struct xdp_jumps *late)
{
	int sum = xdp_form_stamped_sum(f);
	struct xdp_stamp_place p = { .off = f->stamp_off,
				     .crc_init = f->crc_init,
				     .summed = sum >= 0 };

	if (f->stamp_off == SP_NO_STAMP) {
		xdp_clock_emit(a, late);
		return;
	}
	if (sum >= 0)
		p.odd = xdp_form_into(f->stamp_off, XDP_STAMP_LEN,
				      f->prefix_len + f->tmpl->sum[sum].from,
				      xdp_form_end(f, &f->tmpl->sum[sum])) != 0;
	xdp_stamp_emit(a, &p, m, late);
}

/* Counted only when the interface is there; what becomes of the frame then, tracepoints say. */
static void emit_redirect(struct xdp_asm *a, const struct sp_repeat_form *f, int device)
{
	uint32_t gone;

	xdp_map(a, R1, device);
	xdp_mov_imm(a, R2, 0);
	xdp_mov_imm(a, R3, 0);
	xdp_call(a, BPF_FUNC_redirect_map);
	gone = xdp_jmp_imm(a, BPF_JNE, R0, XDP_REDIRECT);
	emit_more(a, BPF_DW, AT(unit), 1);
	emit_more(a, BPF_DW, AT(seq), 1);
	emit_more(a, BPF_DW, AT(shared), -1);
	for (uint32_t i = 0; i < f->tmpl->n_places; i++)
		emit_advance(a, &f->tmpl->place[i], i);
	xdp_land(a, gone);
	xdp_insn(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void xdp_live_emit(struct xdp_asm *a, const struct sp_repeat_form *f,
		   const struct xdp_live_maps *m)
{
	struct xdp_jumps late = { .n = 0 };
	uint8_t base[4096];

	a->n = 0;
	a->full = f->len > sizeof base;
	if (a->full)
		return;
	base_frame(f, base);
	xdp_load(a, BPF_W, FRAME, R1, offsetof(struct xdp_md, data));
	xdp_load(a, BPF_W, R2, R1, offsetof(struct xdp_md, data_end));
	xdp_mov(a, R3, FRAME);
	xdp_alu_imm(a, BPF_ADD, R3, (int32_t)f->len);
	xdp_jumps_add(a, &late, xdp_jmp(a, BPF_JGT, R3, R2));
	xdp_map_value(a, STATE, m->state, 0);
	emit_sums_begin(a, f);
	emit_stamp(a, f, m, &late);
	xdp_load(a, BPF_DW, UNIT, STATE, AT(unit));
	/* around the stamp, which is there already */
	emit_base(a, base,
		  f->stamp_off != SP_NO_STAMP && f->stamp_off < written(f) ? f->stamp_off
									   : written(f));
	for (uint32_t i = 0; i < f->tmpl->n_places; i++)
		emit_place(a, f, i);
	emit_sums_end(a, f);
	emit_redirect(a, f, m->device);
	xdp_jumps_land(a, &late);
	xdp_return(a, XDP_DROP);
}
