#include "core/clock.h"
#include "proto/http/machine.h"

#define LINGER_NS   (2 * SP_NS_PER_S)
/* A body may come slowly, but not for ever: at least 500 bytes a second (see body_time). */
#define NS_PER_BYTE (2 * SP_NS_PER_MS)

static uint64_t later(uint64_t now_ns, uint64_t wait_ns)
{
	return wait_ns > UINT64_MAX - now_ns ? SP_NEVER : now_ns + wait_ns;
}

/* A request has begun and is not complete. */
static bool under_way(const struct sp_http_server *s)
{
	return s->state == SP_HTTP_READING && s->start_ns && s->in.phase != SP_HTTP_AT_WHOLE;
}

static void wish(const struct sp_http_server *s, struct sp_wish *w)
{
	uint64_t at = s->written;

	sp_wish_clear(w);
	for (unsigned i = 0; i < s->n_queue; i++) {
		const struct sp_http_ready *r = &s->proto->answer[s->queue[i]];

		if (!sp_http_put(w, s->proto, r, NULL, 0, r->body, at))
			break;
		at = 0;
	}
	w->timer_ns = s->deadline_ns;
	switch (s->state) {
	case SP_HTTP_READING:
		/* There must be room for a 100 and an answer. */
		if (s->n_queue + 2u > SP_HTTP_QUEUE)
			w->flags = SP_WISH_HOLD;
		break;
	case SP_HTTP_WAITING:
		w->flags = SP_WISH_HOLD;
		if (s->release_ns < w->timer_ns || !s->n_queue)
			w->timer_ns = s->release_ns;
		break;
	case SP_HTTP_LINGER:
		w->flags = SP_WISH_SHUT;
		break;
	default:
		w->flags = SP_WISH_CLOSE;
	}
	if (s->reset)
		w->flags = SP_WISH_RESET;
}

static void push(struct sp_http_server *s, enum sp_http_answer answer)
{
	s->queue[s->n_queue++] = (uint8_t)answer;
}

/* The next request may come. */
static void renew(struct sp_http_server *s)
{
	sp_http_in_init(&s->in, true, s->proto->conf.max_body);
	s->start_ns = 0;
	s->rx_bytes = 0;
}

void sp_http_server_init(struct sp_http_server *s, const struct sp_proto *p, uint64_t now_ns,
			 struct sp_wish *w)
{
	*s = (struct sp_http_server){ .proto = p };
	renew(s);
	s->deadline_ns = later(now_ns, p->conf.head_ns);
	wish(s, w);
}

static void refuse(struct sp_http_server *s, enum sp_http_bad bad, uint64_t now_ns)
{
	const struct sp_http_fault *f = sp_http_fault_of(bad);

	s->bad = (uint8_t)bad;
	s->status = f->status;
	s->end_ns = now_ns;
	s->state = SP_HTTP_LINGER;
	s->deadline_ns = later(now_ns, LINGER_NS);
	push(s, sp_http_refusal(f->status));
}

/* RFC 9112 6.3, and what a server must refuse. */
static enum sp_http_bad take_head(struct sp_http_server *s, uint64_t now_ns)
{
	const struct sp_http_head *h = &s->in.head;
	enum sp_http_frame frame = SP_HTTP_NO_BODY;
	enum sp_http_bad bad;

	if (h->minor && !(h->flags & SP_HTTP_HOST))
		return SP_HTTP_BAD_HOST;
	if (h->flags & SP_HTTP_CHUNKED && (h->flags & SP_HTTP_LENGTH || !h->minor))
		return SP_HTTP_BAD_CODING;
	if (h->flags & SP_HTTP_CODED)
		return SP_HTTP_BAD_CODED;
	if (h->flags & SP_HTTP_CHUNKED)
		frame = SP_HTTP_BY_CHUNKS;
	else if (h->flags & SP_HTTP_LENGTH)
		frame = SP_HTTP_BY_LENGTH;
	bad = sp_http_in_body(&s->in, frame);
	if (!bad && h->flags & SP_HTTP_EXPECT && h->minor && s->in.phase != SP_HTTP_AT_WHOLE)
		push(s, SP_HTTP_CONTINUE);
	s->deadline_ns = later(now_ns, s->proto->conf.body_ns);
	return bad;
}

static enum sp_http_answer answer_to(const struct sp_http_server *s)
{
	const struct sp_http_head *h = &s->in.head;
	enum sp_http_answer a = SP_HTTP_ANSWER;

	if (s->proto->conf.close || !sp_http_keeps(h))
		a = SP_HTTP_ANSWER_CLOSE;
	else if (!h->minor)
		a = SP_HTTP_ANSWER_KEEP;
	return h->method == SP_HTTP_HEAD ? a + SP_HTTP_HEAD_ANSWER : a;
}

static void answer_now(struct sp_http_server *s, uint64_t now_ns)
{
	bool close = s->answer == SP_HTTP_ANSWER_CLOSE || s->answer == SP_HTTP_HEAD_CLOSE;

	push(s, s->answer);
	s->state = close ? SP_HTTP_CLOSING : SP_HTTP_READING;
	s->deadline_ns = later(now_ns, s->proto->conf.idle_ns);
}

/* When the answer to a request that is complete now may leave. */
static uint64_t release_time(const struct sp_http_conf *c, uint64_t now_ns)
{
	uint64_t at = later(now_ns, c->delay_ns), phase;

	if (!c->stall_ns)
		return at;
	phase = at % c->stall_every_ns;
	return phase < c->stall_ns ? at - phase + c->stall_ns : at;
}

static void take_whole(struct sp_http_server *s, uint64_t now_ns)
{
	const struct sp_http_conf *c = &s->proto->conf;

	s->bad = SP_HTTP_FINE;
	s->status = (uint16_t)c->status;
	s->end_ns = now_ns;
	s->answer = (uint8_t)answer_to(s);
	if (c->delay_ns || c->stall_ns) {
		s->release_ns = release_time(c, now_ns);
		if (s->release_ns > now_ns) {
			s->state = SP_HTTP_WAITING;
			s->deadline_ns = later(now_ns, c->idle_ns);
			return;
		}
	}
	answer_now(s, now_ns);
}

/* A slow body earns time with each byte, up to the time that it had at first. */
static void earn_time(struct sp_http_server *s, size_t n, uint64_t now_ns)
{
	uint64_t most = later(now_ns, s->proto->conf.body_ns);
	uint64_t more = later(s->deadline_ns, n * NS_PER_BYTE);

	s->deadline_ns = more < most ? more : most;
}

size_t sp_http_server_bytes(struct sp_http_server *s, const uint8_t *data, size_t len,
			    uint64_t now_ns, struct sp_wish *w)
{
	const uint8_t *p = data, *end = data + len;
	bool in_body;
	int r = 0;

	if (s->state != SP_HTTP_READING || s->n_queue + 2u > SP_HTTP_QUEUE) {
		wish(s, w);
		return w->flags & SP_WISH_HOLD ? 0 : len;
	}
	if (s->in.phase == SP_HTTP_AT_WHOLE)
		renew(s);
	if (!s->start_ns) {
		s->start_ns = now_ns;
		s->deadline_ns = later(now_ns, s->proto->conf.head_ns);
	}
	in_body = s->in.phase > SP_HTTP_AT_HEAD;
	while ((r = sp_http_in_bytes(&s->in, &p, end)) == SP_HTTP_AT_HEAD) {
		r = -(int)take_head(s, now_ns);
		if (!r && s->in.phase == SP_HTTP_AT_WHOLE)
			r = SP_HTTP_AT_WHOLE;
		if (r)
			break;
	}
	s->rx_bytes += (uint64_t)(p - data);
	if (r < 0)
		refuse(s, (enum sp_http_bad) - r, now_ns);
	else if (r == SP_HTTP_AT_WHOLE)
		take_whole(s, now_ns);
	else if (in_body)
		earn_time(s, (size_t)(p - data), now_ns);
	wish(s, w);
	w->done = r < 0 || r == SP_HTTP_AT_WHOLE;
	return (size_t)(p - data);
}

void sp_http_server_wrote(struct sp_http_server *s, size_t n, uint64_t now_ns,
			  struct sp_wish *w)
{
	s->written += n;
	while (s->n_queue) {
		const struct sp_http_ready *r = &s->proto->answer[s->queue[0]];
		uint64_t whole = r->len + r->body;

		if (s->written < whole)
			break;
		s->written -= whole;
		s->n_queue--;
		for (unsigned i = 0; i < s->n_queue; i++)
			s->queue[i] = s->queue[i + 1];
	}
	if (n && !under_way(s) && s->state != SP_HTTP_LINGER)
		s->deadline_ns = later(now_ns, s->proto->conf.idle_ns);
	wish(s, w);
}

void sp_http_server_timer(struct sp_http_server *s, uint64_t now_ns, struct sp_wish *w)
{
	uint16_t done = 0;

	if (s->state == SP_HTTP_WAITING && now_ns >= s->release_ns)
		answer_now(s, now_ns);
	if (now_ns >= s->deadline_ns && (s->n_queue || s->state != SP_HTTP_WAITING)) {
		if (s->n_queue) {
			s->reset = true; /* it does not read */
		} else if (under_way(s)) {
			refuse(s, SP_HTTP_LATE, now_ns);
			done = 1;
		} else {
			s->state = SP_HTTP_CLOSING;
		}
	}
	wish(s, w);
	w->done = done;
}

void sp_http_server_eof(struct sp_http_server *s, size_t left, uint64_t now_ns,
			struct sp_wish *w)
{
	uint16_t done = 0;

	(void)left;
	if (under_way(s)) {
		s->bad = SP_HTTP_CUT;
		s->status = 0;
		s->end_ns = now_ns;
		done = 1;
	}
	/* A client may end its direction and wait for the answer. */
	if (s->state == SP_HTTP_WAITING)
		s->answer = s->answer >= SP_HTTP_HEAD_ANSWER ? SP_HTTP_HEAD_CLOSE
							     : SP_HTTP_ANSWER_CLOSE;
	else
		s->state = SP_HTTP_CLOSING;
	wish(s, w);
	w->done = done;
}

void sp_http_server_gone(struct sp_http_server *s, enum sp_why why, const char *reason,
			 uint64_t now_ns, struct sp_wish *w)
{
	uint16_t done = 0;

	(void)reason;
	if (under_way(s) && why != SP_WHY_STOPPED) {
		s->bad = why == SP_WHY_TIMEOUT ? SP_HTTP_LATE : SP_HTTP_CUT;
		s->status = 0;
		s->end_ns = now_ns;
		done = 1;
	}
	s->n_queue = 0;
	s->state = SP_HTTP_CLOSING;
	wish(s, w);
	w->done = done;
}

void sp_http_server_outcome(const struct sp_http_server *s, struct sp_txn *t)
{
	const struct sp_http_fault *f = sp_http_fault_of(s->bad);

	*t = (struct sp_txn){
		.start_ns = s->start_ns,
		.end_ns = s->end_ns,
		.rx_bytes = s->rx_bytes,
		.body_bytes = s->in.body,
		.status = s->status,
		.why = f->why,
		.flags = s->bad ? 0 : SP_TXN_WHOLE,
		.reason = f->reason,
	};
}
