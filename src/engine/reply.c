#include "engine/reply.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "core/shared.h"
#include "pkt/ask.h"

#define UDP 8u
#define TTL 64u

int sp_replies_init(struct sp_replies *p, const struct sp_mem *mem, uint32_t n)
{
	p->r = sp_alloc_array(mem, n, sizeof *p->r);
	p->tx.m = sp_alloc_array(mem, SP_BATCH_MAX, sizeof *p->tx.m);
	p->tx.cap = SP_BATCH_MAX;
	p->room = p->frames ? NULL : sp_alloc_array(mem, SP_REPLY_BURST, SP_REPLY_ROOM);
	p->n = p->r ? n : 0;
	return p->r && p->tx.m && (p->frames || p->room) ? 0 : -ENOMEM;
}

void sp_replies_fini(struct sp_replies *p, const struct sp_mem *mem)
{
	for (uint32_t i = 0; i < p->n; i++)
		sp_free(mem, p->r[i].st);
	sp_free(mem, p->r);
	sp_free(mem, p->tx.m);
	sp_free(mem, p->room);
	*p = (struct sp_replies){ 0 };
}

/* How many bytes may answer len bytes from there, where there is room for cap? */
static uint32_t allowed(const struct sp_proto_ops *ops, uint32_t len, uint32_t cap,
			const struct sp_addr *from)
{
	bool more = ops->grows == SP_GROWS_PROVEN ||
		    (ops->grows == SP_GROWS_OWN && from && sp_addr_is_own(from));

	return more || len > cap ? cap : len;
}

/* ---- frames ---- */

/* A machine of payloads behind Ethernet, IP and UDP. */
static bool through_udp(struct sp_responder *r, const struct sp_ask *a, const struct sp_msg *m,
			struct sp_msg *out, uint64_t now_ns)
{
	uint32_t head = sp_answer_head_len(a) + UDP, len;
	struct sp_msg in = *m, reply = *out;
	uint16_t from, to;
	uint8_t *l4;

	if (!a->l4 || a->proto != SP_ASK_UDP || a->l4_len < UDP || head > out->len)
		return false;
	from = sp_get_be16(a->l4);
	to = sp_get_be16(a->l4 + 2);
	len = sp_get_be16(a->l4 + 4);
	if (len < UDP || len > a->l4_len || to < r->first || to > r->last || from == to ||
	    !from || !sp_ask_from_one(a) || !sp_ask_to_one(a) ||
	    !sp_prefixes_have(&r->own->at, &a->dst) || !sp_ask_intact(a, m->flags))
		return false;
	in.data = m->data + (a->l4 - m->data) + UDP;
	in.len = len - UDP;
	reply.data = out->data + head;
	reply.len = allowed(r->ops, in.len, out->len - head, &a->src);
	if (!r->ops->on_msg(r->st, &in, &reply, now_ns))
		return false;
	l4 = reply.data - UDP;
	sp_put_be16(l4, to);
	sp_put_be16(l4 + 2, from);
	sp_put_be16(l4 + 4, (uint16_t)(UDP + reply.len));
	sp_put_be16(l4 + 6, 0);
	out->len = sp_answer_seal(a, r->own->mac, &a->dst, TTL, out->data, UDP + reply.len, 6);
	return true;
}

static bool answer_frame(struct sp_responder *r, const struct sp_ask *a, const struct sp_msg *m,
			 struct sp_msg *out, uint64_t now_ns)
{
	struct sp_msg reply = *out;

	if (r->ops->takes == SP_REPLY_PAYLOAD)
		return through_udp(r, a, m, out, now_ns);
	reply.len = allowed(r->ops, m->len, out->len, NULL);
	if (!r->ops->on_msg(r->st, m, &reply, now_ns))
		return false;
	out->len = reply.len;
	return true;
}

/* The first machine that has something to say. */
static bool ask_frames(struct sp_replies *p, const struct sp_msg *m, struct sp_msg *out,
		       uint8_t *who, uint64_t now_ns)
{
	struct sp_ask a;

	if (m->flags & SP_M_TRUNC || sp_ask_read(m->data, m->len, &a))
		return false;
	for (uint32_t i = 0; i < p->n; i++) {
		*who = (uint8_t)i;
		if (answer_frame(&p->r[i], &a, m, out, now_ns))
			return true;
	}
	return false;
}

/* ---- sockets ---- */

static bool ask_sockets(struct sp_replies *p, const struct sp_msg *m, struct sp_msg *out,
			uint8_t *who, uint64_t now_ns)
{
	struct sp_endpoint from, local;

	if (m->ep == SP_NO_FLOW || p->transport->peer(p->q, m->ep, &from, &local) ||
	    !from.port || from.port == local.port)
		return false;
	for (uint32_t i = 0; i < p->n; i++) {
		struct sp_responder *r = &p->r[i];
		struct sp_msg reply = *out;

		reply.len = allowed(r->ops, m->len, out->len, &from.addr);
		*who = (uint8_t)i;
		if (!r->ops->on_msg(r->st, m, &reply, now_ns))
			continue;
		out->len = reply.len;
		out->ep = m->ep;
		return true;
	}
	return false;
}

/* ---- both ---- */

/* Buffers for answers into p->tx; how many. */
static uint32_t lend(struct sp_replies *p, uint32_t n)
{
	if (n > SP_REPLY_BURST)
		n = SP_REPLY_BURST;
	if (p->frames)
		return p->transport->tx_slots(p->q, &p->tx, n, p->max_len, 0);
	for (uint32_t i = 0; i < n; i++)
		p->tx.m[i] = (struct sp_msg){ .data = p->room + (size_t)i * SP_REPLY_ROOM,
					      .stamp_off = SP_NO_STAMP };
	return n;
}

/* How many of p->tx left. */
static uint32_t send(struct sp_replies *p)
{
	uint32_t at = 0;

	if (!p->frames)
		return p->transport->answer(p->q, &p->tx);
	while (at < p->tx.n) {
		int n = p->transport->tx_burst(p->q, &p->tx, at, false);

		if (n <= 0)
			break;
		at += (uint32_t)n;
	}
	return at;
}

static void account(struct sp_replies *p, uint32_t left)
{
	for (uint32_t i = 0; i < p->tx.n; i++) {
		struct sp_responder *r = &p->r[p->who[i]];

		if (i < left) {
			SP_ADD(r->replies, 1);
			SP_ADD(r->bytes, p->tx.m[i].len);
		} else {
			SP_ADD(r->refused, 1);
		}
	}
}

void sp_replies_burst(struct sp_replies *p, const struct sp_batch *rx, uint64_t now_ns)
{
	uint32_t i = 0, lent, n, room = p->frames ? p->max_len : SP_REPLY_ROOM;

	while (i < rx->n) {
		lent = lend(p, rx->n - i);
		if (!lent)
			return;
		for (n = 0; n < lent && i < rx->n; i++) {
			struct sp_msg *out = &p->tx.m[n];
			bool says;

			out->len = room;
			says = p->frames ? ask_frames(p, &rx->m[i], out, &p->who[n], now_ns)
					 : ask_sockets(p, &rx->m[i], out, &p->who[n], now_ns);
			n += says;
		}
		p->tx.n = n;
		if (n)
			account(p, send(p));
	}
}
