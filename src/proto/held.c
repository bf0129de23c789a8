#include "proto/held.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/shared.h"

void sp_held_init(struct sp_held *h, uint64_t gap_ns, uint64_t *said, uint64_t now_ns)
{
	memset(h, 0, offsetof(struct sp_held, ring));
	h->gap_ns = gap_ns;
	h->said = said;
	h->begun_ns = h->next_ns = now_ns;
	SP_STORE(*said, 0);
}

struct sp_wr sp_held_room(struct sp_held *h)
{
	return sp_wr_of(h->out + h->len, sizeof h->out - h->len);
}

bool sp_held_filled(struct sp_held *h, const struct sp_wr *w)
{
	if (w->bad)
		return false;
	h->len = (uint32_t)(w->p - h->out);
	return true;
}

bool sp_held_ready(const struct sp_held *h, uint64_t now_ns)
{
	return !sp_held_lost(h) && now_ns >= h->next_ns && h->last - h->told < SP_HELD_UNITS &&
	       sizeof h->out - h->len >= SP_HELD_MOST;
}

static struct sp_held_unit *unit_at(struct sp_held *h, uint32_t i)
{
	return &h->ring[i % SP_HELD_UNITS];
}

void sp_held_unit(struct sp_held *h, uint32_t from, const struct sp_token *t, uint64_t now_ns)
{
	*unit_at(h, h->last++) = (struct sp_held_unit){ .intended_ns = t->intended_ns,
							.start_ns = now_ns,
							.tx_bytes = h->len - from,
							.end = h->len };
	h->next_ns = h->gap_ns ? h->next_ns + h->gap_ns : now_ns;
	h->unit++;
}

void sp_held_wish(const struct sp_held *h, struct sp_wish *w)
{
	if (h->at < h->len)
		sp_wish_out(w, h->out + h->at, h->len - h->at);
}

uint16_t sp_held_wrote(struct sp_held *h, size_t n, uint64_t now_ns)
{
	uint16_t sent = 0;

	h->at += (uint32_t)n;
	for (; h->sent != h->last && unit_at(h, h->sent)->end <= h->at; h->sent++, sent++)
		unit_at(h, h->sent)->sent_ns = now_ns;
	if (h->at == h->len)
		h->at = h->len = 0;
	h->left += sent;
	if (sent && !sp_held_lost(h))
		SP_STORE(*h->said, h->left);
	return sent;
}

/* ---- the end ---- */

void sp_held_lose(struct sp_held *h, enum sp_why why, const char *format, ...)
{
	va_list args;

	if (sp_held_lost(h))
		return;
	h->why = (uint8_t)why;
	va_start(args, format);
	vsnprintf(h->reason, sizeof h->reason, format, args);
	va_end(args);
	SP_STORE(*h->said, 0);
}

uint16_t sp_held_fail(struct sp_held *h, enum sp_why why, const char *reason, uint64_t now_ns)
{
	uint32_t failed = h->last - h->sent;

	h->at = h->len = 0;
	h->sent = h->last;
	h->unit_why = (uint8_t)why;
	h->unit_reason = reason;
	h->failed_ns = now_ns;
	return (uint16_t)failed;
}

void sp_held_on_close(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		      struct sp_wish *w)
{
	struct sp_held *h = st;

	if (why != SP_WHY_STOPPED && why != SP_WHY_NONE)
		sp_held_lose(h, why, "%s", reason ? reason : "");
	sp_wish_clear(w);
	w->done = sp_held_fail(h, why, reason, now_ns);
}

void sp_held_loss(const void *st, struct sp_loss *l)
{
	const struct sp_held *h = st;

	l->why = h->why;
	memcpy(l->text, h->reason, sizeof l->text);
}

void sp_held_outcome(void *st, struct sp_txn *t)
{
	struct sp_held *h = st;
	const struct sp_held_unit *u = unit_at(h, h->told++);

	*t = (struct sp_txn){ .intended_ns = u->intended_ns,
			      .start_ns = u->start_ns,
			      .sent_ns = u->sent_ns,
			      .end_ns = u->sent_ns ? u->sent_ns : h->failed_ns,
			      .tx_bytes = u->tx_bytes,
			      .why = u->sent_ns ? SP_WHY_NONE : h->unit_why,
			      .reason = u->sent_ns ? NULL : h->unit_reason };
}
