#include "transport/xdp/count.h"

#include <string.h>
#include <sys/mman.h>

#include "base/endian.h"
#include "pkt/crc32c.h"
#include "transport/xdp/bpf.h"
#include "plugin/stamp.h"
#include "transport/xdp/live_prog.h"

/* What we know of a flow. */
struct seen {
	uint64_t told;	   /* of what was counted, in messages */
	uint64_t up;	   /* frames that came */
	uint64_t waits_ns; /* since when frames are missing; 0: none is */
	uint32_t len, ep;  /* of the last one; len 0: none came */
};

struct xdp_counter {
	const struct sp_mem *mem;
	struct xdp_count *flow; /* the map's memory */
	size_t bytes;
	struct seen *seen;
	uint8_t *frames; /* the last one of each, XDP_COUNT_FRAME apart */
	uint8_t *runs;	 /* the messages' of a batch, likewise */
	uint32_t n_runs;
	uint32_t *used, n_used; /* places */
	uint32_t n, turn;
	uint64_t look_ns;
};

struct xdp_counter *xdp_counter_new(int flows, uint32_t queues, const struct sp_mem *mem)
{
	struct xdp_counter *c = sp_alloc(mem, sizeof *c);

	if (!c)
		return NULL;
	*c = (struct xdp_counter){ .mem = mem, .n = queues * XDP_COUNT_FLOWS };
	c->bytes = (size_t)c->n * sizeof *c->flow;
	c->seen = sp_alloc_array(mem, c->n, sizeof *c->seen);
	c->used = sp_alloc_array(mem, c->n, sizeof *c->used);
	c->frames = sp_alloc_array(mem, c->n, XDP_COUNT_FRAME);
	c->runs = sp_alloc_array(mem, SP_BATCH_MAX, XDP_COUNT_FRAME);
	if (c->seen && c->used && c->frames && c->runs)
		c->flow = xdp_bpf_map_memory(flows, c->bytes);
	if (c->flow)
		return c;
	xdp_counter_free(c);
	return NULL;
}

void xdp_counter_free(struct xdp_counter *c)
{
	if (!c)
		return;
	if (c->flow)
		munmap(c->flow, c->bytes);
	sp_free(c->mem, c->seen);
	sp_free(c->mem, c->used);
	sp_free(c->mem, c->frames);
	sp_free(c->mem, c->runs);
	sp_free(c->mem, c);
}

void xdp_counter_begin(struct xdp_counter *c)
{
	c->n_runs = 0;
}

/* A message for n units from sequence number `from` on: the flow's last frame, with the first one's
 * stamp. Its checksum is as good as the program found it, which does not look at it. */
static void run_of(struct xdp_counter *c, uint32_t place, uint32_t from, uint64_t n,
		   uint64_t t_ns, struct sp_msg *out)
{
	const struct seen *s = &c->seen[place];
	uint8_t *data = c->runs + (size_t)c->n_runs++ * XDP_COUNT_FRAME, *stamp;
	uint64_t w[2];
	uint32_t crc;

	memcpy(data, c->frames + (size_t)place * XDP_COUNT_FRAME, s->len);
	stamp = data + 34 + sp_get_be16(data + 38) - XDP_STAMP_LEN;
	stamp[1] &= 0xf0 | SP_STAMP_VARIES; /* neither the last one nor covering others */
	sp_put_be32(stamp + 12, from);
	memcpy(w, stamp, sizeof w);
	crc = sp_crc32c_word_table(sp_crc32c_word_table(0, w[0]), w[1]);
	sp_put_be16(stamp + 16, (uint16_t)(crc ^ crc >> 16));
	*out = (struct sp_msg){ .data = data,
				.t_ns = t_ns,
				.len = s->len,
				.flow = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX,
				.ep = s->ep,
				.stamp_off = SP_NO_STAMP,
				.flags = SP_M_UNIT | SP_M_RUN | SP_M_CSUM_OK | SP_M_UNTIMED };
}

/* Of what was counted up to `counted`, the last run being those since base, from sequence number
 * `from` on: what was not told yet. Where a frame that went up was dropped, what was counted before it
 * is taken to lie directly before it. */
static uint32_t tell(struct xdp_counter *c, uint32_t place, uint32_t from, uint64_t base,
		     uint64_t counted, uint64_t t_ns, struct sp_msg *out)
{
	struct seen *s = &c->seen[place];
	uint32_t n = 0;

	if (!s->len || counted <= s->told || c->n_runs + 2 > SP_BATCH_MAX)
		return 0;
	if (base > s->told) {
		uint64_t lost = base - s->told;

		run_of(c, place, from - 1 - (uint32_t)lost, lost, t_ns, &out[n++]);
		s->told = base;
	}
	if (counted > s->told)
		run_of(c, place, from + (uint32_t)(s->told - base), counted - s->told, t_ns,
		       &out[n++]);
	s->told = counted;
	return n;
}

static void keep(struct xdp_counter *c, uint32_t place, const struct sp_msg *m)
{
	struct seen *s = &c->seen[place];

	if (!s->len)
		c->used[c->n_used++] = place;
	s->len = m->len < XDP_COUNT_FRAME ? m->len : XDP_COUNT_FRAME;
	s->ep = m->ep;
	memcpy(c->frames + (size_t)place * XDP_COUNT_FRAME, m->data, s->len);
}

uint32_t xdp_counter_before(struct xdp_counter *c, const struct xdp_count_meta *meta,
			    const struct sp_msg *m, struct sp_msg *out)
{
	uint32_t place = meta->place - 1, n;

	if (!meta->place || place >= c->n)
		return 0;
	n = tell(c, place, meta->from, meta->base, meta->counted, m->t_ns, out);
	keep(c, place, m);
	c->seen[place].up++;
	c->seen[place].waits_ns = 0;
	return n;
}

/* A flow's count as it is, when nothing went up meanwhile. */
static bool look(const struct xdp_count *f, struct xdp_count *to)
{
	uint64_t up = __atomic_load_n(&f->up, __ATOMIC_ACQUIRE);

	to->counted = __atomic_load_n(&f->counted, __ATOMIC_ACQUIRE);
	to->base = __atomic_load_n(&f->base, __ATOMIC_ACQUIRE);
	to->from = __atomic_load_n(&f->from, __ATOMIC_ACQUIRE);
	to->last_ns = __atomic_load_n(&f->last_ns, __ATOMIC_ACQUIRE);
	to->up = up;
	return __atomic_load_n(&f->base, __ATOMIC_ACQUIRE) == to->base &&
	       __atomic_load_n(&f->up, __ATOMIC_ACQUIRE) == up;
}

/* Frames that went up come first; those that never come are waited for a little. */
static bool may_tell(struct seen *s, uint64_t up, uint64_t now_ns)
{
	if (up == s->up)
		return true;
	if (!s->waits_ns)
		s->waits_ns = now_ns;
	if (now_ns - s->waits_ns < XDP_COUNT_WAIT_NS)
		return false;
	s->up = up;
	s->waits_ns = 0;
	return true;
}

uint32_t xdp_counter_rest(struct xdp_counter *c, uint64_t now_ns, struct sp_msg *out,
			  uint32_t max)
{
	uint32_t n = 0;

	if (now_ns < c->look_ns)
		return 0;
	c->look_ns = now_ns + XDP_COUNT_LOOK_NS;
	for (uint32_t i = 0; i < c->n_used && n + 2 <= max; i++) {
		uint32_t place = c->used[c->turn++ % c->n_used];
		struct xdp_count now;

		if (!look(&c->flow[place], &now) || !may_tell(&c->seen[place], now.up, now_ns))
			continue;
		n += tell(c, place, now.from, now.base, now.counted,
			  now.last_ns ? now.last_ns : now_ns, &out[n]);
	}
	return n;
}
