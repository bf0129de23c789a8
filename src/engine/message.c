#include "engine/message.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "engine/opener.h"

struct message {
	const struct sp_proto *p;
	struct sp_txn txn;
	uint32_t size, head_len, opener_len;
	uint32_t off; /* written of opener, head and rest together */
	bool busy, used;
	uint8_t head[SP_MESSAGE_HEAD], opener[SP_OPENER_LEN];
};

/* What of a piece at [at, at + len) of the whole is still to be written. */
static void put_piece(const struct message *m, uint32_t at, const uint8_t *data, uint32_t len,
		      struct sp_wish *w)
{
	uint32_t skip = m->off > at ? m->off - at : 0;

	if (skip < len)
		sp_wish_out(w, data + skip, len - skip);
}

static void wish(struct message *m, struct sp_wish *w)
{
	sp_wish_clear(w);
	if (!m->busy) {
		w->flags = !m->used || !m->p->each ? SP_WISH_READY : SP_WISH_CLOSE;
		return;
	}
	put_piece(m, 0, m->opener, m->opener_len, w);
	put_piece(m, m->opener_len, m->head, m->head_len, w);
	put_piece(m, m->opener_len + m->head_len, m->p->payload, m->size - m->head_len, w);
}

static void message_init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	struct message *m = st;

	(void)now_ns;
	*m = (struct message){ .p = p };
	wish(m, w);
}

static void put_stamp(struct message *m, const struct sp_token *t, uint64_t now_ns)
{
	struct sp_msg msg = { .data = m->head,
			      .t_ns = t->intended_ns,
			      .len = SP_MESSAGE_HEAD,
			      .flow = m->p->flow,
			      .stamp_off = SP_MESSAGE_HEAD - SP_MESSAGE_STAMP };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &msg };

	sp_put_be32(m->head, t->size);
	m->p->stamp->put(&b, 0, m->p->flows, now_ns);
}

static int message_start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	struct message *m = st;
	struct sp_opener o = { .kind = SP_OPEN_MESSAGES, .flow = m->p->flow_id };

	if (m->busy || (m->used && m->p->each))
		return -EAGAIN;
	m->opener_len = 0;
	m->head_len = 0;
	m->off = 0;
	m->size = t->size;
	if (m->p->stamp) {
		put_stamp(m, t, now_ns);
		m->head_len = SP_MESSAGE_HEAD;
		if (!m->used) {
			sp_opener_put(&o, m->opener);
			m->opener_len = SP_OPENER_LEN;
		}
	}
	m->txn = (struct sp_txn){ .intended_ns = t->intended_ns, .start_ns = now_ns };
	m->busy = true;
	m->used = true;
	wish(m, w);
	return 0;
}

static size_t message_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
			    struct sp_wish *w)
{
	(void)data, (void)now_ns;
	wish(st, w);
	return len; /* a receiver that answers is not listened to */
}

static void message_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct message *m = st;
	bool done;

	m->off += (uint32_t)n;
	done = m->busy && m->off == m->opener_len + m->size;
	if (done) {
		m->busy = false;
		m->txn.sent_ns = now_ns;
		m->txn.end_ns = now_ns;
		m->txn.tx_bytes = m->size;
	}
	wish(m, w);
	w->sent = done;
	w->done = done;
}

static void message_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	(void)now_ns;
	wish(st, w);
}

/* The receiver has closed its side: what we send may still be read, until it says no. */
static void message_eof(void *st, size_t left, uint64_t now_ns, struct sp_wish *w)
{
	struct message *m = st;

	(void)left, (void)now_ns;
	wish(m, w);
	if (!m->busy)
		w->flags = SP_WISH_CLOSE;
}

static void message_closed(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
			   struct sp_wish *w)
{
	struct message *m = st;
	uint32_t before = m->opener_len;

	sp_wish_clear(w);
	if (!m->busy)
		return;
	m->busy = false;
	m->txn.why = (uint8_t)why;
	m->txn.reason = reason;
	m->txn.end_ns = now_ns;
	m->txn.tx_bytes = m->off > before ? m->off - before : 0;
	w->done = 1;
}

static void message_outcome(void *st, struct sp_txn *t)
{
	*t = ((const struct message *)st)->txn;
}

const struct sp_proto_ops sp_message_ops = {
	.name = "message",
	.summary = "messages of a size, without answers",
	.abi = SP_PLUGIN_ABI,
	.roles = 1u << SP_ROLE_CLIENT,
	.state_size = sizeof(struct message),
	.init = message_init,
	.start = message_start,
	.on_bytes = message_bytes,
	.on_wrote = message_wrote,
	.on_timer = message_timer,
	.on_eof = message_eof,
	.on_close = message_closed,
	.outcome = message_outcome,
};
