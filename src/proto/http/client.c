#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "proto/http/machine.h"

static uint64_t request_length(const struct sp_http_client *c)
{
	return c->proto->request.len + c->n_number + c->body;
}

static void wish(struct sp_http_client *c, struct sp_wish *w)
{
	sp_wish_clear(w);
	if (c->state == SP_HTTP_IDLE) {
		w->flags = SP_WISH_READY;
		return;
	}
	if (c->state == SP_HTTP_SPENT) {
		w->flags = c->reset ? SP_WISH_RESET : SP_WISH_CLOSE;
		return;
	}
	w->timer_ns = c->deadline_ns;
	if (c->written < request_length(c))
		sp_http_put(w, c->proto, &c->proto->request, c->number, c->n_number, c->body,
			    c->written);
}

void sp_http_client_init(struct sp_http_client *c, const struct sp_proto *p, struct sp_wish *w)
{
	*c = (struct sp_http_client){ .proto = p };
	wish(c, w);
}

/* "123\r\n\r\n" */
static void write_number(struct sp_http_client *c, uint32_t v)
{
	uint8_t *end = c->number + sizeof c->number, *p = end - 4;

	memcpy(p, "\r\n\r\n", 4);
	do
		*--p = (uint8_t)('0' + v % 10);
	while (v /= 10);
	c->n_number = (uint8_t)(end - p);
	memmove(c->number, p, c->n_number);
}

int sp_http_client_start(struct sp_http_client *c, const struct sp_token *t, uint64_t now_ns,
			 struct sp_wish *w)
{
	const struct sp_proto *p = c->proto;

	if (c->state != SP_HTTP_IDLE)
		return -EAGAIN;
	sp_http_in_init(&c->in, false, UINT64_MAX);
	c->intended_ns = t->intended_ns;
	c->start_ns = now_ns;
	c->deadline_ns = now_ns + p->conf.timeout_ns;
	c->sent_ns = c->first_ns = c->end_ns = 0;
	c->written = c->rx_bytes = 0;
	c->body = p->request.body;
	if (p->varies) {
		c->body = t->size;
		write_number(c, t->size);
	}
	c->why = SP_WHY_NONE;
	c->reason = NULL;
	c->txn_flags = 0;
	c->state = SP_HTTP_BUSY;
	wish(c, w);
	return 0;
}

/* The unit under way is over. */
static void finish(struct sp_http_client *c, enum sp_why why, const char *reason,
		   uint64_t now_ns, bool keep)
{
	c->end_ns = now_ns;
	c->why = (uint8_t)why;
	c->reason = reason;
	c->served++;
	c->state = keep ? SP_HTTP_IDLE : SP_HTTP_SPENT;
}

static void finish_bad(struct sp_http_client *c, enum sp_http_bad bad, uint64_t now_ns)
{
	const struct sp_http_fault *f = sp_http_fault_of(bad);

	c->reset = true;
	finish(c, f->why, f->reason, now_ns, false);
}

/* The answer is complete. One that came before the whole request was written answers it all the
 * same, but nothing can follow it (RFC 9112 9.5). */
static void finish_whole(struct sp_http_client *c, uint64_t now_ns, bool keep,
			 struct sp_wish *w)
{
	const struct sp_http_head *h = &c->in.head;
	bool error = h->status >= 400;

	if (!c->sent_ns) {
		c->sent_ns = now_ns;
		w->sent = 1;
		keep = false;
	}
	c->txn_flags = SP_TXN_WHOLE;
	finish(c, error ? SP_WHY_STATUS : SP_WHY_NONE,
	       error ? "the server answered with an error status" : NULL, now_ns,
	       keep && !c->proto->conf.close);
}

/* RFC 9112 6.3. */
static enum sp_http_bad take_head(struct sp_http_client *c)
{
	const struct sp_http_head *h = &c->in.head;
	enum sp_http_frame frame = SP_HTTP_BY_EOF;

	if (h->status == 101)
		return SP_HTTP_BAD_SWITCH;
	if (h->status < 200) {
		sp_http_in_init(&c->in, false, UINT64_MAX);
		return SP_HTTP_FINE;
	}
	if (c->proto->method == SP_HTTP_HEAD || h->status == 204 || h->status == 304)
		frame = SP_HTTP_NO_BODY;
	else if (h->flags & SP_HTTP_CHUNKED)
		frame = SP_HTTP_BY_CHUNKS;
	else if (h->flags & SP_HTTP_LENGTH && !(h->flags & SP_HTTP_CODED))
		frame = SP_HTTP_BY_LENGTH;
	return sp_http_in_body(&c->in, frame);
}

/* After an answer that named its length twice the connection is not used again. */
static bool keeps(const struct sp_http_head *h)
{
	return sp_http_keeps(h) &&
	       !(h->flags & SP_HTTP_LENGTH && h->flags & (SP_HTTP_CHUNKED | SP_HTTP_CODED));
}

size_t sp_http_client_bytes(struct sp_http_client *c, const uint8_t *data, size_t len,
			    uint64_t now_ns, struct sp_wish *w)
{
	const uint8_t *p = data, *end = data + len;
	uint16_t sent = 0, done = 0;
	int r = 0;

	if (c->state != SP_HTTP_BUSY) {
		/* Bytes that nobody asked for must not be taken for the next answer. */
		c->state = SP_HTTP_SPENT;
		wish(c, w);
		return len;
	}
	if (!c->first_ns)
		c->first_ns = now_ns;
	while (r >= 0 && (r = sp_http_in_bytes(&c->in, &p, end)) == SP_HTTP_AT_HEAD) {
		r = -(int)take_head(c);
		if (!r && c->in.phase == SP_HTTP_AT_WHOLE)
			r = SP_HTTP_AT_WHOLE;
		if (r)
			break;
	}
	c->rx_bytes += (uint64_t)(p - data);
	if (r < 0) {
		finish_bad(c, (enum sp_http_bad) - r, now_ns);
		done = 1;
	} else if (r == SP_HTTP_AT_WHOLE) {
		w->sent = 0;
		finish_whole(c, now_ns, keeps(&c->in.head), w);
		sent = w->sent;
		done = 1;
	}
	wish(c, w);
	w->sent = sent;
	w->done = done;
	return (size_t)(p - data);
}

void sp_http_client_wrote(struct sp_http_client *c, size_t n, uint64_t now_ns,
			  struct sp_wish *w)
{
	uint16_t sent = 0;

	if (c->state == SP_HTTP_BUSY && n) {
		c->written += n;
		if (!c->sent_ns && c->written >= request_length(c)) {
			c->sent_ns = now_ns;
			sent = 1;
		}
	}
	wish(c, w);
	w->sent = sent;
}

void sp_http_client_timer(struct sp_http_client *c, uint64_t now_ns, struct sp_wish *w)
{
	uint16_t done = 0;

	if (c->state == SP_HTTP_BUSY && now_ns >= c->deadline_ns) {
		c->reset = true;
		finish(c, SP_WHY_TIMEOUT, "no complete answer came in time", now_ns, false);
		done = 1;
	}
	wish(c, w);
	w->done = done;
}

/* RFC 9110 9.2.2: may be sent twice. */
static bool idempotent(unsigned method)
{
	return method != SP_HTTP_POST && method != SP_HTTP_PATCH;
}

static void mark_retry(struct sp_http_client *c)
{
	if (c->served && !c->first_ns && idempotent(c->proto->method))
		c->txn_flags = SP_TXN_RETRY;
}

void sp_http_client_eof(struct sp_http_client *c, size_t left, uint64_t now_ns,
			struct sp_wish *w)
{
	uint16_t sent = 0, done = c->state == SP_HTTP_BUSY;

	if (done && c->in.phase == SP_HTTP_AT_EOF && !left) {
		w->sent = 0;
		finish_whole(c, now_ns, false, w);
		sent = w->sent;
	} else if (done) {
		mark_retry(c);
		finish(c, SP_WHY_RESET,
		       c->first_ns ? "the server ended in the middle of its answer"
				   : "the server closed the connection without an answer",
		       now_ns, false);
	}
	c->state = SP_HTTP_SPENT;
	wish(c, w);
	w->sent = sent;
	w->done = done;
}

void sp_http_client_gone(struct sp_http_client *c, enum sp_why why, const char *reason,
			 uint64_t now_ns, struct sp_wish *w)
{
	uint16_t done = c->state == SP_HTTP_BUSY;

	if (done) {
		if (why == SP_WHY_RESET)
			mark_retry(c);
		finish(c, why, reason, now_ns, false);
	}
	c->state = SP_HTTP_SPENT;
	wish(c, w);
	w->done = done;
}

void sp_http_client_outcome(const struct sp_http_client *c, struct sp_txn *t)
{
	*t = (struct sp_txn){
		.intended_ns = c->intended_ns,
		.start_ns = c->start_ns,
		.sent_ns = c->sent_ns,
		.first_ns = c->first_ns,
		.end_ns = c->end_ns,
		.tx_bytes = c->written,
		.rx_bytes = c->rx_bytes,
		.body_bytes = c->in.body,
		.status = c->in.phase > SP_HTTP_AT_FIELDS ? c->in.head.status : 0,
		.why = c->why,
		.flags = c->txn_flags,
		.reason = c->reason,
	};
}
