/* The program that makes live frames, run by the kernel over one frame at a time, against packets
 * that are made anew from what pkt/template.h says. Needs the right to load programs; without it
 * the refusal is what is tested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/rng.h"
#include "pkt/csum.h"
#include "pkt/rows.h"
#include "pkt/template.h"
#include "plugin/stamp.h"
#include "transport/netns_test.h"
#include "transport/xdp/bpf.h"
#include "transport/xdp/live_prog.h"

extern const struct sp_stamp_ops sp_stamp_native;

#define ETH 14u

struct rig {
	struct sp_template t;
	struct sp_place place[XDP_LIVE_PLACES];
	struct sp_sum sum[XDP_LIVE_SUMS];
	uint8_t octets[1600], frame[1600];
	struct sp_repeat_form form;
	struct xdp_live_maps maps;
	struct xdp_live_state *state;
	struct xdp_asm code;
	struct sp_flow_tx flow;
	struct sp_err err;
	int prog;
};

static bool allowed(void)
{
	struct xdp_asm *a;
	struct sp_err err = { 0 };

	if (!xdp_bpf_allowed())
		return true;
	a = calloc(1, sizeof *a);
	xdp_return(a, XDP_PASS);
	assert_true(xdp_bpf_load(BPF_PROG_TYPE_XDP, "spate_test", a, &err) < 0);
	free(a);
	assert_int_equal(err.exit, SP_EXIT_PERM);
	assert_non_null(strstr(err.text, "CAP_BPF"));
	return false;
}

/* ---- the same frame, made anew ---- */

static uint64_t value_of(const struct rig *r, uint32_t i, uint64_t unit)
{
	const struct sp_place *p = &r->t.place[i];
	uint64_t k = unit / p->every, v;

	if (p->how == SP_VARY_RANDOM) {
		v = sp_draw(r->t.seed, i, k);
		if (p->count)
			v = p->first + sp_draw_below(v, p->count) * p->step;
		return v;
	}
	return p->first + k % p->count * p->step;
}

static void put_place(const struct rig *r, uint8_t *f, uint32_t i, uint64_t unit)
{
	const struct sp_place *p = &r->t.place[i];
	uint64_t v = value_of(r, i, unit) << p->shift & p->mask;

	for (unsigned k = p->bytes; k-- > 0; v >>= 8) {
		uint8_t *at = f + r->form.prefix_len + p->off + k;
		uint8_t mask = (uint8_t)(p->mask >> 8 * (p->bytes - 1 - k));

		*at = (uint8_t)((*at & ~mask) | (v & mask));
	}
}

static void put_sums(const struct rig *r, uint8_t *f)
{
	for (uint32_t k = 0; k < r->t.n_sums; k++) {
		const struct sp_sum *s = &r->t.sum[k];
		uint8_t *t = f + r->form.prefix_len, *at = t + s->off;
		uint32_t end = s->to ? s->to : r->form.len - r->form.prefix_len;
		uint32_t len = end - s->from;
		uint64_t sum = 0;
		uint16_t c;

		at[0] = at[1] = 0;
		if (s->addr_len == 4)
			sum = sp_csum_pseudo4(t + s->src, t + s->dst, s->proto, (uint16_t)len);
		else if (s->addr_len == 16)
			sum = sp_csum_pseudo6(t + s->src, t + s->dst, s->proto, len);
		sum = sp_csum_add(sum, t + s->from, len);
		c = s->kind == SP_SUM_UDP ? sp_csum_finish_udp(sum) : sp_csum_finish(sum);
		memcpy(at, &c, 2);
	}
}

/* now: when it is due, and leaves; 0: without a stamp. */
static void make_unit(struct rig *r, uint8_t *f, uint64_t unit, uint64_t now)
{
	struct sp_msg m = {
		.data = f, .t_ns = now, .len = r->form.len, .stamp_off = r->form.stamp_off
	};
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	memcpy(f, r->octets, r->form.len);
	for (uint32_t i = 0; i < r->t.n_places; i++)
		put_place(r, f, i, unit);
	if (r->form.stamp_off != SP_NO_STAMP) {
		memset(f + r->form.stamp_off, 0, XDP_STAMP_LEN);
		if (now)
			sp_stamp_native.put(&b, 0, &r->flow, now);
	}
	put_sums(r, f);
}

/* ---- a rig ---- */

static void rig_load(struct rig *r)
{
	uint16_t tables[XDP_STAMP_TABLES];
	uint32_t lo = if_nametoindex("lo");
	struct sp_flow_tx flow = r->flow;

	r->t.place = r->place;
	r->t.sum = r->sum;
	r->form.tmpl = &r->t;
	r->form.frame = r->frame;
	make_unit(r, r->frame, 0, 0);
	assert_null(xdp_live_why_not(&r->form));
	r->maps.state = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "t", 4096, 1, BPF_F_MMAPABLE);
	r->maps.tables = xdp_bpf_map(BPF_MAP_TYPE_ARRAY, "t", sizeof tables, 1, 0);
	r->maps.device = xdp_bpf_map(BPF_MAP_TYPE_DEVMAP, "t", 4, 1, 0);
	assert_true(r->maps.state >= 0 && r->maps.tables >= 0 && r->maps.device >= 0);
	xdp_stamp_tables(tables);
	assert_int_equal(xdp_bpf_map_set(r->maps.tables, 0, tables), 0);
	assert_int_equal(xdp_bpf_map_set(r->maps.device, 0, &lo), 0);
	r->state = xdp_bpf_map_memory(r->maps.state, 4096);
	assert_non_null(r->state);
	xdp_live_emit(&r->code, &r->form, &r->maps);
	r->prog = xdp_bpf_load(BPF_PROG_TYPE_XDP, "spate_test", &r->code, &r->err);
	if (r->prog < 0)
		fail_msg("%s", r->err.text);
	r->flow = flow;
	r->state->end_ns = UINT64_MAX;
	r->state->head = r->flow.head;
}

static void rig_fini(struct rig *r)
{
	munmap(r->state, 4096);
	close(r->prog);
	close(r->maps.state);
	close(r->maps.tables);
	close(r->maps.device);
	free(r);
}

static uint64_t due_of(const struct rig *r, const uint8_t *f)
{
	uint64_t w0 = sp_get_be64(f + r->form.stamp_off),
		 w1 = sp_get_be64(f + r->form.stamp_off + 8);

	return (w0 & 255) << 32 | w1 >> 32;
}

/* Units [from, from + n) as the kernel makes them are those that we make. */
static void same_units(struct rig *r, uint64_t from, uint32_t n)
{
	uint8_t got[1600], want[1600];

	xdp_live_seek(r->state, &r->form, from);
	r->state->seq = r->flow.seq;
	r->state->shared = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t now = 0;
		struct sp_flow_tx before = r->flow;

		/* What somebody else left in the page */
		memcpy(got, r->frame, r->form.len);
		if (r->form.len <= XDP_LIVE_WHOLE)
			memset(got, 0xa5, r->form.len);
		assert_int_equal(xdp_bpf_run(r->prog, got, r->form.len, got), XDP_REDIRECT);
		if (r->form.stamp_off != SP_NO_STAMP) {
			now = r->state->now_ns;
			assert_true(due_of(r, got) == (now & 0xffffffffffu));
		}
		make_unit(r, want, from + i, now);
		for (uint32_t k = 0; k < r->form.len; k++)
			if (got[k] != want[k])
				fail_msg("unit %llu of %u octets: octet %u is %02x, not %02x",
					 (unsigned long long)(from + i), r->form.len, k, got[k],
					 want[k]);
		if (r->form.stamp_off != SP_NO_STAMP)
			assert_int_equal(r->flow.seq, before.seq + 1);
	}
	assert_int_equal(r->state->unit, from + n);
}

/* UDP over IPv4, len octets in all, behind a link header that the template does not have. */
static struct rig *udp4(uint32_t len, bool stamped)
{
	static const uint8_t head[] = { 2,  0,	  0, 0, 0,  2, 2, 0,  0,    0,	  0,	1,   8,
					0,  0x45, 0, 0, 0,  0, 0, 64, 0,    9,	  17,	0,   0,
					10, 1,	  2, 3, 10, 1, 2, 4,  0x12, 0x34, 0x56, 0x78 };
	struct rig *r = calloc(1, sizeof *r);

	for (uint32_t i = 0; i < len; i++)
		r->octets[i] = (uint8_t)(i * 7 + 1);
	memcpy(r->octets, head, sizeof head);
	r->octets[20] = 0x40;
	sp_put_be16(r->octets + 16, (uint16_t)(len - ETH));
	sp_put_be16(r->octets + 38, (uint16_t)(len - ETH - 20));
	r->sum[0] = (struct sp_sum){ .off = 26,
				     .from = 20,
				     .kind = SP_SUM_UDP,
				     .addr_len = 4,
				     .proto = 17,
				     .src = 12,
				     .dst = 16 };
	r->sum[1] = (struct sp_sum){ .off = 10, .to = 20, .kind = SP_SUM_INET };
	r->t = (struct sp_template){ .octets = r->octets + ETH,
				     .len = len - ETH,
				     .payload_off = 28,
				     .n_sums = 2,
				     .seed = 77 };
	r->form = (struct sp_repeat_form){ .prefix_len = ETH,
					   .len = len,
					   .stamp_off = stamped ? (uint16_t)(len - 18)
								: SP_NO_STAMP,
					   .crc_init = 0x1234567 };
	r->flow = (struct sp_flow_tx){ .head = sp_stamp_native.head(0x912345, 2),
				       .seq = 0xfffffff0u,
				       .crc_init = 0x1234567 };
	return r;
}

static struct sp_place walk(uint16_t off, uint8_t bytes, uint64_t first, uint64_t step,
			    uint64_t count, uint64_t every)
{
	return (struct sp_place){ .off = off,
				  .bytes = bytes,
				  .how = SP_VARY_WALK,
				  .mask = bytes < 8 ? (1ull << 8 * bytes) - 1 : UINT64_MAX,
				  .first = first,
				  .step = step,
				  .count = count,
				  .every = every };
}

static void test_stamp_of_any_size(void **state)
{
	static const uint32_t sizes[] = {
		60, 61, 62, 63, 64, 65, 71, 100, 255, 256, 257, 1514
	};

	(void)state;
	for (unsigned i = 0; allowed() && i < sizeof sizes / sizeof *sizes; i++) {
		struct rig *r = udp4(sizes[i], true);

		rig_load(r);
		same_units(r, 0, 300);
		rig_fini(r);
	}
}

/* The row of the bench: sequence, source port and source address are each unit's own. */
static void test_walks(void **state)
{
	(void)state;
	for (unsigned odd = 0; allowed() && odd < 2; odd++) {
		struct rig *r = udp4(60, true);

		r->place[0] = walk(20, 2, 1024, 1, odd ? 1000 : 4096, 1);
		r->place[1] = walk(12, 4, 0x0a010000, 1, odd ? 250 : 65536, odd ? 3 : 1);
		r->t.n_places = 2;
		rig_load(r);
		same_units(r, 0, 2500);
		same_units(r, 123456789012ull, 70);
		rig_fini(r);
	}
}

static struct sp_place random_place(struct sp_rng *g, uint16_t off, uint8_t bytes)
{
	struct sp_place p = walk(off, bytes, sp_rng_u64(g), sp_rng_u64(g) % 1000, 1, 1);

	if (sp_rng_u64(g) & 1)
		p.mask &= sp_rng_u64(g);
	p.shift = (uint8_t)(sp_rng_u64(g) % 8);
	p.every = 1 + sp_rng_u64(g) % 4;
	p.count = 1 + sp_rng_u64(g) % 40;
	if (sp_rng_u64(g) % 3 == 0)
		p.how = SP_VARY_RANDOM;
	if (p.how == SP_VARY_RANDOM && sp_rng_u64(g) & 1)
		p.count = 0;
	return p;
}

static void test_any_template(void **state)
{
	static const struct {
		uint16_t off;
		uint8_t bytes;
	} at[] = { { 1, 1 },  { 4, 2 },	 { 8, 1 },  { 12, 4 }, { 16, 4 }, { 20, 2 },
		   { 22, 2 }, { 28, 3 }, { 31, 5 }, { 36, 8 }, { 44, 7 } };
	struct sp_rng g;

	(void)state;
	sp_rng_init(&g, 7, "live");
	for (unsigned round = 0; allowed() && round < 60; round++) {
		uint32_t len = 86 + (uint32_t)(sp_rng_u64(&g) % 100);
		struct rig *r = udp4(len, round % 5 != 0);

		for (unsigned i = 0; i < sizeof at / sizeof *at; i++)
			if (sp_rng_u64(&g) & 1)
				r->place[r->t.n_places++] = random_place(&g, at[i].off,
									 at[i].bytes);
		r->t.payload_off = 51;
		rig_load(r);
		same_units(r, round % 2 ? sp_rng_u64(&g) >> 8 : 0, 100);
		rig_fini(r);
	}
}

/* A tunnel: the outer checksum covers the inner one, at an odd place. */
static void test_sum_in_sum(void **state)
{
	(void)state;
	for (unsigned shift = 0; allowed() && shift < 2; shift++) {
		struct rig *r = udp4(120, false);

		r->sum[2] = r->sum[1];
		r->sum[1] = r->sum[0];
		r->sum[0] = (struct sp_sum){ .off = (uint16_t)(70 + shift),
					     .from = (uint16_t)(60 + shift),
					     .to = 100,
					     .kind = SP_SUM_INET };
		r->t.n_sums = 3;
		r->t.payload_off = 100;
		r->place[0] = walk((uint16_t)(80 + shift), 4, 5, 77777, 1u << 20, 1);
		r->t.n_places = 1;
		rig_load(r);
		same_units(r, 0, 500);
		rig_fini(r);
	}
}

static void test_time_is_over(void **state)
{
	struct rig *r;
	uint8_t f[1600];

	(void)state;
	if (!allowed())
		return;
	r = udp4(60, true);
	rig_load(r);
	r->state->end_ns = 1;
	assert_int_equal(xdp_bpf_run(r->prog, r->frame, 60, f), XDP_DROP);
	assert_int_equal(r->state->unit, 0);
	rig_fini(r);
}

static void test_refused(void **state)
{
	struct rig *r = udp4(60, true);

	(void)state;
	r->t.place = r->place;
	r->t.sum = r->sum;
	r->form.tmpl = &r->t;
	r->t.n_places = 1;
	r->place[0] = walk(19, 2, 0, 1, 5, 1);
	assert_non_null(strstr(xdp_live_why_not(&r->form), "border"));
	r->place[0] = walk(20, 2, 0, 1, 5, 1);
	assert_null(xdp_live_why_not(&r->form));
	r->place[0].how = SP_VARY_TABLE;
	assert_non_null(strstr(xdp_live_why_not(&r->form), "list"));
	r->t.n_places = XDP_LIVE_PLACES + 1;
	assert_non_null(strstr(xdp_live_why_not(&r->form), "too many"));
	r->t.n_places = 0;
	r->sum[1].kind = SP_SUM_CRC32C;
	assert_non_null(strstr(xdp_live_why_not(&r->form), "CRC"));
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamp_of_any_size), cmocka_unit_test(test_walks),
		cmocka_unit_test(test_any_template),	  cmocka_unit_test(test_sum_in_sum),
		cmocka_unit_test(test_time_is_over),	  cmocka_unit_test(test_refused),
	};

	if (!netns_enter())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
