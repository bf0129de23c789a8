#include "capio/defrag.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "capio/waiting.h"
#include "pkt/csum.h"

#define MEMORY	   (4u << 20)
#define PATIENCE   60000000000 /* ns: RFC 8200 4.5 */
#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define MOST	   65535u

struct entry {
	struct sp_addr src, dst;
	uint32_t id;
	uint8_t proto; /* IPv4's key; IPv6: what the first fragment says */
	bool used, given_up;
	uint32_t fragments;
	uint32_t total; /* octets; 0: the last fragment has not come */
	uint32_t have;
	int64_t first_ns;
	uint64_t order;
	struct sp_waiting waiting;
};

struct sp_defrag {
	const struct sp_mem *mem;
	size_t most, memory;
	uint64_t order;
	struct sp_defrag_odd odd;
	struct entry entry[SP_DEFRAG_PACKETS];
	uint8_t whole[IP6_HEADER + MOST];
};

int sp_defrag_new(struct sp_defrag **out, size_t memory, const struct sp_mem *mem)
{
	struct sp_defrag *d = sp_alloc(mem, sizeof *d);

	*out = d;
	if (!d)
		return -ENOMEM;
	d->mem = mem;
	d->most = memory ? memory : MEMORY;
	return 0;
}

static void forget(struct sp_defrag *d, struct entry *e)
{
	d->memory -= e->waiting.memory;
	sp_waiting_drop(&e->waiting, d->mem);
	e->used = false;
}

static void lose(struct sp_defrag *d, struct entry *e)
{
	d->odd.lost += e->fragments;
	forget(d, e);
}

static bool is_of(const struct entry *e, const struct sp_view *v)
{
	return e->used && e->id == v->frag_id && sp_addr_eq(&e->src, &v->src.addr) &&
	       sp_addr_eq(&e->dst, &v->dst.addr) &&
	       (v->src.addr.family == 6 || e->proto == v->proto);
}

/* The entry of a fragment's packet, a new one if there is none: then the oldest goes if need be. */
static struct entry *find(struct sp_defrag *d, const struct sp_view *v, int64_t t_ns)
{
	struct entry *oldest = &d->entry[0];

	for (unsigned i = 0; i < SP_DEFRAG_PACKETS; i++) {
		struct entry *e = &d->entry[i];

		if (e->used && t_ns - e->first_ns > PATIENCE)
			lose(d, e);
		if (is_of(e, v))
			return e;
		if (oldest->used && (!e->used || e->order < oldest->order))
			oldest = e;
	}
	if (oldest->used)
		lose(d, oldest);
	*oldest = (struct entry){
		.src = v->src.addr,
		.dst = v->dst.addr,
		.id = v->frag_id,
		.proto = v->proto,
		.used = true,
		.first_ns = t_ns,
		.order = ++d->order,
	};
	return oldest;
}

/* The oldest packets go until there is room for one more fragment; this one is kept. */
static void make_room(struct sp_defrag *d, const struct entry *kept)
{
	while (d->memory > d->most) {
		struct entry *oldest = NULL;

		for (unsigned i = 0; i < SP_DEFRAG_PACKETS; i++)
			if (d->entry[i].waiting.n && &d->entry[i] != kept &&
			    (!oldest || d->entry[i].order < oldest->order))
				oldest = &d->entry[i];
		if (!oldest)
			return; /* one packet is at most 64 KiB and its pieces */
		lose(d, oldest);
	}
}

/* Its fragments no longer matter; the entry stays, so that later ones are known. */
static void give_up(struct sp_defrag *d, struct entry *e, uint64_t *why)
{
	(*why)++;
	e->given_up = true;
	d->memory -= e->waiting.memory;
	sp_waiting_drop(&e->waiting, d->mem);
}

/* Puts a fragment's octets in. */
static int store(struct sp_defrag *d, struct entry *e, const struct sp_view *v,
		 const uint8_t *data, uint32_t len)
{
	size_t before = e->waiting.memory;
	struct sp_waiting_note note;
	uint32_t end = v->frag_off + len;
	int rc;

	if ((!v->more && e->total && e->total != end) || (e->total && end > e->total) ||
	    (!v->more && e->waiting.last &&
	     e->waiting.last->off + e->waiting.last->len > end)) {
		give_up(d, e, &d->odd.overlapping);
		return 0;
	}
	rc = sp_waiting_put(&e->waiting, d->mem, v->frag_off, data, len, &note);
	d->memory += e->waiting.memory - before;
	if (!v->more)
		e->total = end;
	if (rc)
		return rc;
	/* All of it was there before: it came twice. */
	if (note.overlaps && (note.news || note.differing))
		give_up(d, e, &d->odd.overlapping);
	else if (note.news)
		e->have += len;
	if (!e->given_up && e->waiting.n > SP_WAITING_MOST)
		give_up(d, e, &d->odd.too_long);
	make_room(d, e);
	return 0;
}

/* IP in front of the octets of all pieces. */
static uint32_t join(struct sp_defrag *d, const struct entry *e)
{
	uint32_t head = e->src.family == 4 ? IP4_HEADER : IP6_HEADER;
	uint8_t *h = d->whole;
	uint16_t sum;

	memset(h, 0, head);
	if (head == IP4_HEADER) {
		h[0] = 0x45;
		sp_put_be16(h + 2, (uint16_t)(head + e->total));
		h[8] = 64;
		h[9] = e->proto;
		memcpy(h + 12, e->src.ip, 4);
		memcpy(h + 16, e->dst.ip, 4);
		sum = sp_csum_finish(sp_csum_add(0, h, head));
		memcpy(h + 10, &sum, sizeof sum);
	} else {
		h[0] = 0x60;
		sp_put_be16(h + 4, (uint16_t)e->total);
		h[6] = e->proto;
		h[7] = 64;
		memcpy(h + 8, e->src.ip, 16);
		memcpy(h + 24, e->dst.ip, 16);
	}
	for (const struct sp_piece *p = e->waiting.first; p; p = p->next)
		memcpy(h + head + p->off, p->data, p->len);
	return head + e->total;
}

int sp_defrag_put(struct sp_defrag *d, const struct sp_cap_packet *p,
		  const struct sp_cap_view *c, struct sp_cap_packet *out,
		  struct sp_cap_view *view)
{
	const struct sp_view *v = &c->v;
	uint32_t head = v->src.addr.family == 4 ? IP4_HEADER : 0;
	uint32_t len = v->l3_off + v->l3_len - v->frag_at;
	struct entry *e;
	int rc;

	d->odd.fragments++;
	e = find(d, v, p->t_ns);
	e->fragments++;
	if (e->given_up || !v->frag_at)
		return 0;
	if (v->src.addr.family == 6 && !v->frag_off)
		e->proto = p->data[v->frag_at - 8];
	if (v->frag_off + len > MOST - head) {
		give_up(d, e, &d->odd.too_long);
		return 0;
	}
	if (!len || v->frag_at + len > p->len || (v->more && len % 8))
		return 0;
	rc = store(d, e, v, p->data + v->frag_at, len);
	if (rc || e->given_up || !e->total || e->have < e->total)
		return rc;
	*out = *p;
	out->link = SP_LINK_RAW;
	out->data = d->whole;
	out->len = out->orig_len = join(d, e);
	out->fcs_len = 0;
	sp_cap_view(out, view);
	forget(d, e);
	return 1;
}

void sp_defrag_finish(struct sp_defrag *d)
{
	for (unsigned i = 0; i < SP_DEFRAG_PACKETS; i++)
		if (d->entry[i].used)
			lose(d, &d->entry[i]);
}

const struct sp_defrag_odd *sp_defrag_odd(const struct sp_defrag *d)
{
	return &d->odd;
}

void sp_defrag_free(struct sp_defrag *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < SP_DEFRAG_PACKETS; i++)
		sp_waiting_drop(&d->entry[i].waiting, d->mem);
	sp_free(d->mem, d);
}
